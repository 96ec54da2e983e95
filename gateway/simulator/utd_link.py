"""Virtual transmission devices on a real network: a TCP connection each to a centre, driven by one thread."""

import select
import socket
import threading
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from gateway.drivers.gb26875.profile import Profile
from gateway.simulator.fire_days import Stage, Step, steps
from gateway.simulator.fire_panel import Panel
from gateway.simulator.fire_points import declared, transmitters
from gateway.simulator.noise import key_of
from gateway.simulator.plan import Plan
from gateway.simulator.utd import Settings, Utd
from gateway.site.fire import Source

_CONNECT_TIMEOUT_S = 2.0
_RETRY_FIRST_S = 1.0
_RETRY_MAX_S = 30.0
_CHUNK = 65_536
_TURN_S = 0.05
NO_ADDRESS = "010000000000"
"""Where the site files name none."""
PER_FRAME = 10
"""Signals that wait together leave together."""


class UtdLink:
    """Connects, carries bytes, comes back. Call `step` often; wait on `fileno`."""

    def __init__(
        self,
        utd: Utd,
        host: str,
        port: int,
        *,
        on_lost: Callable[[str], None] = lambda why: None,
        on_found: Callable[[bool], None] = lambda again: None,
    ) -> None:
        """`on_lost` is told why there is no connection, once until there is one; `on_found` whether there was one."""
        self.utd = utd
        self._address = (host, port)
        self._on_lost = on_lost
        self._on_found = on_found
        self._sock: socket.socket | None = None
        self._out = bytearray()
        self._now_ms = 0
        self._retry_at = 0.0
        self._retry_s = _RETRY_FIRST_S
        self._is_lost = False

    @property
    def connected(self) -> bool:
        """There is a connection."""
        return self._sock is not None

    @property
    def due_ms(self) -> int | None:
        """When the next step of its story is."""
        return self.utd.due_ms

    @property
    def wants_write(self) -> bool:
        """Something is to be written."""
        return bool(self._out)

    def fileno(self) -> int | None:
        """The socket to wait on; None without one."""
        return None if self._sock is None else self._sock.fileno()

    def step(self, now_ms: int) -> None:
        """Let time pass: (re)connect, say what is due, send again what nobody confirmed."""
        self._now_ms = now_ms
        if self._sock is None and time.monotonic() >= self._retry_at:
            self._connect()
        self._out += self.utd.turn(now_ms, _mono_ms())
        if self.utd.is_failed:
            self._lose("no answer")
        self._write()

    def read(self) -> None:
        """Take what the centre sent."""
        if self._sock is None:
            return
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error.strerror or str(error))
            return
        if not data:
            self._lose("closed by the centre")
            return
        self._out += self.utd.feed(data, self._now_ms, _mono_ms())
        if self.utd.is_failed:
            self._lose("no sense in what it sends")
        self._write()

    def close(self) -> None:
        """Hang up."""
        self._drop()

    def _connect(self) -> None:
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(self._retry_s * 2, _RETRY_MAX_S)
        try:
            sock = socket.create_connection(self._address, _CONNECT_TIMEOUT_S)
        except OSError as error:
            self._tell_lost(error.strerror or str(error))
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._retry_s = _RETRY_FIRST_S
        self.utd.connected(_mono_ms())
        was_lost, self._is_lost = self._is_lost, False
        self._on_found(was_lost)

    def _write(self) -> None:
        if self._sock is None:
            return
        try:
            while self._out:
                del self._out[: self._sock.send(self._out)]
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error.strerror or str(error))

    def _lose(self, why: str) -> None:
        self._drop()
        self._retry_at = time.monotonic() + self._retry_s
        self._tell_lost(why)

    def _drop(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        self._out.clear()
        self.utd.lost()

    def _tell_lost(self, why: str) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._on_lost(why)


def site_links(plan: Plan, centre: tuple[str, int], tell: Callable[[str, str], None]) -> list[UtdLink]:
    """The transmission devices of a site that connect to the gateway, with what a scenario makes their panels say.

    `tell` hears in Chinese and English what happens.
    """
    return [_site_link(plan, source, centre, tell) for source in transmitters(plan.config)]


def _site_link(plan: Plan, source: Source, centre: tuple[str, int], tell: Callable[[str, str], None]) -> UtdLink:
    zone = ZoneInfo(source.zone or plan.config.site.timezone)
    components = declared(plan.config, source.id)
    stage = Stage(components, key_of(plan.seed, plan.config.site.id, source.id), zone)

    def tell_step(step: Step) -> None:
        if step.text:
            tell(step.text, step.text_en)

    utd = Utd(
        Settings(bytes.fromhex(source.address or NO_ADDRESS), per_frame=PER_FRAME),
        Panel(components, plan.start_ms),
        steps(plan.scenario.fire, stage, plan.start_ms),
        Profile(zone, bcd_time=source.bcd_time),
        on_step=tell_step,
    )
    device = plan.config.device(source.id)
    name, name_en = device.name, device.name_en or device.name

    def found(again: bool) -> None:
        if again:
            tell(f"{name}已连上网关，按顺序补传", f"{name_en} is connected again and sends what it kept, in order")

    return UtdLink(
        utd,
        *centre,
        on_lost=lambda why: tell(
            f"{name}连不上网关的消防端口 {centre[0]}:{centre[1]}，信号暂存在装置内",
            f"{name_en} cannot reach the gateway's fire port {centre[0]}:{centre[1]} ({why}) and keeps its signals",
        ),
        on_found=found,
    )


def play(link: UtdLink, now_ms: Callable[[], int], stop: threading.Event) -> None:
    """Drive one device until `stop` is set, then hang up."""
    try:
        while not stop.is_set():
            link.step(now_ms())
            due_ms = link.due_ms
            wait_s = _TURN_S if due_ms is None else min(max(due_ms - now_ms(), 0) / 1_000, _TURN_S)
            fd = link.fileno()
            if fd is None:
                stop.wait(wait_s)
                continue
            readable, _, _ = select.select([fd], [fd] if link.wants_write else [], [], wait_s)
            if readable:
                link.read()
    finally:
        link.close()


def _mono_ms() -> int:
    return int(time.monotonic() * 1_000)
