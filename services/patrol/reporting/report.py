"""Patrol reports, pure over rows: per shift instance, per guard, and per month and kind of route."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from services.patrol.model import RoundState, Verdict
from services.patrol.tables import Anomaly, Round, RoundStop, TapRow

NOT_VISITED = frozenset({Verdict.PENDING, Verdict.MISSED, Verdict.SUSPENDED})
NOBODY = ""
"""The guard of a round that nobody walked."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: shown with both numbers, never as a percentage alone."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        """0 to 100; None of nothing."""
        return 100.0 * self.part / self.whole if self.whole else None

    @property
    def text(self) -> str:
        """`7/8 (87.5 %)`, `0/0` of nothing."""
        return f"{self.part}/{self.whole}" + (f" ({self.percent:.1f} %)" if self.percent is not None else "")


@dataclass(frozen=True, slots=True)
class RoundCount:
    """Rounds by what became of them; a suspended round is not due."""

    complete: int = 0
    incomplete: int = 0
    missed: int = 0
    unconfirmed: int = 0
    """Something is missing, but a silent device may still have it; counted nowhere else."""
    running: int = 0
    """Not decided yet."""
    suspended: int = 0

    @property
    def due(self) -> int:
        """Rounds whose time has run out."""
        return self.complete + self.incomplete + self.missed + self.unconfirmed

    @property
    def completion(self) -> Share:
        """Complete rounds of those due."""
        return Share(self.complete, self.due)


@dataclass(frozen=True, slots=True)
class StopCount:
    """Stops by what became of them; suspended and pending ones are not due."""

    visited: int = 0
    punctual: int = 0
    """Visited neither early nor late, whatever else was wrong."""
    flagged: int = 0
    """Visited with something wrong."""
    missed: int = 0
    unconfirmed: int = 0
    marks: Counter[str] = field(default_factory=Counter)
    """How often each thing was wrong with a visit."""

    @property
    def due(self) -> int:
        """Stops whose time has run out, or that were visited."""
        return self.visited + self.missed + self.unconfirmed

    @property
    def completion(self) -> Share:
        """Visited stops of those due."""
        return Share(self.visited, self.due)

    @property
    def on_time(self) -> Share:
        """Punctual stops of those due."""
        return Share(self.punctual, self.due)


@dataclass(frozen=True, slots=True)
class GuardLine:
    """One guard in one shift. A round walked by two counts for both."""

    guard: str
    rounds: RoundCount
    stops: StopCount
    taps: int


@dataclass(frozen=True, slots=True)
class ShiftReport:
    """A shift instance."""

    shift: str
    rounds: RoundCount
    stops: StopCount
    evidence: Counter[str]
    guards: tuple[GuardLine, ...]
    lines: tuple[Round, ...]
    anomalies: tuple[Anomaly, ...]


def is_visited(stop: RoundStop) -> bool:
    """Whether somebody was there, in whatever quality."""
    return stop.verdict not in NOT_VISITED


def is_unconfirmed(stop: RoundStop) -> bool:
    """Whether a miss may still be cleared up."""
    return stop.verdict == Verdict.MISSED and stop.certainty == "unconfirmed"


def wrongs(stop: RoundStop) -> frozenset[str]:
    """Everything that is wrong with a visit."""
    return frozenset({*stop.marks, stop.verdict} - {Verdict.ON_TIME}) if is_visited(stop) else frozenset()


def fate(row: Round) -> str:
    """Which field of `RoundCount` a round counts in."""
    if row.state == RoundState.SUSPENDED:
        return "suspended"
    if row.state in (RoundState.PLANNED, RoundState.OPEN, RoundState.RUNNING):
        return "running"
    return "unconfirmed" if row.unconfirmed and row.state != RoundState.COMPLETE else row.state


def count_rounds(rounds: Iterable[Round]) -> RoundCount:
    """Rounds by what became of them."""
    return RoundCount(**Counter(fate(row) for row in rounds))


def count_stops(stops: Iterable[RoundStop]) -> StopCount:
    """Stops by what became of them."""
    stops = list(stops)
    visited = [stop for stop in stops if is_visited(stop)]
    found = [wrongs(stop) for stop in visited]
    missed = [stop for stop in stops if stop.verdict == Verdict.MISSED]
    unconfirmed = sum(map(is_unconfirmed, missed))
    return StopCount(
        visited=len(visited),
        punctual=sum(not wrong & {Verdict.EARLY, Verdict.LATE} for wrong in found),
        flagged=sum(bool(wrong) for wrong in found),
        missed=len(missed) - unconfirmed,
        unconfirmed=unconfirmed,
        marks=Counter(str(one) for wrong in found for one in wrong),
    )


def daily(
    rounds: Sequence[Round], stops: Sequence[RoundStop], taps: Sequence[TapRow], anomalies: Sequence[Anomaly]
) -> list[ShiftReport]:
    """One report per shift instance among the rounds. A tap belongs to the shifts of the rounds it counted in."""
    shifts = sorted({row.shift for row in rounds}, key=lambda shift: _first_start(rounds, shift))
    return [_shift(shift, rounds, stops, taps, anomalies) for shift in shifts]


def _first_start(rounds: Sequence[Round], shift: str) -> datetime:
    return min(row.starts_at for row in rounds if row.shift == shift)


def _shift(
    shift: str,
    rounds: Sequence[Round],
    stops: Sequence[RoundStop],
    taps: Sequence[TapRow],
    anomalies: Sequence[Anomaly],
) -> ShiftReport:
    own = sorted((row for row in rounds if row.shift == shift), key=lambda row: (row.starts_at, row.id))
    ids = {row.id for row in own}
    own_stops = [stop for stop in stops if stop.round_id in ids]
    own_taps = [tap for tap in taps if ids & set(tap.rounds)]
    own_anomalies = [one for one in anomalies if one.round_id in ids or (one.round_id is None and one.shift == shift)]
    return ShiftReport(
        shift=shift,
        rounds=count_rounds(own),
        stops=count_stops(own_stops),
        evidence=Counter(tap.evidence for tap in own_taps),
        guards=tuple(guard_lines(own, own_stops, own_taps)),
        lines=tuple(own),
        anomalies=tuple(sorted(own_anomalies, key=lambda one: (one.at, one.id))),
    )


def guard_lines(rounds: Sequence[Round], stops: Sequence[RoundStop], taps: Sequence[TapRow]) -> list[GuardLine]:
    """Each guard's rounds and the stops of these rounds; `NOBODY` has the rounds that nobody walked."""
    names = {guard for row in rounds for guard in (row.guards or [NOBODY])}
    lines = []
    for guard in sorted(names, key=lambda name: (name == NOBODY, name)):
        own = [row for row in rounds if guard in (row.guards or [NOBODY])]
        if guard == NOBODY and not any(fate(row) in ("missed", "incomplete", "unconfirmed") for row in own):
            continue
        ids = {row.id for row in own}
        own_stops = [stop for stop in stops if stop.round_id in ids]
        lines.append(
            GuardLine(guard, count_rounds(own), count_stops(own_stops), sum(tap.guard == guard for tap in taps))
        )
    return lines


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One route over a month, or all routes of a kind (`route` is then empty)."""

    kind: str
    route: str
    rounds: RoundCount
    days: dict[date, Share]
    """Local day on which rounds started → complete ones of those due."""


def monthly(
    rounds: Sequence[Round], kind_of: Callable[[Round], str], zone_of: Callable[[Round], tzinfo]
) -> list[MonthLine]:
    """The month's completion per kind of route, each followed by its routes."""
    lines = []
    for kind in sorted({kind_of(row) for row in rounds}):
        of_kind = [row for row in rounds if kind_of(row) == kind]
        lines.append(_month_line(kind, "", of_kind, zone_of))
        for site, route in sorted({(row.site, row.route) for row in of_kind}):
            own = [row for row in of_kind if (row.site, row.route) == (site, route)]
            lines.append(_month_line(kind, f"{site}/{route}", own, zone_of))
    return lines


def _month_line(kind: str, route: str, rounds: Sequence[Round], zone_of: Callable[[Round], tzinfo]) -> MonthLine:
    days: dict[date, list[Round]] = {}
    for row in rounds:
        days.setdefault(shift_day(row, zone_of(row)), []).append(row)
    return MonthLine(
        kind, route, count_rounds(rounds), {day: count_rounds(own).completion for day, own in sorted(days.items())}
    )


def shift_day(row: Round, zone: tzinfo) -> date:
    """The local day a round belongs to: the one its shift instance starts on, else its own start's."""
    _, _, day = row.shift.partition("@")
    return date.fromisoformat(day) if day else row.starts_at.astimezone(zone).date()
