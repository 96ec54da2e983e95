"""What maintenance has to do, as people look at it: by plan and due day, never one line for each of 600 devices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from gateway.site.upkeep import LEVEL_NAMES, Checklist, Contract, Plan
from services.equipment.tables import Equipment
from services.kernel.audit import Audit
from services.kernel.errors import NotFound
from services.maintenance import service
from services.maintenance.model import TaskState, period_of, state_of
from services.maintenance.reading import Job, open_jobs, overdue_of, who
from services.maintenance.tables import Inspection, MaintenanceTask
from services.web.queries.places import Places

Show = Literal["open", "overdue", "today", "week", "missed"]
SHOWN = 60
"""Pieces of equipment listed under one line; the rest is counted."""
BEFORE = 8
"""Earlier occurrences on a task's page."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks of one plan that are due on one day."""

    plan: str
    name: str
    level: int
    due_on: date
    state: TaskState
    jobs: tuple[Job, ...]
    people: tuple[str, ...]
    """Names of those who do it; "" stands for nobody."""
    where: tuple[str, ...]

    @property
    def listed(self) -> tuple[Job, ...]:
        """Those shown one by one."""
        return self.jobs[:SHOWN]


@dataclass(frozen=True, slots=True)
class Board:
    """The tasks page."""

    groups: tuple[Group, ...]
    overdue: int
    today: int
    week: int
    """Due until the ISO week ends, today included."""
    open: int
    missed: int
    """Not done, and a later one of the same plan has been done."""
    done_month: int
    late_month: int
    """Of those done this month, after their time."""
    levels: tuple[tuple[int, int], ...]
    """Level → open tasks."""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Everything about one task."""

    task: MaintenanceTask
    row: Equipment
    state: TaskState
    plan: Plan | None
    contract: Contract | None
    name: str
    who: str
    place: str
    checklist: Checklist | None
    before: tuple[tuple[MaintenanceTask, TaskState], ...]
    inspection: Inspection | None
    cancelled_by: str


def maintenance_site(configs: Configs, site: str) -> SiteConfig:
    """The site with this id, or the first; raises NotFound."""
    found = configs.sites.get(site) if site else next(iter(configs.sites.values()), None)
    if found is None:
        raise NotFound(f"There is no site {site!r}", site=site)
    return found


def zone_of(config: SiteConfig) -> ZoneInfo:
    """The site's time zone."""
    return ZoneInfo(config.site.timezone)


def level_name(level: int, english: bool) -> str:
    """What a level is called."""
    return LEVEL_NAMES[level][english]


def plan_of(config: SiteConfig, plan: str) -> Plan | None:
    """A plan, active or not."""
    inactive = (one.plan for one in config.upkeep.inactive)
    return config.upkeep.plan_by_id.get(plan) or next((one for one in inactive if one.id == plan), None)


def plan_name(config: SiteConfig, plan: str, places: Places) -> str:
    """A plan's name; its id when the files do not have it any more."""
    found = plan_of(config, plan)
    return places.name(found) if found is not None else plan


def place_of(config: SiteConfig, row: Equipment, places: Places) -> str:
    """Where a piece of equipment is, in words."""
    area = places.area_path(config.site.id, row.area) if row.area else ""
    return " · ".join(one for one in (area, row.place) if one)


def board(
    s: Session,
    config: SiteConfig,
    places: Places,
    now: datetime,
    *,
    show: Show = "open",
    level: int = 0,
    area: str = "",
    username: str = "",
    plan: str = "",
) -> Board:
    """The tasks that are open, counted and grouped; `username`: only what this person does."""
    zone = zone_of(config)
    today = now.astimezone(zone).date()
    sunday = today + (6 - today.weekday()) * _DAY
    jobs = [
        one
        for one in open_jobs(s, config, now)
        if (not username or one.who == username)
        and (not plan or one.task.plan == plan)
        and (not area or (one.row.area in config.area_by_id and config.within(one.row.area, (area,))))
    ]
    missed = [one for one in jobs if one.missed]
    jobs = [one for one in jobs if not one.missed]
    overdue = overdue_of(jobs, now)
    due_today = [one for one in jobs if one.task.due_at > now and one.task.due_on <= today]
    week = [one for one in jobs if one.task.due_at > now and one.task.due_on <= sunday]
    wanted = {"open": jobs, "overdue": overdue, "today": due_today, "week": week, "missed": missed}[show]
    levels = {number: sum(one.task.level == number for one in wanted) for number in LEVEL_NAMES}
    if level:
        wanted = [one for one in wanted if one.task.level == level]
    done, late = _done_this_month(s, config, now)
    return Board(
        groups=tuple(_groups(config, places, wanted, now)),
        overdue=len(overdue),
        today=len(due_today),
        week=len(week),
        open=len(jobs),
        missed=len(missed),
        done_month=done,
        late_month=late,
        levels=tuple(levels.items()),
    )


def _done_this_month(s: Session, config: SiteConfig, now: datetime) -> tuple[int, int]:
    zone = zone_of(config)
    first = period_of("month", now.astimezone(zone).date())
    query = (
        select(MaintenanceTask.on_time, func.count())
        .where(
            MaintenanceTask.site == config.site.id,
            MaintenanceTask.state == "done",
            MaintenanceTask.done_at >= datetime(first.year, first.month, 1, tzinfo=zone),
        )
        .group_by(MaintenanceTask.on_time)
    )
    counts = {on_time: int(count) for on_time, count in s.execute(query)}
    return sum(counts.values()), counts.get(False, 0)


def _groups(config: SiteConfig, places: Places, jobs: Iterable[Job], now: datetime) -> Iterable[Group]:
    found: dict[tuple[str, date, bool], list[Job]] = {}
    for job in jobs:
        found.setdefault((job.task.plan, job.task.due_on, job.task.due_at <= now), []).append(job)
    for (plan, due_on, late), those in found.items():
        yield Group(
            plan=plan,
            name=plan_name(config, plan, places),
            level=those[0].task.level,
            due_on=due_on,
            state="overdue" if late else "open",
            jobs=tuple(those),
            people=_names(places.person(one.who) for one in those),
            where=_names(_outer(config, one.row, places) for one in those),
        )


def _outer(config: SiteConfig, row: Equipment, places: Places) -> str:
    if row.area not in config.area_by_id:
        return row.place
    return places.name(config.area(row.area))


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def task_page(s: Session, configs: Configs, places: Places, task_id: str, now: datetime) -> TaskPage:
    """One task; raises NotFound."""
    task = service.get(s, task_id)
    config = maintenance_site(configs, task.site)
    row = s.get_one(Equipment, task.equipment_id)
    found = plan_of(config, task.plan)
    earlier = (
        select(MaintenanceTask)
        .where(
            MaintenanceTask.equipment_id == row.id,
            MaintenanceTask.plan == task.plan,
            MaintenanceTask.id != task.id,
            MaintenanceTask.due_at <= task.due_at,
        )
        .order_by(MaintenanceTask.due_at.desc())
        .limit(BEFORE)
    )
    audited = select(Audit.actor).where(Audit.ref == task.id, Audit.action == "maintenance.cancelled")
    return TaskPage(
        task=task,
        row=row,
        state=shown_state(task, now),
        plan=found,
        contract=config.upkeep.contract_by_id.get(task.contract),
        name=plan_name(config, task.plan, places),
        who=places.person(who(config, task.owner_role, row)),
        place=place_of(config, row, places),
        checklist=config.upkeep.checklist_by_id.get(task.checklist),
        before=tuple((one, shown_state(one, now)) for one in s.scalars(earlier)),
        inspection=s.get(Inspection, task.inspection_id) if task.inspection_id else None,
        cancelled_by=places.person(s.scalar(audited.order_by(Audit.id.desc()).limit(1))),
    )


def shown_state(task: MaintenanceTask, now: datetime) -> TaskState:
    """What people see of a task."""
    return state_of(task.state, task.opens_at, task.due_at, task.on_time, now)


def mine(jobs: Sequence[Job], username: str, role: str) -> list[Job]:
    """What somebody answers for: a manager and a program for all, a supervisor for those below, the others do it."""
    if role in ("manager", "admin", "program", "duty"):
        return list(jobs)
    return [one for one in jobs if username in (one.who, one.supervisor)]
