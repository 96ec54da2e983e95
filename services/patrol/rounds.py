"""Rounds as rows: planned ahead, graded anew from their taps whenever anything about them changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from services.kernel.upsert import insert_missing
from services.patrol.judging.claims import share, wanted
from services.patrol.judging.verdict import grade
from services.patrol.model import Certainty, Evidence, RoundPlan, RoundState, RoundVerdict, Tap, Verdict
from services.patrol.planning import plans
from services.patrol.planning.schedule import rounds as scheduled
from services.patrol.tables import PatrolWatermark, Phone, Round, RoundEvent, RoundStop, TapRow

AHEAD = timedelta(hours=48)
"""So far ahead rounds exist as rows."""
CATCH_UP = timedelta(days=31)
"""After a longer outage the rounds before that are not planned any more."""
IN_USE = timedelta(hours=24)
"""A phone unheard for longer before a round was not on it."""
NEIGHBOURHOOD = timedelta(hours=24)
"""Rounds whose windows overlap from one to the next share their taps; so far to both sides that is followed."""
PLANNED_UNTIL = "planned"
REMOVED = "taken out of the plan"
"""Why a stop is not counted whose checkpoint the site no longer has."""
REFUSED = "refused"
"""Verdict of a tap whose signature proves that nobody was there."""
_OF_A_TAP = (
    TapRow.checkpoint, TapRow.at, TapRow.guard, TapRow.role, TapRow.device, TapRow.phone, TapRow.evidence,
    TapRow.round_hint, TapRow.rounds, TapRow.verdict,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Graded:
    """A round after it was graded, and what that changed."""

    row: Round
    plan: RoundPlan
    verdict: RoundVerdict
    changed: tuple[int, ...]
    """Stops whose verdict or marks are new."""

    @property
    def final(self) -> bool:
        """Nothing is pending any more."""
        return all(stop.verdict != Verdict.PENDING for stop in self.verdict.stops)


def watermark(session: Session, site: str, what: str, now: datetime) -> PatrolWatermark:
    """How far something has been done; whoever holds it works on that alone until his transaction ends."""
    insert_missing(session, PatrolWatermark, {"site": site, "what": what, "since": now, "until": now}, ("site", "what"))
    held = select(PatrolWatermark).where(PatrolWatermark.site == site, PatrolWatermark.what == what)
    return session.scalars(held.with_for_update().execution_options(populate_existing=True)).one()


def plan_ahead(session: Session, config: SiteConfig, now: datetime, *, seed: str = "") -> list[Round]:
    """Bring the planned rounds up to now + AHEAD in line with the site files; returns the rows that are new.

    Rounds that have begun to count keep the plan they were made under. Rounds due while nothing ran are made up for.
    """
    site = config.site.id
    mark = watermark(session, site, PLANNED_UNTIL, now)
    since = max(min(mark.until, now), now - CATCH_UP)
    until = now + AHEAD
    wanted = {f"{site}/{plan.id}": plan for plan in scheduled(config, to_ms(since), to_ms(until), seed=seed)}
    existing = {
        row.id: row for row in session.scalars(select(Round).where(Round.site == site, Round.starts_at >= since))
    }
    new = []
    for key, plan in wanted.items():
        row = existing.get(key)
        if row is None:
            new.append(_insert(session, key, plan))
        elif row.opens_at > now and row.plan != plans.encode(plan):
            _remove(session, row)
            new.append(_insert(session, key, plan))
    for key, row in existing.items():
        if key not in wanted and row.opens_at > now and row.state == RoundState.PLANNED:
            _remove(session, row)
    mark.until = until
    session.flush()
    return new


def _insert(session: Session, key: str, plan: RoundPlan) -> Round:
    row = Round(
        id=key,
        site=plan.site,
        route=plan.route,
        schedule=plan.schedule,
        shift=plan.shift,
        starts_at=from_ms(plan.starts_ms),
        ends_at=from_ms(plan.ends_ms),
        opens_at=from_ms(plan.opens_ms),
        closes_at=from_ms(plan.closes_ms),
        final_at=from_ms(plan.final_ms),
        confirm_at=from_ms(plan.confirm_ms),
        plan=plans.encode(plan),
        state=RoundState.PLANNED,
        stops=sum(not stop.suspended for stop in plan.stops),
        visited=0,
        missed=0,
        unconfirmed=False,
        flagged=0,
        short_of="",
        guards=[],
        started_at=None,
        finished_at=None,
        version=0,
    )
    session.add(row)
    session.flush()
    for stop in plan.stops:
        session.add(
            RoundStop(
                round_id=key,
                index=stop.index,
                checkpoint=stop.checkpoint,
                verdict=Verdict.SUSPENDED if stop.suspended else Verdict.PENDING,
                certainty="",
                marks=[],
                tap_id=None,
                at=None,
                rule="",
                because=[],
            )
        )
    return row


def _remove(session: Session, row: Round) -> None:
    for model in (RoundStop, RoundEvent):
        for child in session.scalars(select(model).where(model.round_id == row.id)):
            session.delete(child)
    session.flush()
    session.delete(row)
    session.flush()


def wanting(session: Session, site: str, checkpoint: str, at: datetime) -> list[Round]:
    """The rounds whose taps a tap at a checkpoint may change: those it may count in, and others it frees a tap for."""
    query = (
        select(Round)
        .join(RoundStop, RoundStop.round_id == Round.id)
        .where(Round.site == site, RoundStop.checkpoint == checkpoint, Round.opens_at <= at, Round.closes_at >= at)
        .order_by(Round.starts_at, Round.id)
    )
    found = list(session.scalars(query).unique())
    known = {row.id for row in found}
    freed: set[str] = set()
    for first in {row.route: row for row in reversed(found)}.values():
        neighbours = _neighbours(session, first)
        if len(neighbours) > 1:
            taps = [tap for tap, _ in _taps_in(session, first, neighbours)]
            without = [tap for tap in taps if (tap.checkpoint, tap.at_ms) != (checkpoint, to_ms(at))]
            after = share(neighbours, taps)
            for name, plan in share(neighbours, without).items():
                if after[name] is not plan:
                    freed |= {f"{site}/{plan.id}", f"{site}/{after[name].id}"}
    freed -= known
    more = session.scalars(select(Round).where(Round.id.in_(freed))) if freed else ()
    return sorted([*found, *more], key=lambda row: (row.starts_at, row.id))


def regrade(session: Session, config: SiteConfig, row: Round, now: datetime, *, more_to_come: bool = False) -> Graded:
    """Grade a round from all its taps as known now, and write down every change of a verdict.

    `more_to_come`: what was delivered has not all been heard, so nothing new is confirmed yet.
    """
    # A worker and ingest may come to the same round at the same moment.
    row = session.scalars(
        select(Round).where(Round.id == row.id).with_for_update().execution_options(populate_existing=True)
    ).one()
    plan = plans.decode(row.plan)
    stored = {stop.index: stop for stop in session.scalars(select(RoundStop).where(RoundStop.round_id == row.id))}
    taps, others = _taps_of(session, plan, row)
    plan = _without_removed(config, plan, stored)
    waits = more_to_come and (row.unconfirmed or not row.missed)
    if waits:
        plan = replace(plan, confirm_ms=max(plan.confirm_ms, to_ms(now) + 1))
    silent = waits or _is_silent(session, config, row, taps, now)
    verdict = grade(plan, [tap for tap, _ in taps], to_ms(now), silent=silent)
    changed = _save_stops(session, row, stored, verdict, now)
    if row.state != verdict.state:
        _note(session, row, None, row.state, str(verdict.state), "", (), now)
    row.state = verdict.state
    counted = [stop for stop in verdict.stops if stop.verdict != Verdict.SUSPENDED]
    row.stops = len(counted)
    row.visited = sum(bool(stop.tap) for stop in counted)
    row.missed = len(verdict.missed)
    row.unconfirmed = verdict.unconfirmed
    row.flagged = sum(bool(stop.marks) for stop in counted if stop.tap)
    row.short_of = verdict.short_of
    row.guards = list(verdict.guards)
    row.started_at = from_ms(verdict.started_ms) if verdict.started_ms is not None else None
    row.finished_at = from_ms(verdict.finished_ms) if verdict.finished_ms is not None else None
    _save_taps(session, row, verdict, [tap_row for _, tap_row in taps])
    for tap_row in others:
        if row.id in tap_row.rounds:
            release(session, tap_row, [row.id])
    session.flush()
    return Graded(row, plan, verdict, changed)


def _without_removed(config: SiteConfig, plan: RoundPlan, stored: Mapping[int, RoundStop]) -> RoundPlan:
    """The plan with those stops suspended that nobody can visit any more; what was judged for good stays so."""
    known = {one.id for one in config.patrol.checkpoints}
    removed = {
        stop.index
        for stop in plan.stops
        if stop.checkpoint not in known
        and not stored[stop.index].tap_id
        and stored[stop.index].certainty != Certainty.CONFIRMED
    }
    if not removed:
        return plan
    stops = tuple(replace(stop, suspended=REMOVED) if stop.index in removed else stop for stop in plan.stops)
    return replace(plan, stops=stops)


def _taps_of(session: Session, plan: RoundPlan, row: Round) -> tuple[list[tuple[Tap, TapRow]], list[TapRow]]:
    """The taps that count in this round, and those around it that do not."""
    neighbours = _neighbours(session, row)
    own, others = [], []
    found = _taps_in(session, row, neighbours)
    shared = share(neighbours, [tap for tap, _ in found])
    for tap, tap_row in found:
        if tap.id in shared and shared[tap.id].id == plan.id:
            own.append((tap, tap_row))
        else:
            others.append(tap_row)
    return own, others


def _neighbours(session: Session, row: Round) -> list[RoundPlan]:
    """This round and those of its route whose windows overlap it, or overlap those, and so on."""
    spans = session.execute(
        select(Round.id, Round.opens_at, Round.closes_at)
        .where(
            Round.site == row.site,
            Round.route == row.route,
            Round.opens_at >= row.opens_at - NEIGHBOURHOOD,
            Round.opens_at <= row.closes_at + NEIGHBOURHOOD,
        )
        .order_by(Round.opens_at, Round.id)
    ).all()
    groups: list[list[str]] = []
    end = None
    for key, opens_at, closes_at in spans:
        if end is None or opens_at > end:
            groups.append([])
        groups[-1].append(key)
        end = max(end or closes_at, closes_at)
    keys = next(group for group in groups if row.id in group)
    if len(keys) == 1:
        return [plans.decode(row.plan)]
    return [plans.decode(plan) for plan in session.scalars(select(Round.plan).where(Round.id.in_(keys)))]


def _taps_in(session: Session, row: Round, neighbours: Sequence[RoundPlan]) -> list[tuple[Tap, TapRow]]:
    """The taps in the windows of these rounds of one route, but for those said to be of a round of another route."""
    rows = session.scalars(
        select(TapRow)
        .where(
            TapRow.site == row.site,
            TapRow.at >= from_ms(min(plan.opens_ms for plan in neighbours)),
            TapRow.at <= from_ms(max(plan.closes_ms for plan in neighbours)),
            TapRow.checkpoint.in_({stop.checkpoint for plan in neighbours for stop in plan.stops}),
            TapRow.verdict != REFUSED,
        )
        .options(load_only(*_OF_A_TAP))
        .order_by(TapRow.at, TapRow.id)
    ).all()
    hinted = {one.round_hint for one in rows if one.round_hint} - {plan.id for plan in neighbours}
    named = select(Round.plan).where(Round.id.in_([f"{row.site}/{one}" for one in hinted]), Round.route != row.route)
    elsewhere = {plan["id"]: plans.decode(plan) for plan in session.scalars(named)} if hinted else {}
    found = [(as_tap(one), one) for one in rows]
    return [(tap, one) for tap, one in found if tap.round not in elsewhere or not wanted(elsewhere[tap.round], tap)]


def as_tap(row: TapRow) -> Tap:
    """A tap as the engine sees it."""
    return Tap(
        id=row.id,
        checkpoint=row.checkpoint or "",
        at_ms=to_ms(row.at),
        guard=row.guard,
        role=row.role,
        device=row.phone or row.device,
        evidence=Evidence(row.evidence),
        round=row.round_hint,
    )


def _save_stops(
    session: Session, row: Round, stored: Mapping[int, RoundStop], verdict: RoundVerdict, now: datetime
) -> tuple[int, ...]:
    changed = []
    for stop in verdict.stops:
        old = stored[stop.index]
        was = _shown(old.verdict, old.certainty)
        marks = [str(mark) for mark in stop.marks]
        if (old.verdict, old.certainty, old.tap_id, old.marks) == (
            stop.verdict,
            stop.certainty,
            stop.tap or None,
            marks,
        ):
            continue
        if was != _shown(stop.verdict, stop.certainty) or old.tap_id != (stop.tap or None):
            _note(session, row, stop.index, was, _shown(stop.verdict, stop.certainty), stop.rule, stop.because, now)
        old.verdict, old.certainty, old.marks = stop.verdict, stop.certainty, marks
        old.tap_id = stop.tap or None
        old.at = from_ms(stop.at_ms) if stop.at_ms is not None else None
        old.rule, old.because = stop.rule, list(stop.because)
        changed.append(stop.index)
    return tuple(changed)


def _shown(verdict: str, certainty: str) -> str:
    return f"{verdict} {certainty}".strip() if verdict == Verdict.MISSED else str(verdict)


def _note(
    session: Session, row: Round, stop: int | None, was: str, is_now: str, rule: str, taps: Sequence[str], now: datetime
) -> None:
    row.version += 1
    session.add(
        RoundEvent(round_id=row.id, seq=row.version, at=now, stop=stop, was=was, now=is_now, rule=rule, taps=list(taps))
    )


def _save_taps(session: Session, row: Round, verdict: RoundVerdict, own: Sequence[TapRow]) -> None:
    said = {tap.tap: tap.verdict for tap in verdict.taps}
    for tap in own:
        if row.id not in tap.rounds:
            tap.rounds = [*tap.rounds, row.id]
        tap.verdict = said.get(tap.id, Verdict.EXTRA)


def release(session: Session, row: TapRow, rounds: Iterable[str]) -> None:
    """Take a tap out of rounds that no longer claim it."""
    gone = set(rounds)
    row.rounds = [one for one in row.rounds if one not in gone]
    if not row.rounds and row.verdict != REFUSED:
        row.verdict = Verdict.EXTRA


def _is_silent(
    session: Session, config: SiteConfig, row: Round, taps: Sequence[tuple[Tap, TapRow]], now: datetime
) -> bool:
    """Whether somebody who may have walked this round has a device that we have not heard since."""
    people = {tap.guard for tap, _ in taps} & set(config.person_by_username)
    if not people:
        shift = config.patrol.shift(row.shift.partition("@")[0])
        people = set(shift.people) if shift else set()
    for phone in session.scalars(
        select(Phone).where(
            Phone.id.startswith(f"{row.site}/", autoescape=True),
            Phone.username.in_(people or {""}),
            Phone.heard_at >= row.opens_at - IN_USE,
        )
    ):
        # Heard after the last window closed and with nothing left to deliver, it has told us all it knows.
        told_all = phone.heard_at >= row.closes_at and not phone.queued
        if not told_all and (phone.queued or now - phone.heard_at > config.patrol.settings.silent_after):
            return True
    return any(
        _wand_waits(session, row, reader.id)
        for reader in config.patrol.readers
        if reader.protocol == "wand" and (reader.guard in people or reader.guard is None)
    )


def _wand_waits(session: Session, row: Round, device: str) -> bool:
    """A wand is silent by nature until it is read out after the round."""
    newest = session.scalar(
        select(TapRow.received_at)
        .where(TapRow.site == row.site, TapRow.device == device)
        .order_by(TapRow.received_at.desc())
        .limit(1)
    )
    return newest is not None and newest < row.closes_at


def certainty_of(graded: Graded) -> Certainty:
    """How sure the misses of a round are, taken together."""
    if not graded.verdict.missed:
        return Certainty.NONE
    return Certainty.UNCONFIRMED if graded.verdict.unconfirmed else Certainty.CONFIRMED
