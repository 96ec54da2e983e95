"""Charts are well-formed, say their numbers, leave gaps where there are none, and never draw outside themselves."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from report_snapshots import INJECTION

from services.report.charts import PRINT, SCREEN, scale, svg
from services.report.model import Chart, Series

SVG = "{http://www.w3.org/2000/svg}"
KINDS = ("line", "bars", "stacked", "share", "heatmap", "envelope")


def chart(kind: str, *values: list[float | None], labels: int | None = None, **more: object) -> Chart:
    count = labels if labels is not None else len(values[0])
    names = ("min", "max") if kind == "envelope" else tuple(f"序列{at}" for at in range(len(values)))
    series = tuple(Series(name=name, values=tuple(one)) for name, one in zip(names, values, strict=False))
    names_of_labels = tuple(f"10-{at + 1:02}" for at in range(count))
    given = {"id": "c", "caption": "图", "kind": kind, "labels": names_of_labels, "series": series, **more}
    return Chart.model_validate(given)


def drawn(one: Chart, width: float = 480, height: float = 170) -> ElementTree.Element:
    return ElementTree.fromstring(svg(one, width, height, PRINT))


def texts(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


@given(
    st.sampled_from(KINDS),
    st.lists(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=40), min_size=1, max_size=9),
    st.integers(1, 45),
)
def test_anything_can_be_drawn_and_stays_inside(kind: str, values: list[list[float | None]], labels: int) -> None:
    root = drawn(chart(kind, *values, labels=labels))
    for one in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        assert -1 <= x <= x + w <= 481
        assert -1 <= y <= y + h <= 171
    for one in root.iter():
        numbers = re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", one.attrib.get("d", ""))
        assert all(math.isfinite(float(number)) for number in numbers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [[], [None, None], [float("nan")]])
def test_no_data_is_said(kind: str, values: list[float | None]) -> None:
    assert texts(drawn(chart(kind, values, values))) == ["本月无数据"]
    assert "No data this month" in svg(chart(kind, values), 100, 100, PRINT, "en")


def test_zero_is_data() -> None:
    assert "本月无数据" not in texts(drawn(chart("bars", [0.0, 0.0])))
    assert texts(drawn(chart("share", [0.0, 0.0]))) == ["本月无数据"]


def test_a_gap_breaks_the_line() -> None:
    lines = list(drawn(chart("line", [1.0, 2.0, None, 3.0, 4.0])).iter(f"{SVG}path"))
    assert len(lines) == 2
    alone = drawn(chart("line", [1.0, None, 3.0]))
    assert len(list(alone.iter(f"{SVG}path"))) == 0
    assert len(list(alone.iter(f"{SVG}circle"))) == 2


def test_missed_is_red_and_crossed() -> None:
    root = drawn(chart("heatmap", [1.0, 0.5, 0.0, None]))
    fills = [one.attrib["fill"] for one in root.iter(f"{SVG}rect")]
    assert fills[-3:] == [PRINT.band, PRINT.series[1], PRINT.bad]
    crosses = [one for one in root.iter(f"{SVG}line") if one.attrib["stroke"] == PRINT.paper]
    assert len(crosses) == 2


def test_what_leaves_the_limits_is_red() -> None:
    spikes = chart("envelope", [0.4, 0.2, 0.4], [0.41, 0.41, 0.6], low=0.3, high=0.5, centre=0.4)
    reds = [one for one in drawn(spikes).iter(f"{SVG}line") if one.attrib["stroke"] == PRINT.bad]
    assert len([one for one in reds if "stroke-dasharray" not in one.attrib]) == 2
    assert {"0.3", "0.4", "0.5"} <= set(texts(drawn(spikes)))


def test_limits_outside_the_data_are_inside_the_axis() -> None:
    root = drawn(chart("line", [1.0, 2.0], high=50.0))
    ticks = [float(one) for one in texts(root) if re.fullmatch(r"\d+", one)]
    assert max(ticks) >= 50


def test_share_says_every_slice_and_gathers_the_smallest() -> None:
    said = texts(drawn(chart("share", [float(at) for at in range(1, 12)])))
    assert "… (5)" in said
    assert "66" in said
    assert sum(float(one.rstrip("%")) for one in said if one.endswith("%")) == pytest.approx(100, abs=0.4)


def test_few_bars_say_their_number() -> None:
    assert {"12", "7.5"} <= set(texts(drawn(chart("bars", [12.0, 7.5]))))


def test_words_are_escaped() -> None:
    root = drawn(chart("bars", [1.0], [2.0], caption=INJECTION, unit="<&>"))
    assert root.find(f"{SVG}title").text == INJECTION  # type: ignore[union-attr]
    assert "<&>" in texts(root)


def test_what_means_the_same_has_one_colour() -> None:
    for theme in (PRINT, SCREEN):
        paints = theme.paints(("误报", "火警", "其他", "漏检点"))
        assert paints[1] == paints[3] == theme.bad
        assert len(set(paints)) == 3
    assert SCREEN.paints(tuple("abcdefghijk"))[7:9] == SCREEN.series[:2]


def test_themes_differ_in_colours_alone() -> None:
    one = chart("line", [1.0, 2.0], unit="MPa")
    assert "var(--" not in svg(one, 300, 100, PRINT)
    assert "#" not in svg(one, 300, 100, SCREEN)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
@example(-1e-05, 20001.0)
def test_ticks_are_round_and_cover(low: float, spread: float) -> None:
    marks = scale.ticks(low, low + spread)
    unseen = (marks[1] - marks[0]) * 1e-8 + max(abs(low), abs(low + spread)) * 1e-6
    assert marks[0] <= low + unseen
    assert marks[-1] >= low + spread - unseen
    assert 2 <= len(marks) <= 12


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [(0, 100, (0, 25, 50, 75, 100)), (0.22, 0.57, (0.2, 0.3, 0.4, 0.5, 0.6)), (7, 7, (6.0, 6.5, 7.0, 7.5, 8.0))],
)
def test_ticks(low: float, high: float, marks: tuple[float, ...]) -> None:
    assert scale.ticks(low, high) == marks


def test_words_are_measured_and_cut() -> None:
    assert scale.text_width("泵房", 10) == 20
    assert scale.text_width("ab", 10) < 12
    assert scale.shorten("三号泵房出口压力", 40, 10) == "三号泵…"
    assert scale.shorten("短", 40, 10) == "短"
