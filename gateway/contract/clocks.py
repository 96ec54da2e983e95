"""True time of taps that were kept on a device: worked out from what its clocks said when it delivered them.

A device shows two clocks. The wall clock can be wrong by hours, drift, and be set at any time. The monotonic clock
starts over with every boot and rests while a phone sleeps: at least as much time has passed as it counted. Where the
two disagree, the time that passed between two deliveries, by our own clock, tells a sleep from a set clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

Basis = Literal["monotonic", "offset", "claimed"]

LATENCY_MS = 1_000
"""A delivery is usually on its way for less."""
ON_THE_WAY_MS = 60_000
"""In a weak network it may take so long; an earlier delivery shows it."""
AGREE_MS = 250
"""Two clocks that differ by less over an interval show the same."""
STEP_MS = 2_000
"""A wall clock that is set moves by more; less is sleep, drift, or time on the way."""
DRIFT = 500e-6
"""Clocks run at most so fast or slow, two of them against each other included."""
WRONG_MS = 600_000
"""A clock further off than this was probably set wrong by somebody."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a device's clocks said at a tap; `seq` rises from tap to tap, over boots too."""

    wall_ms: int
    mono_ms: int | None
    boot: str
    seq: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What a device's clocks said when it sent, and when we received it; without `wall_ms` nothing can be solved."""

    wall_ms: int | None
    mono_ms: int | None
    boot: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class Solved:
    """The true time of one tap."""

    at_ms: int
    basis: Basis
    """The clock it rests on: monotonic, the wall clock's offset as known, or only the device's own claim."""
    uncertain_ms: int
    """As far as the figures tell; with basis `offset` and no earlier delivery a clock set unseen is not in it."""
    turned: bool
    """The wall clock was set between this tap and its delivery."""


@dataclass(slots=True, eq=False)
class _Gap:
    """The time between two neighbours: tap and tap, or tap and delivery."""

    low_ms: int
    """At least this long, by the monotonic clock."""
    wall_ms: int
    tight: bool
    """`low_ms` counts the whole gap unless the device slept in it."""
    took_ms: float = 0
    open: bool = False
    """The wall clock may have been set in it: its word is taken, and can be taken back."""
    stepped: bool = False
    doubt_ms: float = 0

    def __post_init__(self) -> None:
        ahead = self.wall_ms - self.low_ms
        step = STEP_MS + DRIFT * self.low_ms
        self.stepped = ahead < -step
        self.open = ahead > step or (not self.tight and not self.stepped)
        agrees = self.tight and ahead <= AGREE_MS + DRIFT * self.low_ms
        self.took_ms = self.low_ms if agrees or self.stepped else max(self.low_ms, self.wall_ms)

    @property
    def monotonic(self) -> bool:
        return self.tight and self.asleep_ms <= STEP_MS + DRIFT * self.low_ms

    @property
    def asleep_ms(self) -> float:
        """What its length owes to the wall clock alone."""
        return self.took_ms - self.low_ms

    def step(self) -> None:
        """Assume the wall clock was set in it."""
        self.took_ms, self.stepped, self.open = self.low_ms, True, False


def solve(stamps: Sequence[Stamp], sent: Sent, previous: Sent | None = None) -> list[Solved]:
    """True times of one device's taps, in the order given.

    `previous` is the device's last delivery or sign of life after which it kept no taps back: what happened between
    the two is bracketed by two known moments. (Taps that it did keep back are found out where that is possible.)
    Never later than `sent.received_ms`; the order by `seq` is kept, a millisecond apart at least.
    """
    order = sorted(range(len(stamps)), key=lambda index: stamps[index].seq)
    in_order = [stamps[index] for index in order]
    if previous is not None and previous.received_ms > sent.received_ms:
        previous = None
    early = 0 if previous is None else _before(in_order, previous, sent)
    solved = _solve(in_order[early:], sent, previous)
    if previous is not None and early:
        set_since = not _steady(previous, sent)
        kept = _solve(in_order[:early], previous, None)
        solved = [Solved(one.at_ms, one.basis, one.uncertain_ms, one.turned or set_since) for one in kept] + solved
    result = dict(zip(order, _apart(solved, sent.received_ms), strict=True))
    return [result[index] for index in range(len(stamps))]


def _steady(previous: Sent, sent: Sent) -> bool:
    """The wall clock was as far off at one delivery as at the other."""
    if previous.wall_ms is None or sent.wall_ms is None:
        return False
    passed = sent.received_ms - previous.received_ms
    return abs(sent.wall_ms - previous.wall_ms - passed) <= STEP_MS + DRIFT * passed


def _before(stamps: Sequence[Stamp], previous: Sent, sent: Sent) -> int:
    """How many of the taps, first ones first, are older than the previous delivery, which did not bring them."""
    # Boots do not come back: what is of neither boot came before both deliveries if theirs is the same.
    one_boot = previous.mono_ms is not None and previous.boot == sent.boot
    steady = _steady(previous, sent)
    count = 0
    for index, stamp in enumerate(stamps):
        if stamp.boot == previous.boot and stamp.mono_ms is not None and previous.mono_ms is not None:
            older = stamp.mono_ms < previous.mono_ms
        else:
            # Only of a device without a second clock the wall clock's word is taken: it could be set back and forth.
            by_wall = stamp.mono_ms is None and previous.wall_ms is not None and stamp.wall_ms <= previous.wall_ms
            older = (by_wall and steady) or (one_boot and stamp.boot != previous.boot)
        if older:
            count = index + 1
    return count


def _solve(stamps: Sequence[Stamp], sent: Sent, previous: Sent | None) -> list[Solved]:
    if not stamps:
        return []
    if sent.wall_ms is None:
        return [Solved(stamp.wall_ms, "claimed", 0, False) for stamp in stamps]
    points: list[Stamp | Sent] = [*stamps, sent]
    gaps = [_gap(before, after) for before, after in pairwise(points)]
    first = None if previous is None or previous.wall_ms is None else _gap(previous, stamps[0])
    bracketed = False
    if first is not None and previous is not None:
        total = sent.received_ms - previous.received_ms
        bracketed = _fit([first, *gaps], total)
        if not bracketed:
            gaps = [_gap(before, after) for before, after in pairwise(points)]
    if not bracketed or first is None:
        _guess(stamps, gaps, sent)
        first = None
    return _read(gaps, first, sent.received_ms, previous)


def _gap(before: Stamp | Sent, after: Stamp | Sent) -> _Gap:
    tight = before.boot == after.boot and before.mono_ms is not None and after.mono_ms is not None
    # After another boot at least that boot's own age has passed.
    since = before.mono_ms if tight else None if before.boot == after.boot else 0
    low = 0 if since is None else max(0, (after.mono_ms or 0) - since)
    return _Gap(low, (after.wall_ms or 0) - (before.wall_ms or 0), tight)


def _fit(gaps: Sequence[_Gap], total_ms: int) -> bool:
    """Make the gaps add up to the time that truly passed with as few set clocks as possible; False: they cannot."""
    slack = STEP_MS + DRIFT * total_ms
    unset = -slack <= total_ms - sum(gap.wall_ms for gap in gaps) <= ON_THE_WAY_MS
    if unset and not any(gap.stepped for gap in gaps):
        # The wall clock was never set: it alone counts sleep, and its drift is known from both ends.
        for gap in gaps:
            gap.took_ms = max(gap.wall_ms, gap.low_ms - AGREE_MS)
    spare = total_ms - sum(gap.took_ms for gap in gaps)
    while spare < -slack:
        able = [gap for gap in gaps if gap.open]
        if not able:
            return False
        enough = [gap for gap in able if gap.asleep_ms >= -spare - slack]
        awake = [gap for gap in enough if gap.tight and abs(gap.asleep_ms + spare) <= slack]
        suspects = awake or enough or able
        chosen = _likely(suspects, gaps)
        for gap in suspects if len(suspects) > 1 else ():
            gap.doubt_ms = max(gap.doubt_ms, -spare)
        chosen.step()
        spare = total_ms - sum(gap.took_ms for gap in gaps)
    if slack < spare <= ON_THE_WAY_MS and not any(gap.stepped for gap in gaps):
        gaps[-1].took_ms += spare
        return True
    if spare > slack and not any(gap.stepped for gap in gaps):
        able = [gap for gap in gaps if gap.open]
        if not able:
            return False
        chosen = _likely(able, gaps)
        for gap in able if len(able) > 1 else ():
            gap.doubt_ms = max(gap.doubt_ms, spare)
        chosen.took_ms, chosen.stepped = chosen.took_ms + spare, True
        return True
    _spread(gaps, spare)
    return True


def _likely(able: Sequence[_Gap], gaps: Sequence[_Gap]) -> _Gap:
    """Where the clock was set: clocks are set when the network comes back, else where most time is unexplained."""
    return gaps[-1] if gaps[-1] in able else max(able, key=lambda gap: gap.asleep_ms)


def _spread(gaps: Sequence[_Gap], spare: float) -> None:
    """Share out what is left: to gaps with a set clock, where sleep does not show, else to all as drift."""
    stepped = [gap for gap in gaps if gap.stepped] if spare > 0 else []
    takers = stepped or [gap for gap in gaps if gap.took_ms > 0]
    weights = [gap.took_ms + 1 if stepped else gap.took_ms for gap in takers]
    for gap, weight in zip(takers, weights, strict=True):
        gap.took_ms += spare * weight / sum(weights)
        if len(stepped) > 1:
            gap.doubt_ms = max(gap.doubt_ms, spare)


def _guess(stamps: Sequence[Stamp], gaps: Sequence[_Gap], sent: Sent) -> None:
    """Without an earlier delivery: a clock was set where that explains why it is wrong now, otherwise never."""
    longest_sleep = max((gap.asleep_ms for gap in gaps if gap.tight), default=0)
    at: float = sent.received_ms
    walls = [stamp.wall_ms for stamp in stamps[1:]] + [sent.wall_ms or 0]
    for stamp, wall, gap in zip(reversed(stamps), reversed(walls), reversed(gaps), strict=True):
        right_before = at - stamp.wall_ms
        off = abs(at - wall)
        explains = off > WRONG_MS and abs(right_before - gap.low_ms) <= off / 100
        if gap.open and gap.tight and explains:
            gap.step()
            gap.doubt_ms = off
        elif gap.stepped:
            gap.doubt_ms = longest_sleep
        at -= gap.took_ms


class _Path(NamedTuple):
    """What lies between a tap and one end."""

    took_ms: float = 0
    doubt_ms: float = 0
    monotonic: bool = True
    turned: bool = False

    def over(self, gap: _Gap) -> "_Path":
        return _Path(
            self.took_ms + gap.took_ms,
            max(self.doubt_ms, gap.doubt_ms),
            self.monotonic and gap.monotonic,
            self.turned or gap.stepped,
        )


def _paths(gaps: Iterable[_Gap]) -> list[_Path]:
    """From one end over one gap after the other."""
    return list(accumulate(gaps, _Path.over, initial=_Path()))[1:]


def _read(gaps: Sequence[_Gap], first: _Gap | None, received_ms: int, previous: Sent | None) -> list[Solved]:
    """The taps' times back from the delivery; what is said of them rests on the end with less doubt."""
    ends = _paths(reversed(gaps))[::-1]
    starts = ends if first is None else _paths([first, *gaps[:-1]])
    solved = []
    for end, start in zip(ends, starts, strict=True):
        at = round(received_ms - end.took_ms)
        if previous is not None:
            at = max(at, previous.received_ms)
        basis: Basis = "monotonic" if end.monotonic or start.monotonic else "offset"
        doubt = min(end.doubt_ms, start.doubt_ms) + DRIFT * min(end.took_ms, start.took_ms)
        solved.append(Solved(at, basis, round(LATENCY_MS + doubt), end.turned))
    return solved


def _apart(solved: Sequence[Solved], received_ms: int) -> list[Solved]:
    """Rising times, none after the delivery."""
    rising: list[Solved] = []
    latest = received_ms + 1
    for one in reversed(solved):
        latest = min(one.at_ms, latest - 1)
        rising.append(Solved(latest, one.basis, one.uncertain_ms, one.turned))
    return rising[::-1]
