"""What rules remember between samples, and the excursions they counted."""

from datetime import datetime

from sqlalchemy import BigInteger, Float, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class PointState(Base):
    """The newest good sample of a point. Times in epoch milliseconds: this is the hot path."""

    __tablename__ = "point_state"
    __table_args__ = ({"sqlite_with_rowid": False},)

    point: Mapped[str] = mapped_column(String(130), primary_key=True)
    """Global key `{site}/{point}`."""
    last_ms: Mapped[int] = mapped_column(BigInteger)
    received_ms: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[float] = mapped_column(Float)
    quality: Mapped[int] = mapped_column(Integer, default=0)
    recent: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """The last values as packed doubles, oldest first, for median filters."""
    first_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    """When the point was first heard; the provisional set value is learned from here."""
    provisional_set: Mapped[float | None] = mapped_column(Float)
    """临时基准: the median that stands in for a set value nobody configured."""


class RuleStateRow(Base):
    """The state of one limit on one point, unless it follows from the state of the point."""

    __tablename__ = "rule_state"

    point: Mapped[str] = mapped_column(String(130), primary_key=True)
    rule: Mapped[str] = mapped_column(String(64), primary_key=True)
    phase: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(2000))
    """The RuleState as JSON array."""


class Excursion(Base):
    """One time a value was outside a limit, however short, alerted or not."""

    __tablename__ = "excursion"
    __table_args__ = (
        Index("ix_excursion_point_started_at", "point", "started_at"),
        Index("ix_excursion_started_at", "started_at"),
        Index("ix_excursion_ended_at", "ended_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    point: Mapped[str] = mapped_column(String(130))
    rule: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    worst: Mapped[float] = mapped_column(Float)
    alerted: Mapped[bool]
    suspended: Mapped[bool] = mapped_column(default=False)


class MaintenanceMode(Base):
    """A person's statement that a point, a piece of equipment or a whole site is being worked on."""

    __tablename__ = "maintenance_mode"
    __table_args__ = (
        Index(
            "uq_maintenance_mode_open",
            "target",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    target: Mapped[str] = mapped_column(String(130))
    """`{site}`, `{site}/{point}`, `{site}/{equipment}` or `{site}/{pump station}`."""
    reason: Mapped[str] = mapped_column(String(500))
    by: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
