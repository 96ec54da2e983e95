"""Inspections: a filled checklist is kept as it stood, does its task, and its findings become one work order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.site.upkeep import Checklist
from services.equipment import service as equipment
from services.equipment.model import bindings_of
from services.equipment.tables import Equipment
from services.fire import upkeep as fire_upkeep
from services.flows import inspection_orders, plans
from services.flows.fire import duties as fire_duties
from services.flows.fire import upkeep as fire_ledger
from services.kernel import audit
from services.kernel.errors import Invalid, NotFound
from services.maintenance import inspecting
from services.maintenance import service as maintenance
from services.maintenance.inspecting import Judged
from services.maintenance.tables import Inspection, MaintenanceTask

OpenedBy = Literal["tag", "qr", "list", "desk"]
LONGEST = timedelta(hours=24)
"""An inspection that says it took longer began when it ended less this."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A checklist as somebody filled it; times by our clock, as well as they are known."""

    client_id: str
    """Given by who filled it; the same again changes nothing."""
    equipment_id: str
    checklist: str
    answers: Mapping[str, Any]
    by: str
    started_at: datetime
    at: datetime
    """When it was finished."""
    task_id: str | None = None
    """None: an open task that wants this checklist is done by it, if there is one."""
    photos: tuple[str, ...] = ()
    note: str = ""
    instrument: str = ""
    """Number of the measuring instrument."""
    opened_by: OpenedBy = "list"
    """tag and qr show that somebody was there."""
    emergency: bool = False
    item_notes: Mapping[str, str] = field(default_factory=dict)
    """Item → what was said of it."""
    item_photos: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    """Items that were not good by the checklist as the phone had it: believed where ours does not have the item."""
    version: str = ""
    """inspecting.version_of the checklist as it was shown; empty: ours, as it is now."""
    delivered_by: str = ""


def record(session: Session, config: SiteConfig, filled: Filled, now: datetime) -> Inspection:
    """Keep an inspection and do what follows from it, in the caller's transaction.

    Raises NotFound for equipment that is not there, Invalid for answers that nobody could have given. Answers to a
    checklist that was changed since are all kept; what ours cannot judge is judged as the phone judged it.
    """
    key = f"{config.site.id}/{filled.client_id}"
    known = session.get(Inspection, key)
    if known is not None:
        return known
    row = _equipment(session, config, filled.equipment_id)
    known = session.get(Inspection, key, populate_existing=True)
    if known is not None:  # somebody delivered it while we waited for the entry
        return known
    checklist = config.upkeep.checklist_by_id.get(filled.checklist)
    judged = _judge(checklist, filled)
    inspection = _keep(session, key, row, filled, _frozen(checklist, judged, filled), now)
    _note_meters(session, row, checklist, inspection, judged)
    equipment.record(
        session, row, "inspected", now, actor=filled.by, event_at=inspection.at,
        inspection=key, checklist=filled.checklist, passed=inspection.passed, findings=list(inspection.findings),
    )  # fmt: skip
    if inspection.findings:
        inspection.order_ids = inspection_orders.order_for(session, config, row, inspection, now)
        inspection_orders.take_out_of_use(session, row, inspection, now)
    plans.look_soon(session, config.site.id, now)
    _complete(session, config, row, inspection, filled)
    if checklist is not None and checklist.fire_test is not None:
        _enter_tests(session, config, row, checklist, inspection, now)
    audit.record(
        session, now, filled.delivered_by or filled.by, "inspection.record", key,
        equipment=row.id, checklist=filled.checklist, by=filled.by, findings=list(inspection.findings),
    )  # fmt: skip
    session.flush()
    return inspection


def _equipment(session: Session, config: SiteConfig, equipment_id: str) -> Equipment:
    """The entry, held: of two inspections of it the second sees what the first brought."""
    row = equipment.lock(session, equipment_id)
    if row.site != config.site.id:
        raise NotFound(f"There is no equipment {equipment_id} on this site", hint="Open it from the ledger")
    return row


def _judge(checklist: Checklist | None, filled: Filled) -> Judged:
    if checklist is None:
        return Judged(unknown=tuple(filled.answers))
    judged = inspecting.judge_all(checklist, filled.answers)
    if filled.version and filled.version != inspecting.version_of(checklist):
        return judged
    if judged.invalid or judged.unknown:
        wrong = (judged.invalid or judged.unknown)[0]
        raise Invalid(f"{filled.checklist}: no answer to {wrong!r}", hint="Answer it as it is asked", field=wrong)
    # Who fills it at the desk has no camera.
    bare = [id for id in judged.missing if filled.opened_by != "desk" or checklist.item_by_id[id].kind != "photo"]
    if bare:
        raise Invalid(
            f"{filled.checklist}: not answered: {', '.join(bare)}", hint="Answer every required item", field=bare[0]
        )
    if inspecting.needs_instrument(checklist, filled.answers) and not filled.instrument.strip():
        raise Invalid(
            f"{filled.checklist}: the measuring instrument is missing", hint="Give its number", field="instrument"
        )
    unseen = inspecting.without_photo(checklist, judged, filled.item_photos) if filled.opened_by != "desk" else ()
    if unseen:
        raise Invalid(
            f"{filled.checklist}: no photo of what is wrong at {unseen[0]!r}", hint="Take one there", field=unseen[0]
        )
    return judged


def _frozen(checklist: Checklist | None, judged: Judged, filled: Filled) -> list[dict[str, Any]]:
    """The items as they stand, each with its verdict and what was said of it; then the answers to none of them."""
    items = []
    for item in checklist.items if checklist is not None else ():
        verdict = judged.verdicts[item.id]
        if verdict == "invalid":  # it was another question when it was answered
            verdict = "finding" if item.id in filled.findings else "good"
        items.append({**item.model_dump(mode="json"), "verdict": verdict})
    for one in judged.unknown:
        verdict = "finding" if one in filled.findings else "good"
        items.append({"id": one, "text": one, "text_en": one, "kind": "text", "requirement": "", "verdict": verdict})
    for line in items:
        line["note"] = filled.item_notes.get(line["id"], "").strip()
        line["photos"] = list(filled.item_photos.get(line["id"], ()))
    return items


def _keep(
    session: Session, key: str, row: Equipment, filled: Filled, items: list[dict[str, Any]], now: datetime
) -> Inspection:
    at = min(filled.at, now)
    findings = [one["id"] for one in items if one["verdict"] == "finding"]
    inspection = Inspection(
        id=key,
        site=row.site,
        equipment_id=row.id,
        checklist=filled.checklist,
        items=items,
        answers={name: list(value) if isinstance(value, tuple) else value for name, value in filled.answers.items()},
        findings=findings,
        passed=not findings,
        by=filled.by,
        started_at=min(max(filled.started_at, at - LONGEST), at),
        at=at,
        received_at=now,
        opened_by=filled.opened_by,
        note=filled.note.strip(),
        photos=list(filled.photos),
        instrument=filled.instrument.strip(),
        emergency=filled.emergency,
        order_ids=[],
    )
    session.add(inspection)
    session.flush()
    return inspection


def _note_meters(
    session: Session, row: Equipment, checklist: Checklist | None, inspection: Inspection, judged: Judged
) -> None:
    for item in checklist.items if checklist is not None else ():
        if item.meter is not None and item.kind == "number" and judged.verdicts[item.id] in ("good", "finding"):
            value = float(inspection.answers[item.id])
            equipment.note_meter(
                session, row, item.meter, value, inspection.at, unit=item.unit, source=f"inspection:{inspection.id}"
            )  # fmt: skip


def _complete(session: Session, config: SiteConfig, row: Equipment, inspection: Inspection, filled: Filled) -> None:
    task = session.get(MaintenanceTask, filled.task_id) if filled.task_id else None
    if task is None or task.equipment_id != row.id or task.state != "open":
        wanted = maintenance.open_for(session, row.id, inspection.at)
        task = maintenance.to_do(session, [one for one in wanted if one.checklist == filled.checklist], inspection.at)
    if task is None:
        return
    maintenance.complete(
        session,
        config,
        task,
        inspection_id=inspection.id,
        passed=inspection.passed,
        by=filled.by,
        started_at=inspection.started_at,
        done_at=inspection.at,
        emergency=filled.emergency,
    )


def _enter_tests(
    session: Session, config: SiteConfig, row: Equipment, checklist: Checklist, inspection: Inspection, now: datetime
) -> None:
    """The monthly test of the fire device that the entry is (PER-13); a panel's check tests none of its points."""
    mine = {one.ref for one in bindings_of(config, row) if one.kind == row.origin}
    devices = [one for one in fire_upkeep.devices_of(config.fire) if one.id in mine]
    day = inspection.at.astimezone(ZoneInfo(config.site.timezone)).date()
    for device in devices:
        kind = str(checklist.fire_test)
        if kind not in fire_upkeep.methods_of(device.kind):
            kind = "visual"  # it was looked at, at least
        fire_ledger.enter_test(
            session, config.site.id, device.id, kind,
            passed=inspection.passed, tested_on=day, actor=inspection.by, now=now, note=inspection.note[:2000],
        )  # fmt: skip
    if devices:
        fire_duties.look_soon(session, config.site.id, now)
