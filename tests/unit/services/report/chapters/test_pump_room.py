"""Pressures of a month by hand: excursions, minutes, share within the limit, and what is not counted."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.timeseries.store import Bucket
from services.report.chapters.pressure import HOUR, STEP, Tally
from services.report.chapters.pump_room import Excursion, Gauge, Level, Paper, Pump, PumpRoomFacts, chapter
from services.report.model import Chapter, Chart, Figure, Table, Text
from services.report.months import month_of

OCTOBER = month_of("2026-10", "Asia/Shanghai", datetime(2026, 11, 2, tzinfo=UTC))
SINCE = OCTOBER.since_at


def out(name: str, hours: float, minutes: float, *, suspended: bool = False, alerted: bool = True) -> Excursion:
    start = SINCE + timedelta(hours=hours)
    return Excursion(name, start, start + timedelta(minutes=minutes), 0.31, alerted, suspended, "WO-7")


def gauge(key: str, tally: Tally, *excursions: Excursion, limited: bool = True, steps: int = 3) -> Gauge:
    return Gauge(
        key=f"yunhe/{key}", name=key, place="泵房", unit="MPa", decimals=3, set_value=0.45, provisional=False,
        low=0.35 if limited else None, high=0.55 if limited else None, limited=limited, requirement="NUM-01",
        steps=tuple(Bucket(SINCE + one * STEP, 300, 0.4 + one / 100, 0.39, 0.5 + one / 100, 0.45)
                    for one in range(steps)),
        tally=tally, excursions=excursions,
    )  # fmt: skip


FACTS = PumpRoomFacts(
    declared=True,
    gauges=(
        gauge("low", Tally(1000, 990), out("a", 1, 5), out("b", 2, 0.1, alerted=False)),
        gauge("high", Tally(1000, 1000), out("c", 3, 60, suspended=True)),
        gauge("free", Tally(500, 500), limited=False),
    ),
)


def figure(made: Chapter, name: str) -> Figure:
    return next(one.figure for one in made.figures if one.figure.id == name)


def table(made: Chapter, name: str) -> Table:
    assert made.section is not None
    return next(one for one in made.section.blocks if isinstance(one, Table) and one.id == name)


def test_figures_count_short_excursions_and_no_excused_ones() -> None:
    made = chapter(OCTOBER, FACTS)
    assert figure(made, "pump.excursions").value == 2
    assert figure(made, "pump.minutes_out").value == pytest.approx(5.1)
    rate = figure(made, "pump.pass_rate")
    assert (rate.numerator, rate.denominator, rate.value, rate.verdict) == (1990, 2000, 99.5, "missed")
    assert made.conclusions[0][0] == 50


def test_the_table_of_pressures() -> None:
    row = table(chapter(OCTOBER, FACTS), "pump.pressure").rows[0]
    assert row[1:5] == (0.45, 0.35, 0.55, 0.39)
    assert row[6] == pytest.approx(0.41)
    assert row[8] == pytest.approx(0.52)
    assert row[10] == 2
    assert row[12] == 99.0
    assert row[13] == pytest.approx(100 * 1000 / 44_640)


def test_excused_excursions_are_listed_and_said() -> None:
    made = chapter(OCTOBER, FACTS)
    assert [row[6] for row in table(made, "pump.excursions").rows] == [True, True, False]
    assert made.section is not None
    notes = [line for one in made.section.blocks if isinstance(one, Text) for line in one.lines]
    assert any("另有 1 次" in one for one in notes)


def test_a_curve_for_each_limited_gauge_with_its_band() -> None:
    section = chapter(OCTOBER, FACTS).section
    assert section is not None
    curves = [one for one in section.blocks if isinstance(one, Chart) and one.kind == "envelope"]
    assert [one.id for one in curves] == ["pump.curve.low", "pump.curve.high"]
    assert (curves[0].low, curves[0].high, curves[0].centre) == (0.35, 0.55, 0.45)
    assert len(curves[0].labels) == len(curves[0].series[0].values) == 744
    bars = next(one for one in section.blocks if isinstance(one, Chart) and one.id == "pump.lengths")
    assert bars.series[0].values == (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def test_the_month_of_a_clock_change_has_an_hour_more() -> None:
    berlin = month_of("2026-10", "Europe/Berlin", datetime(2026, 11, 2, tzinfo=UTC))
    section = chapter(berlin, FACTS).section
    assert section is not None
    curve = next(one for one in section.blocks if isinstance(one, Chart))
    assert len(curve.labels) == 745
    assert curve.labels.count("25日2时") == 2


def test_no_readings_are_no_data() -> None:
    made = chapter(OCTOBER, PumpRoomFacts(declared=True, gauges=(gauge("low", Tally(0, 0), steps=0),)))
    assert {one.figure.value for one in made.figures} == {None}
    assert table(made, "pump.pressure").rows[0][4:] == (None,) * 10
    assert chapter(OCTOBER, PumpRoomFacts(declared=False)).section is None


def test_pumps_levels_and_papers() -> None:
    facts = PumpRoomFacts(
        declared=True,
        pumps=(Pump("p", "稳压泵", ((date(2026, 10, 1), 2), (date(2026, 10, 2), 7)), 3 * HOUR),
               Pump("q", "备用泵", (), None)),
        levels=(Level("l", "水箱", "m", (Bucket(SINCE, 2, 2.0, 1.8, 2.2, 2.1),)),),
        papers=(Paper("水质", "S-1", "生活水箱", date(2027, 1, 1)),),
    )  # fmt: skip
    made = chapter(OCTOBER, facts)
    assert table(made, "pump.starts").rows == (
        ("稳压泵", 4.5, 7, "2026-10-02", 9, 3.0),
        ("备用泵", None, None, None, None, None),
    )
    assert any("启泵、停泵压力" in gap for gap in made.gaps)
    assert table(made, "pump.levels").rows == (("水箱", "m", 1.8, 2.0, 2.2, 2.1),)
    assert table(made, "pump.papers").rows[0][3] == "2027-01-01"


def test_start_and_stop_pressures_are_shown_where_any_was_measured() -> None:
    pumps = (Pump("p", "稳压泵", ((date(2026, 10, 1), 2),), HOUR, 0.65, 0.75), Pump("q", "主泵", (), None))
    made = chapter(OCTOBER, PumpRoomFacts(declared=True, pumps=pumps))
    assert [row[-2:] for row in table(made, "pump.starts").rows] == [(0.65, 0.75), (None, None)]
    assert made.gaps == ()
