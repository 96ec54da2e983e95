"""Personal data in words, masked for those who need not know. Pure."""

import re

_PHONE = re.compile(r"(?<!\d)(\d{3})\d{2,}(\d{2})(?!\d)")
_RUN = re.compile(r"[^\W\d_]{2,}")
_PLACE = frozenset("号楼栋幢单元层室座区期户东西南北")


def masked(text: str) -> str:
    """Phone numbers keep three and two digits, names their first character; room numbers stay: work goes there."""
    return _RUN.sub(_hide, _PHONE.sub(lambda found: f"{found[1]}****{found[2]}", text))


def _hide(found: re.Match[str]) -> str:
    run = found[0]
    place = next((at for at, one in enumerate(run) if one not in _PLACE), len(run))
    kept, rest = run[:place], run[place:]
    return kept + (rest[0] + "*" * min(len(rest) - 1, 2) if rest else "")
