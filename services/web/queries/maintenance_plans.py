"""Plans as people look at them: where each comes from, what the site changed, for how many, and what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import CLASSES, KINDS
from gateway.site.model import SiteConfig
from gateway.site.upkeep import LEVEL_NAMES, Checklist, Contract, InactivePlan, Plan, PlanNote
from services.equipment.model import class_of
from services.equipment.service import of_site
from services.equipment.tables import Equipment
from services.maintenance.model import plans_for
from services.maintenance.tables import MaintenanceTask
from services.web.queries.maintenance import level_name, zone_of

NEEDED_CLASSES = ("water", "power", "fire_water", "fire_alarm", "elevator")
"""Classes every project has: 给排水、供配电、消防、电梯 (PER-59)."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One plan."""

    plan: Plan
    checklist: Checklist | None
    count: int
    """Pieces of equipment it is for now."""
    kinds: tuple[str, ...]
    note: PlanNote | None
    own: bool
    """The site added it."""
    inactive: InactivePlan | None = None


@dataclass(frozen=True, slots=True)
class PlanLevel:
    """The plans of one level."""

    level: int
    name: str
    lines: tuple[PlanLine, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A class that every project has, without equipment or without a plan (PER-59)."""

    name: str
    without_equipment: bool


@dataclass(frozen=True, slots=True)
class PlansPage:
    """The plans page."""

    levels: tuple[PlanLevel, ...]
    inactive: tuple[PlanLine, ...]
    unplanned: tuple[Equipment, ...]
    """Live equipment that no plan is for (PER-09)."""
    live: int
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class ContractCard:
    """One contract with its plans."""

    contract: Contract
    plans: tuple[Plan, ...]
    active: bool
    """The legal department has seen it, and it holds today."""
    over: bool
    days_left: int
    tasks: Mapping[str, int]
    """done, late, overdue, open."""


def plans_page(s: Session, config: SiteConfig, *, english: bool, idle: bool = False) -> PlansPage:
    """Active plans that are for something here (`idle`: the others too), and what no plan is for."""
    live = of_site(s, config.site.id, live=True)
    upkeep = config.upkeep
    counts: dict[str, int] = {}
    unplanned = []
    for row in live:
        found = plans_for(upkeep, row.kind, row.eid)
        if not found:
            unplanned.append(row)
        for plan in found:
            counts[plan.id] = counts.get(plan.id, 0) + 1
    notes = {one.plan: one for one in upkeep.changes}

    def line(plan: Plan, inactive: InactivePlan | None = None) -> PlanLine:
        return PlanLine(
            plan=plan,
            checklist=upkeep.checklist_by_id.get(plan.checklist),
            count=counts.get(plan.id, 0),
            kinds=tuple(KINDS[kind].name_en if english else KINDS[kind].name for kind in plan.kinds),
            note=notes.get(plan.id),
            own=plan.id in upkeep.own,
            inactive=inactive,
        )

    levels = []
    for level in LEVEL_NAMES:
        lines = tuple(line(one) for one in upkeep.plans if one.level == level and (idle or counts.get(one.id)))
        if lines:
            levels.append(PlanLevel(level, level_name(level, english), lines))
    return PlansPage(
        levels=tuple(levels),
        inactive=tuple(line(one.plan, one) for one in upkeep.inactive),
        unplanned=tuple(unplanned),
        live=len(live),
        gaps=tuple(_gaps(config, live, english)),
    )


def _gaps(config: SiteConfig, live: list[Equipment], english: bool) -> list[Gap]:
    gaps = []
    for one in NEEDED_CLASSES:
        name = CLASSES[one].name_en if english else CLASSES[one].name  # type: ignore[index]
        rows = [row for row in live if class_of(row.kind) == one]
        if not rows:
            gaps.append(Gap(name, without_equipment=True))
        elif not any(plans_for(config.upkeep, row.kind, row.eid) for row in rows):
            gaps.append(Gap(name, without_equipment=False))
    return gaps


def contract_cards(s: Session, config: SiteConfig, now: datetime) -> list[ContractCard]:
    """Every contract, those that hold first."""
    today: date = now.astimezone(zone_of(config)).date()
    query = (
        select(
            MaintenanceTask.contract, MaintenanceTask.state, MaintenanceTask.on_time, MaintenanceTask.due_at <= now,
            func.count(),
        )
        .where(MaintenanceTask.site == config.site.id, MaintenanceTask.contract != "")
        .group_by(
            MaintenanceTask.contract, MaintenanceTask.state, MaintenanceTask.on_time, MaintenanceTask.due_at <= now
        )
    )  # fmt: skip
    tasks: dict[str, dict[str, int]] = {}
    for contract, state, on_time, due, count in s.execute(query):
        if state != "cancelled":
            what = ("done" if on_time else "late") if state == "done" else "overdue" if due else "open"
            mine = tasks.setdefault(contract, dict.fromkeys(("done", "late", "overdue", "open"), 0))
            mine[what] += count
    plans = (*config.upkeep.plans, *(one.plan for one in config.upkeep.inactive))
    cards = [
        ContractCard(
            contract=one,
            plans=tuple(plan for plan in plans if plan.contract == one.id),
            active=bool(one.legal_review) and one.starts_on <= today <= one.ends_on,
            over=today > one.ends_on,
            days_left=(one.ends_on - today).days,
            tasks=tasks.get(one.id, {}),
        )
        for one in config.upkeep.contracts
    ]
    return sorted(cards, key=lambda card: (not card.active, card.over, card.contract.ends_on))
