"""Detectors applied to the rows around a tap: marks, evidence and anomalies brought up to date, walks learned."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.duration import to_milliseconds
from gateway.site.model import SiteConfig
from gateway.site.patrol import Leg
from services.kernel.upsert import insert_missing
from services.patrol import anomalies, taps
from services.patrol.model import Evidence
from services.patrol.sun.claims import Outcome
from services.patrol.suspicion import walking
from services.patrol.suspicion.detectors import Kind, Limits, Mark, Seen, graded, walked
from services.patrol.suspicion.detectors import examine as detect
from services.patrol.suspicion.walking import Legs, Place, Walk
from services.patrol.tables import LegTimes, Round, TapRow

REACH = timedelta(hours=2)
"""Taps further away say nothing about one."""
UNKNOWN_TAG = "unknown_tag"
_SUSPECT_PROOFS = {str(Outcome.HARVESTED): "harvested", str(Outcome.REPLAY): "replay", str(Outcome.STALE): "stale"}
_HARMLESS = {str(kind) for kind in Kind if kind.concern == "info"}
_BASE = {str(Evidence.UID_WALKED): Evidence.UID}


def examine(session: Session, config: SiteConfig, row: TapRow, now: datetime) -> None:
    """Look at a new tap among its neighbours; marks of neighbours may come or go with it."""
    near, sure = taps.around(session, row, REACH)
    placed = [one for one in near if one.checkpoint is not None]
    legs = legs_of(session, config, placed)
    rounds = _rounds_of(session, placed)
    limits = Limits(
        skew_after_ms=to_milliseconds(config.patrol.settings.skew_after),
        duplicate_ms=to_milliseconds(config.patrol.settings.duplicate_within),
    )
    seen = [_seen(one) for one in placed]
    found = _detect(placed, legs, limits, rounds)
    before: Seen | None = None
    for one, tap in zip(placed, seen, strict=True):
        marks = (*found.get(one.id, {}).values(), *_doubted(one))
        on_foot = before is not None and walked(before, tap, legs, limits)
        if one.id in sure:
            evidence = graded(_BASE.get(one.evidence, Evidence(one.evidence)), on_foot, marks)
            _update(session, one, marks, str(evidence), now)
        if one.id == row.id and on_foot and before is not None and not one.marks:
            _learn(session, config, before, tap, one, now)
        before = tap
    if row.checkpoint is None:
        _update(session, row, _doubted(row), row.evidence, now)


def _doubted(row: TapRow) -> tuple[Mark, ...]:
    """The marks that no neighbour can take back."""
    return tuple(Mark(Kind(doubt), (row.id,)) for doubt in row.doubts)


def _detect(
    rows: Sequence[TapRow], legs: Legs, limits: Limits, rounds: Mapping[str, Sequence[str]]
) -> dict[str, dict[Kind, Mark]]:
    """The marks by tap and kind. A tap may count in rounds of several routes: it is looked at in each of them."""
    found: dict[str, dict[Kind, Mark]] = {}
    for place in range(max((len(one.rounds) for one in rows), default=0) or 1):
        seen = [_seen(one, place) for one in rows]
        for tap, marks in detect(seen, legs, limits, rounds).items():
            found.setdefault(tap, {}).update({mark.kind: mark for mark in marks})
    return found


def _rounds_of(session: Session, rows: Sequence[TapRow]) -> dict[str, list[str]]:
    """The checkpoints of the rounds that some taps counted in."""
    keys = {key for row in rows for key in row.rounds}
    found = session.scalars(select(Round).where(Round.id.in_(keys)))
    return {one.id: [stop[0] for stop in one.plan["stops"]] for one in found}


def _seen(row: TapRow, place: int = 0) -> Seen:
    return Seen(
        id=row.id,
        checkpoint=row.checkpoint or "",
        at_ms=to_ms(row.at),
        device=row.phone or row.device,
        claimed_ms=to_ms(row.claimed_at) if row.claimed_at else None,
        received_ms=to_ms(row.received_at),
        uncertain_ms=row.uncertain_ms,
        turned=row.clock_turned,
        round=row.rounds[place] if place < len(row.rounds) else "",
    )


def _update(session: Session, row: TapRow, marks: Sequence[Mark], evidence: str, now: datetime) -> None:
    why = {str(one.kind): {"taps": list(one.taps), **one.figures} for one in marks}
    if row.proof in _SUSPECT_PROOFS:
        why[_SUSPECT_PROOFS[row.proof]] = {"taps": [row.id]}
    if row.checkpoint is None:
        why[UNKNOWN_TAG] = {"taps": [row.id], "tag": row.tag}
    suspect, before = set(why) - _HARMLESS, set(row.marks) - _HARMLESS
    if sorted(why) != row.marks or why != row.why:
        row.marks, row.why = sorted(why), why
    if row.evidence != evidence:
        row.evidence = evidence
    for kind in suspect - before:
        anomalies.open_anomaly(
            session,
            site=row.site,
            kind=kind,
            ref=row.id,
            at=row.at,
            now=now,
            round_id=None,
            checkpoint=row.checkpoint,
            guard=row.guard,
        )
    for kind in before - suspect:
        anomalies.withdraw(session, row.site, kind, row.id, now)
    session.flush()


def legs_of(session: Session, config: SiteConfig, near: Sequence[TapRow]) -> Legs:
    """What is known of the walks between some taps: declared, learned, or by the map."""
    points = {one.checkpoint for one in near}
    patrol = config.patrol
    places = {
        one.id: Place(one.position.x_m, one.position.y_m, one.position.floor)
        for one in patrol.checkpoints
        if one.position is not None
    }
    declared = _declared(config)
    learned = {
        (one.start, one.end): one.samples
        for one in session.scalars(
            select(LegTimes).where(
                LegTimes.site == config.site.id, or_(LegTimes.start.in_(points), LegTimes.end.in_(points))
            )
        )
    }
    fastest, per_floor = patrol.settings.fastest_m_s, patrol.settings.floor_time.total_seconds()
    walks: dict[tuple[str, str], Walk] = {}
    for pair in {*declared, *learned}:
        leg = declared.get(pair)
        floor = _distance_floor(leg, places.get(pair[0]), places.get(pair[1]), fastest, per_floor)
        minimum = leg.minimum.total_seconds() if leg is not None and leg.minimum is not None else None
        walks[pair] = walking.known(learned.get(pair, ()), minimum, floor)
    return Legs(walks, places, fastest, per_floor)


def _declared(config: SiteConfig) -> dict[tuple[str, str], Leg]:
    found: dict[tuple[str, str], Leg] = {}
    for route in config.patrol.routes:
        for leg in route.legs:
            found[leg.start, leg.end] = found[leg.end, leg.start] = leg
    return found


def _distance_floor(
    leg: Leg | None, start: Place | None, end: Place | None, fastest_m_s: float, floor_time_s: float
) -> float | None:
    if leg is not None and leg.distance_m is not None:
        return leg.distance_m / fastest_m_s
    return walking.distance_floor(start, end, fastest_m_s, floor_time_s) if start and end else None


def _learn(session: Session, config: SiteConfig, before: Seen, tap: Seen, row: TapRow, now: datetime) -> None:
    """A walk with nothing odd about it teaches how long this leg takes."""
    key = {"site": row.site, "leg_start": before.checkpoint, "leg_end": tap.checkpoint}
    insert_missing(session, LegTimes, {**key, "samples": [], "updated_at": now}, ("site", "leg_start", "leg_end"))
    leg = session.get_one(LegTimes, (row.site, before.checkpoint, tap.checkpoint))
    day = row.at.astimezone(ZoneInfo(config.site.timezone)).date().isoformat()
    leg.samples = walking.add(leg.samples, day, row.guard, (tap.at_ms - before.at_ms) / 1000)
    leg.updated_at = now
