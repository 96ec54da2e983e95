"""What `gengfu check` says about fire protection: points by building, and what is missing."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.drivers.text_proof import disproofs
from gateway.site.fire import DETECTORS, FirePoint, PointKind, Zone
from gateway.site.model import Configs, SiteConfig
from services.fire import upkeep

_CALLS: frozenset[PointKind] = frozenset({"manual_call_point", "hydrant_button"})
_WATER: frozenset[PointKind] = frozenset({"water_flow", "pressure_switch", "valve", "pump"})
_SHOWN = 6
"""Names given before the rest is only counted."""


def print_disproofs(configs: Configs, out: Console, *, zh: bool) -> int:
    """Name every printer format that its own samples disprove, and what differs; returns how many."""
    wrong = {one.id: found for one in configs.fire_formats.values() if (found := disproofs(one, zh=zh))}
    for name, lines in wrong.items():
        lead = f"打印格式 {name} 与自己的样例不符" if zh else f"the format {name} does not do what its samples say"
        out.print(f"  [red]✗[/] {escape(lead)}", soft_wrap=True)
        for line in lines:
            out.print(f"    {line}", markup=False, soft_wrap=True)
    return len(wrong)


def print_proven(configs: Configs, out: Console, *, zh: bool) -> None:
    """How many printer formats were proven by how many samples."""
    if not configs.fire_formats:
        return
    count, samples = len(configs.fire_formats), sum(len(one.samples) for one in configs.fire_formats.values())
    words = "{} 种打印格式，{} 条样例都符合" if zh else "{} printer formats, {} samples proven"
    out.print(f"[green]✓[/] {words.format(count, samples)}")


def print_fire(config: SiteConfig, out: Console, *, zh: bool) -> None:
    """One table of points by building, then a line for each thing the response or the documents need."""
    fire = config.fire
    name = config.site.name if zh else config.site.name_en or config.site.name
    parts = len(fire.sources), len(fire.panels), len(fire.zones), len(fire.points), len(fire.appliances)
    words = (
        "消防：{} 个信号来源，{} 台控制器，{} 个报警区域，{} 个点位，{} 件器材"
        if zh
        else "fire: sources {}, panels {}, zones {}, points {}, appliances {}"
    )
    out.print(f"\n{name} · {words.format(*parts)}", markup=False)
    out.print(_table(config, zh=zh))
    for zh_good, en_good, zh_bad, en_bad, missing in _gaps(config, zh=zh):
        good, bad, colon = (zh_good, zh_bad, "：") if zh else (en_good, en_bad, ": ")
        if missing:
            out.print(f"  [yellow]⚠[/] {escape(bad + colon + _listed(missing))}", soft_wrap=True)
        else:
            out.print(f"  [green]✓[/] {escape(good)}", soft_wrap=True)
    total = len(upkeep.devices_of(fire))
    tested = f"每月测试 {total} 件（PER-13），每季度演练一次（PER-14）"
    tested_en = f"{total} monthly tests (PER-13), one drill a quarter (PER-14)"
    out.print(f"  · {tested if zh else tested_en}", markup=False)
    bare = _bare_buildings(config, zh=zh)
    if bare:
        lead = "没有消防点位的楼栋：" if zh else "buildings without a fire point: "
        out.print(f"  · {lead}{_listed(bare)}", markup=False, soft_wrap=True)


def _gaps(config: SiteConfig, *, zh: bool) -> Iterable[tuple[str, str, str, str, list[str]]]:
    """What is asked for: said when it is there (zh, en), when it is not (zh, en), and what lacks it."""
    fire = config.fire
    kinds = {zone.id: {point.kind for point in fire.points_in(zone.id)} for zone in fire.zones}
    yield (
        "每个报警区域都有点位",
        "every zone has points",
        "没有点位的报警区域",
        "zones without points",
        _names((zone for zone in fire.zones if not kinds[zone.id]), zh=zh),
    )
    yield (
        "每个报警区域都有手动报警按钮",
        "every zone has a manual call point",
        "没有手动报警按钮的报警区域",
        "zones without a manual call point",
        _names((zone for zone in fire.zones if kinds[zone.id] and "manual_call_point" not in kinds[zone.id]), zh=zh),
    )
    yield (
        "每个报警区域都有巡更点，打点即到场",
        "every zone has a checkpoint: a tap is an arrival",
        "没有巡更点的报警区域（到场只能在手机上点）",
        "zones without a checkpoint (arrival only by the app)",
        _names((zone for zone in fire.zones if not _has_checkpoint(config, zone)), zh=zh),
    )
    panels = {point.panel for point in fire.points}
    yield (
        "每台控制器都有点位台账",
        "every panel has a ledger of points",
        "没有点位台账的控制器（信号只显示地址）",
        "panels without a ledger of points (signals show by address)",
        [panel.id for panel in fire.panels if panel.id not in panels],
    )
    bound = {panel.equipment for panel in fire.panels}
    yield (
        "台账里的控制器都已接入",
        "every panel of the ledger is connected",
        "台账里没有接入的控制器",
        "panels of the ledger that are not connected",
        [
            (one.name if zh else one.name_en or one.name)
            for one in config.equipment
            if one.kind == "fire_panel" and one.id not in bound
        ],
    )
    yield (
        f"应急分队 {len(fire.response.squad)} 人，增援 {len(fire.response.tiers)} 级（ROU-35）",
        f"a squad of {len(fire.response.squad)}, {len(fire.response.tiers)} steps of reinforcement (ROU-35)",
        "响应缺少",
        "the response lacks",
        [word for word, there in (("squad", fire.response.squad), ("tiers", fire.response.tiers)) if not there],
    )


def _has_checkpoint(config: SiteConfig, zone: Zone) -> bool:
    return bool(zone.checkpoints) or any(config.within(point.area, (zone.area,)) for point in config.patrol.checkpoints)


def _table(config: SiteConfig, *, zh: bool) -> Table:
    headings = ("楼栋", "区域", "点位", "探测器", "按钮", "水系统", "其它", "器材")
    headings_en = ("Building", "Zones", "Points", "Detectors", "Buttons", "Water", "Other", "Appliances")
    table = Table(*(headings if zh else headings_en), box=None, header_style="dim", padding=(0, 2, 0, 0))
    zones = Counter(_building(config, zone.area) for zone in config.fire.zones)
    appliances = Counter(_building(config, one.area) for one in config.fire.appliances)
    points: dict[str, list[FirePoint]] = {}
    for point in config.fire.points:
        points.setdefault(_building(config, config.fire.zone_by_id[point.zone].area), []).append(point)
    for area in config.areas:
        if area.id not in {*zones, *appliances, *points}:
            continue
        mine = Counter(_group(point) for point in points.get(area.id, ()))
        row = (zones[area.id], mine.total(), *(mine[group] for group in ("detector", "call", "water", "other")))
        name = area.name if zh else area.name_en or area.name
        table.add_row(escape(name), *(str(count) for count in row), str(appliances[area.id]))
    return table


def _group(point: FirePoint) -> str:
    for name, kinds in (("detector", DETECTORS), ("call", _CALLS), ("water", _WATER)):
        if point.kind in kinds:
            return name
    return "other"


def _bare_buildings(config: SiteConfig, *, zh: bool) -> list[str]:
    served = {_building(config, config.fire.zone_by_id[point.zone].area) for point in config.fire.points}
    buildings = {building.id: building for area in config.areas if (building := config.building_of(area.id))}
    return [one.name if zh else one.name_en or one.name for one in buildings.values() if one.id not in served]


def _building(config: SiteConfig, area: str) -> str:
    building = config.building_of(area)
    return area if building is None else building.id


def _names(zones: Iterable[Zone], *, zh: bool) -> list[str]:
    return [zone.name if zh else zone.name_en or zone.name for zone in zones]


def _listed(words: list[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f" … ({len(words)})" if len(words) > _SHOWN else "")
