"""A panel on a line: a thread that opens its port or serial server, again after every loss, and feeds its driver.

Nothing is sent unless the protocol asks for it, and no driver of a printer port does. Silence is not «all quiet»: a
panel is there while it is heard, and what a panel did while nobody listened is not known (mark `state_unknown`).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from gateway.contract.times import format_at
from gateway.drivers.fire_signal import PanelDriver, Signal
from gateway.drivers.gst_modbus import GstModbus
from gateway.drivers.thinner import Thinner
from gateway.fire.drivers import baud_of
from gateway.fire.modbus import ModbusWire
from gateway.fire.wires import WIRE_ERRORS, SerialWire, TcpWire, Wire, host_and_port
from gateway.site.duration import to_milliseconds
from gateway.site.fire import Source

log = logging.getLogger(__name__)

UNKNOWN: Final = "state_unknown"
_TELLS_EVENTS_ONLY: Final = frozenset({"text", "jbf293k"})
"""Protocols in which a panel says what happens, and cannot be asked what holds."""
_RETRY_FIRST_S: Final = 0.5
_RETRY_MAX_S: Final = 15.0


class PanelLine:
    """One source on one line.

    `on_signals` is given what the panel says; `on_state` whether it is there, whenever that changes. Both are called
    from the line's thread and must not raise.
    """

    def __init__(
        self,
        source: Source,
        build: Callable[[], PanelDriver],
        on_signals: Callable[[Sequence[Signal]], None],
        on_state: Callable[[bool], None],
        *,
        clock_ms: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`build`: the driver, anew for each connection; `clock_ms`: epoch milliseconds."""
        self._source = source
        self._where = source.host or source.port or ""
        self._build = build
        self._baud = baud_of(source, build)
        self._on_signals = on_signals
        self._on_state = on_state
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._offline_after_ms = to_milliseconds(source.offline_after)
        self._closing = threading.Event()
        self._online: bool | None = None
        self._heard_ms: int | None = None
        self._heard_at_ms: int | None = None
        self._connected_ms = 0
        self._is_unknown_told = False
        self._thin = Thinner()
        self._thread = threading.Thread(target=self._run, name=f"fire-{source.id}", daemon=True)

    def start(self) -> "PanelLine":
        """Begin to open and to hear."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Leave the line; what the driver held back is still delivered."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)

    def _run(self) -> None:
        pause_s = _RETRY_FIRST_S
        while not self._closing.is_set():
            heard_ms = self._heard_ms
            try:
                if self._source.protocol == "gst_modbus":
                    self._read_registers()
                else:
                    self._listen()
            except WIRE_ERRORS as error:
                level = logging.WARNING if self._online is not False else logging.DEBUG
                log.log(level, "Fire source %s on %s: %s; trying again", self._source.id, self._where, error)
            except Exception:
                log.exception("Fire source %s on %s failed; trying again", self._source.id, self._where)
            if self._closing.is_set():
                return
            self._state(online=False)
            if self._heard_ms != heard_ms:
                pause_s = _RETRY_FIRST_S  # it was there
            self._closing.wait(pause_s)
            pause_s = min(pause_s * 2, _RETRY_MAX_S)

    def _listen(self) -> None:
        wire = self._open()
        driver = self._build()
        try:
            self._connected("listening")
            self._say_unknown()
            while not self._closing.is_set():
                wanted = driver.poll(self._now_ms())
                if wanted:
                    wire.write(wanted)
                driver = self._hear(driver, wire.read())
                self._judge(is_well=driver.is_well(self._now_ms()))
        finally:
            wire.close()
            self._deliver(driver.close(self._now_ms()))

    def _open(self) -> Wire:
        if self._source.host is not None:
            return TcpWire(*host_and_port(self._source.host))
        return SerialWire(self._source.port or "", self._baud, self._source.framing)

    def _hear(self, driver: PanelDriver, data: bytes) -> PanelDriver:
        """Feed the driver. Bytes it fails on are told as they came: a fault of ours must not cost an alarm."""
        now_ms = self._now_ms()
        if data:
            self._heard(now_ms)
        try:
            self._deliver(driver.feed(data, now_ms))
        except Exception:
            log.exception("What fire source %s said cannot be read: %s", self._source.id, data.hex())
            if data:
                self._deliver(self._thin.pass_on([Signal("unparsed", raw=data, marks=("unparsed",))], now_ms))
            return self._build()
        return driver

    def _read_registers(self) -> None:
        card = self._build()
        assert isinstance(card, GstModbus)
        wire = ModbusWire(self._source, self._baud)
        try:
            self._connected("reading registers")
            while not self._closing.is_set():
                for start, count in card.ranges():
                    values = wire.read(start, count)
                    self._heard(self._now_ms())
                    self._deliver(card.take(start, values))
                    self._judge(is_well=True)
                self._closing.wait(self._source.poll_every.total_seconds())
        finally:
            wire.close()

    def _connected(self, doing: str) -> None:
        self._connected_ms = self._now_ms()
        log.info("Fire source %s: %s on %s", self._source.id, doing, self._where)

    def _heard(self, now_ms: int) -> None:
        self._heard_ms, self._heard_at_ms = now_ms, self._clock_ms()
        self._is_unknown_told = False

    def _say_unknown(self) -> None:
        """Said once until the panel is heard: a port that comes and goes is no news each time."""
        if self._source.protocol not in _TELLS_EVENTS_ONLY or self._is_unknown_told:
            return
        self._is_unknown_told = True
        extra = {} if self._heard_at_ms is None else {"unheard_since": format_at(self._heard_at_ms)}
        self._on_signals([Signal("info", "self", marks=(UNKNOWN,), extra=extra)])

    def _judge(self, *, is_well: bool) -> None:
        """Online: heard over this connection and understood. Offline: neither for as long as the source allows."""
        now_ms = self._now_ms()
        is_heard = self._heard_ms is not None and self._heard_ms >= self._connected_ms
        since_ms = self._heard_ms if is_heard and self._heard_ms is not None else self._connected_ms
        if now_ms - since_ms > self._offline_after_ms or (self._online and not is_well):
            self._state(online=False)
        elif is_heard and is_well:
            self._state(online=True)

    def _deliver(self, signals: Sequence[Signal]) -> None:
        if signals:
            self._on_signals(signals)

    def _state(self, *, online: bool) -> None:
        if online != self._online:
            self._online = online
            self._on_state(online)
