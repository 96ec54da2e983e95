"""What may be written into an entry, judged without a database: the same rules for a form and for an import."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any, Literal, get_args

from gateway.site.equipment_kinds import ALL_KINDS
from gateway.site.model import SiteConfig
from gateway.site.terms import Role
from services.equipment.model import BINDABLE, Status
from services.equipment.sync import declared_values
from services.equipment.tables import Equipment
from services.kernel.errors import Invalid

Fault = Literal[
    "required", "too_long", "control", "unknown_kind", "unknown_area", "unknown_person", "wrong_role", "bad_date",
    "bad_eid", "date_order", "declared", "unknown_binding", "code_taken", "eid_taken", "unknown_status",
]  # fmt: skip
TEXTS: Mapping[str, int] = {
    "code": 64, "name": 300, "name_en": 300, "place": 300, "maker": 200, "model": 200, "serial": 200, "rating": 200,
    "note": 2000,
}  # fmt: skip
"""Columns that hold words, and how many characters at most."""
DATES = ("made_on", "installed_on", "in_use_on", "warranty_until_on", "scrap_due_on")
PEOPLE: Mapping[str, Role] = {"responsible": "engineer", "supervisor": "supervisor", "manager": "manager"}
EDITABLE = (*TEXTS, *DATES, *PEOPLE, "kind", "area", "bindings")
STATUSES: tuple[Status, ...] = get_args(Status)
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, halves of surrogate pairs: neither a database nor a spreadsheet keeps them."""
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value cannot be written; `about` fills the sentence."""

    column: str
    fault: Fault
    about: Mapping[str, Any] = field(default_factory=dict)


def clean(text: str) -> str:
    """Text as it is kept: without the blanks around it, lines ending one way."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip()


def written(text: str, field: str) -> str:
    """Words somebody wrote, as they are kept; raises Invalid for what cannot be."""
    kept = clean(text)
    if _UNWRITABLE.search(kept.replace("\n", "")):
        raise Invalid(f"The field {field} has control characters", hint="Type it again", field=field)
    return kept


def is_eid(text: str) -> bool:
    """Whether this can be an entry's short id."""
    return _ID.fullmatch(text) is not None


def locked(config: SiteConfig, row: Equipment | None) -> Mapping[str, Any]:
    """Columns of an entry that the site files decide, with what they say."""
    entry = config.ledger.get(row.eid) if row is not None and row.declared else None
    return declared_values(entry) if entry is not None else {}


def problems_of(config: SiteConfig, row: Equipment | None, values: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with new values of an entry; `row` is None for a new one."""
    found: list[Problem] = []
    said = locked(config, row)
    for column, value in values.items():
        if column in said and value != said[column]:
            found.append(Problem(column, "declared", {"value": said[column]}))
        elif row is None or value != getattr(row, column):
            found += _one(config, column, value)
    found += [Problem(column, "required") for column in ("name", "kind") if row is None and not values.get(column)]
    return list({(one.column, one.fault): one for one in reversed([*found, *_order(row, values)])}.values())[::-1]


def _one(config: SiteConfig, column: str, value: Any) -> list[Problem]:
    if column in TEXTS:
        return _text(column, value)
    if column in DATES:
        fits = value is None or (isinstance(value, date) and EARLIEST <= value <= LATEST)
        return [] if fits else [Problem(column, "bad_date", {"value": str(value)})]
    if column in PEOPLE:
        return _person(config, column, value)
    if column == "kind" and not value:
        return [Problem(column, "required")]
    if column == "kind":
        return [] if value in ALL_KINDS else [Problem(column, "unknown_kind", {"value": value})]
    if column == "area":
        fits = not value or value in config.area_by_id
        return [] if fits else [Problem(column, "unknown_area", {"value": value})]
    bad = [one for one in value if not _bindable(config, one)]
    return [Problem("bindings", "unknown_binding", {"value": " ".join(one)}) for one in bad]


def _text(column: str, value: str) -> list[Problem]:
    if column == "name" and not value:
        return [Problem(column, "required")]
    if len(value) > TEXTS[column]:
        return [Problem(column, "too_long", {"most": TEXTS[column]})]
    bad = _UNWRITABLE.search(value.replace("\n", "") if column == "note" else value)
    return [Problem(column, "control")] if bad else []


def _person(config: SiteConfig, column: str, value: str) -> list[Problem]:
    if not value:
        return []
    person = config.person_by_username.get(value)
    if person is None:
        return [Problem(column, "unknown_person", {"value": value})]
    if person.role != PEOPLE[column]:
        return [Problem(column, "wrong_role", {"value": value, "role": person.role, "wanted": PEOPLE[column]})]
    return []


def _bindable(config: SiteConfig, pair: list[str]) -> bool:
    if len(pair) != 2 or pair[0] not in BINDABLE:
        return False
    if pair[0] == "checkpoint":
        return any(one.id == pair[1] for one in config.patrol.checkpoints)
    known: Mapping[str, Any] = {
        "point": config.point_by_id,
        "device": config.device_by_id,
        "fire_point": config.fire.point_by_id,
    }[pair[0]]
    return pair[1] in known


def _order(row: Equipment | None, values: Mapping[str, Any]) -> list[Problem]:
    """Made, installed, in use: in this order, as far as they are known."""
    if not values.keys() & {"made_on", "installed_on", "in_use_on"}:
        return []
    dates = [values.get(name, getattr(row, name) if row is not None else None) for name in DATES[:3]]
    known = [(name, one) for name, one in zip(DATES, dates, strict=False) if isinstance(one, date)]
    return [
        Problem(later, "date_order", {"value": str(second), "before": str(first)})
        for (_, first), (later, second) in pairwise(known)
        if second < first
    ]
