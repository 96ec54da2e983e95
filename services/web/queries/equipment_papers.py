"""The register of certificates, contracts and other ends of a site (LED-20, LED-29)."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.site.upkeep import Contract
from services.equipment import certificates, service
from services.equipment.tables import Certificate, Equipment
from services.web.queries.equipment import is_live, name_of


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """One certificate in force."""

    row: Certificate
    equipment: Equipment | None
    whose: str
    days_left: int


@dataclass(frozen=True, slots=True)
class EndLine:
    """A contract, a warranty or a permitted life with its last day."""

    name: str
    last_on: date
    days_left: int
    equipment: Equipment | None = None
    contract: Contract | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """Everything with an end, the next first."""

    papers: list[RegisterLine]
    contracts: list[EndLine]
    warranties: list[EndLine]
    scrap: list[EndLine]


def register(s: Session, config: SiteConfig, now: datetime, language: str) -> Register:
    """What ends when at a site; of scrapped and undeclared entries nothing."""
    today = now.astimezone(ZoneInfo(config.site.timezone)).date()
    live = {row.id: row for row in service.of_site(s, config.site.id) if is_live(row)}
    papers = [
        RegisterLine(
            one,
            live.get(one.equipment_id or ""),
            name_of(live[one.equipment_id], language) if one.equipment_id in live else one.subject,
            (one.expires_on - today).days,
        )
        for one in certificates.in_force(s, config.site.id)
        if one.equipment_id is None or one.equipment_id in live
    ]
    contracts = [
        EndLine(_contract(one, language), one.ends_on, (one.ends_on - today).days, contract=one)
        for one in sorted(config.upkeep.contracts, key=lambda one: one.ends_on)
    ]
    return Register(
        papers,
        contracts,
        _ends(live, "warranty_until_on", today, language),
        _ends(live, "scrap_due_on", today, language),
    )


def _contract(one: Contract, language: str) -> str:
    return one.name_en if language == "en" and one.name_en else one.name


def _ends(live: dict[str, Equipment], column: str, today: date, language: str) -> list[EndLine]:
    found = [
        EndLine(name_of(row, language), last_on, (last_on - today).days, equipment=row)
        for row in live.values()
        if (last_on := getattr(row, column)) is not None
    ]
    return sorted(found, key=lambda one: (one.last_on, one.name))
