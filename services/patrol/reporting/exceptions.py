"""The exception report of a period, pure over rows: gaps per checkpoint, and what went wrong by guard and by shift."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from services.patrol.model import Verdict
from services.patrol.reporting.report import NOBODY, StopCount, count_stops
from services.patrol.tables import Round, RoundStop, TapRow

NO_VISIT = frozenset({str(Verdict.DUPLICATE), "refused"})
"""Verdicts of taps that show nobody's presence, or the same visit again."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """How long nobody was at a checkpoint."""

    visits: int
    """In the period."""
    shortest: timedelta | None
    average: timedelta | None
    """Shortest and average are between visits; None with less than two."""
    longest: timedelta
    """The one at the period's start and the one still open at its end included."""
    longest_from: datetime
    longest_until: datetime
    open: timedelta
    """From the last visit, or the period's start without any, to the period's end."""
    last: datetime | None


@dataclass(frozen=True, slots=True)
class CheckpointLine:
    """One checkpoint over the period."""

    site: str
    checkpoint: str
    gaps: Gaps
    stops: StopCount


@dataclass(frozen=True, slots=True)
class GroupLine:
    """What went wrong, by guard or by shift."""

    name: str
    stops: StopCount
    detected: Counter[str]
    """Marks that detectors put on taps."""


@dataclass(frozen=True, slots=True)
class ExceptionReport:
    """A period's exceptions."""

    start: datetime
    end: datetime
    """Not later than now: the future has no gaps."""
    checkpoints: tuple[CheckpointLine, ...]
    guards: tuple[GroupLine, ...]
    shifts: tuple[GroupLine, ...]

    @property
    def longest_unvisited(self) -> list[CheckpointLine]:
        """Checkpoints by how long nobody has been there, the longest first."""
        return sorted(self.checkpoints, key=lambda line: (-line.gaps.open, line.checkpoint))


def gaps(visits: Iterable[datetime], start: datetime, end: datetime) -> Gaps:
    """Gaps between visits within [start, end]; the last visit before `start`, when known, bounds the first gap."""
    times = sorted(set(visits))
    first = bisect_left(times, start)
    inside = [one for one in times[first:] if one <= end]
    bounded = [times[first - 1] if first else start, *inside, end]
    longest_from, longest_until = max(pairwise(bounded), key=lambda pair: pair[1] - pair[0])
    known = [times[first - 1], *inside] if first else inside
    between = [later - earlier for earlier, later in pairwise(known)]
    return Gaps(
        visits=len(inside),
        shortest=min(between, default=None),
        average=sum(between, timedelta()) / len(between) if between else None,
        longest=longest_until - longest_from,
        longest_from=longest_from,
        longest_until=longest_until,
        open=end - bounded[-2],
        last=known[-1] if known else None,
    )


def exceptions(
    start: datetime,
    end: datetime,
    checkpoints: Sequence[tuple[str, str]],
    rounds: Sequence[Round],
    stops: Sequence[RoundStop],
    taps: Sequence[TapRow],
) -> ExceptionReport:
    """The report over (site, checkpoint) pairs; `taps` reach back beyond `start` so that the first gap has its start.

    Taps with a verdict of `NO_VISIT` do not count. Raises ValueError when the period is empty.
    """
    if end < start:
        raise ValueError("the period ends before it starts")
    by_id = {row.id: row for row in rounds}
    own = [stop for stop in stops if stop.round_id in by_id]
    visits: dict[tuple[str, str], list[datetime]] = {}
    for tap in taps:
        if tap.checkpoint is not None and tap.verdict not in NO_VISIT:
            visits.setdefault((tap.site, tap.checkpoint), []).append(tap.at)
    stops_at: dict[tuple[str, str], list[RoundStop]] = {}
    for stop in own:
        stops_at.setdefault((by_id[stop.round_id].site, stop.checkpoint), []).append(stop)
    lines = tuple(
        CheckpointLine(*key, gaps(visits.get(key, ()), start, end), count_stops(stops_at.get(key, ())))
        for key in checkpoints
    )
    inside = [tap for tap in taps if start <= tap.at <= end]
    return ExceptionReport(
        start, end, lines, tuple(_by_guard(by_id, own, inside)), tuple(_by_shift(by_id, own, inside))
    )


def _by_guard(rounds: dict[str, Round], stops: Sequence[RoundStop], taps: Sequence[TapRow]) -> list[GroupLine]:
    guard_of = {tap.id: tap.guard for tap in taps}
    found: dict[str, list[RoundStop]] = {}
    for stop in stops:
        own = guard_of.get(stop.tap_id or "")
        for guard in [own] if own else rounds[stop.round_id].guards or [NOBODY]:
            found.setdefault(guard, []).append(stop)
    detected: dict[str, Counter[str]] = {}
    for tap in taps:
        detected.setdefault(tap.guard, Counter()).update(tap.marks)
    return _groups(found, detected)


def _by_shift(rounds: dict[str, Round], stops: Sequence[RoundStop], taps: Sequence[TapRow]) -> list[GroupLine]:
    found: dict[str, list[RoundStop]] = {}
    for stop in stops:
        found.setdefault(_shift_of(rounds[stop.round_id]), []).append(stop)
    detected: dict[str, Counter[str]] = {}
    for tap in taps:
        for shift in {_shift_of(rounds[one]) for one in tap.rounds if one in rounds}:
            detected.setdefault(shift, Counter()).update(tap.marks)
    return _groups(found, detected)


def _shift_of(row: Round) -> str:
    return f"{row.site}/{row.shift.partition('@')[0]}" if row.shift else ""


def _groups(found: dict[str, list[RoundStop]], detected: dict[str, Counter[str]]) -> list[GroupLine]:
    wanted = found.keys() | {name for name, marks in detected.items() if marks}
    names = sorted(wanted, key=lambda name: (name == NOBODY, name))
    return [GroupLine(name, count_stops(found.get(name, ())), detected.get(name, Counter())) for name in names]
