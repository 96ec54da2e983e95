"""What upkeep of fire protection does when its time has come: commands, duty checks, outages, test modes, ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.fire.tables import FireCommand, FireTestMode
from services.flows.fire import commands as fire_commands
from services.flows.fire import duties as fire_duties
from services.flows.fire import outage as fire_outage
from services.flows.fire import test_mode as fire_test_mode
from services.kernel import timers
from services.kernel.timers import Timer, TimerHandler

LOOK_EVERY = timedelta(hours=1)
"""The watch looks at least this often, and earlier when something becomes due."""


@dataclass(frozen=True, slots=True)
class FireCareTimers:
    """The handlers of upkeep's timers."""

    configs: Configs
    late_after: timedelta
    send: fire_commands.Send | None = None
    """Hands commands over to be sent; None: they expire."""

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {
            fire_duties.WATCH_TIMER: self.watch,
            fire_commands.COMMAND_TIMER: self.send_command,
            fire_commands.DUTY_TIMER: self.duty_due,
            fire_outage.OUTAGE_TIMER: self.outage_due,
            fire_test_mode.UNTIL_TIMER: self.test_mode_ran_out,
            fire_test_mode.WATCH_TIMER: self.watch_tests,
        }

    def begin(self, session: Session, now: datetime) -> None:
        """Start the watches over every site that has fire protection; those that run go on."""
        for site, config in self.configs.sites.items():
            if config.fire.panels or config.fire.appliances:
                for kind in (fire_duties.WATCH_TIMER, fire_test_mode.WATCH_TIMER):
                    watch = timers.schedule(session, kind, site, now)
                    watch.due_at, watch.done_at, watch.outcome = now, None, None  # it never ends

    def watch(self, session: Session, timer: Timer, now: datetime) -> str:
        """Bring the ledger up to date and ask for what is due; for ever."""
        config = self.configs.site(timer.ref)
        fire_outage.reconcile(session, config, now)
        timer.data = fire_duties.look(session, config, timer.data, now)
        timer.due_at = min(now + LOOK_EVERY, fire_duties.next_look(config, now))
        return ""

    def send_command(self, session: Session, timer: Timer, now: datetime) -> str:
        """A command waits to be sent, or for somebody to say what became of it."""
        return fire_commands.send_due(session, timer, now, self.send)

    def duty_due(self, session: Session, timer: Timer, now: datetime) -> str:
        """The time to answer a duty check is over."""
        row = session.get(FireCommand, timer.ref)
        return fire_commands.duty_due(session, self._site(row.site), timer, now) if row is not None else "gone"

    def outage_due(self, session: Session, timer: Timer, now: datetime) -> str:
        """Something may have been shielded or stopped for a day."""
        return fire_outage.prompt(session, self._site(timer.ref), now)

    def test_mode_ran_out(self, session: Session, timer: Timer, now: datetime) -> str:
        """A test mode's time is over."""
        row = session.get(FireTestMode, timer.ref)
        return fire_test_mode.ran_out(session, self._site(row.site), timer, now) if row is not None else "gone"

    def watch_tests(self, session: Session, timer: Timer, now: datetime) -> str:
        """Something may still count as a test after its mode."""
        return fire_test_mode.watch(session, self._site(timer.ref), timer, now)

    def _site(self, site: str) -> SiteConfig:
        return self.configs.site(site)
