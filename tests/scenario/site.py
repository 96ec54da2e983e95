"""A night at a site, played against the real flows: gauges, people, outages, restarts; only we move the clock."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from gateway.contract.times import format_at, to_ms
from gateway.contract.topics import topic
from gateway.decoder import Batch, Decoder
from gateway.registry import Registry
from gateway.site.fire import Fire
from gateway.site.load import load_configs
from gateway.site.model import Configs, Point, SiteConfig
from gateway.site.patrol import Patrol
from gateway.site.upkeep import Upkeep
from gateway.subscribe import Message as Wire
from gateway.timeseries.store import AheadClaim, TimeSeriesStore
from services.alert import service as alerts
from services.alert.tables import Alert
from services.device.tables import DeviceState
from services.flows import maintenance
from services.flows.judge import SiteJudge
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.notify import service as notify
from services.notify.senders import Outgoing, SendResult
from services.notify.tables import Message
from services.rules.tables import Excursion
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder
from services.worker import LONG, Worker

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_OK = SendResult("ok", "200")
_CLOSELY = timedelta(seconds=20)
_TICK_EVERY = timedelta(seconds=4)
_WORK_EVERY = timedelta(seconds=20)


@cache
def shipped() -> Configs:
    """The demo site and the catalogue as they are shipped."""
    return load_configs(Path(__file__).parents[2] / "device_configs")


def span(text: str) -> timedelta:
    """`2s`, `15min`, `4h`, `1d` as a duration."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return timedelta(seconds=float(number) * _UNITS[text.removeprefix(number)])


def with_changes(config: SiteConfig, **changes: Any) -> SiteConfig:
    """A site like another one, except for some fields."""
    return SiteConfig(**{name: getattr(config, name) for name in SiteConfig.model_fields} | changes)


def yunhe(*points: str) -> SiteConfig:
    """The shipped site with only these points, so that the rest of it has nothing to say."""
    whole = shipped().site("yunhe")
    kept = tuple(point for point in whole.points if point.id in points)
    keys = {whole.key(point.id) for point in kept}
    limits = tuple(limit for limit in whole.limits if limit.point in keys)
    return with_changes(whole, points=kept, limits=limits, patrol=Patrol(), fire=Fire(), upkeep=Upkeep())


@dataclass
class Phone:
    """What the channels delivered. `answer` decides what a provider says."""

    got: list[Outgoing] = field(default_factory=list)
    unheard: deque[Outgoing] = field(default_factory=deque)
    answer: Callable[[Outgoing], SendResult] = lambda _message: _OK

    def refuse(self, code: str, error: str) -> None:
        """From now on the provider refuses for good."""
        self.answer = lambda _message: SendResult("permanent", code, error)

    def accept(self) -> None:
        """The provider works again."""
        self.answer = lambda _message: _OK

    def send(self, message: Outgoing) -> SendResult:
        """Deliver one."""
        result = self.answer(message)
        if result.outcome == "ok":
            self.got.append(message)
            self.unheard.append(message)
        return result


@dataclass
class Gauge:
    """A point of the story: what it shows, and when it says so next."""

    point: Point
    value: float | None = None
    quality: str | None = None
    due_at: datetime | None = None
    ahead: timedelta = timedelta(0)


class Night:
    """Plays a story. Times are the story's; `zone` is the site's."""

    def __init__(
        self,
        db: Database,
        config: SiteConfig,
        start: str = "2026-11-21 02:00",
        *,
        store: TimeSeriesStore | None = None,
        step: str = "2s",
    ) -> None:
        self.db = db
        self.config = config
        self.zone = ZoneInfo(config.site.timezone)
        self.clock = FakeClock(datetime.fromisoformat(start).replace(tzinfo=self.zone))
        self.configs = Configs(sites={config.site.id: config})
        self.phone = Phone()
        self.store = store
        self.boot = "b1"
        self.worker_alive = True
        self.connected = True
        self.ingest_alive = True
        self._step = span(step)
        self._gauges = {point.id: Gauge(point) for point in config.points}
        self._counts: dict[str, int] = {}
        self.held: list[Wire] = []
        """What the broker holds for us."""
        self._ahead: dict[tuple[str, int, int], int] = {}
        self._hearing_since = self._ticked_at = self._worked_at = self.clock.now()
        self._decoder = Decoder(Registry.of([config]), self._settle_ahead)
        self._start_processes()

    def _start_processes(self) -> None:
        self.judge = SiteJudge(self.db, self.configs, [self.config.site.id])
        self.worker = Worker(self.db, self.configs, self.clock, lambda _channel: self.phone)

    def _settle_ahead(self, claims: Sequence[AheadClaim]) -> list[int]:
        if self.store is not None:
            return self.store.settle_all_ahead(claims)
        return [self._ahead.setdefault((one.series, one.claimed_ms, one.tie), one.used_ms) for one in claims]

    # Time

    @property
    def now(self) -> datetime:
        """This moment of the story."""
        return self.clock.now()

    def local(self, moment: datetime | None = None) -> str:
        """`02:05:10` on the site's wall."""
        return (moment or self.now).astimezone(self.zone).strftime("%H:%M:%S")

    def wait(self, duration: str, *, step: str | None = None) -> None:
        """Let time pass: gauges speak, ingest hears and ticks, the worker turns."""
        began, until = self.now, self.now + span(duration)
        while self.now < until:
            # Nothing new comes of watching every reading of a long wait.
            stride = span(step) if step else self._step if self.now - began < _CLOSELY else 5 * self._step
            self.clock.set(min(self.now + stride, until))
            self._speak()
            self.turn()

    def turn(self) -> None:
        """Everything that is due at this moment."""
        if self.ingest_alive:
            self.hear()
            self._hearing_since = min(self._hearing_since, self.now)
            if not timedelta(0) <= self.now - self._ticked_at < _TICK_EVERY:
                self.judge.tick(to_ms(self.now), to_ms(self._hearing_since) if self.connected else 0, {})
                self._ticked_at = self.now
        idle = timedelta(0) <= self.now - self._worked_at < _WORK_EVERY
        if self.worker_alive and (not idle or self._something_due()):
            self.worker.turn()
            for _ in LONG:  # of the long ones it takes one a turn, and turns again at once
                if self._something_due():
                    self.worker.turn()
            self._worked_at = self.now

    def _something_due(self) -> bool:
        """The worker's turns between are idle: nothing comes of them but time."""
        with self.db.read() as session:
            timer = select(Timer.id).where(Timer.done_at.is_(None), Timer.due_at <= self.now)
            message = select(Message.id).where(Message.status == "pending", Message.next_at <= self.now)
            return bool(session.scalar(timer.limit(1)) or session.scalar(message.limit(1)))

    # The site

    def shows(self, point: str, value: float, *, quality: str | None = None, ahead: str = "0s") -> None:
        """From now on the gauge reads this."""
        gauge = self._gauges[point]
        gauge.value, gauge.quality, gauge.ahead = value, quality, span(ahead)
        gauge.due_at = gauge.due_at or self.now

    def falls_silent(self, *points: str) -> None:
        """From now on nothing comes from these gauges."""
        for point in points or tuple(self._gauges):
            self._gauges[point].value = self._gauges[point].due_at = None

    def every(self, interval: str, point: str, value: float, *, for_: str) -> None:
        """The gauge reads this for a while, in a rhythm of its own, and then goes on silently."""
        until = self.now + span(for_)
        while self.now < until:
            self.reading(point, value)
            self.wait(interval, step=interval)

    def reading(self, point: str, value: float, *, at: datetime | None = None, quality: str | None = None) -> None:
        """One reading now; `at`: measured at another moment."""
        device = self._gauges[point].point.device
        event = {"id": self._next_id(device), "at": format_at(to_ms(at or self.now)), "point": point, "value": value}
        self.publish(device, "reading", event | ({"quality": quality} if quality else {}))

    def status(self, device: str, *, online: bool) -> None:
        """A device says that it is there, or its last will that it is not."""
        event = {"id": self._next_id(device), "at": format_at(to_ms(self.now)), "online": online}
        self.publish(device, "status", event)

    def publish(self, device: str, kind: Any, event: dict[str, Any]) -> Wire:
        """Put an event on the wire; it waits in the broker while ingest is away."""
        wire = Wire(topic(self.config.site.id, device, kind), json.dumps(event).encode(), 0, 1, False)
        self.held.append(wire)
        return wire

    def lose(self, device: str, count: int) -> list[Wire]:
        """Events that a device counted and that never arrive (yet); hand them to `resend` for that."""
        lost = []
        point = next(one.id for one in self.config.points if one.device == device)
        for _ in range(count):
            self.reading(point, self._gauges[point].value or 0.0)
            lost.append(self.held.pop())
        return lost

    def resend(self, wires: Iterable[Wire]) -> None:
        """Deliver events again, or at last."""
        self.held.extend(wires)

    def _next_id(self, device: str) -> str:
        self._counts[device] = self._counts.get(device, 0) + 1
        return f"{self.boot}-{self._counts[device]}"

    def _speak(self) -> None:
        for gauge in self._gauges.values():
            if gauge.value is None or gauge.due_at is None or gauge.due_at > self.now:
                continue
            self.reading(gauge.point.id, gauge.value, at=self.now + gauge.ahead, quality=gauge.quality)
            if gauge.point.interval is None:
                gauge.value = gauge.due_at = None
            else:
                gauge.due_at = self.now + gauge.point.interval

    # Our processes

    def hear(self) -> None:
        """Ingest takes what the broker holds, batch by batch."""
        while self.connected and self.held:
            wires, self.held = self.held[:1000], self.held[1000:]
            batch = self.decode(wires)
            if self.store is not None and batch.rows:
                self.store.write(batch.rows)
            self.judge.hear(batch.heard, batch.rejected, to_ms(self.now))

    def decode(self, wires: list[Wire]) -> Batch:
        """As ingest does it."""
        return self._decoder.decode_all(wires, to_ms(self.now))

    def restart(self) -> None:
        """Ingest and worker die and come back: nothing is left but the database."""
        self._start_processes()

    def broker_down(self) -> None:
        """Nothing is heard; devices keep what they have to say."""
        self.connected = False

    def broker_back(self) -> None:
        """The backlog arrives, oldest first."""
        self.connected = True
        self._hearing_since = self.now

    # People

    def acknowledge(self, by: str = "engineer-water", alert: Alert | None = None) -> Alert:
        """Somebody says «seen» to the newest occurrence."""
        seen = alert or self.alert()
        with self.db.begin() as session:
            return alerts.acknowledge(session, seen.id, occurrence=seen.occurrence, actor=by, now=self.now)

    def shelve(self, for_: str, *, by: str = "engineer-water", reason: str = "waiting for the valve") -> None:
        """Somebody puts the alert aside for a while."""
        with self.db.begin() as session:
            until = self.now + span(for_)
            alerts.shelve(session, self.alert().id, until=until, reason=reason, actor=by, now=self.now)

    def maintain(self, target: str, for_: str, *, by: str = "engineer-water", reason: str = "valve work") -> str:
        """Somebody switches a maintenance mode on."""
        with self.db.begin() as session:
            until = self.now + span(for_)
            return maintenance.begin(
                session, self.configs, target, reason=reason, until=until, actor=by, now=self.now
            ).id

    # What is seen

    def alerts(self, rule: str | None = None) -> list[Alert]:
        """Every alert there ever was, oldest first."""
        query = select(Alert).order_by(Alert.id)
        with self.db.read() as session:
            return [one for one in session.scalars(query) if rule is None or one.rule == rule]

    def alert(self, rule: str | None = None) -> Alert:
        """The one alert of the story."""
        found = self.alerts(rule)
        assert len(found) == 1, [(one.rule, one.target) for one in found]
        return found[0]

    def state(self, rule: str | None = None) -> str:
        """What the list shows for the one alert."""
        return alerts.shown(self.alert(rule), self.now)

    def history(self, alert: Alert | None = None) -> list[str]:
        """The facts of an alert's history, in order."""
        with self.db.read() as session:
            rows = alerts.history(session, (alert or self.alert()).id)
        return [fact for row in rows for fact in row.data["facts"]]

    def orders(self) -> list[WorkOrder]:
        """Every order, oldest first."""
        with self.db.read() as session:
            return list(session.scalars(select(WorkOrder).order_by(WorkOrder.id)))

    def order(self) -> WorkOrder:
        """The one order of the story."""
        (found,) = self.orders()
        return found

    def order_history(self) -> list[str]:
        """The kinds of the one order's history, in order."""
        with self.db.read() as session:
            return [row.kind for row in work_orders.history(session, self.order().id)]

    def excursions(self) -> list[Excursion]:
        """Every counted excursion, oldest first."""
        with self.db.read() as session:
            return list(session.scalars(select(Excursion).order_by(Excursion.id)))

    def heard(self) -> list[str]:
        """What was delivered since the last look: `kind: who was told`."""
        said = [f"{one.kind}: {', '.join(self.told_by(one.id))}" for one in self.phone.unheard]
        self.phone.unheard.clear()
        return said

    def texts(self) -> list[str]:
        """The texts delivered since the last look."""
        said = [one.text for one in self.phone.unheard]
        self.phone.unheard.clear()
        return said

    def told_by(self, message_id: str) -> list[str]:
        """The people whom one delivered message told, itself or as part of a digest."""
        with self.db.read() as session:
            members = select(Message.id).where(Message.merged_into == message_id, Message.recipient_role == "")
            carried = Message.merged_into.in_(members) | (Message.merged_into == message_id)
            rows = session.scalars(select(Message).where(carried, Message.recipient_role != ""))
            return sorted(row.recipient for row in rows if row.decision != "skip")

    def told(self, recipient: str, alert: Alert | None = None) -> list[str]:
        """Why somebody was, or was not, told about an alert: `kind: what came of it, reason`."""
        with self.db.read() as session:
            answers = notify.explain(session, "alert", (alert or self.alert()).id, recipient)
            return [f"{one.message.kind}: {one.status}, {one.reason}" for one in answers]

    def device(self, device: str) -> DeviceState:
        """What is known of a device."""
        with self.db.read() as session:
            return session.get_one(DeviceState, f"{self.config.site.id}/{device}")

    def sent(self, device: str) -> int:
        """How many events a device has counted."""
        return self._counts.get(device, 0)

    def timers(self, kind: str) -> list[Timer]:
        """Timers of a kind, in the order they were due."""
        with self.db.read() as session:
            return list(session.scalars(select(Timer).where(Timer.kind == kind).order_by(Timer.due_at, Timer.step)))

    def count(self, table: type[Any]) -> int:
        """Rows of a table."""
        with self.db.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def outcome(self) -> dict[str, list[Any]]:
        """All that the story left behind, without the ids: what two tellings of it must agree in."""
        names = {alert.id: f"{alert.rule} {alert.target}" for alert in self.alerts()}
        names |= {order.id: order.number for order in self.orders()}
        with self.db.read() as session:
            messages = list(session.scalars(select(Message).order_by(Message.created_at, Message.recipient)))
            timers = list(session.scalars(select(Timer).order_by(Timer.due_at, Timer.kind, Timer.step)))
        hidden = {"id", "alert_id", "policy", "equipment_id"}
        return {
            "alerts": [_plain(one, hidden) for one in self.alerts()],
            "history": [self.history(one) for one in self.alerts()],
            "orders": [_plain(one, hidden) for one in self.orders()],
            "excursions": [_plain(one, hidden) for one in self.excursions()],
            "timers": [
                (one.kind, names[one.ref], one.step, one.due_at, one.done_at, one.outcome)
                for one in timers
                if one.ref != self.config.site.id  # a watch over the site starts anew with the worker
            ],
            "messages": [
                (one.kind, names.get(one.subject_id), one.recipient, one.decision, one.reason, one.text, one.sent_at)
                for one in messages
            ],
            "delivered": [(one.kind, one.text, one.attempt) for one in self.phone.got],
        }


def _plain(row: Any, hidden: set[str]) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in hidden}
