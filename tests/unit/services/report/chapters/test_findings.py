"""Findings by hand: what is fixed, what is late, what was looked at again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.report.chapters.findings import Finding, FindingsFacts, by_level, chapter
from services.report.model import Chapter, Figure
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
FIRST = OCTOBER.since_at
DAY = timedelta(days=1)


def found(key: str, at: datetime, **more: Any) -> Finding:
    base = {"id": key, "ref": "work_order", "source": "inspection", "title": key, "place": "泵房", "found_at": at}
    return Finding(**base | {"due_at": at + 2 * DAY, "priority": "P3", "number": f"WO-{key}"} | more)


FINDINGS = (
    found("kept", FIRST + DAY, fixed_at=FIRST + 2 * DAY, rechecked_at=FIRST + 3 * DAY),
    found("late", FIRST + DAY, fixed_at=FIRST + 9 * DAY),
    found("overdue", FIRST - 9 * DAY, priority="P1"),
    found("not due", OCTOBER.until_at - DAY, source="patrol"),
    found("no order", FIRST + DAY, due_at=None, number="", ref="alert", priority=""),
    found("called off", FIRST + DAY, cancelled=True),
)


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def test_overdue_findings_stay_in_the_denominator() -> None:
    made = chapter(OCTOBER, FindingsFacts(FINDINGS))
    timely, again = figure(made, "finding.timely"), figure(made, "finding.rechecked")
    assert (timely.numerator, timely.denominator) == (1, 3)
    assert (again.numerator, again.denominator) == (1, 2)
    assert [figure(made, f"finding.{name}").value for name in ("found", "open", "overdue")] == [4, 3, 1]


def test_levels_follow_the_priority() -> None:
    rows = by_level(OCTOBER, [one for one in FINDINGS if not one.cancelled]).rows
    assert [row[:5] for row in rows] == [("重大", 0, 0, 1, 1), ("较大", 0, 0, 0, 0), ("一般", 4, 2, 2, 0)]


def test_a_major_hazard_goes_to_the_leader() -> None:
    made = chapter(OCTOBER, FindingsFacts(FINDINGS))
    assert made.decisions == ("重大隐患未整改：WO-overdue overdue（泵房）。",)
    assert made.conclusions == ((65, "月末 1 项隐患超期未整改，其中重大、较大 1 项。"),)


def test_nothing_found_is_no_data() -> None:
    assert {one.figure.verdict for one in chapter(OCTOBER, FindingsFacts()).figures} == {"no_data"}
