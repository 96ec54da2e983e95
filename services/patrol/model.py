"""Rounds, taps and verdicts as plain values. Times are epoch milliseconds: a year of a large site is replayed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

CLAIMED = "claimed:"
"""Before the name of somebody a tap is said to be of, but cannot be."""


def is_somebody(guard: str) -> bool:
    """Whether a tap's guard counts as a person beside others."""
    return bool(guard) and not guard.startswith(CLAIMED)


class Verdict(StrEnum):
    """What is said of a tap or of a stop."""

    PENDING = "pending"
    """Stop: its time has not run out."""
    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    MISSED = "missed"
    OUT_OF_ORDER = "out_of_order"
    TOO_FAST = "too_fast"
    TOO_SLOW = "too_slow"
    EXTRA = "extra"
    """Tap: no round wanted it."""
    DUPLICATE = "duplicate"
    """Tap: the same visit once more."""
    SUSPENDED = "suspended"
    """Stop: not counted, its patrol was suspended."""


class Certainty(StrEnum):
    """How sure a miss is."""

    NONE = ""
    UNCONFIRMED = "unconfirmed"
    """The guard's device is silent: it may still know better."""
    CONFIRMED = "confirmed"


class RoundState(StrEnum):
    """Where a round stands."""

    PLANNED = "planned"
    OPEN = "open"
    """Taps count already; nobody has tapped."""
    RUNNING = "running"
    COMPLETE = "complete"
    """Every stop was visited, in whatever quality."""
    INCOMPLETE = "incomplete"
    """Some stop was missed."""
    MISSED = "missed"
    """Nobody came at all."""
    SUSPENDED = "suspended"


class Evidence(StrEnum):
    """How much a tap proves, weakest first."""

    MANUAL = "manual"
    QR = "qr"
    UID = "uid"
    UID_WALKED = "uid_walked"
    """A UID after a plausible walk from the tap before."""
    SUN = "sun"
    """A one-time signature of the tag."""


EVIDENCE_ORDER: tuple[Evidence, ...] = tuple(Evidence)


class LegLimit(NamedTuple):
    """Bounds of a walk in milliseconds; None: unbounded. `rule` says where they come from."""

    minimum_ms: int | None
    maximum_ms: int | None
    rule: str = "leg"


@dataclass(frozen=True, slots=True)
class StopPlan:
    """A stop of one round with its windows: [early_from … [on_time_from … on_time_until] … late_until], inclusive."""

    index: int
    checkpoint: str
    early_from_ms: int
    on_time_from_ms: int
    on_time_until_ms: int
    late_until_ms: int
    not_before_ms: int | None = None
    suspended: str = ""
    """Why it is not counted; empty: it is."""


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """One round that is to be walked."""

    id: str
    """`{schedule}.{start as 20261121T1800Z}`: the same plan gives the same id."""
    site: str
    route: str
    schedule: str
    shift: str
    """Shift instance `{shift}@{local date it starts on}`; empty without shifts."""
    order: str
    """ordered, any or freeroam."""
    starts_ms: int
    ends_ms: int
    final_ms: int
    """After this a stop without a tap is missed."""
    confirm_ms: int
    """After this a miss is confirmed even if the device is silent."""
    stops: tuple[StopPlan, ...]
    legs: Mapping[tuple[str, str], LegLimit] = field(default_factory=dict)
    people: int = 1
    roles: tuple[str, ...] = ()
    together_ms: int = 120_000
    duplicate_ms: int = 60_000

    @property
    def opens_ms(self) -> int:
        """From here on taps count."""
        return min(stop.early_from_ms for stop in self.stops)

    @property
    def closes_ms(self) -> int:
        """Until here taps count."""
        return max(stop.late_until_ms for stop in self.stops)


@dataclass(frozen=True, slots=True)
class Tap:
    """A visit as the engine sees it; `at_ms` is the corrected time."""

    id: str
    checkpoint: str
    at_ms: int
    guard: str = ""
    """Username, else badge, else device: who it stands for."""
    role: str = ""
    device: str = ""
    evidence: Evidence = Evidence.UID
    round: str = ""
    """The round the guard says he is on; empty: not said."""


@dataclass(frozen=True, slots=True)
class StopVerdict:
    """What is said of one stop."""

    index: int
    checkpoint: str
    verdict: Verdict
    certainty: Certainty = Certainty.NONE
    marks: tuple[Verdict, ...] = ()
    """Everything that is wrong with the visit, the verdict included."""
    tap: str = ""
    at_ms: int | None = None
    rule: str = ""
    """Which rule decided: window, not_before, order, leg, final, silent, people, suspended …"""
    because: tuple[str, ...] = ()
    """The taps behind it."""


class TapVerdict(NamedTuple):
    """What is said of one tap within one round."""

    tap: str
    verdict: Verdict
    rule: str = ""
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundVerdict:
    """What is said of a round."""

    state: RoundState
    stops: tuple[StopVerdict, ...]
    taps: tuple[TapVerdict, ...] = ()
    guards: tuple[str, ...] = ()
    started_ms: int | None = None
    finished_ms: int | None = None
    short_of: str = ""
    """What co-presence still lacks, e.g. `people 1/2` or `role supervisor`; empty: nothing."""

    @property
    def missed(self) -> tuple[StopVerdict, ...]:
        """The stops that nobody came to."""
        return tuple(stop for stop in self.stops if stop.verdict == Verdict.MISSED)

    @property
    def unconfirmed(self) -> bool:
        """Every miss may still be cleared up by a silent device."""
        missed = self.missed
        return bool(missed) and all(stop.certainty == Certainty.UNCONFIRMED for stop in missed)
