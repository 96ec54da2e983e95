"""Call-backs 回访: shares, random samples and the working day (KPI-01 to KPI-03, TIM-11, AMB-10). Pure.

The population is the same for all three levels: requests closed in the month. Quality and director ring those orders
that the system draws, ceil(share · n) of them; an order may be in both samples, and needs a call for each.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from gateway.site.patrol import WEEKDAYS
from gateway.site.upkeep import WorkCalendar

Level = Literal["service", "quality", "director"]
LEVELS: tuple[Level, ...] = ("service", "quality", "director")
PERCENT: Mapping[Level, int] = {"service": 100, "quality": 50, "director": 40}
SAMPLED: tuple[Level, ...] = ("quality", "director")
CHECK_DAY = 25
"""From this day of the month on, what is still missing is listed (KPI-03)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a level stands in a month."""

    level: Level
    population: int
    needed: int
    drawn: int
    called: int

    @property
    def shortfall(self) -> int:
        """Calls that are still missing."""
        return max(self.needed - self.called, 0)


def needed(population: int, level: Level) -> int:
    """ceil(share · population): how many calls a level owes."""
    return -(-population * PERCENT[level] // 100)


def draw(population: Iterable[str], drawn: Collection[str], level: Level, random: Random) -> list[str]:
    """Orders to add to a level's sample so that it has as many as it needs; never one that is in it already."""
    everybody = sorted(set(population))
    free = [one for one in everybody if one not in drawn]
    missing = needed(len(everybody), level) - (len(everybody) - len(free))
    return random.sample(free, min(max(missing, 0), len(free)))


def progress(level: Level, population: Collection[str], drawn: Collection[str], called: Collection[str]) -> Progress:
    """The level's figures; of a sample only calls about drawn orders count."""
    those = set(population)
    wanted = those if level == "service" else those & set(drawn)
    return Progress(level, len(those), needed(len(those), level), len(wanted), len(wanted & set(called)))


def works_on(calendar: WorkCalendar, day: date) -> bool:
    """Whether a day is a working day: days off and the weekend are not, unless it is worked in exchange."""
    if day in calendar.workdays:
        return True
    return day not in calendar.days_off and WEEKDAYS[day.weekday()] not in calendar.weekend


def due_at(finished_at: datetime, calendar: WorkCalendar, zone: ZoneInfo) -> datetime:
    """The end of the first working day after the one on which the work was finished (TIM-11)."""
    day = finished_at.astimezone(zone).date() + timedelta(days=1)
    for _ in range(60):
        if works_on(calendar, day):
            break
        day += timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(), zone)


def month_of(moment: datetime, zone: ZoneInfo) -> date:
    """First day of the natural month that `moment` is in."""
    return moment.astimezone(zone).date().replace(day=1)


def bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a month begins and ends."""
    return datetime.combine(month, time(), zone), datetime.combine(next_month(month), time(), zone)


def next_month(month: date) -> date:
    """First day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(month: date) -> date:
    """First day of the month before."""
    return (month - timedelta(days=1)).replace(day=1)
