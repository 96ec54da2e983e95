"""What people do to the ledger: enter something new, edit it, change its status, give it a new label."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.equipment.model import NEXT, STATUS_NAMES, Status
from services.equipment.store import by_eid, lock, new_tag, record
from services.equipment.sync import apply, differences
from services.equipment.tables import Equipment, EquipmentEvent
from services.equipment.values import EDITABLE, Problem, is_eid, problems_of, written
from services.kernel import audit
from services.kernel.errors import Conflict, Invalid
from services.kernel.ids import new_id

_BLANK: Mapping[str, Any] = {
    "code": "", "name_en": "", "area": "", "place": "", "responsible": "", "supervisor": "", "manager": "", "maker": "",
    "model": "", "serial": "", "rating": "", "note": "", "made_on": None, "installed_on": None, "in_use_on": None,
    "warranty_until_on": None, "scrap_due_on": None, "bindings": [],
}  # fmt: skip


def blank() -> dict[str, Any]:
    """What a new entry has in the columns nobody filled in."""
    return {**_BLANK, "bindings": []}


class Refused(Invalid):
    """Values that cannot be written; `problems` says of each why."""

    def __init__(self, what: str, problems: list[Problem]) -> None:
        first = problems[0]
        super().__init__(
            f"{what}: {first.column} cannot be {first.about.get('value', 'this')!r} ({first.fault})",
            hint="Correct it and send it again",
            field=first.column,
            fault=first.fault,
            faults=[{"column": one.column, "fault": one.fault, **one.about} for one in problems],
        )
        self.problems = problems


def enter(
    session: Session,
    config: SiteConfig,
    values: Mapping[str, Any],
    now: datetime,
    *,
    actor: str,
    eid: str = "",
    status: Status = "in_use",
    tag: str = "",
) -> Equipment:
    """A new entry; without `eid` it gets one from its code, else a number. Raises Refused."""
    found = problems_of(config, None, values)
    if eid and not is_eid(eid):
        found.append(Problem("eid", "bad_eid", {"value": eid}))
    elif eid and (eid in config.ledger or by_eid(session, config.site.id, eid) is not None):
        found.append(Problem("eid", "eid_taken", {"value": eid}))
    found += _code_taken(session, config.site.id, None, values)
    if found:
        raise Refused("The entry is refused", found)
    eid = eid or free_eid(values, lambda one: one in config.ledger or by_eid(session, config.site.id, one) is not None)
    row = insert(session, config, values, now, actor=actor, eid=eid, status=status, tag=tag)
    audit.record(session, now, actor, "equipment.enter", row.id, eid=row.eid, name=row.name)
    return row


def insert(
    session: Session,
    config: SiteConfig,
    values: Mapping[str, Any],
    now: datetime,
    *,
    actor: str,
    eid: str,
    status: Status = "in_use",
    tag: str = "",
) -> Equipment:
    """Write a new entry that was checked before, with the first line of its history."""
    row = Equipment(
        **{**blank(), **values},
        id=new_id(), site=config.site.id, eid=eid, origin="entered", declared=True, tag=tag or new_tag(),
        status=status, status_at=now, version=0, created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    event = EquipmentEvent(
        equipment_id=row.id, seq=1, at=now, event_at=now, kind="registered", actor=actor,
        data={"origin": "entered", "status": status},
    )  # fmt: skip
    session.add(event)
    return row


def free_eid(values: Mapping[str, Any], taken: Callable[[str], bool]) -> str:
    """A short id that is not `taken`: from the code where that can be one, else the kind with a number."""
    wanted = str(values.get("code") or "").lower().replace("_", "-").replace(" ", "-")
    base = wanted if is_eid(wanted) else str(values["kind"]).replace("_", "-")
    number, found = 1, base if is_eid(wanted) else f"{base}-1"
    while taken(found):
        number += 1
        found = f"{base[:56]}-{number}"
    return found


def edit(
    session: Session,
    config: SiteConfig,
    equipment_id: str,
    values: Mapping[str, Any],
    now: datetime,
    *,
    actor: str,
    version: int | None = None,
) -> Equipment:
    """Change what is known of an entry; what the site files say cannot be changed here. Raises Refused, Conflict."""
    row = lock(session, equipment_id, version)
    unknown = values.keys() - set(EDITABLE)
    if unknown:
        raise Invalid(f"There is no field {sorted(unknown)[0]!r}", hint=f"Fields are {', '.join(EDITABLE)}")
    found = problems_of(config, row, values) + _code_taken(session, row.site, row, values)
    if found:
        raise Refused(f"The change of {row.eid} is refused", found)
    changes = differences(row, values)
    if changes:
        change(session, row, values, changes, now, actor=actor)
        audit.record(session, now, actor, "equipment.edit", row.id, fields=sorted(changes))
    return row


def change(
    session: Session,
    row: Equipment,
    values: Mapping[str, Any],
    changes: Mapping[str, list[Any]],
    now: datetime,
    *,
    actor: str,
) -> None:
    """Write checked values into a locked entry, with their line of history."""
    apply(row, values, now)
    people = {name: pair for name, pair in changes.items() if name in ("responsible", "supervisor", "manager")}
    if people:
        record(session, row, "person", now, actor=actor, fields=people)
    others = {name: pair for name, pair in changes.items() if name not in people}
    if others:
        record(session, row, "changed", now, actor=actor, fields=others)


def set_status(
    session: Session,
    row: Equipment,
    status: Status,
    now: datetime,
    *,
    actor: str,
    reason: str,
    event_at: datetime | None = None,
) -> None:
    """Change 在用/停用/维修/报废 (LED-28); the status it has already is no change.

    Raises Conflict for a step that is not allowed, Invalid for an unknown status, no reason or an impossible moment.
    """
    row = lock(session, row.id)
    if status not in STATUS_NAMES:
        raise Invalid(f"There is no status {status!r}", hint=f"Use one of {', '.join(STATUS_NAMES)}", field="status")
    if status == row.status:
        return
    if status not in NEXT[row.status]:
        allowed = ", ".join(NEXT[row.status]) or "nothing: it is final"
        raise Conflict(
            f"Equipment {row.eid} is {row.status}: it cannot become {status}",
            hint=f"Possible now: {allowed}",
            equipment=row.id,
            current={"status": row.status, "version": row.version},
        )
    why = written(reason, "reason")[:400]
    if not why:
        raise Invalid("A change of status needs a reason", hint="Say why in a few words", field="reason")
    since = event_at or now
    if not row.status_at <= since <= now:
        raise Invalid(
            f"Equipment {row.eid} cannot have become {status} at {since.isoformat()}",
            hint=f"Give a moment after its last change of status at {row.status_at.isoformat()} and not in the future",
            field="event_at",
        )
    old = row.status
    apply(row, {"status": status, "status_at": since}, now)
    record(session, row, "status", now, actor=actor, event_at=since, old=old, new=status, reason=why)
    audit.record(session, now, actor, "equipment.status", row.id, old=old, new=status, reason=why)


def relabel(session: Session, equipment_id: str, now: datetime, *, actor: str, tag: str = "") -> Equipment:
    """A new label, because the old one was lost or copied: the old one opens nothing any more."""
    row = lock(session, equipment_id)
    apply(row, {"tag": tag or new_tag()}, now)
    record(session, row, "changed", now, actor=actor, label=True)
    audit.record(session, now, actor, "equipment.relabel", row.id)
    return row


def _code_taken(session: Session, site: str, row: Equipment | None, values: Mapping[str, Any]) -> list[Problem]:
    code = values.get("code")
    if not code or (row is not None and row.code == code):
        return []
    query = select(Equipment).where(Equipment.site == site, Equipment.code == code)
    other = next((one for one in session.scalars(query) if row is None or one.id != row.id), None)
    return [Problem("code", "code_taken", {"value": code, "other": other.eid})] if other is not None else []
