"""What every fire driver gives out: one signal of a panel or transmission device, before it is an event."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.contract.events import FireEvent, FireScope
from gateway.contract.times import format_at, to_ms

_FIELDS = frozenset(FireEvent.model_fields)


@dataclass(frozen=True, slots=True)
class Value:
    """An analog value in its unit; `quality` bad: outside what the protocol allows."""

    quantity: str
    value: float
    unit: str
    quality: str = "good"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that was said. Words of `state` are those of gateway.contract.events.FireState."""

    scope: FireScope
    address: str | None = None
    """The component as its panel names it: raw hex on the wire (gb26875), or `loop-point` without leading zeros."""
    state: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    complete: bool = False
    """`state` is all there is: what it does not name has ended."""
    system_type: int | None = None
    system_address: int | None = None
    component_type: int | None = None
    operations: tuple[str, ...] = ()
    """reset, silence, manual_alarm, cleared, self_test, confirm, test, duty_answer, power_on …"""
    operator: int | None = None
    panel_at: datetime | None = None
    """Aware; when it happened by the panel's clock. None: it did not say, or said nonsense."""
    values: tuple[Value, ...] = ()
    text: str = ""
    raw: bytes = b""
    """The frame or line it came in."""
    marks: tuple[str, ...] = ()
    """test_bit, bad_time, cut_text, unparsed, unknown_type, bad_count, size_mismatch, unknown_source, keyword …"""
    key: str = ""
    """The same for a retransmission; empty: the line cannot repeat itself."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What only this protocol says: versions, configuration texts, the loop and point numbers."""


class PanelDriver(Protocol):
    """A panel's protocol without I/O. `now_ms` never goes back; `feed(b"", now)` lets time pass."""

    def feed(self, data: bytes, now_ms: int) -> list[Signal]:
        """Take bytes as they come, in any portions; what is said by now."""
        ...

    def poll(self, now_ms: int) -> bytes:
        """What to send now; empty: nothing. Drivers that only listen never send."""
        ...

    def close(self, now_ms: int) -> list[Signal]:
        """The line ends here: what was still held back."""
        ...

    def is_well(self, now_ms: int) -> bool:
        """Whether the panel is heard, as far as its protocol lets anybody know."""
        ...


def signal_body(signal: Signal, panel: str | None, at_ms: int) -> dict[str, Any]:
    """The body of the fire event that a signal is; `at_ms`: when we heard it."""
    body: dict[str, Any] = {"at": format_at(at_ms), "scope": signal.scope}
    optional: dict[str, Any] = {
        "panel": panel,
        "address": signal.address,
        "state": list(signal.state),
        "ended": list(signal.ended),
        "complete": signal.complete,
        "operations": list(signal.operations),
        "values": [
            {"quantity": one.quantity, "value": one.value, "unit": one.unit, "quality": one.quality}
            for one in signal.values
        ],
        "text": signal.text[:2000],
        "raw": signal.raw[:4096].hex(),
        "marks": list(signal.marks),
        "key": signal.key,
        "panel_at": format_at(to_ms(signal.panel_at)) if signal.panel_at is not None else None,
    }
    numbers = {
        "system_type": signal.system_type,
        "system_address": signal.system_address,
        "component_type": signal.component_type,
        "operator": signal.operator,
    }
    body |= {name: value for name, value in optional.items() if value}
    body |= {name: value for name, value in numbers.items() if value is not None}
    # A word of ours for something else would make the event one that breaks its contract.
    return {name: value for name, value in signal.extra.items() if name not in _FIELDS} | body


def repeat_key(*parts: bytes) -> str:
    """A short name for what a retransmission repeats."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()
