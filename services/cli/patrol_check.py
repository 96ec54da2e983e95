"""What `gengfu check` says about patrol: the month's rounds, and what they leave out."""

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.site.duration import to_milliseconds
from gateway.site.model import SiteConfig
from gateway.site.patrol import Schedule
from services.patrol.planning.coverage import Coverage, RouteMonth, covered
from services.patrol.planning.schedule import rounds
from services.patrol.planning.shifts import Uncovered
from services.patrol.planning.starts import start_bits
from services.patrol.planning.wall import DAY, Interval, midnight_ms, shown

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_PLACES = {"garage": ("车库", "garage"), "corridor": ("楼道", "corridors"), "perimeter": ("周界", "perimeter")}
_RINGS = {"inner": "内圈", "outer": "外圈"}
_ENOUGH_BITS = 5.0
_SHOWN = 5
"""Dates or times named before the rest is only counted."""


def month_days(text: str | None, now: datetime) -> tuple[date, date]:
    """First and last day of `2026-12`, or of the month of `now`; raises ValueError."""
    if text is None:
        text = f"{now:%Y-%m}"
    match = _MONTH.fullmatch(text)
    if match is None or match[1] == "0000":
        raise ValueError(f"{text!r} is not a month such as 2026-12")
    year, month = int(match[1]), int(match[2])
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def month_coverage(config: SiteConfig, first: date, last: date) -> Coverage:
    """The plan of the days `first` to `last`."""
    zone = ZoneInfo(config.site.timezone)
    return covered(
        config, rounds(config, midnight_ms(zone, first - DAY), midnight_ms(zone, last + 2 * DAY)), first, last
    )


def print_coverage(config: SiteConfig, coverage: Coverage, first: date, out: Console, *, zh: bool) -> None:
    """One table of the month's rounds, then a line for each thing that is required."""
    name = config.site.name if zh else config.site.name_en or config.site.name
    parts = len(config.patrol.checkpoints), len(config.patrol.routes)
    plan = "{:%Y-%m} 巡更：{} 个巡更点，{} 条路线" if zh else "patrol in {:%Y-%m}: {} checkpoints, {} routes"
    out.print(f"\n{name} · {plan.format(first, *parts)}", markup=False)
    out.print(_table(config, coverage.routes, zh=zh))
    colon = "：" if zh else ": "
    keys = [area for area in config.areas if area.key]
    if keys:
        _say(out, True, f"重点部位 {len(keys)} 处都有巡更点" if zh else f"all {len(keys)} key areas have a checkpoint")
    for ring, found in coverage.rings.items():
        routes = ", ".join(_route_name(config, route, zh=zh) for route in found)
        missing = "没有已排的路线（PER-57）" if zh else "no route has rounds (PER-57)"
        _say(out, bool(routes), f"{_RINGS[ring] if zh else ring + ' ring'}{colon}{routes or missing}")
    for place, nights in coverage.dark.items():
        every = "每晚都有人到" if zh else "somebody goes there every night"
        lacking = f"{len(nights)} 个夜晚无人到（PER-18）：" if zh else f"nobody on {len(nights)} nights (PER-18): "
        words = _PLACES[place][0 if zh else 1]
        _say(
            out,
            not nights,
            f"{'夜间' if zh else 'night, '}{words}{colon}{lacking + _listed(map(_day, nights)) if nights else every}",
        )
    for schedule in config.patrol.schedules:
        bits = _bits(config, schedule)
        if bits is not None and bits < _ENOUGH_BITS:
            words = "排班 {}：随机开始时间只有 {:.0f} 种可能，容易猜到；请加大 max_gap 与 min_gap 之差"
            words_en = "schedule {}: its random starts can be guessed ({:.0f} ways): widen max_gap or lower min_gap"
            _say(out, False, (words if zh else words_en).format(schedule.id, 2**bits))
    if config.patrol.shifts:
        _say(out, not coverage.unmanned, _roster(config, coverage.unmanned, zh=zh))
    if coverage.bare:
        names = [area.name if zh else area.name_en or area.name for area in config.areas if area.id in coverage.bare]
        out.print(
            f"  · {'没有巡更点的区域' if zh else 'areas without a checkpoint'}{colon}{', '.join(names)}", markup=False
        )


def _bits(config: SiteConfig, schedule: Schedule) -> float | None:
    """How unpredictable a schedule's starts are; None when they are not drawn."""
    shift = config.patrol.shift(schedule.shift or "")
    if schedule.random is None or (schedule.window is None and shift is None):
        return None
    if schedule.window is not None:
        start, end = (
            timedelta(hours=int(at[:2]), minutes=int(at[3:])) for at in (schedule.window.start, schedule.window.end)
        )
        length = end - start if end > start else end - start + DAY
    else:
        length = shift.duration if shift else DAY
    return start_bits(schedule.random, Interval(0, to_milliseconds(length)))


def _table(config: SiteConfig, months: Iterable[RouteMonth], *, zh: bool) -> Table:
    headings = ("路线", "本月", "每天", "最早", "最晚") if zh else ("Route", "Month", "A day", "Earliest", "Latest")
    table = Table(*headings, box=None, header_style="dim", padding=(0, 2, 0, 0))
    for month in months:
        a_day = f"{month.fewest}" if month.fewest == month.most else f"{month.fewest}–{month.most}"
        # Drawn times are not for everybody who can read the files.
        edges = ("随机" if zh else "random", "") if month.drawn else (month.first or "-", month.last or "-")
        table.add_row(escape(_route_name(config, month.route, zh=zh)), str(month.rounds), a_day, *edges)
    return table


def _roster(config: SiteConfig, unmanned: tuple[Uncovered, ...], *, zh: bool) -> str:
    if not unmanned:
        return (
            "值班：24 小时有人（TIM-26、TIM-30）"
            if zh
            else "roster: somebody on duty around the clock (TIM-26, TIM-30)"
        )
    zone = ZoneInfo(config.site.timezone)
    times = (f"{shown(zone, gap.start_ms):%m-%d %H:%M}–{shown(zone, gap.end_ms):%H:%M}" for gap in unmanned)
    words = (
        f"值班：{len(unmanned)} 段无人（TIM-26、TIM-30）："
        if zh
        else f"roster: {len(unmanned)} gaps (TIM-26, TIM-30): "
    )
    return words + _listed(times)


def _route_name(config: SiteConfig, route: str, *, zh: bool) -> str:
    found = config.patrol.route(route)
    return route if found is None else found.name if zh else found.name_en or found.name


def _listed(words: Iterable[str]) -> str:
    every = list(words)
    return ", ".join(every[:_SHOWN]) + (" …" if len(every) > _SHOWN else "")


def _day(day: date) -> str:
    return f"{day:%m-%d}"


def _say(out: Console, good: bool, text: str) -> None:
    mark = "[green]✓[/]" if good else "[yellow]⚠[/]"
    out.print(f"  {mark} {escape(text)}", soft_wrap=True)
