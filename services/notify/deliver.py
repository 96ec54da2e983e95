"""The worker's part: claim in one transaction, send outside any, write the result in another.

At least once: a process that dies between sending and writing leaves a lease that runs out, and the message goes out
again, marked with its attempt so that a reader sees it is the same one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, text, update
from sqlalchemy.orm import Session

from services.kernel.clock import Clock
from services.kernel.db import Database
from services.kernel.ids import new_id
from services.notify.model import CRITICAL_RESERVE, SEVERITIES, Channel, Reason, marker, rank, wait_after
from services.notify.senders import Outgoing, Sender, SendResult
from services.notify.tables import Message
from services.notify.texts import digest_text

LEASE = timedelta(seconds=30)
"""Longer than any attempt can last; then the message is anybody's again."""
MAX_ATTEMPTS = 10
"""A message whose sender keeps dying is given up."""
RATE_LIMITED_FOR = timedelta(hours=1)
"""A message held back by the provider's rate limit for so long is given up."""
LONGEST_PAUSE = timedelta(minutes=10)
_PER_PASS = 50
_PASS_FOR = timedelta(seconds=5)
"""A pass over a slow channel ends after this, because the worker's timers wait for it."""
_CANDIDATES = 500
_MINUTE = timedelta(minutes=1)

StillWanted = Callable[[Session, Message], str | None]
"""Why a waiting message is not wanted any more (e.g. `already_acknowledged`); None: send it."""


@dataclass(slots=True)
class Delivered:
    """What one pass did. Every dead message is somebody not told: raise a system alert for it."""

    sent: int = 0
    retrying: int = 0
    dead: list[Message] = field(default_factory=list)

    def add(self, other: "Delivered") -> None:
        """Count another channel's pass too."""
        self.sent += other.sent
        self.retrying += other.retrying
        self.dead += other.dead


@dataclass(slots=True)
class _Claim:
    outgoing: Outgoing | None
    dead: list[Message]


class Courier:
    """Delivers what is due. Safe to run in several workers at once on PostgreSQL."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        channels: Mapping[tuple[str, str], Channel],
        sender_for: Callable[[Channel], Sender],
        still_wanted: StillWanted | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._channels = dict(channels)
        """By (site, channel name)."""
        self._senders = {place: sender_for(channel) for place, channel in self._channels.items()}
        self._still_wanted = still_wanted or (lambda _session, _message: None)

    def deliver_due(self) -> Delivered:
        """Everything due on every channel; channels do not wait for each other's time-outs."""
        total = Delivered()
        places = self._places()
        total.dead += self._bury_orphans([place for place in places if place not in self._channels])
        known = [place for place in places if place in self._channels]
        if len(known) == 1:
            total.add(self.deliver_channel(*known[0]))
        elif known:
            with ThreadPoolExecutor(max_workers=min(len(known), 8), thread_name_prefix="courier") as pool:
                for passed in [pool.submit(self.deliver_channel, *place) for place in known]:
                    total.add(passed.result())
        return total

    def deliver_channel(self, site: str, name: str) -> Delivered:
        """What is due on one channel, most severe first, until it refuses or runs dry."""
        done = Delivered()
        until = self._clock.now() + _PASS_FOR
        for _ in range(_PER_PASS):
            now = self._clock.now()
            if now >= until:
                break
            with self._database.begin() as session:
                claim = self._claim(session, site, self._channels[site, name], now)
            done.dead += claim.dead
            if claim.outgoing is None:
                break
            result = self._senders[site, name].send(claim.outgoing)
            with self._database.begin() as session:
                dead = finish(session, claim.outgoing, result, self._clock.now())
            if dead is not None:
                done.dead.append(dead)
            elif result.outcome == "ok":
                done.sent += 1
            else:
                done.retrying += 1
            if result.outcome == "retry_after":
                break
        return done

    def _places(self) -> list[tuple[str, str]]:
        now = self._clock.now()
        with self._database.read() as session:
            rows = session.execute(
                select(Message.site, Message.channel)
                .where(
                    ((Message.status == "pending") & (Message.next_at <= now))
                    | ((Message.status == "sending") & (Message.lease_until <= now))
                )
                .distinct()
            )
            return sorted(rows)

    def _bury_orphans(self, places: Iterable[tuple[str, str]]) -> list[Message]:
        """Messages for a channel that the site files no longer have."""
        buried: list[Message] = []
        for site, name in places:
            with self._database.begin() as session:
                for message in _waiting(session, site, name, self._clock.now()):
                    _bury(message, "no_channel", f"site {site} has no channel {name} any more")
                    buried.append(message)
        return buried

    def _claim(self, session: Session, site: str, channel: Channel, now: datetime) -> _Claim:
        _one_claimer(session, site, channel.name)
        dead = _expire_leases(session, site, channel.name, now)
        waiting = _waiting(session, site, channel.name, now)
        tokens, free_at = _bucket(session, site, channel, now)
        if _crowded(waiting, tokens):
            wanted = [one for one in waiting if self._wanted(session, one)]
            waiting = _gather(session, site, channel, wanted, tokens, now)
        for message in waiting:
            if not self._wanted(session, message):
                continue
            critical = message.severity == "critical"
            if tokens + (CRITICAL_RESERVE if critical else 0) <= 0:
                message.next_at = max(free_at, now + timedelta(seconds=1))
                continue
            message.status = "sending"
            message.attempts += 1
            message.tried_at = now
            message.lease_until = now + LEASE
            return _Claim(_outgoing(message, channel), dead)
        return _Claim(None, dead)

    def _wanted(self, session: Session, message: Message) -> bool:
        """Whether it should still go out; a message that should not is skipped with the reason."""
        if message.kind == "digest":
            return True
        why = self._still_wanted(session, message)
        if why is not None:
            message.status, message.decision, message.reason = "skipped", "skip", why
            message.next_at = message.lease_until = None
        return why is None


def _one_claimer(session: Session, site: str, channel: str) -> None:
    """On PostgreSQL one claim per channel at a time: the rate limit holds across workers. SQLite has one writer."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:channel, 0))"), {"channel": f"notify/{site}/{channel}"}
        )


def _waiting(session: Session, site: str, channel: str, now: datetime) -> list[Message]:
    severity = case({name: rank(name) for name in SEVERITIES}, value=Message.severity, else_=0)
    query = (
        select(Message)
        .where(Message.site == site, Message.channel == channel, Message.status == "pending", Message.next_at <= now)
        .order_by(severity.desc(), Message.created_at, Message.id)
        .limit(_CANDIDATES)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))


def _expire_leases(session: Session, site: str, channel: str, now: datetime) -> list[Message]:
    """Back to pending whatever a dead process was sending; returns what is given up."""
    lost = session.scalars(
        select(Message)
        .where(
            Message.site == site,
            Message.channel == channel,
            Message.status == "sending",
            Message.lease_until <= now,
        )
        .with_for_update(skip_locked=True)
    )
    dead = []
    for message in lost:
        message.status, message.lease_until, message.next_at = "pending", None, now
        message.error = "the sending process ended before the result was written; it may have arrived"
        if message.attempts >= MAX_ATTEMPTS:
            _bury(message, "lease", message.error)
            dead.append(message)
    session.flush()
    return dead


def _bucket(session: Session, site: str, channel: Channel, now: datetime) -> tuple[int, datetime]:
    """Messages the channel may still carry this minute, and when the next place is free."""
    tried, oldest = session.execute(
        select(func.count(), func.min(Message.tried_at)).where(
            Message.site == site, Message.channel == channel.name, Message.tried_at > now - _MINUTE
        )
    ).one()
    return channel.per_minute - int(tried), (oldest + _MINUTE if oldest else now)


def _crowded(waiting: Sequence[Message], tokens: int) -> bool:
    """Several digest members are due, or the channel has no room for all that wait."""
    mergeable = [one for one in waiting if _mergeable(one)]
    return sum(one.decision == "digest" for one in mergeable) > 1 or (tokens <= 1 and len(mergeable) > 1)


def _gather(
    session: Session, site: str, channel: Channel, waiting: Sequence[Message], tokens: int, now: datetime
) -> list[Message]:
    """Merge due digest members, and what the channel has no room for, into one message; returns what to send."""
    if not _crowded(waiting, tokens):
        return list(waiting)
    # The last place of the minute goes to a digest of all that wait, so that nobody waits for the next minute.
    members = [one for one in waiting if _mergeable(one) and (tokens <= 1 or one.decision == "digest")]
    merged = {one.id for one in members}
    digest = _digest(session, site, channel, members, now)
    rest = [one for one in waiting if one.id not in merged and one is not digest]
    return sorted([*rest, digest], key=lambda one: (-rank(one.severity), one.created_at, one.id))


def _mergeable(message: Message) -> bool:
    """Never life safety, a digest itself, or a message that may have arrived already."""
    return message.severity != "critical" and message.kind != "digest" and message.attempts == 0


def _digest(session: Session, site: str, channel: Channel, members: Sequence[Message], now: datetime) -> Message:
    digest = session.scalar(
        select(Message).where(
            Message.site == site,
            Message.channel == channel.name,
            Message.recipient == members[0].recipient,
            Message.kind == "digest",
            Message.status == "pending",
            Message.attempts == 0,
        )
    )
    if digest is None:
        name = new_id()
        digest = Message(
            id=name,
            idem_key=f"digest:{name}@{channel.name}",
            site=site,
            recipient=channel.name,
            recipient_role="",
            channel=channel.name,
            kind="digest",
            subject_kind="digest",
            subject_id=name,
            occurrence=0,
            severity="low",
            text="",
            text_en="",
            mobiles=[],
            decision="send",
            reason=Reason.DIGEST.value,
            status="pending",
            attempts=0,
            failures=0,
            next_at=now,
            created_at=now,
        )
        session.add(digest)
        session.flush()
    for member in members:
        member.status, member.merged_into, member.next_at = "merged", digest.id, None
    session.flush()
    everyone = list(
        session.scalars(
            select(Message).where(Message.merged_into == digest.id).order_by(Message.created_at, Message.id)
        )
    )
    words = digest_text([(one.severity, one.text, one.text_en) for one in everyone])
    digest.text, digest.text_en = words.zh, words.en
    digest.severity = max((one.severity for one in everyone), key=rank)
    digest.mobiles = sorted({mobile for one in everyone for mobile in one.mobiles})
    return digest


def _outgoing(message: Message, channel: Channel) -> Outgoing:
    return Outgoing(
        id=message.id,
        idem_key=message.idem_key,
        attempt=message.attempts,
        site=message.site,
        channel=message.channel,
        kind=message.kind,
        subject_kind=message.subject_kind,
        subject_id=message.subject_id,
        severity=message.severity,
        text=(message.text_en or message.text) if channel.language == "en" else message.text,
        marker=marker(message.id, message.attempts),
        mobiles=tuple(message.mobiles),
    )


def finish(session: Session, outgoing: Outgoing, result: SendResult, now: datetime) -> Message | None:
    """Write an attempt's result; returns the message when it is given up. Without the lease only success counts."""
    message = session.scalar(
        select(Message).where(Message.id == outgoing.id).with_for_update().execution_options(populate_existing=True)
    )
    if message is None or message.attempts != outgoing.attempt or message.status not in ("sending", "pending"):
        return None
    if result.outcome == "ok":
        message.status, message.sent_at = "sent", now
        message.next_at = message.lease_until = message.error = None
        message.provider_code = result.provider_code[:64]
        return None
    if message.status != "sending":
        return None
    message.provider_code, message.error = result.provider_code[:64], result.error[:400]
    message.lease_until = None
    if result.outcome == "permanent":
        return _bury(message, result.provider_code, result.error)
    if result.wait is not None:
        if now - message.created_at > RATE_LIMITED_FOR:
            return _bury(message, result.provider_code, f"rate limited for too long: {result.error}")
        _pause(session, message, now + min(max(result.wait, timedelta(seconds=1)), LONGEST_PAUSE))
        return None
    message.failures += 1
    wait = wait_after(message.failures)
    if wait is None:
        return _bury(message, result.provider_code, result.error)
    message.status, message.next_at = "pending", now + wait
    return None


def _pause(session: Session, refused: Message, until: datetime) -> None:
    """The provider's limit concerns the whole channel: nothing of it goes out before `until`."""
    refused.status, refused.next_at = "pending", until
    session.flush()
    session.execute(
        update(Message)
        .where(
            Message.site == refused.site,
            Message.channel == refused.channel,
            Message.status == "pending",
            Message.next_at < until,
        )
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )


def _bury(message: Message, code: str, error: str) -> Message:
    message.status, message.next_at, message.lease_until = "dead", None, None
    message.provider_code, message.error = code[:64], error[:400]
    return message
