"""The draft of an emergency repair report 紧急维修报告, from an order's history alone (ROU-33). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    kind: str
    at: datetime
    """When it happened."""
    actor: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the order's row says besides."""

    number: str
    title: str
    place: str
    equipment: str
    category: str
    priority: str
    executors: tuple[str, ...]
    reported_at: datetime
    respond_due_at: datetime | None
    responded_at: datetime | None
    finish_due_at: datetime | None
    finished_at: datetime | None
    rework_count: int
    rework_of: str | None
    cost_cents: int
    approved_cents: int


_TOLD = ("reason", "note", "text", "comment")
_WHO = ("assignee", "assignee_role", "role", "clock", "title")


def draft(facts: Facts, history: Sequence[Line]) -> dict[str, Any]:
    """Who did what when, and whether it was in time; JSON, minutes as numbers with one decimal."""
    start = history[0].at if history else facts.reported_at
    return {
        "number": facts.number,
        "title": facts.title,
        "place": facts.place,
        "equipment": facts.equipment,
        "category": facts.category,
        "priority": facts.priority,
        "executors": list(facts.executors),
        "reported_at": start.isoformat(),
        "respond": _clock(start, facts.responded_at, facts.respond_due_at),
        "finish": _clock(start, facts.finished_at, facts.finish_due_at),
        "holds": _holds(history),
        "rework_count": facts.rework_count,
        "rework_of": facts.rework_of,
        "cost_cents": facts.cost_cents,
        "approved_cents": facts.approved_cents,
        "overdue": [one.data.get("clock") for one in history if one.kind == "overdue_noted"],
        "escalated_to": [one.data.get("role") for one in history if one.kind == "escalated"],
        "timeline": [_told(one, start) for one in history],
    }


def _clock(start: datetime, at: datetime | None, due: datetime | None) -> dict[str, Any]:
    return {
        "at": at.isoformat() if at else None,
        "due_at": due.isoformat() if due else None,
        "minutes": _minutes(start, at) if at else None,
        "timely": None if at is None or due is None else at <= due,
    }


def _holds(history: Sequence[Line]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    begun: Line | None = None
    for one in history:
        if one.kind == "put_on_hold":
            begun = one
        elif begun is not None and one.kind in ("resumed", "reassigned", "cancelled"):
            found.append(
                {
                    "from": begun.at.isoformat(),
                    "until": one.at.isoformat(),
                    "minutes": _minutes(begun.at, one.at),
                    "reason": begun.data.get("reason", ""),
                }
            )
            begun = None
    return found


def _told(one: Line, start: datetime) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "minutes": _minutes(start, one.at),
        "kind": one.kind,
        "actor": one.actor,
        "words": next((str(one.data[key]) for key in _TOLD if one.data.get(key)), ""),
        "to": next((str(one.data[key]) for key in _WHO if one.data.get(key)), ""),
    }


def _minutes(start: datetime, at: datetime) -> float:
    return round((at - start).total_seconds() / 60, 1)
