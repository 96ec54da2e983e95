"""Plans' marks, their occurrences, inspections."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class PlanMark(Base):
    """How far the occurrences of a plan have been made for one piece of equipment: the watermark."""

    __tablename__ = "plan_mark"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan: Mapped[str] = mapped_column(String(64), primary_key=True)
    equipment_id: Mapped[str] = mapped_column(String(26), ForeignKey("equipment.id"), primary_key=True)
    since_on: Mapped[date] = mapped_column(Date)
    """First local day the plan holds for it."""
    until_on: Mapped[date] = mapped_column(Date)
    """Every occurrence that opens before this local day has been made."""
    meter_threshold: Mapped[float | None] = mapped_column(Float)
    """Meter plans: the highest threshold an occurrence has been made for."""
    metered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Meter plans: readings up to this moment have been counted."""
    rhythm: Mapped[str] = mapped_column(String(96), default="")
    """How the plan recurred when the last occurrence was made: another rhythm has other occurrences."""
    ended_on: Mapped[date | None] = mapped_column(Date)
    """The plan does not hold for it any more since this day."""


class MaintenanceTask(Base):
    """One occurrence of a plan: due once, for one piece of equipment."""

    __tablename__ = "maintenance_task"
    __table_args__ = (
        UniqueConstraint("plan", "equipment_id", "occurrence"),
        Index("ix_maintenance_task_site_due_at", "site", "due_at"),
        Index("ix_maintenance_task_state_due_at", "state", "due_at"),
        Index("ix_maintenance_task_equipment_plan_due_at", "equipment_id", "plan", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    plan: Mapped[str] = mapped_column(String(64))
    equipment_id: Mapped[str] = mapped_column(String(26), ForeignKey("equipment.id"))
    occurrence: Mapped[str] = mapped_column(String(32))
    """The period (`2026-10-01`, `2026-W40`, `2026-10`, `2026-Q4`, `2026-H2`, `2026`), the day of an interval
    (`i:2026-10-01`), a meter's threshold (`m:500@2026-10-01`), or a due day that a person chose (`h:2026-10-01`)."""
    level: Mapped[int] = mapped_column(Integer)
    checklist: Mapped[str] = mapped_column(String(64))
    owner_role: Mapped[str] = mapped_column(String(32), default="engineer")
    contract: Mapped[str] = mapped_column(String(64), default="")
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Done before this moment it is on time."""
    due_on: Mapped[date] = mapped_column(Date)
    """Last local day on which it is on time: what people call the due date, and its month in reports (AMB-28)."""
    state: Mapped[str] = mapped_column(String(16), default="open")
    """open, done, cancelled. Overdue is open or done after `due_at`: never a state."""
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by: Mapped[str] = mapped_column(String(64), default="")
    on_time: Mapped[bool | None]
    passed: Mapped[bool | None]
    outside_window: Mapped[bool] = mapped_column(default=False)
    """Begun outside the plan's window (TIM-12)."""
    inspection_id: Mapped[str | None] = mapped_column(String(96))
    """The inspection that did it."""
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_why: Mapped[str] = mapped_column(String(200), default="")
    """retired, plan_ended, plan_changed, or a person's words."""
    warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was told that it is overdue."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Inspection(Base):
    """One filled checklist; never changed."""

    __tablename__ = "inspection"
    __table_args__ = (
        Index("ix_inspection_site_at", "site", "at"),
        Index("ix_inspection_equipment_at", "equipment_id", "at"),
        Index("ix_inspection_equipment_checklist_at", "equipment_id", "checklist", "at"),
    )

    id: Mapped[str] = mapped_column(String(96), primary_key=True)
    """`{site}/{client id}`: delivered again it is the same."""
    site: Mapped[str] = mapped_column(String(64))
    equipment_id: Mapped[str] = mapped_column(String(26), ForeignKey("equipment.id"))
    checklist: Mapped[str] = mapped_column(String(64))
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """The checklist's items as they stood, with limits: later edits do not touch it. Each carries its `verdict` (good,
    finding, open), and the `note` and `photos` of what was found there."""
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Item → true/false, number, text; photos and signature by their ids. Answers to items that are gone stay here."""
    findings: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Items that were not good."""
    passed: Mapped[bool]
    by: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was finished, on the phone's corrected clock."""
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_by: Mapped[str] = mapped_column(String(16), default="list")
    """tag, qr, list, desk: how the equipment was found; only tag and qr show that somebody was there."""
    note: Mapped[str] = mapped_column(Text, default="")
    photos: Mapped[list[str]] = mapped_column(JSON, default=list)
    instrument: Mapped[str] = mapped_column(String(120), default="")
    emergency: Mapped[bool] = mapped_column(default=False)
    """Repair or rescue: exempt from the plan's window."""
    order_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Work orders its findings brought."""
