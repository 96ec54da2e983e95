"""What patrol does when its time has come: plan rounds, judge those that are over, look at every requirement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.flows import hearing
from services.flows.patrol import emergency, handover, lone, tag_care
from services.flows.patrol import rounds as patrol_rounds
from services.flows.patrol import rules as patrol_rules
from services.kernel import timers
from services.kernel.timers import Timer, TimerHandler
from services.patrol import rounds
from services.patrol.tables import PatrolWatermark, Round

WATCH_TIMER = "patrol.watch"
PLAN_EVERY = timedelta(hours=1)
LOOK_EVERY = timedelta(minutes=10)
"""The watch looks at least this often, and earlier when a requirement may be broken."""
SOONEST = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class PatrolTimers:
    """The handlers of patrol's timers."""

    configs: Configs
    late_after: timedelta
    seed: str = ""
    """Makes the starts of random rounds unpredictable to whoever does not know it."""

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {
            WATCH_TIMER: self.watch,
            patrol_rounds.FINAL_TIMER: self.judge_round,
            patrol_rounds.CONFIRM_TIMER: self.judge_round,
            emergency.CHECK_IN_TIMER: self.ask,
            emergency.MAN_DOWN_TIMER: self.give_alarm,
            handover.HANDOVER_TIMER: self.handover_due,
        }

    def begin(self, session: Session, now: datetime) -> None:
        """Start the watch over every site that has patrol; one that runs goes on."""
        for site, config in self.configs.sites.items():
            if config.patrol.checkpoints:
                watch = timers.schedule(session, WATCH_TIMER, site, now)
                watch.due_at, watch.done_at, watch.outcome = now, None, None  # it never ends
                self.plan(session, config, now)

    def watch(self, session: Session, timer: Timer, now: datetime) -> str:
        """Plan ahead, and look at every requirement; for ever."""
        config = self.configs.site(timer.ref)
        mark = session.get(PatrolWatermark, (timer.ref, rounds.PLANNED_UNTIL))
        if mark is None or mark.until - now <= rounds.AHEAD - PLAN_EVERY:
            self.plan(session, config, now)
        tag_care.look(session, config, now)
        due_at = patrol_rules.look(session, config, now, self.late_after)
        timer.due_at = min(max(due_at, now + SOONEST), now + LOOK_EVERY)
        return ""

    def plan(self, session: Session, config: SiteConfig, now: datetime) -> None:
        """Rounds and handovers of the next two days; what is open meanwhile takes in the taps that are there."""
        for row in rounds.plan_ahead(session, config, now, seed=self.seed):
            patrol_rounds.set_clocks(session, row)
            # Those whose time is over are judged by their clocks, a few at a time: after an outage they are many.
            if row.opens_at <= now < row.final_at:
                graded = rounds.regrade(session, config, row, now)
                patrol_rounds.settle(session, config, graded, now, self.late_after)
        handover.plan(session, config, now, now + rounds.AHEAD)

    def judge_round(self, session: Session, timer: Timer, now: datetime) -> str:
        """A round's time is over, or its second grace."""
        row = session.get(Round, timer.ref)
        if row is None:
            return "the round was taken out of the plan"
        config = self.configs.site(row.site)
        heard = hearing.hears_all(session, row.site, now)
        graded = rounds.regrade(session, config, row, now, more_to_come=not heard)
        patrol_rounds.settle(session, config, graded, now, self.late_after)
        if row.unconfirmed:
            due_at = row.confirm_at + timedelta(milliseconds=1) if heard else now + hearing.CAUGHT_UP_AFTER
            if timer.kind == patrol_rounds.CONFIRM_TIMER:
                timer.due_at = due_at
                return ""
            patrol_rounds.confirm_by(session, row, due_at)
        return f"{row.state}, {row.missed} missed" + (" (unconfirmed)" if row.unconfirmed else "")

    def ask(self, session: Session, timer: Timer, now: datetime) -> str:
        """A guard on a lone round has not tapped for too long."""
        return lone.ask(session, self._site_of(timer), timer, now)

    def give_alarm(self, session: Session, timer: Timer, now: datetime) -> str:
        """He did not answer."""
        return lone.give_alarm(session, self._site_of(timer), timer, now)

    def handover_due(self, session: Session, timer: Timer, now: datetime) -> str:
        """A shift took over; is there a handover?"""
        return handover.check(session, self._site_of(timer), timer, now, self.late_after)

    def _site_of(self, timer: Timer) -> SiteConfig:
        return self.configs.site(timer.ref.partition("/")[0])
