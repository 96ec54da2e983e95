"""The worker's part: claim in one transaction, send outside any, write the result in another.

At least once: a process that dies between sending and writing leaves a lease that runs out, and the message goes out
again, marked with its attempt so that a reader sees it is the same one.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import case, func, select, text, update
from sqlalchemy.orm import Session

from services.kernel.clock import Clock
from services.kernel.db import Database
from services.notify.gathering import crowded, gather
from services.notify.model import (
    BACK_OFF,
    CRITICAL_RESERVE,
    MUST_ACT,
    SEVERITIES,
    SLOW_RETRY,
    Channel,
    marker,
    rank,
    wait_after,
)
from services.notify.senders import Outgoing, Sender, SendResult
from services.notify.tables import IN_FLIGHT, Message

log = logging.getLogger("gengfu.notify")

LEASE = timedelta(seconds=30)
"""Longer than any attempt can last; then the message is anybody's again."""
MAX_DEATHS = 10
"""A message whose sender dies so many times in a row, whatever its kind, is given up: it may be what kills it."""
RATE_LIMITED_FOR = timedelta(hours=1)
"""A message held back by the provider's rate limit for so long has failed."""
BREATHER = BACK_OFF[0]
"""After a failure the channel's other failed messages wait this long: an outage costs one time-out per breather."""
LONGEST_PAUSE = timedelta(minutes=10)
_PER_PASS = 50
_PASS_FOR = timedelta(seconds=5)
"""A pass over a slow channel ends after this, because the worker's timers wait for it."""
_CANDIDATES = 500
_MINUTE = timedelta(minutes=1)
_LEASE_CODE = "lease-lost-"
"""Provider code of a lost lease; the number of those in a row follows."""

StillWanted = Callable[[Session, Message], str | None]
"""Why a waiting message is not wanted any more (e.g. `already_acknowledged`); None: send it."""


@dataclass(slots=True)
class Delivered:
    """What one pass did. Every dead or failing message is somebody not told: raise a system alert for it."""

    sent: int = 0
    retrying: int = 0
    dead: list[Message] = field(default_factory=list)
    """Given up."""
    failing: list[Message] = field(default_factory=list)
    """Failed for the fourth time, and tried on: a person must still act on it. Named once per message."""
    errors: list[Exception] = field(default_factory=list)
    """What ended a channel's pass early; raise it after dealing with the lists."""

    def add(self, other: "Delivered") -> None:
        """Count another pass too."""
        self.sent += other.sent
        self.retrying += other.retrying
        self.dead += other.dead
        self.failing += other.failing
        self.errors += other.errors


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
        """Everything due on every channel; channels do not wait for each other's time-outs, nor fall with each other.

        What a channel's pass raised is in `errors`, so that no list of what died or fails is lost with it.
        """
        total = Delivered()
        places = self._places()
        if not places:
            return total
        passes = [Delivered() for _ in places]
        with ThreadPoolExecutor(max_workers=min(len(places), 8), thread_name_prefix="courier") as pool:
            futures = [pool.submit(self._pass, *place, done) for place, done in zip(places, passes, strict=True)]
        for (site, name), future, done in zip(places, futures, passes, strict=True):
            total.add(done)
            error = future.exception()
            if isinstance(error, Exception):
                log.error("channel %s/%s: the pass ended early: %s", site, name, type(error).__name__)
                total.errors.append(error)
            elif error is not None:
                raise error
        return total

    def _pass(self, site: str, name: str, done: Delivered) -> None:
        """One channel's pass, most severe first, until it refuses or runs dry; `done` counts also when it raises."""
        if (site, name) not in self._channels:
            self._bury_orphans(site, name, done)
            return
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
                finished = finish(session, claim.outgoing, result, self._clock.now())
            done.add(finished)
            if result.outcome == "retry_after":
                break

    def _places(self) -> list[tuple[str, str]]:
        now = self._clock.now()
        with self._database.read() as session:
            rows = session.execute(
                select(Message.site, Message.channel)
                .where(
                    IN_FLIGHT,
                    ((Message.status == "pending") & (Message.next_at <= now))
                    | ((Message.status == "sending") & (Message.lease_until <= now)),
                )
                .distinct()
            )
            return sorted((site, channel) for site, channel in rows)

    def _bury_orphans(self, site: str, name: str, done: Delivered) -> None:
        """Messages for a channel that the site files no longer have."""
        with self._database.begin() as session:
            buried = _waiting(session, site, name, self._clock.now())
            for message in buried:
                _bury(message, "no_channel", f"site {site} has no channel {name} any more")
        done.dead += buried

    def _claim(self, session: Session, site: str, channel: Channel, now: datetime) -> _Claim:
        _one_claimer(session, site, channel.name)
        dead = _expire_leases(session, site, channel.name, now)
        waiting = _waiting(session, site, channel.name, now)
        tokens, free_at = _bucket(session, site, channel, now)
        if crowded(waiting, tokens):
            wanted = [one for one in waiting if self._wanted(session, one)]
            waiting = gather(session, site, channel, wanted, tokens, now)
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
        why = self._digest_over(session, message) if message.kind == "digest" else self._still_wanted(session, message)
        if why is not None:
            message.status, message.decision, message.reason = "skipped", "skip", why
            message.next_at = message.lease_until = None
        return why is None

    def _digest_over(self, session: Session, digest: Message) -> str | None:
        """Why a digest that goes on failing is tried no longer: nobody must act on any of its members."""
        if digest.failures <= len(BACK_OFF):
            return None
        members = session.scalars(select(Message).where(Message.merged_into == digest.id, Message.kind.in_(MUST_ACT)))
        reasons = [self._still_wanted(session, member) for member in members]
        return None if None in reasons else next(iter(reasons), None)


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
        .where(
            IN_FLIGHT,
            Message.site == site,
            Message.channel == channel,
            Message.status == "pending",
            Message.next_at <= now,
        )
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
            IN_FLIGHT,
            Message.site == site,
            Message.channel == channel,
            Message.status == "sending",
            Message.lease_until <= now,
        )
        .with_for_update(skip_locked=True)
    )
    dead = []
    for message in lost:
        deaths = _deaths(message) + 1
        message.status, message.lease_until, message.next_at = "pending", None, now
        message.provider_code = f"{_LEASE_CODE}{deaths}"
        message.error = "the sending process ended before the result was written; it may have arrived"
        if deaths >= MAX_DEATHS:
            dead.append(_bury(message, message.provider_code, message.error))
    session.flush()
    return dead


def _deaths(message: Message) -> int:
    """Leases lost in a row: any answer of the provider, however bad, writes its own code and starts anew."""
    code = message.provider_code or ""
    return int(code.removeprefix(_LEASE_CODE)) if code.startswith(_LEASE_CODE) else 0


def _bucket(session: Session, site: str, channel: Channel, now: datetime) -> tuple[int, datetime]:
    """Messages the channel may still carry this minute, and when the next place is free."""
    tried, oldest = session.execute(
        select(func.count(), func.min(Message.tried_at)).where(
            Message.site == site, Message.channel == channel.name, Message.tried_at > now - _MINUTE
        )
    ).one()
    return channel.per_minute - int(tried), (oldest + _MINUTE if oldest else now)


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


def finish(session: Session, outgoing: Outgoing, result: SendResult, now: datetime) -> Delivered:
    """Write an attempt's result and say what came of it. Without the lease only success counts."""
    message = session.scalar(
        select(Message).where(Message.id == outgoing.id).with_for_update().execution_options(populate_existing=True)
    )
    if message is None or message.attempts != outgoing.attempt or message.status not in ("sending", "pending"):
        return Delivered()
    if result.outcome == "ok":
        message.status, message.sent_at = "sent", now
        message.next_at = message.lease_until = message.error = None
        message.provider_code = result.provider_code[:64]
        return Delivered(sent=1)
    if message.status != "sending":
        return Delivered()
    message.provider_code, message.error = result.provider_code[:64], result.error[:400]
    message.lease_until = None
    if result.outcome == "permanent":
        return Delivered(dead=[_bury(message, result.provider_code, result.error)])
    if result.wait is not None:
        return _rate_limited(session, message, result, result.wait, now)
    message.failures += 1
    wait = wait_after(message.failures)
    if wait is None and not _must_act(session, message):
        return Delivered(dead=[_bury(message, result.provider_code, result.error)])
    message.status, message.next_at = "pending", now + (wait or SLOW_RETRY)
    _rest(session, message, now + BREATHER)
    return Delivered(retrying=1, failing=[message] if message.failures == len(BACK_OFF) + 1 else [])


def _rate_limited(session: Session, message: Message, result: SendResult, wait: timedelta, now: datetime) -> Delivered:
    """The provider asks for a pause. After an hour of them the message has failed, as if by its fourth failure."""
    failing: list[Message] = []
    if now - message.created_at > RATE_LIMITED_FOR:
        error = f"rate limited for too long: {result.error}"
        if not _must_act(session, message):
            return Delivered(dead=[_bury(message, result.provider_code, error)])
        message.error = error[:400]
        if message.failures <= len(BACK_OFF):
            message.failures = len(BACK_OFF) + 1
            failing = [message]
    _pause(session, message, now + min(max(wait, timedelta(seconds=1)), LONGEST_PAUSE))
    return Delivered(retrying=1, failing=failing)


def _must_act(session: Session, message: Message) -> bool:
    """A person must still act on it, or on a member of this digest: never given up for want of a connection."""
    if message.kind != "digest":
        return message.kind in MUST_ACT
    member = select(Message.id).where(Message.merged_into == message.id, Message.kind.in_(MUST_ACT)).limit(1)
    return session.scalar(member) is not None


def _pause(session: Session, refused: Message, until: datetime) -> None:
    """The provider's limit concerns the whole channel: nothing of it goes out before `until`."""
    refused.status, refused.next_at = "pending", until
    _postpone(session, refused, until, everything=True)


def _rest(session: Session, failed: Message, until: datetime) -> None:
    """What has failed before waits for `until`; what was never tried does not: the channel may be well again."""
    _postpone(session, failed, until, everything=False)


def _postpone(session: Session, of: Message, until: datetime, *, everything: bool) -> None:
    session.flush()
    query = update(Message).where(
        IN_FLIGHT,
        Message.site == of.site,
        Message.channel == of.channel,
        Message.status == "pending",
        Message.next_at < until,
    )
    session.execute(
        (query if everything else query.where(Message.failures > 0))
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )


def _bury(message: Message, code: str, error: str) -> Message:
    message.status, message.next_at, message.lease_until = "dead", None, None
    message.provider_code, message.error = code[:64], error[:400]
    return message
