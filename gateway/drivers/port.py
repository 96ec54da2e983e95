"""The edge of the serial readers: a thread per port that opens it, again after an unplugging, and feeds the driver."""

import logging
import termios
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import serial

from gateway.drivers.read import Driver, Read

log = logging.getLogger(__name__)

PORT_ERRORS: Final = (OSError, ValueError, termios.error)
"""What opening, reading and writing a port raise; pyserial's own errors are OSErrors."""
_TURN_S: Final = 0.05
_SETTLE_MS: Final = 3000
_RETRY_FIRST_S: Final = 0.5
_RETRY_MAX_S: Final = 15.0


def open_port(port: str, baud: int) -> serial.Serial:
    """The port, ours alone; raises PORT_ERRORS."""
    return serial.Serial(port, baud, timeout=_TURN_S, write_timeout=1.0, exclusive=True)


def turn(line: serial.Serial, driver: Driver, now_ms: Callable[[], int]) -> tuple[bytes, list[Read]]:
    """Send what the driver wants to say and hear for a moment: (bytes heard, reads). Raises PORT_ERRORS."""
    wanted = driver.poll(now_ms())
    if wanted:
        line.write(wanted)
    data = line.read(max(1, line.in_waiting))
    return data, driver.feed(data, now_ms())


class SerialReader:
    """One reader on one port.

    `on_reads` is given reads dated by `clock_ms` (epoch milliseconds); `on_state` whether the reader is there, whenever
    that changes and every `state_every_s`. Both are called from the reader's thread and must not raise.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        build: Callable[[], Driver],
        on_reads: Callable[[Sequence[Read]], None],
        on_state: Callable[[bool], None],
        *,
        clock_ms: Callable[[], int],
        state_every_s: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.port = port
        self._baud = baud
        self._build = build
        self._on_reads = on_reads
        self._on_state = on_state
        self._clock_ms = clock_ms
        self._state_every_ms = None if state_every_s is None else int(state_every_s * 1000)
        self._monotonic = monotonic
        self._closing = threading.Event()
        self._online: bool | None = None
        self._said_ms = 0
        self._thread = threading.Thread(target=self._run, name=f"reader-{port}", daemon=True)

    def start(self) -> "SerialReader":
        """Begin to open and to hear."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Leave the port; what the driver held back is still delivered."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)

    def _run(self) -> None:
        pause_s = _RETRY_FIRST_S
        while not self._closing.is_set():
            try:
                with open_port(self.port, self._baud) as line:
                    log.info("Reader on %s: port open at %d baud", self.port, self._baud)
                    pause_s = _RETRY_FIRST_S
                    self._converse(line)
            except PORT_ERRORS as error:
                first = self._online is not False
                log.log(logging.WARNING if first else logging.DEBUG, "Reader on %s: %s; trying again", self.port, error)
            self._state(online=False)
            self._closing.wait(pause_s)
            pause_s = min(pause_s * 2, _RETRY_MAX_S)

    def _converse(self, line: serial.Serial) -> None:
        driver, opened_ms = self._build(), self._now_ms()
        try:
            while not self._closing.is_set():
                self._deliver(turn(line, driver, self._now_ms)[1])
                now_ms = self._now_ms()
                is_well = driver.is_well(now_ms)
                if is_well or now_ms - opened_ms > _SETTLE_MS:
                    self._state(online=is_well)
        finally:
            self._deliver(driver.close(self._now_ms()))

    def _deliver(self, reads: Sequence[Read]) -> None:
        if reads:
            ahead_ms = self._clock_ms() - self._now_ms()
            self._on_reads([replace(read, at_ms=read.at_ms + ahead_ms) for read in reads])

    def _state(self, *, online: bool) -> None:
        now_ms = self._now_ms()
        due = self._state_every_ms is not None and now_ms - self._said_ms >= self._state_every_ms
        if online != self._online or (due and online):
            self._online, self._said_ms = online, now_ms
            self._on_state(online)
