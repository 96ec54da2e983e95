"""What was asked of transmission devices, what they answered, and how far their clocks are off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.commands import CommandKind
from gateway.contract.errors import BadTime
from gateway.contract.times import from_ms, parse_at
from services.fire.tables import FireCommand
from services.web import labels
from services.web.queries.fire import SourceRow, shown_outcome
from services.web.queries.fire_log import value_text
from services.web.queries.fire_names import FireNames

PAGE = 50
SIMPLE: tuple[CommandKind, ...] = ("utd_state", "utd_version", "utd_time", "utd_config", "utd_operations")
SYSTEM: tuple[CommandKind, ...] = (
    "read_system_state", "read_version", "read_time", "read_config", "read_operations",
)  # fmt: skip
COMPONENT: tuple[CommandKind, ...] = ("read_component_state", "read_analog", "read_component_config")
COUNTED: frozenset[CommandKind] = frozenset({"read_operations", "utd_operations"})
GOOD = frozenset({"confirmed", "answered"})
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
class SourceCard:
    """A source with the newest of what it answered."""

    row: SourceRow
    can_ask: bool
    version: str
    state: str
    clock: CommandLine | None
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
    """A source with what its answers say."""
    version = _newest(s, row, ("utd_version", "read_version"), names, now)
    state = _newest(s, row, ("utd_state",), names, now)
    return SourceCard(
        row=row,
        can_ask=row.protocol == "gb26875",
        version=_facts_text(version),
        state=_facts_text(state),
        clock=_newest(s, row, ("utd_time", "read_time"), names, now),
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


def _facts_text(one: CommandLine | None) -> str:
    return " · ".join(one.facts) if one else ""


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
