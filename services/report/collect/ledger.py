"""The ledger at the month's end, its changes in the month, and what expires, for section 十二."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import CLASSES
from gateway.site.model import SiteConfig
from services.equipment.certificates import name_of
from services.equipment.documents import with_documents
from services.equipment.model import class_of, completeness, people_of
from services.equipment.tables import Certificate, Equipment, EquipmentEvent
from services.maintenance.model import plans_for
from services.maintenance.tables import MaintenanceTask
from services.report import masking
from services.report.chapters.ledger import DOWN, Changed, Entry, Expiry, LedgerFacts, Presence, last_day
from services.report.collect.links import area, kind, person
from services.report.collect.source import Source
from services.report.collect.standing import GONE, Standing, standings
from services.report.model import Month

_OVERHAUL = 5
_FIELDS = {
    "responsible": ("person", "责任人"), "supervisor": ("person", "设备主管"), "manager": ("person", "经理"),
    "area": ("moved", "区域"), "place": ("moved", "位置"),
    "serial": ("replaced", "出厂编号"), "model": ("replaced", "型号"),
}  # fmt: skip
"""Columns whose change a report speaks of; another serial number or model is another machine 更换."""


def collect(source: Source, month: Month) -> LedgerFacts:
    """Status by the history; completeness and papers as recorded at the cut-off."""
    session, config = source.session, source.config
    known = standings(source, month)
    documented = with_documents(session, config.site.id)
    overhauled = _overhauled(session, config, month)
    return LedgerFacts(
        entries=tuple(
            Entry(
                id=one.row.id,
                name=one.row.name,
                kind=kind(one.row.kind),
                of=CLASSES[class_of(one.row.kind)].name,  # type: ignore[index]
                state=one.state,
                since_at=_since(one),
                missing=completeness(
                    config,
                    one.row,
                    bool(plans_for(config.upkeep, one.row.kind, one.row.eid)),
                    one.row.id in documented,
                ).missing,
                responsible=person(config, people_of(config, one.row).responsible),
                overhaul=one.row.id in overhauled,
            )
            for one in known
            if one.live
        ),
        presence=tuple(found for one in known if (found := presence_of(one, month)).live > timedelta()),
        changes=tuple(_changes(session, config, month)),
        expiries=tuple(_expiries(session, config, known, month)),
    )


def _since(one: Standing) -> datetime:
    since = one.turns[-1].at
    for turn in reversed(one.turns):
        if turn.state != one.state:
            break
        since = turn.at
    return since


def presence_of(one: Standing, month: Month) -> Presence:
    """How much of the month an entry was live, and how much of that neither stopped nor in repair. Pure."""
    live = intact = timedelta()
    ends = [turn.at for turn in one.turns[1:]] + [month.ends_at]
    for turn, ended in zip(one.turns, ends, strict=False):
        lasted = max(min(ended, month.ends_at) - max(turn.at, month.since_at), timedelta())
        if turn.state not in GONE:
            live += lasted
            intact += lasted if turn.state not in DOWN else timedelta()
    return Presence(one.row.id, one.row.name, live, intact)


def _overhauled(session: Session, config: SiteConfig, month: Month) -> frozenset[str]:
    """Equipment with a planned overhaul that had begun and was not done when the month ended."""
    return frozenset(
        session.scalars(
            select(MaintenanceTask.equipment_id).where(
                MaintenanceTask.site == config.site.id,
                MaintenanceTask.level == _OVERHAUL,
                MaintenanceTask.opens_at < month.ends_at,
                or_(MaintenanceTask.done_at.is_(None), MaintenanceTask.done_at >= month.ends_at),
                or_(MaintenanceTask.cancelled_at.is_(None), MaintenanceTask.cancelled_at >= month.ends_at),
            )
        )
    )


def _changes(session: Session, config: SiteConfig, month: Month) -> Iterator[Changed]:
    lines = session.execute(
        select(EquipmentEvent, Equipment.name)
        .join(Equipment, Equipment.id == EquipmentEvent.equipment_id)
        .where(
            Equipment.site == config.site.id,
            EquipmentEvent.event_at >= month.since_at,
            EquipmentEvent.event_at < month.ends_at,
            EquipmentEvent.at <= month.now,
        )
        .order_by(EquipmentEvent.event_at, EquipmentEvent.equipment_id, EquipmentEvent.seq)
    )
    for event, name in lines:
        for sort, words in _told(config, event.kind, event.data):
            yield Changed(event.event_at, sort, name, words, person(config, event.actor) or event.actor)


def _told(config: SiteConfig, sort: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind of change, words) of a line of the history; nothing of what a report does not speak of."""
    match sort:
        case "registered":
            yield "new", ""
        case "undeclared":
            yield "gone", "项目档案中已删除"
        case "declared":
            yield "new", "重新列入项目档案"
        case "status":
            new = str(data.get("new", ""))
            yield ("back" if new == "in_use" else new), str(data.get("reason", ""))
        case "changed":
            fields: Mapping[str, Any] = data.get("fields") or {}
            told: dict[str, list[str]] = {}
            for name, (kind_of_change, label) in _FIELDS.items():
                if name in fields:
                    was, now = (_shown(config, name, value) for value in fields[name])
                    told.setdefault(kind_of_change, []).append(f"{label}：{was or '空'} → {now or '空'}")
            for kind_of_change, words in told.items():
                yield kind_of_change, "；".join(words)


def _shown(config: SiteConfig, field: str, value: Any) -> str:
    text = str(value or "")
    if _FIELDS[field][0] == "person":
        return person(config, text)
    return area(config, text) if field == "area" else text


def _expiries(session: Session, config: SiteConfig, known: Sequence[Standing], month: Month) -> Iterator[Expiry]:
    names = {one.row.id: one.row.name for one in known}
    live = {one.row.id for one in known if one.live}
    papers = session.scalars(
        select(Certificate)
        .where(
            Certificate.site == config.site.id,
            Certificate.created_at <= month.now,
            or_(Certificate.ended_at.is_(None), Certificate.ended_at >= month.ends_at),
        )
        .order_by(Certificate.id)
    )
    for paper in papers:
        if paper.equipment_id is None or paper.equipment_id in live:
            subject = names.get(paper.equipment_id or "", "") or paper.subject
            subject = masking.person(subject) if paper.kind == "person" else subject
            yield Expiry(paper.id, "certificate", name_of(paper.kind, "zh"), subject, paper.number, paper.expires_on)
    for contract in config.upkeep.contracts:
        if contract.starts_on <= last_day(month):
            yield Expiry(contract.id, "contract", "分承包合同", contract.name, "", contract.ends_on)
    for one in known:
        if not one.live:
            continue
        row = one.row
        if row.scrap_due_on is not None:
            yield Expiry(row.id, "equipment", "报废期限", row.name, row.code, row.scrap_due_on)
        # A warranty that is over needs nobody; one that ends does (PER-46).
        if row.warranty_until_on is not None and row.warranty_until_on >= last_day(month):
            yield Expiry(row.id, "equipment", "保修期", row.name, row.code, row.warranty_until_on)
