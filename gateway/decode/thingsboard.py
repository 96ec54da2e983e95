"""ThingsBoard telemetry: values of one device, with or without their time, or of several in the gateway API. Pure."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final

from gateway.decode.fields import Field, read_fields
from gateway.decode.said import PAYLOAD, Refused, Said, refuse, shown
from gateway.decode.times import claim_of

_GATEWAY: Final = "gateway/telemetry"
_MAX_ENTRIES: Final = 1000
_claim = claim_of("ms")


class ThingsboardReader:
    """`{…}`, `{ts, values}`, a list of those; under `…gateway/telemetry` an object of lists by device name."""

    def __init__(self, fields: tuple[Field, ...], *, is_partial: bool) -> None:
        self._fields, self._is_partial = fields, is_partial

    def read(self, topic: str, name: str, document: Any, now_ms: int) -> list[Said]:
        """What a message says; each entry has its own time."""
        if topic.endswith(_GATEWAY):
            if not isinstance(document, dict):
                return [_spoilt(name, now_ms, f"The message is {shown(document)}, not an object of devices")]
            entries = ((_name(device), one) for device, listed in document.items() for one in _listed(listed))
        else:
            entries = ((name, one) for one in _listed(document))
        return [self._said(device, one, now_ms) for (device, one), _ in zip(entries, range(_MAX_ENTRIES), strict=False)]

    def _said(self, name: str, entry: Any, now_ms: int) -> Said:
        refused: list[Refused] = []
        at_ms, claimed, values = now_ms, False, entry
        if isinstance(entry, dict) and "values" in entry and "ts" in entry:
            values = entry["values"]
            at = _claim(entry["ts"], UTC)
            if isinstance(at, int):
                at_ms, claimed = at, True
            elif at is not None:
                refused.append(at)
        if not isinstance(values, dict):
            return _spoilt(name, now_ms, f"The message holds {shown(values)}, not an object of values")
        status: dict[str, Any] = {}
        found, absent = read_fields(self._fields, values, refused, status, is_partial=self._is_partial)
        return Said(name, at_ms, claimed, found, refused, status, absent)


def _listed(document: Any) -> Iterator[Any]:
    yield from document if isinstance(document, list) else (document,)


def _name(raw: str) -> str:
    return raw[:128] if raw.isprintable() else ""


def _spoilt(name: str, now_ms: int, reason: str) -> Said:
    return Said(name, now_ms, False, refused=[refuse(PAYLOAD, "wrong_type", reason)])
