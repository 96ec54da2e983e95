"""Readings that were typed in, with what makes them evidence."""

from datetime import datetime

from sqlalchemy import JSON, Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class TypedReading(Base):
    """One reading a person measured: the value is a sample like any other, this is its paper."""

    __tablename__ = "typed_reading"
    __table_args__ = (Index("ix_typed_reading_point_at", "site", "point", "at"), Index("ix_typed_reading_at", "at"))

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    point: Mapped[str] = mapped_column(String(64))
    """Id within the site."""
    client_id: Mapped[str] = mapped_column(String(200), unique=True)
    """`{site}/{by}/{id of the phone}`: the same again is the same reading."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    value: Mapped[float] = mapped_column(Float)
    """In the point's unit."""
    by: Mapped[str] = mapped_column(String(64))
    instrument: Mapped[str] = mapped_column(String(80), default="")
    calibration: Mapped[str] = mapped_column(String(16), default="")
    """Of the instrument on that day: valid, expired, none (no paper), unknown (not in the ledger)."""
    circuit: Mapped[str] = mapped_column(String(80), default="")
    place: Mapped[str] = mapped_column(String(200), default="")
    condition: Mapped[str] = mapped_column(String(8), default="")
    """dry or wet; empty: not asked."""
    note: Mapped[str] = mapped_column(String(500), default="")
    photos: Mapped[list[str]] = mapped_column(JSON, default=list)


class TypedDelivery(Base):
    """A typed reading on its way through the door: delivered again it keeps its time, and is not sent twice."""

    __tablename__ = "typed_delivery"

    client_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """The true time as it was worked out first."""
    put_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the door had it on disk."""
