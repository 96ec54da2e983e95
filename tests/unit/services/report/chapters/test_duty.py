"""Handovers, spot checks and duty checks by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.report.chapters.duty import Change, DutyCheck, DutyFacts, Hole, Presence, Week, chapter
from services.report.model import Chapter, Table
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
AT = datetime(2026, 10, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def change(name: str, after: float | None) -> Change:
    at = AT + after * MINUTE if after is not None else None
    return Change(name, f"夜班 {name}", AT, AT + 15 * MINUTE, "甲岗", "乙岗", at)


FACTS = DutyFacts(
    declared=True,
    changes=(change("a", -5), change("b", 15), change("c", 16), change("d", None)),
    rostered=True,
    holes=(Hole(AT, AT + timedelta(hours=2)),),
    weeks=(Week("夜间查岗", "PER-17", date(2026, 10, 4), True), Week("夜间查岗", "PER-17", date(2026, 10, 11), False)),
    checks=(
        DutyCheck("1", "装置", AT, "answered", AT + 4 * MINUTE),
        DutyCheck("2", "装置", AT, "missed", None),
        DutyCheck("3", "装置", AT, "failed", None),
        DutyCheck("4", "装置", AT, "open", None),
    ),
    presence=(Presence("甲岗", 3, timedelta(hours=24)),),
)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


def test_figures() -> None:
    found = {one.figure.id: (one.figure.numerator, one.figure.denominator) for one in chapter(OCTOBER, FACTS).figures}
    assert found == {"duty.handover": (2, 4), "duty.spot_checks": (1, 2), "duty.checks": (1, 2)}


def test_tables() -> None:
    made = chapter(OCTOBER, FACTS)
    assert [(row[0], row[3]) for row in table(made, "duty.handover").rows] == [
        ("夜班 c", pytest.approx(1.0)), ("夜班 d", None),
    ]  # fmt: skip
    assert table(made, "duty.holes").rows[0][2] == 2.0
    assert table(made, "duty.checks").rows == ((4, 1, 1, 1, 4.0),)
    assert table(made, "duty.presence").rows == (("甲岗", 3, 24.0),)


def test_nothing_due_is_no_data() -> None:
    made = chapter(OCTOBER, DutyFacts(declared=True))
    assert {one.figure.verdict for one in made.figures} == {"no_data"}
    assert table(made, "duty.handover").empty == "本月无应交接班次"
    assert chapter(OCTOBER, DutyFacts(declared=False)).section is None
