"""A day at the shipped site for boards: pressures, rounds, fires, work orders; by the real flows, up to a moment."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from scenario.site import Night, shipped, with_changes
from sqlalchemy import select

from gateway.contract.times import format_at, from_ms, to_ms
from gateway.contract.topics import topic
from gateway.site.model import SiteConfig
from gateway.site.patrol import Schedule
from gateway.subscribe import Message as Wire
from gateway.timeseries.store import TimeSeriesStore
from services.fire.tables import FireCommand, FireIncident
from services.flows import catalog
from services.flows.fire import commands as fire_commands
from services.flows.fire import response as fire_response
from services.flows.fire import test_mode as fire_test_mode
from services.kernel.db import Database
from services.patrol.planning import plans
from services.patrol.tables import Phone, Round
from services.work_order import reviews
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder
from services.worker import Worker

PANEL, APP = "fire-panel-1", "patrol-app"
SMOKE, SMOKE_ABOVE, CALL, SMOKE_2 = "01000300", "01000400", "01000c00", "02000100"
CALM = {
    "low-zone-pressure": 0.45, "high-zone-pressure": 0.8, "domestic-tank-level": 2.1, "hydrant-main-pressure": 0.7,
    "sprinkler-main-pressure": 0.9, "hydrant-jockey-run": 0.0, "nvr-1-online": 1.0, "camera-gate-online": 1.0,
    "camera-garage-north-online": 1.0, "camera-garage-south-online": 1.0, "camera-lobby-1-online": 1.0,
    "gateway-backlog": 3.0, "box-1-insulation": 2.0, "hydrant-pump-1-run": 0.0,
    "hydrant-pump-2-run": 0.0, "sprinkler-pump-1-run": 0.0, "sprinkler-pump-2-run": 0.0, "sprinkler-jockey-run": 1.0,
}  # fmt: skip
"""What gauges show while nothing is wrong."""


def small_beat() -> SiteConfig:
    """The shipped site, with two routes around the clock in place of all its schedules and shifts."""
    site = shipped().site("yunhe")
    schedules = tuple(
        Schedule(id=f"{route}-{number}", route=route, at=tuple(f"{hour:02}:{minute:02}" for hour in range(0, 24, 3)),
                 duration=timedelta(minutes=30))
        for number, (route, minute) in enumerate((("perimeter", 0), ("must-check", 20)))
    )  # fmt: skip
    return with_changes(site, patrol=site.patrol.model_copy(update={"schedules": schedules, "shifts": (), "rules": ()}))


class Day:
    """Plays it; `end` is the last moment, and the day begins 24 hours before."""

    def __init__(self, db: Database, end: datetime, store: TimeSeriesStore | None = None) -> None:
        self.db = db
        self.config = small_beat()
        start = end - timedelta(hours=24)
        self.night = Night(db, self.config, "2026-01-01 00:00", store=store, step="4s")
        night = self.night
        night.clock.set(start)
        night._hearing_since = night._ticked_at = night._worked_at = start
        night.worker = Worker(
            db, night.configs, night.clock, lambda _channel: night.phone, send_command=lambda *_: None
        )
        tick = night.judge.tick
        night.judge.tick = partial(self._tick, tick)  # type: ignore[method-assign]
        with db.begin() as session:
            catalog.sync(session, night.configs, start)
        self._end = end
        self._walked: set[str] = set()
        self._taps = 0
        self._silent_at: datetime | None = None

    def _tick(self, tick: Callable[..., None], now_ms: int, since_ms: int, _figures: dict[str, float]) -> None:
        """Ingest says what it says of itself when it runs."""
        figures = {"lag_ms": 40.0, "urgent_lag_ms": 9.0, "connected": 2.0, "stalled_s": 0.0, "deaf_s": 0.0}
        counted = {"messages": self.night.now.timestamp() - 1.7e9, "readings": self.night.now.timestamp() - 1.7e9}
        tick(now_ms, since_ms, figures | counted | {"rejected": 1.0, "spool_rows": 12.0})

    @property
    def now(self) -> datetime:
        """This moment of the day."""
        return self.night.now

    def play(self) -> None:
        """The whole day."""
        for point, value in CALM.items():
            self.night.shows(point, value)
        self.let("2h")
        self.pressure_falls()
        self.let("2h")
        self.panel_is_looked_after()
        self.let("2h")
        self.it_burns()
        self.let("3h")
        self.somebody_is_asked()
        self.phone_falls_silent()
        self.let("6h")
        self.nobody_answers()
        self.let("4h")
        self.things_go_wrong()
        self.let("4h")
        self.end_of_day()

    # Time and rounds

    def let(self, duration: str) -> None:
        """Let time pass in large steps; guards walk most of their rounds."""
        hours = int(duration.removesuffix("h"))
        for _ in range(hours * 3):
            self.night.wait("20min", step="20min")
            self._walk()

    def _walk(self) -> None:
        """Taps of the last twenty minutes: every fifth round nobody walks, in every fourth one stop is left out.

        Once a phone is silent, each round lacks a stop, so that some are unconfirmed at whatever hour the day ends.
        """
        with self.db.read() as session:
            open_now = select(Round).where(Round.opens_at <= self.now, Round.ends_at > self.now - timedelta(minutes=30))
            rounds = [(row.id, plans.decode(row.plan)) for row in session.scalars(open_now.order_by(Round.id))]
        for row_id, plan in rounds:
            number = sum(row_id.encode())
            is_silent = self._silent_at is not None and from_ms(plan.starts_ms) > self._silent_at
            for stop in plan.stops:
                at_ms = plan.starts_ms + (plan.ends_ms - plan.starts_ms) * (stop.index + 1) // (len(plan.stops) + 1)
                key = f"{row_id}:{stop.index}"
                left_out = stop.index == 1 if is_silent else number % 5 == 0 or (number % 4 == 0 and stop.index == 1)
                if left_out or key in self._walked or at_ms > to_ms(self.now):
                    continue
                self._walked.add(key)
                self._tap(stop.checkpoint, from_ms(at_ms), "guard-2" if number % 2 and not is_silent else "guard-3")
        self.night.hear()

    def _tap(self, checkpoint: str, at: datetime, guard: str) -> None:
        self._taps += 1
        point = next(one for one in self.config.patrol.checkpoints if one.id == checkpoint)
        plain = next((tag.uid for tag in point.tags if tag.kind != "sun"), "")
        body: dict[str, Any] = {"tag": plain} if plain else {"checkpoint": checkpoint}
        body |= {"guard": guard, "client_id": f"tap-{self._taps}", "phone": f"phone-{guard[-1]}"}
        self.say(APP, "tap", body, at=at)

    def say(self, device: str, kind: Any, body: dict[str, Any], *, at: datetime | None = None) -> None:
        """An event that is no reading."""
        event = {"id": self.night._next_id(device), "at": format_at(to_ms(at or self.now))}
        self.night.publish(device, kind, event | body)

    def do(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Somebody does something now."""
        with self.db.begin() as session:
            return act(session, *args, now=self.now, **more)

    # What happens

    def pressure_falls(self) -> None:
        """An excursion long enough for an alert and its order, which is done in time; and one under maintenance."""
        self.night.shows("hydrant-main-pressure", 0.52)
        self.night.wait("54s", step="9s")
        self.night.shows("hydrant-main-pressure", 0.7)
        self.night.wait("54s", step="9s")
        self.night.maintain("yunhe/low-zone-pressure", "1h")
        self.night.shows("low-zone-pressure", 0.6)
        self.night.wait("27s", step="9s")
        self.night.shows("low-zone-pressure", 0.45)
        self.night.wait("27s", step="9s")
        order = self._order("submitted", "engineer-fire")
        self._step(work_orders.rework, order, actor="supervisor", role="supervisor", reason="压力仍偏低")
        self._step(work_orders.submit, order, actor="engineer-fire")
        self._step(work_orders.verify, order, actor="supervisor", role="supervisor")
        words = {"cause": "稳压泵出口阀未全开", "effect": "压力恢复到限值内", "measures": "每周核对阀位"}
        with self.db.begin() as session:
            reviews.write(session, order, **words, actor="engineer-fire", role="engineer", now=self.now)
            reviews.approve(session, order, actor="supervisor", role="supervisor", now=self.now)
        self._step(work_orders.rate, order, stars=4, actor="duty")

    def _order(self, until: str, by: str) -> str:
        """Carry the newest open order out, up to a state."""
        with self.db.read() as session:
            newest = select(WorkOrder).where(WorkOrder.closed_at.is_(None)).order_by(WorkOrder.id.desc())
            order = session.scalars(newest).first()
        assert order is not None
        if order.state == "accepted":
            self._step(work_orders.dispatch, order.id, actor="supervisor", assignee=by)
        self._step(work_orders.start, order.id, actor=by)
        if until == "submitted":
            self._step(work_orders.submit, order.id, actor=by)
        return order.id

    def _step(self, act: Callable[..., Any], order: str, **more: Any) -> None:
        with self.db.begin() as session:
            act(session, order, version=work_orders.get(session, order).version, now=self.now, **more)

    def panel_speaks(self, address: str, *state: str) -> None:
        """A component reports all that holds at it."""
        self.say(PANEL, "fire", {"scope": "component", "address": address, "state": list(state), "complete": True})
        self.night.turn()

    def panel_is_looked_after(self) -> None:
        """A fault comes and goes, a call point is shielded for the rest of the day, a zone is tested."""
        self.panel_speaks(SMOKE_2, "fault")
        self.panel_speaks(CALL, "shield")
        self.do(
            fire_test_mode.begin, self.config, panel=PANEL, zone="building-2", until=self.now + timedelta(hours=1),
            reason="季度检测", actor="engineer-fire", second="duty",
        )  # fmt: skip
        self.night.wait("20min", step="5min")
        self.panel_speaks(SMOKE_2, "fire")
        self.panel_speaks(SMOKE_2)

    def it_burns(self) -> None:
        """A false alarm with everything that belongs to one."""
        self.panel_speaks(SMOKE, "fire")
        self.night.wait("1min", step="20s")
        with self.db.read() as session:
            incident = session.scalars(select(FireIncident.id).where(FireIncident.closed_at.is_(None))).one()
        self.do(fire_response.accept, self.config, incident, actor="guard-2")
        self.night.wait("1min", step="20s")
        self.do(fire_response.arrive, self.config, incident, actor="guard-2")
        self.do(fire_response.grade, self.config, incident, actor="duty", grade="small")
        self.panel_speaks(SMOKE)
        self.do(fire_response.close, self.config, incident, actor="duty", verdict="false", cause="蒸汽")

    def somebody_is_asked(self) -> None:
        """A duty check that is answered."""
        self._check()
        self.night.wait("4min", step="1min")
        self.say(PANEL, "fire", {"scope": "operation", "operations": ["duty_answer"], "operator": 7})
        self.night.turn()

    def phone_falls_silent(self) -> None:
        """From now on nobody can say whether what guard-3 does not deliver was walked."""
        self._silent_at = self.now
        with self.db.begin() as session:
            session.add(Phone(id="yunhe/phone-3", username="guard-3", heard_at=self.now, queued=4))

    def nobody_answers(self) -> None:
        """A duty check that nobody answers."""
        self._check()
        self.night.wait("15min", step="1min")

    def _check(self) -> None:
        asked: FireCommand = self.do(
            fire_commands.ask, self.config, PANEL, "duty_check", {"minutes": 10}, actor="supervisor"
        )
        self.night.turn()
        answer = {"scope": "command", "command": asked.id, "outcome": "confirmed", "answer": {}}
        self.say(PANEL, "fire", answer)
        self.night.turn()

    def things_go_wrong(self) -> None:
        """What nobody can read, numbers that never arrive, a device that says goodbye, an order that waits."""
        self.night.held.append(Wire(topic("yunhe", "domestic-plc", "reading"), b"not json", 0, 1, False))
        self.night.lose("domestic-plc", 3)
        self.night.wait("27s", step="9s")
        self.night.status("nvr-1", online=False)
        self.night.shows("sprinkler-main-pressure", 0.7)
        self.night.wait("54s", step="9s")
        self.night.shows("sprinkler-main-pressure", 0.9)
        self.night.wait("54s", step="9s")
        self.panel_speaks(SMOKE_ABOVE, "fault")
        self.panel_speaks("02000300", "supervisory")

    def end_of_day(self) -> None:
        """A pressure is low right now, a zone is in maintenance, a fire burns."""
        self.night.shows("box-1-insulation", 0.2)
        self.night.shows("hydrant-main-pressure", 0.55)
        self.night.wait("54s", step="9s")
        self.night.maintain("yunhe/high-zone-pressure", "2h")
        self.panel_speaks(SMOKE, "fire")
        self.night.wait("20s", step="10s")
        self.night.clock.set(max(self.now, self._end))
        self.night.turn()
