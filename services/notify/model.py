"""Who is told what: a chain of small stages, each of which may decide and then names its reason.

A person hears through a channel either personally, or as one of the group that reads it. The group's message is decided
first; a person of the group is then told by it, or is left out of the call-out with a reason of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
Verdict = Literal["send", "skip", "digest"]

DEDUP_WINDOW = timedelta(minutes=10)
"""The same step of the same occurrence is not told twice within this."""
FLAPPING_ABOVE = 3
"""So many tellings of one alert within the window are enough; its later occurrences are only listed."""
LOW_DIGEST_EVERY = timedelta(minutes=10)
FLOOD_WINDOW = timedelta(minutes=10)
FLOOD_ABOVE = 10
"""More new alerts than this within the window are a flood (ISA-18.2) …"""
FLOOD_BELOW = 5
"""… until fewer than this."""
FLOOD_DIGEST_EVERY = timedelta(minutes=1)
PER_MINUTE = 18
"""Messages a channel carries per minute: group robots refuse more than 20."""
CRITICAL_RESERVE = 2
"""Messages per minute kept free for life safety."""


class Reason(StrEnum):
    """Why somebody was, or was not, told."""

    ADDRESSED = "addressed"
    """The channel hears everything of this role and area."""
    ON_DUTY = "on_duty"
    """A person of the addressed role and area, on duty."""
    LIFE_SAFETY = "life_safety"
    """Told although off duty or muted: life safety."""
    NOT_IN_ROLE = "not_in_role"
    NOT_IN_AREA = "not_in_area"
    BELOW_CHANNEL_SEVERITY = "below_channel_severity"
    LATE_HISTORY = "late_history"
    OFF_DUTY = "off_duty"
    MUTED = "muted"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    ALREADY_CLOSED = "already_closed"
    DUPLICATE = "duplicate"
    FLAPPING = "flapping"
    LOW_SEVERITY = "low_severity"
    FLOOD = "flood"
    THROTTLED = "throttled"
    DIGEST = "digest"
    """The message is itself a digest."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach people, as the site declares it."""

    name: str
    kind: Literal["console", "webhook", "wecom"]
    secret_env: str = ""
    """Name of the environment variable with the webhook's address or the robot's key."""
    roles: frozenset[str] = frozenset()
    """Roles that read it; empty: all."""
    areas: frozenset[str] = frozenset()
    """Areas it is for; empty: the whole site."""
    min_severity: Severity = "low"
    personal: bool = False
    """Reaches one person at a time (each gets a message) rather than a group (all share one)."""
    per_minute: int = PER_MINUTE
    language: Literal["zh", "en"] = "zh"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who may be told."""

    username: str
    role: str
    areas: frozenset[str] = frozenset()
    """Areas this person answers for; empty: the whole site."""
    phone: str | None = None
    on_duty: bool = True
    muted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people should be told."""

    key: str
    """Which telling this is, e.g. `alert:01J…:escalated:2`: the same key is never told twice to the same recipient."""
    kind: str
    """alert.opened, alert.escalated, alert.cleared, work_order.dispatched, work_order.overdue, system, …"""
    site: str
    subject_kind: Literal["alert", "work_order", "system", "digest"]
    subject_id: str
    severity: Severity
    text: str
    text_en: str = ""
    occurrence: int = 1
    roles: frozenset[str] = frozenset()
    """Roles it is for; empty: every role."""
    areas: frozenset[str] = frozenset()
    """The area it is about and those that contain it; empty: the whole site."""
    usernames: frozenset[str] = frozenset()
    """Persons it is for by name, whatever their role, e.g. the assignee."""
    late: bool = False
    """About the past: recorded, told to nobody."""

    @property
    def life_safety(self) -> bool:
        """Never muted, thinned out or put into a digest."""
        return self.severity == "critical"


@dataclass(frozen=True, slots=True)
class Context:
    """What the stages need to know about now and the recent past of one recipient on one channel."""

    now: datetime
    acknowledged: bool = False
    """Somebody has acknowledged this occurrence already."""
    told_same: bool = False
    """This recipient was told this kind about this occurrence within the window, at this severity or above."""
    told_lately: int = 0
    """How often this recipient was told this kind about this subject within the window."""
    flood: bool = False
    channel_load: int = 0
    """Messages the channel has carried or has waiting within the last minute."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why, and for a digest when it is due."""

    verdict: Verdict
    reason: Reason
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One decision to take: `person` None is the group that reads the channel."""

    notice: Notice
    channel: Channel
    person: Recipient | None
    context: Context


Stage = Callable[[Case], Decision | None]


def rank(severity: str) -> int:
    """Place of a severity, 0 for low; raises ValueError on an unknown one."""
    return SEVERITIES.index(severity)


def route(case: Case) -> Decision | None:
    """Role and area of channel and person against those the notice is for."""
    notice, channel, person = case.notice, case.channel, case.person
    if person is None:
        if notice.roles and channel.roles and not notice.roles & channel.roles:
            return _skip(Reason.NOT_IN_ROLE)
        return _skip(Reason.NOT_IN_AREA) if _elsewhere(notice, channel.areas) else None
    if person.username in notice.usernames:
        return None
    if (notice.usernames or notice.roles) and person.role not in notice.roles:
        return _skip(Reason.NOT_IN_ROLE)
    if channel.roles and person.role not in channel.roles:
        return _skip(Reason.NOT_IN_ROLE)
    return _skip(Reason.NOT_IN_AREA) if _elsewhere(notice, person.areas) else None


def _elsewhere(notice: Notice, areas: frozenset[str]) -> bool:
    return bool(areas and notice.areas and not areas & notice.areas)


def severity_floor(case: Case) -> Decision | None:
    """A channel may want nothing below a severity."""
    if rank(case.notice.severity) < rank(case.channel.min_severity):
        return _skip(Reason.BELOW_CHANNEL_SEVERITY)
    return None


def late_history(case: Case) -> Decision | None:
    """Nobody is paged about the past."""
    return _skip(Reason.LATE_HISTORY) if case.notice.late else None


def mute(case: Case) -> Decision | None:
    """Off duty or quiet, unless it is a matter of life."""
    person = case.person
    if person is None:
        return None
    muted = person.muted_until is not None and person.muted_until > case.context.now
    if not muted and person.on_duty:
        return None
    if case.notice.life_safety:
        return None
    return _skip(Reason.MUTED if muted else Reason.OFF_DUTY)


def acknowledged(case: Case) -> Decision | None:
    """Somebody has it already. That it is over, and orders, are told all the same."""
    if case.context.acknowledged and case.notice.kind in ("alert.opened", "alert.escalated"):
        return _skip(Reason.ALREADY_ACKNOWLEDGED)
    return None


def dedup(case: Case) -> Decision | None:
    """Not the same thing twice within the window, and not every swing of a flapping gauge."""
    if case.context.told_same:
        return _skip(Reason.DUPLICATE)
    if case.context.told_lately >= FLAPPING_ABOVE and not case.notice.life_safety:
        return _skip(Reason.FLAPPING)
    return None


def digest(case: Case) -> Decision | None:
    """Low severity waits for the ten-minute digest; in a flood all but high and critical share one a minute."""
    if rank(case.notice.severity) >= rank("high") or case.notice.subject_kind == "system":
        return None
    if case.context.flood:
        return _digest(Reason.FLOOD, case.context.now, FLOOD_DIGEST_EVERY)
    if case.notice.severity == "low":
        return _digest(Reason.LOW_SEVERITY, case.context.now, LOW_DIGEST_EVERY)
    return None


def throttle(case: Case) -> Decision | None:
    """A channel that is full for this minute gathers the rest, except life safety."""
    if case.context.channel_load < case.channel.per_minute or case.notice.life_safety:
        return None
    return _digest(Reason.THROTTLED, case.context.now, FLOOD_DIGEST_EVERY)


STAGES: tuple[Stage, ...] = (route, severity_floor, late_history, mute, acknowledged, dedup, digest, throttle)


def decide(case: Case) -> Decision:
    """The first stage that decides; otherwise send."""
    for stage in STAGES:
        decision = stage(case)
        if decision is not None:
            return decision
    person = case.person
    if person is None:
        return Decision("send", Reason.ADDRESSED)
    muted = person.muted_until is not None and person.muted_until > case.context.now
    return Decision("send", Reason.ON_DUTY if person.on_duty and not muted else Reason.LIFE_SAFETY)


def _skip(reason: Reason) -> Decision:
    return Decision("skip", reason)


def _digest(reason: Reason, now: datetime, every: timedelta) -> Decision:
    return Decision("digest", reason, next_boundary(now, every))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_boundary(now: datetime, every: timedelta) -> datetime:
    """The next moment after `now` at which a digest of this rhythm is due: the same for everybody."""
    return _EPOCH + ((now - _EPOCH) // every + 1) * every


def flood_goes_on(was: bool, new_alerts: int) -> bool:
    """Whether `new_alerts` within the flood window are a flood, with hysteresis on the way out."""
    return new_alerts > FLOOD_ABOVE or (was and new_alerts >= FLOOD_BELOW)


BACK_OFF = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5))
"""Waits after the first, second and third failure; the next is final, unless a person must act on the message."""
SLOW_RETRY = timedelta(minutes=5)
"""Then it is tried this often for as long as it is wanted: an outage of the internet must not end in silence."""
MUST_ACT = frozenset({"alert.opened", "alert.escalated", "work_order.overdue", "fire.graded", "fire.call"})
"""Kinds of messages that somebody must still act on, however late they arrive."""


def wait_after(failures: int) -> timedelta | None:
    """How long to wait after so many failures; None: the ladder has ended."""
    return BACK_OFF[failures - 1] if failures <= len(BACK_OFF) else None


def marker(message_id: str, attempt: int) -> str:
    """What a reader recognises a repeated message by: `[#7XK2Q]`, from the second attempt on `[#7XK2Q-2]`."""
    return f"[#{message_id[-5:]}]" if attempt <= 1 else f"[#{message_id[-5:]}-{attempt}]"
