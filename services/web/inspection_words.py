"""Words for the codes of inspections."""

from services.web.i18n import N_

WORDS: dict[str, dict[str, str]] = {
    "opened_by": {
        "tag": N_("tag held on"),
        "qr": N_("label scanned"),
        "list": N_("chosen from the list"),
        "desk": N_("entered at the desk"),
        "signal": N_("seen from the signals"),
    },
}
