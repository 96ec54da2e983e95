"""What an incident does when its time has come: unconfirmed in time, the next tier, what is told together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.fire import incidents
from services.flows.fire import incident as fire_incident
from services.kernel.collisions import collided
from services.kernel.timers import Timer, TimerHandler


@dataclass(frozen=True, slots=True)
class FireTimers:
    """The handlers of incidents' timers."""

    configs: Configs
    late_after: timedelta = timedelta(minutes=5)

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Handler by timer kind."""
        return {
            fire_incident.CONFIRM_TIMER: self._with_site(fire_incident.not_confirmed),
            fire_incident.TIER_TIMER: self._with_site(fire_incident.call_tier),
            fire_incident.DIGEST_TIMER: self._with_site(fire_incident.digest),
        }

    def _with_site(self, act: Callable[[Session, SiteConfig, Timer, datetime], str]) -> TimerHandler:
        def handle(session: Session, timer: Timer, now: datetime) -> str:
            try:
                with session.begin_nested():
                    site = incidents.get(session, timer.ref).site
                    return act(session, self.configs.site(site), timer, now)
            except DBAPIError as error:
                if not collided(error):
                    raise
                return ""  # it stays due: the worker's next turn fires it, not the one in a minute

        return handle
