"""Server-sent events: which lists changed, so that open pages fetch what they show again."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

import anyio
from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.alert.tables import Alert, AlertEvent
from services.device.tables import Quarantine
from services.fire.tables import (
    FireCommand,
    FireDrill,
    FireIncident,
    FireIncidentEvent,
    FireOutage,
    FireSignal,
    FireTest,
    FireTestMode,
)
from services.kernel.db import Database
from services.kernel.errors import TooMany
from services.notify.tables import IN_FLIGHT, Message
from services.patrol.tables import Anomaly, DutyTime, RoundEvent, TapRow
from services.people import service as people
from services.people.roles import may
from services.rules.tables import MaintenanceMode
from services.web.deps import SESSION_COOKIE, Services, Signed, Who, services
from services.work_order.tables import WorkOrderEvent

router = APIRouter(include_in_schema=False)

POLL_S = 0.5
SESSION_CHECK_S = 60.0
PING_S = 15
STREAMS_PER_ACCOUNT = 8
"""The desk's screens; each stream costs a connection for as long as it is open."""
TAIL = 256
"""Newest rows looked at; more than can be committed between an id is drawn and its own commit."""

SIGNALS = 64
"""The same for fire signals, of each site: they are stored by one judge, in the order they came."""

Versions = dict[str, str]


class Watch:
    """What the newest change of each list is; however many pages are open, the database is asked once per interval."""

    def __init__(self, db: Database, sites: Sequence[str] = ()) -> None:
        self._db = db
        self._sites = sites
        self._versions: Versions = {}
        self._asked_at = float("-inf")
        self._asking = False
        self._streams: Counter[str] = Counter()
        self.stopped = False

    def stop(self) -> None:
        """End every stream within POLL_S: a server that shuts down would wait for them."""
        self.stopped = True

    async def versions(self) -> Versions:
        """The versions of now, at most POLL_S old."""
        if not self._asking and time.monotonic() - self._asked_at >= POLL_S * 0.8:
            self._asking = True
            try:
                self._versions = await run_in_threadpool(self.read)
                self._asked_at = time.monotonic()
            finally:
                self._asking = False
        return self._versions

    def read(self) -> Versions:
        """Ask the database, at a cost that history does not raise: see `_tail` and the sums over what is open."""
        with self._db.read() as s:
            alerts = s.execute(select(func.count(), func.sum(Alert.version)).where(Alert.closed_at.is_(None))).one()
            modes = s.execute(select(func.count()).where(MaintenanceMode.ended_at.is_(None))).one()
            quarantine = s.execute(select(func.count()).where(Quarantine.dismissed_at.is_(None))).one()
            waiting = s.execute(
                select(func.count(), func.sum(Message.attempts), func.max(Message.tried_at)).where(IN_FLIGHT)
            ).one()
            return {
                "alerts": _version(alerts, _tail(s, AlertEvent.id)),
                "orders": _version(_tail(s, WorkOrderEvent.id)),
                "messages": _version(waiting, _tail(s, Message.id, Message.status, Message.attempts)),
                "quarantine": _version(quarantine, _tail(s, Quarantine.id)),
                "patrol": _patrol_version(s),
                "fire": _fire_version(s, self._sites),
                "maintenance": _version(modes, _tail(s, MaintenanceMode.id, MaintenanceMode.ended_at)),
            }

    def enter(self, username: str) -> None:
        """One more stream of an account; raises TooMany."""
        if self._streams[username] >= STREAMS_PER_ACCOUNT:
            raise TooMany(
                f"{username} has {STREAMS_PER_ACCOUNT} event streams open",
                hint="Close other windows of the console",
                retry_after_s=int(SESSION_CHECK_S),
            )
        self._streams[username] += 1

    def leave(self, username: str) -> None:
        """A stream of an account has ended."""
        self._streams[username] -= 1
        if self._streams[username] <= 0:
            del self._streams[username]


def _tail(s: Session, key: InstrumentedAttribute[str], *columns: InstrumentedAttribute[Any]) -> list[Any]:
    """The newest rows by id. Not the highest id alone: transactions do not commit in the order of the ids they drew."""
    return [tuple(row) for row in s.execute(select(key, *columns).order_by(key.desc()).limit(TAIL))]


def _patrol_version(s: Session) -> str:
    """Verdicts, taps and answers by when they came; a phone that is heard without news changes nothing here."""
    verdicts = select(RoundEvent.at, RoundEvent.round_id, RoundEvent.seq).order_by(RoundEvent.at.desc()).limit(TAIL)
    taps = select(TapRow.received_at, TapRow.id, TapRow.verdict).order_by(TapRow.received_at.desc()).limit(TAIL)
    duty = select(func.count(), func.max(DutyTime.on_at)).where(DutyTime.off_at.is_(None))
    newest = [sorted(tuple(row) for row in s.execute(query)) for query in (verdicts, taps, duty)]
    return _version(newest, _tail(s, Anomaly.id, Anomaly.withdrawn_at), _closed(s))


def _fire_version(s: Session, sites: Sequence[str]) -> str:
    """Signals of each site by when they came, incidents with what was done, test modes, commands, the ledgers."""
    key = FireSignal.received_at
    signals = select(key, FireSignal.id, FireSignal.incident_id).order_by(key.desc()).limit(SIGNALS)
    newest = [sorted(tuple(row) for row in s.execute(signals.where(FireSignal.site == site))) for site in sites]
    burning = select(func.count(), func.sum(FireIncident.version)).where(FireIncident.closed_at.is_(None))
    events = _tail(s, FireIncidentEvent.incident_id, FireIncidentEvent.seq)
    held = (FireTestMode.site.in_(sites)) & (FireTestMode.ended_at.is_(None))
    modes = select(FireTestMode.id, FireTestMode.until).where(held)
    outages = _tail(s, FireOutage.id, FireOutage.ended_at, FireOutage.prompted_at, FireOutage.noted_at)
    out = (FireOutage.site.in_(sites)) & (FireOutage.ended_at.is_(None))
    going = select(func.count(), func.max(FireOutage.noted_at)).where(out)
    commands = _tail(s, FireCommand.id, FireCommand.outcome, FireCommand.sent_at, FireCommand.answered_at)
    ledgers = (_tail(s, FireTest.id), _tail(s, FireDrill.id))
    states = [sorted(tuple(row) for row in s.execute(query)) for query in (burning, modes, going)]
    return _version(newest, events, states, outages, commands, ledgers)


def _closed(s: Session) -> int:
    """How many anomalies are open: a closed one may be older than the newest rows."""
    waiting = (Anomaly.closed_at.is_(None)) & (Anomaly.withdrawn_at.is_(None))
    return s.scalar(select(func.count()).select_from(Anomaly).where(waiting)) or 0


def _version(*parts: Any) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


class _Stream(EventSourceResponse):
    """Gives its place back however it ends."""

    def __init__(self, content: AsyncIterator[ServerSentEvent], leave: Callable[[], None]) -> None:
        super().__init__(content, ping=PING_S, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


@router.get("/events")
async def events(request: Request, actor: Signed, who: Who) -> Response:
    """A stream of `changed` events naming lists; `signed-out` when the session or the token ends."""
    watch: Watch = request.app.state.watch
    svc = services(request)
    holds = partial(_cookie_holds, svc, request.cookies.get(SESSION_COOKIE, ""))
    if who.via == "bearer":
        holds = partial(_token_holds, svc, request.headers["Authorization"].partition(" ")[2].strip())
    watch.enter(actor.username)
    return _Stream(_changes(watch, holds), partial(watch.leave, actor.username))


async def _changes(watch: Watch, holds: Callable[[], bool]) -> AsyncIterator[ServerSentEvent]:
    seen = await watch.versions()
    yield ServerSentEvent(event="hello", data=json.dumps(seen), retry=2000)
    checked_at = time.monotonic()
    while not watch.stopped:
        await anyio.sleep(POLL_S)
        now = await watch.versions()
        changed = [name for name, version in now.items() if seen.get(name) != version]
        if changed:
            seen = now
            yield ServerSentEvent(event="changed", data=json.dumps(changed))
        if time.monotonic() - checked_at > SESSION_CHECK_S:
            checked_at = time.monotonic()
            if not await run_in_threadpool(holds):
                yield ServerSentEvent(event="signed-out", data="{}")
                return


def _cookie_holds(svc: Services, cookie: str) -> bool:
    """Whether the session still holds; an open console keeps its session in use."""
    now = svc.clock.now()
    with svc.db.read() as s:
        found = people.resolve_session(s, cookie, now)
    if found is not None and found.stale:
        with svc.db.begin() as s:
            people.touch(s, found.token_hash, now)
    return found is not None and may(found.actor, "read")


def _token_holds(svc: Services, token: str) -> bool:
    """Whether the program's token still opens this stream."""
    with svc.db.read() as s:
        actor = people.resolve_token(s, token, svc.clock.now())
    return actor is not None and may(actor, "read")
