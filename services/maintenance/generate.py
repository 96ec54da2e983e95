"""Makes the occurrences of a site's plans up to today, by watermark (decision 0031).

Called as often as one likes, after an outage of any length: for every plan and piece of equipment the mark says how far
it came. A plan begins on the day it is first seen; nothing is made up for the time before. Nothing ends by itself but
with the plan or the equipment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.site.upkeep import Plan
from services.equipment.tables import Equipment, MeterReading
from services.kernel.ids import new_id
from services.maintenance.model import (
    BY_ITSELF,
    PLAN_CHANGED,
    PLAN_ENDED,
    RETIRED,
    Frame,
    Occurrence,
    Reading,
    meter_occurrences,
    occurrence_of,
    occurrences,
    plans_for,
    rhythm,
    span_of,
)
from services.maintenance.service import frame_of
from services.maintenance.tables import MaintenanceTask, PlanMark

BATCH = 5000
"""Occurrences made in one call at most (one more plan's worth); whoever gets so many calls again."""
_CHUNK = 1000
"""Rows in one statement."""
_STRETCH = timedelta(days=400)
"""A mark goes on by so much at most before the count is looked at."""
_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Run:
    """What one call works with and has found out."""

    session: Session
    config: SiteConfig
    frame: Frame
    now: datetime
    today: date
    new: list[dict[str, Any]] = field(default_factory=list)

    def add(self, plan: Plan, row: Equipment, found: Iterable[Occurrence]) -> None:
        """Note occurrences to be written."""
        for one in found:
            self.new.append(
                {
                    "id": new_id(),
                    "site": self.config.site.id,
                    "plan": plan.id,
                    "equipment_id": row.id,
                    "occurrence": one.key,
                    "opens_at": one.opens_at,
                    "due_at": one.due_at,
                    "due_on": one.due_on,
                    "state": "open",
                    "created_at": self.now,
                    **_facts(plan),
                }
            )


def generate(session: Session, config: SiteConfig, now: datetime) -> int:
    """Make what has opened and is not there yet, at most about BATCH; follow changed plans and retired equipment.

    Returns how many it made.
    """
    frame = frame_of(config)
    run = _Run(session, config, frame, now, frame.day_of(now))
    rows = list(session.scalars(select(Equipment).where(Equipment.site == config.site.id).order_by(Equipment.id)))
    live = [row for row in rows if row.declared and row.status != "scrapped"]
    marks = {
        (mark.plan, mark.equipment_id): mark
        for mark in session.scalars(select(PlanMark).where(PlanMark.site == config.site.id))
    }
    wanted = {(plan.id, row.id): (plan, row) for row in live for plan in plans_for(config.upkeep, row.kind, row.eid)}
    _end(run, marks, wanted, {row.id for row in live})
    for key, (plan, row) in wanted.items():
        mark = marks.get(key)
        if mark is None:
            mark = _first_mark(run, plan, row)
            session.add(mark)
            marks[key] = mark
        _go_on(run, plan, mark)
    _follow(run, marks, wanted)
    for (plan, row), mark in ((wanted[key], marks[key]) for key in wanted):
        if len(run.new) >= BATCH:
            break
        _make(run, plan, row, mark)
    session.flush()
    _write(session, run.new)
    return len(run.new)


def _first_mark(run: _Run, plan: Plan, row: Equipment) -> PlanMark:
    since = _begins_on(run, row)
    return PlanMark(
        site=run.config.site.id, plan=plan.id, equipment_id=row.id, since_on=since, until_on=since, rhythm=rhythm(plan)
    )


def _begins_on(run: _Run, row: Equipment) -> date:
    """Today, or the day the equipment comes into use."""
    return max(run.today, row.in_use_on) if row.in_use_on is not None else run.today


def _go_on(run: _Run, plan: Plan, mark: PlanMark) -> None:
    """A plan that holds again, or recurs otherwise, begins anew today; one seen to end only today just goes on."""
    if mark.ended_on is not None:
        if mark.ended_on < run.today:
            _begin_anew(run, mark)
        mark.ended_on = None
    if mark.rhythm != rhythm(plan):
        _begin_anew(run, mark)
        mark.rhythm, mark.meter_threshold, mark.metered_at = rhythm(plan), None, run.now


def _begin_anew(run: _Run, mark: PlanMark) -> None:
    # Another rhythm names its occurrences otherwise: one of today is not taken for one of before.
    mark.since_on = mark.until_on = max(mark.since_on, run.today)


def _end(run: _Run, marks: dict[tuple[str, str], PlanMark], wanted: dict[tuple[str, str], Any], live: set[str]) -> None:
    """Plans that no longer hold: what is still to come of them goes; with equipment that is gone, all of it."""
    plans: dict[str, list[str]] = {}
    retired: list[str] = []
    for key, mark in marks.items():
        if key in wanted or mark.ended_on is not None:
            continue
        mark.ended_on = run.today
        if mark.equipment_id in live:
            plans.setdefault(mark.plan, []).append(mark.equipment_id)
        else:
            retired.append(mark.equipment_id)
    _cancel(run, MaintenanceTask.site == run.config.site.id, sorted(set(retired)), RETIRED)
    for plan, ids in sorted(plans.items()):
        _cancel(run, and_(MaintenanceTask.plan == plan, MaintenanceTask.due_at > run.now), ids, PLAN_ENDED)


def _cancel(run: _Run, which: ColumnElement[bool], equipment_ids: Sequence[str], why: str) -> None:
    for some in _chunks(equipment_ids):
        run.session.execute(
            update(MaintenanceTask)
            .where(which, MaintenanceTask.equipment_id.in_(some), MaintenanceTask.state == "open")
            .values(state="cancelled", cancelled_at=run.now, cancelled_why=why)
            .execution_options(synchronize_session="fetch")
        )


def _follow(
    run: _Run, marks: dict[tuple[str, str], PlanMark], wanted: dict[tuple[str, str], tuple[Plan, Equipment]]
) -> None:
    """What is not due yet follows its plan as it stands now; what is done or overdue stays as it is."""
    query = select(MaintenanceTask).where(
        MaintenanceTask.site == run.config.site.id,
        MaintenanceTask.due_at > run.now,
        or_(
            MaintenanceTask.state == "open",
            and_(MaintenanceTask.state == "cancelled", MaintenanceTask.cancelled_why.in_(BY_ITSELF)),
        ),
    )
    for task in run.session.scalars(query):
        found = wanted.get((task.plan, task.equipment_id))
        if found is None or task.occurrence.startswith(("h:", "m:")):
            continue
        plan, _ = found
        since_on = marks[task.plan, task.equipment_id].since_on
        if plan.every is not None:  # a period that was asked for stays so, even if the plan began anew within it
            since_on = min(since_on, run.frame.day_of(task.opens_at))
        now_is = occurrence_of(plan, span_of(plan, since_on), task.occurrence, run.frame)
        if now_is is None:
            if task.state == "open":
                task.state, task.cancelled_at, task.cancelled_why = "cancelled", run.now, PLAN_CHANGED
            continue
        _bring_up(task, plan, now_is, run.now)


def _bring_up(task: MaintenanceTask, plan: Plan, found: Occurrence, now: datetime) -> None:
    if task.state == "cancelled":
        task.state, task.cancelled_at, task.cancelled_why = "open", None, ""
    for name, value in _facts(plan).items():
        if getattr(task, name) != value:
            setattr(task, name, value)
    # Nobody can be late for a day that was moved into the past.
    if found.due_at > now and (task.due_at, task.due_on) != (found.due_at, found.due_on):
        task.due_at, task.due_on = found.due_at, found.due_on


def _make(run: _Run, plan: Plan, row: Equipment, mark: PlanMark) -> None:
    """The occurrences of one plan and piece of equipment since its mark, which goes on to tomorrow or a stretch."""
    if plan.meter is not None:
        _make_metered(run, plan, row, mark)
        return
    if mark.since_on > run.today:
        mark.since_on = mark.until_on = _begins_on(run, row)
    tomorrow = run.today + _DAY
    while mark.until_on < tomorrow and len(run.new) < BATCH:
        end = min(tomorrow, mark.until_on + _STRETCH)
        run.add(plan, row, occurrences(plan, span_of(plan, mark.since_on), mark.until_on, end, run.frame))
        mark.until_on = end


def _make_metered(run: _Run, plan: Plan, row: Equipment, mark: PlanMark) -> None:
    if plan.meter is None:
        return
    query = select(MeterReading.value, MeterReading.at).where(
        MeterReading.equipment_id == row.id, MeterReading.meter == plan.meter.meter, MeterReading.at <= run.now
    )
    if mark.metered_at is not None:
        query = query.where(MeterReading.at > mark.metered_at)
    readings = [Reading(value, at) for value, at in run.session.execute(query.order_by(MeterReading.at))]
    if not readings:
        return
    found, threshold = meter_occurrences(plan, readings, mark.meter_threshold, run.frame)
    span = span_of(plan, mark.since_on)
    run.add(plan, row, (one for one in found if _holds(span.since_on, span.until_on, one.opens_on)))
    mark.meter_threshold, mark.metered_at = threshold, readings[-1].at
    mark.until_on = max(mark.until_on, run.today + _DAY)


def _holds(since_on: date, until_on: date | None, day: date) -> bool:
    return since_on <= day and (until_on is None or day <= until_on)


def _facts(plan: Plan) -> dict[str, Any]:
    """What a task takes over from its plan."""
    return {
        "level": plan.level,
        "checklist": plan.checklist,
        "owner_role": plan.owner_role,
        "contract": plan.contract or "",
    }


def _write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert; an occurrence that is there stays as it is, whoever made it."""
    dialect = session.connection().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    for some in _chunks(rows):
        session.execute(
            insert(MaintenanceTask).on_conflict_do_nothing(index_elements=["plan", "equipment_id", "occurrence"]), some
        )


def _chunks(many: Sequence[Any]) -> Iterable[Any]:
    return (many[start : start + _CHUNK] for start in range(0, len(many), _CHUNK))
