"""`gengfu check`: every problem of the site files at once, and what they amount to when there is none."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.site.load import load_configs
from gateway.site.model import Configs
from gateway.site.problems import SiteInvalid, format_problems
from services.cli.fire_check import print_disproofs, print_fire, print_proven
from services.cli.patrol_check import month_coverage, month_days, print_coverage
from services.cli.plan_check import print_plans
from services.cli.pump_check import print_pumps
from services.cli.sensor_check import print_profiles_proven, print_sample_disproofs, print_samples, print_sensors
from services.cli.wiring import configs_path
from services.kernel.clock import SystemClock
from services.kernel.settings import Settings

out = Console(highlight=False)
Language = Annotated[Literal["zh", "en"], typer.Option("--lang", envvar="GENGFU_LANG", help="zh or en.")]


def check(
    path: Annotated[
        Path | None,
        typer.Argument(help="Directory with limits/, policies/ and sites/. Default: that of the settings."),
    ] = None,
    lang: Language = "zh",
    month: Annotated[
        str | None, typer.Option(help="Show this month's rounds, e.g. 2026-12. Default: the current month.")
    ] = None,
    samples: Annotated[
        bool, typer.Option("--samples", help="Show what every sample of every device profile becomes.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for gaps in the patrol plan too.")] = False,
) -> None:
    """Validate the site files: each problem with file, place and what to write instead. Exit code 1 if there is any.

    Then show the month's rounds and what they leave out (rings, nights, hours without anybody on duty), and the fire
    protection: points by building and what is missing; the ready-made devices; and the plans of maintenance with what
    they leave out. Printer formats and device profiles are proven with their own samples; one that fails is an error.
    """
    try:
        first, last = month_days(month, SystemClock().now())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--month") from error
    path = path or configs_path(Settings())
    try:
        configs = load_configs(path).without_demo()
    except SiteInvalid as error:
        out.print(format_problems(error.problems, lang), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    zh = lang == "zh"
    if print_disproofs(configs, out, zh=zh) + print_sample_disproofs(configs, out, zh=zh):
        raise typer.Exit(1)
    out.print(f"[green]✓[/] {escape(str(path))}" + ("：没有问题" if zh else ": no problems"), soft_wrap=True)
    print_proven(configs, out, zh=zh)
    print_profiles_proven(configs, out, zh=zh)
    out.print(_table(configs, zh=zh))
    gaps = 0
    for config in configs.sites.values():
        if config.patrol.checkpoints:
            coverage = month_coverage(config, first, last)
            print_coverage(config, coverage, first, out, zh=zh)
            gaps += coverage.gaps
    for config in configs.sites.values():
        if config.fire.sources:
            print_fire(config, out, zh=zh)
    for config in configs.sites.values():
        if config.stations or config.cctv.view_points:
            print_pumps(config, out, zh=zh)
    for config in configs.sites.values():
        if config.sensors.sensors:
            print_sensors(config, out, zh=zh)
    for config in configs.sites.values():
        if config.upkeep.plans or config.upkeep.inactive:
            print_plans(config, out, zh=zh)
    if samples:
        print_samples(configs, out, zh=zh)
    if strict and gaps:
        raise typer.Exit(1)


def _table(configs: Configs, *, zh: bool) -> Table:
    headings = ("站点", "区域", "设备台账", "采集设备", "测点", "限值", "人员")
    headings_en = ("Site", "Areas", "Equipment", "Devices", "Points", "Limits", "People")
    table = Table(*(headings if zh else headings_en), box=None, header_style="dim", padding=(0, 2, 0, 0))
    for config in configs.sites.values():
        parts = (config.areas, config.equipment, config.devices, config.points, config.limits, config.people)
        name = config.site.name if zh else config.site.name_en or config.site.name
        table.add_row(f"{name} ({config.site.id})", *(str(len(part)) for part in parts))
    return table
