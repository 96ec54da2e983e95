"""Who is let in, and who makes room."""

import logging
from types import SimpleNamespace

import pytest

from gateway.fire.book import peer_address
from gateway.fire.crowd import Crowd
from gateway.fire.peer import Limits, Peer


class Bench:
    def __init__(self, **limits: int) -> None:
        self.now_s = 0.0
        self.crowd = Crowd(Limits(**limits), lambda: self.now_s)  # type: ignore[arg-type]

    def dial(self, address: str = "10.0.0.1", *, speaks: str = "") -> Peer:
        """A new connection; `speaks`: `known`, `strange` or not at all."""
        self.now_s += 1
        peer = Peer(SimpleNamespace(now_s=lambda: self.now_s))  # type: ignore[arg-type]
        peer.address = peer_address(address)
        if self.crowd.enter(peer) and speaks:
            peer.standing.is_known = speaks == "known"
            if speaks == "strange":
                self.crowd.spoke_as_stranger(peer)
            peer.standing.has_spoken = True
        return peer

    def inside(self, *peers: Peer) -> list[bool]:
        return [one in set(self.crowd) for one in peers]


def test_strangers_have_a_small_share_of_an_address_and_of_all() -> None:
    bench = Bench(connections=32, strangers_per_address=2)
    known, silent = bench.dial(speaks="known"), bench.dial()
    beside = [bench.dial(speaks="strange") for _ in range(3)]
    assert bench.inside(known, silent, *beside) == [True, True, False, True, True]
    others = [bench.dial(f"10.0.1.{number}", speaks="strange") for number in range(4)]
    assert bench.inside(known, silent, *beside, *others) == [True, True, *[False] * 3, *[True] * 4]


@pytest.mark.parametrize("limits", [{"connections": 3}, {"per_address": 3}])
def test_only_what_a_declared_source_has_said_protects(limits: dict[str, int]) -> None:
    bench = Bench(**limits, strangers_per_address=9)
    first = [bench.dial(speaks="known"), bench.dial(speaks="strange"), bench.dial()]
    more = [bench.dial(speaks="known"), bench.dial(speaks="known")]
    assert bench.inside(*first, *more) == [True, False, False, True, True]
    assert bench.inside(bench.dial()) == [False]


def test_who_is_turned_away_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(connections=1)
    bench.dial(speaks="known")
    with caplog.at_level(logging.WARNING):
        for _ in range(121):
            bench.dial()
    assert [record.getMessage().split(" ", 1)[0] for record in caplog.records] == ["1", "60", "60"]


def test_an_allowance_belongs_to_the_address_and_memory_is_bounded() -> None:
    bench = Bench()
    first = bench.crowd.allowance(peer_address("10.0.0.1"))
    assert bench.crowd.allowance(peer_address("10.0.0.1")) is first
    for number in range(5000):
        bench.crowd.allowance(peer_address(f"10.1.{number // 250}.{number % 250}"))
    assert len(bench.crowd._allowances) == 4096
