"""SenML (RFC 8428, JSON): records with base fields, by device and time. Pure.

A record's name is `bn` + `n`. What the family calls the metric stands at its end, what is before it names the device;
where the topic names the device already, the metric may be the whole name too.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

from gateway.decode.fields import Field
from gateway.decode.said import PAYLOAD, Refused, Said, Value, refuse, shown
from gateway.decode.times import TIME, claim_of
from gateway.decode.units import line

_MAX_RECORDS: Final = 5000
_MAX_VERSION: Final = 10
_RELATIVE_BELOW: Final = 2**28
"""§4.5.3: such times count from now, in seconds."""
_SEPARATORS: Final = ":/_-. "
_WITHOUT_NAME: Final = "@"
_claim = claim_of("s")


@dataclass(slots=True)
class _Base:
    """Base values hold until a record replaces them (§4.1)."""

    name: str = ""
    time: float = 0.0
    unit: str | None = None
    value: float | None = None


@dataclass(slots=True)
class _Group:
    """What one device said at one time."""

    values: list[Value] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


class _Broken(Exception):
    """Why the whole pack has to be refused."""


class SenmlReader:
    """Reads packs of one family."""

    def __init__(self, fields: tuple[Field, ...], *, is_partial: bool) -> None:
        self._is_partial = is_partial
        self._fields = fields
        self._by_name: dict[str, list[Field]] = {}
        for one in fields:
            self._by_name.setdefault(one.wanted, []).append(one)

    def read(self, topic: str, name: str, document: Any, now_ms: int) -> list[Said]:
        """What a pack says; `topic` is not needed. Values of metrics that the family does not know are passed over."""
        groups: dict[tuple[str, int, bool], _Group] = {}
        try:
            self._records(name, document, now_ms, groups)
        except _Broken as why:
            return [Said(name, now_ms, False, refused=[refuse(PAYLOAD, "bad_senml", str(why))])]
        return [self._said(key, group) for key, group in groups.items()]

    def _records(
        self, topic_name: str, document: Any, now_ms: int, groups: dict[tuple[str, int, bool], _Group]
    ) -> None:
        if not isinstance(document, list):
            raise _Broken(f"The message is {shown(document)}, not a list of records")
        base = _Base()
        for record in document[:_MAX_RECORDS]:
            if not isinstance(record, dict):
                raise _Broken(f"A record is {shown(record)}, not an object")
            _rebase(base, record)
            name = record.get("n", "")
            if not isinstance(name, str):
                raise _Broken(f"The name of a record is {shown(name)}, not a text")
            unit = record.get("u", base.unit)
            device, fields = self._match(topic_name, base.name, name)
            raw, is_there = _raw(record, base)
            if not fields or not is_there:
                continue
            at = _at(base.time, record.get("t", 0), now_ms)
            refused = at if isinstance(at, Refused) else None
            at_ms, claimed = (now_ms, False) if isinstance(at, Refused) else at
            key = device, at_ms, claimed
            group = groups.get(key)
            if group is None:
                group = groups[key] = _Group()
            if refused is not None:
                group.refused.append(refused)
            # Of several metrics without a name of their own the unit tells which it is.
            found = next((one for one in fields if one.measures(unit)), fields[0])
            group.seen.add(found.name)
            _keep(group, found, raw, unit)

    def _match(self, topic_name: str, base: str, name: str) -> tuple[str, list[Field]]:
        """The device and the fields that a record's name stands for."""
        whole = base + name
        device = base.rstrip(_SEPARATORS)
        for candidate in (name, whole):
            if candidate in self._by_name:
                return topic_name or _clean(device), self._by_name[candidate]
        for wanted, fields in self._by_name.items():
            if whole.endswith(wanted) and whole[-len(wanted) - 1] in _SEPARATORS:
                return topic_name or _clean(whole[: -len(wanted)].rstrip(_SEPARATORS)), fields
        # A lone `n` with colons is an address, not what was measured.
        if _WITHOUT_NAME in self._by_name and (not name or (not base and ":" in name)):
            return topic_name or _clean(whole.rstrip(_SEPARATORS)), self._by_name[_WITHOUT_NAME]
        return "", []

    def _said(self, key: tuple[str, int, bool], group: _Group) -> Said:
        device, at_ms, claimed = key
        absent = []
        for one in self._fields:
            if one.name in group.seen:
                continue
            if one.required:
                group.refused.append(one.missing({}))
            elif not (self._is_partial or one.status):
                absent.append(one.name)
        return Said(device, at_ms, claimed, group.values, group.refused, group.status, tuple(absent))


def _rebase(base: _Base, record: dict[str, Any]) -> None:
    version = record.get("bver")
    if isinstance(version, int) and version > _MAX_VERSION:
        raise _Broken(f"SenML version {shown(version)} is newer than {_MAX_VERSION}")
    unknown = next((label for label in record if label.endswith("_")), None)
    if unknown is not None:
        raise _Broken(f"A record has the label {shown(unknown)}, which has to be understood")
    name = record.get("bn", base.name)
    if not isinstance(name, str):
        raise _Broken(f"The base name is {shown(name)}, not a text")
    base.name = name
    unit = record.get("bu", base.unit)
    base.unit = unit if isinstance(unit, str) else None
    time = record.get("bt", base.time)
    if isinstance(time, bool) or not isinstance(time, int | float) or not math.isfinite(_float(time)):
        raise _Broken(f"The base time is {shown(time)}, not a number")
    base.time = _float(time)
    if "bv" in record:
        value = record["bv"]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Broken(f"The base value is {shown(value)}, not a number")
        base.value = _float(value)


def _raw(record: dict[str, Any], base: _Base) -> tuple[Any, bool]:
    """The value of a record, and whether it has one: base fields may stand alone."""
    if "v" in record:
        raw = record["v"]
        if base.value is not None and isinstance(raw, int | float) and not isinstance(raw, bool):
            raw = line(_float(raw), 1.0, base.value)
        return raw, True
    for label in ("vb", "vs", "vd", "s"):
        if label in record:
            return record[label], True
    return (base.value, True) if base.value is not None and "n" in record else (None, False)


def _at(base: float, raw: Any, now_ms: int) -> tuple[int, bool] | Refused:
    """Epoch milliseconds, and whether they are the device's own; relative times count from now."""
    seconds = math.nan if isinstance(raw, bool) or not isinstance(raw, int | float) else base + _float(raw)
    if not math.isfinite(seconds):
        return refuse(TIME, "bad_time", f"time is {shown(raw)}, not a number", "The time of arrival was taken")
    if abs(seconds) < _RELATIVE_BELOW:
        # 0 is now itself; what was measured before that is the device's own claim.
        return now_ms + round(seconds * 1000), seconds != 0
    at = _claim(seconds, UTC)
    return at if isinstance(at, Refused) else (now_ms if at is None else at, at is not None)


def _float(raw: float) -> float:
    try:
        return float(raw)
    except OverflowError:
        return math.inf


def _keep(group: _Group, one: Field, raw: Any, unit: str | None) -> None:
    judged = one.judge_in(raw, unit)
    if isinstance(judged, Refused):
        group.refused.append(judged)
    elif one.status:
        group.status[one.status] = raw[:64] if one.status == "firmware" else judged.value
    else:
        group.values.append(judged)


def _clean(name: str) -> str:
    return name[:128] if name.isprintable() else ""
