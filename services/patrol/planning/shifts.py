"""Shifts as they happen: one instance per day on which a shift starts, midnight or clock change notwithstanding.

An instance lasts from the wall-clock start to the wall-clock start plus duration, so that shifts that meet on an
ordinary day meet on the day of a clock change too; the night that loses or doubles an hour is that much shorter or
longer. A shift that crosses midnight belongs to the day it starts on.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.site.model import SiteConfig
from gateway.site.patrol import Shift
from services.patrol.planning.wall import DAY, days, falls_on, local_day, moment_ms, wall


@dataclass(frozen=True, slots=True)
class ShiftInstance:
    """A shift on one day: [start_ms, end_ms)."""

    id: str
    """`{shift}@{local date it starts on}`."""
    shift: str
    day: date
    start_ms: int
    end_ms: int
    people: tuple[str, ...] = ()
    handover: bool = True


class Uncovered(NamedTuple):
    """A time in which too few are on duty."""

    start_ms: int
    end_ms: int
    fewest: int
    """So few at its worst."""


def instance_on(zone: ZoneInfo, shift: Shift, day: date) -> ShiftInstance | None:
    """The instance that starts on a local day; None when the shift does not run on such a weekday."""
    if not falls_on(shift.weekdays, day):
        return None
    start = wall(day, shift.start)
    return ShiftInstance(
        id=f"{shift.id}@{day.isoformat()}",
        shift=shift.id,
        day=day,
        start_ms=moment_ms(zone, start),
        end_ms=moment_ms(zone, start + shift.duration),
        people=shift.people,
        handover=shift.handover,
    )


def instances_of(shifts: Iterable[Shift], zone: ZoneInfo, start_ms: int, end_ms: int) -> list[ShiftInstance]:
    """The instances of some shifts that overlap [start_ms, end_ms), by start and then as declared."""
    last = local_day(zone, end_ms)
    found = []
    for shift in shifts:
        first = local_day(zone, start_ms) - shift.duration - DAY
        every = (instance_on(zone, shift, day) for day in days(first, last))
        found += [one for one in every if one is not None and one.start_ms < end_ms and one.end_ms > start_ms]
    return sorted(found, key=lambda one: one.start_ms)


def instances(config: SiteConfig, start_ms: int, end_ms: int) -> list[ShiftInstance]:
    """The shift instances of a site that overlap [start_ms, end_ms), by start and then as declared."""
    return instances_of(config.patrol.shifts, ZoneInfo(config.site.timezone), start_ms, end_ms)


def instance_at(config: SiteConfig, at_ms: int) -> tuple[ShiftInstance, ...]:
    """The shift instances that are running at a moment; the one that ends at it is over."""
    return tuple(instances(config, at_ms, at_ms + 1))


class ShiftCalendar:
    """Quick answers to which shift instance a moment in [start_ms, end_ms) belongs to."""

    def __init__(self, shifts: Iterable[Shift], zone: ZoneInfo, start_ms: int, end_ms: int) -> None:
        self._instances: dict[str, list[ShiftInstance]] = {
            shift.id: instances_of((shift,), zone, start_ms, end_ms) for shift in shifts
        }
        self._starts = {shift: [one.start_ms for one in found] for shift, found in self._instances.items()}

    def of(self, shift: str | None, at_ms: int) -> str:
        """The instance running then, of one shift or of the first declared that covers it; empty: none."""
        for candidate in self._instances if shift is None else (shift,):
            position = bisect_right(self._starts.get(candidate, ()), at_ms) - 1
            if position >= 0 and at_ms < self._instances[candidate][position].end_ms:
                return self._instances[candidate][position].id
        return ""


def uncovered(
    config: SiteConfig, start_ms: int, end_ms: int, people: int = 1, *, roles: Collection[str] = ()
) -> list[Uncovered]:
    """Where in [start_ms, end_ms) fewer than `people` different people (with one of `roles`, if given) are rostered.

    Somebody on two shifts at once is one person; a shift that nobody is rostered for covers nothing.
    """
    counted = {person.username for person in config.people if person.role in roles} if roles else None
    changes = _changes(instances(config, start_ms, end_ms), start_ms, end_ms, counted)
    on_duty: Counter[str] = Counter()
    gaps: list[Uncovered] = []
    moments = sorted({start_ms, *changes})
    for moment, after in zip(moments, [*moments[1:], end_ms], strict=True):
        on_duty.update(changes.get(moment, {}))
        present = sum(count > 0 for count in on_duty.values())
        if present < people and moment < after:
            gaps = _joined(gaps, Uncovered(moment, after, present))
    return gaps


def _changes(
    running: Iterable[ShiftInstance], start_ms: int, end_ms: int, counted: Collection[str] | None
) -> dict[int, Counter[str]]:
    changes: dict[int, Counter[str]] = {}
    for one in running:
        people = [person for person in one.people if counted is None or person in counted]
        changes.setdefault(max(one.start_ms, start_ms), Counter()).update(people)
        if one.end_ms < end_ms:
            changes.setdefault(one.end_ms, Counter()).subtract(people)
    return changes


def _joined(gaps: list[Uncovered], gap: Uncovered) -> list[Uncovered]:
    if gaps and gaps[-1].end_ms == gap.start_ms:
        last = gaps.pop()
        gap = Uncovered(last.start_ms, gap.end_ms, min(last.fewest, gap.fewest))
    return [*gaps, gap]


def after_midnight(shift: Shift, time: str) -> bool:
    """Whether `HH:MM` of such a shift is reached only after midnight."""
    first = wall(date.min, shift.start)
    at = wall(date.min, time)
    return at < first and at + timedelta(days=1) < first + shift.duration
