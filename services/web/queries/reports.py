"""Reports as pages show them: months with their versions, who signs next, figures with the records behind them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import Configs, SiteConfig
from services.kernel.errors import NotFound
from services.people.roles import Actor
from services.report import signing, store, words
from services.report.draft import Drafter
from services.report.files import edition_of
from services.report.masking import numbers
from services.report.model import SLOTS, Figure, Ref, ReportKind, Slot, Snapshot
from services.report.months import month_of, next_first, previous_first
from services.report.render.edition import Edition
from services.report.service import Press
from services.report.store import Draft
from services.report.tables import ReportSignature, ReportSnapshot
from services.rules.tables import Excursion
from services.web.deps import Services

MONTHS_SHOWN = 13
"""The running month and the year before it."""
LIVE_FOR = timedelta(seconds=30)
"""So long what was counted for the running month is shown again."""
KEPT = 16
AT_ONCE = 500
"""Ids in one query."""
PAGES: Mapping[str, str] = {
    "work_order": "/work-orders/{}",
    "alert": "/alerts/{}",
    "task": "/maintenance/tasks/{}",
    "inspection": "/inspections/{}",
    "round": "/patrol/rounds/{}",
    "equipment": "/equipment/{}",
    "fire_incident": "/fire/incidents/{}",
    "point": "/points/{}",
}
"""Where a record has a page of its own."""
LISTS: Mapping[str, str] = {
    "fire_test": "/fire/tests?site={site}&month={month}",
    "fire_device": "/fire/tests?site={site}&month={month}",
    "fire_outage": "/fire/outages?site={site}",
    "fire_drill": "/fire/drills?site={site}",
    "fire_signal": "/fire/log?site={site}",
    "fire_command": "/fire/commands?site={site}",
    "handover": "/patrol/handover?site={site}",
    "certificate": "/equipment/certificates?site={site}",
    "contract": "/maintenance/contracts?site={site}",
}
"""Where it is a line of a list."""
WITHIN: Mapping[str, tuple[str, str]] = {
    "stop": ("round", ":"),
    "call_back": ("work_order", ":"),
    "reading": ("point", "@"),
}
"""What is shown on the page of another record: its kind, and what the id of that one ends before."""


@dataclass(frozen=True, slots=True)
class Line:
    """A signature line: signed, next, or still to come."""

    slot: Slot
    title: str
    asked: str
    """Who is asked; empty: signed on paper."""
    signature: ReportSignature | None
    is_next: bool
    mine: bool
    """The visitor may sign it now."""


@dataclass(frozen=True, slots=True)
class MonthReport:
    """One kind of report of one month."""

    kind: ReportKind
    first_on: date
    newest: ReportSnapshot | None
    versions: tuple[ReportSnapshot, ...]
    lines: tuple[Line, ...] = ()

    @property
    def waits_for(self) -> Line | None:
        """The signature line that is next."""
        return next((one for one in self.lines if one.is_next), None)


@dataclass(frozen=True, slots=True)
class MonthLine:
    """A month with its reports."""

    first_on: date
    running: bool
    reports: tuple[MonthReport, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One version."""

    row: ReportSnapshot
    snapshot: Snapshot
    config: SiteConfig
    lines: tuple[Line, ...]
    versions: tuple[ReportSnapshot, ...]
    edition: Edition

    @property
    def newest(self) -> ReportSnapshot:
        """The version that counts."""
        return self.versions[0]


def site_of(configs: Configs, site: str) -> SiteConfig:
    """The site asked for, else the first; raises NotFound."""
    if site and site not in configs.sites:
        raise NotFound(f"There is no site {site}", hint="Choose one from the list", site=site[:64])
    found = configs.sites.get(site) or next(iter(configs.sites.values()), None)
    if found is None:
        raise NotFound("There is no site", hint="Add one to device_configs/sites")
    return found


def kind_of(kind: str) -> ReportKind:
    """The kind of report; raises NotFound."""
    for one in store.KINDS:
        if one == kind:
            return one
    raise NotFound(f"There is no kind of report {kind!r}", hint="facilities or fire", kind=kind[:64])


def months(session: Session, config: SiteConfig, actor: Actor, now: datetime) -> list[MonthLine]:
    """The running month and those before it, newest first; older ones only where there are reports."""
    running = now.astimezone(ZoneInfo(config.site.timezone)).date().replace(day=1)
    rows: dict[tuple[date, str], list[ReportSnapshot]] = {}
    for row in store.of_site(session, config.site.id):
        rows.setdefault((row.month_on, row.kind), []).append(row)
    shown = [running]
    while len(shown) < MONTHS_SHOWN:
        shown.append(previous_first(shown[-1]))
    shown += sorted({month for month, _ in rows if month < shown[-1]}, reverse=True)
    known = signing.hands(session, config)
    found = []
    for month in shown:
        reports = []
        for kind in store.KINDS:
            versions = tuple(rows.get((month, kind), ()))
            lines = _lines(session, config, versions[0], kind, actor, known) if versions else ()
            reports.append(MonthReport(kind, month, versions[0] if versions else None, versions, lines))
        found.append(MonthLine(month, month == running, tuple(reports)))
    last = max((place for place, one in enumerate(found) if any(report.newest for report in one.reports)), default=0)
    return found[: max(last + 1, 4)]


def one(session: Session, configs: Configs, report_id: str, actor: Actor, language: str) -> Page:
    """A version with everything its page shows; raises NotFound."""
    row = store.get(session, report_id)
    config = site_of(configs, row.site)
    kind = kind_of(row.kind)
    versions = tuple(store.versions(session, row.site, row.kind, row.month_on))
    lines = _lines(session, config, row, kind, actor, signing.hands(session, config))
    edition = edition_of(row, (line.signature for line in lines if line.signature is not None), language=language)
    return Page(row, store.read(row), config, lines, versions, edition)


def _lines(
    session: Session, config: SiteConfig, row: ReportSnapshot, kind: ReportKind, actor: Actor, known: signing.Hands
) -> tuple[Line, ...]:
    signed = signing.signatures(session, row.id)
    asked = {one.slot: one for one in signing.signers(config, kind)}
    due = signing.next_slot(signed) if row.state != "replaced" else None
    done = {slot: signature.username for slot, signature in signed.items()}
    local = actor.username in config.person_by_username
    return tuple(
        Line(
            slot,
            signing.TITLES[slot],
            asked[slot].username,
            signed.get(slot),
            is_next=slot == due,
            mine=row.state != "replaced" and signing.can(slot, actor, done, known, local=local),
        )
        for slot in SLOTS
    )


@dataclass(frozen=True, slots=True)
class Record:
    """One record behind a figure, with where it is shown."""

    ref: Ref
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A figure with its records, what missed first."""

    figure: Figure
    records: tuple[Record, ...]
    counted: int


def explained(session: Session, snapshot: Snapshot, figure_id: str, refs: tuple[Ref, ...] | None) -> Explained:
    """What the page of a figure shows; raises NotFound."""
    figure = snapshot.figure(figure_id)
    if figure is None:
        raise NotFound(f"The report has no figure {figure_id!r}", hint="Choose one", figure=figure_id[:64])
    masked = (ref.model_copy(update={"words": numbers(ref.words)}) for ref in refs or ())
    ordered = sorted(masked, key=lambda ref: ref.counted)
    points = _points(session, [ref.id for ref in ordered if ref.kind == "excursion"])
    meta = snapshot.meta
    records = tuple(
        Record(ref, words.said(ref.words, meta.timezone), href_of(ref, meta.site, meta.month, points))
        for ref in ordered
    )
    return Explained(figure, records, sum(ref.counted for ref in ordered))


def _points(session: Session, excursions: list[str]) -> dict[str, str]:
    """The point of each excursion."""
    found: dict[str, str] = {}
    for start in range(0, len(excursions), AT_ONCE):
        some = excursions[start : start + AT_ONCE]
        rows = session.execute(select(Excursion.id, Excursion.point).where(Excursion.id.in_(some)))
        found.update({row.id: row.point for row in rows})
    return found


def href_of(ref: Ref, site: str, month: str, points: Mapping[str, str]) -> str:
    """Address of the page on which a record is shown; empty where there is none."""
    kind, shown = ref.kind, ref.id
    if kind in WITHIN:
        kind, until = WITHIN[kind]
        shown = shown.rpartition(until)[0] or shown
    elif kind == "excursion":
        kind, shown = "point", points.get(shown, "")
    if kind in PAGES and shown:
        return PAGES[kind].format(quote(shown, safe="/"))
    return LISTS[kind].format(site=quote(site, safe=""), month=month) if kind in LISTS else ""


@dataclass(slots=True)
class LiveCache:
    """The running month as it was counted last; a pure read, so that nothing is lost with it."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[tuple[str, str, str, str], tuple[datetime, Draft]] = field(default_factory=dict)

    def draft(self, svc: Services, site: str, kind: ReportKind, month: str, now: datetime) -> Draft:
        """The month as the records say it, at most LIVE_FOR old; counted once however many ask."""
        key = (svc.db.url.render_as_string(), site, kind, month)
        with self._lock:
            at, known = self._kept.get(key, (None, None))
            if at is not None and known is not None and timedelta(0) <= now - at < LIVE_FOR:
                return known
            made = press(svc).draft(site, kind, month)
            self._kept[key] = (now, made)
            while len(self._kept) > KEPT:
                self._kept.pop(min(self._kept, key=lambda one: self._kept[one][0]))
            return made


LIVE = LiveCache()


def press(svc: Services) -> Press:
    """What makes reports, with the application's collaborators."""
    return Press(svc.db, svc.clock, Drafter(svc.configs, svc.store))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Months to step to."""

    month: str
    before: str
    after: str
    """Empty: it has not begun."""
    running: bool


def neighbours(config: SiteConfig, month: str, now: datetime) -> Neighbours:
    """The month asked for (empty: this one) and those beside it; raises Invalid."""
    running = now.astimezone(ZoneInfo(config.site.timezone)).date().replace(day=1)
    first = month_of(month, config.site.timezone, now).first_on if month else running
    after = next_first(first)
    return Neighbours(
        f"{first:%Y-%m}",
        f"{previous_first(first):%Y-%m}",
        f"{after:%Y-%m}" if after <= running else "",
        first == running,
    )
