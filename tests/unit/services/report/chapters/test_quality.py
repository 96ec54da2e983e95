"""The quality of the data by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from services.report.chapters.quality import Loosened, QualityFacts, Sensor, chapter
from services.report.model import Chapter, Table
from services.report.months import month_of
from services.report.spans import Span, Window

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
AT = datetime(2026, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
FACTS = QualityFacts(
    sensors=(
        Sensor("yunhe/a", "低区", "泵房", 100 * HOUR, 100 * HOUR),
        Sensor("yunhe/b", "高区", "泵房", 100 * HOUR, 80 * HOUR, (Span(AT, AT + 20 * HOUR),)),
    ),
    never_heard=("液位",),
    windows=(Window("w", "yunhe/a", "低区", "检修", "维修工", Span(AT, AT + HOUR)),),
    quarantine=(("采集器", 3),),
    lost=(("采集器", 2), ("网关", 1)),
    taps=10,
    by_hand=2,
    loosened=(Loosened("NUM-01", "低区", "老旧管网，经理批准"),),
    rules=("口径一",),
)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


def test_uptime_is_hours_over_hours_and_the_worst_comes_first() -> None:
    made = chapter(OCTOBER, FACTS)
    assert made.figures[0].figure.value == pytest.approx(90)
    assert [(row[0], row[2], row[3], row[4]) for row in table(made, "quality.sensors").rows] == [
        ("高区", 80.0, 1, 1200.0), ("低区", 100.0, 0, 0.0),
    ]  # fmt: skip
    assert made.conclusions[0][0] == 42
    assert "液位" in made.gaps[0]


def test_tables() -> None:
    made = chapter(OCTOBER, FACTS)
    assert table(made, "quality.messages").rows == (("网关", 0, 1), ("采集器", 3, 2))
    assert table(made, "quality.hand").rows[0][1:] == (2, 10)
    assert table(made, "quality.windows").rows[0][3] == 1.0
    assert table(made, "quality.loosened").rows[0][2] == "老旧管网，经理批准"


def test_nothing_heard_is_no_data() -> None:
    made = chapter(OCTOBER, QualityFacts())
    assert made.figures[0].figure.verdict == "no_data"
    assert made.section is not None
    assert made.conclusions == ()
