"""What a publisher sends next, and when it must send again: pure, told the time in seconds of a steady clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.contract.receipts import Receipt
from gateway.outbox import Lane, Row


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits a publisher keeps; per lane, so that readings never use up the room of a tap, nor taps a fire's."""

    window: int = 1000
    """Unreceipted events on the way per lane."""
    window_bytes: int = 1 << 20
    """Their bytes per lane, passed by the last event at most; small, because a tap queues behind them in the socket."""
    overdue: float = 30.0
    """Seconds from the broker's acknowledgement after which an unreceipted event is sent again."""
    overdue_max: float = 300.0
    """The wait doubles up to this while sending again brings no receipt; also the broker's time to acknowledge."""


class Send(NamedTuple):
    """Send at most `limit` rows of the lane behind position `after`."""

    lane: Lane
    after: int
    limit: int


class Overdue(NamedTuple):
    """The oldest event has waited too long for its receipt: `rewind_overdue`, or `forget` it if the outbox did."""

    pos: int


class Stuck(NamedTuple):
    """The broker takes nothing any more although the connection stands: make a new one."""


class Wait(NamedTuple):
    """Nothing to do before `until` (None: before something happens)."""

    until: float | None


Decision = Send | Overdue | Stuck | Wait


@dataclass(slots=True)
class _Flight:
    pos: int
    size: int
    since: float
    """When it was sent, then when the broker acknowledged it."""
    acknowledged: bool = False


@dataclass(slots=True)
class _LaneState:
    boot: str
    sent_to: int = 0
    """Position of the last row sent since the last rewind."""
    more: bool = True
    """The outbox may hold rows behind `sent_to`."""
    flights: dict[tuple[str, int], _Flight] = field(default_factory=dict)
    """Unreceipted events by (device, seq), in the order they were sent."""
    size: int = 0
    unacknowledged: int = 0
    """Handed to the connection and not yet taken by the broker."""

    def land(self, key: tuple[str, int]) -> int | None:
        flight = self.flights.pop(key, None)
        if flight is None:
            return None
        self.size -= flight.size
        self.unacknowledged -= not flight.acknowledged
        return flight.pos

    def covered(self, device: str, first: int, last: int) -> list[tuple[str, int]]:
        if last - first < len(self.flights):
            return [(device, seq) for seq in range(first, last + 1) if (device, seq) in self.flights]
        return [key for key in self.flights if key[0] == device and first <= key[1] <= last]


class Pacing:
    """Decides; the publisher carries out and reports back what happened. Lanes go in their order: fire first."""

    CHUNK = 100
    """Readings sent, in a few milliseconds, before looking for an urgent event again."""

    def __init__(self, boots: dict[Lane, str], pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._lanes = {lane: _LaneState(boots[lane]) for lane in Lane}
        self._connected = False
        self._ready = False
        self._patience = self._pace.overdue
        self._blamed: int | None = None
        self._heard = False
        """A receipt has covered something since the last rewind."""

    @property
    def may_send(self) -> bool:
        """Connected, and ingest's sessions exist at this broker."""
        return self._connected and self._ready

    @property
    def in_flight(self) -> int:
        """Events sent and not receipted."""
        return sum(len(state.flights) for state in self._lanes.values())

    def connected(self) -> None:
        """A new connection stands; nothing goes before ingest is known to be ready."""
        self._connected, self._ready = True, False

    def disconnected(self) -> None:
        """The connection is gone, and with it any hope for what was on the way."""
        self._connected = self._ready = False
        self.rewind()

    def ready(self, is_ready: bool) -> None:
        """Ingest says that its sessions exist (again), or has withdrawn that."""
        self._ready = is_ready
        self._patience, self._blamed = self._pace.overdue, None
        self.rewind()

    def put(self) -> None:
        """The outbox has new rows."""
        for state in self._lanes.values():
            state.more = True

    def next(self, now: float) -> Decision:
        """What to do at `now`."""
        if not self.may_send:
            return Wait(None)
        deadline, oldest = self._deadline()
        if oldest is not None and now >= deadline:
            return Overdue(oldest.pos) if oldest.acknowledged else Stuck()
        for lane, state in self._lanes.items():
            room = min(self._pace.window - len(state.flights), self.CHUNK)
            if not state.more or room <= 0 or not self.fits(lane):
                continue
            # Whatever the connection has queued goes before the next tap: never much more than a chunk of it, and
            # nothing of the lanes behind.
            if state.unacknowledged > self.CHUNK:
                break
            return Send(lane, state.sent_to, room)
        return Wait(None if oldest is None else deadline)

    def fits(self, lane: Lane) -> bool:
        """One more row of the lane may go now."""
        return self._lanes[lane].size < self._pace.window_bytes

    def sent(self, row: Row, now: float) -> None:
        """The row was handed to the connection."""
        state = self._lanes[row.lane]
        state.sent_to = row.pos
        state.flights[row.device, row.seq] = _Flight(row.pos, len(row.payload), now)
        state.size += len(row.payload)
        state.unacknowledged += 1

    def acknowledged(self, lane: Lane, device: str, seq: int, now: float) -> None:
        """The broker has taken the event: from now on its receipt is due."""
        # Not from sending: over a slow line the socket alone holds a full window for longer than that.
        state = self._lanes[lane]
        flight = state.flights.get((device, seq))
        if flight is not None and not flight.acknowledged:
            flight.acknowledged, flight.since = True, now
            state.unacknowledged -= 1

    def drained(self, lane: Lane) -> None:
        """All rows that the outbox had were sent, and they were fewer than asked for."""
        self._lanes[lane].more = False

    def receipted(self, receipts: Iterable[Receipt]) -> None:
        """Ingest has stored events: their room is free again."""
        for receipt in receipts:
            for device, boot, first, last in receipt.ranges():
                for state in self._lanes.values():
                    if state.boot == boot:
                        for key in state.covered(device, first, last):
                            self._landed(state, key)

    def forget(self, pos: int) -> None:
        """The event at `pos` left the outbox without a receipt: nobody waits for one."""
        for state in self._lanes.values():
            for key in [key for key, flight in state.flights.items() if flight.pos == pos]:
                self._landed(state, key)

    def rewind(self) -> None:
        """Send again from the oldest unreceipted event, in order."""
        for state in self._lanes.values():
            state.flights.clear()
            state.size = state.sent_to = state.unacknowledged = 0
            state.more = True
        self._heard = False

    def rewind_overdue(self) -> None:
        """Rewind because a receipt is overdue; waits longer each time until the event that was missed is receipted."""
        _, oldest = self._deadline()
        if oldest is not None:
            fruitless = self._blamed is not None and (self._blamed == oldest.pos or not self._heard)
            self._patience = min(self._patience * 2, self._pace.overdue_max) if fruitless else self._pace.overdue
            self._blamed = oldest.pos
        self.rewind()

    def _landed(self, state: _LaneState, key: tuple[str, int]) -> None:
        self._heard = True
        if state.land(key) == self._blamed:
            self._patience, self._blamed = self._pace.overdue, None

    def _deadline(self) -> tuple[float, _Flight | None]:
        """When the longest waiting event is overdue. Each lane is acknowledged in order, so its first one leads."""
        firsts = [next(iter(state.flights.values())) for state in self._lanes.values() if state.flights]
        deadlines = [
            (flight.since + (self._patience if flight.acknowledged else self._pace.overdue_max), flight.pos, flight)
            for flight in firsts
        ]
        if not deadlines:
            return 0.0, None
        deadline, _, flight = min(deadlines, key=lambda one: one[0])
        return deadline, flight
