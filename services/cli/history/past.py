"""Which past: site, span and seed; and dice that fall the same whenever they are thrown for the same thing."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.site.model import SiteConfig

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Past:
    """A site from the first moment of its past up to now."""

    config: SiteConfig
    since_at: datetime
    until_at: datetime
    seed: int = 1

    @property
    def site(self) -> str:
        """Id of the site."""
        return self.config.site.id

    @property
    def zone(self) -> ZoneInfo:
        """Zone of the site."""
        return ZoneInfo(self.config.site.timezone)

    def dice(self, *thing: object) -> random.Random:
        """Dice for one thing, independent of all others."""
        return random.Random(":".join(str(one) for one in (self.seed, *thing)))  # noqa: S311 - a story, no secret

    def days(self) -> Iterator[date]:
        """Local days that begin within the past, and the one it begins in."""
        day = self.since_at.astimezone(self.zone).date()
        while self.midnight(day) < self.until_at:
            yield day
            day += DAY

    def midnight(self, day: date) -> datetime:
        """When a local day begins, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def is_over(self, at: datetime) -> bool:
        """It has happened, and within this past."""
        return self.since_at <= at < self.until_at

    def people(self, role: str) -> list[str]:
        """Usernames with a role."""
        return [one.username for one in self.config.people if one.role == role]


def between(dice: random.Random, low: timedelta, high: timedelta) -> timedelta:
    """A duration within [low, high], to the second."""
    return timedelta(seconds=round(dice.uniform(low.total_seconds(), high.total_seconds())))
