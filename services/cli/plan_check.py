"""What `gengfu check` says about maintenance: plans for the declared equipment, and what they leave out."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.site.equipment_kinds import CLASSES, KINDS, EquipmentClass
from gateway.site.model import SiteConfig
from gateway.site.upkeep import LEVEL_NAMES, Plan
from services.maintenance.model import plans_for

NEEDED: tuple[EquipmentClass, ...] = ("water", "power", "fire_water", "fire_alarm", "elevator")
"""给排水、供配电、消防、电梯 (PER-59)."""
_SHOWN = 6
_WHY = {
    "disabled": ("站点停用", "switched off by the site"),
    "no_contract": ("6 级，没有写合同", "level 6 without a contract"),
    "not_reviewed": ("合同没有法务审核（APR-03）", "its contract has no legal review (APR-03)"),
}


def print_plans(config: SiteConfig, out: Console, *, zh: bool) -> None:
    """One table of the levels, then a line for each thing that is missing."""
    upkeep = config.upkeep
    entries = [(one.eid, one.kind, one.name if zh else one.name_en or one.name) for one in config.ledger.values()]
    found = {eid: plans_for(upkeep, kind, eid) for eid, kind, _ in entries}
    name = config.site.name if zh else config.site.name_en or config.site.name
    words = "保养：{} 个计划，{} 条台账" if zh else "maintenance: {} plans, {} entries in the ledger"
    out.print(f"\n{name} · {words.format(len(upkeep.plans), len(entries))}", markup=False)
    out.print(_table([plan for those in found.values() for plan in those], zh=zh))
    bare = [what for eid, _, what in entries if not found[eid]]
    if bare:
        _say(
            out, f"{len(bare)} 台设备没有保养计划（PER-09）：" if zh else f"{len(bare)} without a plan (PER-09): ", bare
        )
    for one in NEEDED:
        title = CLASSES[one].name if zh else CLASSES[one].name_en
        mine = [eid for eid, kind, _ in entries if kind in KINDS and KINDS[kind].of == one]
        if not mine:
            _say(out, f"台账里没有{title}（PER-59）" if zh else f"the ledger has no {title} (PER-59)")
        elif not any(found[eid] for eid in mine):
            _say(out, f"{title}没有保养计划（PER-59）" if zh else f"no plan for {title} (PER-59)")
    for idle in upkeep.inactive:
        title, why = idle.plan.name if zh else idle.plan.name_en or idle.plan.name, _WHY[idle.why][0 if zh else 1]
        # A shipped plan for what the site does not have is no news.
        if idle.why == "disabled" or any(_is_for(idle.plan, eid, kind) for eid, kind, _ in entries):
            mark = "[yellow]⚠[/]" if idle.why == "no_contract" else "·"  # the others were decided, or wait for somebody
            _say(out, f"计划未生效：{title}（{why}）" if zh else f"not active: {title} ({why})", mark=mark)
    known = {eid for eid, _, _ in entries}
    for plan in upkeep.plans:
        strange = [eid for eid in (*plan.equipment, *plan.without) if eid not in known]
        if strange:
            words = f"计划 {plan.id} 写的设备不在站点文件里，须是手工登记的：" if zh else (
                f"plan {plan.id} names equipment that only an entry by hand can be: "
            )  # fmt: skip
            _say(out, words, strange)


def _is_for(plan: Plan, eid: str, kind: str) -> bool:
    return (kind in plan.kinds or eid in plan.equipment) and eid not in plan.without


def _table(plans: list[Plan], *, zh: bool) -> Table:
    headings = ("级别", "计划", "设备×计划") if zh else ("Level", "Plans", "Equipment × plans")
    table = Table(*headings, box=None, header_style="dim", padding=(0, 2, 0, 0))
    for level, names in LEVEL_NAMES.items():
        those = [plan.id for plan in plans if plan.level == level]
        if those:
            table.add_row(f"{level} {names[0 if zh else 1]}", str(len(set(those))), str(len(those)))
    return table


def _say(out: Console, text: str, names: list[str] | None = None, mark: str = "[yellow]⚠[/]") -> None:
    listed = ", ".join((names or [])[:_SHOWN]) + (" …" if len(names or []) > _SHOWN else "")
    out.print(f"  {mark} {escape(text + listed)}", soft_wrap=True)
