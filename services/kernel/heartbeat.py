"""Which processes live: each role writes its heartbeat; silence of one is itself an alert."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.kernel.db import Base, UtcDateTime
from services.kernel.upsert import upsert


class Heartbeat(Base):
    """The last sign of life of one process."""

    __tablename__ = "heartbeat"

    role: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Numbers the metrics page shows for this process, e.g. ingest lag."""
    sites: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The sites it serves; empty: all."""


def beat(
    session: Session, role: str, holder: str, now: datetime, *, sites: Sequence[str] = (), **figures: float
) -> None:
    """Say that `holder` lives and serves `sites`."""
    row = (role, holder, now, figures, list(sites))
    upsert(session, Heartbeat, ("role", "holder", "at", "figures", "sites"), [row], keys=("role", "holder"))
