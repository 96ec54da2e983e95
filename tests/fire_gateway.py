"""A site with transmission devices for tests, what they send, and an outbox in memory."""

import socket
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.contract.topics import Kind
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.stream import FrameReader
from gateway.outbox import OutboxError
from gateway.outlet import Event
from gateway.site.fire import Fire, Panel, Source
from gateway.site.model import Area, Device, Site, SiteConfig

SITE = "jingan"
UTD = bytes.fromhex("790300000000")
OURS = bytes.fromhex("385b01000000")
NOW_MS = 1_795_000_000_000


def source(device: str = "utd-1", **more: Any) -> Source:
    """A declared source."""
    return Source(**{"id": device, "protocol": "gb26875", **more})


def site(*sources: Source, panels: Sequence[Panel] = (), heartbeat: timedelta | None = None) -> SiteConfig:
    """A site with these sources and the gateway `gateway-1`."""
    names = dict.fromkeys(["gateway-1", *[one.id for one in sources], *[one.id for one in panels]])
    return SiteConfig(
        site=Site(id=SITE, name="静安", timezone="Asia/Shanghai"),
        areas=(Area(id="a", name="a", kind="building"),),
        devices=tuple(Device(id=one, name=one, area="a", kind="gateway", heartbeat=heartbeat) for one in names),
        fire=Fire(sources=sources, panels=tuple(panels)),
    )


def component(
    number: int, state: int = 2, *, system: int = 1, text: bytes = b"", label: bytes = bytes([1, 2, 3, 4, 5, 26])
) -> bytes:
    """One object of type 2: the component with this address says that it burns."""
    return (
        bytes([1, system, 40])
        + number.to_bytes(4, "little")
        + state.to_bytes(2, "little")
        + text.ljust(31, b"\0")
        + label
    )


def alarm(serial: int, *numbers: int, sender: bytes = UTD, **more: Any) -> Frame:
    """Component states of one sender."""
    numbers = numbers or (serial + 1,)
    app = bytes([2, len(numbers)]) + b"".join(component(one, **more) for one in numbers)
    return Frame(serial, Command.SEND_DATA, sender, OURS, app)


class Memory:
    """Keeps events as an outbox does, or refuses them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.commits = 0
        self.is_full = False

    def put_many(self, events: Sequence[tuple[str, Kind, Mapping[str, Any]]]) -> list[str]:
        if self.is_full:
            raise OutboxError("The disk is full")
        self.events += events
        self.commits += bool(events)
        return [f"b-{number}" for number, _ in enumerate(events, 1)]

    def bodies(self, kind: str = "fire", device: str | None = None) -> list[Mapping[str, Any]]:
        """What was said of a device."""
        return [body for one, its, body in self.events if its == kind and device in (None, one)]


class Dial:
    """A device's TCP connection, blocking and without any session: it says and hears single frames."""

    def __init__(self, port: int, *, timeout_s: float = 20.0) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._reader = FrameReader()
        self._heard: list[Frame] = []

    def say(self, *frames: Frame | bytes) -> None:
        """Send frames in one go."""
        self._sock.sendall(b"".join(one if isinstance(one, bytes) else one.encode() for one in frames))

    def hear(self, count: int = 1) -> list[Frame]:
        """Wait for so many frames; fewer when the other side has closed."""
        while len(self._heard) < count:
            try:
                data = self._sock.recv(65_536)
            except ConnectionResetError:
                data = b""
            if not data:
                break
            self._heard += [one for one in self._reader.feed(data, 0) if isinstance(one, Frame)]
        heard, self._heard = self._heard[:count], self._heard[count:]
        return heard

    def until_closed(self) -> list[Frame]:
        """What is still heard before the other side closes; waits for that."""
        return self.hear(1 << 30)

    def close(self) -> None:
        """Hang up."""
        self._sock.close()
