"""Words of the patrol pages: codes, and the sentence behind a verdict. Message ids are English."""

from collections.abc import Mapping

from services.web.i18n import N_, Translate

VERDICTS = {
    "pending": N_("Pending"),
    "on_time": N_("On time"),
    "early": N_("Early"),
    "late": N_("Late"),
    "missed": N_("Missed"),
    "out_of_order": N_("Out of order"),
    "too_fast": N_("Too fast"),
    "too_slow": N_("Too slow"),
    "extra": N_("Extra"),
    "duplicate": N_("Duplicate"),
    "suspended": N_("Not counted"),
    "refused": N_("Refused"),
    "missed unconfirmed": N_("Missed, unconfirmed"),
    "missed confirmed": N_("Missed, confirmed"),
}
STATES = {
    "planned": N_("Planned"),
    "open": N_("Due"),
    "running": N_("Under way"),
    "complete": N_("Complete"),
    "incomplete": N_("Incomplete"),
    "missed": N_("Missed"),
    "unconfirmed": N_("Unconfirmed"),
    "suspended": N_("Not counted"),
}
MARKS = {
    "desk": N_("Tags tapped at a desk"),
    "same_point": N_("Same point again and again"),
    "skipped_floor": N_("Floor skipped"),
    "impossible_leg": N_("Impossible walking time"),
    "two_places": N_("One badge at two places"),
    "clock_back": N_("Clock turned back"),
    "clock_skew": N_("Clock is wrong"),
    "late_sync": N_("Delivered late"),
    "harvested": N_("Collected in advance"),
    "replay": N_("Used again"),
    "unheard_phone": N_("Before the phone was ever heard"),
    "kept_back": N_("Held back by the phone"),
    "delivered_by_other": N_("Delivered under another name"),
    "unknown_tag": N_("Unknown tag"),
    "short_of": N_("People missing"),
    "gap": N_("Gap too long"),
}
WORDS: dict[str, dict[str, str]] = {
    "patrol_verdict": VERDICTS,
    "round_state": STATES,
    "change": {**STATES, **VERDICTS},
    "mark": MARKS,
    "anomaly": {**VERDICTS, **MARKS},
    "evidence": {
        "sun": N_("Signed tag"),
        "uid_walked": N_("Tag, plausible walk"),
        "uid": N_("Tag number"),
        "qr": N_("Code scanned"),
        "manual": N_("Typed by hand"),
    },
    "evidence_why": {
        "sun": N_("The tag signed this very tap; it cannot be copied or used twice."),
        "uid_walked": N_("The tag's number was read after a walk that fits the way."),
        "uid": N_("The tag's number was read; a number can be copied."),
        "qr": N_("The printed code was scanned; a photo of it would do."),
        "manual": N_("The code was typed; nothing proves the place."),
    },
    "clock_basis": {
        "monotonic": N_("the device's running clock"),
        "offset": N_("its wall clock, corrected"),
        "claimed": N_("its wall clock, as it was"),
        "": N_("when we received it"),
    },
    "route_kind": {
        "public": N_("Public areas"),
        "building": N_("Inside buildings"),
        "garage": N_("Garage"),
        "perimeter": N_("Perimeter"),
        "fire": N_("Fire patrol"),
        "night_lighting": N_("Night lighting"),
        "must_check": N_("Daily must-check list"),
        "decoration": N_("Decoration works"),
        "vacant": N_("Vacant units"),
        "steward": N_("Steward"),
        "cleaning": N_("Cleaning"),
        "other": N_("Other"),
    },
    "patrol_view": {
        "live": N_("Live"),
        "handover": N_("Handover"),
        "requirements": N_("Requirements"),
        "anomalies": N_("Anomalies"),
        "taps": N_("Taps"),
        "report": N_("Daily report"),
        "exceptions": N_("Exceptions"),
        "month": N_("Month"),
    },
    "standing": {
        "met": N_("Met"),
        "waiting": N_("Not yet done"),
        "broken": N_("Not met"),
        "inactive": N_("Not in force"),
        "unknown": N_("Not judged yet"),
    },
    "rule_kind": {
        "max_gap": N_("Longest gap"),
        "daily": N_("Every day"),
        "weekly": N_("Every week"),
        "spot_check": N_("Spot check every week"),
        "coverage": N_("Coverage"),
    },
    "order": {"ordered": N_("in order"), "any": N_("in any order"), "freeroam": N_("free")},
}

PENDING = N_("Not due yet: on time from %(from)s to %(until)s.")
WAITING = N_("Due: on time until %(until)s, late until %(latest)s.")
ON_TIME = N_("Tapped at %(at)s, within %(from)s–%(until)s.")
EARLY = N_("Tapped at %(at)s; on time begins at %(from)s.")
NOT_BEFORE = N_("Tapped at %(at)s, but not before %(not_before)s was asked for.")
LATE = N_("Tapped at %(at)s; on time ended at %(until)s.")
OUT_OF_ORDER = N_("Tapped at %(at)s, not in the route's order.")
TOO_FAST = N_("Tapped at %(at)s: nobody walks here from the stop before in so short a time.")
TOO_SLOW = N_("Tapped at %(at)s: the way from the stop before took longer than allowed.")
LEG_FAST = N_("From %(start)s in %(took)s; nobody walks it in less than %(limit)s.")
LEG_SLOW = N_("From %(start)s it took %(took)s; %(limit)s is allowed.")
MISSED = N_("No tap between %(earliest)s and %(latest)s; the grace has ended.")
UNCONFIRMED = N_("No tap heard for %(earliest)s–%(latest)s, but a device is silent and may still deliver one.")
SUSPENDED = N_("Not counted: %(reason)s.")

_BY_VERDICT = {
    "on_time": ON_TIME,
    "early": EARLY,
    "late": LATE,
    "out_of_order": OUT_OF_ORDER,
    "too_fast": TOO_FAST,
    "too_slow": TOO_SLOW,
    "missed": MISSED,
    "suspended": SUSPENDED,
}


def sentence(verdict: str, certainty: str, rule: str, due: bool, words: Mapping[str, str], _: Translate) -> str:
    """Why a stop has its verdict; `words` holds the local times `at`, `from`, `until`, `earliest`, `latest` …"""
    if verdict == "pending":
        return _(WAITING if due else PENDING) % words
    if verdict == "missed" and certainty == "unconfirmed":
        return _(UNCONFIRMED) % words
    if verdict == "early" and words["not_before"] and rule == "not_before":
        return _(NOT_BEFORE) % words
    if words.get("took") and verdict in ("too_fast", "too_slow"):
        walk = LEG_FAST if verdict == "too_fast" else LEG_SLOW
        return _(walk) % words
    known = _BY_VERDICT.get(verdict)
    return _(known) % words if known else verdict


def also(marks: list[str], verdict: str, words: Mapping[str, str], _: Translate) -> list[str]:
    """A sentence for everything else that is wrong with a visit."""
    others = [mark for mark in marks if mark != verdict and mark in _BY_VERDICT]
    plain = {**words, "took": ""}
    return [sentence(mark, "", "", True, plain, _) for mark in others]
