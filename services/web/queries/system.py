"""How Gengfu itself is: processes, lag, timers, messages, quarantine."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms
from services.alert.model import ShownState
from services.alert.store import shown
from services.alert.tables import Alert
from services.device.tables import DeviceState, Quarantine
from services.kernel.errors import NotFound
from services.kernel.heartbeat import Heartbeat
from services.kernel.timers import Timer
from services.notify.tables import Message
from services.work_order.tables import WorkOrder

ROLES = ("ingest", "worker")
DEAD_AFTER = timedelta(seconds=60)
PAGE = 100


@dataclass(frozen=True, slots=True)
class Pulse:
    """One process: when it last gave a sign of life."""

    role: str
    at: datetime | None
    alive: bool
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Status:
    """The strip at the top of every page."""

    pulses: dict[str, Pulse]
    broker_connected: bool
    last_data_at: datetime | None
    quarantined: int


def pulses(s: Session, now: datetime) -> dict[str, Pulse]:
    """The newest heartbeat of each role; with several holders, the freshest counts."""
    beats: dict[str, Heartbeat] = {}
    for beat in s.scalars(select(Heartbeat).order_by(Heartbeat.at)):
        beats[beat.role] = beat
    found = {}
    for role in ROLES:
        one = beats.get(role)
        alive = one is not None and now - one.at <= DEAD_AFTER
        found[role] = Pulse(role, one.at if one else None, alive, dict(one.figures) if one else {})
    return found


def status(s: Session, now: datetime) -> Status:
    """What the status strip shows."""
    found = pulses(s, now)
    heard_ms = s.scalar(select(func.max(DeviceState.heard_ms)))
    ingest = found["ingest"]
    return Status(
        pulses=found,
        broker_connected=ingest.alive and bool(ingest.figures.get("connected", 1)),
        last_data_at=from_ms(heard_ms) if heard_ms else None,
        quarantined=quarantined(s),
    )


def quarantined(s: Session) -> int:
    """How many messages wait in quarantine."""
    return s.scalar(select(func.count()).select_from(Quarantine).where(Quarantine.dismissed_at.is_(None))) or 0


def quarantine(s: Session, *, dismissed: bool = False, before: str = "", limit: int = PAGE) -> list[Quarantine]:
    """A page of quarantine, newest first; `before`: the last id of the page before."""
    query = select(Quarantine).order_by(Quarantine.id.desc()).limit(limit)
    query = query.where(Quarantine.dismissed_at.is_not(None) if dismissed else Quarantine.dismissed_at.is_(None))
    if before:
        query = query.where(Quarantine.id < before)
    return list(s.scalars(query))


def quarantine_entry(s: Session, entry_id: str) -> Quarantine:
    """One entry; raises NotFound."""
    entry = s.get(Quarantine, entry_id)
    if entry is None:
        raise NotFound(f"Nothing in quarantine has the id {entry_id!r}", hint="Open the list again")
    return entry


def oldest_due_timer(s: Session, now: datetime) -> datetime | None:
    """Since when the longest-waiting timer is due."""
    return s.scalar(select(func.min(Timer.due_at)).where(Timer.done_at.is_(None), Timer.due_at <= now))


def oldest_pending_message(s: Session) -> datetime | None:
    """Since when the longest-waiting message waits."""
    return s.scalar(select(func.min(Message.created_at)).where(Message.status.in_(("pending", "sending", "failed"))))


def messages_by_status(s: Session) -> dict[str, int]:
    """How many messages are in each status."""
    return dict(s.execute(select(Message.status, func.count()).group_by(Message.status)).all())


def orders_by_state(s: Session) -> dict[str, int]:
    """How many open work orders are in each state."""
    query = select(WorkOrder.state, func.count()).where(WorkOrder.closed_at.is_(None)).group_by(WorkOrder.state)
    return dict(s.execute(query).all())


def alerts_by_state(s: Session, now: datetime) -> dict[ShownState, int]:
    """How many open alerts are shown in each state."""
    found: dict[ShownState, int] = {}
    for alert in s.scalars(select(Alert).where(Alert.closed_at.is_(None))):
        state = shown(alert, now)
        found[state] = found.get(state, 0) + 1
    return found


def messages(s: Session, *, before: str = "", decision: str = "", limit: int = PAGE) -> list[Message]:
    """A page of messages, newest first."""
    query = select(Message).order_by(Message.id.desc()).limit(limit)
    if before:
        query = query.where(Message.id < before)
    if decision:
        query = query.where(Message.decision == decision)
    return list(s.scalars(query))
