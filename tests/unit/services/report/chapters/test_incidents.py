"""Emergencies by hand: told within thirty minutes, reports, open ones."""

from datetime import UTC, datetime, timedelta

import pytest

from services.report.chapters.incidents import Event, IncidentFacts, Moment, chapter
from services.report.model import Table
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
AT = datetime(2026, 10, 9, tzinfo=UTC)


def event(name: str, told: float | None, *, over: bool = True, review: str = "") -> Event:
    told_at = AT + timedelta(minutes=told) if told is not None else None
    return Event(name, "work_order", "水管爆裂", f"WO-{name}", "1号楼", AT, told_at, None, AT if over else None, review)


FACTS = IncidentFacts(
    watched=True,
    events=(event("a", 30), event("b", 30.1, review="approved"), event("c", None, over=False, review="due")),
    timeline=(Moment("WO-a", AT, "受理", "调度"),),
)


def test_thirty_minutes_are_in_time() -> None:
    told, reviewed = (one.figure for one in chapter(OCTOBER, FACTS).figures)
    assert told.id == "incident.first_notice"
    assert (told.numerator, told.denominator) == (1, 3)
    assert told.value == pytest.approx(100 / 3)
    assert reviewed.value == 50


def test_the_table_and_what_is_said() -> None:
    made = chapter(OCTOBER, FACTS)
    assert made.section is not None
    block = made.section.blocks[0]
    assert isinstance(block, Table)
    assert [row[4] for row in block.rows] == [30.0, pytest.approx(30.1), None]
    assert [row[7] for row in block.rows] == [None, "已批准", "待写"]
    assert made.conclusions == ((72, "本月应急事件 3 起，1 起尚未结束。"),)


def test_a_quiet_month_is_said_only_where_somebody_listened() -> None:
    assert chapter(OCTOBER, IncidentFacts(watched=True)).conclusions == ((3, "本月没有应急事件。"),)
    made = chapter(OCTOBER, IncidentFacts())
    assert made.conclusions == ()
    assert {one.figure.verdict for one in made.figures} == {"no_data"}
