"""Which processes live: each role writes its heartbeat; silence of one is itself an alert."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.kernel.db import Base, UtcDateTime
from services.kernel.upsert import upsert

SILENT_FOR = timedelta(minutes=1)
"""Then a process that is not named any more has gone for good."""


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


def forget_silent(session: Session, role: str, *, keep: Iterable[str], now: datetime) -> None:
    """Drop what processes of a role said that are gone for good: silent, and none of `keep`."""
    gone = delete(Heartbeat).where(
        Heartbeat.role == role, Heartbeat.holder.not_in(list(keep)), Heartbeat.at < now - SILENT_FOR
    )
    session.execute(gone)
