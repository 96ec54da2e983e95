"""One round with everything behind its verdicts, and lists of taps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.patrol import Checkpoint
from services.kernel.errors import NotFound
from services.patrol.model import RoundPlan, Verdict
from services.patrol.planning import plans
from services.patrol.tables import Anomaly, Round, RoundEvent, RoundStop, TapRow
from services.web import patrol_words
from services.web.deps import Services
from services.web.queries.patrol import AnomalyRow, anomaly_row, fate_word, piece
from services.web.queries.patrol_names import Names

PAGE = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """A question of the checklist and what was answered."""

    question: str
    text: str
    unit: str
    bad: bool


@dataclass(frozen=True, slots=True)
class TapLine:
    """A tap with names."""

    tap: TapRow
    where: str
    guard: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class StopLine:
    """A stop of a round: what was wanted, what came, and why it is called what it is called."""

    index: int
    name: str
    where: str
    window: str
    stop: RoundStop
    piece: str
    why: str
    also: tuple[str, ...]
    compared: tuple[TapLine, ...]
    """The other taps behind the verdict."""
    tap: TapLine | None
    anomalies: tuple[AnomalyRow, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the history of verdicts."""

    event: RoundEvent
    where: str
    """Empty: the round as a whole."""
    taps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoundPage:
    """One round."""

    row: Round
    name: str
    kind: str
    order: str
    shift: str
    state: str
    short_of: str
    """What co-presence still lacks, in words."""
    guards: tuple[str, ...]
    stops: list[StopLine]
    extra: list[TapLine]
    """Taps of the round that no stop rests on: duplicates, co-presence, out of any window."""
    changes: list[Change]
    anomalies: list[AnomalyRow]
    """Those that belong to no stop."""


def one(s: Session, svc: Services, round_id: str, now: datetime, language: str) -> RoundPage:
    """One round; raises NotFound."""
    row = get(s, round_id)
    names = Names(svc.configs, language)
    plan = plans.decode(row.plan)
    stops = s.scalars(select(RoundStop).where(RoundStop.round_id == row.id).order_by(RoundStop.index)).all()
    events = s.scalars(select(RoundEvent).where(RoundEvent.round_id == row.id).order_by(RoundEvent.seq.desc())).all()
    mentioned = {tap for stop in stops for tap in (*stop.because, stop.tap_id or "")} | {
        tap for event in events for tap in event.taps
    }
    taps = {tap.id: tap_line(tap, names) for tap in _taps(s, row, mentioned)}
    found = s.scalars(select(Anomaly).where(Anomaly.round_id == row.id).order_by(Anomaly.at)).all()
    lines = []
    for stop in stops:
        own = [one for one in found if _is_about(one, stop)]
        lines.append(_stop_line(row, plan, stop, taps, own, names, now))
    on_stops = {one.id for line in lines for one in line.anomalies}
    resting = {stop.tap_id for stop in stops}
    by_index = {stop.index: stop.checkpoint for stop in stops}
    return RoundPage(
        row=row,
        name=names.route(row.site, row.route),
        kind=names.kind(row.site, row.route),
        order=plan.order,
        shift=names.shift(row.site, row.shift),
        state=fate_word(row),
        short_of=names.short_of(row.short_of),
        guards=tuple(map(names.guard, row.guards)),
        stops=lines,
        extra=[line for key, line in taps.items() if key not in resting and row.id in line.tap.rounds],
        changes=[_change(event, by_index, taps, names, row.site) for event in events],
        anomalies=[anomaly_row(one, names) for one in found if one.id not in on_stops],
    )


def get(s: Session, round_id: str) -> Round:
    """The round; raises NotFound."""
    row = s.get(Round, round_id)
    if row is None:
        raise NotFound(f"There is no round {round_id}", hint="Open it from the board", round=round_id)
    return row


def taps(
    s: Session,
    names: Names,
    *,
    site: str,
    guard: str = "",
    checkpoint: str = "",
    mark: str = "",
    unknown: bool = False,
    before: datetime | None = None,
) -> list[TapLine]:
    """A page of taps, newest first; an empty filter means any."""
    query = select(TapRow).where(TapRow.site == site)
    if guard:
        query = query.where(TapRow.guard == guard)
    if checkpoint:
        query = query.where(TapRow.checkpoint == checkpoint)
    if mark:
        query = query.where(cast(TapRow.marks, Text).contains(f'"{mark}"', autoescape=True))
    if unknown:
        query = query.where(TapRow.checkpoint.is_(None))
    if before is not None:
        query = query.where(TapRow.at < before)
    return [tap_line(tap, names) for tap in s.scalars(query.order_by(TapRow.at.desc(), TapRow.id).limit(PAGE))]


def tap_line(tap: TapRow, names: Names) -> TapLine:
    """A tap with names."""
    known = names.patrol(tap.site).checkpoint(tap.checkpoint or "")
    return TapLine(tap, names.checkpoint(tap.site, tap.checkpoint), names.guard(tap.guard), _answers(tap, known, names))


def _answers(tap: TapRow, checkpoint: Checkpoint | None, names: Names) -> tuple[Answer, ...]:
    questions = {one.id: one for one in checkpoint.questions} if checkpoint else {}
    found = []
    for key, value in tap.answers.items():
        question = questions.get(key)
        text = (
            question.text_en if question and names.english and question.text_en else question.text if question else key
        )
        unit = question.unit if question else ""
        found.append(Answer(text, _answer_text(value, names), unit, key in tap.findings))
    return tuple(found)


def _answer_text(value: Any, names: Names) -> str:
    if isinstance(value, bool):
        return names._("yes") if value else names._("no")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _taps(s: Session, row: Round, mentioned: set[str]) -> Sequence[TapRow]:
    around = select(TapRow).where(TapRow.site == row.site, TapRow.at >= row.opens_at, TapRow.at <= row.closes_at)
    found = {tap.id: tap for tap in s.scalars(around) if row.id in tap.rounds}
    missing = mentioned - found.keys()
    found |= {tap.id: tap for tap in s.scalars(select(TapRow).where(TapRow.id.in_(missing)))}
    return sorted(found.values(), key=lambda tap: (tap.at, tap.id))


def _is_about(one: Anomaly, stop: RoundStop) -> bool:
    return one.ref == f"{stop.round_id}:{stop.index}" or (stop.tap_id is not None and one.ref == stop.tap_id)


def _stop_line(
    row: Round,
    plan: RoundPlan,
    stop: RoundStop,
    taps: dict[str, TapLine],
    found: Sequence[Anomaly],
    names: Names,
    now: datetime,
) -> StopLine:
    planned = plan.stops[stop.index]
    words = _window_words(plan, stop, names) | _leg_words(plan, stop, taps, names)
    due = to_ms(now) >= planned.on_time_from_ms
    return StopLine(
        index=stop.index,
        name=names.checkpoint(row.site, stop.checkpoint),
        where=names.where(row.site, stop.checkpoint),
        window=f"{words['from']}–{words['until']}",
        stop=stop,
        piece="due" if stop.verdict == Verdict.PENDING and due else piece(stop),
        why=patrol_words.sentence(stop.verdict, stop.certainty, stop.rule, due, words, names._),
        also=tuple(patrol_words.also(stop.marks, stop.verdict, words, names._)),
        compared=tuple(taps[one] for one in stop.because if one != stop.tap_id and one in taps),
        tap=taps.get(stop.tap_id or ""),
        anomalies=tuple(anomaly_row(one, names) for one in found),
    )


def _window_words(plan: RoundPlan, stop: RoundStop, names: Names) -> dict[str, str]:
    """The times of a stop's windows and of its tap, in local time."""
    planned, site = plan.stops[stop.index], plan.site
    return {
        "at": names.clock(site, stop.at, seconds=True) if stop.at else "",
        "from": names.clock(site, planned.on_time_from_ms),
        "until": names.clock(site, planned.on_time_until_ms),
        "earliest": names.clock(site, planned.early_from_ms),
        "latest": names.clock(site, planned.late_until_ms),
        "not_before": names.clock(site, planned.not_before_ms) if planned.not_before_ms is not None else "",
        "reason": planned.suspended,
    }


def reasons(s: Session, found: Sequence[Anomaly], names: Names) -> dict[str, str]:
    """Of anomalies about stops: id → why the stop is called so."""
    ids = {one.round_id for one in found if one.round_id}
    rounds = {row.id: plans.decode(row.plan) for row in s.scalars(select(Round).where(Round.id.in_(ids)))}
    of_rounds = select(RoundStop).where(RoundStop.round_id.in_(ids))
    stops = {f"{stop.round_id}:{stop.index}": stop for stop in s.scalars(of_rounds)}
    behind = {tap for stop in stops.values() for tap in stop.because}
    taps = {tap.id: tap_line(tap, names) for tap in s.scalars(select(TapRow).where(TapRow.id.in_(behind)))}
    texts = {}
    for one in found:
        stop = stops.get(one.ref)
        if stop is not None and one.round_id is not None:
            plan = rounds[one.round_id]
            words = _window_words(plan, stop, names) | _leg_words(plan, stop, taps, names)
            verdict = "missed" if stop.verdict == Verdict.MISSED else one.kind
            texts[one.id] = patrol_words.sentence(verdict, stop.certainty, stop.rule, True, words, names._)
    return texts


def _leg_words(plan: RoundPlan, stop: RoundStop, taps: dict[str, TapLine], names: Names) -> dict[str, str]:
    """Of a walk that was too fast or too slow: from where, how long it took, and the limit."""
    ends = [taps[one] for one in stop.because if one in taps]
    if len(ends) != 2 or stop.verdict not in (Verdict.TOO_FAST, Verdict.TOO_SLOW):
        return {}
    start, end = ends
    way = (start.tap.checkpoint or "", end.tap.checkpoint or "")
    limit = plan.legs.get(way) or plan.legs.get(way[::-1])
    bound_ms = (limit.minimum_ms if stop.verdict == Verdict.TOO_FAST else limit.maximum_ms) if limit else None
    if bound_ms is None:
        return {}
    took = end.tap.at - start.tap.at
    return {"start": start.where, "took": names.span(took), "limit": names.span(timedelta(milliseconds=bound_ms))}


def _change(event: RoundEvent, by_index: dict[int, str], taps: dict[str, TapLine], names: Names, site: str) -> Change:
    where = names.checkpoint(site, by_index.get(event.stop)) if event.stop is not None else ""
    known = [taps[one] for one in event.taps if one in taps]
    texts = [f"{names.clock(site, line.tap.at, seconds=True)} {line.where} {line.guard}" for line in known]
    return Change(event, where, tuple(texts))
