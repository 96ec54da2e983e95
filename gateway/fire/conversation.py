"""A centre's side of one connection or line: bytes in, events to keep and answers out. No I/O, no clock."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from gateway.contract.commands import CommandBody, Outcome
from gateway.contract.times import format_at, from_ms
from gateway.drivers.fire_signal import Signal, repeat_key
from gateway.drivers.gb26875.frame import Frame
from gateway.drivers.gb26875.layouts import BadUnit
from gateway.drivers.gb26875.repeats import Repeats
from gateway.drivers.gb26875.session import Beat, Confirmed, Failed, Happening, Received, Replied, Session
from gateway.drivers.gb26875.signals import is_heartbeat, signals_of
from gateway.drivers.gb26875.units import request_unit
from gateway.fire.book import Address, Book, Speaker
from gateway.fire.strangers import Told
from gateway.outlet import Event
from gateway.site.fire import Source

log = logging.getLogger(__name__)

PRIVATE_COMMANDS: Final = frozenset({0xFE, 0xFF})
"""Registration and heartbeat of some makers (gb26875.md §13): confirmed, and otherwise a sign of life."""
_OBJECTS_TOLD: Final = 32
_COMMANDS_WAITING: Final = 8
"""Each may take 40 s; what must wait longer had better be asked again."""


class Route(NamedTuple):
    """How a source is to be addressed: as it addresses us."""

    source: bytes
    destination: bytes
    version: tuple[int, int]


@dataclass(slots=True)
class Item:
    """Events to keep together, and the frame that is answered when they are kept; without one nobody repeats them."""

    events: list[Event]
    frame: Frame | None = None
    is_faulty: bool = False
    device: str = ""
    """The source it is about; empty: a sender nobody declares."""
    told: Told | None = None
    """What of it stands for more that was left out."""


@dataclass(slots=True)
class Heard:
    """What one portion of bytes, or the passing of time, has brought."""

    items: list[Item] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    """Sources that showed that they live."""
    frames: int = 0
    objects: int = 0
    """Information objects of frames that are news."""


def outcome_event(device: str, command: str, outcome: Outcome, at_ms: int, answer: Mapping[str, Any]) -> Event:
    """The event that says what became of a command."""
    body = {"at": format_at(at_ms), "scope": "command", "command": command, "outcome": outcome}
    return device, "fire", {**body, "answer": dict(answer)} if answer else body


def status_event(device: str, at_ms: int, *, online: bool) -> Event:
    """The event that says whether a source is there."""
    return device, "status", {"at": format_at(at_ms), "online": online}


def item_of(event: Event) -> Item:
    """An event of a declared source that answers no frame."""
    return Item([event], device=event[0])


def _declared(speaker: Speaker) -> str:
    return speaker.device if speaker.source is not None else ""


class Conversation:
    """What is said over one connection (`peer`) or line (`line`)."""

    def __init__(
        self,
        book: Book,
        clock_ms: Callable[[], int],
        *,
        repeats: Repeats,
        connection: int = 0,
        peer: Address | None = None,
        line: Source | None = None,
    ) -> None:
        self._book = book
        self._clock_ms = clock_ms
        self._peer = peer
        self._line = line
        self._session = Session(
            self._label,
            extra_commands=PRIVATE_COMMANDS,
            repeats=repeats,
            connection=connection,
            speaker=lambda address: book.speaker(address, peer, line).voice,
            most_waiting=_COMMANDS_WAITING,
        )
        self._routes: dict[str, Route] = {}
        self._asked: dict[str, tuple[str, str]] = {}
        self._exchanges = 0

    @property
    def is_hopeless(self) -> bool:
        """Whoever is there does not speak this protocol."""
        return self._session.is_hopeless

    @property
    def due_ms(self) -> int | None:
        """When `tick` must be called."""
        return self._session.due_ms

    def take(self) -> bytes:
        """What is to be sent, once."""
        return self._session.take()

    def feed(self, data: bytes, now_ms: int) -> Heard:
        """Take bytes as they come; `now_ms`: of a clock that never goes back."""
        return self._heard(self._session.feed(data, now_ms), now_ms)

    def tick(self, now_ms: int) -> Heard:
        """Let time pass."""
        return self._heard(self._session.tick(now_ms), now_ms)

    def kept(self, item: Item) -> None:
        """Its events are on disk: now its sender may forget them."""
        if item.told is not None:
            self._book.strangers.said(item.told)
        if item.frame is None:
            return
        if item.is_faulty:
            self._session.deny(item.frame)
        else:
            self._session.confirm(item.frame)

    def lost(self, item: Item) -> None:
        """Its events could not be kept: its sender must send them again."""
        if item.frame is not None:
            self._session.forget(item.frame)

    def knows(self, device: str) -> bool:
        """Whether the source has spoken here."""
        return device in self._routes

    def ask(self, device: str, command: CommandBody, now_ms: int) -> Event | None:
        """Put a command to a source that has spoken here; the event that says so when that cannot be."""
        route = self._routes[device]
        speaker = self._book.speaker(route.destination, self._peer, self._line)
        at_ms = self._clock_ms()

        def unit() -> bytes:
            label = speaker.profile.label(from_ms(self._clock_ms()))
            return request_unit(command.kind, command.params, label, speaker.profile)[1]

        try:
            code, _ = request_unit(command.kind, command.params, bytes(6), speaker.profile)
        except BadUnit as error:
            return outcome_event(device, command.id, "denied", at_ms, {"reason": str(error)})
        self._exchanges += 1
        token = str(self._exchanges)
        self._asked[token] = device, command.id
        source, destination, version = route
        if self._session.ask(token, code, unit, now_ms, source=source, destination=destination, version=version):
            return None
        del self._asked[token]
        return outcome_event(device, command.id, "denied", at_ms, {"reason": "too many commands wait"})

    def end(self) -> list[Event]:
        """The connection is over: what becomes of commands that were on the way."""
        at_ms = self._clock_ms()
        ended = [self._asked.pop(token) for token in self._session.fail_all()]
        return [outcome_event(device, command, "unreachable", at_ms, {}) for device, command in ended]

    def _heard(self, happenings: Sequence[Happening], now_ms: int) -> Heard:
        heard = Heard()
        for one in happenings:
            if isinstance(one, Received):
                self._take_received(one, heard, now_ms)
            elif isinstance(one, Replied):
                self._take_reply(one, heard, now_ms)
            elif isinstance(one, Beat):
                self._greet(one.frame, heard)
            elif isinstance(one, Confirmed):
                heard.items.append(item_of(self._outcome(one.token, "confirmed", {})))
            elif isinstance(one, Failed):
                heard.items.append(item_of(self._outcome(one.token, one.reason, {})))
        return heard

    def _greet(self, frame: Frame, heard: Heard) -> Speaker:
        """A sound frame is a sign of life, and tells how to address its sender."""
        speaker = self._book.speaker(frame.source, self._peer, self._line)
        heard.frames += 1
        if speaker.source is not None:
            self._routes[speaker.device] = Route(frame.destination, frame.source, frame.version)
            heard.devices.add(speaker.device)
        return speaker

    def _take_received(self, received: Received, heard: Heard, now_ms: int) -> None:
        frame = received.frame
        speaker = self._greet(frame, heard)
        signals = self._signals(frame, speaker)
        heard.objects += len(signals)
        speaker, passed, told = self._thin(speaker, signals, now_ms)
        events = self._book.events(speaker, passed, self._clock_ms(), is_reused=received.is_reused)
        heard.items.append(Item(events, frame, self._book.is_faulty(speaker, signals), _declared(speaker), told))

    def _take_reply(self, replied: Replied, heard: Heard, now_ms: int) -> None:
        speaker = self._greet(replied.frame, heard)
        signals = self._signals(replied.frame, speaker)
        heard.objects += len(signals)
        speaker, passed, told = self._thin(speaker, signals, now_ms)
        events = self._book.events(speaker, passed, self._clock_ms(), is_reply=True)
        if replied.token is not None:
            events.append(self._outcome(replied.token, "answered", _told(events)))
        heard.items.append(Item(events, device=_declared(speaker), told=told))

    def _thin(
        self, speaker: Speaker, signals: list[Signal], now_ms: int
    ) -> tuple[Speaker, Sequence[Signal], Told | None]:
        if speaker.source is not None:
            return speaker, signals, None
        sender, passed, told = self._book.strangers.thin(speaker.sender, signals, now_ms)
        return replace(speaker, sender=sender), passed, told

    def _signals(self, frame: Frame, speaker: Speaker) -> list[Signal]:
        try:
            signals = signals_of(frame, speaker.profile)
        except Exception:
            # Whatever we fail to understand is kept as it came: a fault of ours must not cost an alarm.
            log.exception("A frame of %s cannot be read: %s", speaker.device, frame.encode().hex())
            signals = []
        if signals or is_heartbeat(frame):
            return signals
        raw = frame.encode()
        return [Signal("unparsed", raw=raw, marks=("unparsed",), key=repeat_key(raw[:4], raw[12:]))]

    def _outcome(self, token: str, outcome: Outcome, answer: Mapping[str, Any]) -> Event:
        device, command = self._asked.pop(token)
        return outcome_event(device, command, outcome, self._clock_ms(), answer)

    def _label(self) -> bytes:
        return self._book.label(from_ms(self._clock_ms()))


def _told(events: Sequence[Event]) -> dict[str, Any]:
    """What a reply says, without its raw bytes, for the one who asked."""
    hidden = ("at", "raw", "key", "marks")
    return {
        "objects": [
            {name: value for name, value in body.items() if name not in hidden} for _, _, body in events[:_OBJECTS_TOLD]
        ]
    }
