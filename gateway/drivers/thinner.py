"""Holds back what a babbling line says, at a wrong speed perhaps: it must be seen and must not fill the disk."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gateway.drivers.fire_signal import Signal

IN_A_MINUTE: Final = 20
_MINUTE_MS: Final = 60_000


class Thinner:
    """Lets so many unparsed signals a minute through and everything else always; one per line."""

    def __init__(self) -> None:
        self._since_ms: int | None = None
        self._passed = 0
        self._left_out = 0

    def pass_on(self, signals: Iterable[Signal], now_ms: int) -> list[Signal]:
        """What is to be told; the next that passes says in `left_out` how many were not."""
        return [one for signal in signals if (one := self._passing(signal, now_ms)) is not None]

    def _passing(self, signal: Signal, now_ms: int) -> Signal | None:
        if signal.scope != "unparsed":
            return signal
        if self._since_ms is None or now_ms - self._since_ms >= _MINUTE_MS:
            self._since_ms, self._passed = now_ms, 0
        self._passed += 1
        if self._passed > IN_A_MINUTE:
            self._left_out += 1
            return None
        if not self._left_out:
            return signal
        left_out, self._left_out = self._left_out, 0
        return replace(signal, marks=(*signal.marks, "flood"), extra={**signal.extra, "left_out": left_out})
