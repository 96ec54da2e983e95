"""A phone's delivery: taps go through the door, commands into the state database, each item by itself."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.clocks import Sent, Solved
from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from services.flows import inspections
from services.flows.fire import phone as fire_phone
from services.flows.patrol import emergency
from services.flows.patrol import rounds as patrol_rounds
from services.kernel.collisions import once_more
from services.kernel.errors import AppError, Invalid, NotFound
from services.kernel.timers import Timer
from services.measurement.model import Entry
from services.patrol.phone import handset
from services.patrol.phone import items as phone
from services.patrol.phone.handset import Handset
from services.patrol.tables import Phone
from services.people.roles import Actor, require
from services.web import phone_fire, typed
from services.web.api import phone_schemas as schemas
from services.web.deps import Services

log = logging.getLogger(__name__)
_Commanding = phone.ReportItem | phone.SignItem | phone.FireItem | phone.InspectionItem


@dataclass(slots=True)
class _Outcome:
    accepted: list[str] = field(default_factory=list)
    refused: list[schemas.Refused] = field(default_factory=list)
    closed: AppError | None = None
    """Why taps could not go on; they stay on the phone."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    svc: Services
    actor: Actor
    config: SiteConfig
    phone: str
    sent: Sent
    handset: Handset
    now: datetime


def site_of(svc: Services, actor: Actor, wanted: str = "") -> SiteConfig:
    """The site a person patrols: the named one, else the one that declares him; raises NotFound."""
    if wanted:
        found = svc.configs.sites.get(wanted)
        if found is None:
            raise NotFound(f"There is no site {wanted!r}", hint=f"Sites: {', '.join(sorted(svc.configs.sites))}")
        return found
    own = [one for one in svc.configs.sites.values() if actor.username in one.person_by_username]
    candidates = own or list(svc.configs.sites.values())
    if not candidates:
        raise NotFound("No site is declared", hint="Declare one under device_configs/sites")
    return candidates[0]


def deliver(svc: Services, actor: Actor, config: SiteConfig, body: schemas.Sync, now: datetime) -> schemas.SyncOut:
    """Take what can be taken; raises DoorClosed when there were taps and nothing at all could be."""
    sent = Sent(body.wall_ms, body.mono_ms, body.boot, to_ms(now))
    key = f"{config.site.id}/{body.phone}"
    with svc.db.read() as s:
        known = s.get(Phone, key)
        before, held = handset.last_sent(known), Handset.of(known, actor.username, now)
    delivery, outcome = _Delivery(svc, actor, config, body.phone, sent, held, now), _Outcome()
    items = list(_known(delivery, body.items, outcome))
    times = phone.true_times(items, sent, before)
    for item in items:
        _take(delivery, item, times[item.client_id], outcome)
    if outcome.closed is not None and not outcome.accepted and not outcome.refused:
        raise outcome.closed
    # Only now: a phone that was heard is believed to have told all it knew.
    left = body.queued + len(body.items) - len(outcome.accepted) - len(outcome.refused)
    with svc.db.begin() as s:
        handset.note(s, key, actor.username, sent, left, now)
        if body.items and not left:
            patrol_rounds.told_all(s, config.site.id, now)
        prompts = _prompts(s, config, actor)
        fire = phone_fire.news(s, config, actor, now)
    return schemas.SyncOut(
        accepted=outcome.accepted,
        refused=outcome.refused,
        waiting=outcome.closed.message if outcome.closed else "",
        server_ms=to_ms(now),
        prompts=prompts,
        fire=fire,
    )


def _known(delivery: _Delivery, raws: Iterable[Mapping[str, Any]], outcome: _Outcome) -> Iterator[phone.Item]:
    """The items that can be read, each once; what cannot is refused by itself."""
    seen: set[str] = set()
    for raw in raws:
        try:
            item = phone.parse_item(raw)
        except Invalid as error:
            _refuse(delivery, _named(raw), error, outcome)
            continue
        ours = item.by == delivery.actor.username or item.by in delivery.config.person_by_username
        if not ours and not isinstance(item, phone.ReportItem):
            stranger = Invalid(f"{item.by!r} is nobody of this site", hint="Sign in again", place="by")
            _refuse(delivery, item.client_id, stranger, outcome)
        elif item.client_id not in seen:
            seen.add(item.client_id)
            yield item


def _take(delivery: _Delivery, item: phone.Item, solved: Solved, outcome: _Outcome) -> None:
    try:
        if not isinstance(item, phone.TapItem | phone.ReadingItem):
            _command(delivery, item, solved)
        elif outcome.closed is not None:
            return  # nothing overtakes a tap that has to wait
        elif isinstance(item, phone.TapItem):
            _put(delivery, item, solved)
        else:
            _type_in(delivery, item, solved)
    except phone.DoorClosed as error:
        outcome.closed = error
    except AppError as error:
        if error.status >= 500:
            raise
        _refuse(delivery, item.client_id, error, outcome)
    else:
        outcome.accepted.append(item.client_id)


def _named(raw: Mapping[str, Any]) -> str:
    """What can be sent back of the id of something that cannot be read."""
    return str(raw.get("client_id", "")).encode("utf-8", "replace").decode()[:64]


def _refuse(delivery: _Delivery, client_id: str, error: AppError, outcome: _Outcome) -> None:
    log.warning("Phone %s: item %s refused: %s", delivery.phone, client_id, error)
    outcome.refused.append(schemas.Refused(client_id=client_id, reason=error.message, status=error.status))


def _put(delivery: _Delivery, item: phone.TapItem, solved: Solved) -> None:
    svc, config = delivery.svc, delivery.config
    if svc.door is None:
        raise phone.DoorClosed(
            "This server takes no taps", hint="Declare a device of kind patrol_app and start with `gengfu up`"
        )
    tags = {one.id: one.tags[0].uid for one in config.patrol.checkpoints if one.tags} if svc.settings.demo else {}
    body = phone.tap_body(item, config.site.id, delivery.phone, solved, delivery.sent.received_ms, tags)
    if item.by != delivery.actor.username:
        body["delivered_by"] = delivery.actor.username
    doubts = delivery.handset.doubts(item.by, solved)
    if doubts:
        body["doubts"] = [str(one) for one in doubts]
    svc.door.put(config.site.id, body)


@once_more
def _type_in(delivery: _Delivery, item: phone.ReadingItem, solved: Solved) -> None:
    actor = delivery.actor.username
    by = item.by if delivery.handset.is_his(item.by, solved) else actor
    typed.may_enter(delivery.config, delivery.actor, by)
    entry = Entry(
        item.client_id, item.point, item.value, item.instrument, item.circuit, item.place, item.condition,
        item.note, item.photos,
    )  # fmt: skip
    typed.put(
        delivery.svc, delivery.config, entry, by=by, at=from_ms(solved.at_ms), now=delivery.now,
        delivered_by="" if by == actor else actor,
    )  # fmt: skip


@once_more
def _command(delivery: _Delivery, item: _Commanding, solved: Solved) -> None:
    config, actor, now, at = delivery.config, delivery.actor.username, delivery.now, from_ms(solved.at_ms)
    # What cannot be the named one's is done by who delivers it.
    by = item.by if delivery.handset.is_his(item.by, solved) else actor
    delivered_by = "" if by == actor else actor
    with delivery.svc.db.begin() as s:
        if isinstance(item, phone.ReportItem):
            photos = tuple(f"{config.site.id}/{one}" for one in item.photos)
            note = item.note if by == item.by else f"[{item.by}] {item.note}".strip()
            told = emergency.Report(
                item.client_id, item.kind, by, at, item.checkpoint or None, item.category, note, photos, delivered_by
            )
            emergency.report(s, config, told, now)
        elif isinstance(item, phone.FireItem):
            require(delivery.actor, "fire.grade" if item.kind == "fire_grade" else "fire.respond")
            fire_phone.take(s, config, _word(item, config.site.id, by, at, delivered_by), now)
        elif isinstance(item, phone.InspectionItem):
            require(delivery.actor, "inspection.record")
            inspections.record(s, config, _filled(item, config.site.id, by, at, delivered_by), now)
        elif item.kind == "sign_on":
            emergency.sign_on(s, config, by, item.client_id, at, delivered_by=delivered_by)
        elif item.by != actor:
            raise Invalid("Only he himself can say that he is well", hint="Sign in as yourself", place="by")
        else:
            emergency.checked_in(s, config, actor, now, at=at)


def _word(item: phone.FireItem, site: str, by: str, at: datetime, delivered_by: str) -> fire_phone.Word:
    return fire_phone.Word(
        client_id=item.client_id,
        kind=item.kind,
        by=by,
        at=at,
        incident=item.incident,
        grade=item.grade,
        plan=item.plan,
        step=item.step,
        not_needed=item.not_needed,
        note=item.note if by == item.by else f"[{item.by}] {item.note}".strip(),
        photos=tuple(f"{site}/{one}" for one in item.photos),
        delivered_by=delivered_by,
    )


def _filled(item: phone.InspectionItem, site: str, by: str, at: datetime, delivered_by: str) -> inspections.Filled:
    return inspections.Filled(
        client_id=item.client_id,
        equipment_id=item.equipment,
        checklist=item.checklist,
        version=item.version,
        answers={name: _answer(value, site) for name, value in item.answers.items()},
        by=by,
        started_at=at - timedelta(milliseconds=item.took_ms),
        at=at,
        task_id=item.task or None,
        photos=_pictures(item.photos, site),
        note=item.note if by == item.by else f"[{item.by}] {item.note}".strip(),
        instrument=item.instrument,
        opened_by=item.opened_by,
        emergency=item.emergency,
        item_notes=item.notes,
        item_photos={name: _pictures(those, site) for name, those in item.pictures.items()},
        findings=item.findings,
        delivered_by=delivered_by,
    )


def _answer(value: Any, site: str) -> Any:
    """An answer as it is kept: pictures by their ids on the server."""
    return list(_pictures(value, site)) if isinstance(value, tuple) else value


def _pictures(ids: Iterable[str], site: str) -> tuple[str, ...]:
    return tuple(f"{site}/{one}" for one in ids)


def _prompts(s: Session, config: SiteConfig, actor: Actor) -> list[schemas.Prompt]:
    """The open question whether a guard on a lone round is well."""
    query = select(Timer).where(
        Timer.kind == emergency.MAN_DOWN_TIMER,
        Timer.ref == f"{config.site.id}/{actor.username}",
        Timer.done_at.is_(None),
    )
    return [schemas.Prompt(id=one.id, due_ms=to_ms(one.due_at)) for one in s.scalars(query)]
