"""How much of what undeclared senders say is told: their fires always, their addresses not without end.

An address on the wire costs nothing to invent, and every component is kept for ever. So a sender has so many
components, and there are so many senders; what is said beyond is told once a minute, by one signal of the sender
itself. A fire among it is told at once.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.drivers.fire_signal import Signal, repeat_key
from gateway.drivers.gb26875.signals import SELF

ADDRESSES: Final = 200
"""Components of one sender."""
SENDERS: Final = 64
"""Senders of one site; all others are one."""
OTHERS: Final = "others"
"""The name of all senders beyond."""
AGAIN_MS: Final = 60_000
_FIRE: Final = "fire"
_FLOOD: Final = "flood"


class Told(NamedTuple):
    """What an event says for signals that were left out: it counts when it is on disk."""

    sender: str
    words: tuple[str, ...]
    at_ms: int


@dataclass(slots=True)
class _Sender:
    addresses: set[str] = field(default_factory=set)
    said_ms: dict[str, int] = field(default_factory=dict)
    left_out: int = 0

    def bears(self, address: str | None) -> bool:
        if address is None or address in self.addresses:
            return True
        if len(self.addresses) >= ADDRESSES:
            return False
        self.addresses.add(address)
        return True


class Strangers:
    """The undeclared senders of one site, over all connections and lines; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._senders: dict[str, _Sender] = {}
        self._others = _Sender()

    def thin(self, sender: str, signals: Sequence[Signal], now_ms: int) -> tuple[str, list[Signal], Told | None]:
        """(under which name, what is to be told, what of it stands for more); `now_ms` never goes back."""
        with self._lock:
            if sender not in self._senders and len(self._senders) < SENDERS:
                self._senders[sender] = _Sender()
            is_known = sender in self._senders
            name, its = (sender, self._senders[sender]) if is_known else (OTHERS, self._others)
            passed: list[Signal] = []
            left: list[Signal] = []
            for one in signals:
                (passed if is_known and its.bears(one.address) else left).append(one)
            if not left:
                return name, passed, None
            its.left_out += len(left)
            wanted = [_FLOOD, *([_FIRE] if any(_FIRE in one.state for one in left) else [])]
            words = tuple(one for one in wanted if now_ms - its.said_ms.get(one, now_ms - AGAIN_MS) >= AGAIN_MS)
            passed += [_instead(word, left, its.left_out) for word in words]
            return name, passed, Told(name, words, now_ms) if words else None

    def said(self, told: Told) -> None:
        """It is on disk, and need not be said again for a minute."""
        with self._lock:
            its = self._senders.get(told.sender, self._others)
            its.said_ms |= dict.fromkeys(told.words, told.at_ms)
            its.left_out = 0


def _instead(word: str, left: Sequence[Signal], left_out: int) -> Signal:
    first = next((one for one in left if word in one.state), left[0])
    key = repeat_key(first.key.encode(), word.encode())
    extra = {"left_out": left_out}
    if word == _FIRE:
        return Signal("transmitter", SELF, (_FIRE,), raw=first.raw, marks=(_FLOOD,), key=key, extra=extra)
    return Signal("unparsed", SELF, raw=first.raw, marks=("unparsed", _FLOOD), key=key, extra=extra)
