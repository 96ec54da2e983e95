"""Server-sent events: which lists changed, so that open pages fetch what they show again."""

import json
import time
from collections.abc import AsyncIterator

import anyio
from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from services.alert.tables import AlertEvent
from services.device.tables import Quarantine
from services.kernel.db import Database
from services.notify.tables import Message
from services.people import service as people
from services.rules.tables import MaintenanceMode
from services.web.deps import SESSION_COOKIE, Services, Signed, services
from services.work_order.tables import WorkOrderEvent

router = APIRouter(include_in_schema=False)

POLL_S = 0.5
SESSION_CHECK_S = 60.0
PING_S = 15

Versions = dict[str, str]


class Watch:
    """What the newest change of each list is; however many pages are open, the database is asked once per interval."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._versions: Versions = {}
        self._asked_at = float("-inf")
        self._asking = False
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
        """Ask the database: each is the end of an index."""
        with self._db.read() as s:
            quarantine = s.execute(
                select(func.max(Quarantine.id), func.count()).where(Quarantine.dismissed_at.is_(None))
            ).one()
            tries = s.execute(select(func.max(Message.id), func.max(Message.tried_at), func.max(Message.sent_at))).one()
            modes = s.execute(select(func.max(MaintenanceMode.id), func.max(MaintenanceMode.ended_at))).one()
            return {
                "alerts": s.scalar(select(func.max(AlertEvent.id))) or "",
                "orders": s.scalar(select(func.max(WorkOrderEvent.id))) or "",
                "messages": "|".join(str(part) for part in tries),
                "quarantine": f"{quarantine[0]}|{quarantine[1]}",
                "maintenance": "|".join(str(part) for part in modes),
            }


@router.get("/events")
async def events(request: Request, actor: Signed) -> Response:
    """A stream of `changed` events naming lists; `signed-out` when the session ends."""
    watch: Watch = request.app.state.watch
    return EventSourceResponse(
        _changes(watch, services(request), request.cookies.get(SESSION_COOKIE)),
        ping=PING_S,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _changes(watch: Watch, svc: Services, cookie: str | None) -> AsyncIterator[ServerSentEvent]:
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
        if cookie and time.monotonic() - checked_at > SESSION_CHECK_S:
            checked_at = time.monotonic()
            if not await run_in_threadpool(_still_signed_in, svc, cookie):
                yield ServerSentEvent(event="signed-out", data="{}")
                return


def _still_signed_in(svc: Services, cookie: str) -> bool:
    """Whether the session still holds; an open console keeps its session in use."""
    now = svc.clock.now()
    with svc.db.read() as s:
        found = people.resolve_session(s, cookie, now)
    if found is not None and found.stale:
        with svc.db.begin() as s:
            people.touch(s, found.token_hash, now)
    return found is not None
