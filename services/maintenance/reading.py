"""What the tasks of a site come to: whose they are, how many of each level are overdue, what comes into sight.

Of a plan and piece of equipment one task at most is overdue: the newest. Nobody can do last month's daily check today;
those before it are missed. They stay undone in every figure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from gateway.site.model import SiteConfig
from services.equipment.model import People, people_of
from services.equipment.tables import Equipment
from services.maintenance.model import SOON, Frame
from services.maintenance.tables import MaintenanceTask

LATE = timedelta(hours=24)
"""Overdue for longer than this is the manager's business (ROU-27)."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Job:
    """An open task with its equipment and the three people it concerns; empty: nobody has that role."""

    task: MaintenanceTask
    row: Equipment
    who: str
    supervisor: str
    manager: str
    missed: bool = False
    """Overdue, and a later one of the same plan is done or overdue: it stays on record, nobody is asked for it."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What one person is told on one day."""

    username: str
    soon: tuple[Job, ...]
    """Theirs, due within SOON, not overdue; the earliest first."""
    overdue: tuple[Job, ...]
    """Theirs, or below them, overdue; the longest first."""


def who(config: SiteConfig, owner_role: str, row: Equipment) -> str:
    """Username of whoever does the tasks of this role at an entry (PER-02); empty: nobody."""
    return _of(people_of(config, row), owner_role)


def _of(people: People, owner_role: str) -> str:
    if owner_role == "manager":
        return people.manager
    return people.supervisor if owner_role == "supervisor" else people.responsible


def open_jobs(session: Session, config: SiteConfig, now: datetime, *, missed: bool = True) -> list[Job]:
    """Every opened task that is not done, the earliest due first; `missed`: with those that were."""
    query = (
        select(MaintenanceTask, Equipment)
        .join(Equipment, Equipment.id == MaintenanceTask.equipment_id)
        .where(MaintenanceTask.site == config.site.id, MaintenanceTask.state == "open", MaintenanceTask.opens_at <= now)
        .order_by(MaintenanceTask.due_at, MaintenanceTask.level, MaintenanceTask.id)
    )
    if not missed:
        query = query.where(or_(MaintenanceTask.due_at > now, ~has_later(now)))
    known: dict[str, People] = {}
    jobs: list[Job] = []
    newest: dict[tuple[str, str], int] = {}
    made_up: dict[tuple[str, str], datetime] | None = None
    for task, row in session.execute(query):
        people = known.get(row.id)
        if people is None:
            people = known[row.id] = people_of(config, row)
        is_missed = False
        if task.due_at <= now:
            if made_up is None:  # the earliest comes first
                made_up = _done_since(session, config, task.due_at)
            later = made_up.get((task.plan, row.id))
            is_missed = later is not None and later > task.due_at
            before = newest.get((task.plan, row.id))
            if before is not None and jobs[before].task.due_at < task.due_at:
                jobs[before] = replace(jobs[before], missed=True)
            newest[task.plan, row.id] = len(jobs)
        jobs.append(Job(task, row, _of(people, task.owner_role), people.supervisor, people.manager, is_missed))
    return jobs


def has_later(now: datetime) -> ColumnElement[bool]:
    """Whether a later task of the same plan and equipment is done or overdue."""
    later = aliased(MaintenanceTask)
    return exists().where(
        later.equipment_id == MaintenanceTask.equipment_id,
        later.plan == MaintenanceTask.plan,
        later.due_at > MaintenanceTask.due_at,
        or_(later.state == "done", and_(later.state == "open", later.due_at <= now)),
    )


def _done_since(session: Session, config: SiteConfig, due_at: datetime) -> dict[tuple[str, str], datetime]:
    """(plan, equipment) → the last due moment of those that were done."""
    query = (
        select(MaintenanceTask.plan, MaintenanceTask.equipment_id, func.max(MaintenanceTask.due_at))
        .where(MaintenanceTask.site == config.site.id, MaintenanceTask.state == "done", MaintenanceTask.due_at > due_at)
        .group_by(MaintenanceTask.plan, MaintenanceTask.equipment_id)
    )
    return {(plan, equipment): last for plan, equipment, last in session.execute(query)}


def overdue_of(jobs: Iterable[Job], now: datetime) -> list[Job]:
    """Those that are asked for: their due moment is over, and no later one of their plan is done or overdue."""
    return [one for one in jobs if one.task.due_at <= now and not one.missed]


def digests(jobs: Sequence[Job], frame: Frame, told_on: date, now: datetime) -> list[Digest]:
    """One for every person for whom something came into sight or became overdue after the day of the last digest.

    Daily checks are in nobody's digest before they are overdue: their owner knows them.
    """
    today = frame.day_of(now)
    news: set[str] = set()
    soon: dict[str, list[Job]] = {}
    overdue: dict[str, list[Job]] = {}
    for job in jobs:
        task = job.task
        if job.missed:
            continue
        if task.due_at <= now:
            late_on = frame.day_of(task.due_at)
            fresh = told_on < late_on <= today
            concerned = {job.who, job.supervisor}
            if now - task.due_at > LATE:
                concerned.add(job.manager)
                fresh = fresh or told_on < frame.day_of(task.due_at + LATE) <= today
            for person in concerned - {""}:
                overdue.setdefault(person, []).append(job)
                news |= {person} if fresh else set()
        elif task.level > 1 and job.who and task.due_on <= today + SOON:
            soon.setdefault(job.who, []).append(job)
            seen_on = max(frame.day_of(task.opens_at), task.due_on - SOON)
            news |= {job.who} if told_on < seen_on <= today else set()
    return [Digest(one, tuple(soon.get(one, ())), tuple(overdue.get(one, ()))) for one in sorted(news)]
