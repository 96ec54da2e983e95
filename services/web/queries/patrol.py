"""The live patrol board: every route with its rounds around now, who is out there, and what needs a look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from gateway.site.patrol import Route
from services.alert.tables import Alert
from services.flows.patrol.emergency import DURESS_RULE
from services.patrol import anomalies, roster
from services.patrol.model import RoundState, Verdict
from services.patrol.planning import plans
from services.patrol.reporting.report import RoundCount, count_rounds, fate
from services.patrol.tables import Anomaly, Phone, Round, RoundStop, TapRow
from services.people.roles import Actor, Role
from services.web import i18n, labels, timeline
from services.web.deps import Services
from services.web.queries.due import Due
from services.web.queries.patrol_names import Names

Hours = Literal["6", "12", "24"]
HOURS: tuple[Hours, ...] = ("6", "12", "24")
LATELY = timedelta(hours=24)
LONGEST_LIST = 12
_RUNNING = (RoundState.OPEN, RoundState.RUNNING)


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One line of the board."""

    site: str
    name: str
    kind: str
    shift: str
    round: Round | None
    """The one under way, else the next, else the last."""
    state: str
    picture: str
    due: Due | None
    """The stop that is next, of the round under way."""
    due_where: str
    next_at: datetime | None
    """When the next round starts."""
    guards: tuple[str, ...]
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody on duty, or a phone of somebody who is not."""

    username: str
    name: str
    shift: str
    since: datetime | None
    heard_at: datetime | None
    queued: int
    silent: bool


@dataclass(frozen=True, slots=True)
class UnknownTag:
    """A tag that nobody declared."""

    site: str
    tag: str
    count: int
    at: datetime
    device: str
    guard: str


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """An anomaly with the names of what it is about."""

    id: str
    site: str
    kind: str
    at: datetime
    found_at: datetime
    round_id: str | None
    where: str
    guard: str
    shift: str
    closed_at: datetime | None
    closed_by: str
    comment: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the live page shows."""

    routes: list[RouteRow]
    axis: str
    rounds: RoundCount
    alerts: list[Alert]
    people: list[PersonRow]
    unknown: list[UnknownTag]
    anomalies: list[AnomalyRow]
    anomaly_count: int


def board(s: Session, svc: Services, now: datetime, actor: Actor, *, site: str, shift: str, hours: int) -> Board:
    """The board of one site or, when `site` is empty, of all. Guards do not see that one of them is under duress."""
    names = Names(svc.configs, actor.language)
    configs = [one for one in svc.configs.sites.values() if site in ("", one.site.id)]
    ahead = timedelta(hours=hours) / 3
    start, end = now - timedelta(hours=hours) + ahead, now + ahead
    rows = [row for config in configs for row in _route_rows(s, config, names, now, (start, end), shift)]
    today = [row for config in configs for row in _today(s, config, names, now)]
    span = _span(names, configs[0].site.id if configs else "", (start, end), now)
    return Board(
        routes=rows,
        axis=timeline.axis(span, 6),
        rounds=count_rounds(today),
        alerts=_alerts(s, [one.site.id for one in configs], covert=actor.role != Role.GUARD),
        people=[person for config in configs for person in people_of(s, config, names, now)],
        unknown=[tag for config in configs for tag in unknown_tags(s, config.site.id, names, now)],
        anomalies=[anomaly_row(one, names) for one in anomalies.open_anomalies(s, site, limit=6)],
        anomaly_count=anomalies.count_open(s, site),
    )


def piece(stop: RoundStop) -> str:
    """The class a stop is drawn in."""
    if stop.verdict == Verdict.MISSED:
        return "unconfirmed" if stop.certainty == "unconfirmed" else "missed"
    if stop.verdict in (Verdict.ON_TIME, Verdict.PENDING, Verdict.SUSPENDED):
        return str(stop.verdict)
    return "flagged"


def anomaly_row(one: Anomaly, names: Names) -> AnomalyRow:
    """An anomaly with names."""
    return AnomalyRow(
        id=one.id,
        site=one.site,
        kind=one.kind,
        at=one.at,
        found_at=one.found_at,
        round_id=one.round_id,
        where=names.checkpoint(one.site, one.checkpoint),
        guard=names.guard(one.guard) if one.guard else "",
        shift=names.shift(one.site, one.shift) if one.shift else "",
        closed_at=one.closed_at,
        closed_by=names.places.person(one.closed_by),
        comment=one.comment,
        withdrawn_at=one.withdrawn_at,
    )


def unknown_tags(s: Session, site: str, names: Names, now: datetime) -> list[UnknownTag]:
    """Tags of the last day that nobody declared, the newest first."""
    query = (
        select(TapRow)
        .where(TapRow.site == site, TapRow.at > now - LATELY, TapRow.checkpoint.is_(None))
        .order_by(TapRow.at.desc())
        .limit(500)
    )
    by_tag: dict[str, list[TapRow]] = {}
    for tap in s.scalars(query):
        by_tag.setdefault(tap.tag, []).append(tap)
    found = [
        UnknownTag(site, tag, len(taps), taps[0].at, taps[0].reader or taps[0].device, names.guard(taps[0].guard))
        for tag, taps in by_tag.items()
    ]
    return found[:LONGEST_LIST]


def _span(names: Names, site: str, window: tuple[datetime, datetime], now: datetime) -> timeline.Span:
    return timeline.Span(to_ms(window[0]), to_ms(window[1]), to_ms(now), names.places.zone(site))


def _route_rows(
    s: Session, config: SiteConfig, names: Names, now: datetime, window: tuple[datetime, datetime], shift: str
) -> list[RouteRow]:
    site = config.site.id
    query = select(Round).where(
        Round.site == site,
        Round.starts_at > window[0] - timedelta(days=1),
        Round.starts_at < window[1],
        Round.closes_at > window[0],
    )
    if shift:
        query = query.where(Round.shift.startswith(f"{shift}@", autoescape=True))
    by_route: dict[str, list[Round]] = {}
    for row in s.scalars(query.order_by(Round.starts_at, Round.id)):
        by_route.setdefault(row.route, []).append(row)
    ids = [row.id for rounds in by_route.values() for row in rounds]
    stops: dict[str, list[RoundStop]] = {}
    for stop in s.scalars(select(RoundStop).where(RoundStop.round_id.in_(ids)).order_by(RoundStop.index)):
        stops.setdefault(stop.round_id, []).append(stop)
    span = _span(names, site, window, now)
    routes = [one for one in config.patrol.routes if by_route.get(one.id) or not (one.retired or shift)]
    return [_route_row(s, site, one, by_route.get(one.id, []), stops, names, now, span) for one in routes]


def _route_row(
    s: Session,
    site: str,
    route: Route,
    rounds: Sequence[Round],
    stops: dict[str, list[RoundStop]],
    names: Names,
    now: datetime,
    span: timeline.Span,
) -> RouteRow:
    name = names.places.name(route)
    coming = next((row for row in rounds if row.starts_at > now), None)
    under_way = [row for row in rounds if row.state in _RUNNING and row.opens_at <= now <= row.final_at]
    under_way.sort(key=lambda row: (row.state != RoundState.RUNNING, row.starts_at))
    past = [row for row in rounds if row.starts_at <= now]
    shown = under_way[0] if under_way else (past[-1] if past else coming)
    own = stops.get(shown.id, []) if shown else []
    due, where = _next_stop(shown, own) if under_way and shown else (None, None)
    return RouteRow(
        site=site,
        name=name,
        kind=route.kind,
        shift=names.shift(site, shown.shift) if shown else "",
        round=shown,
        state=fate_word(shown) if shown else "",
        picture=timeline.lane(span, [_bar(row, stops.get(row.id, []), names) for row in rounds], name, 6),
        due=due,
        due_where=names.checkpoint(site, where),
        next_at=coming.starts_at if coming else _next_start(s, site, route.id, now),
        guards=tuple(map(names.guard, shown.guards)) if shown else (),
        pieces=tuple(map(piece, own)),
    )


def fate_word(row: Round) -> str:
    """The state a person reads: a miss that is not sure yet has a word of its own."""
    return row.state if fate(row) == "running" else fate(row)


def _next_stop(row: Round, stops: Sequence[RoundStop]) -> tuple[Due | None, str | None]:
    plan = plans.decode(row.plan)
    waiting = [plan.stops[stop.index] for stop in stops if stop.verdict == Verdict.PENDING]
    if not waiting:
        return None, None
    first = min(waiting, key=lambda stop: (stop.on_time_until_ms, stop.index))
    return Due(from_ms(first.on_time_from_ms), from_ms(first.on_time_until_ms)), first.checkpoint


def _next_start(s: Session, site: str, route: str, now: datetime) -> datetime | None:
    query = select(func.min(Round.starts_at)).where(Round.site == site, Round.route == route, Round.opens_at > now)
    found: datetime | None = s.scalar(query)
    return found


def _bar(row: Round, stops: Sequence[RoundStop], names: Names) -> timeline.Bar:
    word = labels.word("round_state", fate_word(row), names._)
    clock = f"{names.clock(row.site, row.starts_at)}–{names.clock(row.site, row.ends_at)}"
    who = " · " + "、".join(map(names.guard, row.guards)) if row.guards else ""
    walked = (to_ms(row.started_at), to_ms(row.finished_at)) if row.started_at and row.finished_at else None
    return timeline.Bar(
        starts_ms=to_ms(row.starts_at),
        ends_ms=to_ms(row.ends_at),
        opens_ms=to_ms(row.opens_at),
        closes_ms=to_ms(row.closes_at),
        state=fate_word(row),
        pieces=[piece(stop) for stop in stops],
        title=f"{names.route(row.site, row.route)} {clock} · {word} {row.visited}/{row.stops}{who}",
        href=f"/patrol/rounds/{row.id}",
        walked_ms=walked,
    )


def _today(s: Session, config: SiteConfig, names: Names, now: datetime) -> Sequence[Round]:
    zone = names.places.zone(config.site.id)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    query = select(Round).where(Round.site == config.site.id, Round.starts_at >= midnight, Round.starts_at <= now)
    return s.scalars(query).all()


def _alerts(s: Session, sites: list[str], *, covert: bool) -> list[Alert]:
    query = select(Alert).where(Alert.closed_at.is_(None), Alert.rule.startswith("PATROL-"), Alert.site.in_(sites))
    if not covert:
        query = query.where(Alert.rule != DURESS_RULE)
    return list(s.scalars(query.order_by(Alert.last_active_at.desc()).limit(50)))


def people_of(s: Session, config: SiteConfig, names: Names, now: datetime) -> list[PersonRow]:
    """Who is on duty at a site, and after them who else has a phone that was heard lately."""
    site, silent_after = config.site.id, config.patrol.settings.silent_after
    phones: dict[str, Phone] = {}
    own = Phone.id.startswith(f"{site}/", autoescape=True)
    for phone in s.scalars(select(Phone).where(own, Phone.heard_at > now - LATELY).order_by(Phone.heard_at)):
        phones[phone.username] = phone
    found = []
    for one in roster.on_duty(s, config, now):
        held = phones.pop(one.username, None)
        heard = held.heard_at if held else one.heard_at
        silent = heard is not None and now - heard > silent_after
        shift = names.shift(site, one.shift)
        name = names.guard(one.username)
        found.append(PersonRow(one.username, name, shift, one.since, heard, held.queued if held else 0, silent))
    for phone in phones.values():
        silent = now - phone.heard_at > silent_after
        name = names.guard(phone.username)
        found.append(PersonRow(phone.username, name, "", None, phone.heard_at, phone.queued, silent))
    return found


def view_words(language: str) -> dict[str, str]:
    """The legend of the timeline: class → word."""
    _ = i18n.catalogue(language).gettext
    return {
        "on_time": labels.word("patrol_verdict", "on_time", _),
        "flagged": _("Visited, with a mark"),
        "missed": labels.word("patrol_verdict", "missed", _),
        "unconfirmed": labels.word("round_state", "unconfirmed", _),
        "pending": labels.word("patrol_verdict", "pending", _),
        "suspended": labels.word("patrol_verdict", "suspended", _),
    }
