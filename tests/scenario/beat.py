"""A beat: guards walk rounds of a small site, by phones that may be off line; judged by the real flows."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from scenario.site import Phone as Delivered
from scenario.site import shipped, span
from sqlalchemy import select

from gateway.contract.clocks import Sent, Stamp, solve
from gateway.contract.times import format_at, to_ms
from gateway.contract.topics import topic
from gateway.decoder import Decoder
from gateway.registry import Registry
from gateway.site.model import Area, Configs, Device, Person, Policy, Site, SiteConfig
from gateway.site.patrol import Checkpoint, Patrol, PatrolSettings, Position, Route, Schedule, Shift, Stop, Tag
from gateway.subscribe import Message as Wire
from services.alert.tables import Alert
from services.flows.judge import SiteJudge
from services.flows.patrol.emergency import MAN_DOWN_TIMER
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.notify.tables import Message
from services.patrol.tables import Anomaly, Phone, Round, RoundEvent, RoundStop, TapRow
from services.work_order.tables import WorkOrder
from services.worker import Worker

APP = "patrol-app"


def uid_of(number: int) -> str:
    """A tag's identity."""
    return f"04AB{number:010X}"


def beat_site(
    *,
    zone: str = "Asia/Shanghai",
    stops: int = 4,
    routes: Sequence[Route] = (),
    schedules: Sequence[Schedule] = (),
    shifts: Sequence[Shift] = (),
    people: Iterable[str] = ("guard", "guard-2"),
    **patrol: Any,
) -> SiteConfig:
    """A site with checkpoints `p1` … 30 m apart, tags `uid_of(n)` and codes `CODE-n`; the shipped policies."""
    policies: tuple[Policy, ...] = shipped().site("yunhe").policies
    points = tuple(
        Checkpoint(
            id=f"p{number}",
            name=f"{number}号点",
            area="yard",
            tags=(Tag(uid=uid_of(number)),),
            code=f"CODE-{number}",
            position=Position(x_m=30.0 * number, y_m=0.0),
        )
        for number in range(1, stops + 1)
    )
    given = patrol.pop("checkpoints", points)
    return SiteConfig(
        site=Site(id="beat", name="小区", timezone=zone),
        areas=(Area(id="yard", name="院子", kind="other"),),
        devices=(Device(id=APP, name="巡更手机", area="yard", kind="patrol_app"),),
        people=(
            *(Person(username=name, name=name, role="guard") for name in people),
            Person(username="duty", name="值班", role="duty"),
            Person(username="engineer", name="工程", role="engineer"),
            Person(username="supervisor", name="主管", role="supervisor"),
        ),
        channels=shipped().site("yunhe").channels,
        policies=policies,
        patrol=Patrol(
            checkpoints=given,
            routes=tuple(routes)
            or (Route(id="yard", name="院子", stops=tuple(Stop(checkpoint=one.id) for one in given)),),
            schedules=tuple(schedules),
            shifts=tuple(shifts),
            settings=patrol.pop("settings", PatrolSettings()),
            **patrol,
        ),
    )


@dataclass
class Handset:
    """A guard's phone: its own idea of the time, a queue, and perhaps no network."""

    beat: "Beat"
    guard: str
    name: str
    wall_off: timedelta = timedelta(0)
    online: bool = True
    queue: list[tuple[Stamp, dict[str, Any]]] = field(default_factory=list)
    _boot: int = 1
    _booted_ms: int = 0
    _seq: int = 0
    _last: Sent | None = None

    def reboot(self) -> None:
        """Start anew: another boot, and a monotonic clock from zero."""
        self._boot += 1
        self._booted_ms = to_ms(self.beat.now)

    def _clocks(self) -> tuple[int, int, str]:
        now_ms = to_ms(self.beat.now)
        return now_ms + self.wall_off // timedelta(milliseconds=1), now_ms - self._booted_ms, f"b{self._boot}"

    def tap(self, checkpoint: str, **more: Any) -> None:
        """Hold the phone to a tag now; delivered at once, or when the network is back."""
        wall, mono, boot = self._clocks()
        self._seq += 1
        number = int(checkpoint.removeprefix("p"))
        body = {"tag": uid_of(number), "guard": self.guard, "client_id": f"{self.name}-{self._seq}"} | more
        self.queue.append((Stamp(wall, mono, boot, self._seq), body))
        if self.online:
            self.sync()

    def sync(self) -> None:
        """Deliver what is queued, as the phone's server does it."""
        wall, mono, boot = self._clocks()
        received = to_ms(self.beat.now)
        sent = Sent(wall, mono, boot, received)
        solved = solve([stamp for stamp, _ in self.queue], sent, self._last)
        self._last = sent
        queue, self.queue = self.queue, []
        self.beat.phone_heard(self, sent, len(self.queue))
        for (stamp, body), one in zip(queue, solved, strict=True):
            self.beat.publish(
                body
                | {
                    "at": format_at(one.at_ms),
                    "claimed_at": format_at(stamp.wall_ms),
                    "received_at": format_at(received),
                    "clock": one.basis,
                    "uncertain_ms": one.uncertain_ms,
                    "clock_turned": one.turned,
                    "phone": self.name,
                }
            )
        self.beat.hear()

    def offline(self) -> None:
        """No network from now on."""
        self.online = False

    def back(self) -> None:
        """The network is back: everything is delivered."""
        self.online = True
        self.sync()


class Beat:
    """Plays a story of rounds; only the story moves the clock, from one thing that is due to the next."""

    def __init__(self, db: Database, config: SiteConfig, start: str) -> None:
        self.db = db
        self.config = config
        self.zone = ZoneInfo(config.site.timezone)
        self.clock = FakeClock(datetime.fromisoformat(start).replace(tzinfo=self.zone))
        self.configs = Configs(sites={config.site.id: config})
        self.delivered = Delivered()
        self.wires: list[Wire] = []
        self._seq = itertools.count(1)
        self._worked_at = self.clock.now()
        self.ingest_alive, self._hears_since = True, self.clock.now()
        self._handsets: dict[str, Handset] = {}
        self._decoder = Decoder(Registry.of([config]), lambda claims: [one.used_ms for one in claims])
        self.restart()

    def restart(self) -> None:
        """Every process dies and comes back: nothing is left but the database."""
        self.judge = SiteJudge(self.db, self.configs, [self.config.site.id])
        self.worker = Worker(self.db, self.configs, self.clock, lambda _channel: self.delivered)
        self.beat_ingest()
        self.worker.turn()

    @property
    def now(self) -> datetime:
        """This moment of the story."""
        return self.clock.now()

    def at(self, local: str) -> datetime:
        """A local time of the story, `2026-11-21 23:00`."""
        return datetime.fromisoformat(local).replace(tzinfo=self.zone)

    def until(self, moment: datetime | str, *, closely: bool = True) -> None:
        """Let time pass; closely: the worker turns at everything that is due, else only at the end."""
        target = self.at(moment) if isinstance(moment, str) else moment
        while closely:
            with self.db.read() as session:
                due_at = session.scalar(select(Timer.due_at).where(Timer.done_at.is_(None)).order_by(Timer.due_at))
            if due_at is None or due_at > target:
                break
            self.clock.set(max(due_at, self.now))
            self.beat_ingest()
            self.worker.turn()
        self.clock.set(target)
        self.beat_ingest()
        self.worker.turn()

    def skip_to(self, moment: datetime) -> None:
        """Let time pass with a worker that turns only once an hour: late, and no less right."""
        self.clock.set(moment)
        if moment - self._worked_at >= span("1h"):
            self.beat_ingest()
            self.worker.turn()
            self._worked_at = moment

    def wait(self, duration: str) -> None:
        """Let time pass."""
        self.until(self.now + span(duration))

    def beat_ingest(self) -> None:
        """Ingest says that it lives, and since when it hears."""
        if self.ingest_alive:
            self.judge.tick(to_ms(self.now), to_ms(self._hears_since), {})

    def ingest_dies(self) -> None:
        """Ingest is gone; the broker keeps what is published for it."""
        self.ingest_alive = False

    def ingest_returns(self) -> None:
        """Ingest is back, and takes what the broker kept."""
        self.ingest_alive, self._hears_since = True, self.now
        self.hear()
        self.beat_ingest()

    def handset(self, guard: str = "guard", name: str = "") -> Handset:
        """A phone in somebody's hand; the same name is the same phone."""
        name = name or f"phone-{guard}"
        if name not in self._handsets:
            self._handsets[name] = Handset(self, guard, name, _booted_ms=to_ms(self.now) - 60_000)
        return self._handsets[name]

    def phone_heard(self, phone: Handset, sent: Sent, queued: int) -> None:
        """What the phone's server notes of every contact."""
        with self.db.begin() as session:
            session.merge(
                Phone(
                    id=f"{self.config.site.id}/{phone.name}",
                    username=phone.guard,
                    heard_at=self.now,
                    boot=sent.boot,
                    mono_ms=sent.mono_ms or 0,
                    wall_ms=sent.wall_ms,
                    received_ms=sent.received_ms,
                    queued=queued,
                )
            )

    def publish(self, body: dict[str, Any]) -> None:
        """Put a tap on the wire."""
        event = {"id": f"b1-{next(self._seq)}", "at": format_at(to_ms(self.now))} | body
        self.wires.append(Wire(topic(self.config.site.id, APP, "tap"), json.dumps(event).encode(), 0, 1, False))

    def hear(self) -> None:
        """Ingest takes what is on the wire, if it lives."""
        if not self.ingest_alive:
            return
        wires, self.wires = self.wires, []
        batch = self._decoder.decode_all(wires, to_ms(self.now))
        assert not batch.rejected, batch.rejected
        self.judge.hear(batch.heard, batch.rejected, to_ms(self.now))

    # What is seen

    def rows(self, model: type[Any], *where: Any) -> list[Any]:
        """Rows of a table."""
        with self.db.read() as session:
            return list(session.scalars(select(model).where(*where).order_by(*model.__table__.primary_key)))

    def round(self, start: str) -> Round:
        """The round that starts at a local time."""
        found = self.rows(Round, Round.starts_at == self.at(start))
        assert len(found) == 1, [one.id for one in found]
        return found[0]  # type: ignore[no-any-return]

    def verdicts(self, start: str) -> list[str]:
        """What is said of the stops of a round, in order."""
        stops: list[RoundStop] = self.rows(RoundStop, RoundStop.round_id == self.round(start).id)
        return [f"{one.verdict} {one.certainty}".strip() for one in stops]

    def history(self, start: str, stop: int) -> list[str]:
        """How the verdict of a stop came to be."""
        events: list[RoundEvent] = self.rows(RoundEvent, RoundEvent.round_id == self.round(start).id)
        return [one.now for one in events if one.stop == stop]

    def taps(self) -> list[TapRow]:
        """Every tap, by time."""
        return sorted(self.rows(TapRow), key=lambda tap: (tap.at, tap.id))

    def alerts(self, rule: str) -> list[Alert]:
        """Every alert there ever was of a rule."""
        return self.rows(Alert, Alert.rule == rule)

    def alert(self, rule: str) -> Alert:
        """The one alert of a rule."""
        (found,) = self.alerts(rule)
        return found

    def told(self, kind: str, subject: str) -> list[str]:
        """Who was told about something."""
        rows: list[Message] = self.rows(Message, Message.subject_kind == kind, Message.subject_id == subject)
        return sorted({one.recipient for one in rows if one.decision != "skip" and one.recipient_role})

    def asked(self) -> list[str]:
        """Guards whose phones ask them now whether they are well."""
        open_now = (Timer.kind == MAN_DOWN_TIMER, Timer.done_at.is_(None))
        return [one.ref for one in self.rows(Timer, *open_now)]

    def alert_count(self, rule: str) -> int:
        """How many there ever were of a rule."""
        return len(self.alerts(rule))

    def order(self) -> WorkOrder:
        """The one order."""
        (found,) = self.rows(WorkOrder)
        return found  # type: ignore[no-any-return]

    def anomalies(self) -> list[str]:
        """Anomalies that wait for a comment."""
        rows: list[Anomaly] = self.rows(Anomaly, Anomaly.withdrawn_at.is_(None), Anomaly.closed_at.is_(None))
        return sorted(f"{one.kind} {one.checkpoint or ''}".strip() for one in rows)

    def texts(self) -> list[str]:
        """The texts delivered since the last look."""
        said = [one.text for one in self.delivered.unheard]
        self.delivered.unheard.clear()
        return said
