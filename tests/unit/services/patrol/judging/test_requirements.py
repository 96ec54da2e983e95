from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.site.patrol import WEEKDAYS, Checkpoint, Patrol, PatrolRule, Span
from services.patrol.judging.requirements import Breach, BreachKind, Visit, judge, next_due, subjects

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
MIN_MS, HOUR_MS = 60_000, 3_600_000
GATE = Checkpoint(id="gate", name="G", area="a")
Mark = tuple[str, str, bool]


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000


def rule(kind: str, **fields: Any) -> PatrolRule:
    return PatrolRule.model_validate(
        {"id": "rule", "name": "R", "requirement": "PER-0", "source": "book, 1", "kind": kind, **fields}
    )


def visit(text: str, guard: str = "anna", role: str = "guard", place: str = "gate") -> Visit:
    return Visit(ms(text), guard, role, place, f"{text[5:]} {guard}")


def marks(breaches: list[Breach]) -> list[Mark]:
    return [(one.after, one.before, one.until_ms is None) for one in breaches]


def test_a_gap_names_its_source_and_the_two_taps_that_bound_it() -> None:
    visits = [visit("2026-11-20T08:00"), visit("2026-11-20T11:01"), visit("2026-11-20T13:01")]
    found = judge(rule("max_gap", max_gap="2h"), GATE, visits, ms("2026-11-20T08:00"), ms("2026-11-20T15:01"), SHANGHAI)
    assert found == [
        Breach(
            rule="rule",
            requirement="PER-0",
            source="book, 1",
            checkpoint="gate",
            kind=BreachKind.BREACH,
            from_ms=ms("2026-11-20T08:00"),
            until_ms=ms("2026-11-20T11:01"),
            broken_ms=ms("2026-11-20T10:00"),
            after="11-20T08:00 anna",
            before="11-20T11:01 anna",
        )
    ]


def test_the_gap_still_open_counts_and_so_does_the_one_before_the_first_visit() -> None:
    wanted = rule("max_gap", max_gap="2h")
    since, now = ms("2026-11-20T08:00"), ms("2026-11-20T14:00")
    visits = [visit("2026-11-20T11:00"), visit("2026-11-20T09:00", place="roof"), visit("2026-11-20T14:01")]
    assert marks(judge(wanted, GATE, visits, since, now, SHANGHAI)) == [
        ("", "11-20T11:00 anna", False),
        ("11-20T11:00 anna", "", True),
    ]
    assert marks(judge(wanted, GATE, [], since, now, SHANGHAI)) == [("", "", True)]
    assert judge(wanted, GATE, [], since, since + 2 * HOUR_MS, SHANGHAI) == []
    assert next_due(wanted, GATE, visits, now, SHANGHAI) == ms("2026-11-20T13:00")
    assert next_due(wanted, GATE, [], now, SHANGHAI) is None
    assert next_due(wanted, GATE, [], now, SHANGHAI, since_ms=now) == now + 2 * HOUR_MS


def test_a_visit_before_since_bounds_the_gap_and_what_was_over_by_then_is_left_out() -> None:
    visits = [visit("2026-11-20T01:00"), visit("2026-11-20T06:00"), visit("2026-11-20T09:00")]
    since, now = ms("2026-11-20T08:00"), ms("2026-11-20T10:00")
    found = judge(rule("max_gap", max_gap="2h"), GATE, visits, since, now, SHANGHAI)
    assert marks(found) == [("11-20T06:00 anna", "11-20T09:00 anna", False)]


def test_the_clock_of_a_gap_stands_still_outside_its_hours() -> None:
    fire = rule("max_gap", max_gap="2h", within={"start": "09:00", "end": "18:00"})
    visits = [visit("2026-11-20T17:00")]
    assert next_due(fire, GATE, visits, ms("2026-11-20T20:00"), SHANGHAI) == ms("2026-11-21T10:00")
    assert next_due(fire, GATE, [visit("2026-11-20T16:00")], ms("2026-11-20T20:00"), SHANGHAI) == ms("2026-11-21T09:00")
    since = ms("2026-11-20T17:00")
    assert judge(fire, GATE, visits, since, ms("2026-11-21T10:00"), SHANGHAI) == []
    assert marks(judge(fire, GATE, visits, since, ms("2026-11-21T10:01"), SHANGHAI)) == [("11-20T17:00 anna", "", True)]


def test_two_people_count_only_together_and_the_one_who_came_alone_is_named() -> None:
    pair = rule("max_gap", max_gap="6h", people=2)
    visits = [
        visit("2026-11-20T08:00"),
        visit("2026-11-20T08:02", "ben"),
        visit("2026-11-20T13:00", "ben"),
        visit("2026-11-20T13:01", "ben"),
        visit("2026-11-20T13:04"),
        visit("2026-11-20T15:00"),
        visit("2026-11-20T15:01", "ben"),
    ]
    found = judge(pair, GATE, visits, ms("2026-11-20T08:02"), ms("2026-11-20T16:00"), SHANGHAI)
    assert marks(found) == [("11-20T08:02 ben", "11-20T15:01 ben", False)]
    assert found[0].people == ("anna", "ben")
    assert judge(pair, GATE, visits[:3] + visits[5:], 0, ms("2026-11-20T08:03"), SHANGHAI)[0].people == ()
    claimed = [*visits[:5], visit("2026-11-20T15:00"), visit("2026-11-20T15:01", "claimed:ben")]
    found = judge(pair, GATE, claimed, ms("2026-11-20T08:02"), ms("2026-11-20T16:00"), SHANGHAI)
    assert marks(found) == [("11-20T08:02 ben", "", True)]


def test_a_daily_list_is_judged_at_midnight() -> None:
    daily = rule("daily")
    visits = [visit("2026-11-20T00:00"), visit("2026-11-21T23:59"), visit("2026-11-23T00:00")]
    since = ms("2026-11-19T12:00")
    found = judge(daily, GATE, visits, since, ms("2026-11-23T12:00"), SHANGHAI)
    assert [(one.from_ms, one.until_ms) for one in found] == [(ms("2026-11-22T00:00"), ms("2026-11-23T00:00"))]
    assert marks(found) == [("11-21T23:59 anna", "11-23T00:00 anna", False)]
    assert judge(daily, GATE, visits, since, ms("2026-11-22T23:59"), SHANGHAI) == []
    assert next_due(daily, GATE, visits, ms("2026-11-22T12:00"), SHANGHAI) == ms("2026-11-23T00:00")
    assert next_due(daily, GATE, visits, ms("2026-11-23T12:00"), SHANGHAI) == ms("2026-11-25T00:00")


@pytest.mark.parametrize(
    ("first", "last", "weeks"),
    [
        (None, None, ["2026-11-09", "2026-11-16"]),
        ("2026-11-13", None, ["2026-11-13", "2026-11-16"]),
        ("2026-11-14", None, ["2026-11-16"]),
        (None, "2026-11-18", ["2026-11-09", "2026-11-16"]),
        (None, "2026-11-17", ["2026-11-09"]),
        ("2026-11-14", "2026-11-17", []),
    ],
)
def test_a_unit_vacant_for_less_than_three_days_is_due_the_next_week(
    first: str | None, last: str | None, weeks: list[str]
) -> None:
    unit = GATE.model_copy(
        update={
            "active_from": date.fromisoformat(first) if first else None,
            "active_until": date.fromisoformat(last) if last else None,
        }
    )
    found = judge(rule("weekly"), unit, [], ms("2026-11-09"), ms("2026-11-23"), SHANGHAI)
    assert [one.from_ms for one in found] == [ms(day) for day in weeks]
    assert {one.kind for one in found} <= {BreachKind.BREACH}


def test_a_week_is_judged_on_sunday_at_midnight_with_a_warning_for_a_long_gap_between_two_visits() -> None:
    weekly = rule("weekly", warn_gap="9d")
    visits = [visit("2026-11-09T08:00"), visit("2026-11-22T08:00")]
    found = judge(weekly, GATE, visits, ms("2026-11-02"), ms("2026-11-23T08:00"), SHANGHAI)
    assert [(one.kind.value, one.after, one.before) for one in found] == [
        ("breach", "", "11-09T08:00 anna"),
        ("warning", "11-09T08:00 anna", "11-22T08:00 anna"),
    ]
    assert next_due(weekly, GATE, visits, ms("2026-11-22T12:00"), SHANGHAI) == ms("2026-11-30")
    assert next_due(weekly, GATE, visits[:1], ms("2026-11-22T12:00"), SHANGHAI) == ms("2026-11-23")


def test_a_spot_check_is_by_the_right_role_in_the_night_anywhere_and_sunday_night_ends_on_monday() -> None:
    night = {"start": "22:00", "end": "06:00"}
    spot = rule("spot_check", within=night, roles=("supervisor", "manager"), checkpoints=("gate", "roof"))
    assert subjects(spot, Patrol(checkpoints=(GATE,))) == (None,)
    since, now = ms("2026-11-09"), ms("2026-11-30T05:59")
    visits = [
        visit("2026-11-16T05:59", "sun", "supervisor", "roof"),
        visit("2026-11-18T23:00"),
        visit("2026-11-18T21:00", "sun", "supervisor"),
        visit("2026-11-19T23:00", "sun", "supervisor", "cellar"),
    ]
    (found,) = judge(spot, None, visits, since, now, SHANGHAI)
    assert (found.from_ms, found.until_ms) == (ms("2026-11-16T22:00"), ms("2026-11-23T06:00"))
    assert (found.checkpoint, found.after, found.people) == ("", "11-16T05:59 sun", ("sun",))
    assert next_due(spot, None, visits, ms("2026-11-23T05:00"), SHANGHAI) == ms("2026-11-23T06:00")
    assert next_due(spot, None, visits, ms("2026-11-16T05:59"), SHANGHAI) == ms("2026-11-23T06:00")


def test_coverage_is_no_matter_of_visits_and_other_rules_take_their_checkpoints() -> None:
    patrol = Patrol(checkpoints=(GATE, Checkpoint(id="roof", name="R", area="a")))
    assert subjects(rule("coverage"), patrol) == ()
    assert judge(rule("coverage"), GATE, [], 0, HOUR_MS, SHANGHAI) == []
    assert next_due(rule("coverage"), GATE, [], 0, SHANGHAI) is None
    assert subjects(rule("daily"), patrol) == patrol.checkpoints
    assert subjects(rule("daily", checkpoints=("roof",)), patrol) == patrol.checkpoints[1:]


def runs(span: Span | None, checkpoint: Checkpoint, wall: datetime) -> bool:
    """Whether the clock of a gap runs at a wall-clock time, by looking at the wall."""
    day = wall.date()
    if not (checkpoint.active_from or day) <= day <= (checkpoint.active_until or day):
        return False
    if span is None:
        return True
    time, over = f"{wall:%H:%M}", span.end <= span.start
    if over and time < span.end:
        day -= timedelta(days=1)
    inside = (time >= span.start or time < span.end) if over else span.start <= time < span.end
    return inside and (not span.weekdays or WEEKDAYS[day.weekday()] in span.weekdays)


def stepped(
    wanted: PatrolRule, checkpoint: Checkpoint, visits: list[Visit], since: int, now: int, zone: ZoneInfo
) -> list[Mark]:
    """Gaps too long, by stepping through time ten minutes at once."""
    found: list[Mark] = []
    after, gone, step = "", 0, 10 * MIN_MS
    at_visit = {one.at_ms: one for one in visits}
    limit = wanted.max_gap // timedelta(milliseconds=1) if wanted.max_gap else 0
    ended = checkpoint.active_until is not None and ms(f"{checkpoint.active_until + timedelta(days=1)}", zone) <= now
    for at in range(since, now + 1, step):
        here = at_visit.get(at)
        if here is not None:
            found += [(after, here.tap, False)] if gone > limit else []
            after, gone = here.tap, 0
        if at < now:
            gone += step if runs(wanted.within, checkpoint, datetime.fromtimestamp(at / 1000, zone)) else 0
    return [*found, (after, "", not ended)] if gone > limit else found


def spans(chance: Random) -> dict[str, Any] | None:
    if chance.random() < 0.4:
        return None
    start, end = (f"{chance.randrange(24):02}:00" for _ in range(2))
    return {"start": start, "end": end, "weekdays": chance.sample(WEEKDAYS, chance.randrange(6))}


def test_gaps_equal_stepping_through_many_random_histories() -> None:
    chance = Random(1)
    breaches = 0
    for _ in range(300):
        zone = chance.choice([BERLIN, SHANGHAI])
        first = date.fromisoformat(chance.choice(["2026-03-27", "2026-10-23", "2028-02-27", "2026-12-30"]))
        since = ms(f"{first}T07:00", zone)
        now = since + chance.randrange(6 * 24 * 6) * 10 * MIN_MS
        active = {"active_from": first + timedelta(days=chance.randrange(3))} if chance.random() < 0.3 else {}
        if chance.random() < 0.3:
            active["active_until"] = first + timedelta(days=2 + chance.randrange(4))
        place = GATE.model_copy(update=active)
        moments = chance.sample(range(6 * 24 * 6), chance.randrange(40))
        visits = [Visit(since + n * 10 * MIN_MS, "anna", "guard", "gate", f"t{n}") for n in moments]
        wanted = rule("max_gap", max_gap=timedelta(hours=chance.randrange(1, 14)), within=spans(chance))
        found = judge(wanted, place, visits, since, now, zone)
        assert marks(found) == stepped(wanted, place, visits, since, now, zone)
        breaches += len(found)
        due = next_due(wanted, place, visits, now, zone, since_ms=since)
        still = [one.broken_ms for one in found if not one.before]
        assert due == still[0] if still else due is None or due >= now
    assert breaches > 300


def test_presence_together_equals_looking_back_from_every_tap() -> None:
    chance = Random(3)
    breaches = 0
    for _ in range(200):
        since, people = ms("2026-11-20"), chance.randrange(2, 4)
        moments = chance.sample(range(6 * 60), 40)
        visits = [Visit(since + n * MIN_MS, chance.choice("abcd"), "guard", "gate", f"t{n}") for n in moments]
        together = [
            one
            for one in visits
            if len({near.guard for near in visits if one.at_ms - 120_000 <= near.at_ms <= one.at_ms}) >= people
        ]
        now = since + 6 * HOUR_MS
        found = judge(rule("max_gap", max_gap="1h", people=people), GATE, visits, since, now, SHANGHAI)
        assert marks(found) == marks(judge(rule("max_gap", max_gap="1h"), GATE, together, since, now, SHANGHAI))
        breaches += len(found)
    assert breaches > 200


def test_days_and_weeks_equal_counting_dates_in_many_random_histories() -> None:
    chance = Random(2)
    breaches = 0
    for number in range(300):
        zone = chance.choice([BERLIN, SHANGHAI])
        monday = date.fromisoformat(chance.choice(["2026-03-16", "2026-10-12", "2028-02-21", "2026-12-21"]))
        since, now = ms(str(monday), zone), ms(str(monday + timedelta(days=21)), zone)
        first, last = (monday + timedelta(days=chance.randrange(21)) for _ in range(2))
        place = GATE.model_copy(update={"active_from": first, "active_until": last})
        moments = [since + chance.randrange(21 * 24 * 60) * MIN_MS for _ in range(chance.randrange(12))]
        visits = [Visit(at, "anna", "guard", "gate", str(at)) for at in moments]
        seen = {datetime.fromtimestamp(at / 1000, zone).date() for at in moments}
        active = {monday + timedelta(days=n) for n in range(21) if first <= monday + timedelta(days=n) <= last}
        if number % 2:
            expected = sorted(active - seen)
        else:
            weeks = [sorted(day for day in active if day.isocalendar().week == n) for n in weeks_of(monday)]
            expected = [week[0] for week in weeks if len(week) >= 3 and not seen & set(week)]
        found = judge(rule("daily" if number % 2 else "weekly"), place, visits, since, now, zone)
        assert [datetime.fromtimestamp(one.from_ms / 1000, zone).date() for one in found] == expected
        breaches += len(found)
    assert breaches > 300


def weeks_of(monday: date) -> list[int]:
    return [(monday + timedelta(weeks=n)).isocalendar().week for n in range(3)]
