"""Who is connected, and who makes room: only what a declared source has said protects a connection."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gateway.fire.book import Address
from gateway.fire.peer import Allowance, Limits, Peer

log = logging.getLogger(__name__)

_SAID_EVERY_S: Final = 60.0
_REMEMBERED: Final = 4096


class Crowd:
    """The connections of a server. One thread only."""

    def __init__(self, limits: Limits, now_s: Callable[[], float]) -> None:
        self._limits = limits
        self._now_s = now_s
        self._peers: set[Peer] = set()
        self._allowances: OrderedDict[Address | None, Allowance] = OrderedDict()
        self._turned_away = 0
        self._said_s: float | None = None

    def __len__(self) -> int:
        return len(self._peers)

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._peers))

    def enter(self, peer: Peer) -> bool:
        """Let a new connection in, in the place of the oldest of an undeclared sender if need be; False: no room."""
        for crowd, most in ((self._beside(peer), self._limits.per_address), (self._peers, self._limits.connections)):
            if len(crowd) >= most and not self._make_room(one for one in crowd if not one.standing.is_known):
                self.turn_away(peer, "there are too many")
                return False
        self._peers.add(peer)
        return True

    def spoke_as_stranger(self, peer: Peer) -> None:
        """A connection has brought its first frame, and no declared source's: such have a small share."""
        strangers = [one for one in self._peers if one is not peer and _is_stranger(one)]
        beside = [one for one in strangers if one.address == peer.address]
        if len(beside) >= self._limits.strangers_per_address:
            self._make_room(beside)
        elif len(strangers) >= self._limits.strangers:
            self._make_room(strangers)

    def leave(self, peer: Peer) -> None:
        """A connection has ended."""
        self._peers.discard(peer)

    def clear(self) -> None:
        """All have ended."""
        self._peers.clear()

    def allowance(self, address: Address | None) -> Allowance:
        """Of all undeclared senders at an address together: a new connection brings no new allowance."""
        found = self._allowances.get(address)
        if found is None:
            found = Allowance(self._limits.strange_objects_per_s, self._limits.strange_objects_burst, self._now_s())
            self._allowances[address] = found
            if len(self._allowances) > _REMEMBERED:
                self._allowances.popitem(last=False)
        self._allowances.move_to_end(address)
        return found

    def turn_away(self, peer: Peer, why: str) -> None:
        """Log that a connection is refused or closed for others: one line a minute, however many there are."""
        self._turned_away += 1
        now_s = self._now_s()
        if self._said_s is not None and now_s - self._said_s < _SAID_EVERY_S:
            return
        log.warning("%d connections are refused, the last from %s: %s", self._turned_away, peer.address, why)
        self._turned_away, self._said_s = 0, now_s

    def _beside(self, peer: Peer) -> list[Peer]:
        return [one for one in self._peers if one.address == peer.address]

    def _make_room(self, candidates: Iterable[Peer]) -> bool:
        oldest = min(candidates, key=lambda one: one.standing.since_s, default=None)
        if oldest is None:
            return False
        self._peers.discard(oldest)
        self.turn_away(oldest, "no declared source speaks over it, and others wait")
        oldest.leave()
        return True


def _is_stranger(peer: Peer) -> bool:
    return peer.standing.has_spoken and not peer.standing.is_known
