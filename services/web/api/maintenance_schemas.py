"""Shapes of maintenance in the JSON API."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field


class TaskOut(BaseModel):
    """One occurrence of a plan for one piece of equipment."""

    id: str
    site: str
    plan: str
    equipment_id: str
    equipment: str = Field(description="Its short id in the ledger")
    occurrence: str
    level: int
    checklist: str
    contract: str
    who: str = Field(description="Username of whoever does it; empty: nobody")
    state: Literal["planned", "open", "overdue", "done", "done_late", "cancelled"]
    opens_at: datetime
    due_at: datetime
    due_on: date
    done_at: datetime | None
    done_by: str
    passed: bool | None
    outside_window: bool
    inspection_id: str | None
    cancelled_at: datetime | None
    cancelled_why: str


class PlanOut(BaseModel):
    """One plan as it holds for a site."""

    id: str
    name: str
    name_en: str
    level: int
    requirement: str
    source: str
    rhythm: str = Field(description="day, week, month, quarter, half_year, year, `15d`, `hours:250`; empty: by hand")
    checklist: str
    contract: str
    equipment: int = Field(description="Pieces of equipment it is for")
    inactive: str = Field(description="disabled, no_contract, not_reviewed; empty: it is active")


class CancelTask(BaseModel):
    """Why it is not done."""

    reason: str = Field(min_length=1, max_length=200)


class BeginOverhaul(BaseModel):
    """Which equipment is overhauled until when."""

    equipment_id: str = Field(min_length=1, max_length=26)
    plan: str = Field(min_length=1, max_length=64)
    due_on: date
