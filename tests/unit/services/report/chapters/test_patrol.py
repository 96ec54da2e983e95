"""Rounds and stops by hand: what is due, what is on time, what is missed, and a month without any."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.report.chapters.patrol import Duty, Found, Measure, PatrolFacts, Stop, Walk, chapter, days_of
from services.report.model import Chapter, Chart, Figure, Table
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
AT = datetime(2026, 10, 5, 14, tzinfo=UTC)


def walk(name: str, fate: str, *states: str, on: int = 5, late: bool = False) -> Walk:
    stops = tuple(
        Stop(f"p{place}", f"点{place}", state, state == "visited" and not late, AT + timedelta(minutes=place))
        for place, state in enumerate(states)
    )
    return Walk(name, "ring", "外圈", "perimeter", date(2026, 10, on), AT, fate, ("夜班安全员",), stops)


FACTS = PatrolFacts(
    declared=True,
    walks=(
        walk("good", "complete", "visited", "visited"),
        walk("late", "complete", "visited", "visited", late=True, on=6),
        walk("part", "incomplete", "visited", "missed", on=6),
        walk("gone", "missed", "missed", "missed", on=7),
        walk("maybe", "unconfirmed", "visited", "unconfirmed", on=7),
        walk("later", "running", "visited", "pending"),
        walk("off", "suspended", "suspended", "suspended"),
    ),
)


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


def chart(made: Chapter, name: str) -> Chart:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Chart) and one.id == name)


@pytest.mark.parametrize(
    ("name", "numerator", "denominator"),
    [("patrol.completion", 1, 5), ("patrol.visits", 6, 10), ("patrol.punctual", 4, 10)],
)
def test_figures(name: str, numerator: int, denominator: int) -> None:
    made = figure(chapter(OCTOBER, FACTS), name)
    assert (made.numerator, made.denominator) == (numerator, denominator)
    assert made.value == pytest.approx(100 * numerator / denominator)


def test_missed_is_due_less_visited() -> None:
    made = chapter(OCTOBER, FACTS)
    assert figure(made, "patrol.missed").value == 4
    rows = table(made, "patrol.missed").rows
    assert [row[4] for row in rows].count("手机未上报，待确认") == 1
    assert [row[4] for row in rows].count("无人巡逻") == 2


def test_evidence_is_every_round_that_was_due() -> None:
    found = next(one for one in chapter(OCTOBER, FACTS).figures if one.figure.id == "patrol.completion")
    assert {one.id: one.counted for one in found.evidence} == {
        "good": True, "late": False, "part": False, "gone": False, "maybe": False,
    }  # fmt: skip


def test_the_routes_add_up() -> None:
    made = table(chapter(OCTOBER, FACTS), "patrol.routes")
    assert made.rows == (("外圈", "周界", 5, 2, 1, 4, 1, 20.0),)
    assert made.total == ("合计", None, 5, 2, 1, 4, 1, 20.0)


def test_charts_have_a_gap_where_nothing_was_due() -> None:
    made = chapter(OCTOBER, FACTS)
    daily = chart(made, "patrol.daily").series[0].values
    assert len(daily) == 31
    assert daily[4:7] == (100.0, 0.0, 0.0)
    assert daily[0] is None
    heat = chart(made, "patrol.heat")
    assert [one.name for one in heat.series] == ["点0", "点1"]
    assert heat.series[1].values[4:7] == (1.0, 0.5, 0.0)


def test_nothing_walked_is_no_data_and_no_zero() -> None:
    made = chapter(OCTOBER, PatrolFacts(declared=True))
    assert [one.figure.value for one in made.figures] == [None] * 4
    assert {one.figure.verdict for one in made.figures} == {"no_data"}
    assert table(made, "patrol.routes").rows == ()
    assert made.conclusions == ()


def test_a_site_without_routes_has_no_such_section() -> None:
    made = chapter(OCTOBER, PatrolFacts(declared=False))
    assert made.section is None
    assert made.gaps


def test_findings_weeks_and_measures_are_listed() -> None:
    facts = PatrolFacts(
        declared=True,
        found=(Found("f", AT, "1号楼", "扶手松动：是", 2, "夜班安全员", "WO-1"),),
        duties=(Duty("vacant", "空置房每周检查", "PER-15", "weekly", "301室", 4, 1),
                Duty("g", "重点", "", "max_gap", "", None, 2)),
        measures=(Measure("地砖", "NUM-04", 0.5, "1", AT, "≥ 0.5", True),),
    )  # fmt: skip
    made = chapter(OCTOBER, facts)
    assert table(made, "patrol.found").rows[0][5] == "WO-1"
    assert table(made, "patrol.duties").rows[0][3:] == (4, 3, 1)
    assert table(made, "patrol.duties").rows[1][3:] == (None, None, 2)
    assert table(made, "patrol.measures").rows[0][6] is True


def test_days_of_a_running_leap_february() -> None:
    leap = month_of("2028-02", "Europe/Berlin", datetime(2028, 3, 5, tzinfo=UTC))
    assert len(days_of(leap)) == 29
    running = month_of("2028-02", "Europe/Berlin", datetime(2028, 2, 9, 23, 30, tzinfo=UTC))
    assert days_of(running)[-1] == date(2028, 2, 10)
