"""What due timers do. Each handler looks again whether its reason still holds, acts, and says what came of it."""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.model import Configs, SiteConfig, UnknownId, UnknownSite
from services.alert import service as alerts
from services.flows import ladder, maintenance
from services.flows.breach import ANNOUNCE_TIMER, SETTLE
from services.flows.telling import (
    announce,
    announce_again,
    hidden,
    record_late,
    tell_escalated,
    tell_order_overdue,
)
from services.kernel import timers
from services.kernel.collisions import collided
from services.kernel.timers import Timer, TimerHandler
from services.rules.tables import PointState
from services.work_order import service as work_orders

GIVE_UP_WAITING = timedelta(minutes=10)
"""A late breach whose point stays silent this long is announced as the last that is known."""
UNSHELVE_TIMER = alerts.UNSHELVE_TIMER


@dataclass(frozen=True, slots=True)
class TimerFlows:
    """The handlers, with the site files and the lateness policy they need."""

    configs: Configs
    late_after: timedelta

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {
            ANNOUNCE_TIMER: self.announce_late,
            ladder.ESCALATE_TIMER: self.escalate,
            UNSHELVE_TIMER: self.unshelve,
            maintenance.END_TIMER: self.end_maintenance,
            work_orders.RESPOND_TIMER: self.response_overdue,
            work_orders.FINISH_TIMER: self.finish_overdue,
            work_orders.HOLD_TIMER: self.end_hold,
        }

    def _site(self, site: str) -> SiteConfig:
        return self.configs.site(site)

    def announce_late(self, session: Session, timer: Timer, now: datetime) -> str:
        """A breach was old when heard: page only if fresh data still shows it (nobody is paged about the past)."""
        alert = alerts.get(session, timer.ref)
        if not alert.active or alert.closed_at is not None:
            record_late(session, self._site(alert.site), alert, now)
            return "over before anybody had to know"
        if alert.occurrence != int(timer.step) or alert.announced_occurrence >= alert.occurrence:
            return "another occurrence took its place"
        if hidden(alert, now):
            return "hidden"
        state = session.get(PointState, alert.target)
        fresh = state is not None and to_ms(now) - state.last_ms <= self.late_after // timedelta(milliseconds=1)
        waited = now - datetime.fromisoformat(str(timer.data.get("first", now.isoformat())))
        if not fresh and waited < GIVE_UP_WAITING:
            data = {"first": timer.data.get("first", now.isoformat())}
            timer.due_at, timer.data = now + SETTLE, data
            return ""
        announce(session, self._site(alert.site), alert, now)
        return "announced" if fresh else "announced: the last that is known"

    def escalate(self, session: Session, timer: Timer, now: datetime) -> str:
        """Nobody acknowledged in time: tell the next level. Steps missed during an outage collapse into the highest."""
        alert = alerts.get(session, timer.ref)
        if alert.acked_occurrence >= ladder.occurrence_of(timer):
            return "acknowledged"
        if alert.closed_at is not None or not alert.active:
            return ladder.OVER
        if hidden(alert, now):
            return "hidden"
        step = ladder.step_of(timer)
        higher = [one for one in ladder.due_steps(session, alert, now) if one > step]
        if higher:
            return f"collapsed into step {max(higher)}"
        told = tell_escalated(session, self._site(alert.site), alert, step, now)
        return f"told {told}"

    def unshelve(self, session: Session, timer: Timer, now: datetime) -> str:
        """Shelving is over: what is still wrong shows again, and is told again if nobody has acknowledged it."""
        alert = alerts.unshelve(session, timer.ref, reason="expired", now=now)
        told = announce_again(session, self._site(alert.site), alert, now)
        return "back, and told again" if told else "back"

    def end_maintenance(self, session: Session, timer: Timer, now: datetime) -> str:
        """A maintenance mode ran out."""
        for alert in maintenance.end(session, self.configs, timer.ref, "system", now):
            announce_again(session, self._site(alert.site), alert, now)
        return "ended"

    def response_overdue(self, session: Session, timer: Timer, now: datetime) -> str:
        """Nobody started in time."""
        return self._overdue(session, timer, now, "respond")

    def finish_overdue(self, session: Session, timer: Timer, now: datetime) -> str:
        """The work is not finished in time."""
        return self._overdue(session, timer, now, "finish")

    def _overdue(self, session: Session, timer: Timer, now: datetime, clock: str) -> str:
        order = work_orders.get(session, timer.ref)
        if not work_orders.note_overdue(session, order.id, clock, now):  # type: ignore[arg-type]
            return "met in time"
        tell_order_overdue(session, self._site(order.site), order, clock, now)
        return "overdue, told upward"

    @staticmethod
    def end_hold(session: Session, timer: Timer, now: datetime) -> str:
        """The time an order was put on hold for is over."""
        work_orders.end_hold(session, timer.ref, now=now)
        return "resumed"


def run_due(
    session: Session,
    handlers: Mapping[str, TimerHandler],
    now: datetime,
    *,
    limit: int = 100,
    sites: Container[str] = frozenset(),
    long: Collection[str] = (),
) -> list[tuple[Timer, Exception]]:
    """Fire what is due, oldest first, each in its own savepoint; returns those that failed, put off by a minute.

    Of `long` kinds, which go over everything that a site has, one is fired at most, the last: others wait meanwhile.
    What is about something that the site files have no longer is finished; what is about one of `sites` as a whole,
    as the watches that never end, has failed.
    """
    failed: list[tuple[Timer, Exception]] = []
    has_fired_long = False
    for timer in timers.claim_due(session, now, limit, long):
        if timer.done_at is not None:  # an earlier one of this round cancelled it
            continue
        if timer.kind in long and has_fired_long:
            break
        has_fired_long = timer.kind in long
        handler = handlers.get(timer.kind)
        try:
            with session.begin_nested():
                outcome = "nobody handles this kind" if handler is None else handler(session, timer, now)
                if outcome:
                    timer.done_at, timer.outcome = now, outcome[:200]
        except UnknownSite as error:
            # The files may be back with the next start; what is due then must not be lost.
            timer.due_at, timer.outcome = now + timedelta(minutes=1), f"waits: {error.message}"[:200]
        except Exception as error:  # noqa: BLE001 - one broken timer must not hold up the others; it is raised as an alert
            if isinstance(error, DBAPIError) and collided(error):
                continue  # with another worker; what it held is undone, and it is due again at once
            if isinstance(error, UnknownId) and timer.ref not in sites:
                timer.done_at, timer.outcome = now, f"nothing to do: {error.message}"[:200]
                continue
            session.refresh(timer)
            timer.due_at, timer.outcome = now + timedelta(minutes=1), f"failed: {error}"[:200]
            failed.append((timer, error))
    return failed
