"""Readings that people typed in, as ingest hears them: written down once, and judged by what stands for the point."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.contract.heard import Heard, Sample
from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.equipment import certificates
from services.equipment import service as equipment
from services.equipment.model import class_of
from services.flows.ledger import equipment_of_point
from services.measurement import model, service, store
from services.measurement.model import Entry
from services.measurement.tables import TypedReading
from services.rules.engine import Finding
from services.work_order import pictures
from services.work_order import service as work_orders

INSTRUMENT = "instrument"
"""Kind of the ledger's measuring instruments (LED-06)."""
OUT_OF_USE = "NUM-02"
"""Insulation below its limit: the box is flagged 停用待修."""
KEEP_DELIVERIES = timedelta(days=90)


class Taken(NamedTuple):
    """A typed reading, and what has to be judged of it."""

    row: TypedReading
    samples: list[Sample]
    standing: TypedReading
    """The reading behind the judged value."""


class Instrument(NamedTuple):
    """A measuring instrument of the ledger."""

    number: str
    name: str
    name_en: str
    until_on: date | None
    """Last day of its calibration; None: the ledger has no paper of it."""
    also: tuple[str, ...]
    """What else it may be called: number in the ledger, short id."""


def hear(session: Session, config: SiteConfig, event: Heard) -> Taken | None:
    """Keep a typed reading, in the judge's transaction; None: it is not judged, known or too old to matter."""
    body = event.body or {}
    point = config.point_by_id.get(str(body.get("point", "")))
    if point is None or not event.samples:
        return None
    said = body["typed"]
    sample = event.samples[0]
    at = from_ms(sample[1])
    entry = _entry(said, point.id, sample[3])
    known = {name: one.until_on for one in instruments(session, config) for name in (one.number, *one.also)}
    day = at.astimezone(ZoneInfo(config.site.timezone)).date()
    calibration = model.calibration_of(entry.instrument, known, day)
    row = service.keep(session, config.site.id, said["by"], entry, calibration, at, from_ms(event.received_ms))
    if row is None:
        return None
    since = from_ms(event.received_ms) - store.STANDS_FOR
    if at < since:  # history that somebody imported
        return None
    rows = store.newest(session, config.site.id, since, point.id)[point.id]
    standing = model.standing(point.quantity, rows)
    # What comes late from a phone without network still changes what stands for the point now.
    newest_ms = max(sample[1], *(to_ms(one.at) for one in rows))
    return Taken(row, [(sample[0], newest_ms, sample[2], standing.value, sample[4], sample[5])], standing)


def _entry(said: Mapping[str, Any], point: str, value: float) -> Entry:
    words = {name: str(said.get(name) or "") for name in ("instrument", "circuit", "place", "condition", "note")}
    return Entry(said["client_id"], point, value, photos=tuple(said.get("photos") or ()), **words)  # type: ignore[arg-type]


def facts(row: TypedReading) -> dict[str, Any]:
    """What an alert and its order remember of the reading behind them."""
    return {
        "id": row.id,
        "by": row.by,
        "at": row.at.isoformat(),
        "value": row.value,
        "instrument": row.instrument,
        "calibration": row.calibration,
        "circuit": row.circuit,
        "place": row.place,
        "condition": row.condition,
        "note": row.note,
        "photos": list(row.photos),
    }


def follow(session: Session, config: SiteConfig, taken: Taken, findings: list[Finding], now: datetime) -> None:
    """After judging: photos go to the order, and a box that failed its insulation test is out of use (NUM-02)."""
    for limit, effect in findings:
        if effect.kind not in ("breached", "worsened"):
            continue
        alert = alerts.find_open(session, limit.rule, limit.point)
        order = work_orders.open_for_alert(session, alert.id) if alert is not None else None
        if order is not None:
            room = max(pictures.MOST - len(pictures.of_order(session, order.id)), 0)
            for photo in taken.row.photos[:room]:
                pictures.attach(session, order.id, photo, "before", actor=taken.row.by, now=now)
        if limit.id == OUT_OF_USE:
            _take_out_of_use(session, config, taken.standing, now)


def _take_out_of_use(session: Session, config: SiteConfig, row: TypedReading, now: datetime) -> None:
    entry = equipment_of_point(session, config, config.key(row.point))
    if entry is None or class_of(entry.kind) != "power":
        return
    entry = equipment.lock(session, entry.id)
    if entry.status not in ("in_use", "stopped") or entry.status_at > row.at:
        return
    point = config.point(config.key(row.point))
    reason = f"停用待修：{point.name} {row.circuit} {row.value:g} {point.unit}（{row.instrument}）"
    equipment.set_status(session, entry, "repair", now, actor=row.by, reason=reason[:400], event_at=row.at)


def instruments(session: Session, config: SiteConfig) -> list[Instrument]:
    """The ledger's measuring instruments with the last day of their calibration."""
    rows = [one for one in equipment.of_site(session, config.site.id, live=True) if one.kind == INSTRUMENT]
    until: dict[str, date] = {}
    for paper in certificates.in_force(session, config.site.id) if rows else ():
        if paper.equipment_id is not None and paper.kind == "calibration":
            until[paper.equipment_id] = max(paper.expires_on, until.get(paper.equipment_id, paper.expires_on))
    found = [
        Instrument(
            one.serial or one.code or one.eid,
            one.name,
            one.name_en or one.name,
            until.get(one.id),
            tuple(name for name in (one.code, one.eid) if name),
        )
        for one in rows
    ]
    return sorted(found, key=lambda one: one.number)
