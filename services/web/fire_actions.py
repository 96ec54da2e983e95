"""Fire commands as the console and the API give them: permission first, then the flow's verb in one transaction."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.fire.tables import FireCommand, FireDrill, FireOutage, FireTest, FireTestMode
from services.flows.fire import commands as fire_commands
from services.flows.fire import response as fire_response
from services.flows.fire import test_mode as fire_test_mode
from services.flows.fire import upkeep as fire_upkeep
from services.kernel.collisions import once_more
from services.kernel.errors import NotFound
from services.people.roles import Actor, require
from services.web.deps import Services
from services.web.queries import fire_incident
from services.web.queries.fire_names import fire_site

Grade = Literal["small", "large"]
Verdict = Literal["real", "false", "test"]
MODE_CHOICES = tuple(timedelta(minutes=minutes) for minutes in (30, 60, 120, 240, 480))


@once_more
def accept(svc: Services, actor: Actor, incident_id: str, now: datetime) -> None:
    """Say «I am coming»."""
    require(actor, "fire.respond")
    with svc.db.begin() as s:
        fire_response.accept(s, _config(svc, s, incident_id), incident_id, actor=actor.username, now=now)


@once_more
def arrive(svc: Services, actor: Actor, incident_id: str, now: datetime) -> None:
    """Say «I am there»."""
    require(actor, "fire.respond")
    with svc.db.begin() as s:
        config = _config(svc, s, incident_id)
        fire_response.arrive(s, config, incident_id, actor=actor.username, now=now, by="app")


@once_more
def grade(svc: Services, actor: Actor, incident_id: str, what: Grade, note: str, now: datetime) -> None:
    """Say how bad it is."""
    require(actor, "fire.grade")
    with svc.db.begin() as s:
        config = _config(svc, s, incident_id)
        fire_response.grade(s, config, incident_id, actor=actor.username, now=now, grade=what, note=note)


@once_more
def finish_step(
    svc: Services,
    actor: Actor,
    incident_id: str,
    plan: Grade,
    step: str,
    now: datetime,
    *,
    not_needed: bool = False,
    note: str = "",
) -> None:
    """Say that a line of the plan is done, or not needed."""
    require(actor, "fire.respond")
    with svc.db.begin() as s:
        config = _config(svc, s, incident_id)
        fire_response.finish_step(
            s,
            config,
            incident_id,
            actor=actor.username,
            now=now,
            plan=plan,
            step=step,
            not_needed=not_needed,
            note=note,
        )


@once_more
def call(svc: Services, actor: Actor, incident_id: str, username: str, now: datetime) -> None:
    """Call somebody to the fire."""
    require(actor, "fire.respond")
    with svc.db.begin() as s:
        config = _config(svc, s, incident_id)
        fire_response.call(s, config, incident_id, actor=actor.username, now=now, username=username)


@once_more
def comment(svc: Services, actor: Actor, incident_id: str, text: str, now: datetime) -> None:
    """Add a remark to an incident."""
    require(actor, "fire.respond")
    with svc.db.begin() as s:
        config = _config(svc, s, incident_id)
        fire_response.comment(s, config, incident_id, actor=actor.username, now=now, text=text)


@once_more
def close(svc: Services, actor: Actor, incident_id: str, verdict: Verdict, cause: str, now: datetime) -> None:
    """Say what it was, which ends it."""
    require(actor, "fire.close")
    with svc.db.begin() as s:
        config = _config(svc, s, incident_id)
        fire_response.close(s, config, incident_id, actor=actor.username, now=now, verdict=verdict, cause=cause)


@once_more
def begin_test_mode(
    svc: Services,
    actor: Actor,
    second: Actor | None,
    site: str,
    now: datetime,
    *,
    panel: str,
    zone: str,
    until: datetime,
    reason: str,
) -> FireTestMode:
    """Announce maintenance of a panel or zone; two people."""
    require(actor, "fire.test_mode")
    if second is not None:
        require(second, "fire.test_mode")
    with svc.db.begin() as s:
        return fire_test_mode.begin(
            s,
            fire_site(svc.configs, site),
            panel=panel,
            zone=zone,
            until=until,
            reason=reason,
            actor=actor.username,
            second=second.username if second else "",
            now=now,
        )


@once_more
def extend_test_mode(
    svc: Services, actor: Actor, second: Actor | None, mode_id: str, until: datetime, now: datetime
) -> FireTestMode:
    """Let it go on for longer; two people."""
    require(actor, "fire.test_mode")
    if second is not None:
        require(second, "fire.test_mode")
    with svc.db.begin() as s:
        config = mode_site(svc, s, mode_id)
        name = second.username if second else ""
        return fire_test_mode.extend(s, config, mode_id, until=until, actor=actor.username, second=name, now=now)


@once_more
def end_test_mode(svc: Services, actor: Actor, mode_id: str, now: datetime) -> FireTestMode:
    """End it: signals call people again."""
    require(actor, "fire.test_mode")
    with svc.db.begin() as s:
        return fire_test_mode.end(s, mode_site(svc, s, mode_id), mode_id, actor=actor.username, now=now)


@once_more
def ask(
    svc: Services, actor: Actor, site: str, source: str, kind: str, params: Mapping[str, Any], now: datetime
) -> FireCommand:
    """Ask something of a transmission device."""
    require(actor, "fire.command")
    with svc.db.begin() as s:
        config = fire_site(svc.configs, site)
        return fire_commands.ask(s, config, source, kind, params, actor=actor.username, now=now)


@once_more
def record_test(
    svc: Services,
    actor: Actor,
    site: str,
    now: datetime,
    *,
    device: str,
    kind: str,
    passed: bool,
    tested_on: date,
    note: str,
) -> FireTest:
    """Enter a functional test."""
    require(actor, "fire.ledger")
    with svc.db.begin() as s:
        return fire_upkeep.record_test(
            s,
            fire_site(svc.configs, site),
            device=device,
            kind=kind,
            passed=passed,
            tested_on=tested_on,
            actor=actor.username,
            now=now,
            note=note,
        )


@once_more
def record_drill(
    svc: Services,
    actor: Actor,
    site: str,
    now: datetime,
    *,
    held_on: date,
    owners: int,
    staff: int,
    items: Iterable[str],
    place: str,
    note: str,
) -> FireDrill:
    """Enter a drill."""
    require(actor, "fire.ledger")
    with svc.db.begin() as s:
        return fire_upkeep.record_drill(
            s,
            fire_site(svc.configs, site),
            held_on=held_on,
            owners=owners,
            staff=staff,
            items=items,
            actor=actor.username,
            now=now,
            place=place,
            note=note,
        )


@once_more
def note_outage(
    svc: Services, actor: Actor, site: str, outage_id: str, filed: bool, measures: str, now: datetime
) -> FireOutage:
    """Fill in the columns of form B.1."""
    require(actor, "fire.ledger")
    with svc.db.begin() as s:
        config = fire_site(svc.configs, site)
        return fire_upkeep.note_outage(
            s, config, outage_id, filed=filed, measures=measures, actor=actor.username, now=now
        )


def mode_span(minutes: int) -> timedelta:
    """How long a test mode of so many minutes lasts; the site's longest is checked where it begins."""
    return timedelta(minutes=minutes)


def mode_site(svc: Services, s: Session, mode_id: str) -> SiteConfig:
    """The site of a test mode; raises NotFound."""
    row = s.get(FireTestMode, mode_id)
    if row is None or row.site not in svc.configs.sites:
        raise NotFound(f"There is no test mode {mode_id}", hint="Reload the page", mode=mode_id)
    return svc.configs.sites[row.site]


def _config(svc: Services, s: Session, incident_id: str) -> SiteConfig:
    """The site of an incident; raises NotFound."""
    row = fire_incident.get(s, incident_id)
    found = svc.configs.sites.get(row.site)
    if found is None:
        raise NotFound(f"The site {row.site} has left the files", hint="Look at its record", site=row.site)
    return found
