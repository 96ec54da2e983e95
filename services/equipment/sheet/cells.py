"""One cell of the spreadsheet as the value of an entry, or why it cannot be one."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Literal

from services.equipment.sheet.columns import BY_KEY, Names
from services.equipment.sheet.reading import Cell, ErrorValue, Formula
from services.equipment.values import clean

CellFault = Literal[
    "formula", "error_value", "not_text", "long_number", "not_date", "has_time", "unknown_kind", "unknown_area",
    "unknown_person", "unknown_status", "bad_binding",
]  # fmt: skip
Read = tuple[Any, CellFault | None, Mapping[str, Any]]
_DATE = re.compile(r"([0-9]{4})\s*(?:-|/|\.|年)\s*([0-9]{1,2})\s*(?:-|/|\.|月)\s*([0-9]{1,2})\s*日?")
_EXACT = 10**15
"""Excel keeps fifteen digits: a longer number has lost its end already."""


def value_of(names: tuple[Names, Names], key: str, cell: Cell) -> Read:
    """A cell's value, or its fault; `names` are tried one after the other."""
    column = BY_KEY[key]
    if column.sort == "shown":
        return None, None, {}
    if isinstance(cell, Formula):
        return None, "formula", {"value": cell[:60]}
    if isinstance(cell, ErrorValue):
        return None, "error_value", {"value": cell[:60]}
    if column.sort == "date":
        return _date(cell)
    text, fault = _text(cell)
    if fault is not None:
        return None, fault, {"value": str(cell)[:60]}
    match column.sort:
        case "text":
            return text, None, {}
        case "bindings":
            return _bindings(text)
    if not text:
        return "", None, {}
    found = _meant(names, key, column.sort, text)
    if found is not None:
        return found, None, {}
    faults: Mapping[str, CellFault] = {
        "kind": "unknown_kind", "area": "unknown_area", "status": "unknown_status", "person": "unknown_person",
    }  # fmt: skip
    return None, faults[column.sort], {"value": text[:60]}


def _meant(names: tuple[Names, Names], key: str, sort: str, text: str) -> str | None:
    for one in names:
        match sort:
            case "kind":
                found = one.kind_of(text)
            case "area":
                found = one.area_of(text)
            case "status":
                found = one.status_of(text)
            case _:
                found = one.person_of(text, key)
        if found is not None:
            return found
    return None


def _text(cell: Cell) -> tuple[str, CellFault | None]:
    match cell:
        case None:
            return "", None
        case str():
            return clean(cell), None
        case bool():
            return "", "not_text"
        case int() if abs(cell) < _EXACT:
            return str(cell), None
        case float() if abs(cell) < _EXACT:
            return f"{cell:.15g}", None
        case int() | float():
            return "", "long_number"
    return "", "not_text"


def _date(cell: Cell) -> Read:
    match cell:
        case None:
            return None, None, {}
        case datetime():
            if cell.time() != time():
                return None, "has_time", {"value": str(cell)}
            return cell.date(), None, {}
        case date():
            return cell, None, {}
        case str():
            return _date_text(cell.strip())
    return None, "not_date", {"value": str(cell)[:60]}


def _date_text(text: str) -> Read:
    if not text:
        return None, None, {}
    found = _DATE.fullmatch(text)
    try:
        return (
            (date(*(int(part) for part in found.groups())), None, {})
            if found
            else (None, "not_date", {"value": text[:60]})
        )
    except ValueError:  # 2026-02-30
        return None, "not_date", {"value": text[:60]}


def _bindings(text: str) -> Read:
    pairs = [part.split(":", 1) for part in re.split(r"[\s,;，；、]+", text) if part]
    if any(len(pair) != 2 for pair in pairs):
        return None, "bad_binding", {"value": text[:60]}
    return pairs, None, {}
