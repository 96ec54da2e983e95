"""The signal log: what came over the wire beside what it was understood as, filtered, page by page, and as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime
from sqlalchemy import Select, Text, and_, cast, or_, select
from sqlalchemy.orm import Session

from services.fire.names import sender_of
from services.fire.record import STATED
from services.fire.tables import FireIncident, FireSignal
from services.patrol.reporting.export import Sheet
from services.web import labels
from services.web.queries.fire_names import FireNames, address_of

PAGE = 100
EXPORT_MAX = 20_000
"""Signals in one file; a longer period is cut into several by its filter."""
ORDINARY = frozenset({"test_bit"})
"""Marks that say nothing odd: makers disagree about that bit, and most set it in real fires too."""
_AT_ONCE = 500
_YEARS = range(2000, 2100)
When = TypeVar("When", bound=date)
_HIDDEN = frozenset({"values", "id", "at", "via", "complete", "version", "config", "time"})
"""Of the body: what the line says already."""


def in_reach(when: When) -> When:
    """The date or moment itself; raises ValueError for one that cannot be meant and that calendars cannot move."""
    if when.year not in _YEARS:
        raise ValueError("must be between the years 2000 and 2099")
    return when


Moment = Annotated[AwareDatetime, AfterValidator(in_reach)]
"""A moment that somebody asks for."""
AnyMoment = Annotated[datetime, AfterValidator(in_reach)]
"""One that an address names, perhaps without its zone."""
Day = Annotated[date, AfterValidator(in_reach)]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which signals are wanted; what is empty leaves all."""

    site: str
    panel: str = ""
    building: str = ""
    scope: str = ""
    state: str = ""
    test: str = ""
    """`yes`: only tests, `no`: everything else."""
    component: str = ""
    incident: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: datetime | None = None
    before_id: str = ""
    """The last line of the page before: this one starts after it."""


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One signal with names."""

    row: FireSignal
    name: str
    kind: str
    panel: str
    zone: str
    address: str
    system: str
    words: list[tuple[str, str]]
    """(state, _) of what holds, (empty, _) of what ended or was done, or that a complete report names nothing."""
    text: str
    """Its own text, or the version, configuration or time it tells."""
    number: str
    """Of its incident; empty: none."""
    values: list[str]
    marks: list[str]
    raw: str
    is_hex: bool
    """It is bytes, not text."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """What only this protocol says."""


def signals(s: Session, wanted: Filter, limit: int = PAGE) -> list[FireSignal]:
    """Signals, the newest first."""
    return list(s.scalars(_query(wanted).limit(limit)))


def _query(wanted: Filter) -> Select[FireSignal]:
    query = select(FireSignal).where(FireSignal.site == wanted.site)
    plain = {
        FireSignal.panel: wanted.panel,
        FireSignal.building: wanted.building,
        FireSignal.scope: wanted.scope,
        FireSignal.component: wanted.component,
        FireSignal.incident_id: wanted.incident,
    }
    for column, value in plain.items():
        if value:
            query = query.where(column == value)
    if wanted.state:
        query = query.where(cast(FireSignal.states, Text).contains(f'"{wanted.state}"', autoescape=True))
    if wanted.test:
        query = query.where(FireSignal.test.is_(wanted.test == "yes"))
    if wanted.since is not None:
        query = query.where(FireSignal.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(FireSignal.received_at < wanted.until)
    if wanted.before is not None:
        older = FireSignal.received_at < wanted.before
        same = and_(FireSignal.received_at == wanted.before, FireSignal.id < wanted.before_id)
        query = query.where(or_(older, same))
    return query.order_by(FireSignal.received_at.desc(), FireSignal.id.desc())


def numbers(s: Session, rows: Sequence[FireSignal]) -> dict[str, str]:
    """Incident → its number, of all that signals belong to."""
    ids = sorted({one.incident_id for one in rows if one.incident_id})
    found: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = FireIncident.id.in_(ids[start : start + _AT_ONCE])
        found |= {row[0]: row[1] for row in s.execute(select(FireIncident.id, FireIncident.number).where(some))}
    return found


def line(row: FireSignal, names: FireNames, numbers: Mapping[str, str]) -> SignalLine:
    """A signal with names; `numbers`: those of incidents."""
    _ = names._
    raw, is_hex = raw_text(row.raw)
    states = [(one, labels.word("fire_state", one, _)) for one in row.states]
    if is_normal(row):
        states = [("", _("Normal"))]
    ended = [("", _("%(state)s ended") % {"state": labels.word("fire_state", one, _)}) for one in row.ended]
    done = [("", labels.word("fire_operation", one, _)) for one in row.operations]
    facts = [_fact(key, value, names) for key, value in row.body.items() if key not in _HIDDEN and _plain(value)]
    facts += [(labels.word("fire_fact", "mark", _), _mark(one, names)) for one in row.marks if one in ORDINARY]
    return SignalLine(
        row=row,
        name=names.component(row),
        kind=names.kind(row),
        panel=names.owner(row),
        zone=names.zone(row.site, row.zone) if row.zone else "",
        address=names.address(row.site, row.panel, sender_of(address_of(row))[1]),
        system=names.system_type(row.system_type),
        words=states + ended + done,
        text=said(row, names),
        number=numbers.get(row.incident_id or "", ""),
        values=[value_text(one) for one in row.body.get("values") or ()],
        marks=[_mark(one, names) for one in row.marks if one not in ORDINARY],
        raw=raw,
        is_hex=is_hex,
        facts=facts,
    )


def is_normal(row: FireSignal) -> bool:
    """A complete report that names nothing, not even in bits the standard reserves: all that held has ended."""
    named = bool(row.states or row.operations or "reserved_bits" in row.marks)
    return bool(row.body.get("complete")) and row.scope in STATED and not named


def said(row: FireSignal, names: FireNames) -> str:
    """The text of a signal, with the version, the configuration and the time that it tells."""
    told = {key: str(row.body.get(key) or "") for key in ("version", "config")}
    version = f"{labels.word('fire_fact', 'version', names._)} {told['version']}" if told["version"] else ""
    config = told["config"] if told["config"].strip() != row.text.strip() else ""
    return " · ".join(part for part in (row.text.strip(), version, config, _clock(row, names)) if part)


def _clock(row: FireSignal, names: FireNames) -> str:
    if row.body.get("info") != "time" or row.panel_at is None:
        return ""
    moment = row.panel_at.astimezone(names.places.zone(row.site))
    return f"{labels.word('fire_fact', 'panel_time', names._)} {moment:%Y-%m-%d %H:%M:%S}"


def _mark(mark: str, names: FireNames) -> str:
    return labels.word("fire_mark", mark, names._)


def value_text(value: Mapping[str, Any]) -> str:
    """`24.5 °C`."""
    return f"{value.get('value', '–')} {value.get('unit', '')}".strip()


def raw_text(raw: str) -> tuple[str, bool]:
    """Hex of the wire to read: as text where it is printable, else sixteen bytes a line; and whether it is bytes."""
    try:
        content = bytes.fromhex(raw)
    except ValueError:
        return raw, False
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        text = ""
    if text and all(one.isprintable() or one in "\r\n\t" for one in text):
        return text, False
    return "\n".join(content[start : start + 16].hex(" ") for start in range(0, len(content), 16)), True


def sheet(rows: Sequence[FireSignal], names: FireNames, numbers: Mapping[str, str]) -> Sheet:
    """The log as a table for files, with the page's columns."""
    _ = names._
    return Sheet(
        _("Signal log"),
        [
            _("Received"), _("Panel's time"), _("Building"), _("Zone"), _("Panel"), _("Component"),
            _("Address at the panel"), _("Sort"), _("About"), _("States"), _("Ended"), _("Operations"),
            _("Values"), _("Text"), _("Marks"), _("Test"), _("Incident"), _("Raw frame"),
        ],
        [_cells(row, line(row, names, numbers), names) for row in rows],
    )  # fmt: skip


def _cells(row: FireSignal, told: SignalLine, names: FireNames) -> list[str | datetime | None]:
    _, zone = names._, names.places.zone(row.site)

    def words(kind: str, codes: Sequence[str]) -> str:
        return names.comma.join(labels.word(kind, one, names._) for one in codes)

    return [
        row.received_at.astimezone(zone).replace(tzinfo=None),
        row.panel_at.astimezone(zone).replace(tzinfo=None) if row.panel_at else None,
        names.building(row.site, row.building) if row.building else "",
        told.zone,
        told.panel,
        told.name,
        address_of(row),
        told.kind or told.system,
        labels.word("fire_scope", row.scope, names._),
        _("Normal") if is_normal(row) else words("fire_state", row.states),
        words("fire_state", row.ended),
        words("fire_operation", row.operations),
        names.comma.join(told.values),
        " · ".join(part for part in (told.text, *told.values) if part),
        words("fire_mark", row.marks),
        _("yes") if row.test else "",
        told.number,
        row.raw,
    ]


def _fact(key: str, value: object, names: FireNames) -> tuple[str, str]:
    said = labels.word("fire_outcome", str(value), names._) if key == "outcome" else str(value)
    return labels.word("fire_fact", key, names._), said


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float) and value != ""
