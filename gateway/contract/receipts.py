"""Receipts: what ingest tells a publisher is stored, coalesced per device and boot."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, TypeAdapter

Span = Annotated[list[int], Field(min_length=2, max_length=2)]
"""[first, last] of sequence numbers, both stored and everything between them."""


@dataclass(slots=True)
class Receipt:
    """Event ids that are safe: ranges of sequence numbers by (device, boot), and ULIDs by device."""

    stored: dict[str, dict[str, list[Span]]] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, device: str, boot: str, seq: int, event_id: str) -> None:
        """Add one stored event; neighbours in order grow one range."""
        if not boot:
            self.ids.setdefault(device, []).append(event_id)
            return
        ranges = self.stored.setdefault(device, {}).setdefault(boot, [])
        if ranges and ranges[-1][0] <= seq <= ranges[-1][1] + 1:
            ranges[-1][1] = max(ranges[-1][1], seq)
        else:
            ranges.append([seq, seq])

    def to_json(self) -> bytes:
        """The payload of a receipt message."""
        return json.dumps({"stored": self.stored, "ids": self.ids}, separators=(",", ":")).encode()

    def ranges(self) -> Iterable[tuple[str, str, int, int]]:
        """(device, boot, first, last) of every range."""
        for device, boots in self.stored.items():
            for boot, ranges in boots.items():
                for first, last in ranges:
                    yield device, boot, first, last


_adapter = TypeAdapter(Receipt)


def parse_receipt(payload: bytes) -> Receipt:
    """Read a receipt; raises ValueError when it is none."""
    return _adapter.validate_json(payload, strict=True)
