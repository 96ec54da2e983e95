"""The table of what Grafana has been told."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class Annotation(Base):
    """One mark on a board: of an alert or of an excursion."""

    __tablename__ = "annotation"
    __table_args__ = (Index("ix_annotation_next_at", "next_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """`alert:{id}` or `excursion:{id}`; a tag of the mark, by which it is found again after a crash."""
    grafana_id: Mapped[int | None] = mapped_column(BigInteger)
    """None: not there yet."""
    told: Mapped[str] = mapped_column(String(64), default="")
    """What Grafana knows of it, e.g. the version of the alert."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it is tried again; None: Grafana has it."""
    error: Mapped[str] = mapped_column(Text, default="")
