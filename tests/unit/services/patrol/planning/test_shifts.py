from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.site.model import Person, Site, SiteConfig
from gateway.site.patrol import Patrol, Shift, Span
from services.patrol.planning.shifts import instance_at, instances, uncovered
from services.patrol.planning.wall import moment_ms, shown, span_on

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
HOUR_MS = 3_600_000


def utc_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def shift(name: str, start: str, hours: float, *people: str, weekdays: tuple[str, ...] = ()) -> Shift:
    return Shift.model_validate(
        {
            "id": name,
            "name": name,
            "start": start,
            "duration": timedelta(hours=hours),
            "weekdays": weekdays,
            "people": people,
        }
    )


def site(*shifts: Shift, zone: ZoneInfo = BERLIN, people: tuple[Person, ...] = ()) -> SiteConfig:
    return SiteConfig(site=Site(id="s", name="S", timezone=zone.key), people=people, patrol=Patrol(shifts=shifts))


@pytest.mark.parametrize(
    ("zone", "wall", "moment"),
    [
        (SHANGHAI, "2026-03-29T02:30", "2026-03-28T18:30"),
        (BERLIN, "2026-03-29T01:59", "2026-03-29T00:59"),
        (BERLIN, "2026-03-29T02:00", "2026-03-29T01:00"),
        (BERLIN, "2026-03-29T02:30", "2026-03-29T01:00"),
        (BERLIN, "2026-03-29T03:00", "2026-03-29T01:00"),
        (BERLIN, "2026-10-25T01:59", "2026-10-24T23:59"),
        (BERLIN, "2026-10-25T02:30", "2026-10-25T00:30"),
        (BERLIN, "2026-10-25T03:00", "2026-10-25T02:00"),
        (ZoneInfo("America/Havana"), "2026-03-08T00:00", "2026-03-08T05:00"),
    ],
)
def test_a_wall_clock_time_is_the_first_moment_that_shows_it_or_later(zone: ZoneInfo, wall: str, moment: str) -> None:
    assert moment_ms(zone, datetime.fromisoformat(wall)) == utc_ms(moment)


@given(st.integers(0, 2 * 366 * 24 * 12), st.sampled_from([BERLIN, SHANGHAI]))
def test_wall_clock_and_moment_go_together(fives: int, zone: ZoneInfo) -> None:
    at_ms = utc_ms("2026-01-01") + fives * 300_000
    assert moment_ms(zone, shown(zone, at_ms)) in (at_ms, at_ms - HOUR_MS)


def test_a_window_that_a_clock_change_swallows_is_none() -> None:
    span = Span(start="02:00", end="03:00")
    assert span_on(BERLIN, span, date(2026, 3, 29)) is None
    assert span_on(BERLIN, span, date(2026, 10, 25)) == (utc_ms("2026-10-25T00:00"), utc_ms("2026-10-25T02:00"))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(BERLIN, "2026-03-28", 7), (BERLIN, "2026-10-24", 9), (BERLIN, "2026-03-29", 8), (SHANGHAI, "2028-02-29", 8)],
)
def test_a_night_shift_belongs_to_the_day_it_starts_on(zone: ZoneInfo, day: str, hours: int) -> None:
    config = site(shift("night", "22:00", 8, "anna"), zone=zone)
    start_ms = moment_ms(zone, datetime.fromisoformat(f"{day}T22:00"))
    (found,) = instance_at(config, start_ms + 4 * HOUR_MS)
    assert (found.id, found.people, found.start_ms) == (f"night@{day}", ("anna",), start_ms)
    assert found.end_ms - found.start_ms == hours * HOUR_MS
    assert instance_at(config, found.end_ms) == ()
    assert instance_at(config, found.end_ms - 1) == (found,)


@pytest.mark.parametrize("zone", [BERLIN, SHANGHAI])
def test_three_shifts_tile_the_year(zone: ZoneInfo) -> None:
    config = site(
        *(shift(name, start, 8) for name, start in (("a", "06:30"), ("b", "14:30"), ("c", "22:30"))), zone=zone
    )
    found = instances(config, utc_ms("2026-01-01"), utc_ms("2027-01-01"))
    assert all(one.end_ms == following.start_ms for one, following in pairwise(found))
    assert len({one.id for one in found}) == len(found) >= 3 * 365


def test_weekdays_are_those_of_the_start() -> None:
    config = site(shift("night", "22:00", 8, weekdays=("fri",)))
    found = instances(config, utc_ms("2026-11-16"), utc_ms("2026-11-30"))
    assert [one.id for one in found] == ["night@2026-11-20", "night@2026-11-27"]
    assert [one.id for one in instance_at(config, utc_ms("2026-11-21T04:59"))] == ["night@2026-11-20"]


def test_gaps_in_coverage() -> None:
    config = site(
        shift("day", "08:00", 12, "anna", "ben"),
        shift("late", "18:00", 6, "anna"),
        shift("night", "00:00", 7, "carl"),
        zone=SHANGHAI,
    )
    start, end = utc_ms("2026-11-20T16:00"), utc_ms("2026-11-21T16:00")
    assert uncovered(config, start, end) == [(start + 7 * HOUR_MS, start + 8 * HOUR_MS, 0)]
    assert uncovered(config, start, end, 2) == [
        (start, start + 8 * HOUR_MS, 0),
        (start + 20 * HOUR_MS, end, 1),
    ]
    assert uncovered(site(), start, end) == [(start, end, 0)]


def test_coverage_counts_people_not_shifts_and_only_those_with_the_role() -> None:
    people = (Person(username="anna", name="A", role="guard"), Person(username="ben", name="B", role="engineer"))
    config = site(shift("day", "08:00", 24, "anna", "ben"), shift("more", "08:00", 24, "anna"), people=people)
    start, end = utc_ms("2026-11-20"), utc_ms("2026-11-21")
    assert uncovered(config, start, end, 2) == []
    assert uncovered(config, start, end, 3) == [(start, end, 2)]
    assert uncovered(config, start, end, 2, roles=("guard",)) == [(start, end, 1)]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 23), st.integers(1, 24), st.sets(st.sampled_from("abc"))), max_size=4),
    st.sampled_from(["2026-03-28", "2026-10-24", "2026-11-20"]),
    st.integers(1, 3),
)
def test_coverage_equals_counting_every_half_hour(
    shifts: list[tuple[int, int, set[str]]], day: str, people: int
) -> None:
    config = site(*(shift(f"s{n}", f"{at:02}:00", hours, *who) for n, (at, hours, who) in enumerate(shifts)))
    start, end = utc_ms(day), utc_ms(day) + 48 * HOUR_MS
    short = set()
    for gap in uncovered(config, start, end, people):
        short |= set(range(gap.start_ms, gap.end_ms, HOUR_MS // 2))
    for at_ms in range(start, end, HOUR_MS // 2):
        present = {person for one in instance_at(config, at_ms) for person in one.people}
        assert (at_ms in short) == (len(present) < people)
