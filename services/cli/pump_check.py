"""What `gengfu check` says about pump stations and cameras: what they work out, and what nobody sees."""

from rich.console import Console
from rich.markup import escape

from gateway.site.model import SiteConfig


def print_pumps(config: SiteConfig, out: Console, *, zh: bool) -> None:
    """One line of pump stations and view points; then one for each thing that is missing."""
    name = config.site.name if zh else config.site.name_en or config.site.name
    views = config.cctv.view_points
    words = "泵组 {}，视点 {}" if zh else "{} pump stations, {} view points"
    out.print(f"\n{name} · {words.format(len(config.stations), len(views))}", markup=False)
    for station in config.stations:
        title = station.name if zh else station.name_en or station.name
        if station.kind == "fire" and station.jockeys and station.start_pressure is None:
            text = "没有启停压力，认不出自动启动试验" if zh else "without start pressures no automatic test is seen"
            _say(out, f"{title}：{text}" if zh else f"{title}: {text}")
    unseen = [one.name if zh else one.name_en or one.name for one in views if not one.cameras]
    if unseen:
        listed = ("、" if zh else ", ").join(unseen)
        _say(out, f"没有摄像头覆盖的视点（NUM-05）：{listed}" if zh else f"seen by no camera (NUM-05): {listed}")
    if views and config.cctv.coverage is None:
        _say(
            out,
            "写了视点却没有 coverage，不计算覆盖率" if zh else "view points without coverage: nothing is worked out",
        )


def _say(out: Console, text: str) -> None:
    out.print(f"  [yellow]⚠[/] {escape(text)}", soft_wrap=True)
