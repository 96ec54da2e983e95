"""Rows of patrol for tests: rounds with their stops, taps, anomalies; everything not named has a harmless value."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from services.patrol.model import LegLimit, RoundPlan, StopPlan
from services.patrol.planning import plans
from services.patrol.tables import Anomaly, Round, RoundEvent, RoundStop, TapRow

SITE = "yunhe"
START = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
"""Midnight in Shanghai: 2026-11-21 00:00."""
MINUTE = timedelta(minutes=1)


def plan(name: str, start: datetime, checkpoints: Sequence[str], *, route: str, shift: str, site: str) -> RoundPlan:
    """Half an hour, on time within it, a quarter of an hour around it as extended window, ordered."""
    at = to_ms(start)
    minute = 60_000
    stops = tuple(
        StopPlan(index, one, at - 15 * minute, at, at + 30 * minute, at + 45 * minute)
        for index, one in enumerate(checkpoints)
    )
    return RoundPlan(
        id=name,
        site=site,
        route=route,
        schedule="test",
        shift=shift,
        order="ordered",
        starts_ms=at,
        ends_ms=at + 30 * minute,
        final_ms=at + 50 * minute,
        confirm_ms=at + 410 * minute,
        stops=stops,
        legs={("lobby-1", "stairs-1"): LegLimit(45_000, 600_000)},
    )


def patrol_round(
    name: str,
    *,
    start: datetime = START,
    checkpoints: Sequence[str] = ("lobby-1", "stairs-1"),
    route: str = "buildings",
    shift: str = "",
    state: str = "planned",
    site: str = SITE,
    guards: Sequence[str] = (),
    unconfirmed: bool = False,
    **more: object,
) -> Round:
    """A round of half an hour."""
    made = plan(name, start, checkpoints, route=route, shift=shift, site=site)
    row = Round(
        id=f"{site}/{name}",
        site=site,
        route=route,
        schedule="test",
        shift=shift,
        starts_at=start,
        ends_at=start + 30 * MINUTE,
        opens_at=start - 15 * MINUTE,
        closes_at=start + 45 * MINUTE,
        final_at=start + 50 * MINUTE,
        confirm_at=start + 410 * MINUTE,
        plan=plans.encode(made),
        state=state,
        stops=len(checkpoints),
        visited=0,
        missed=0,
        unconfirmed=unconfirmed,
        flagged=0,
        short_of="",
        guards=list(guards),
        started_at=None,
        finished_at=None,
        version=0,
    )
    for key, value in more.items():
        setattr(row, key, value)
    return row


def stop(
    row: Round, index: int, verdict: str = "pending", *, marks: Sequence[str] = (), certainty: str = "", **more: object
) -> RoundStop:
    """A stop of a round."""
    checkpoint = plans.decode(row.plan).stops[index].checkpoint
    made = RoundStop(
        round_id=row.id,
        index=index,
        checkpoint=checkpoint,
        verdict=verdict,
        certainty=certainty or ("confirmed" if verdict == "missed" else ""),
        marks=list(marks),
        tap_id=None,
        at=None,
        rule="",
        because=[],
    )
    for key, value in more.items():
        setattr(made, key, value)
    return made


def tap(
    name: str,
    checkpoint: str | None,
    at: datetime,
    guard: str = "guard",
    *,
    rounds: Sequence[str] = (),
    verdict: str = "on_time",
    evidence: str = "uid",
    marks: Sequence[str] = (),
    site: str = SITE,
    **more: object,
) -> TapRow:
    """A tap that was received at once."""
    made = TapRow(
        id=f"{site}/patrol-app/{name}",
        site=site,
        device="patrol-app",
        phone="phone-1",
        reader="",
        checkpoint=checkpoint,
        tag="043A91B26C5980",
        guard=guard,
        role="guard",
        at=at,
        claimed_at=at,
        received_at=at,
        clock="monotonic",
        evidence=evidence,
        proof="",
        marks=list(marks),
        why={},
        verdict=verdict,
        rounds=list(rounds),
        round_hint="",
        answers={},
        findings=[],
        note="",
        photos=[],
        retries=0,
    )
    for key, value in more.items():
        setattr(made, key, value)
    return made


def anomaly(name: str, kind: str, ref: str, at: datetime = START, *, site: str = SITE, **more: object) -> Anomaly:
    """An anomaly that waits for an answer."""
    made = Anomaly(
        id=name,
        site=site,
        kind=kind,
        ref=ref,
        round_id=None,
        checkpoint=None,
        guard="",
        shift="",
        at=at,
        found_at=at,
        withdrawn_at=None,
        closed_at=None,
        closed_by="",
        comment="",
    )
    for key, value in more.items():
        setattr(made, key, value)
    return made


def walked(s: Session, name: str, *, start: datetime = START, shift: str = "", guard: str = "guard") -> Round:
    """Store a round of two stops: the first tapped on time, the second a minute later and called too fast."""
    row = patrol_round(name, start=start, shift=shift, state="complete", guards=[guard], visited=2, flagged=1)
    first = tap(f"{name}-1", "lobby-1", start + 2 * MINUTE, guard, rounds=[row.id], evidence="sun")
    second = tap(f"{name}-2", "stairs-1", start + 2 * MINUTE + timedelta(seconds=20), guard, rounds=[row.id])
    row.started_at, row.finished_at = first.at, second.at
    s.add_all([row, first, second])
    s.flush()
    s.add(stop(row, 0, "on_time", tap_id=first.id, at=first.at, rule="window", because=[first.id]))
    because = [first.id, second.id]
    s.add(stop(row, 1, "too_fast", marks=["too_fast"], tap_id=second.id, at=second.at, rule="leg", because=because))
    s.add(RoundEvent(round_id=row.id, seq=1, at=first.at, stop=0, was="pending", now="on_time", rule="window", taps=[]))
    s.add(RoundEvent(round_id=row.id, seq=2, at=second.at, stop=None, was="running", now="complete", rule="", taps=[]))
    row.version = 2
    return row


def missed(s: Session, name: str, *, start: datetime = START, shift: str = "", unconfirmed: bool = False) -> Round:
    """Store a round of two stops that nobody came to."""
    row = patrol_round(name, start=start, shift=shift, state="missed", missed=2, unconfirmed=unconfirmed)
    s.add(row)
    s.flush()
    for index in (0, 1):
        s.add(stop(row, index, "missed", certainty="unconfirmed" if unconfirmed else "confirmed", rule="final"))
    return row
