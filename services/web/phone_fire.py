"""What a guard's phone is told of fire: the open incidents that concern him, and panels whose alarms are tests."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.fire import ResponseStep
from gateway.site.model import SiteConfig
from services.fire import incidents, modes
from services.fire.names import component as component_name
from services.fire.names import device as device_name
from services.fire.names import zone as zone_name
from services.fire.tables import FireCall, FireComponent, FireIncident, FireStep
from services.patrol import roster
from services.people.roles import Actor, Role
from services.web.api import phone_schemas as schemas

SPOTS = 6
"""So many places are named; the rest is counted."""
_DESK = frozenset({Role.DUTY, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN})


def news(session: Session, config: SiteConfig, actor: Actor, now: datetime) -> schemas.FireNews:
    """Incidents to which he was called, all while he is on duty or decides, and every large one."""
    tests = [_test(config, mode.panel, mode.zone, mode.until) for mode in modes.active(session, config.site.id, now)]
    rows = incidents.open_at(session, config.site.id)
    if not rows:
        return schemas.FireNews(tests=tests)
    here = actor.role in _DESK or any(one.username == actor.username for one in roster.on_duty(session, config, now))
    found = []
    for row in rows:
        calls = incidents.calls(session, row.id)
        if here or row.stage == "large" or any(call.username == actor.username for call in calls):
            found.append(_incident(config, row, calls, incidents.steps(session, row.id), _texts(session, row)))
    return schemas.FireNews(open=found, tests=tests)


def _incident(
    config: SiteConfig,
    row: FireIncident,
    calls: Iterable[FireCall],
    steps: Iterable[FireStep],
    texts: Mapping[str, str],
) -> schemas.FireOut:
    building, building_en = _area(config, row.building)
    places = ((component, zone) for zone, components in row.zones.items() for component in components)
    spots = [_spot(config, component, zone, texts.get(component, "")) for component, zone in islice(places, SPOTS)]
    named = (zone_name(config, zone) for zone in row.zones)
    plan = incidents.plan_of(row)
    lines = {"small": {one.id: one for one in plan.small}, "large": {one.id: one for one in plan.large}}
    graded_by, graded_by_en = _person(config, row.graded_by or "")
    place, place_en = next((zone for zone in named if zone[0]), (building, building_en))
    return schemas.FireOut(
        id=row.id,
        number=row.number,
        stage=row.stage,
        reason=row.reason,
        building=building,
        building_en=building_en,
        opened_ms=to_ms(row.opened_at),
        confirm_by_ms=to_ms(row.confirm_by),
        graded_by=graded_by,
        graded_by_en=graded_by_en,
        spots=spots,
        more=sum(map(len, row.zones.values())) - len(spots),
        checkpoints=_checkpoints(config, row),
        helpers=[_helper(config, call) for call in calls],
        steps=[_step(config, step, lines.get(step.plan, {})) for step in steps if step.plan == row.stage],
        broadcast=plan.broadcast.format_map({"place": place}),
        broadcast_en=plan.broadcast_en.format_map({"place": place_en}),
    )


def _texts(session: Session, row: FireIncident) -> dict[str, str]:
    """Component → what it calls itself, of those that are named."""
    keys = [key for ones in row.zones.values() for key in ones][:SPOTS]
    query = select(FireComponent.id, FireComponent.text).where(FireComponent.id.in_(keys), FireComponent.text != "")
    return {found[0]: found[1] for found in session.execute(query)}


def _spot(config: SiteConfig, component: str, zone: str, text: str) -> schemas.FireSpot:
    name, name_en = component_name(config, component, text)
    zone_zh, zone_en = zone_name(config, zone)
    return schemas.FireSpot(name=name, name_en=name_en, zone=zone_zh, zone_en=zone_en)


def _checkpoints(config: SiteConfig, row: FireIncident) -> list[str]:
    """Where a tap proves an arrival, nearest to the first signal first: as services.flows.fire.response sees it."""
    found: list[str] = []
    for zone_id in row.zones:
        zone = config.fire.zone_by_id.get(zone_id)
        if zone is not None and zone.checkpoints:
            found += zone.checkpoints
            continue
        area = zone.area if zone is not None else row.building
        if area in config.area_by_id:
            found += [one.id for one in config.patrol.checkpoints if config.within(one.area, (area,))]
    return list(dict.fromkeys(found))


def _helper(config: SiteConfig, call: FireCall) -> schemas.FireHelper:
    name, name_en = _person(config, call.username)
    return schemas.FireHelper(
        username=call.username,
        name=name,
        name_en=name_en,
        accepted_ms=to_ms(call.accepted_at) if call.accepted_at else None,
        arrived_ms=to_ms(call.arrived_at) if call.arrived_at else None,
    )


def _step(config: SiteConfig, step: FireStep, lines: Mapping[str, ResponseStep]) -> schemas.FireStepOut:
    line = lines.get(step.step)
    text = line.text if line else step.step
    done_by, done_by_en = _person(config, step.done_by or "")
    return schemas.FireStepOut(
        plan=step.plan,
        id=step.step,
        text=text,
        text_en=(line.text_en if line else "") or text,
        done_ms=to_ms(step.done_at) if step.done_at else None,
        done_by=done_by,
        done_by_en=done_by_en,
        not_needed=step.not_needed,
    )


def _test(config: SiteConfig, panel: str, zone: str, until: datetime) -> schemas.FireTestOut:
    place, place_en = zone_name(config, zone) if zone else device_name(config, panel)
    return schemas.FireTestOut(place=place, place_en=place_en, until_ms=to_ms(until))


def _area(config: SiteConfig, area: str) -> tuple[str, str]:
    found = config.area_by_id.get(area)
    if found is None:
        return config.site.name, config.site.name_en or config.site.name
    return found.name, found.name_en or found.name


def _person(config: SiteConfig, username: str) -> tuple[str, str]:
    found = config.person_by_username.get(username)
    return (found.name, found.name_en or found.name) if found is not None else (username, username)
