"""One read is one tap: replays, reads out of their time and addresses saved up for later."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.orm import Session

from services.kernel.db import Database
from services.patrol.sun.claims import Outcome, claim, forget
from services.patrol.tables import SunClaim, SunCounter

UID = "04DE5F1EACC040"
OTHER = "04958CAA5C5E80"
MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_800_000_000_000


@pytest.fixture
def session(one_db: Database) -> Iterator[Session]:
    with one_db.begin() as found:
        yield found


def use(
    session: Session,
    counter: int,
    at: int = 0,
    *,
    uid: str = UID,
    device: str = "yunhe/p1",
    client: str = "",
    turning: bool = False,
) -> Outcome:
    """Claim a read `at` milliseconds after the start."""
    client = client or f"{device}/{uid}/{counter}"
    return claim(
        session, uid=uid, counter=counter, client_id=client, device=device, at_ms=START + at,
        turning=turning,
    )  # fmt: skip


def test_a_read_counts_once(db: Database) -> None:
    with db.begin() as session:
        assert use(session, 61, client="a") == Outcome.VERIFIED
    with db.begin() as session:
        assert use(session, 61, client="b") == Outcome.REPLAY
        assert use(session, 61, MINUTE, client="a") == Outcome.VERIFIED
        counter = session.get(SunCounter, UID)
        assert counter is not None
        assert (counter.last, counter.last_at_ms) == (61, START)


def test_of_many_at_once_exactly_one_is_accepted(db: Database) -> None:
    ready = threading.Barrier(8)

    def run(worker: int) -> list[Outcome]:
        found = []
        ready.wait(10)
        for attempt in range(6):
            with db.begin() as session:
                found.append(use(session, 61, client=f"{worker}-{attempt}", device=f"yunhe/p{worker}"))
        return found

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(outcome for found in pool.map(run, range(8)) for outcome in found)
    assert outcomes == {Outcome.VERIFIED: 1, Outcome.REPLAY: 47}


def test_different_reads_at_once_keep_the_highest_counter(db: Database) -> None:
    def run(counter: int) -> Outcome:
        with db.begin() as session:
            return use(session, counter, device=f"yunhe/p{counter}")

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(run, [5, 1, 6, 3, 2, 4])) == {Outcome.VERIFIED}
    with db.read() as session:
        assert session.get_one(SunCounter, UID).last == 6


def test_counters_may_leap(session: Session) -> None:
    assert [use(session, counter, counter * 1000) for counter in (1, 5, 6, 400)] == [Outcome.VERIFIED] * 4


def test_a_phone_that_was_offline_is_believed_when_its_time_fits(session: Session) -> None:
    use(session, 10, device="yunhe/p1")
    use(session, 20, 2 * HOUR, device="yunhe/p2")
    assert use(session, 15, HOUR, device="yunhe/p3") == Outcome.VERIFIED
    assert use(session, 16, 2 * HOUR + 2 * MINUTE, device="yunhe/p4") == Outcome.VERIFIED  # clocks differ


@pytest.mark.parametrize("at", [3 * HOUR, 2 * HOUR + 2 * MINUTE + 1, -2 * MINUTE - 1])
def test_a_read_out_of_its_time_is_stale_and_stays_so(session: Session, at: int) -> None:
    use(session, 10, device="yunhe/p1")
    use(session, 20, 2 * HOUR, device="yunhe/p2")
    assert use(session, 15, at, device="yunhe/p3") == Outcome.STALE
    assert use(session, 15, HOUR, device="yunhe/p3") == Outcome.STALE
    assert use(session, 14, HOUR, device="yunhe/p4") == Outcome.VERIFIED  # what is stale limits nobody


def test_ten_addresses_saved_up_in_one_visit_and_fed_hourly(session: Session) -> None:
    outcomes = [use(session, 61 + hour, hour * HOUR) for hour in range(10)]
    assert outcomes == [Outcome.VERIFIED] + [Outcome.HARVESTED] * 9


@pytest.mark.parametrize("order", ["backwards", "shuffled", "in pairs"])
def test_feeding_them_in_another_way_does_not_help(session: Session, order: str) -> None:
    counters = list(range(61, 71))
    if order == "backwards":
        counters.reverse()
    if order == "shuffled":
        random.Random(7).shuffle(counters)
    times = [position * HOUR for position in range(10)]
    if order == "in pairs":
        times = [position // 2 * HOUR + position % 2 * MINUTE for position in range(10)]
    outcomes = [use(session, counter, at) for counter, at in zip(counters, times, strict=True)]
    good = 2 if order == "in pairs" else 1
    assert outcomes[:good] == [Outcome.VERIFIED] * good
    assert set(outcomes[good:]) <= {Outcome.HARVESTED, Outcome.STALE}


def test_an_offline_batch_of_saved_addresses_is_flagged_in_whatever_order_it_comes(session: Session) -> None:
    assert use(session, 63, 2 * HOUR) == Outcome.VERIFIED
    assert use(session, 61, 0) == Outcome.HARVESTED
    assert use(session, 62, HOUR) == Outcome.HARVESTED


def test_saved_addresses_die_when_somebody_really_comes(session: Session) -> None:
    use(session, 61)
    assert use(session, 71, 30 * MINUTE, device="yunhe/p2") == Outcome.VERIFIED
    assert use(session, 62, HOUR) == Outcome.STALE


def test_whoever_was_elsewhere_in_between_comes_honestly(session: Session) -> None:
    use(session, 61)
    use(session, 5, 5 * MINUTE, uid=OTHER)
    assert use(session, 62, HOUR) == Outcome.VERIFIED


def test_whoever_finds_that_a_colleague_was_here_comes_honestly(session: Session) -> None:
    use(session, 61)
    use(session, 62, 30 * MINUTE, device="yunhe/p2")
    assert use(session, 63, HOUR) == Outcome.VERIFIED


def test_several_reads_in_one_visit_are_no_harvest(session: Session) -> None:
    assert {use(session, 61 + n, n * MINUTE) for n in range(6)} == {Outcome.VERIFIED}


def test_a_creeping_visit_is_a_harvest(session: Session) -> None:
    outcomes = [use(session, 61 + n, n * 110_000) for n in range(20)]
    assert set(outcomes[6:]) == {Outcome.HARVESTED}


def test_where_rounds_end_and_begin_one_return_is_natural(session: Session) -> None:
    outcomes = [use(session, 61 + hour, hour * HOUR, turning=True) for hour in range(4)]
    assert outcomes == [Outcome.VERIFIED, Outcome.VERIFIED, Outcome.HARVESTED, Outcome.HARVESTED]


def test_evidence_that_comes_late_lifts_the_suspicion(session: Session) -> None:
    use(session, 61)
    assert use(session, 62, HOUR) == Outcome.HARVESTED
    use(session, 5, 5 * MINUTE, uid=OTHER)
    assert use(session, 62, HOUR) == Outcome.VERIFIED


def test_a_tag_with_new_keys_counts_from_zero(session: Session) -> None:
    use(session, 61)
    use(session, 62)
    assert forget(session, UID) == 2
    assert use(session, 1, HOUR) == Outcome.VERIFIED
    assert session.get(SunClaim, (UID, 61)) is None


def honest_taps(count: int) -> list[tuple[int, str, str, int, int]]:
    """Delivery time, device, tag, counter and time of guards who walk rounds, some of them offline for a while."""
    dice = random.Random(20261121)
    tags = [f"04{number:012X}" for number in range(8)]
    visits: list[tuple[int, str, str, int]] = []
    for guard in range(4):
        at, route = guard * 7 * MINUTE, tags[guard:] + tags[:guard]
        while len(visits) < count * (guard + 1) // 4:
            offline = dice.random() < 0.3
            arrives = at + 40 * MINUTE if offline else 0
            for tag in route:
                at += dice.randint(90_000, 6 * MINUTE)
                visits.append((at, f"yunhe/g{guard}", tag, arrives or at))
                if dice.random() < 0.03:
                    visits.append((at + 8_000, f"yunhe/g{guard}", tag, arrives or at + 8_000))
            at += dice.randint(10 * MINUTE, 40 * MINUTE)
    counters = dict.fromkeys(tags, 0)
    taps = []
    for at, device, tag, arrives in sorted(visits):
        counters[tag] += dice.randint(1, 4)
        taps.append((arrives, device, tag, counters[tag], at))
    return sorted(taps, key=lambda tap: (tap[0], tap[4]))


def test_honest_guards_are_left_in_peace(session: Session) -> None:
    taps = honest_taps(10_000)
    outcomes = Counter(use(session, counter, at, uid=tag, device=device) for _, device, tag, counter, at in taps)
    assert len(taps) >= 10_000
    assert outcomes[Outcome.VERIFIED] >= 0.995 * len(taps), outcomes
