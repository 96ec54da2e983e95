"""What things of patrol are called, in one language; tolerant of ids that have left the site files."""

import re
from datetime import datetime, timedelta

from gateway.contract.times import from_ms
from gateway.site.model import Configs, SiteConfig
from gateway.site.patrol import Patrol
from services.kernel.errors import NotFound
from services.patrol.model import CLAIMED
from services.web import i18n, labels
from services.web.i18n import N_
from services.web.queries.places import Places

BADGE = N_("badge %(number)s")
CLAIMED_BY = N_("somebody under the name of %(name)s")
DEVICE = N_("unknown person, reader %(device)s")
NOBODY = N_("nobody")
PEOPLE = N_("people")
ROLES = N_("roles:")
NO_SHIFT = N_("outside any shift")


class Names:
    """Looks names up."""

    def __init__(self, configs: Configs, language: str) -> None:
        self.configs = configs
        self.places = Places(configs, language)
        self.english = language == "en"
        self._ = i18n.catalogue(language).gettext

    def patrol(self, site: str) -> Patrol:
        """The patrol of a site; empty for one that left the files."""
        config = self.configs.sites.get(site)
        return config.patrol if config else Patrol()

    def route(self, site: str, route: str) -> str:
        """A route's name."""
        found = self.patrol(site).route(route)
        return self.places.name(found) if found else route

    def kind(self, site: str, route: str) -> str:
        """A route's kind; `other` for one that left the files."""
        found = self.patrol(site).route(route)
        return found.kind if found else "other"

    def checkpoint(self, site: str, checkpoint: str | None) -> str:
        """A checkpoint's name."""
        found = self.patrol(site).checkpoint(checkpoint or "")
        return self.places.name(found) if found else checkpoint or ""

    def where(self, site: str, checkpoint: str | None) -> str:
        """The areas a checkpoint lies in."""
        found = self.patrol(site).checkpoint(checkpoint or "")
        return self.places.area_path(site, found.area) if found else ""

    def shift(self, site: str, shift: str) -> str:
        """A shift's name, with the day its instance starts on: `Night 11-21`."""
        if not shift:
            return self._(NO_SHIFT)
        name, _, day = shift.partition("@")
        found = self.patrol(site).shift(name)
        return " ".join(part for part in (self.places.name(found) if found else name, day[5:]) if part)

    def guard(self, guard: str) -> str:
        """Who it was."""
        kind, colon, rest = guard.partition(":")
        if not guard:
            return self._(NOBODY)
        if colon and kind == "badge":
            return self._(BADGE) % {"number": rest}
        if guard.startswith(CLAIMED):
            return self._(CLAIMED_BY) % {"name": self.places.person(rest)}
        if colon and kind == "device":
            return self._(DEVICE) % {"device": rest}
        return self.places.person(guard)

    def clock(self, site: str, at: datetime | int, *, seconds: bool = False) -> str:
        """A moment's local time of day."""
        moment = from_ms(at) if isinstance(at, int) else at
        return moment.astimezone(self.places.zone(site)).strftime("%H:%M:%S" if seconds else "%H:%M")

    def short_of(self, text: str) -> str:
        """What co-presence lacks, from the engine's shorthand `people 1/2` or `role engineer, supervisor`."""
        known = {**labels.WORDS["role"], "people": PEOPLE, "role": ROLES}
        return re.sub(r"[a-z]+", lambda found: self._(known.get(found[0], found[0])), text)

    def span(self, delta: timedelta) -> str:
        """A short duration, exact to the second: `1:05` minutes, or `42` seconds with their unit."""
        seconds = int(delta.total_seconds())
        if seconds < 60:
            return self._("%(seconds)s s") % {"seconds": seconds}
        return self._("%(minutes)s min") % {"minutes": f"{seconds // 60}:{seconds % 60:02d}"}


def site_or_first(configs: Configs, site: str) -> SiteConfig:
    """The site asked for, else the first one with routes; raises NotFound."""
    if site and site not in configs.sites:
        raise NotFound(f"There is no site {site}", hint="Choose one from the list", site=site)
    if site:
        return configs.sites[site]
    found = sorted(configs.sites.values(), key=lambda one: not one.patrol.routes)
    if not found:
        raise NotFound("There is no site", hint="Add one to device_configs/sites")
    return found[0]
