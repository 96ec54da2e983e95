"""What an import would do to the ledger, row by row, decided before anything is written; and doing it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.equipment.commands import blank, free_eid
from services.equipment.model import Status
from services.equipment.sheet.cells import CellFault, value_of
from services.equipment.sheet.columns import REQUIRED, Names
from services.equipment.sheet.reading import Line, Table
from services.equipment.store import new_tag
from services.equipment.sync import apply, differences
from services.equipment.tables import Equipment, EquipmentEvent
from services.equipment.values import Fault, is_eid, problems_of
from services.kernel import audit
from services.kernel.errors import Conflict, Invalid
from services.kernel.ids import new_id

Action = Literal["new", "changed", "unchanged"]
FileFault = Literal["missing_column", "unknown_column", "doubled_column", "merged", "too_many_rows", "empty"]
RowFault = Literal["doubled_eid", "doubled_code", "status_change", "unknown_eid"]


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row (0: the file) cannot be taken; `column` is the key of one, or what stands in its heading."""

    row: int
    column: str
    fault: Fault | CellFault | FileFault | RowFault
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of one row that has no problem."""

    row: int
    eid: str
    name: str
    action: Action
    values: Mapping[str, Any]
    changes: Mapping[str, list[Any]] = field(default_factory=dict)
    """Column → [as it is, as it will be], of a changed one."""
    status: Status = "in_use"
    equipment_id: str = ""
    """Empty: a new one."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Everything an import would do, and everything that is wrong with it."""

    rows: tuple[Planned, ...]
    problems: tuple[RowProblem, ...]

    def of(self, action: Action) -> tuple[Planned, ...]:
        """The rows of one sort."""
        return tuple(one for one in self.rows if one.action == action)

    @property
    def rows_with_problems(self) -> int:
        """How many rows cannot be taken."""
        return len({one.row for one in self.problems if one.row})

    @property
    def blocked(self) -> bool:
        """The file itself is wrong: nothing of it can be taken."""
        return any(one.row == 0 for one in self.problems)


def plan(config: SiteConfig, known: Iterable[Equipment], table: Table) -> ImportPlan:
    """What the rows of a table would do to a site's ledger; pure."""
    problems = list(_of_file(table))
    if problems:
        return ImportPlan((), tuple(problems))
    by_eid = {row.eid: row for row in known}
    by_code = {row.code: row for row in by_eid.values() if row.code}
    names = (Names(config, "zh"), Names(config, "en"))
    taken = {*by_eid, *config.ledger}
    found: list[Planned] = []
    claims: list[_Claim] = []
    for line in table.lines:
        values, wrong = _values(names, line)
        eid, code = values.get("eid", ""), values.get("code", "")
        row = by_eid.get(eid) if eid else by_code.get(code)
        kept = values.get("code", row.code) if row is not None else code
        claims.append(_Claim(line.number, row.eid if row is not None else eid, kept))
        unread = {one.column for one in wrong}
        wrong += [one for one in _row_problems(config, row, values, line.number) if one.column not in unread]
        if wrong:
            problems += wrong
            continue
        one = _planned(row, values, line.number, taken)
        taken.add(one.eid)
        found.append(one)
    doubled = _doubled(claims, by_eid)
    bad = {one.row for one in doubled}
    return ImportPlan(
        tuple(one for one in found if one.row not in bad),
        tuple(sorted([*problems, *doubled], key=lambda one: (one.row, one.column))),
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """Which entry and code a row speaks for, whatever else is wrong with it."""

    row: int
    eid: str
    """Empty: a new one without an id."""
    code: str


def _of_file(table: Table) -> Iterable[RowProblem]:
    keys = {column.key for column in table.columns}
    for key in REQUIRED:
        if key not in keys:
            yield RowProblem(0, key, "missing_column")
    for text in table.unknown:
        yield RowProblem(0, text, "unknown_column")
    for text in table.doubled:
        yield RowProblem(0, text, "doubled_column")
    for reference in table.merged:
        yield RowProblem(0, "", "merged", {"value": reference})
    if table.too_long:
        yield RowProblem(0, "", "too_many_rows")
    if not table.lines:
        yield RowProblem(0, "", "empty")


def _values(names: tuple[Names, Names], line: Line) -> tuple[dict[str, Any], list[RowProblem]]:
    values: dict[str, Any] = {}
    wrong: list[RowProblem] = []
    for key, cell in line.cells.items():
        value, fault, about = value_of(names, key, cell)
        if fault is not None:
            wrong.append(RowProblem(line.number, key, fault, about))
        elif key != "tag":
            values[key] = value
    return values, wrong


def _row_problems(
    config: SiteConfig, row: Equipment | None, values: Mapping[str, Any], number: int
) -> list[RowProblem]:
    eid, status = values.get("eid", ""), values.get("status", "")
    found: list[RowProblem] = []
    if row is None and eid and not is_eid(eid):
        found.append(RowProblem(number, "eid", "bad_eid", {"value": eid}))
    elif row is None and eid in config.ledger:
        found.append(RowProblem(number, "eid", "eid_taken", {"value": eid}))
    if row is not None and status and status != row.status:
        found.append(RowProblem(number, "status", "status_change", {"value": row.status}))
    checked = {key: value for key, value in values.items() if key not in ("eid", "status")}
    return found + [RowProblem(number, one.column, one.fault, one.about) for one in problems_of(config, row, checked)]


def _planned(row: Equipment | None, values: Mapping[str, Any], number: int, taken: set[str]) -> Planned:
    kept = {key: value for key, value in values.items() if key not in ("eid", "status")}
    if row is None:
        eid = values.get("eid") or free_eid(kept, taken.__contains__)
        return Planned(number, eid, kept["name"], "new", kept, status=values.get("status") or "in_use")
    changes = differences(row, kept)
    action: Action = "changed" if changes else "unchanged"
    return Planned(number, row.eid, kept.get("name", row.name), action, kept, changes, equipment_id=row.id)


def _doubled(claims: Sequence[_Claim], by_eid: Mapping[str, Equipment]) -> list[RowProblem]:
    """Two rows about one entry, and codes that two entries would have."""
    problems: list[RowProblem] = []
    seen: dict[str, int] = {}
    for one in claims:
        if one.eid and one.eid in seen:
            problems.append(RowProblem(one.row, "eid", "doubled_eid", {"value": one.eid, "other": seen[one.eid]}))
        seen.setdefault(one.eid, one.row)
    kept = {row.code: row.eid for row in by_eid.values() if row.code and row.eid not in seen}
    codes: dict[str, int] = {}
    for one in claims:
        if one.code in kept:
            problems.append(RowProblem(one.row, "code", "code_taken", {"value": one.code, "other": kept[one.code]}))
        elif one.code and one.code in codes:
            problems.append(RowProblem(one.row, "code", "doubled_code", {"value": one.code, "other": codes[one.code]}))
        codes.setdefault(one.code, one.row)
    return problems


def carry_out(
    session: Session, config: SiteConfig, table: Table, now: datetime, *, actor: str, partial: bool = False
) -> ImportPlan:
    """Import a table: everything, or with a problem nothing at all; `partial` takes the rows without one.

    Raises Invalid with the plan's count of problems when nothing is taken.
    """
    query = select(Equipment).where(Equipment.site == config.site.id).order_by(Equipment.id).with_for_update()
    rows = {row.id: row for row in session.scalars(query.execution_options(populate_existing=True))}
    decided = plan(config, rows.values(), table)
    if decided.blocked or (decided.problems and not partial):
        raise Invalid(
            f"{decided.rows_with_problems} rows of the file have problems: nothing was imported",
            hint="Look at the preview, correct the file and send it again",
            field="import_rows",
            problems=len(decided.problems),
        )
    _insert(session, config, decided.of("new"), now, actor)
    _change(session, decided.of("changed"), rows, now, actor)
    counts = {action: len(decided.of(action)) for action in ("new", "changed", "unchanged")}
    audit.record(session, now, actor, "equipment.import", config.site.id, left_out=decided.rows_with_problems, **counts)
    session.flush()
    return decided


def _insert(session: Session, config: SiteConfig, new: Sequence[Planned], now: datetime, actor: str) -> None:
    if not new:
        return
    # Plain rows: as objects a large import would hold everybody else up for four times as long.
    rows: list[dict[str, Any]] = [
        {
            **blank(), **one.values, "id": new_id(), "site": config.site.id, "eid": one.eid, "origin": "entered",
            "declared": True, "tag": new_tag(), "status": one.status, "status_at": now, "version": 0,
            "created_at": now, "updated_at": now,
        }
        for one in new
    ]  # fmt: skip
    session.execute(insert(Equipment), rows)
    events = [
        {
            "equipment_id": row["id"], "seq": 1, "at": now, "event_at": now, "kind": "registered", "actor": actor,
            "data": {"origin": "import", "status": row["status"]},
        }
        for row in rows
    ]  # fmt: skip
    session.execute(insert(EquipmentEvent), events)


def _change(
    session: Session, changed: Sequence[Planned], rows: Mapping[str, Equipment], now: datetime, actor: str
) -> None:
    if not changed:
        return
    # One query for all: with one for each row a large import would hold everybody else up.
    site = next(iter(rows.values())).site
    last = select(EquipmentEvent.equipment_id, func.max(EquipmentEvent.seq)).join(
        Equipment, Equipment.id == EquipmentEvent.equipment_id
    )
    seqs: dict[str, int] = dict(
        session.execute(last.where(Equipment.site == site).group_by(EquipmentEvent.equipment_id)).all()
    )
    for one in changed:
        row = rows.get(one.equipment_id)
        if row is None:
            raise Conflict(f"Equipment {one.eid} was changed meanwhile", hint="Look at the preview again")
        apply(row, one.values, now)
        session.add(
            EquipmentEvent(
                equipment_id=row.id, seq=seqs.get(row.id, 0) + 1, at=now, event_at=now, kind="changed", actor=actor,
                data={"fields": dict(one.changes), "import": True},
            )
        )  # fmt: skip
    session.flush()
