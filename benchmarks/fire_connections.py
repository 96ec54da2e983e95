"""Many transmission devices at once: connections held, heartbeats confirmed, and an alarm among them."""

import os
import resource
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.fire_site import ADDRESS, components, cpu_s, environment_of, gateway, peak_mib, write_fire_site
from benchmarks.ingest import embedded, free_port
from gateway.contract.times import to_ms
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.profile import Profile
from gateway.simulator.fire_panel import Panel, Report
from gateway.simulator.utd_units import Units

CONFIRM_BYTES = 30
ALARM_EVERY_S = 0.5
SETTLE_S = 10.0
"""After the last heartbeat, for confirmations still on their way."""
_AT_ONCE = 100
"""Connections made before the server is given a moment."""


@dataclass(slots=True)
class Device:
    """One connection."""

    sock: socket.socket
    address: bytes
    due: float
    serial: int = 0
    waiting: dict[int, float] = field(default_factory=dict)
    rest: bytes = b""


@dataclass(slots=True)
class Tally:
    """What became of it all."""

    sent: int = 0
    confirmed: int = 0
    lost: int = 0
    latencies: list[float] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)


def allow_files(count: int) -> None:
    """Every connection is an open file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))


def address_of(number: int) -> str:
    """A device's address; the first is the one with points."""
    return ADDRESS if number == 0 else (0x010000000000 + number).to_bytes(6, "big").hex()


def connect(port: int, count: int, heartbeat_s: float) -> list[Device]:
    """All of them, with heartbeats spread evenly."""
    found = []
    for number in range(count):
        sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        sock.setblocking(False)
        found.append(Device(sock, bytes.fromhex(address_of(number)), 0.0))
        if number % _AT_ONCE == _AT_ONCE - 1:
            time.sleep(0.05)
    begun = time.perf_counter()
    for number, device in enumerate(found):
        device.due = begun + heartbeat_s * number / count
    return found


class Crowd:
    """Gives heartbeats and checks that each one is confirmed; device 0 reports alarms too."""

    def __init__(self, devices: list[Device], heartbeat_s: float, *, alarms: bool) -> None:
        self.devices = devices
        self.tally = Tally()
        self._heartbeat_s = heartbeat_s
        self._by_fd = {one.sock.fileno(): one for one in devices}
        self._poll = select.epoll()
        for fd in self._by_fd:
            self._poll.register(fd, select.EPOLLIN)
        self._alarm_due = time.perf_counter() + 1.0 if alarms else float("inf")
        self._points = components(0, 500)
        self._units = Units(Panel(self._points, 0), Profile(ZoneInfo("Asia/Shanghai")))
        self._alarm_serials: set[int] = set()

    def run(self, seconds: float) -> None:
        """Heartbeats for so long, then wait for what is on its way."""
        end = time.perf_counter() + seconds
        queue = sorted(self.devices, key=lambda one: one.due)
        at = 0
        while (now := time.perf_counter()) < end:
            while queue[at].due <= now:
                device = queue[at]
                self._send(device, b"")
                device.due += self._heartbeat_s
                at = (at + 1) % len(queue)
            if self._alarm_due <= now:
                self._alarm()
            self._read(min(queue[at].due, end) - now)
        deadline = time.perf_counter() + SETTLE_S
        while any(one.waiting for one in self._by_fd.values()) and time.perf_counter() < deadline:
            self._read(0.05)

    @property
    def held(self) -> int:
        """Connections that stand."""
        return len(self._by_fd)

    def close(self) -> None:
        """Hang up."""
        for device in self.devices:
            device.sock.close()
        self._poll.close()

    def _alarm(self) -> None:
        device = self.devices[0]
        number = len(self._alarm_serials)
        at_ms = to_ms(datetime.now(UTC))
        report = Report(at_ms, "component", self._points[number % len(self._points)], ("fire",))
        self._alarm_serials.add(device.serial)
        self._send(device, self._units.of_reports([report]))
        self._alarm_due += ALARM_EVERY_S

    def _send(self, device: Device, app: bytes) -> None:
        if device.sock.fileno() < 0:
            return
        frame = Frame(device.serial, Command.SEND_DATA, device.address, bytes(6), app)
        device.waiting[device.serial] = time.perf_counter()
        device.serial = (device.serial + 1) & 0xFFFF
        self.tally.sent += 1
        try:
            device.sock.send(frame.encode())
        except OSError:
            self._gone(device)

    def _read(self, seconds: float) -> None:
        for fd, _ in self._poll.poll(max(seconds, 0.0)):
            device = self._by_fd.get(fd)
            if device is None:
                continue
            try:
                data = device.sock.recv(4096)
            except OSError:
                data = b""
            if data:
                self._take(device, device.rest + data)
            else:
                self._gone(device)

    def _take(self, device: Device, data: bytes) -> None:
        now = time.perf_counter()
        whole = len(data) // CONFIRM_BYTES * CONFIRM_BYTES
        device.rest = data[whole:]
        for at in range(0, whole, CONFIRM_BYTES):
            frame = Frame.decode(data[at : at + CONFIRM_BYTES])
            if frame.command != Command.CONFIRM or frame.destination != device.address:
                raise SystemExit(f"the centre answered {frame}")
            took = (now - device.waiting.pop(frame.serial)) * 1000
            self.tally.confirmed += 1
            is_alarm = device is self.devices[0] and frame.serial in self._alarm_serials
            (self.tally.alarms if is_alarm else self.tally.latencies).append(took)

    def _gone(self, device: Device) -> None:
        self.tally.lost += 1
        self._by_fd.pop(device.sock.fileno(), None)
        device.sock.close()


def _say(name: str, crowd: Crowd, connecting_s: float, used_s: float, peak: float) -> None:
    tally = crowd.tally
    print(
        f"    {name:<12} held {crowd.held:5,}   lost {tally.lost}   sent {tally.sent:7,}   "
        f"confirmed {tally.confirmed:7,}   connected in {connecting_s:.1f} s   "
        f"CPU {used_s / max(tally.sent, 1) * 1e6:5.0f} µs/frame"
        f"   peak {peak:4.0f} MiB",
        flush=True,
    )
    for what, values in (("heartbeat confirmed", tally.latencies), ("alarm confirmed", tally.alarms)):
        if values:
            found = sorted(values)
            p99 = found[min(len(found) - 1, int(len(found) * 0.99))]
            print(
                f"        {what:<20} p50 {statistics.median(found):7.2f} ms   p99 {p99:7.2f} ms   "
                f"max {found[-1]:7.2f} ms   (n={len(found):,})",
                flush=True,
            )


def run(count: int, seconds: float, heartbeat_s: float) -> None:
    """Our gateway, then a centre that only swaps bytes, under the same crowd."""
    os.environ["GENGFU_PARENT_PID"] = str(os.getpid())  # whatever ends this ends our processes too
    allow_files(count)
    print(
        f"connections: {count:,} devices, a heartbeat each {heartbeat_s:g} s ({count / heartbeat_s:,.0f}/s)", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="gengfu-bench-") as text:
        directory = Path(text)
        write_fire_site(directory / "configs", 1, 500, [address_of(number) for number in range(1, count)])
        with embedded(directory) as broker_port:
            environment = environment_of(directory, broker_port, free_port())
            with gateway(environment) as ours:
                port = int(environment["GENGFU_FIRE_PORT"])
                _measure("gengfu", port, count, seconds, heartbeat_s, ours.process.pid, alarms=True)
    port = free_port()
    bare = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fire_bare", str(port)], stdout=subprocess.PIPE, text=True
    )
    try:
        if bare.stdout is None or bare.stdout.readline().strip() != "READY":
            raise SystemExit("the bare centre did not start")
        _measure("bare asyncio", port, count, min(seconds, 20.0), heartbeat_s, bare.pid, alarms=False)
    finally:
        bare.terminate()
        bare.wait()


def _measure(name: str, port: int, count: int, seconds: float, heartbeat_s: float, pid: int, *, alarms: bool) -> None:
    started = time.perf_counter()
    crowd = Crowd(connect(port, count, heartbeat_s), heartbeat_s, alarms=alarms)
    connecting_s = time.perf_counter() - started
    cpu = cpu_s(pid)
    crowd.run(seconds)
    _say(name, crowd, connecting_s, cpu_s(pid) - cpu, peak_mib(pid))
    crowd.close()
