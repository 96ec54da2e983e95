"""The history of Gengfu's own figures: what processes said of themselves and what waited, about once a minute."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Float, Index, String, delete, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.kernel.db import Base, UtcDateTime


class ProcessFigure(Base):
    """One figure of one minute."""

    __tablename__ = "process_figure"
    __table_args__ = (Index("ix_process_figure_name_at", "name", "at"),)

    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    """The whole minute."""
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Of a process, or `queue`."""
    holder: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Which process of the role; empty for queues."""
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float] = mapped_column(Float)


class Figure(NamedTuple):
    """A figure of a minute that is yet to be written."""

    role: str
    holder: str
    name: str
    value: float


def is_noted(session: Session, at: datetime) -> bool:
    """Whether somebody has written the figures of this minute."""
    return session.scalar(select(ProcessFigure.at).where(ProcessFigure.at == at).limit(1)) is not None


def forget(session: Session, before: datetime, limit: int) -> int:
    """Drop the oldest figures from before a moment, `limit` at most; returns how many."""
    key = (ProcessFigure.at, ProcessFigure.role, ProcessFigure.holder, ProcessFigure.name)
    old = select(*key).where(ProcessFigure.at < before).order_by(ProcessFigure.at).limit(limit)
    result = session.execute(
        delete(ProcessFigure).where(tuple_(*key).in_(old)).execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))
