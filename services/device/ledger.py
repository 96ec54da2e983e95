"""The devices of an ingest group in memory: tells new messages from repeated ones and finds what never arrived."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.contract.heard import Heard
from services.device.sequence import Gap, Sequence, start
from services.device.tables import DeviceSequence, DeviceState, HeardEvent
from services.kernel.upsert import insert_missing, upsert

_STATE = (
    "heard_ms", "event_ms", "online", "ahead_ms", "online_ms", "battery", "rssi_dbm", "snr_db", "firmware", "offset_s",
)  # fmt: skip
_SAID = ("battery", "rssi_dbm", "snr_db", "firmware")
_OFFSET_WEIGHT = 0.2
"""How much of a new difference between clocks counts: one message that was long on its way changes little."""
_OFFSET_STEP_S = 0.5
"""A smaller change of a clock is not worth writing down."""


@dataclass(slots=True)
class Device:
    """The last that was heard of one device."""

    heard_ms: int = 0
    event_ms: int = 0
    online: bool | None = None
    ahead_ms: int = 0
    online_ms: int = 0
    battery: float | None = None
    rssi_dbm: float | None = None
    snr_db: float | None = None
    firmware: str | None = None
    offset_s: float | None = None


class Flip(NamedTuple):
    """A device said that it is there, or its last will that it is not, and that is news."""

    site: str
    device: str
    online: bool
    at_ms: int
    """Receive time: a last will carries the time of the connection it ends."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Numbers of a device that never arrived and had time to."""

    site: str
    device: str
    boot: str
    first: int
    last: int


class DeviceLedger:
    """Counts and states of devices; `load` and `save` keep them in the database."""

    def __init__(self, sites: frozenset[str]) -> None:
        self._sites = sites
        self._devices: dict[tuple[str, str], Device] = {}
        self._sequences: dict[tuple[str, str, str], Sequence] = {}
        self._gapped: set[tuple[str, str, str]] = set()
        self._found: set[str] = set(sites)
        """Sites whose reported losses may have shrunk; after a start we cannot know."""
        self._flips: list[Flip] = []
        self._batteries: set[tuple[str, str]] = set()
        self._dirty_devices: set[tuple[str, str]] = set()
        self._dirty_sequences: set[tuple[str, str, str]] = set()

    def load(self, session: Session) -> None:
        """Take everything of our sites from the database; what memory held before is forgotten."""
        self.__init__(self._sites)  # type: ignore[misc]
        for row in session.scalars(select(DeviceState)):
            site, _, device = row.device.partition("/")
            if site in self._sites:
                self._devices[site, device] = Device(*(getattr(row, name) for name in _STATE))
        for counted in session.scalars(select(DeviceSequence)):
            site, _, device = counted.device.partition("/")
            if site in self._sites:
                gaps = [Gap(first, last, seen_ms, bool(reported)) for first, last, seen_ms, reported in counted.gaps]
                self._sequences[site, device, counted.boot] = Sequence(counted.high, gaps)
                if gaps:
                    self._gapped.add((site, device, counted.boot))

    def note(self, session: Session, event: Heard) -> bool:
        """Hear one message; False when it was heard before and must not be judged again."""
        key = (event.site, event.device)
        device = self._devices.get(key)
        known = device is not None
        if device is None:
            device = self._devices[key] = Device()
        if event.boot:
            if not self._count(event, known_device=known):
                return False
            if event.body is not None:
                self._keep(session, event)
        elif not self._keep(session, event):
            return False
        device.heard_ms = max(device.heard_ms, event.received_ms)
        device.event_ms = max(device.event_ms, event.at_ms)
        device.ahead_ms = event.ahead_ms
        if event.kind == "status" and event.body is not None:
            self._note_status(key, device, event, event.body)
        self._dirty_devices.add(key)
        return True

    def _note_status(self, key: tuple[str, str], device: Device, event: Heard, body: dict[str, Any]) -> None:
        """In order of arrival: a last will carries the time of the connection it ends."""
        online = bool(body["online"])
        if online is not device.online:
            if device.online is not None or not online:
                self._flips.append(Flip(*key, online, event.received_ms))
            device.online, device.online_ms = online, event.received_ms
        before = device.battery
        for name in _SAID:
            if body.get(name) is not None:
                setattr(device, name, body[name])
        if device.battery != before:
            self._batteries.add(key)
        told = body.get("clock_offset_s")
        if told is not None:
            device.offset_s = float(told)
        elif online and event.at_ms and not event.retained:
            seen = event.ahead_ms / 1000 if event.ahead_ms else (event.at_ms - event.received_ms) / 1000
            before_s = device.offset_s
            offset = seen if before_s is None else before_s + _OFFSET_WEIGHT * (seen - before_s)
            if before_s is None or abs(offset - before_s) >= _OFFSET_STEP_S * _OFFSET_WEIGHT:
                device.offset_s = round(offset, 3)

    def device(self, site: str, device: str) -> Device | None:
        """What is known of a device; None: it was never heard."""
        return self._devices.get((site, device))

    def take_flips(self) -> list[Flip]:
        """Changes between there and not there since the last call, in order of arrival."""
        found, self._flips = self._flips, []
        return found

    def take_batteries(self) -> list[tuple[str, str]]:
        """Devices whose battery reads differently since the last call."""
        found, self._batteries = sorted(self._batteries), set()
        return found

    def _count(self, event: Heard, *, known_device: bool) -> bool:
        key = (event.site, event.device, event.boot)
        sequence = self._sequences.get(key)
        self._dirty_sequences.add(key)
        if sequence is None:
            sequence = start(event.seq, event.received_ms, known_device=known_device)
            self._sequences[key] = sequence
            if sequence.gaps:
                self._gapped.add(key)
            return True
        if event.seq == sequence.high + 1:
            sequence.high = event.seq
            return True
        high = sequence.high
        new = sequence.note(event.seq, event.received_ms)
        if new and event.seq < high:
            self._found.add(event.site)
        if sequence.gaps:
            self._gapped.add(key)
        else:
            self._gapped.discard(key)
        return new

    @staticmethod
    def _keep(session: Session, event: Heard) -> bool:
        row = {
            "device": f"{event.site}/{event.device}",
            "event_id": event.event_id,
            "kind": event.kind,
            "at_ms": event.at_ms,
            "received_ms": event.received_ms,
            "body": event.body,
        }
        return insert_missing(session, HeardEvent, row, ("device", "event_id"))

    @staticmethod
    def forget(session: Session, before_ms: int) -> int:
        """Drop the ids of old reading messages; taps, fire and status events are kept."""
        old = delete(HeardEvent).where(HeardEvent.kind == "reading", HeardEvent.received_ms < before_ms)
        return int(getattr(session.execute(old), "rowcount", 0))

    def losses(self, now_ms: int, settle_ms: int) -> list[Loss]:
        """Gaps that had their time to fill; each is reported once."""
        found: list[Loss] = []
        for key in self._gapped:
            for gap in self._sequences[key].settled(now_ms, settle_ms):
                gap.reported = True
                self._dirty_sequences.add(key)
                found.append(Loss(*key, gap.first, gap.last))
        return found

    def take_found(self) -> set[str]:
        """Sites where something arrived since the last call that had been passed over."""
        found, self._found = self._found, set()
        return found

    def missing(self, site: str) -> dict[str, dict[str, list[list[int]]]]:
        """Announced losses of a site that are still missing: ranges by device and boot."""
        found: dict[str, dict[str, list[list[int]]]] = defaultdict(dict)
        for key in sorted(self._gapped):
            ranges = [[gap.first, gap.last] for gap in self._sequences[key].gaps if gap.reported]
            if key[0] == site and ranges:
                found[key[1]][key[2]] = ranges
        return dict(found)

    def save(self, session: Session) -> None:
        """Write what changed since the last save."""
        if self._dirty_devices:
            states = [
                (f"{key[0]}/{key[1]}", *(getattr(self._devices[key], name) for name in _STATE))
                for key in self._dirty_devices
            ]
            upsert(session, DeviceState, ("device", *_STATE), states, ("device",))
            self._dirty_devices.clear()
        if self._dirty_sequences:
            counts = [
                (
                    f"{site}/{device}",
                    boot,
                    sequence.high,
                    [[gap.first, gap.last, gap.seen_ms, int(gap.reported)] for gap in sequence.gaps],
                )
                for (site, device, boot), sequence in ((key, self._sequences[key]) for key in self._dirty_sequences)
            ]
            upsert(session, DeviceSequence, ("device", "boot", "high", "gaps"), counts, ("device", "boot"))
            self._dirty_sequences.clear()
