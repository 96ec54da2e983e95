"""What a guard's phone has to know to do without us: places, questions, rounds around today, who he is."""

import hashlib
from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.tags import TagIndex, prints
from gateway.contract.times import to_ms
from gateway.site.model import SiteConfig
from gateway.site.patrol import Checkpoint, Question
from services.patrol.model import StopPlan
from services.patrol.planning import plans
from services.patrol.tables import DutyTime, Round, RoundStop
from services.people.roles import Actor
from services.people.tables import DutyPin

AROUND = timedelta(hours=14)
"""A phone knows the rounds so far back and ahead: a shift without network, and the one before it."""


class QuestionOut(BaseModel):
    """One line of a checklist."""

    id: str
    text: str
    text_en: str
    kind: str
    expect: bool | None
    unit: str
    minimum: float | None
    maximum: float | None
    choices: list[str]
    good: list[str]
    required: bool


class CheckpointOut(BaseModel):
    """A place, and by what the phone knows it: digests, so that a phone cannot tell what it has not read."""

    id: str
    name: str
    name_en: str
    area: str
    area_en: str
    floor: int | None
    x_m: float | None
    y_m: float | None
    tags: list[str]
    """Digests of everything that readers print of its tags."""
    code: str
    """Digest of the printed code; empty: none."""
    questions: list[QuestionOut]


class StopOut(BaseModel):
    """A stop of a round; times in epoch milliseconds."""

    checkpoint: str
    early_from_ms: int
    on_time_from_ms: int
    on_time_until_ms: int
    late_until_ms: int
    not_before_ms: int | None
    suspended: str
    verdict: str
    at_ms: int | None


class RoundOut(BaseModel):
    """A round with what is known of it."""

    id: str
    route: str
    name: str
    name_en: str
    order: str
    people: int
    mine: bool
    """Its shift is served by this person, or by nobody in particular."""
    shift: str
    state: str
    starts_ms: int
    ends_ms: int
    opens_ms: int
    closes_ms: int
    kit: list[str]
    stops: list[StopOut]


class ShiftOut(BaseModel):
    """Who is on duty when, by the site's wall clock."""

    id: str
    name: str
    name_en: str
    start: str
    hours: float
    mine: bool


class Briefing(BaseModel):
    """Everything the phone keeps for the hours without network."""

    site: str
    site_name: str
    site_name_en: str
    timezone: str
    username: str
    display_name: str
    language: str
    has_pin: bool
    on_duty_ms: int | None
    """Since when; None: not signed on."""
    shifts: list[ShiftOut]
    checkpoints: list[CheckpointOut]
    rounds: list[RoundOut]
    categories: list[str]
    server_ms: int
    demo: bool


CATEGORIES = ("fire", "water", "security", "equipment", "person", "other")


def briefing(session: Session, config: SiteConfig, actor: Actor, now: datetime, *, demo: bool) -> Briefing:
    """What this person's phone is told: rounds from the start of yesterday to the end of tomorrow, local days."""
    duty = session.scalar(
        select(DutyTime).where(
            DutyTime.site == config.site.id, DutyTime.username == actor.username, DutyTime.off_at.is_(None)
        )
    )
    return Briefing(
        site=config.site.id,
        site_name=config.site.name,
        site_name_en=config.site.name_en or config.site.name,
        timezone=config.site.timezone,
        username=actor.username,
        display_name=actor.display_name,
        language=actor.language,
        has_pin=session.get(DutyPin, actor.username) is not None,
        on_duty_ms=to_ms(duty.on_at) if duty else None,
        shifts=_shifts(config, actor.username),
        checkpoints=_checkpoints(config),
        rounds=_rounds(session, config, actor.username, now),
        categories=list(CATEGORIES),
        server_ms=to_ms(now),
        demo=demo,
    )


def digest(site: str, identity: str) -> str:
    """What the phone compares instead of the identity itself."""
    return hashlib.sha256(f"{site}:{identity}".encode()).hexdigest()[:24]


def _checkpoints(config: SiteConfig) -> list[CheckpointOut]:
    points = config.patrol.checkpoints
    index = TagIndex((one.id, tag.uid, tag.kind) for one in points for tag in one.tags)
    return [_checkpoint(config, one, index) for one in points]


def _checkpoint(config: SiteConfig, point: Checkpoint, index: TagIndex) -> CheckpointOut:
    area = config.area_by_id.get(point.area)
    site, place = config.site.id, point.position
    return CheckpointOut(
        id=point.id,
        name=point.name,
        name_en=point.name_en or point.name,
        area=area.name if area else "",
        area_en=(area.name_en or area.name) if area else "",
        floor=place.floor if place else None,
        x_m=place.x_m if place else None,
        y_m=place.y_m if place else None,
        tags=[digest(site, text) for text in _prints(point, index)],
        code=digest(site, point.code) if point.code else "",
        questions=[_question(one) for one in point.questions],
    )


def _prints(point: Checkpoint, index: TagIndex) -> list[str]:
    """What means this place and no other."""
    texts = {text for tag in point.tags for text in prints(tag.uid, tag.kind)}
    return sorted(text for text in texts if index.find(text) == point.id)


def _question(one: Question) -> QuestionOut:
    return QuestionOut(
        id=one.id,
        text=one.text,
        text_en=one.text_en or one.text,
        kind=one.kind,
        expect=one.expect,
        unit=one.unit,
        minimum=one.minimum,
        maximum=one.maximum,
        choices=list(one.choices),
        good=list(one.good),
        required=one.required,
    )


def _shifts(config: SiteConfig, username: str) -> list[ShiftOut]:
    return [
        ShiftOut(
            id=one.id,
            name=one.name,
            name_en=one.name_en or one.name,
            start=one.start,
            hours=one.duration / timedelta(hours=1),
            mine=not one.people or username in one.people,
        )
        for one in config.patrol.shifts
    ]


def _rounds(session: Session, config: SiteConfig, username: str, now: datetime) -> list[RoundOut]:
    query = (
        select(Round)
        .where(
            Round.site == config.site.id,
            Round.closes_at >= now - AROUND,
            Round.starts_at < now + AROUND,
        )
        .order_by(Round.starts_at, Round.id)
    )
    rows = list(session.scalars(query))
    stops: dict[str, dict[int, RoundStop]] = {}
    for stop in session.scalars(select(RoundStop).where(RoundStop.round_id.in_([row.id for row in rows]))):
        stops.setdefault(stop.round_id, {})[stop.index] = stop
    return [_round(config, row, stops.get(row.id, {}), username) for row in rows]


def _round(config: SiteConfig, row: Round, known: dict[int, RoundStop], username: str) -> RoundOut:
    plan = plans.decode(row.plan)
    route = config.patrol.route(row.route)
    shift = config.patrol.shift(row.shift.partition("@")[0])
    return RoundOut(
        id=row.id,
        route=row.route,
        name=route.name if route else row.route,
        name_en=(route.name_en or route.name) if route else row.route,
        order=plan.order,
        people=plan.people,
        mine=shift is None or not shift.people or username in shift.people,
        shift=row.shift,
        state=row.state,
        starts_ms=plan.starts_ms,
        ends_ms=plan.ends_ms,
        opens_ms=plan.opens_ms,
        closes_ms=plan.closes_ms,
        kit=list(route.kit) if route else [],
        stops=[_stop(stop, known.get(stop.index)) for stop in plan.stops],
    )


def _stop(plan: StopPlan, row: RoundStop | None) -> StopOut:
    return StopOut(
        checkpoint=plan.checkpoint,
        early_from_ms=plan.early_from_ms,
        on_time_from_ms=plan.on_time_from_ms,
        on_time_until_ms=plan.on_time_until_ms,
        late_until_ms=plan.late_until_ms,
        not_before_ms=plan.not_before_ms,
        suspended=plan.suspended,
        verdict=row.verdict if row else "pending",
        at_ms=to_ms(row.at) if row and row.at else None,
    )
