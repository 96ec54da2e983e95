"""All Modbus buses of a site: a thread each that asks, and one that keeps what was said."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.drivers.modbus.wire import ModbusWire
from gateway.outbox import OutboxError
from gateway.outlet import Event, Keeper, Outlet
from gateway.sensors.bus import BusLine, Wire
from gateway.sensors.mapping import BadSensor
from gateway.site.model import SiteConfig
from gateway.site.profile import Profile
from gateway.site.sensors import Sensor

log = logging.getLogger(__name__)

_HELD: Final = 10_000
_GATHER_S: Final = 0.2
_AGAIN_S: Final = 1.0
_AFTER_FAULT_S: Final = 0.5


class Desk:
    """Keeps events durably on a thread of its own: a slow disk must not make a bus late.

    While the disk takes nothing the newest 10 000 events wait in memory.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._outlet = Outlet(keeper)
        self._waiting: deque[Event] = deque(maxlen=_HELD)
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bus-desk", daemon=True)

    def start(self) -> None:
        """Begin to keep."""
        self._thread.start()

    def put(self, events: Sequence[Event]) -> None:
        """Take events; never blocks for long."""
        if events:
            with self._lock:
                self._waiting.extend(events)
            self._news.set()

    def flush(self) -> bool:
        """Keep what waits; False: the disk does not take it, call again."""
        with self._lock:
            events = list(self._waiting)
            self._waiting.clear()
        try:
            if events:
                self._outlet.keep(events)
        except OutboxError as error:
            log.warning("What buses said waits in memory, the outbox does not take it: %s", error)
            with self._lock:
                self._waiting = deque([*events, *self._waiting], maxlen=_HELD)
            return False
        return True

    def close(self) -> None:
        """Keep what is left, and end."""
        self._closing.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._news.wait()
            self._news.clear()
            self._closing.wait(_GATHER_S)  # one commit for many slaves
            if not self.flush() and not self._closing.wait(_AGAIN_S):
                self._news.set()


class Buses:
    """The buses of a site. Raises BadSensor or BadUnit for a sensor that does not fit its family or points."""

    def __init__(
        self,
        config: SiteConfig,
        profiles: Mapping[str, Profile],
        publisher: Keeper,
        clock_ms: Callable[[], int],
        addresses: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`addresses`: `host:port` by `{site}/{bus}`, in place of those in the site files."""
        self._desk = Desk(publisher)
        self._closing = threading.Event()
        self._lines: list[BusLine] = []
        for bus in config.sensors.buses:
            its = [(one, _profile(profiles, one)) for one in config.sensors.sensors if one.bus == bus.id]
            if not its:
                continue
            wire: Wire = ModbusWire(bus, _address(addresses, f"{config.site.id}/{bus.id}"))
            self._lines.append(
                BusLine(
                    bus,
                    its,
                    config,
                    wire,
                    self._desk.put,
                    clock_ms=clock_ms,
                    monotonic=monotonic,
                    wait=self._closing.wait,
                )
            )
        for name in addresses:
            site, _, bus_id = name.partition("/")
            if site == config.site.id and bus_id not in config.sensors.bus_by_id:
                log.warning("GENGFU_BUS_ADDRESSES names %r, which is no bus of this site", name)
        self._threads = [
            threading.Thread(target=self._run, args=(line,), name=f"bus-{line.bus.id}", daemon=True)
            for line in self._lines
        ]

    def start(self) -> None:
        """Begin to ask."""
        if self._threads:
            self._desk.start()
        for thread in self._threads:
            thread.start()

    def retry(self) -> None:
        """Nothing to do: what the disk did not take is tried again by itself."""

    def close(self) -> None:
        """Leave the lines; what was heard is kept."""
        self._closing.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._desk.close()

    def _run(self, line: BusLine) -> None:
        while not self._closing.is_set():
            try:
                wait_s = line.step()
            except Exception:
                log.exception("Bus %s failed; trying again", line.bus.id)
                line.lose()
                wait_s = _AFTER_FAULT_S
            self._closing.wait(wait_s)
        line.close()


def _address(addresses: Mapping[str, str], name: str) -> str:
    address = addresses.get(name, "")
    host, _, port = address.rpartition(":")
    if address and not (host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        raise BadSensor(
            f"Bus {name}: {address!r} in GENGFU_BUS_ADDRESSES is no address", hint="Write it like 192.168.1.20:502"
        )
    return address


def _profile(profiles: Mapping[str, Profile], sensor: Sensor) -> Profile:
    profile = profiles.get(sensor.profile)
    if profile is None:
        raise BadSensor(
            f"Sensor {sensor.device}: there is no family {sensor.profile!r}", hint=f"Known: {sorted(profiles)}"
        )
    return profile
