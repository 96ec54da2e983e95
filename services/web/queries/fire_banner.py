"""What every page of the console says on top: fires nobody has closed, and panels under test."""

from dataclasses import dataclass

from sqlalchemy import select

from services.fire.tables import FireTestMode
from services.web.deps import Services
from services.web.queries import fire
from services.web.queries.fire import IncidentRow
from services.web.queries.fire_names import FireNames


@dataclass(frozen=True, slots=True)
class Banner:
    """The lines."""

    incidents: list[IncidentRow]
    modes: list[FireTestMode]
    names: FireNames


def banner(svc: Services, language: str) -> Banner:
    """Open incidents and test modes that nobody has ended, of every site."""
    names = FireNames(svc.configs, language)
    with svc.db.read() as s:
        held = s.scalars(select(FireTestMode).where(FireTestMode.ended_at.is_(None)).order_by(FireTestMode.id))
        return Banner(fire.open_incidents(s, names), list(held), names)
