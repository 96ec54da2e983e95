from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.times import from_ms
from services.web.timeline import Bar, Span, axis, lane

HOUR = 3_600_000
ZONE = ZoneInfo("Asia/Shanghai")
NOW = 1_795_200_000_000
SPAN = Span(NOW - 8 * HOUR, NOW + 4 * HOUR, NOW, ZONE)


def bar(start: int, length: int, **more: object) -> Bar:
    values = {"state": "complete", "pieces": ["on_time", "missed"], "title": "周界 <1>", "href": "/patrol/rounds/y/r"}
    return Bar(start, start + length, start - HOUR // 4, start + length + HOUR // 4, **{**values, **more})  # type: ignore[arg-type]


def elements(svg: str, css: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(svg).iter() if css in (one.get("class") or "").split()]


@pytest.mark.parametrize(("hours", "percent"), [(-8, 0), (0, 200 / 3), (4, 100), (9, 100), (-20, 0)])
def test_moments_lie_within_the_picture(hours: int, percent: float) -> None:
    assert SPAN.at(NOW + hours * HOUR) == pytest.approx(percent)


def test_a_round_has_a_piece_per_stop_in_its_own_stretch() -> None:
    svg = lane(SPAN, [bar(NOW - 2 * HOUR, HOUR, walked_ms=(NOW - 2 * HOUR, NOW - HOUR))], "周界")
    pieces = elements(svg, "tl-stop")
    assert [one.get("class") for one in pieces] == ["tl-stop is-on_time", "tl-stop is-missed"]
    assert [float((one.get("x") or "").rstrip("%")) for one in pieces] == [50.0, pytest.approx(54.17)]
    assert elements(svg, "tl-walk")[0].get("width") == "8.33%"
    assert elements(svg, "tl-round")[0].get("href") == "/patrol/rounds/y/r"
    assert "&lt;1&gt;" in svg


def test_a_very_short_round_can_still_be_seen() -> None:
    frame = elements(lane(SPAN, [bar(NOW, 1000)], "x"), "tl-frame")[0]
    assert float((frame.get("width") or "").rstrip("%")) >= 0.9


def test_frequent_rounds_do_not_cover_each_other() -> None:
    every_five_minutes = [bar(NOW - HOUR + number * HOUR // 12, HOUR // 30) for number in range(12)]
    slivers = elements(lane(SPAN, every_five_minutes, "x"), "tl-sliver")
    assert {one.get("class") for one in slivers} == {"tl-sliver is-missed"}, "the worst of its stops"
    edges = [tuple(float((one.get(name) or "").rstrip("%")) for name in ("x", "width")) for one in slivers]
    assert all(left + width < edges[index + 1][0] for index, (left, width) in enumerate(edges[:-1]))


def test_the_axis_names_local_hours_and_now() -> None:
    texts = [one.text for one in ElementTree.fromstring(axis(SPAN)).iter("text")]
    assert texts[-1] == from_ms(NOW).astimezone(ZONE).strftime("%H:%M")
    assert len(texts) > 4


@given(st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 12), st.integers(0, 9)), max_size=5))
def test_whatever_is_drawn_stays_inside_and_is_well_formed(rounds: list[tuple[int, int, int]]) -> None:
    bars = [bar(NOW + start * HOUR, length * HOUR, pieces=["on_time"] * stops) for start, length, stops in rounds]
    svg = lane(SPAN, bars, "x")
    for one in ElementTree.fromstring(svg).iter("rect"):
        left, width = (float((one.get(name) or "0").rstrip("%")) for name in ("x", "width"))
        assert 0 <= left <= 100
        assert 0 <= width <= 101 - left
