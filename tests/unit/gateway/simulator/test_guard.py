"""Virtual guards, held against the verdicts that the product gives them."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest

from gateway.contract.times import to_ms
from gateway.simulator.guard import Guards, Walk
from gateway.simulator.plan import Plan
from gateway.simulator.scenario import Guard, Scenario
from gateway.simulator.walk import floor_ms
from gateway.site.model import SiteConfig
from services.patrol.judging.verdict import grade
from services.patrol.model import RoundVerdict, Tap, Verdict
from services.patrol.planning.schedule import plan_rounds
from services.patrol.suspicion.detectors import Kind, Seen, examine
from services.patrol.suspicion.walking import Legs, Place

ZONE = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 21, 8, 10, tzinfo=ZONE).astimezone(UTC)
EVENING = datetime(2026, 11, 21, 22, 50, tzinfo=ZONE).astimezone(UTC)
HOURS_MS = 3_600_000


def plan_of(config: SiteConfig, start: datetime, *guards: dict[str, object], seed: int = 1) -> Plan:
    entries = tuple(Guard.model_validate(one) for one in guards)
    return Plan(config, Scenario(id="test", name="测试", name_en="test", guards=entries), seed, start)


def walks_of(
    config: SiteConfig, start: datetime, hours: float, *guards: dict[str, object], seed: int = 1
) -> list[Walk]:
    plan = plan_of(config, start, *guards, seed=seed)
    end_ms = plan.start_ms + hours * HOURS_MS
    return list(takewhile(lambda walk: walk.errand.starts_ms < end_ms, Guards(plan).walks()))


def judged(config: SiteConfig, walk: Walk) -> RoundVerdict:
    """What the product says of the round that the guard names, a day later."""
    starts_ms = walk.errand.starts_ms
    rounds = plan_rounds(config.site.id, config.patrol, ZONE, starts_ms, starts_ms + 1)
    plan = next(one for one in rounds if f"{config.site.id}/{one.id}" == walk.errand.round)
    roles = {person.username: person.role for person in config.people}
    taps = [
        Tap(one.client_id, one.checkpoint.id, one.at_ms, one.guard, roles[one.guard], round=plan.id)
        for one in walk.taps
    ]
    return grade(plan, taps, starts_ms + 24 * HOURS_MS)


def said(config: SiteConfig, walk: Walk) -> set[Verdict]:
    return {stop.verdict for stop in judged(config, walk).stops}


def marks(config: SiteConfig, walk: Walk) -> set[Kind]:
    """What the detectors say of it."""
    places = {
        one.id: Place(one.position.x_m, 0, one.position.floor) for one in config.patrol.checkpoints if one.position
    }
    seen = [
        Seen(one.client_id, one.checkpoint.id, one.at_ms, one.guard, one.claimed_ms, one.sent_ms, round="r")
        for one in walk.taps
    ]
    return {mark.kind for found in examine(seen, Legs({}, places)).values() for mark in found}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_honest_guards_are_never_found_fault_with(patrolled: SiteConfig, seed: int) -> None:
    walks = walks_of(patrolled, MORNING, 48, {}, seed=seed)
    assert {walk.errand.route.id for walk in walks} == {"loop", "night", "pair"}
    assert len(walks) > 65
    settings = patrolled.patrol.settings
    for walk in walks:
        assert said(patrolled, walk) == {Verdict.ON_TIME}, walk.errand.round
        assert not judged(patrolled, walk).short_of
        for before, tap in pairwise(one for one in walk.taps if one.guard == walk.errand.guard):
            assert tap.at_ms - before.at_ms > floor_ms(before.checkpoint, tap.checkpoint, walk.errand.route, settings)
        assert all(tap.at_ms < tap.sent_ms < tap.at_ms + 30_000 and tap.claimed_ms == tap.at_ms for tap in walk.taps)


def test_whoever_has_the_shift_walks_and_nobody_is_at_two_places(patrolled: SiteConfig) -> None:
    walks = walks_of(patrolled, MORNING, 30, {})
    for walk in walks:
        hour = datetime.fromtimestamp(walk.errand.starts_ms / 1_000, ZONE).hour
        assert walk.errand.guard == ("li" if 7 <= hour < 23 else "wu")
    for guard in ("li", "wu"):
        own = [walk for walk in walks if walk.errand.guard == guard]
        assert all(a.taps[-1].at_ms < b.taps[0].at_ms for a, b in pairwise(own))


def test_who_is_needed_as_well_comes_along(patrolled: SiteConfig) -> None:
    (walk,) = (one for one in walks_of(patrolled, MORNING, 24, {}) if one.errand.route.id == "pair")
    assert {tap.guard for tap in walk.taps} == {"li", "he"}
    assert len(walk.taps) == 4


def test_a_round_that_may_begin_already_begins_at_once(patrolled: SiteConfig) -> None:
    for minute, waits_s in ((26, 10), (10, 1_200)):
        walk = walks_of(patrolled, MORNING.replace(minute=minute), 1, {"route": "loop"})[0]
        assert walk.taps[0].at_ms - to_ms(MORNING.replace(minute=minute)) <= waits_s * 1_000
        assert said(patrolled, walk) == {Verdict.ON_TIME}


def test_a_late_guard_is_late(patrolled: SiteConfig) -> None:
    walk = walks_of(patrolled, EVENING, 2, {"route": "night", "behaviour": "late"})[0]
    assert walk.taps[0].at_ms == walk.errand.starts_ms + 25 * 60_000
    assert [stop.verdict for stop in judged(patrolled, walk).stops][:2] == [Verdict.LATE, Verdict.LATE]


def test_who_skips_misses_one_or_two_and_only_those(patrolled: SiteConfig) -> None:
    walks = walks_of(patrolled, MORNING, 24, {"route": "loop", "behaviour": "skipping"})
    assert {len(walk.skipped) for walk in walks} == {1, 2}
    for walk in walks:
        missed = [stop.checkpoint for stop in judged(patrolled, walk).stops if stop.verdict == Verdict.MISSED]
        assert missed == [place.id for place in walk.skipped]
        assert said(patrolled, walk) == {Verdict.ON_TIME, Verdict.MISSED}


def test_desk_tapping_is_seen_through(patrolled: SiteConfig) -> None:
    for walk in walks_of(patrolled, MORNING, 5, {"route": "loop", "behaviour": "desk_tapping"}):
        assert len(walk.taps) == 6
        assert walk.taps[-1].at_ms - walk.taps[0].at_ms < 15_000
        assert Kind.DESK in marks(patrolled, walk)


def test_too_fast_is_seen_through(patrolled: SiteConfig) -> None:
    for walk in walks_of(patrolled, MORNING, 5, {"route": "loop", "behaviour": "too_fast"}):
        verdicts = [stop.verdict for stop in judged(patrolled, walk).stops]
        assert [index for index, one in enumerate(verdicts) if one == Verdict.TOO_FAST] == [1, 3, 5]
        assert Kind.IMPOSSIBLE_LEG in marks(patrolled, walk)


def test_a_phone_off_line_delivers_late_and_all_at_once_what_truly_happened(patrolled: SiteConfig) -> None:
    walk = walks_of(patrolled, MORNING, 1, {"route": "loop", "behaviour": "offline", "by": "3h"})[0]
    assert said(patrolled, walk) == {Verdict.ON_TIME}
    sent = [tap.sent_ms for tap in walk.taps]
    assert sent == sorted(set(sent))
    assert sent[-1] - sent[0] < 1_000
    assert 3 * HOURS_MS < sent[0] - walk.taps[-1].at_ms < 3 * HOURS_MS + 120_000
    assert all(tap.claimed_ms == tap.at_ms for tap in walk.taps)
    assert marks(patrolled, walk) == {Kind.LATE_SYNC}


def test_a_wrong_clock_shows_in_what_is_claimed_only(patrolled: SiteConfig) -> None:
    walk = walks_of(patrolled, MORNING, 1, {"route": "loop", "behaviour": "wrong_clock"})[0]
    assert said(patrolled, walk) == {Verdict.ON_TIME}
    assert {tap.claimed_ms - tap.at_ms for tap in walk.taps} == {3 * HOURS_MS}
    assert marks(patrolled, walk) == {Kind.CLOCK_SKEW}


def test_one_in_so_many_and_so_many_in_all(patrolled: SiteConfig) -> None:
    entry = {
        "route": "loop",
        "behaviour": "skipping",
        "one_in": 3,
        "rounds": 7,
        "finding": "pressure",
        "finding_one_in": 2,
    }
    walks = walks_of(patrolled, MORNING, 48, entry)
    assert [bool(walk.skipped) for walk in walks] == [True, False, False, True, False, False, True]
    assert [walk.finding is not None for walk in walks] == [True, False, True, False, True, False, True]
    for walk in walks:
        answers = next(tap.answers for tap in walk.taps if tap.checkpoint.id == "garage") if walk.finding else {}
        assert answers.get("pressure", 0.48) == 0.48


def test_an_entry_further_up_has_the_round(patrolled: SiteConfig) -> None:
    walks = walks_of(patrolled, MORNING, 3, {"guard": "wu", "route": "loop", "rounds": 2}, {"route": "loop"})
    assert [walk.errand.guard for walk in walks] == ["wu", "wu", "li", "li", "li", "li"]


def test_over_midnight_and_whatever_the_schedules_say(patrolled: SiteConfig) -> None:
    walks = walks_of(patrolled, EVENING, 30, {"guard": "li", "route": "night", "local_time": "23:50", "every": "24h"})
    assert [walk.errand.round for walk in walks] == ["", ""]
    days = [datetime.fromtimestamp(tap.at_ms / 1_000, ZONE).day for tap in walks[0].taps]
    assert days == [21, 22, 22]


@pytest.mark.parametrize("entry", [{"guard": "nobody"}, {"route": "none"}, {"guard": "nobody", "every": "5min"}])
def test_what_does_not_apply_to_the_site_does_nothing(patrolled: SiteConfig, entry: dict[str, object]) -> None:
    assert list(Guards(plan_of(patrolled, MORNING, entry)).walks()) == []


def test_a_busy_guard_comes_later_or_not_at_all(patrolled: SiteConfig) -> None:
    first = {"guard": "li", "route": "night", "start": 0, "every": "2h"}
    walks = walks_of(patrolled, MORNING, 1.5, first, {"guard": "li", "route": "loop"})
    walked = [walk.errand.starts_ms for walk in walks if walk.errand.route.id == "loop"]
    assert walks[0].errand.route.id == "night"
    assert all(b.taps[0].at_ms > a.taps[-1].at_ms for a, b in pairwise(walks))
    assert walked == sorted(set(walked))


def test_the_same_seed_gives_the_same_day(patrolled: SiteConfig) -> None:
    def day(seed: int) -> list[Walk]:
        plan = plan_of(patrolled, MORNING, {"behaviour": "skipping", "finding": "rail"}, seed=seed)
        return list(islice(Guards(plan).walks(), 20))

    assert day(5) == day(5)
    assert day(5) != day(6)
    ids = [tap.client_id for walk in [*day(5), *day(6)] for tap in walk.taps]
    assert len(ids) == len(set(ids))


def test_another_run_has_other_ids(patrolled: SiteConfig) -> None:
    ids = {
        walks_of(patrolled, start, 1, {"route": "loop"})[0].taps[0].client_id
        for start in (MORNING, MORNING + timedelta(minutes=1))
    }
    assert len(ids) == 2
