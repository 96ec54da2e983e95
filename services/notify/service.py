"""Announcing: one row per intended recipient, told or not. Callers own the transaction (`Database.begin`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from services.kernel.ids import new_id
from services.notify.model import (
    DEDUP_WINDOW,
    FLOOD_WINDOW,
    SEVERITIES,
    Case,
    Channel,
    Context,
    Decision,
    Notice,
    Reason,
    Recipient,
    decide,
    flood_goes_on,
    rank,
)
from services.notify.tables import IN_FLIGHT, Flood, Message

_MINUTE = timedelta(minutes=1)
_LADDERS = (
    "alert.escalated", "work_order.overdue", "work_order.approval", "fire.graded", "fire.digest", "fire.call",
)  # fmt: skip
"""Kinds whose steps are each news of their own: they differ by key, not by occurrence."""
_TOLD = ("pending", "sending", "sent", "merged")
"""Statuses of messages that reach somebody, or still may."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The rows this announcement wrote; none when it was announced before."""

    messages: tuple[Message, ...]
    flood_began: bool = False
    flood_ended: bool = False

    @property
    def told(self) -> bool:
        """Somebody hears of it, now or in a digest."""
        return any(message.decision != "skip" for message in self.messages)


def announce(
    session: Session,
    notice: Notice,
    recipients: Iterable[Recipient],
    channels: Iterable[Channel],
    now: datetime,
    *,
    acknowledged: bool = False,
) -> Announced:
    """Decide for every channel and every person on it, and write it down; sending is the worker's."""
    people = sorted(recipients, key=lambda one: one.username)
    began, ended, flood = _flood(session, notice, now)
    written: list[Message] = []
    for channel in sorted(channels, key=lambda one: one.name):
        if channel.personal:
            for person in people:
                context = _context(session, notice, channel, person.username, now, flood, acknowledged)
                written += _write(session, Case(notice, channel, person, context), now)
        else:
            context = _context(session, notice, channel, channel.name, now, flood, acknowledged)
            written += _write_group(session, Case(notice, channel, None, context), people, now)
    return Announced(tuple(written), began, ended)


def _write_group(session: Session, case: Case, people: Sequence[Recipient], now: datetime) -> list[Message]:
    """The group's message and, pointing to it, what that means for each person."""
    group = decide(case)
    verdicts: list[tuple[Recipient, Decision]] = []
    for person in people:
        own = decide(Case(case.notice, case.channel, person, Context(now=now)))
        verdicts.append((person, own if own.verdict == "skip" or group.verdict == "send" else group))
    mobiles = [one.phone for one, verdict in verdicts if verdict.verdict == "send" and one.phone]
    written = _write(session, case, now, decision=group, mobiles=mobiles)
    if not written:
        return []
    carrier = written[0]
    for person, verdict in verdicts:
        carried = carrier.id if verdict.verdict != "skip" else None
        written += _write(
            session, Case(case.notice, case.channel, person, case.context), now, decision=verdict, carrier=carried
        )
    return written


def _write(
    session: Session,
    case: Case,
    now: datetime,
    *,
    decision: Decision | None = None,
    carrier: str | None = None,
    mobiles: Sequence[str] = (),
) -> list[Message]:
    verdict = decision or decide(case)
    person, notice = case.person, case.notice
    recipient = person.username if person else case.channel.name
    status = "skipped" if verdict.verdict == "skip" else ("merged" if carrier else "pending")
    values: dict[str, Any] = {
        "id": new_id(),
        # The group and a person of the same name are two recipients.
        "idem_key": f"{notice.key}:{'' if person else '#'}{recipient}@{case.channel.name}",
        "site": notice.site,
        "recipient": recipient,
        "recipient_role": person.role if person else "",
        "channel": case.channel.name,
        "kind": notice.kind,
        "subject_kind": notice.subject_kind,
        "subject_id": notice.subject_id,
        "occurrence": notice.occurrence,
        "severity": notice.severity,
        "text": notice.text,
        "text_en": notice.text_en,
        "mobiles": list(mobiles) or ([person.phone] if person and person.phone and not carrier else []),
        "decision": verdict.verdict,
        "reason": verdict.reason.value,
        "status": status,
        "merged_into": carrier,
        "attempts": 0,
        "failures": 0,
        "next_at": (verdict.due_at or now) if status == "pending" else None,
        "created_at": now,
    }
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    inserted = session.scalar(
        insert(Message).values(values).on_conflict_do_nothing(index_elements=["idem_key"]).returning(Message.id)
    )
    return [] if inserted is None else [session.get_one(Message, inserted)]


def _context(
    session: Session,
    notice: Notice,
    channel: Channel,
    recipient: str,
    now: datetime,
    flood: bool,
    acknowledged: bool,
) -> Context:
    told = session.execute(
        select(Message.occurrence, Message.severity).where(
            Message.subject_kind == notice.subject_kind,
            Message.subject_id == notice.subject_id,
            Message.kind == notice.kind,
            Message.channel == channel.name,
            Message.recipient == recipient,
            Message.idem_key.not_like(f"{_escaped(notice.key)}:%", escape="\\"),
            Message.status.in_(_TOLD),
            Message.created_at > now - DEDUP_WINDOW,
        )
    ).all()
    same = any(one.occurrence >= notice.occurrence and rank(one.severity) >= rank(notice.severity) for one in told)
    ladder = notice.kind in _LADDERS
    load = session.scalar(
        select(func.count())
        .select_from(Message)
        .where(
            Message.site == notice.site,
            Message.channel == channel.name,
            Message.decision == "send",
            Message.status.in_(("pending", "sending", "sent")),
            Message.created_at > now - _MINUTE,
        )
    )
    return Context(
        now=now,
        acknowledged=acknowledged,
        told_same=same and not ladder,
        told_lately=0 if ladder else len(told),
        flood=flood,
        channel_load=load or 0,
    )


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _flood(session: Session, notice: Notice, now: datetime) -> tuple[bool, bool, bool]:
    """(began, ended, is flood) for the site's desk; both edges stay in the table."""
    new_alerts = count_new_alerts(session, notice.site, now, besides=notice)
    current = session.scalar(select(Flood).where(Flood.site == notice.site, Flood.ended_at.is_(None)).with_for_update())
    flood = flood_goes_on(current is not None, new_alerts)
    if flood and current is None:
        dialect = session.get_bind().dialect.name
        insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        began = session.scalar(
            insert(Flood)
            .values(id=new_id(), site=notice.site, started_at=now)
            .on_conflict_do_nothing(index_elements=["site"], index_where=text("ended_at IS NULL"))
            .returning(Flood.id)
        )
        return began is not None, False, True
    if not flood and current is not None:
        current.ended_at = now
        session.flush()
        return False, True, False
    return False, False, flood


def count_new_alerts(session: Session, site: str, now: datetime, *, besides: Notice | None = None) -> int:
    """Distinct alerts told as new at a site within the flood window, `besides` counted once."""
    query = (
        select(Message.subject_id)
        .where(
            Message.site == site,
            Message.kind == "alert.opened",
            Message.decision != "skip",
            Message.created_at > now - FLOOD_WINDOW,
        )
        .distinct()
    )
    subjects = set(session.scalars(query))
    if besides is not None and besides.kind == "alert.opened" and not besides.late:
        subjects.add(besides.subject_id)
    return len(subjects)


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to «why was (not) this recipient told?» for one message."""

    message: Message
    status: str
    """What became of it in the end: that of the group message or digest which carried it, where one did."""
    reason: str
    """Why it was decided so; when its carrier was dropped before sending, the reason of that."""
    attempts: int
    sent_at: datetime | None
    error: str | None

    @property
    def heard(self) -> bool:
        """It left us and the provider took it."""
        return self.status == "sent"


def explain(session: Session, subject_kind: str, subject_id: str, recipient: str | None = None) -> list[Told]:
    """Everybody who was meant to hear of something, oldest first; nobody listed was ever meant to."""
    first, second = aliased(Message), aliased(Message)
    query = (
        select(Message, first, second)
        .outerjoin(first, Message.merged_into == first.id)
        .outerjoin(second, first.merged_into == second.id)
        .where(Message.subject_kind == subject_kind, Message.subject_id == subject_id)
        .order_by(Message.created_at, Message.channel, Message.recipient, Message.id)
    )
    if recipient is not None:
        query = query.where(Message.recipient == recipient)
    answers = []
    for message, carrier, digest in session.execute(query):
        last = digest or carrier or message
        reason = last.reason if last.status == "skipped" else message.reason
        answers.append(Told(message, last.status, reason, last.attempts, last.sent_at, last.error))
    return answers


def oldest_pending(session: Session) -> datetime | None:
    """When the longest-waiting message became due, for the metrics page; None: nothing waits."""
    return session.scalar(select(func.min(Message.next_at)).where(IN_FLIGHT, Message.status == "pending"))


def in_flood(session: Session, site: str) -> bool:
    """The site's desk is being flooded."""
    return session.scalar(select(Flood.id).where(Flood.site == site, Flood.ended_at.is_(None))) is not None


__all__ = [
    "SEVERITIES",
    "Announced",
    "Channel",
    "Notice",
    "Reason",
    "Recipient",
    "Told",
    "announce",
    "count_new_alerts",
    "explain",
    "in_flood",
    "oldest_pending",
]
