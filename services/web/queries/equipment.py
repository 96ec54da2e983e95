"""The ledger as a list: filtered, counted, with what is missing and what expires."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import CLASSES, KINDS
from gateway.site.model import Configs, SiteConfig
from services.equipment import documents, service
from services.equipment.expiry import endings
from services.equipment.model import Completeness, class_of, completeness, kind_name, people_of
from services.equipment.tables import Equipment
from services.kernel.errors import NotFound
from services.maintenance.model import plans_for
from services.web.queries.places import Places
from services.work_order.tables import WorkOrder

PAGE = 100
EXPIRES_WITHIN = timedelta(days=60)
LIVE = "live"
STATUS_CHOICES = (LIVE, "in_use", "stopped", "repair", "scrapped", "undeclared", "all")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; empty fields want all."""

    text: str = ""
    of_class: str = ""
    kind: str = ""
    area: str = ""
    status: str = LIVE
    gap: str = ""
    """A fact that is missing (LED-10)."""
    expiring: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in the list."""

    row: Equipment
    name: str
    kind: str
    where: str
    owner: str
    complete: Completeness
    ends_on: date | None
    """The next end of a certificate, warranty or permitted life that needs somebody."""
    days_left: int
    orders: int
    """Open work orders."""


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """One page of the list with the numbers above it."""

    config: SiteConfig
    lines: list[Line]
    found: int
    pages: int
    classes: dict[str, int]
    """Live entries by class, in the order of the classes."""
    statuses: dict[str, int]
    complete: int
    """Live entries that lack nothing."""
    gaps: dict[str, int]
    expiring: int


def ledger_site(configs: Configs, site: str) -> SiteConfig:
    """The site asked for, else the first; raises NotFound."""
    found = configs.sites.get(site) if site else next(iter(configs.sites.values()), None)
    if found is None:
        raise NotFound(f"There is no site {site!r}", hint="Choose one from the list", site=site)
    return found


def ledger(s: Session, config: SiteConfig, wanted: Filter, now: datetime, language: str) -> LedgerPage:
    """The entries that a filter wants, by class and id, one page of them."""
    rows = service.of_site(s, config.site.id)
    live = [row for row in rows if is_live(row)]
    having = documents.with_documents(s, config.site.id)
    judged = {row.id: judge(config, row, having) for row in rows}
    today = now.astimezone(ZoneInfo(config.site.timezone)).date()
    ends = next_ends(s, config, live, today)
    matching = [
        row
        for row in rows
        if matches(config, row, wanted)
        and (not wanted.gap or wanted.gap in judged[row.id].missing)
        and (not wanted.expiring or row.id in ends)
    ]
    order: list[str] = list(KINDS)
    matching.sort(
        key=lambda row: (order.index(row.kind) if row.kind in order else len(order), row.code or "~", row.eid)
    )
    pages = max(1, -(-len(matching) // PAGE))
    shown = matching[PAGE * (min(wanted.page, pages) - 1) :][:PAGE]
    orders = open_orders(s, [row.id for row in shown])
    classes = Counter(class_of(row.kind) for row in live)
    missing: Counter[str] = Counter(fact for row in live for fact in judged[row.id].missing)
    return LedgerPage(
        config=config,
        lines=[_line(config, row, judged[row.id], ends.get(row.id), today, orders, language) for row in shown],
        found=len(matching),
        pages=pages,
        classes={name: classes[name] for name in CLASSES if classes[name]},
        statuses=Counter(row.status for row in rows if row.declared),
        complete=sum(not judged[row.id].missing for row in live),
        gaps=dict(missing),
        expiring=len(ends),
    )


def is_live(row: Equipment) -> bool:
    """Still declared and not scrapped."""
    return row.declared and row.status != "scrapped"


def judge(config: SiteConfig, row: Equipment, having_documents: frozenset[str]) -> Completeness:
    """How complete an entry is."""
    return completeness(config, row, bool(plans_for(config.upkeep, row.kind, row.eid)), row.id in having_documents)


def next_ends(s: Session, config: SiteConfig, live: Iterable[Equipment], today: date) -> dict[str, date]:
    """By entry, the first end that somebody is being warned of."""
    papers = service.expiring(s, config.site.id, today + EXPIRES_WITHIN)
    found: dict[str, date] = {}
    for one, _stage in endings(live, papers, (), today):
        if one.equipment is not None:
            found.setdefault(one.equipment.id, one.last_on)
    return found


def open_orders(s: Session, equipment_ids: Sequence[str]) -> dict[str, int]:
    """How many open orders each entry has."""
    query = (
        select(WorkOrder.equipment_id, func.count())
        .where(WorkOrder.equipment_id.in_(equipment_ids), WorkOrder.closed_at.is_(None))
        .group_by(WorkOrder.equipment_id)
    )
    return {one: count for one, count in s.execute(query) if one is not None}


def name_of(row: Equipment, language: str) -> str:
    """What an entry is called."""
    return row.name_en if language == "en" and row.name_en else row.name


def where_of(config: SiteConfig, row: Equipment, language: str) -> str:
    """Its area, as a path, and its place in words."""
    path = ""
    if row.area in config.area_by_id:
        path = " › ".join(_name(one, language) for one in config.area_path(row.area))
    return " · ".join(one for one in (path, row.place) if one)


def class_choices(language: str) -> dict[str, str]:
    """Classes by name, for a select."""
    return {one: name.name_en if language == "en" else name.name for one, name in CLASSES.items()}


def kind_choices(language: str, of_class: str = "") -> dict[str, str]:
    """Kinds by name, of one class or all."""
    return {
        one: name.name_en if language == "en" else name.name
        for one, name in KINDS.items()
        if not of_class or name.of == of_class
    }


def area_choices(config: SiteConfig, language: str) -> dict[str, str]:
    """Areas with the way to them."""
    return {one.id: " › ".join(_name(part, language) for part in config.area_path(one.id)) for one in config.areas}


def person_name(configs: Configs, username: str, language: str) -> str:
    """A person's role label."""
    return Places(configs, language).person(username)


def matches(config: SiteConfig, row: Equipment, wanted: Filter) -> bool:
    """Whether an entry is one of those a filter wants, by what stands in the entry itself."""
    if wanted.status == LIVE:
        fits = is_live(row)
    elif wanted.status == "undeclared":
        fits = not row.declared
    else:
        fits = wanted.status == "all" or (row.declared and row.status == wanted.status)
    fits = fits and (not wanted.kind or row.kind == wanted.kind)
    fits = fits and (not wanted.of_class or class_of(row.kind) == wanted.of_class)
    if fits and wanted.area:
        fits = row.area in config.area_by_id and config.within(row.area, (wanted.area,))
    return fits and all(word in _searched(row) for word in wanted.text.casefold().split())


def _searched(row: Equipment) -> str:
    known = (row.name, row.name_en, row.code, row.eid, row.place, row.maker, row.model, row.serial, row.tag)
    kinds = (kind_name(row.kind, "zh"), kind_name(row.kind, "en"))
    return "\n".join((*known, *kinds)).casefold()


def _line(
    config: SiteConfig,
    row: Equipment,
    complete: Completeness,
    ends_on: date | None,
    today: date,
    orders: Mapping[str, int],
    language: str,
) -> Line:
    owner = config.person_by_username.get(people_of(config, row).responsible)
    return Line(
        row=row,
        name=name_of(row, language),
        kind=kind_name(row.kind, language),
        where=where_of(config, row, language),
        owner=_name(owner, language) if owner is not None else "",
        complete=complete,
        ends_on=ends_on,
        days_left=(ends_on - today).days if ends_on is not None else 0,
        orders=orders.get(row.id, 0),
    )


def _name(thing: object, language: str) -> str:
    english = str(getattr(thing, "name_en", "") or "")
    return english if language == "en" and english else str(getattr(thing, "name", ""))
