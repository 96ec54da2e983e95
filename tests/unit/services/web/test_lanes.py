import re
from datetime import UTC
from xml.etree import ElementTree

from services.web import bars, lanes
from services.web.lanes import Lane, Span

HOUR = 3_600_000


def runs(svg: str) -> list[tuple[float, float, str]]:
    found = re.findall(r'<rect class="lane-run ?([^"]*)" x="([\d.]+)" y="\d+" width="([\d.]+)"', svg)
    return [(float(x), float(width), css) for css, x, width in found]


def test_runs_stand_where_they_were() -> None:
    spans = [Span(-HOUR, HOUR, "is-main"), Span(2 * HOUR, 3 * HOUR), Span(3 * HOUR, None), Span(9 * HOUR, 10 * HOUR)]
    svg = lanes.draw([Lane("<1号>", spans)], 0, 4 * HOUR, UTC, 472, "running")
    ElementTree.fromstring(svg)
    assert runs(svg) == [(56.0, 100.0, "is-main"), (256.0, 100.0, ""), (356.0, 100.0, "")]
    assert "running" in svg
    assert "&lt;1号&gt;" in svg


def test_a_short_run_is_still_seen() -> None:
    svg = lanes.draw([Lane("a", [Span(0, 1)])], 0, 24 * HOUR, UTC, 960, "running")
    assert runs(svg)[0][1] == 1.5


def test_bars_show_what_is_over_the_limit() -> None:
    svg = bars.draw([("08:00", 3), ("09:00", 16)], 15, "上限")
    ElementTree.fromstring(svg)
    assert svg.count('class="bar is-over"') == 1
    assert "上限 15" in svg
    assert "chart-limit" not in bars.draw([("08:00", 0)], None, "")
