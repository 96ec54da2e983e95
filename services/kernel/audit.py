"""Who did what: one row per human (or program) action, written in the transaction of the action."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.kernel.db import Base, UtcDateTime
from services.kernel.ids import new_id


class Audit(Base):
    """One action, never changed."""

    __tablename__ = "audit"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    ref: Mapped[str] = mapped_column(String(160), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


def record(session: Session, now: datetime, actor: str, action: str, ref: str, **detail: Any) -> None:
    """Note an action."""
    session.add(Audit(id=new_id(), at=now, actor=actor, action=action, ref=ref, detail=detail))
