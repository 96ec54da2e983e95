import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.times import to_ms
from services.web.chart import Band, Mark, Picture, Sample, draw, sparkline, ticks, time_ticks

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = to_ms(datetime(2026, 11, 21, 2, 0, tzinfo=UTC))
MINUTE = 60_000
HOUR = 60 * MINUTE


def picture(*values: float | None, **changes: object) -> Picture:
    """One sample a minute; None is a minute without one."""
    samples = [
        Sample(START + index * MINUTE, value, value, value) for index, value in enumerate(values) if value is not None
    ]
    fields: dict[str, object] = {
        "start_ms": START,
        "end_ms": START + HOUR,
        "step_ms": MINUTE,
        "samples": samples,
        "gap_ms": 3 * MINUTE,
        "unit": "MPa",
        "decimals": 3,
        "band": Band(0.35, 0.55),
        "set_value": 0.45,
        "zone": SHANGHAI,
    }
    return Picture(**{**fields, **changes})  # type: ignore[arg-type]


def elements(svg: str, css: str) -> list[str]:
    return re.findall(rf'<\w+ class="{css}"[^>]*>', svg)


def attribute(element: str, name: str) -> float:
    found = re.search(rf' {name}="([-\d.]+)"', element)
    assert found, element
    return float(found.group(1))


def test_a_gap_breaks_the_line_and_is_said() -> None:
    svg = draw(picture(*[0.45] * 10, *[None] * 10, *[0.45] * 40))
    assert len(elements(svg, "chart-line")) == 2
    (gap,) = elements(svg, "chart-gap")
    assert attribute(gap, "width") == pytest.approx((960 - 56 - 16) * 10 / 60, abs=0.2)
    assert "<title>no data 10:10:00–10:20:00</title>" in svg


def test_missing_a_sample_or_two_is_no_gap() -> None:
    svg = draw(picture(*[0.45] * 10, None, None, *[0.45] * 48))
    assert len(elements(svg, "chart-line")) == 1
    assert not elements(svg, "chart-gap")


def test_silence_until_now_is_a_gap() -> None:
    assert len(elements(draw(picture(*[0.45] * 30)), "chart-gap")) == 1


def test_an_excursion_is_shaded_from_the_first_reading_outside_to_the_first_inside() -> None:
    svg = draw(picture(*[0.45] * 10, *[0.6] * 5, *[0.45] * 45))
    (shade,) = elements(svg, "chart-excursion")
    per_minute = (960 - 56 - 16) / 60
    assert attribute(shade, "x") == pytest.approx(56 + 10 * per_minute, abs=0.2)
    assert attribute(shade, "width") == pytest.approx(5 * per_minute, abs=0.2)
    assert "outside the limit 10:10:00–10:15:00" in svg


def test_exactly_at_the_limit_is_inside() -> None:
    assert not elements(draw(picture(*[0.55] * 60)), "chart-excursion")


def test_a_short_excursion_within_a_step_shows_although_its_mean_is_inside() -> None:
    sample = Sample(START, low=0.44, high=0.58, mean=0.46)
    assert elements(draw(picture(samples=[sample])), "chart-excursion")


def test_the_limits_and_the_set_value_are_labelled() -> None:
    svg = draw(picture(*[0.45] * 60))
    assert "upper limit 0.550" in svg
    assert "lower limit 0.350" in svg
    assert "set value 0.450" in svg


def test_an_open_side_has_no_line() -> None:
    svg = draw(picture(*[0.45] * 60, band=Band(low=0.35), set_value=None))
    assert "upper" not in svg
    (band,) = elements(svg, "chart-band")
    assert attribute(band, "y") == 20


def test_without_readings_it_says_so() -> None:
    assert "No readings in this period" in draw(picture())


def test_a_single_reading_is_a_dot() -> None:
    assert len(elements(draw(picture(0.45)), "chart-dot")) == 1


def test_marks_outside_the_period_are_left_out() -> None:
    marks = [Mark(START + 5 * MINUTE, "opened"), Mark(START - MINUTE, "before")]
    svg = draw(picture(*[0.45] * 60, marks=marks))
    assert "opened" in svg
    assert "before" not in svg


def test_words_are_escaped() -> None:
    svg = draw(picture(0.45, unit="<b>", title='"><script>', marks=[Mark(START, "<i>")]))
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "<i>" not in svg


def test_values_show_on_hover_with_unit_and_range() -> None:
    svg = draw(picture(samples=[Sample(START, 0.44, 0.46, 0.45)]))
    assert "<title>10:00:00  0.450 (0.440…0.460) MPa</title>" in svg


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.33, 0.58, [0.35, 0.4, 0.45, 0.5, 0.55]),
        (-5, 5, [-4, -2, 0, 2, 4]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_lie_within_and_are_few(low: float, width: float) -> None:
    high = low + width
    if high == low:
        return
    found = ticks(low, high)
    assert len(found) <= 12
    slack = (high - low) * 1e-6 + abs(low) * 1e-9 + 1e-9
    assert all(low - slack <= tick <= high + slack for tick in found)


def test_time_ticks_are_round_in_local_time() -> None:
    found = time_ticks(START, START + HOUR, SHANGHAI)
    assert [label for _, label in found] == ["10:00", "10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]


def test_days_begin_at_local_midnight_also_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = to_ms(datetime(2026, 10, 23, 12, tzinfo=UTC))
    found = time_ticks(start, start + 7 * 24 * HOUR, berlin, 9)
    hours = {datetime.fromtimestamp(at / 1000, berlin).hour for at, _ in found}
    assert hours == {0}
    assert [label for _, label in found][:3] == ["10-24", "10-25", "10-26"]


def test_a_sparkline_says_whether_the_last_value_is_outside() -> None:
    inside = [Sample(START, 0.45, 0.45, 0.45)]
    outside = [Sample(START, 0.6, 0.6, 0.6)]
    assert "is-outside" not in sparkline(inside, START, START + HOUR, Band(0.35, 0.55), HOUR)
    assert "is-outside" in sparkline(outside, START, START + HOUR, Band(0.35, 0.55), HOUR)


@given(
    st.lists(
        st.tuples(st.integers(-10 * MINUTE, 70 * MINUTE), st.floats(-1e6, 1e6)),
        max_size=40,
        unique_by=lambda one: one[0],
    )
)
def test_everything_drawn_stays_inside_the_frame(readings: list[tuple[int, float]]) -> None:
    samples = [Sample(START + offset, value, value, value) for offset, value in sorted(readings)]
    svg = draw(picture(samples=samples))
    for element in re.findall(r"<(?:rect|circle|path)[^>]*>", svg):
        assert "nan" not in element
        assert "inf" not in element
    for path in re.findall(r' d="([^"]+)"', svg):
        for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", path):
            assert 56 <= float(x) <= 944
            assert 14 <= float(y) <= 272
