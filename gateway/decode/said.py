"""What a ready-made device said in one message: values that can be, refusals with their reason, its own state."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

PAYLOAD: Final = "payload"
"""The place of a refusal that concerns the whole message."""
_SHOWN = 60


class Value(NamedTuple):
    """One value of a metric, in the metric's unit; of a loop its raw signal."""

    metric: str
    value: float
    quality: Literal["good", "uncertain", "bad"] = "good"
    fault: str = ""
    """What is wrong with the sensor behind it: `electrical`."""


class Refused(NamedTuple):
    """One value that is none, and why; short enough for a RefusedReadings event."""

    place: str
    """The metric, or where in the message; PAYLOAD: all of it."""
    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What one device said at one time. One message may hold several (SenML, ThingsBoard)."""

    name: str
    """What the family calls the device; "" when the message does not say."""
    at_ms: int
    claimed: bool
    """The device gave the time itself; otherwise it is the time of arrival."""
    values: list[Value] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    status: Mapping[str, Any] = field(default_factory=dict)
    """About the device itself: online, battery, rssi_dbm, snr_db, firmware, clock_offset_s."""
    absent: tuple[str, ...] = ()
    """Optional metrics that this message could have carried and did not; `missing` tells which of them matter."""
    key: str = ""
    """The same when the same message comes again; "" when the family has no such id."""


def refuse(place: str, code: str, reason: str, hint: str = "") -> Refused:
    """A refusal within the lengths that the event contract allows."""
    return Refused(place[:64], code[:32], reason[:500], hint[:300])


def missing(said: Said, needed: Container[str]) -> list[Refused]:
    """A refusal for every metric in `needed` (those with a point) that the message should have carried."""
    return [
        refuse(metric, "missing", f"{metric} is not in the message", "Has the device's firmware renamed it?")
        for metric in said.absent
        if metric in needed
    ]


def shown(raw: Any) -> str:
    """A value as a person recognises it in a payload, at most 60 characters; never raises."""
    if isinstance(raw, str):
        # Not the whole of a long text; ASCII only, so that half a surrogate pair cannot spoil what stores it.
        return json.dumps(raw[:_SHOWN], ensure_ascii=not raw[:_SHOWN].isprintable())
    if isinstance(raw, dict | list):
        return f"{'an object' if isinstance(raw, dict) else 'a list'} of {len(raw)}"
    if isinstance(raw, int) and not isinstance(raw, bool) and raw.bit_length() > 200:
        return f"a whole number of {raw.bit_length()} bits"
    try:
        return json.dumps(raw)[:_SHOWN]
    except (TypeError, ValueError):
        return f"a {type(raw).__name__}"
