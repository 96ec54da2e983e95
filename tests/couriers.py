"""A courier with one channel, the messages it carries, and a provider that answers as it is told."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.notify.deliver import Courier
from services.notify.model import Channel, Notice
from services.notify.senders import Outgoing, SendResult
from services.notify.service import announce
from services.notify.tables import Message

NOW = datetime(2026, 11, 21, 19, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DESK = Channel("desk", "wecom", "DESK_KEY")
OK = SendResult("ok", "0")
DOWN = SendResult("retry_after", "500", "HTTP 500")
BUSY = SendResult("retry_after", "45009", "api freq out of limit", MINUTE)
REFUSED = SendResult("permanent", "404", "HTTP 404")


class Script:
    """A sender that answers as it is told, then with its last answer for ever."""

    def __init__(self, *results: SendResult) -> None:
        self.results = list(results) or [OK]
        self.sent: list[Outgoing] = []
        self._lock = threading.Lock()

    def send(self, message: Outgoing) -> SendResult:
        with self._lock:
            self.sent.append(message)
            return self.results.pop(0) if len(self.results) > 1 else self.results[0]


def courier(
    db: Database,
    clock: FakeClock,
    sender: Any,
    channel: Channel = DESK,
    still_wanted: Callable[[Session, Message], str | None] | None = None,
) -> Courier:
    return Courier(db, clock, {("yunhe", channel.name): channel}, lambda _: sender, still_wanted)


def tell(
    db: Database,
    alert: str,
    severity: Any = "high",
    channel: Channel = DESK,
    now: datetime = NOW,
    kind: str = "alert.opened",
) -> str:
    """Announce an alert to the group; returns its message's id."""
    notice = Notice(
        key=f"alert:{alert}:{kind}:1",
        kind=kind,
        site="yunhe",
        subject_kind="alert",
        subject_id=alert,
        severity=severity,
        text=f"报警 {alert}\n第二行",
        text_en=f"alert {alert}\nsecond line",
    )
    with db.begin() as s:
        return announce(s, notice, [], [channel], now).messages[0].id


def row(db: Database, message_id: str) -> Message:
    with db.read() as s:
        return s.get_one(Message, message_id)


class Died(Exception):
    """Stands for kill -9 between sending and writing the result."""
