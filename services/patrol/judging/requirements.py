"""Requirements on visits over any stretch of time: where they were broken, and when they will be next. Pure.

`max_gap` runs from visit to visit, and from the last one to now; its clock stands still outside `within` and while the
checkpoint is not active. `daily`, `weekly` and `spot_check` want a visit in every local day or ISO week; with `within`
in the windows that start in that day or week, so Sunday's night counts for the week that Monday ends. They are judged
once the day or week is over. A checkpoint active for less than three days of a week is not due in it.

For all kinds: with `roles` only visits by these count; with `people` a visit counts only at the moment when so many
different people had tapped there within 120 s. Visits that coincide with an end belong to what starts then.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.site.duration import to_milliseconds
from gateway.site.patrol import Checkpoint, Patrol, PatrolRule
from services.patrol.model import is_somebody
from services.patrol.planning.running import Running
from services.patrol.planning.wall import DAY, Interval, days, local_day, midnight_ms, span_on

TOGETHER_MS = 120_000
DUE_DAYS = 3
"""A week in which a checkpoint is active for fewer days demands nothing (AMB-06)."""
_WEEK = timedelta(days=7)
_AHEAD = 54
"""So many days or weeks are searched for the next one that demands a visit."""


class Visit(NamedTuple):
    """Somebody was at a checkpoint; `at_ms` is the corrected time."""

    at_ms: int
    guard: str
    role: str
    checkpoint: str
    tap: str


class BreachKind(StrEnum):
    """How bad it is."""

    BREACH = "breach"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Breach:
    """A requirement that was not kept, with what proves it."""

    rule: str
    requirement: str
    source: str
    checkpoint: str
    """Empty: any of the rule's."""
    kind: BreachKind
    from_ms: int
    until_ms: int | None
    """None: it still lasts."""
    broken_ms: int
    """When it became one: a gap grew too long, a day or week ran out."""
    after: str
    """The last visit's tap before it; empty: none is known."""
    before: str
    """The first visit's tap behind it; empty: none."""
    people: tuple[str, ...] = ()
    """Who tapped meanwhile although it did not count, being too few or in the wrong hours."""


class _Period(NamedTuple):
    """A day or week that demands a visit in one of its windows."""

    start_ms: int
    end_ms: int
    windows: tuple[Interval, ...]


def subjects(rule: PatrolRule, patrol: Patrol) -> tuple[Checkpoint | None, ...]:
    """What a rule is judged on: each of its checkpoints (none named: all); None where any of them will do."""
    if rule.kind == "coverage":
        return ()
    if rule.kind == "spot_check":
        return (None,)
    return tuple(one for one in patrol.checkpoints if not rule.checkpoints or one.id in rule.checkpoints)


def judge(
    rule: PatrolRule,
    checkpoint: Checkpoint | None,
    visits: Iterable[Visit],
    since_ms: int,
    now_ms: int,
    zone: ZoneInfo,
) -> list[Breach]:
    """The breaches of a rule that touch [since_ms, now_ms], by start; days and weeks begun before since are left out.

    Visits may be of any place, order and time; those before since bound the first gap, those after now do not exist.
    """
    taps = _taps(rule, checkpoint, visits, now_ms)
    case = _Case(rule, checkpoint, taps, _counting(taps, rule.people), zone)
    if rule.kind == "max_gap" and rule.max_gap is not None:
        found = list(case.gaps(rule.max_gap, BreachKind.BREACH, since_ms, now_ms))
    elif rule.kind in ("daily", "weekly", "spot_check"):
        found = list(case.lapses(since_ms, now_ms))
    else:
        found = []
    if rule.kind == "weekly" and rule.warn_gap is not None:
        warnings = case.gaps(rule.warn_gap, BreachKind.WARNING, since_ms, now_ms)
        found += [warning for warning in warnings if warning.after]
    return sorted(found, key=lambda breach: (breach.from_ms, breach.kind))


def next_due(
    rule: PatrolRule,
    checkpoint: Checkpoint | None,
    visits: Iterable[Visit],
    now_ms: int,
    zone: ZoneInfo,
    *,
    since_ms: int | None = None,
) -> int | None:
    """When the rule breaks unless somebody comes; in the past while a gap is too long already. None: not in sight.

    A gap without any visit runs from `since_ms`.
    """
    taps = _taps(rule, checkpoint, visits, now_ms)
    case = _Case(rule, checkpoint, taps, _counting(taps, rule.people), zone)
    if rule.kind == "max_gap" and rule.max_gap is not None:
        start_ms = case.counting[-1].at_ms if case.counting else since_ms
        return None if start_ms is None else case.running.after(start_ms, to_milliseconds(rule.max_gap))
    if rule.kind in ("daily", "weekly", "spot_check"):
        return case.next_lapse(now_ms)
    return None


def _taps(rule: PatrolRule, checkpoint: Checkpoint | None, visits: Iterable[Visit], now_ms: int) -> list[Visit]:
    """What could count, in order."""
    places = rule.checkpoints if checkpoint is None else (checkpoint.id,)
    return sorted(
        visit
        for visit in visits
        if visit.at_ms <= now_ms
        and (not places or visit.checkpoint in places)
        and (not rule.roles or visit.role in rule.roles)
    )


def _counting(taps: Sequence[Visit], people: int) -> list[Visit]:
    """The visits at whose moment enough different people had tapped at that checkpoint."""
    if people <= 1:
        return list(taps)
    found, first = [], 0
    for position, tap in enumerate(taps):
        while taps[first].at_ms < tap.at_ms - TOGETHER_MS:
            first += 1
        near = {one.guard for one in taps[first : position + 1] if one.checkpoint == tap.checkpoint}
        if sum(map(is_somebody, near)) >= people:
            found.append(tap)
    return found


class _Case:
    """One rule on one checkpoint with its visits."""

    def __init__(
        self,
        rule: PatrolRule,
        checkpoint: Checkpoint | None,
        taps: Sequence[Visit],
        counting: Sequence[Visit],
        zone: ZoneInfo,
    ) -> None:
        self._rule, self._taps, self._zone = rule, taps, zone
        self.counting = counting
        self._place = "" if checkpoint is None else checkpoint.id
        self._first = None if checkpoint is None else checkpoint.active_from
        self._last = None if checkpoint is None else checkpoint.active_until
        self.running = Running(zone, rule.within if rule.kind == "max_gap" else None, self._first, self._last)

    def gaps(self, longest: timedelta, kind: BreachKind, since_ms: int, now_ms: int) -> Iterator[Breach]:
        """The gaps longer than allowed that are not over by since."""
        limit_ms = to_milliseconds(longest)
        for earlier, later in pairwise([*self._known(since_ms), None]):
            from_ms, after = (since_ms, "") if earlier is None else (earlier.at_ms, earlier.tap)
            until_ms = now_ms if later is None else later.at_ms
            broken_ms = self.running.after(from_ms, limit_ms)
            if broken_ms is None or self.running.elapsed(from_ms, until_ms) <= limit_ms:
                continue
            meanwhile = Interval(from_ms + 1, until_ms if later is None else until_ms - TOGETHER_MS)
            ended_ms = until_ms if later is not None else self._ended(now_ms)
            if ended_ms is None or ended_ms > since_ms:
                before = "" if later is None else later.tap
                yield self._breach(kind, (from_ms, ended_ms), broken_ms, after, before, meanwhile)

    def _known(self, since_ms: int) -> list[Visit | None]:
        """The visits that bound gaps touching what follows since; None for the one that nobody knows."""
        earlier = [visit for visit in self.counting if visit.at_ms <= since_ms]
        return [earlier[-1] if earlier else None, *self.counting[len(earlier) :]]

    def _ended(self, now_ms: int) -> int | None:
        """When the checkpoint ceased to be active; None: it is."""
        ends_ms = self.running.ends_ms
        return ends_ms if ends_ms is not None and ends_ms <= now_ms else None

    def lapses(self, since_ms: int, now_ms: int) -> Iterator[Breach]:
        """The days or weeks, begun since, that ended by now without a visit that counts."""
        for period in self._periods(local_day(self._zone, since_ms), local_day(self._zone, now_ms)):
            if period.start_ms >= since_ms and period.end_ms <= now_ms and not self._visited(period):
                earlier = [visit.tap for visit in self.counting if visit.at_ms < period.start_ms]
                later = [visit.tap for visit in self.counting if visit.at_ms >= period.end_ms]
                lapse = Interval(period.start_ms, period.end_ms)
                after, before = (earlier or [""])[-1], (later or [""])[0]
                yield self._breach(BreachKind.BREACH, lapse, period.end_ms, after, before, lapse)

    def next_lapse(self, now_ms: int) -> int | None:
        """The end of the first day or week still open that has no visit yet."""
        today = local_day(self._zone, now_ms)
        first = max(today, self._first) if self._first else today
        for period in self._periods(first - DAY, first + _AHEAD * self._step):
            if period.end_ms > now_ms and not self._visited(period):
                return period.end_ms
        return None

    @property
    def _step(self) -> timedelta:
        return DAY if self._rule.kind == "daily" else _WEEK

    def _visited(self, period: _Period) -> bool:
        return any(
            window.start_ms <= visit.at_ms < window.end_ms for visit in self.counting for window in period.windows
        )

    def _periods(self, first: date, last: date) -> Iterator[_Period]:
        """The days or weeks that demand a visit, from the one that holds `first` or the one before it."""
        start = first - DAY
        if self._rule.kind != "daily":
            start -= timedelta(days=start.weekday())
        while start <= last:
            active = [day for day in days(start, start + self._step - DAY) if self._is_active(day)]
            windows = tuple(window for window in map(self._window, active) if window is not None)
            if windows and len(active) >= (1 if self._rule.kind == "daily" else DUE_DAYS):
                yield _Period(windows[0].start_ms, windows[-1].end_ms, windows)
            start += self._step

    def _is_active(self, day: date) -> bool:
        return (self._first is None or self._first <= day) and (self._last is None or day <= self._last)

    def _window(self, day: date) -> Interval | None:
        if self._rule.within is not None:
            return span_on(self._zone, self._rule.within, day)
        return Interval(midnight_ms(self._zone, day), midnight_ms(self._zone, day + DAY))

    def _breach(
        self,
        kind: BreachKind,
        lasted: tuple[int, int | None],
        broken_ms: int,
        after: str,
        before: str,
        meanwhile: Interval,
    ) -> Breach:
        people = {tap.guard for tap in self._taps if meanwhile.start_ms <= tap.at_ms < meanwhile.end_ms}
        return Breach(
            rule=self._rule.id,
            requirement=self._rule.requirement,
            source=self._rule.source,
            checkpoint=self._place,
            kind=kind,
            from_ms=lasted[0],
            until_ms=lasted[1],
            broken_ms=broken_ms,
            after=after,
            before=before,
            people=tuple(sorted(people - {""})),
        )
