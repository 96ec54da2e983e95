"""Ready-made readers of a site, on serial lines and on topics of their own: what they read becomes tap events."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from paho.mqtt.client import topic_matches_sub

from gateway.contract.times import format_at
from gateway.decode.tags import BadTagPayload, decode
from gateway.drivers import pn532, rdm6300, uid_line, wand
from gateway.drivers.port import SerialReader
from gateway.drivers.read import UNDECODABLE, Driver, Read, undecodable
from gateway.mqtt import BrokerAddress
from gateway.outlet import Event, Outlet
from gateway.publish import Publisher
from gateway.site.model import SiteConfig
from gateway.site.patrol import Reader
from gateway.subscribe import Message, Subscriber

log = logging.getLogger(__name__)

SERIAL_REPEAT_MS: Final = 2000
TOPIC_REPEAT_MS: Final = 3000
"""Firmware says a tag that stays again about every 2 s."""
_REMEMBERED: Final = 1000
_RESUME_MS: Final = 2000
"""A broker hands over what waited within this time of a resumed session."""
_UNKNOWN_WAIT_MS: Final = 24 * 3600 * 1000
_END_OF_TIME_MS: Final = 253_402_214_400_000
_MAX_RETRIES: Final = 1000
_MAX_URL: Final = 1024
_BATCH, _BATCH_BYTES, _WAIT_S = 256, 1 << 20, 0.25
_PUT_AGAIN_S: Final = 1.0


def driver_for(reader: Reader, zone: str) -> tuple[Callable[[], Driver], int]:
    """(what builds the driver of a serial reader, its speed); raises BadPattern for a wand's."""
    if reader.protocol == "pn532":
        return pn532.Pn532, reader.baud or pn532.BAUD
    if reader.protocol == "rdm6300":
        return rdm6300.Rdm6300, reader.baud or rdm6300.BAUD
    if reader.protocol == "uid_line":
        return uid_line.UidLine, reader.baud or uid_line.BAUD
    if reader.protocol == "wand":
        its_zone = ZoneInfo(reader.zone or zone)

        def build() -> wand.Wand:
            return wand.Wand(its_zone, reader.pattern, reader.time_format)

        build()  # a bad pattern is told now, not when somebody docks the wand
        return build, reader.baud or wand.BAUD
    raise ValueError(f"{reader.protocol} has no serial line")


def tap_body(reader: Reader, read: Read, received_ms: int) -> dict[str, Any]:
    """The body of the tap event that a read is."""
    at_ms = read.at_ms
    body: dict[str, Any] = {"reader": reader.protocol, "evidence": "uid", "received_at": format_at(received_ms)}
    if read.claimed_ms is not None and 0 <= read.claimed_ms < _END_OF_TIME_MS:
        body["claimed_at"] = format_at(read.claimed_ms)
        if read.clock == "claimed":
            at_ms = read.claimed_ms
    if read.clock:
        body["clock"] = read.clock
    body["at"] = format_at(max(0, min(at_ms, received_ms)))
    if reader.place is not None and not read.note.startswith(UNDECODABLE):
        body |= {"checkpoint": reader.place, "badge": read.uid}
    else:
        body["tag"] = read.uid
        if read.badge:
            body["badge"] = read.badge
        elif reader.guard is not None:
            body["guard"] = reader.guard
    if read.url and len(read.url) <= _MAX_URL:
        body["url"] = read.url
    if read.record:
        body["client_id"] = record_id(reader.id, read.record)
    optional = {"retries": min(read.retries, _MAX_RETRIES), "uncertain_ms": read.uncertain_ms, "note": read.note}
    return body | {key: value for key, value in optional.items() if value}


def record_id(reader: str, record: str) -> str:
    """The same for the same record of a reader: its memory may be handed over twice."""
    return "wand-" + hashlib.sha256(f"{reader}\0{record}".encode()).hexdigest()[:32]


class Debounce:
    """Lets a tag through once while one reader goes on saying it; one per reader."""

    def __init__(self, repeat_ms: int) -> None:
        self._repeat_ms = repeat_ms
        self._seen: dict[str, int] = {}

    def passes(self, read: Read) -> bool:
        """Whether the read is news; records of a memory always are."""
        if read.record:
            return True
        before = self._seen.pop(read.uid, None)
        self._seen[read.uid] = read.at_ms
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return before is None or not 0 <= read.at_ms - before < self._repeat_ms


class SerialReaders:
    """The readers on serial lines, a thread each."""

    def __init__(self, config: SiteConfig, outlet: Outlet, clock_ms: Callable[[], int]) -> None:
        self._outlet = outlet
        self._clock_ms = clock_ms
        self._lines = [self._line(config, reader) for reader in config.patrol.readers if reader.port is not None]

    def start(self) -> None:
        """Open the ports."""
        for line in self._lines:
            line.start()

    def close(self) -> None:
        """Leave the ports."""
        for line in self._lines:
            line.close()

    def _line(self, config: SiteConfig, reader: Reader) -> SerialReader:
        build, baud = driver_for(reader, config.site.timezone)
        debounce = Debounce(SERIAL_REPEAT_MS)
        heartbeat = config.device(reader.id).heartbeat

        def on_reads(reads: Sequence[Read]) -> None:
            received_ms = self._clock_ms()
            bodies = [tap_body(reader, read, received_ms) for read in reads if debounce.passes(read)]
            self._outlet.put([(reader.id, "tap", body) for body in bodies])

        def on_state(online: bool) -> None:
            self._outlet.put([(reader.id, "status", {"at": format_at(self._clock_ms()), "online": online})])

        return SerialReader(
            reader.port or "",
            baud,
            build,
            on_reads,
            on_state,
            clock_ms=self._clock_ms,
            state_every_s=None if heartbeat is None else heartbeat.total_seconds() / 2,
        )


class TopicReaders:
    """The readers that publish on topics of their own: one persistent session on one thread.

    A message is acknowledged when its tap is on disk. One that waited at the broker is dated by the reader's own clock
    where that says a moment of the outage, else by its arrival with the outage as uncertainty.
    """

    def __init__(
        self,
        config: SiteConfig,
        outlet: Outlet,
        broker: BrokerAddress,
        name: str,
        clock_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._readers = [reader for reader in config.patrol.readers if reader.topic is not None]
        self._zone = ZoneInfo(config.site.timezone)
        self._outlet = outlet
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._debounce = {reader.id: Debounce(TOPIC_REPEAT_MS) for reader in self._readers}
        self._heard_ms: int | None = None
        self._resumed_ms: int | None = None
        self._outage_ms = 0
        self._closing = threading.Event()
        filters = sorted({(reader.topic, 1) for reader in self._readers if reader.topic is not None})
        self._subscriber = Subscriber(broker, name, filters, on_session=self.on_session)
        self._thread = threading.Thread(target=self._run, name="reader-topics", daemon=True)

    def start(self) -> None:
        """Begin to hear, if any reader has a topic."""
        if self._readers:
            self._thread.start()

    def close(self) -> None:
        """Leave; what comes meanwhile waits at the broker."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def on_session(self, present: bool) -> None:
        """The session began; `present`: the broker kept what came meanwhile."""
        now_ms = self._clock_ms()
        self._resumed_ms = now_ms if present else None
        self._outage_ms = _UNKNOWN_WAIT_MS if self._heard_ms is None else max(0, now_ms - self._heard_ms)

    def taps(self, message: Message) -> list[Event]:
        """The tap events in a message; what cannot be understood is one too. Retained messages are no taps."""
        now_ms = self._clock_ms()
        if message.retain:
            return []
        events: list[Event] = []
        for reader in self._readers:
            if reader.topic is None or not topic_matches_sub(reader.topic, message.topic):
                continue
            try:
                reads = decode(reader.protocol, bytes(message.payload), now_ms, self._zone)
            except BadTagPayload as error:
                raw = bytes(message.payload)[:400].decode("utf-8", "replace")
                reads = [undecodable(raw, error.message, now_ms)]
            reads = [self._dated(read, message, now_ms) for read in reads]
            passing = [read for read in reads if self._debounce[reader.id].passes(read)]
            events += [(reader.id, "tap", tap_body(reader, read, now_ms)) for read in passing]
        return events

    def _dated(self, read: Read, message: Message, now_ms: int) -> Read:
        waited = self._resumed_ms is not None and now_ms - self._resumed_ms < _RESUME_MS and message.qos > 0
        if not waited:
            return replace(read, claimed_ms=None)
        if read.claimed_ms is not None and now_ms - self._outage_ms <= read.claimed_ms <= now_ms:
            return replace(read, at_ms=read.claimed_ms, clock="claimed", uncertain_ms=1000)
        return replace(read, claimed_ms=None, uncertain_ms=self._outage_ms)

    def _run(self) -> None:
        while not self._closing.is_set():
            messages = self._subscriber.gather(_BATCH, _BATCH_BYTES, 0.0, _WAIT_S)
            if messages:
                generation = self._subscriber.generation
                self._keep([tap for message in messages for tap in self.taps(message)])
                self._subscriber.acknowledge(messages, generation)
            if self._subscriber.connected:
                self._heard_ms = self._clock_ms()
        self._subscriber.close()

    def _keep(self, events: Sequence[Event]) -> None:
        is_kept = self._outlet.put(events)
        while not is_kept and not self._closing.wait(_PUT_AGAIN_S):
            self._subscriber.keep_alive()
            is_kept = self._outlet.put([])


class Readers:
    """All readers of a site. Raises BadPattern for a wand whose pattern is wrong."""

    def __init__(
        self,
        config: SiteConfig,
        publisher: Publisher,
        broker: BrokerAddress,
        *,
        name: str,
        clock_ms: Callable[[], int],
    ) -> None:
        """`name`: the client id of the session that hears the readers' topics."""
        self._outlet = Outlet(publisher)
        self._serial = SerialReaders(config, self._outlet, clock_ms)
        self._topics = TopicReaders(config, self._outlet, broker, name, clock_ms)

    def start(self) -> "Readers":
        """Open ports and session."""
        self._serial.start()
        self._topics.start()
        return self

    def retry(self) -> None:
        """Try again to keep what the outbox did not take; call it now and then."""
        self._outlet.put([])

    def close(self) -> None:
        """Leave ports and session."""
        self._serial.close()
        self._topics.close()
