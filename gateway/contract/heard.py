"""What ingest hands to the judge: events that were decoded and stored, and messages that could not be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.contract.topics import Kind

Sample = tuple[str, int, int, float, int, int]
"""One stored reading: (point `{site}/{point}`, at_ms, tie, value, quality, received_ms), the store's own row.

`at_ms` is the event time used, at most two minutes ahead of `received_ms`; quality is 0 good, 1 uncertain, 2 bad (no
data). A plain tuple, because at 200,000 readings a second a named one costs a tenth of the machine.
"""


@dataclass(slots=True)
class Heard:
    """One message whose content is durable or about to be, in the order it arrived."""

    site: str
    device: str
    kind: Kind
    event_id: str
    boot: str
    """Empty when the device cannot count (its id is a ULID)."""
    seq: int
    received_ms: int
    samples: list[Sample] = field(default_factory=list)
    body: dict[str, Any] | None = None
    """The decoded JSON object of a tap, fire or status event, or of a reading that a person typed in; else None."""
    at_ms: int = 0
    """Event time of a tap, fire or status event; of the newest reading otherwise."""
    ahead_ms: int = 0
    """How far the device's clock ran ahead of ours when that was more than the tolerance."""
    retained: bool = False
    """The broker replayed a retained message: state, not news."""
    fault: str = ""
    """What is wrong with the sensor behind its one reading, e.g. `electrical`."""


@dataclass(slots=True)
class Rejected:
    """A message, or one entry of a batch, that cannot be an event: kept whole with its reason."""

    topic: str
    payload: bytes
    code: str
    reason: str
    hint: str
    received_ms: int
    site: str = ""
    device: str = ""
    place: str = ""
    """Where in the message, e.g. `batch[3]`; empty: the whole message."""


class Judge(Protocol):
    """Decides on a batch in one transaction; when it returns, everything in the batch is committed."""

    def hear(self, heard: Sequence[Heard], rejected: Sequence[Rejected], now_ms: int) -> None:
        """Judge what was heard, in order, exactly once per event; raises when nothing could be committed."""

    def tick(self, now_ms: int, hearing_since_ms: int, figures: dict[str, float]) -> None:
        """Judge the silence between messages; called about once a second while ingest is connected and caught up.

        Silence counts from `hearing_since_ms` at the earliest: what we could not hear is not the device's silence.
        `figures` are ingest's own numbers for the heartbeat.
        """

    def lost_session(self, client_id: str, broker: str, now_ms: int) -> None:
        """The broker forgot a session it should have kept: whatever was queued in it is gone."""

    def broker_dropped(self, broker: str, total: int, now_ms: int) -> None:
        """The broker's own counter of dropped messages now stands at `total`."""
