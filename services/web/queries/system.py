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
from services.notify.tables import IN_FLIGHT, Message
from services.work_order.tables import WorkOrder

ROLES = ("ingest", "worker")
DEAD_AFTER = timedelta(seconds=60)
AHEAD = timedelta(seconds=5)
"""A sign of life may be so far in the future: clocks of two machines. Further ahead it proves nothing about now."""
RETIRED_AFTER = timedelta(hours=24)
"""A process silent for so long was taken away, when its role has others."""
LANES = 2
"""Connections ingest keeps to the broker; with fewer something is not heard, or not heard in time."""
STALLED_AFTER_S = 60
PAGE = 100


@dataclass(frozen=True, slots=True)
class Beat:
    """One process: when it last gave a sign of life, and what it said."""

    holder: str
    at: datetime
    alive: bool
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Pulse:
    """One role: its processes taken together."""

    role: str
    at: datetime | None
    """Of the process that decides: the longest silent of ingest, the freshest of the others."""
    alive: bool
    figures: dict[str, float]
    """Each the worst of any process, counts their sum."""
    troubles: tuple[str, ...] = ()
    """What is wrong although, or because, they live or do not."""


@dataclass(frozen=True, slots=True)
class Status:
    """The strip at the top of every page."""

    pulses: dict[str, Pulse]
    broker_connected: bool
    last_data_at: datetime | None
    quarantined: int


def pulses(s: Session, now: datetime) -> dict[str, Pulse]:
    """How each role is. Every ingest has sites of its own, so that each must live; one living worker is enough."""
    beats: dict[str, list[Beat]] = {role: [] for role in ROLES}
    for row in s.scalars(select(Heartbeat).where(Heartbeat.role.in_(ROLES)).order_by(Heartbeat.at)):
        alive = -AHEAD <= now - row.at <= DEAD_AFTER
        figures = {name: value for name, value in row.figures.items() if isinstance(value, int | float)}
        beats[row.role].append(Beat(row.holder, row.at, alive, figures))
    return {role: _pulse(role, found, now) for role, found in beats.items()}


def _pulse(role: str, beats: list[Beat], now: datetime) -> Pulse:
    if not beats:
        return Pulse(role, None, False, {}, (f"{role} has given no sign of life yet",))
    current = [beat for beat in beats if now - beat.at <= RETIRED_AFTER] or beats[-1:]
    dead = [beat for beat in current if not beat.alive]
    if role != "ingest":
        living = [beat for beat in current if beat.alive]
        decides = (living or current)[-1]
        return Pulse(role, decides.at, bool(living), decides.figures, () if living else (_silence(role, decides, now),))
    troubles = [_silence(role, beat, now) for beat in dead]
    for beat in current:
        if beat.alive:
            troubles += _ailments(beat)
    return Pulse(role, (dead or current)[0].at, not dead, _worst(current), tuple(troubles))


def _silence(role: str, beat: Beat, now: datetime) -> str:
    seconds = (now - beat.at).total_seconds()
    if seconds < 0:
        return f"{role} {beat.holder}: its last sign of life is {-seconds:.0f} s in the future; set the clocks"
    return f"{role} {beat.holder}: no sign of life for {seconds:.0f} s"


def _ailments(beat: Beat) -> list[str]:
    found = []
    connected, stalled_s = beat.figures.get("connected", 0), beat.figures.get("stalled_s", 0)
    if connected < LANES:
        found.append(f"ingest {beat.holder}: {connected:.0f} of {LANES} connections to the broker")
    if stalled_s > STALLED_AFTER_S:
        found.append(f"ingest {beat.holder}: could store nothing for {stalled_s:.0f} s")
    return found


def _worst(beats: list[Beat]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for name in dict.fromkeys(name for beat in beats for name in beat.figures):
        values = [beat.figures.get(name, 0) for beat in beats]
        combine = min if name == "connected" else max if name.endswith(("_s", "_ms")) else sum
        worst[name] = combine(values)
    return worst


def status(s: Session, now: datetime) -> Status:
    """What the status strip shows."""
    found = pulses(s, now)
    heard_ms = s.scalar(select(func.max(DeviceState.heard_ms)))
    ingest = found["ingest"]
    return Status(
        pulses=found,
        broker_connected=ingest.alive and ingest.figures.get("connected", 0) >= LANES,
        last_data_at=from_ms(heard_ms) if heard_ms else None,
        quarantined=quarantined(s),
    )


def quarantined(s: Session) -> int:
    """How many messages wait in quarantine."""
    return s.scalar(select(func.count()).select_from(Quarantine).where(Quarantine.dismissed_at.is_(None))) or 0


def quarantine(
    s: Session, *, dismissed: bool = False, before: str = "", source: tuple[str, str] | None = None, limit: int = PAGE
) -> list[Quarantine]:
    """A page of quarantine, newest first; `before`: the last id of the page before; `source`: (site, device)."""
    query = select(Quarantine).order_by(Quarantine.id.desc()).limit(limit)
    query = query.where(Quarantine.dismissed_at.is_not(None) if dismissed else Quarantine.dismissed_at.is_(None))
    if before:
        query = query.where(Quarantine.id < before)
    if source is not None:
        query = query.where(Quarantine.site == source[0], Quarantine.device == source[1])
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
    return s.scalar(select(func.min(Message.created_at)).where(IN_FLIGHT))


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
