"""`gengfu limits`: every limit with its source and where it applies."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.site.limit import Limit
from gateway.site.model import Configs
from services.cli.site import Language
from services.cli.wiring import configs_of
from services.flows.breach import limit_text
from services.kernel.settings import Settings

out = Console(highlight=False)
_SEVERITY: Mapping[str, str] = {"low": "低", "medium": "中", "high": "高", "critical": "紧急"}


def show(
    site: Annotated[str, typer.Option(help="Only this site.")] = "",
    requirement: Annotated[str, typer.Option("--id", help="Only this requirement, e.g. NUM-01.")] = "",
    lang: Language = "zh",
) -> None:
    """List every limit by requirement: source document and section, then each point with value, hold and return."""
    configs = configs_of(Settings())
    if site:
        configs.site(site)
    zh = lang == "zh"
    groups: dict[str, list[Limit]] = {}
    for config in configs.sites.values():
        for limit in config.limits:
            if (not site or limit.site == site) and (not requirement or limit.id == requirement):
                groups.setdefault(limit.rule, []).append(limit)
    if not groups:
        out.print(("没有符合条件的限值" if zh else "No limit matches") + f": {requirement or site}")
        raise typer.Exit(1)
    for rule, limits in sorted(groups.items(), key=lambda group: (group[0].startswith("DATA"), group[0])):
        _show_group(configs, rule, limits, zh=zh)
    unused = sorted(
        {spec.id for spec in configs.limits}
        - {limit.id for config in configs.sites.values() for limit in config.limits}
    )
    if unused and not requirement:
        out.print(("目录中尚无测点的限值：" if zh else "In the catalogue without a point: ") + ", ".join(unused))


def _show_group(configs: Configs, rule: str, limits: list[Limit], *, zh: bool) -> None:
    first = limits[0]
    severity = _SEVERITY[first.severity] if zh else first.severity
    out.print(f"[bold]{rule}[/]  {first.title if zh else first.title_en or first.title}  [dim]({severity})[/]")
    out.print(f"  [dim]{first.source}[/]", soft_wrap=True)
    table = Table(box=None, show_header=False, padding=(0, 3, 0, 0), pad_edge=False)
    for limit in limits:
        point = configs.point(limit.point)
        delays = ""
        if limit.on_delay_ms or limit.off_delay_ms:
            hold, back = limit.on_delay_ms / 1000, limit.off_delay_ms / 1000
            delays = f"持续 {hold:g} s，恢复 {back:g} s" if zh else f"hold {hold:g} s, return {back:g} s"
        loosened = f"⚠ {limit.loosened_reason}" if limit.loosened_reason else ""
        table.add_row(
            "  " + (point.name if zh else point.name_en or point.name), limit_text(limit, point), delays, loosened
        )
    out.print(table)
    out.print()
