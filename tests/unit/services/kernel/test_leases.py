"""Leases: who should hold what (pure), and that PostgreSQL lets only one hold it."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from gateway.contract.errors import NotOurs
from services.kernel import leases
from services.kernel.db import Database
from services.kernel.leases import Held, Moves, View, decide, shares

NAMES = [f"ingest:g{number:02d}" for number in range(1, 13)]


def view(members: str, **held: str) -> View:
    """Members and holders by single letters; `g1="a"`."""
    return View(dict(held), frozenset(members))


@pytest.mark.parametrize(
    ("me", "seen", "moves"),
    [
        ("a", view("a"), Moves((), ("g1", "g2", "g3"))),  # alone: everything
        ("a", view(""), Moves((), ("g1", "g2", "g3"))),  # our own sign of life has run out: we live all the same
        ("a", view("ab"), Moves((), ("g1", "g2"))),  # the odd one goes to the first
        ("b", view("ab"), Moves((), ("g1",))),
        ("b", view("ab", g1="b", g2="b", g3="b"), Moves(("g3",), ())),  # whoever holds most keeps the odd one
        ("a", view("ab", g1="b", g2="b", g3="b"), Moves((), ())),  # and we wait until it is given
        ("a", view("ab", g1="b", g2="b"), Moves((), ("g3",))),
        ("b", view("ab", g1="b", g2="b", g3="a"), Moves((), ())),  # even: nothing moves
        ("a", view("a", g1="a", g2="b"), Moves((), ("g3",))),  # b does not live, but its lease has not run out
        ("a", view("abcd", g1="a", g2="b", g3="c"), Moves((), ())),  # more members than things
        ("d", view("abcd", g1="a", g2="b", g3="c"), Moves((), ())),
    ],
)
def test_who_gives_and_takes_what(me: str, seen: View, moves: Moves) -> None:
    assert decide(me, ["g1", "g2", "g3"], seen) == moves


def test_what_is_shunned_is_left_alone() -> None:
    assert decide("a", ["g1", "g2"], view("a"), {"g1"}) == Moves((), ("g2",))


@given(st.integers(0, 60), st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 60), min_size=1))
def test_shares_are_even_and_are_all_there_is(count: int, held: dict[str, int]) -> None:
    found = shares(count, held)
    assert sum(found.values()) == count
    assert max(found.values()) - min(found.values()) <= 1
    assert max(found.values()) <= -(-count // len(held))


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from("abcdef")),
    st.sets(st.sampled_from("abcdef"), min_size=1),
    st.randoms(use_true_random=False),
)
def test_members_agree_without_speaking_to_each_other(
    holders: dict[str, str],
    members: set[str],
    random: Random,
) -> None:
    now = {name: holder for name, holder in holders.items() if holder in members}
    before = dict(now)
    for _ in range(5):
        for me in random.sample(sorted(members), len(members)):
            moves = decide(me, NAMES, View(dict(now), frozenset(members)))
            assert not (moves.give and moves.take)
            for name in moves.give:
                assert now.pop(name) == me
            for name in moves.take:
                assert now.setdefault(name, me) == me
    assert all(decide(me, NAMES, View(now, frozenset(members))) == Moves((), ()) for me in members)
    sizes = Counter(dict.fromkeys(members, 0))
    sizes.update(now.values())
    assert set(now) == set(NAMES)
    assert max(sizes.values()) - min(sizes.values()) <= 1
    moved = sum(now[name] != holder for name, holder in before.items())
    surplus = sum(max(0, n - len(NAMES) // len(members)) for n in Counter(before.values()).values())
    assert moved <= surplus, "more moved than was too much somewhere"


def test_of_many_takers_one_gets_it_and_each_taking_raises_the_epoch(postgres_db: Database) -> None:
    together = threading.Barrier(8)

    def try_it(number: int) -> Held | None:
        together.wait()
        with postgres_db.begin() as session:
            return leases.take(session, "ingest:g1", f"taker-{number}")

    for epoch in range(1, 4):
        with ThreadPoolExecutor(8) as pool:
            (held,) = [one for one in pool.map(try_it, range(8)) if one is not None]
        assert held.epoch == epoch
        with postgres_db.begin() as session:
            assert leases.take(session, "ingest:g1", "late") is None
            leases.give_back(session, held)
            leases.give_back(session, held._replace(epoch=epoch - 1))


def test_what_runs_out_is_anybodys_and_its_holder_finds_out(postgres_db: Database) -> None:
    with postgres_db.begin() as session:
        first = leases.take(session, "ingest:g1", "first", ttl_s=0.0)
        assert first is not None
        leases.confirm(session, first)  # run out, but nobody else has it
        assert leases.renew(session, [first], ttl_s=0.0) == []
        second = leases.take(session, "ingest:g1", "second")
        assert second == ("ingest:g1", "second", 2)
        assert leases.renew(session, [first]) == [first]
        leases.give_back(session, first)
        leases.confirm(session, second)
        with pytest.raises(NotOurs, match="ingest:g1"):
            leases.confirm(session, first)


def test_a_taker_waits_for_a_confirmed_transaction(postgres_db: Database) -> None:
    with postgres_db.begin() as session:
        held = leases.take(session, "ingest:g1", "first", ttl_s=0.0)
    assert held is not None
    taken = threading.Event()

    def take() -> None:
        with postgres_db.begin() as session:
            assert leases.take(session, "ingest:g1", "second") is not None
        taken.set()

    thread = threading.Thread(target=take)
    with postgres_db.begin() as session:
        leases.confirm(session, held)
        thread.start()
        assert not taken.wait(0.2)
    assert taken.wait(5)
    thread.join()


def test_a_view_shows_who_lives_and_what_is_held(postgres_db: Database) -> None:
    with postgres_db.begin() as session:
        leases.live(session, "a")
        leases.live(session, "b", ttl_s=0.0)
        for name, holder, ttl_s in (("ingest:g1", "a", 8.0), ("ingest:g2", "b", 0.0), ("other:g3", "a", 8.0)):
            leases.take(session, name, holder, ttl_s)
        assert leases.look(session, "ingest:") == View({"ingest:g1": "a"}, frozenset("a"))
        leases.leave(session, "a")
        assert leases.look(session, "ingest:").members == frozenset()


def test_a_paused_transaction_does_not_hold_its_locks_for_ever(postgres_db: Database) -> None:
    with postgres_db.begin() as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"
    leases.drop_paused(postgres_db)
    with postgres_db.begin() as session:
        assert session.scalar(text("SHOW idle_in_transaction_session_timeout")) == f"{leases.PAUSED_S}s"
    assert leases.PAUSED_S < leases.TTL_S
