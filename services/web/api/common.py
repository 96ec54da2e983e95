"""What every API file uses: the router with its documented errors, and rows turned into shapes."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from gateway.site.limit import Limit
from gateway.site.model import Point
from gateway.timeseries.store import Reading
from services.alert.tables import AlertEvent
from services.flows.breach import limit_text
from services.web.api import schemas
from services.web.deps import SESSION_COOKIE
from services.web.queries.alerts import AlertRow, Clock
from services.web.queries.orders import OrderRow
from services.work_order.tables import WorkOrderEvent

QUALITIES: tuple[Literal["good", "uncertain", "bad"], ...] = ("good", "uncertain", "bad")

_ERRORS = {
    400: "The request cannot be read",
    401: "Nobody is signed in",
    403: "The role, the token or the CSRF token does not allow it",
    404: "There is no such thing",
    409: "Somebody was faster; `current` carries the state as it is now",
    413: "The body is too large",
    422: "The input cannot be meant",
    429: "Too many wrong passwords; `retry_after_s` says how long to wait",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in _ERRORS.items()
}

_bearer = HTTPBearer(auto_error=False, description="A token from the accounts page")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="The console's session")


def api_router(tag: str) -> APIRouter:
    """A router under /api/v1 whose operations document their errors."""
    return APIRouter(
        prefix="/api/v1", tags=[tag], responses=PROBLEMS, dependencies=[Security(_bearer), Security(_cookie)]
    )


def alert_out(row: AlertRow, now: datetime) -> schemas.AlertOut:
    """An alert's JSON."""
    alert = row.alert
    return schemas.AlertOut(
        id=alert.id,
        site=alert.site,
        rule=alert.rule,
        target=alert.target,
        title=alert.title,
        title_en=alert.title_en,
        place=row.place.path,
        state=row.state,
        severity=row.severity,
        active=alert.active,
        occurrence=alert.occurrence,
        acked_occurrence=alert.acked_occurrence,
        value=alert.value,
        current_value=row.current.value if row.current else None,
        unit=alert.unit,
        limit_text=alert.limit_text,
        requirement=alert.requirement,
        source=alert.source,
        opened_at=alert.opened_at,
        last_active_at=alert.last_active_at,
        cleared_at=alert.cleared_at,
        closed_at=alert.closed_at,
        shelved_until=alert.shelved_until,
        shelve_reason=alert.shelve_reason,
        late=alert.late,
        work_order=row.order.id if row.order else None,
        owner=row.owner,
        next_escalation_at=row.escalation.at if row.escalation else None,
        next_escalation_role=row.escalation.role if row.escalation else None,
        clocks=clocks_out(row.clocks, now),
        version=alert.version,
    )


def order_out(row: OrderRow, now: datetime) -> schemas.OrderOut:
    """A work order's JSON."""
    order = row.order
    columns = {name: getattr(order, name) for name in schemas.OrderOut.model_fields if name != "clocks"}
    return schemas.OrderOut(**columns, clocks=clocks_out(row.clocks, now))


def clocks_out(clocks: tuple[Clock, ...], now: datetime) -> list[schemas.ClockOut]:
    """Running deadlines' JSON."""
    return [schemas.ClockOut(kind=one.kind, due_at=one.due_at, urgency=one.urgency(now)) for one in clocks]


def event_out(event: AlertEvent | WorkOrderEvent) -> schemas.EventOut:
    """A history line's JSON."""
    return schemas.EventOut(
        seq=event.seq,
        at=event.at,
        event_at=event.event_at,
        kind=event.kind,
        actor=event.actor,
        data=event.data,
    )


def reading_out(reading: Reading) -> schemas.ReadingOut:
    """A reading's JSON."""
    quality = QUALITIES[min(max(reading.quality, 0), 2)]
    return schemas.ReadingOut(at=reading.at, value=reading.value, quality=quality, received_at=reading.received_at)


def limit_out(limit: Limit, point: Point) -> schemas.LimitOut:
    """A limit's JSON."""
    return schemas.LimitOut(
        id=limit.id,
        variant=limit.variant,
        kind=limit.kind,
        point=limit.point,
        title=limit.title,
        title_en=limit.title_en,
        source=limit.source,
        unit=limit.unit,
        text=limit_text(limit, point),
        severity=limit.severity,
        policy=limit.policy,
        on_delay_s=limit.on_delay_ms / 1000,
        off_delay_s=limit.off_delay_ms / 1000,
        latching=limit.latching,
        loosened_reason=limit.loosened_reason,
    )
