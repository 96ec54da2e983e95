"""交接班: shifts that wait for one, what would be given, and what was given before."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.flows.patrol import handover
from services.flows.patrol.emergency import DURESS_RULE
from services.patrol import roster
from services.patrol.planning import shifts
from services.patrol.tables import DutyTime, Handover
from services.people.roles import PERMISSIONS, Actor, Role
from services.web.queries import patrol
from services.web.queries.due import Due
from services.web.queries.patrol import PersonRow
from services.web.queries.patrol_names import Names

SHOWN = 20


@dataclass(frozen=True, slots=True)
class WaitingShift:
    """A shift that nobody has handed over to."""

    id: str
    name: str
    people: list[str]
    """Names of who is rostered for it."""
    before: tuple[str, ...]
    """Usernames rostered for the shift that ends."""
    after: tuple[str, ...]
    """Usernames rostered for this one."""
    start_at: datetime
    due: Due


@dataclass(frozen=True, slots=True)
class DutyRow:
    """Somebody on duty."""

    person: PersonRow
    signed_on_at: datetime | None
    """None: rostered, but nobody has heard of him."""


@dataclass(frozen=True, slots=True)
class Record:
    """A handover that was given."""

    row: Handover
    shift: str
    alerts: list[Alert]
    """What was open then, as far as the reader may see it."""
    late: timedelta | None
    """So long after the shift began, if later than allowed; None: in time."""

    @property
    def lacking(self) -> list[str]:
        """Items of the kit that were not complete."""
        return [item for item, complete in self.row.kit.items() if not complete]


def waiting(s: Session, config: SiteConfig, names: Names, now: datetime) -> list[WaitingShift]:
    """Shifts that wait for a handover, the one that began first on top."""
    found = []
    for one in handover.waiting(s, config, now):
        start_at = from_ms(one.start_ms)
        ending = (before for before in shifts.instance_at(config, one.start_ms - 1) if before.end_ms <= one.start_ms)
        found.append(
            WaitingShift(
                id=one.id,
                name=names.shift(config.site.id, one.id),
                people=[names.guard(person) for person in one.people],
                before=tuple(dict.fromkeys(person for before in ending for person in before.people)),
                after=one.people,
                start_at=start_at,
                due=Due(start_at - handover.EARLIEST, start_at + config.patrol.settings.handover_within),
            )
        )
    return found


def on_duty(s: Session, config: SiteConfig, names: Names, now: datetime) -> list[DutyRow]:
    """Who is on duty now, and since when he says so himself."""
    query = select(DutyTime).where(
        DutyTime.site == config.site.id, DutyTime.off_at.is_(None), DutyTime.on_at > now - roster.FORGOTTEN_AFTER
    )
    signed_on = {one.username: one.on_at for one in s.scalars(query)}
    people = patrol.people_of(s, config, names, now)
    return [DutyRow(one, signed_on.get(one.username)) for one in people if one.since is not None]


def open_alerts(s: Session, config: SiteConfig, actor: Actor) -> list[Alert]:
    """What is open and would be recorded, the worst first, as far as this person may see it."""
    return visible((one for one in alerts.open_alerts(s, config.site.id) if one.rule != handover.HANDOVER_RULE), actor)


def visible(found: Iterable[Alert], actor: Actor) -> list[Alert]:
    """Guards do not see that one of them is under duress."""
    return [one for one in found if actor.role != Role.GUARD or one.rule != DURESS_RULE]


def kit_items(config: SiteConfig) -> list[str]:
    """What the guards of a site carry (SEC-13), in the order the routes name it."""
    return list(dict.fromkeys(item for route in config.patrol.routes for item in route.kit))


def signatories(config: SiteConfig, names: Names, actor: Actor) -> dict[str, str]:
    """Username → name of who could be the other person of a handover, guards first; namesakes with their username."""
    found = [one for one in config.people if Role(one.role) in PERMISSIONS["patrol.handover"]]
    others = sorted((one for one in found if one.username != actor.username), key=lambda one: one.role != "guard")
    called = Counter(names.places.name(one) for one in others)
    return {
        one.username: f"{name} ({one.username})" if called[name := names.places.name(one)] > 1 else name
        for one in others
    }


def records(s: Session, config: SiteConfig, names: Names, actor: Actor, limit: int = SHOWN) -> list[Record]:
    """The last handovers, newest first."""
    query = select(Handover).where(Handover.site == config.site.id)
    rows = s.scalars(query.order_by(Handover.at.desc(), Handover.id.desc()).limit(limit)).all()
    known = _alerts(s, rows)
    return [record(config, names, actor, row, known) for row in rows]


def one(s: Session, config: SiteConfig, names: Names, actor: Actor, row: Handover) -> Record:
    """One handover."""
    return record(config, names, actor, row, _alerts(s, [row]))


def record(config: SiteConfig, names: Names, actor: Actor, row: Handover, known: Mapping[str, Alert]) -> Record:
    """One handover with its alerts out of those that are known."""
    found = visible((known[one] for one in row.open_alerts if one in known), actor)
    return Record(row, names.shift(row.site, row.shift), found, _late(config, row))


def _alerts(s: Session, rows: Sequence[Handover]) -> dict[str, Alert]:
    ids = {alert for row in rows for alert in row.open_alerts}
    return {alert.id: alert for alert in s.scalars(select(Alert).where(Alert.id.in_(ids)))}


def _late(config: SiteConfig, row: Handover) -> timedelta | None:
    name, _, day = row.shift.partition("@")
    shift = config.patrol.shift(name)
    if shift is None:
        return None
    instance = shifts.instance_on(ZoneInfo(config.site.timezone), shift, date.fromisoformat(day))
    if instance is None or to_ms(row.at) <= instance.start_ms:
        return None
    after = row.at - from_ms(instance.start_ms)
    return after if after > config.patrol.settings.handover_within else None
