"""All limits of all points of an ingest group: the pure step, driven fast and kept in rows.

Most samples find every limit of their point calm and lie inside all of them; those cost one comparison, and a few more
where the sensor itself is watched. Anything else goes through `step`. What a limit remembers is written in the
transaction of the batch, so a restart changes nothing.
"""

import json
from array import array
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.contract.heard import Sample
from gateway.site.limit import Limit
from services.kernel.upsert import upsert
from services.rules.band import INF, Band, band_of
from services.rules.memory import Effect, Phase, Reading, RuleState, Tick
from services.rules.model import BAD, in_range, step
from services.rules.sensor import FAULTS, WATCHES, broken, impossible, moved, too_fast
from services.rules.tables import PointState, RuleStateRow

CALM = RuleState()
_FOREVER_MS = 1 << 60
IMPOSSIBLE_MS = 150_000
"""A judged time is at most two minutes ahead when it comes; one that stays further ahead was never true."""
_POINT_COLUMNS = ("point", "last_ms", "received_ms", "value", "quality", "recent", "first_ms", "provisional_set")


class Finding(NamedTuple):
    """An effect with the limit and point it belongs to."""

    limit: Limit
    effect: Effect


class Track:
    """One point in memory: its newest sample, its limits and whether they are all calm."""

    __slots__ = (
        "calm", "faults", "first_ms", "gap_ms", "high", "key", "last_ms", "low", "moved_from", "moved_ms",
        "provisional_set", "quality", "quiet", "rate", "received_ms", "recent", "rules", "states", "stored", "stuck",
        "synced", "tells_loop", "twin", "value", "watched",
    )  # fmt: skip

    def __init__(self, key: str, limits: Sequence[Limit]) -> None:
        self.key = key
        self.last_ms = 0
        self.first_ms = 0
        self.received_ms = 0
        self.value = 0.0
        self.quality = 0
        self.provisional_set: float | None = None
        self.recent: deque[float] = deque(maxlen=max((limit.median_of for limit in limits), default=1))
        self.rules: list[tuple[Limit, Band | None]] = [(limit, None) for limit in limits]
        self.states: list[RuleState] = [CALM for _ in limits]
        self.stored = [False for _ in limits]
        """Which limits have a row of their own, because their memory does not follow from the point's."""
        self.calm = False  # until its first sample went through every limit
        self.quiet = False
        """As `calm`, for a point whose sensor is watched: such a one is never calm."""
        kinds = {limit.kind: index for index, limit in enumerate(limits)}
        self.watched = bool(WATCHES & kinds.keys())
        self.stuck, self.rate, self.twin = kinds.get("stuck"), kinds.get("rate"), kinds.get("twin")
        """Which limits these are, if any."""
        self.tells_loop = "loop" in kinds
        self.faults = tuple(index for index, limit in enumerate(limits) if limit.kind in FAULTS)
        self.moved_ms = 0
        self.moved_from = 0.0
        """Since when the value stands here; kept only for a point that may be stuck."""
        self.synced = True
        self.gap_ms = min((limit.stale_after_ms for limit in limits if limit.stale_after_ms > 0), default=_FOREVER_MS)
        self.low = -INF
        self.high = INF
        self.set_bands()

    def set_bands(self) -> None:
        """Work out the bands, again when a provisional set value is learned or changes."""
        self.rules = [(limit, band_of(limit, self.provisional_set)) for limit, _ in self.rules]
        bands = [band for _, band in self.rules if band is not None]
        self.low = max((band.low / band.scale if band.scale else band.low for band in bands), default=-INF)
        self.high = min((band.high / band.scale if band.scale else band.high for band in bands), default=INF)

    def sync(self) -> None:
        """Bring the limits' own memories up to date after a calm stretch."""
        if self.synced:
            return
        self.states = [self.follows(index) for index in range(len(self.rules))]
        self.synced = True

    def settle(self) -> None:
        """Note whether every limit follows from the point's own memory."""
        self.quiet = self.last_ms > 0 and not any(self.stored)
        self.calm = self.quiet and not self.watched

    def follows(self, index: int) -> RuleState:
        """The memory of a limit that has nothing of its own to remember: it follows from the point's."""
        limit, band = self.rules[index]
        if limit.kind == "stuck":
            return RuleState(last_ms=self.last_ms, since_ms=self.moved_ms, worst=self.moved_from)
        if limit.kind == "rate":
            return RuleState(last_ms=self.last_ms, worst=self.value)
        if limit.kind in WATCHES:
            return RuleState(last_ms=self.last_ms)
        if band is None and limit.kind != "stale":
            return CALM
        recent: tuple[float, ...] = ()
        if limit.median_of > 1 and band is not None:
            recent = tuple(band.compared(value) for value in list(self.recent)[-limit.median_of :])
        return RuleState(last_ms=self.last_ms, recent=recent)

    def usable(self, value: float) -> bool:
        """Whether a sensor of this kind can read this."""
        return all(in_range(limit, value) for limit, _ in self.rules)

    def sounds_true(self, at_ms: int, value: float, twin: float | None) -> bool:
        """Whether a good value gives a quiet sensor nothing to be told about; notes where it stands."""
        if self.rate is not None:
            limit = self.rules[self.rate][0]
            if too_fast(limit, self.value, value, at_ms - self.last_ms):
                return False
        if self.twin is not None and twin is not None:
            threshold = self.rules[self.twin][0].threshold
            if threshold is not None and abs(value - twin) > threshold:
                return False
        if self.stuck is not None:
            limit = self.rules[self.stuck][0]
            if moved(limit, self.moved_from, value):
                self.moved_from, self.moved_ms = value, at_ms
            elif at_ms - self.moved_ms >= limit.on_delay_ms:
                return False
        return True


class Engine:
    """Judges samples and silence; `load` and `save` keep it in the database."""

    def __init__(self, limits: Mapping[str, Sequence[Limit]], points: Iterable[str]) -> None:
        self._limits = limits
        self.tracks: dict[str, Track] = {key: Track(key, limits.get(key, ())) for key in points}
        self._dirty: set[Track] = set()
        self.clock_moved_back = False
        """Set when times were met that our own clock has since taken back."""
        self._changed: dict[tuple[str, str], RuleState | None] = {}
        self._watches_standing = [track for track in self.tracks.values() if track.stuck is not None]

    def load(self, session: Session) -> None:
        """Take everything from the database; what memory held before is forgotten."""
        self.tracks = {key: Track(key, self._limits.get(key, ())) for key in self.tracks}
        self._watches_standing = [track for track in self.tracks.values() if track.stuck is not None]
        self._dirty.clear()
        self._changed.clear()
        for row in session.scalars(select(PointState)):
            track = self.tracks.get(row.point)
            if track is None:
                continue
            track.last_ms, track.received_ms, track.first_ms = row.last_ms, row.received_ms, row.first_ms
            track.value, track.quality, track.provisional_set = row.value, row.quality, row.provisional_set
            values = array("d")
            values.frombytes(row.recent)
            track.recent.extend(values)
            track.synced = False
            track.set_bands()
            track.sync()
            track.settle()
        for state_row in session.scalars(select(RuleStateRow)):
            track = self.tracks.get(state_row.point)
            if track is None:
                continue
            for index, (limit, _) in enumerate(track.rules):
                if limit.rule == state_row.rule:
                    state = track.states[index] = _unpack(state_row.state)
                    if index == track.stuck:
                        track.moved_ms, track.moved_from = state.since_ms, state.worst
                    track.stored[index] = state != track.follows(index)
                    track.settle()

    def take(self, samples: Sequence[Sample]) -> list[Sample]:
        """Take samples the cheap way, in order, up to the first that needs `judge`; returns what is left from there."""
        tracks, dirty = self.tracks, self._dirty
        for index, (point, at_ms, _, value, quality, received_ms) in enumerate(samples):
            track = tracks[point]
            if not (
                (track.calm or track.quiet)
                and track.low <= value <= track.high
                and 0 <= at_ms - track.last_ms <= track.gap_ms
                and quality != BAD
                and (track.calm or track.sounds_true(at_ms, value, self._twin_of(track, at_ms)))
            ):
                return list(samples[index:])
            track.last_ms = at_ms
            track.received_ms = received_ms
            track.value = value
            track.quality = quality
            track.recent.append(value)
            track.synced = False
            dirty.add(track)
        return []

    def _twin_of(self, track: Track, at_ms: int) -> float | None:
        """What the twin of a point reads, while that is fresh and good."""
        if track.twin is None:
            return None
        twin = self.tracks.get(track.rules[track.twin][0].twin)
        if twin is None or twin.last_ms == 0 or twin.quality == BAD or not twin.usable(twin.value):
            return None
        return twin.value if abs(at_ms - twin.last_ms) <= twin.gap_ms else None

    def is_doubted(self, point: str) -> bool:
        """Whether the sensor of a point counts as faulty now: it stands still, jumps, or its loop is broken."""
        track = self.tracks.get(point)
        if track is None or not track.faults or track.quiet:
            return False
        return any(broken(track.states[index], track.rules[index][0]) for index in track.faults)

    def judge(self, sample: Sample, suspended: Mapping[str, bool], fault: str = "") -> list[Finding]:
        """Judge a sample against every limit of its point.

        `suspended`: limits (by rule) excused at that time; `fault`: what the device says is wrong with the sensor.
        """
        point, at_ms, _, value, quality, received_ms = sample
        track = self.tracks[point]
        if track.last_ms > received_ms + IMPOSSIBLE_MS:
            self._forget_future(track, at_ms)
        track.sync()
        good = quality != BAD
        if at_ms >= track.last_ms and good and at_ms - track.last_ms > track.gap_ms:
            track.recent.clear()
        said = Reading(at_ms, value, quality, fault=fault if track.tells_loop else "", twin=self._twin_of(track, at_ms))
        jumped = track.rate is not None and impossible(track.states[track.rate], said, track.rules[track.rate][0])
        found: dict[int, tuple[Effect, ...]] = {}
        for index in track.faults:
            found[index] = self._step(track, index, said, suspended, received_ms)
        said = said._replace(
            doubted=jumped or any(broken(track.states[index], track.rules[index][0]) for index in track.faults)
        )
        findings: list[Finding] = []
        for index, (limit, _) in enumerate(track.rules):
            effects = found[index] if index in found else self._step(track, index, said, suspended, received_ms)
            findings.extend(Finding(limit, effect) for effect in effects)
        if track.stuck is not None:
            track.moved_ms, track.moved_from = track.states[track.stuck].since_ms, track.states[track.stuck].worst
        if at_ms >= track.last_ms:
            track.last_ms = at_ms
            track.received_ms = received_ms
            track.value, track.quality = value, quality
            if good and track.usable(value):
                track.recent.append(value)
            if track.first_ms == 0:
                track.first_ms = at_ms
        for index in range(len(track.rules)):
            self._note_change(track, index)
        track.settle()
        self._dirty.add(track)
        return findings

    @staticmethod
    def _step(
        track: Track, index: int, said: Reading, suspended: Mapping[str, bool], received_ms: int
    ) -> tuple[Effect, ...]:
        limit, band = track.rules[index]
        if suspended.get(limit.rule, False):
            said = said._replace(suspended=True)
        track.states[index], effects = step(track.states[index], said, limit, band, received_ms)
        return effects

    def tick(self, at_ms: int, hearing_since_ms: int) -> list[Finding]:
        """Let time pass for limits that watch silence or hold their last value."""
        findings: list[Finding] = []
        event = Tick(at_ms, hearing_since_ms)
        for track in self.tracks.values():
            if track.last_ms > at_ms + IMPOSSIBLE_MS:
                self._forget_future(track, at_ms)
            for index, (limit, band) in enumerate(track.rules):
                if limit.kind != "stale" and not limit.hold_last:
                    continue
                track.sync()
                before = track.states[index]
                after, effects = step(before, event, limit, band, at_ms)
                if after is not before:
                    track.states[index] = after
                    self._note_change(track, index)
                    track.settle()
                findings.extend(Finding(limit, effect) for effect in effects)
        return findings

    def _forget_future(self, track: Track, at_ms: int) -> None:
        """A time that has not come yet was believed because our own clock was ahead: go on from now instead."""
        track.sync()
        track.last_ms = min(track.last_ms, at_ms)
        track.moved_ms = min(track.moved_ms, at_ms)
        for index, state in enumerate(track.states):
            track.states[index] = state._replace(
                last_ms=min(state.last_ms, at_ms),
                since_ms=min(state.since_ms, at_ms),
                out_since_ms=min(state.out_since_ms, at_ms),
                outs=(),
            )
            self._note_change(track, index)
        track.settle()
        self._dirty.add(track)
        self.clock_moved_back = True

    def learn_set_value(self, point: str, provisional_set: float) -> None:
        """Use a median as the point's set value until somebody configures one (AMB-01)."""
        track = self.tracks[point]
        track.sync()
        track.provisional_set = provisional_set
        unjudged = [index for index, (_, band) in enumerate(track.rules) if band is None]
        track.set_bands()
        for index in unjudged:
            if not track.stored[index]:
                track.states[index] = track.follows(index)
        self._dirty.add(track)

    def save(self, session: Session) -> None:
        """Write what changed since the last save."""
        if self._dirty:
            rows = [
                (
                    track.key,
                    track.last_ms,
                    track.received_ms,
                    track.value,
                    track.quality,
                    array("d", track.recent).tobytes(),
                    track.first_ms,
                    track.provisional_set,
                )
                for track in self._dirty
            ]
            upsert(session, PointState, _POINT_COLUMNS, rows, ("point",))
            for track in self._watches_standing:
                if track in self._dirty and track.stuck is not None:  # where it stands follows from nothing else
                    track.sync()
                    self._changed[track.key, track.rules[track.stuck][0].rule] = track.states[track.stuck]
            self._dirty.clear()
        if self._changed:
            kept = [
                (point, rule, state.phase.value, _pack(state))
                for (point, rule), state in self._changed.items()
                if state is not None
            ]
            if kept:
                upsert(session, RuleStateRow, ("point", "rule", "phase", "state"), kept, ("point", "rule"))
            for (point, rule), state in self._changed.items():
                if state is None:
                    session.execute(delete(RuleStateRow).where(RuleStateRow.point == point, RuleStateRow.rule == rule))
            self._changed.clear()

    def _note_change(self, track: Track, index: int) -> None:
        state, key = track.states[index], (track.key, track.rules[index][0].rule)
        if state != track.follows(index):
            self._changed[key] = state
            track.stored[index] = True
        elif track.stored[index]:
            self._changed[key] = None
            track.stored[index] = False


def _pack(state: RuleState) -> str:
    return json.dumps(list(state), separators=(",", ":"))


def _unpack(text: str) -> RuleState:
    phase, since, last, out_since, worst, alerted, severe, recent, outs = json.loads(text)
    return RuleState(Phase(phase), since, last, out_since, worst, alerted, severe, tuple(recent), tuple(outs))
