"""The outbox: every event a publisher has put, on disk until a receipt says that ingest has stored it."""

import json
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.contract.decode import decode
from gateway.contract.errors import BadPayload
from gateway.contract.receipts import Receipt
from gateway.contract.times import to_ms
from gateway.contract.topics import URGENT_KINDS, Kind, parse_topic, topic
from gateway.outbox_file import OutboxDamaged, OutboxError, OutboxFull, explained, open_outbox_file

__all__ = [
    "Cursor",
    "Drop",
    "Lane",
    "Outbox",
    "OutboxDamaged",
    "OutboxError",
    "OutboxFull",
    "OutboxStats",
    "Row",
]

DEFAULT_MAX_BYTES: Final = 256 << 20
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROW_OVERHEAD: Final = 128
"""Bytes a row costs on disk beyond its JSON: ids, three index entries."""
_CHUNK: Final = 256


_DROP_OLDEST: Final = {
    "reading": "DELETE FROM events WHERE pos = (SELECT pos FROM events WHERE lane = 1 ORDER BY pos LIMIT 1) "
    "RETURNING device, cost",
    "status": "DELETE FROM events WHERE pos = (SELECT pos FROM events WHERE kind = 'status' ORDER BY pos LIMIT 1) "
    "RETURNING device, cost",
}
"""What the size bound may cost, in this order."""


class Lane(IntEnum):
    """Events of one lane travel one path in order; each lane counts on its own boot. The first named goes first."""

    FIRE = 2
    URGENT = 0
    BULK = 1


class Cursor(NamedTuple):
    """How far each lane has been read: the position of the last row seen, 0 for none."""

    urgent: int = 0
    bulk: int = 0
    fire: int = 0

    def of(self, lane: Lane) -> int:
        """How far this lane has been read."""
        return self.fire if lane is Lane.FIRE else self.urgent if lane is Lane.URGENT else self.bulk


class Row(NamedTuple):
    """One event as it goes on the wire."""

    pos: int
    lane: Lane
    device: str
    kind: Kind
    seq: int
    event_id: str
    topic: str
    payload: bytes


class Drop(NamedTuple):
    """Events of one device and kind that the size bound has cost so far."""

    device: str
    kind: Kind
    events: int
    bytes: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """What waits in an outbox and what its size bound has cost."""

    events: int
    bytes: int
    max_bytes: int
    oldest_put_ms: int | None
    queued: Mapping[Kind, int]
    dropped: Sequence[Drop]


@dataclass(slots=True)
class _Held:
    """What the file holds by kind, in memory so that no put has to add up the table."""

    events: dict[str, int] = field(default_factory=dict)
    cost: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, events: int, cost: int) -> None:
        self.events[kind] = self.events.get(kind, 0) + events
        self.cost[kind] = self.cost.get(kind, 0) + cost

    @property
    def bytes(self) -> int:
        return sum(self.cost.values())

    @property
    def kept_bytes(self) -> int:
        return self.cost.get("tap", 0) + self.cost.get("fire", 0)


def _now_ms() -> int:
    return to_ms(datetime.now(UTC))


def _lane_of(kind: Kind) -> Lane:
    if kind == "fire":
        return Lane.FIRE
    return Lane.URGENT if kind in URGENT_KINDS else Lane.BULK


class Outbox:
    """One SQLite file, one process, any number of threads.

    Bound: `max_bytes` of events. Beyond it the oldest readings go first, then the oldest status events, and each
    drop is counted; taps and fire events are never dropped and never refused. A file serves one site and gives its
    events to the publisher named `via`.
    """

    def __init__(
        self,
        path: Path,
        via: str,
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock_ms: Callable[[], int] = _now_ms,
        new_boot: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.path = path
        self.via = via
        self.max_bytes = max_bytes
        self._clock_ms = clock_ms
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self._sequences: dict[tuple[str, Lane], int] = {}
        self._held = _Held()
        if not _NAME.fullmatch(via):
            raise OutboxError(
                f"{via!r} can not name a publisher", hint="Use up to 64 letters, digits, hyphens and underscores"
            )
        self._db = open_outbox_file(path, new_boot)
        with explained(path):
            meta: dict[str, str] = dict(self._db.execute("SELECT key, value FROM meta"))
            self._boots = {lane: meta[f"boot_{lane.name.lower()}"] for lane in Lane}
            self._site: str | None = meta.get("site")
            self._recount()

    def close(self) -> None:
        """Release the file; what is queued stays in it."""
        with self._lock:
            self._db.close()

    def listen(self, woken: Callable[[], None]) -> None:
        """Call `woken` after every put, from the thread that put."""
        self._listeners.append(woken)

    def put(self, site: str, device: str, kind: Kind, body: Mapping[str, Any]) -> str:
        """Keep one event durably and return its id; raises ContractError, OutboxFull or OutboxError."""
        return self.put_many(site, [(device, kind, body)])[0]

    def put_many(self, site: str, events: Sequence[tuple[str, Kind, Mapping[str, Any]]]) -> list[str]:
        """Keep events with one commit, in order; a bad one refuses all, a full outbox only those that do not fit."""
        encoded = [(device, kind, self._encode(site, device, kind, body)) for device, kind, body in events]
        ids: list[str | None] = []
        now_ms = self._clock_ms()
        with self._writing():
            self._claim(site)
            for device, kind, body in encoded:
                ids.append(self._insert(device, kind, body, now_ms))
        for woken in self._listeners:
            woken()
        accepted = [event_id for event_id in ids if event_id is not None]
        if len(accepted) < len(ids):
            raise OutboxFull(
                f"Outbox {self.path} is full of taps and fire events ({self.max_bytes} bytes): "
                f"{len(ids) - len(accepted)} events of {site} were refused",
                hint="Check the connection to the broker and that ingest runs, or give the outbox more bytes",
                ids=ids,
            )
        return accepted

    def _encode(self, site: str, device: str, kind: Kind, body: Mapping[str, Any]) -> bytes:
        """The JSON of a body without its opening brace: id and via go before it when it is sent."""
        parse_topic(topic(site, device, kind))
        if "id" in body or "via" in body:
            raise BadPayload(f"The event of {site}/{device} brings its own id or via", hint="The outbox assigns both")
        try:
            text = json.dumps(dict(body), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise BadPayload(
                f"The event of {site}/{device} is not JSON: {error}", hint="Send plain JSON values"
            ) from error
        rest = text[1:]
        # An event that ingest must refuse would never be receipted: refuse it here, where someone can repair it.
        decoded = decode(kind, self._payload("check-1", rest))
        for _, refusal in decoded.refused if decoded.told is None else ():  # told: what it brings is a refusal
            raise refusal
        return rest

    def _payload(self, event_id: str, rest: bytes) -> bytes:
        return f'{{"id":"{event_id}","via":"{self.via}",'.encode() + rest

    def _claim(self, site: str) -> None:
        # A receipt names devices, not sites: two sites in one file could settle each other's events.
        if self._site is None:
            self._db.execute("INSERT INTO meta VALUES ('site', ?)", (site,))
            self._site = site
        elif self._site != site:
            raise OutboxError(
                f"Outbox {self.path} belongs to site {self._site}, not {site}", hint="Use one outbox per site"
            )

    def _insert(self, device: str, kind: Kind, body: bytes, now_ms: int) -> str | None:
        lane = _lane_of(kind)
        cost = len(body) + _ROW_OVERHEAD
        if kind in ("reading", "status") and self._held.kept_bytes + cost > self.max_bytes:
            return None
        self._make_room(cost, now_ms)
        seq = self._next_seq(device, lane)
        self._db.execute(
            "INSERT INTO events (lane, device, kind, seq, put_ms, cost, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (lane, device, kind, seq, now_ms, cost, body),
        )
        self._held.add(kind, 1, cost)
        return f"{self._boots[lane]}-{seq}"

    def _next_seq(self, device: str, lane: Lane) -> int:
        seq = self._sequences.get((device, lane))
        if seq is None:
            found = self._db.execute(
                "SELECT last FROM sequences WHERE device = ? AND lane = ?", (device, lane)
            ).fetchone()
            seq = int(found[0]) if found else 0
        self._sequences[device, lane] = seq = seq + 1
        self._db.execute("INSERT OR REPLACE INTO sequences VALUES (?, ?, ?)", (device, lane, seq))
        return seq

    def _make_room(self, cost: int, now_ms: int) -> None:
        for kind in ("reading", "status"):
            while self._held.bytes + cost > self.max_bytes and self._held.events.get(kind, 0):
                dropped = self._db.execute(_DROP_OLDEST[kind]).fetchall()
                for device, freed in dropped:
                    self._db.execute(
                        "INSERT INTO drops VALUES (?, ?, 1, ?, ?) ON CONFLICT (device, kind) DO UPDATE SET "
                        "events = events + 1, bytes = bytes + excluded.bytes, last_ms = excluded.last_ms",
                        (device, kind, freed, now_ms),
                    )
                    self._held.add(kind, -1, -freed)

    def settle(self, receipts: Iterable[Receipt]) -> int:
        """Delete what the receipts cover, with one commit; returns how many events left."""
        lanes = {boot: lane for lane, boot in self._boots.items()}
        ranges = [
            (device, lanes[boot], first, min(last, 2**53))
            for receipt in receipts
            for device, boot, first, last in receipt.ranges()
            if boot in lanes and first <= 2**53
        ]
        gone = 0
        if not ranges:
            return gone
        with self._writing():
            for one in ranges:
                rows = self._db.execute(
                    "DELETE FROM events WHERE device = ? AND lane = ? AND seq BETWEEN ? AND ? RETURNING kind, cost", one
                )
                for kind, cost in rows.fetchall():
                    self._held.add(kind, -1, -cost)
                    gone += 1
        return gone

    def pending(self, after: Cursor = Cursor(), limit: int = _CHUNK) -> list[Row]:  # noqa: B008 -- immutable
        """At most `limit` rows in sending order: fire first, then urgent ones, each lane in the order it was put."""
        rows: list[Row] = []
        for lane in Lane:
            if len(rows) < limit:
                rows += self.pending_in(lane, after.of(lane), limit - len(rows))
        return rows

    def pending_in(self, lane: Lane, after: int, limit: int) -> list[Row]:
        """At most `limit` rows of one lane behind the position `after`."""
        with self._lock, explained(self.path):
            found = self._db.execute(
                "SELECT pos, device, kind, seq, body FROM events WHERE lane = ? AND pos > ? ORDER BY pos LIMIT ?",
                (lane, after, limit),
            ).fetchall()
            site, boot = self._site or "", self._boots[lane]
        rows = []
        for pos, device, kind, seq, body in found:
            event_id = f"{boot}-{seq}"
            rows.append(
                Row(pos, lane, device, kind, seq, event_id, topic(site, device, kind), self._payload(event_id, body))
            )
        return rows

    def boot(self, lane: Lane) -> str:
        """The boot on which this file counts the events of a lane."""
        return self._boots[lane]

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        with self._lock:
            return not any(self._held.events.values())

    def holds(self, pos: int) -> bool:
        """The event at `pos` is still queued: neither settled nor dropped."""
        with self._lock, explained(self.path):
            return self._db.execute("SELECT 1 FROM events WHERE pos = ?", (pos,)).fetchone() is not None

    def stats(self) -> OutboxStats:
        """What waits, since when, and what was dropped."""
        with self._lock, explained(self.path):
            oldest = self._db.execute("SELECT put_ms FROM events ORDER BY pos LIMIT 1").fetchone()
            drops = [Drop(*row) for row in self._db.execute("SELECT * FROM drops ORDER BY device, kind")]
            queued: dict[Kind, int] = {kind: n for kind, n in self._held.events.items() if n}  # type: ignore[misc]
            return OutboxStats(
                sum(queued.values()),
                self._held.bytes,
                self.max_bytes,
                int(oldest[0]) if oldest else None,
                queued,
                drops,
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, explained(self.path):
            site = self._site
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # Memory follows the file: nothing of this transaction happened.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                self._site = site
                self._recount()
                raise

    def _recount(self) -> None:
        self._sequences.clear()
        self._held = _Held()
        for kind, events, cost in self._db.execute("SELECT kind, count(*), sum(cost) FROM events GROUP BY kind"):
            self._held.add(kind, events, cost)
