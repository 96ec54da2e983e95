"""A repair that somebody asks for 报修: its order, the clocks of its class, and the call within the hour (TIM-08)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.equipment.tables import Equipment
from services.flows.order_telling import tell
from services.kernel import timers
from services.kernel.errors import Invalid
from services.kernel.timers import Timer
from services.notify.texts import Words
from services.patrol.phone import photos
from services.work_order import pictures
from services.work_order import service as work_orders
from services.work_order.categories import CATEGORIES, name_of
from services.work_order.pictures import PictureKind
from services.work_order.tables import WorkOrder, WorkOrderEvent, WorkOrderPicture

PROGRESS_TIMER = "work_order.progress_due"
PROGRESS_WITHIN = timedelta(hours=1)
"""报修 1 小时内回访处理情况: counted from the report (TIM-08, AMB-11)."""
DESK = frozenset({"duty"})
_PLAIN: Mapping[str, Any] = {"id": "repair", "priority": "P3", "respond_within": "PT30M", "finish_within": "PT24H"}
"""The clocks of an ordinary repair where the policies name none (TIM-07)."""


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody asks for."""

    title: str
    place: str
    category: str
    requester: str = ""
    equipment_id: str | None = None


def report(session: Session, config: SiteConfig, asked: Report, *, actor: str, now: datetime) -> WorkOrder:
    """Write the request down and set its clocks; raises Invalid for an unknown class, or without title and place."""
    category = CATEGORIES.get(asked.category)
    if category is None:
        raise Invalid(f"There is no class {asked.category!r}", hint=", ".join(CATEGORIES), field="category")
    equipment = _equipment(session, config, asked.equipment_id)
    place = asked.place.strip() or _place_of(config, equipment)
    if not asked.title.strip():
        raise Invalid("A repair request says what is wrong", hint="A few words are enough", field="title")
    if not place:
        raise Invalid("A repair request says where", hint="Name the place or choose the equipment", field="place")
    order = work_orders.report(
        session,
        work_orders.NewOrder(
            site=config.site.id,
            title=asked.title.strip(),
            place=place,
            equipment=equipment.name if equipment else "",
            equipment_id=equipment.id if equipment else None,
            category=asked.category,
            origin="request",
            requester=asked.requester.strip(),
            policy=policy_for(config, category.policy),
        ),
        ZoneInfo(config.site.timezone),
        now,
        actor=actor,
    )
    timers.schedule(session, PROGRESS_TIMER, order.id, now + PROGRESS_WITHIN)
    words = Words(
        f"新报修：{order.title}\n{order.place}，{name_of(order.category)}，工单 {order.number}",
        f"Repair request: {order.title}\n{order.place}, {name_of(order.category, 'en')}, order {order.number}",
    )
    tell(session, config, order, "reported", words, now, roles=DESK)
    return order


def policy_for(config: SiteConfig, policy: str) -> Mapping[str, Any]:
    """The policy of a request as it is frozen on the order."""
    known = config.policy_by_id.get(policy) or config.policy_by_id.get("repair")
    return known.model_dump(mode="json") if known is not None else _PLAIN


def progress_due(session: Session, config: SiteConfig, timer: Timer, now: datetime) -> str:
    """An hour after the report: the desk hears of a requester whom nobody has told how things stand."""
    order = work_orders.get(session, timer.ref)
    if order.closed_at is not None or order.finished_at is not None:
        return "finished within the hour"
    told = select(WorkOrderEvent.id).where(WorkOrderEvent.work_order_id == order.id, WorkOrderEvent.kind == "contacted")
    if session.scalar(told.limit(1)) is not None:
        return "the requester was told"
    words = Words(
        f"报修一小时未回访：{order.title}\n请告知业主处理情况并记录，工单 {order.number}",
        f"One hour without a call: {order.title}\nTell the requester how things stand, order {order.number}",
    )
    tell(session, config, order, "progress", words, now, roles=DESK | {"supervisor"})
    return "told the desk"


def keep_picture(
    session: Session,
    order_id: str,
    client_id: str,
    kind: PictureKind,
    content: bytes,
    *,
    actor: str,
    now: datetime,
    signer: str = "",
) -> WorkOrderPicture:
    """Keep a JPEG and make it one of the order; the same again changes nothing. Errors as photos.keep and attach."""
    order = work_orders.get(session, order_id)
    kept = photos.keep(session, order.site, client_id, actor, content, now)
    return pictures.attach(session, order_id, kept.id, kind, actor=actor, now=now, signer=signer)


def keep_signature(
    session: Session, order_id: str, client_id: str, encoded: str, signer: str, *, actor: str, now: datetime
) -> WorkOrderPicture:
    """The acceptance signature (ROU-17, ROU-18), a JPEG in base64; raises Invalid when it is none."""
    try:
        content = base64.b64decode(encoded.partition(",")[2] or encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("The signature is no picture", hint="Sign again", field="signature") from error
    return keep_picture(session, order_id, client_id, "signature", content, actor=actor, now=now, signer=signer)


def _equipment(session: Session, config: SiteConfig, equipment_id: str | None) -> Equipment | None:
    if not equipment_id:
        return None
    row = session.get(Equipment, equipment_id)
    if row is None or row.site != config.site.id:
        raise Invalid(
            f"The ledger of {config.site.id} has no entry {equipment_id}",
            hint="Choose it from the list",
            field="equipment_id",
        )
    return row


def _place_of(config: SiteConfig, equipment: Equipment | None) -> str:
    if equipment is None:
        return ""
    area = config.area_by_id.get(equipment.area)
    return " ".join(one for one in (area.name if area else "", equipment.place) if one)
