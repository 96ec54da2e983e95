"""What was asked of transmission devices, what they answered, and how far their clocks are off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gateway.contract.commands import CommandKind
from gateway.contract.errors import BadTime
from gateway.contract.times import from_ms, parse_at
from gateway.site.fire import Source
from gateway.site.model import SiteConfig
from services.fire import names as site_names
from services.fire.tables import FireCommand, FireComponent, FireSignal
from services.web import labels
from services.web.queries.fire import SourceRow, shown_outcome
from services.web.queries.fire_log import is_normal, value_text
from services.web.queries.fire_names import FireNames

PAGE = 50
SIMPLE: tuple[CommandKind, ...] = ("utd_state", "utd_version", "utd_time", "utd_config", "utd_operations")
SYSTEM: tuple[CommandKind, ...] = (
    "read_system_state", "read_version", "read_time", "read_config", "read_operations",
)  # fmt: skip
COMPONENT: tuple[CommandKind, ...] = ("read_component_state", "read_analog", "read_component_config")
COUNTED: frozenset[CommandKind] = frozenset({"read_operations", "utd_operations"})
GOOD = frozenset({"confirmed", "answered"})
STRANGE_FOR = timedelta(days=30)
TOLD = 24
"""So many things of one answer are told; the log has them all."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One thing asked."""

    row: FireCommand
    source: str
    by: str
    outcome: str
    facts: list[str]
    offset: timedelta | None
    """How far the answering clock ran ahead of ours; negative: behind."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a source said, asked or by itself."""

    text: str
    at: datetime
    offset: timedelta | None = None
    """How far its clock ran ahead of ours; negative: behind."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A transmission device that nobody declared."""

    sender: str
    """Its address, 12 hex digits."""
    name: str
    text: str
    """What its component that was heard last calls itself."""
    components: int
    heard_at: datetime
    source: str
    """The declared source that has this address and connects from elsewhere than its `peers`; empty: none has it."""


@dataclass(frozen=True, slots=True)
class SourceCard:
    """A source with the newest of what it answered and said by itself."""

    row: SourceRow
    can_ask: bool
    version: Said | None
    state: Said | None
    clock: Said | None
    check: CommandLine | None
    """The newest duty check."""


def params_of(
    kind: CommandKind, *, minutes: int, system_type: int, system_address: int, component: str, count: int
) -> dict[str, Any]:
    """What a kind needs of everything that a form gives."""
    params: dict[str, Any] = {}
    if kind == "duty_check":
        params["minutes"] = minutes
    if kind in SYSTEM or kind in COMPONENT:
        params |= {"system_type": system_type, "system_address": system_address}
    if kind in COMPONENT:
        params["component"] = component
    if kind in COUNTED:
        params["count"] = count
    return params


def source(s: Session, row: SourceRow, names: FireNames, now: datetime) -> SourceCard:
    """A source with the newest of what it answered and what it said unasked."""

    def answered(*kinds: str) -> Said | None:
        found = _newest(s, row, kinds, names, now)
        if found is None or not (found.facts or found.offset is not None):
            return None
        return Said(" · ".join(found.facts), found.row.outcome_at or found.row.asked_at, found.offset)

    return SourceCard(
        row=row,
        can_ask=row.protocol == "gb26875",
        version=_later(answered("utd_version", "read_version"), _own(s, row, names, "info", "version")),
        state=_later(answered("utd_state"), _own(s, row, names, "transmitter")),
        clock=_later(answered("utd_time", "read_time"), _own(s, row, names, "info", "time")),
        check=_newest(s, row, ("duty_check",), names, now, only_good=False),
    )


def history(s: Session, site: str, names: FireNames, now: datetime, before: datetime | None) -> list[CommandLine]:
    """What was asked, the newest first, a page of it."""
    query = select(FireCommand).where(FireCommand.site == site)
    if before is not None:
        query = query.where(FireCommand.asked_at < before)
    rows = s.scalars(query.order_by(FireCommand.asked_at.desc(), FireCommand.id.desc()).limit(PAGE))
    return [line(one, names, now) for one in rows]


def line(row: FireCommand, names: FireNames, now: datetime) -> CommandLine:
    """A command with names."""
    return CommandLine(
        row=row,
        source=names.device(row.site, row.source),
        by=names.person(row.asked_by),
        outcome=shown_outcome(row, now),
        facts=_facts(row.answer, names),
        offset=_offset(row),
    )


def _newest(
    s: Session, row: SourceRow, kinds: tuple[str, ...], names: FireNames, now: datetime, *, only_good: bool = True
) -> CommandLine | None:
    query = select(FireCommand).where(
        FireCommand.site == row.site, FireCommand.source == row.id, FireCommand.kind.in_(kinds)
    )
    if only_good:
        query = query.where(FireCommand.outcome.in_(GOOD))
    found = s.scalar(query.order_by(FireCommand.asked_at.desc()).limit(1))
    return line(found, names, now) if found is not None else None


def _later(*said: Said | None) -> Said | None:
    return max((one for one in said if one is not None), key=lambda one: one.at, default=None)


def _own(s: Session, row: SourceRow, names: FireNames, scope: str, info: str = "") -> Said | None:
    """The newest signal of a device about itself (GB/T 26875.3 types 21, 25, 28), be it an answer or not."""
    behind = (one.id for one in names.fire(row.site).panels if one.source == row.id)
    components = [f"{row.site}/{one}/self" for one in dict.fromkeys((row.id, *behind))]
    query = select(FireSignal).where(
        FireSignal.component.in_(components), FireSignal.device == row.id, FireSignal.scope == scope
    )
    if info:
        query = query.where(FireSignal.body["info"].as_string() == info)
    found = s.scalar(query.order_by(FireSignal.received_at.desc(), FireSignal.id.desc()).limit(1))
    if found is None:
        return None
    if info == "time":
        return Said("", found.at, found.panel_at - found.at) if found.panel_at else None
    states = [labels.word("fire_state", one, names._) for one in found.states]
    words = names.comma.join(states) or (names._("Normal") if is_normal(found) else "")
    return Said(str(found.body.get("version") or "") if info else words, found.at)


def strangers(
    s: Session, config: SiteConfig, sources: Sequence[SourceRow], names: FireNames, now: datetime
) -> list[Stranger]:
    """Senders that nobody declared and that spoke within STRANGE_FOR, the last one heard first."""
    # Only they have twelve characters and a colon before their address, and a gateway's name as their panel.
    sender, last = func.substr(FireComponent.address, 1, 12), func.max(FireComponent.heard_at)
    strange = FireComponent.address.like("____________:%"), FireComponent.panel.not_in(config.fire.panel_by_id)
    query = select(sender, func.count(), last).where(FireComponent.site == config.site.id, *strange)
    rows = s.execute(
        query.where(FireComponent.heard_at > now - STRANGE_FOR).group_by(sender).order_by(last.desc()).limit(PAGE)
    )
    declared: dict[str, Source] = {one.address: one for one in config.fire.sources if one.address}
    heard = {one.id: one.heard_at for one in sources}
    found: list[Stranger] = []
    for address, count, at in rows.all():
        known = declared.get(address)
        known_at = heard.get(known.id) if known else None
        if not site_names.sender_of(f"{address}:")[0] or (known_at is not None and known_at > at):
            continue
        text = s.scalar(
            select(FireComponent.text)
            .where(FireComponent.site == config.site.id, FireComponent.address.like(f"{address}:%"), strange[1])
            .order_by(FireComponent.text == "", FireComponent.heard_at.desc())
            .limit(1)
        )
        source_name = names.device(config.site.id, known.id) if known else ""
        found.append(Stranger(address, names.undeclared(address), (text or "").strip(), count, at, source_name))
    return found


def _facts(answer: Mapping[str, Any], names: FireNames) -> list[str]:
    """An answer in words, an entry for each thing it tells of."""
    objects = answer.get("objects")
    if not isinstance(objects, list):
        return []
    return [text for one in objects[:TOLD] if isinstance(one, Mapping) and (text := _fact(one, names))]


def _fact(one: Mapping[str, Any], names: FireNames) -> str:
    _ = names._
    states = [labels.word("fire_state", str(code), _) for code in one.get("state") or ()]
    done = [labels.word("fire_operation", str(code), _) for code in one.get("operations") or ()]
    if one.get("complete") and not states:
        states = [_("Normal")]
    said = one.get("version") or one.get("text") or one.get("config") or one.get("name") or ""
    values = [value_text(value) for value in one.get("values") or () if isinstance(value, Mapping)]
    address = str(one.get("address") or "")
    parts = ["" if address == "self" else address, str(said), names.comma.join(states), names.comma.join(done), *values]
    return " ".join(part for part in parts if part)


def _offset(row: FireCommand) -> timedelta | None:
    """The clock of the answer against when the answer came."""
    if row.kind not in ("utd_time", "read_time") or row.outcome_at is None:
        return None
    said = _moment(row.answer)
    return said - row.outcome_at if said else None


def _moment(answer: Mapping[str, Any]) -> datetime | None:
    for one in answer.get("objects") or ():
        try:
            return from_ms(parse_at(str(one["panel_at"])))
        except (BadTime, KeyError, TypeError):
            continue
    return None
