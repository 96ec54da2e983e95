"""Insulation and availability by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from services.report.chapters.electrical import ElectricalFacts, Insulation, Online, chapter
from services.report.model import Chapter, Table
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
AT = datetime(2026, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def box(name: str, value: float) -> Insulation:
    return Insulation(name, name, value, 0.5, AT, "ZC25", "电工")


def online(name: str, due: float, up: float) -> Online:
    return Online(f"yunhe/{name}", name, "大堂", "监控摄像头", due * HOUR, up * HOUR, 2 * HOUR)


FACTS = ElectricalFacts(
    declared=True, measured=(box("a", 0.5), box("b", 0.49)), online=(online("c", 100, 100), online("d", 100, 60))
)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


def test_the_limit_itself_passes() -> None:
    made = chapter(OCTOBER, FACTS)
    assert [row[3] for row in table(made, "electrical.insulation").rows] == [True, False]
    assert made.figures[0].figure.value == 50


def test_availability_is_hours_over_hours() -> None:
    made = chapter(OCTOBER, FACTS)
    assert made.figures[1].figure.value == pytest.approx(80)
    assert table(made, "electrical.online").rows == (("监控摄像头", 2, 80.0, 4.0),)
    assert table(made, "electrical.offline").rows == (("d", "大堂", 40.0, 60.0),)


def test_nothing_is_no_data_and_no_section_without_equipment() -> None:
    made = chapter(OCTOBER, ElectricalFacts(declared=True))
    assert [one.figure.verdict for one in made.figures] == ["no_data", "no_data"]
    assert table(made, "electrical.insulation").rows == ()
    assert chapter(OCTOBER, ElectricalFacts(declared=False)).section is None
