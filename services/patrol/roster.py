"""Who is on duty: rostered for a shift that runs now, or signed on; and who of them is nearest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import hypot

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.model import SiteConfig
from services.patrol.planning import shifts
from services.patrol.tables import DutyTime, Phone, TapRow

FORGOTTEN_AFTER = timedelta(hours=16)
"""Nobody serves longer: who never signed off is not on duty any more."""
FLOOR_M = 12.0
"""A floor of stairs counts as so many metres of way."""
FAR_M = 1e6
_SEEN_WITHIN = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody on duty."""

    username: str
    role: str
    shift: str
    """Shift instance; empty: signed on outside any shift."""
    since: datetime
    heard_at: datetime | None = None
    """When his phone was last heard."""


def on_duty(session: Session, config: SiteConfig, now: datetime) -> list[OnDuty]:
    """Everybody on duty now, by username. Signing off early ends it, signing on without a roster begins it."""
    site = config.site.id
    times = session.scalars(
        select(DutyTime).where(DutyTime.site == site, DutyTime.on_at > now - FORGOTTEN_AFTER).order_by(DutyTime.on_at)
    )
    newest = {one.username: one for one in times}
    heard = {
        phone.username: phone.heard_at
        for phone in session.scalars(
            select(Phone).where(Phone.id.startswith(f"{site}/", autoescape=True)).order_by(Phone.heard_at)
        )
    }
    found: dict[str, OnDuty] = {}
    for running in shifts.instance_at(config, to_ms(now)):
        began = from_ms(running.start_ms)
        for username in running.people:
            own = newest.get(username)
            if own is None or own.off_at is None or own.off_at < began:
                found[username] = _entry(config, username, running.id, began, heard)
    for username, own in newest.items():
        if own.off_at is None and username in config.person_by_username:
            shift = found[username].shift if username in found else own.shift
            found[username] = _entry(config, username, shift, own.on_at, heard)
    return sorted(found.values(), key=lambda one: one.username)


def _entry(config: SiteConfig, username: str, shift: str, since: datetime, heard: dict[str, datetime]) -> OnDuty:
    return OnDuty(username, config.person_by_username[username].role, shift, since, heard.get(username))


def rostered(config: SiteConfig) -> frozenset[str]:
    """People who serve in shifts: off duty outside them. Everybody else is always reachable."""
    return frozenset(username for shift in config.patrol.shifts for username in shift.people)


def nearest(
    session: Session, config: SiteConfig, checkpoint: str, now: datetime, *, roles: tuple[str, ...] = ("guard",)
) -> str | None:
    """The person of these roles on duty who was last seen nearest to a checkpoint; the rostered one nobody has seen
    comes last. None: nobody is on duty.
    """
    candidates = [one for one in on_duty(session, config, now) if one.role in roles]
    if not candidates:
        return None
    seen = {
        tap.guard: tap.checkpoint
        for tap in session.scalars(
            select(TapRow)
            .where(
                TapRow.site == config.site.id,
                TapRow.guard.in_([one.username for one in candidates]),
                TapRow.at > now - _SEEN_WITHIN,
                TapRow.checkpoint.is_not(None),
            )
            .order_by(TapRow.at)
        )
    }
    return min(
        (one.username for one in candidates),
        key=lambda username: (distance_m(config, seen.get(username), checkpoint), username),
    )


def distance_m(config: SiteConfig, start: str | None, end: str) -> float:
    """The way between two checkpoints by the site's map; by areas when a position is missing."""
    one, other = config.patrol.checkpoint(start or ""), config.patrol.checkpoint(end)
    if one is None or other is None:
        return FAR_M
    if one.position is None or other.position is None:
        return 0.0 if one.area == other.area else FAR_M / 2
    floors = abs(one.position.floor - other.position.floor)
    return hypot(one.position.x_m - other.position.x_m, one.position.y_m - other.position.y_m) + FLOOR_M * floors
