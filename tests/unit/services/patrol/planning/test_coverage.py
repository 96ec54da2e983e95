"""What a month's plan covers: rings, nights, areas, hours on duty."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.site.model import Area, Person, Site, SiteConfig
from gateway.site.patrol import Checkpoint, Patrol, Route, Schedule, Shift, Span, Stop
from services.patrol.planning.coverage import Coverage, covered
from services.patrol.planning.schedule import rounds
from services.patrol.planning.wall import DAY, midnight_ms

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
AREAS = (
    Area(id="garage", name="车库", kind="garage"),
    Area(id="pump", name="泵房", kind="pump_room", parent="garage"),
    Area(id="block", name="楼", kind="building"),
    Area(id="stairs", name="楼道", kind="corridor", parent="block"),
    Area(id="fence", name="周界", kind="perimeter"),
)
POINTS = tuple(Checkpoint(id=f"at-{area.id}", name=area.name, area=area.id) for area in AREAS if area.id != "garage")
INNER = Route(id="inner", name="内圈", ring="inner", stops=(Stop(checkpoint="at-pump"), Stop(checkpoint="at-stairs")))
OUTER = Route(id="outer", name="外圈", ring="outer", stops=(Stop(checkpoint="at-fence"),))
PEOPLE = (Person(username="guard", name="安管员", role="guard"), Person(username="boss", name="经理", role="manager"))


def schedule(route: str, *at: str, **more: object) -> Schedule:
    return Schedule.model_validate(
        {"id": f"s-{route}", "route": route, "at": list(at), "duration": timedelta(minutes=30), **more}
    )


def judged(*schedules: Schedule, shifts: tuple[Shift, ...] = (), zone: str = "Asia/Shanghai") -> Coverage:
    patrol = Patrol(checkpoints=POINTS, routes=(INNER, OUTER), schedules=schedules, shifts=shifts)
    config = SiteConfig(site=Site(id="demo", name="样例", timezone=zone), areas=AREAS, people=PEOPLE, patrol=patrol)
    begin, end = (midnight_ms(ZoneInfo(zone), day) for day in (FIRST - DAY, LAST + 2 * DAY))
    return covered(config, rounds(config, begin, end), FIRST, LAST)


def test_a_full_plan_has_no_gaps() -> None:
    coverage = judged(schedule("inner", "23:00"), schedule("outer", "02:00", "14:00"))
    assert coverage.gaps == 0
    assert coverage.rings == {"inner": ("inner",), "outer": ("outer",)}
    assert coverage.bare == ()
    months = {one.route: one for one in coverage.routes}
    assert (months["outer"].rounds, months["outer"].fewest, months["outer"].most) == (60, 2, 2)
    assert (months["outer"].first, months["outer"].last, months["outer"].drawn) == ("02:00", "14:00", False)


def test_a_ring_whose_route_has_no_rounds_is_none() -> None:
    coverage = judged(schedule("inner", "23:00"))
    assert coverage.rings["outer"] == ()
    assert len(coverage.dark["perimeter"]) == 30
    assert coverage.gaps == 2


@pytest.mark.parametrize(
    ("at", "dark"), [("21:00", 30), ("21:29", 30), ("21:31", 0), ("22:00", 0), ("05:59", 0), ("06:00", 30)]
)
def test_a_night_lasts_from_22_to_6(at: str, dark: int) -> None:
    assert len(judged(schedule("outer", at)).dark["perimeter"]) == dark


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    coverage = judged(schedule("outer", "02:00", weekdays=["mon"]))
    walked = {FIRST + number * DAY for number in range(30)} - set(coverage.dark["perimeter"])
    assert {day.weekday() for day in walked} == {6}


def test_a_pump_room_counts_as_the_garage_it_lies_in_and_stairs_as_corridor() -> None:
    coverage = judged(schedule("inner", "23:00"))
    assert (coverage.dark["garage"], coverage.dark["corridor"]) == ((), ())


def test_suspended_stops_cover_nothing() -> None:
    paused = (Span(start="22:00", end="06:00"),)
    assert len(judged(schedule("outer", "23:00", suspended=paused)).dark["perimeter"]) == 30


def test_hours_without_a_guard() -> None:
    day = Shift(id="day", name="白班", start="07:00", duration=timedelta(hours=16), people=("guard",))
    night = Shift(id="night", name="夜班", start="23:00", duration=timedelta(hours=8), people=("boss",))
    gaps = judged(schedule("inner", "23:00"), shifts=(day, night)).unmanned
    assert len(gaps) == 31
    assert all(gap.end_ms - gap.start_ms <= 8 * 3_600_000 for gap in gaps)
    whole = Shift(id="all", name="全天", start="07:00", duration=timedelta(hours=24), people=("guard",))
    assert judged(schedule("inner", "23:00"), shifts=(whole,)).unmanned == ()


def test_nights_of_a_clock_change() -> None:
    coverage = judged(schedule("inner", "23:00"), schedule("outer", "02:30"), zone="Europe/Berlin")
    assert coverage.gaps == 0
