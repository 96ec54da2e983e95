"""Ready-made devices on topics of their own: one persistent session; what they say becomes events of their points."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from gateway.decode.said import PAYLOAD, Refused, Said, refuse
from gateway.mqtt import BrokerAddress
from gateway.outlet import Event, Keeper, Outlet
from gateway.sensors.mapping import MAX_RAW_LATER, Origin, SensorMap, refused_event
from gateway.sensors.routes import Family, families, smallest
from gateway.site.model import SiteConfig
from gateway.site.profile import Profile
from gateway.subscribe import Message, Subscriber

log = logging.getLogger(__name__)

_BATCH, _BATCH_BYTES, _WAIT_S = 256, 1 << 20, 0.25
_PUT_AGAIN_S: Final = 1.0
_TICK_MS: Final = 1_000
_RESUME_MS: Final = 2_000
"""A broker hands over what waited at once after a resumed session."""
_TRICKLE: Final = 16
"""A batch that is smaller is no backlog."""
_REMEMBERED: Final = 10_000
STRANGER_EVERY_MS: Final = 3_600_000
"""A device that nobody declared is told once an hour, with its message."""
_STRANGERS: Final = 500
"""Names cost nothing to invent: beyond so many an hour they are only counted."""
_LONGEST_TOPIC: Final = 512
"""No device of ours speaks on a longer one, and every reader keeps the topics it met."""


class Topics:
    """The site's MQTT devices. Raises BadSensor or BadUnit for a sensor that does not fit its family or points.

    A message is acknowledged when its events are on disk. One that waited at the broker is dated by the device's own
    clock; without one it is dated by its arrival and of uncertain quality.
    """

    def __init__(
        self,
        config: SiteConfig,
        profiles: Mapping[str, Profile],
        publisher: Keeper,
        broker: BrokerAddress,
        name: str,
        clock_ms: Callable[[], int],
        *,
        gateway: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name`: the client id of the session; `gateway`: the device that speaks for what has no device."""
        self._families = families(config, profiles, ZoneInfo(config.site.timezone))
        self._maps = [one for family in self._families for one in dict.fromkeys(_all(family))]
        self._gateway = gateway
        self._outlet = Outlet(publisher)
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], None] = {}
        self._strangers: dict[str, int] = {}
        self._since_ms = self._ticked_ms = self._mono_ms()
        self._is_draining = False
        self.unknown = 0
        """Messages of known families from devices that nobody declared."""
        self._closing = threading.Event()
        filters = smallest(one for family in self._families for one in family.filters)
        self._subscriber = Subscriber(broker, name, [(one, 1) for one in filters], on_session=self.on_session)
        self._thread = threading.Thread(target=self._run, name="sensor-topics", daemon=True)

    def start(self) -> "Topics":
        """Begin to hear, if the site has such devices."""
        if self._families:
            self._thread.start()
        return self

    def retry(self) -> None:
        """Try again to keep what the outbox did not take."""
        self._outlet.put([])

    def close(self) -> None:
        """Leave; what comes meanwhile waits at the broker."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def on_session(self, present: bool) -> None:
        """The session began; `present`: the broker kept what came meanwhile."""
        self._since_ms = self._mono_ms()
        self._is_draining = present

    def events(self, message: Message) -> list[Event]:
        """The events that a message is; whatever goes wrong with it is one too."""
        now_ms = self._clock_ms()
        if len(message.topic) > _LONGEST_TOPIC:
            self.unknown += 1
            return []
        origin = Origin(message.topic, bytes(message.payload), self._is_draining and message.qos > 0, message.retain)
        try:
            return self._heard(origin, now_ms, self._mono_ms())
        except Exception as error:
            # One message must not stop the stream.
            log.exception("A message on %r could not be read", message.topic)
            return self._strange([Said(message.topic, now_ms, False, refused=[_failed(error)])], origin, now_ms)

    def tick(self) -> list[Event]:
        """What follows from silence; call it about once a second while connected."""
        now_ms, mono_ms = self._clock_ms(), self._mono_ms()
        events: list[Event] = []
        for family in self._families:
            said = family.reader.expire(now_ms, mono_ms)
            events += self._mapped(family, said, Origin(""), now_ms, mono_ms)
            self._ask(family, now_ms)
        return events + [event for one in self._maps for event in one.tick(now_ms, mono_ms, self._since_ms)]

    def _heard(self, origin: Origin, now_ms: int, mono_ms: int) -> list[Event]:
        events: list[Event] = []
        strange: list[Said] = []
        is_ours = False
        for family in self._families:
            if family.is_sparkplug and origin.retained:
                continue  # the specification has none: it is of a life long past
            saids = family.reader.read(origin.topic, origin.raw, now_ms, mono_ms)
            if family.is_sparkplug:
                self._ask(family, now_ms)
            if not saids:
                continue
            known: list[Said] = []
            others: list[Said] = []
            for said in saids:
                (known if family.maps(said.name, origin.topic) else others).append(said)
            events += self._mapped(family, known, origin, now_ms, mono_ms)
            # Families share topics: whom one of them knows is no stranger to another.
            if known and not is_ours:
                is_ours, strange = True, others
            elif known or not is_ours:
                strange += others
        strange = [] if origin.retained else [said for said in strange if _is_of_interest(said)]
        return events + (self._strange(strange, origin, now_ms) if strange else [])

    def _mapped(self, family: Family, saids: Iterable[Said], origin: Origin, now_ms: int, mono_ms: int) -> list[Event]:
        by_map: dict[SensorMap, list[Said]] = {}
        for said in saids:
            key = said.key or (f"{origin.topic}\0{_digest(origin.raw)}" if origin.retained and said.claimed else "")
            key = f"{key}\0{said.at_ms}" if key and said.claimed else key
            for one in family.maps(said.name, origin.topic):
                if not key or self._is_new(one.sensor.device, key):
                    by_map.setdefault(one, []).append(said)
        return [event for one, its in by_map.items() for event in one.events(its, origin, now_ms, mono_ms)]

    def _ask(self, family: Family, now_ms: int) -> None:
        for topic, payload in family.reader.requests(now_ms):
            log.info("Asking for a rebirth on %s", topic)
            self._subscriber.publish(topic, payload)

    def _is_new(self, device: str, key: str) -> bool:
        if (device, key) in self._seen:
            return False
        self._seen[device, key] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True

    def _strange(self, saids: Sequence[Said], origin: Origin, now_ms: int) -> list[Event]:
        """A message that no device of ours said, in quarantine under the gateway: once an hour for each name."""
        self.unknown += 1
        mono_ms = self._mono_ms()
        why: list[Refused] = []
        for said in saids:
            name = said.name or origin.topic
            if self._is_told_now(name, mono_ms):
                why += [_stranger(name)] if said.values else said.refused
        return [refused_event(self._gateway, origin, why, now_ms, MAX_RAW_LATER)] if why else []

    def _is_told_now(self, stranger: str, mono_ms: int) -> bool:
        told = self._strangers  # the one told longest ago comes first
        crowding = stranger if stranger in told else next(iter(told)) if len(told) >= _STRANGERS else None
        if crowding is not None:
            if mono_ms - told[crowding] < STRANGER_EVERY_MS:
                return False
            del told[crowding]
        told[stranger] = mono_ms
        return True

    def _mono_ms(self) -> int:
        return int(self._monotonic() * 1000)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._step()
            except Exception:
                log.exception("Hearing the sensors failed; trying again")
                self._closing.wait(_PUT_AGAIN_S)
        self._subscriber.close()

    def _step(self) -> None:
        messages = self._subscriber.gather(_BATCH, _BATCH_BYTES, 0.0, _WAIT_S)
        if messages:
            # What comes before the subscription is confirmed waited in the session.
            self._is_draining = self._is_draining or not self._subscriber.connected
            generation = self._subscriber.generation
            self._keep([event for message in messages for event in self.events(message)])
            self._subscriber.acknowledge(messages, generation)
        mono_ms = self._mono_ms()
        if len(messages) < _TRICKLE and mono_ms - self._since_ms >= _RESUME_MS:
            self._is_draining = False
        if self._subscriber.connected and mono_ms - self._ticked_ms >= _TICK_MS:
            self._ticked_ms = mono_ms
            self._keep(self.tick())

    def _keep(self, events: Sequence[Event]) -> None:
        is_kept = not events or self._outlet.put(events)
        while not is_kept and not self._closing.wait(_PUT_AGAIN_S):
            self._subscriber.keep_alive()
            is_kept = self._outlet.put([])
            self._since_ms = self._mono_ms()  # what we did not read meanwhile is not the devices' silence


def _all(family: Family) -> Iterable[SensorMap]:
    yield from family.nameless
    for maps in family.named.values():
        yield from maps


def _is_of_interest(said: Said) -> bool:
    """Of a device that nobody declared: readings that a family understands, or a message that nobody does.

    Not its coming and going, and nothing of lamps that share a topic with our sensors.
    """
    return bool(said.values) or any(one.place == PAYLOAD for one in said.refused)


def _stranger(name: str) -> Refused:
    reason = f"No sensor of this site is called {name[:128]!r}"
    return refuse(PAYLOAD, "unknown_sensor", reason, "Declare it in sensors.yaml, or give its sensor this name")


def _digest(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=8).hexdigest()


def _failed(error: Exception) -> Refused:
    reason = f"Reading this message failed: {type(error).__name__}: {error}"
    return refuse(PAYLOAD, "reader_failed", reason, "Report this with the raw bytes; the stream went on without it")
