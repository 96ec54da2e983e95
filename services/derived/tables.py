"""What is remembered of pump stations between samples, the runs of their pumps, and their tests."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class StationState(Base):
    """What the step of a pump station remembers."""

    __tablename__ = "station_state"

    station: Mapped[str] = mapped_column(String(130), primary_key=True)
    """Global key `{site}/{station}`."""
    state: Mapped[dict[str, Any]] = mapped_column(JSON)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    """Event time of the newest sample in it."""


class PumpRun(Base):
    """One time a pump ran."""

    __tablename__ = "pump_run"
    __table_args__ = (
        Index("ix_pump_run_station_started_at", "site", "station", "started_at"),
        Index("ix_pump_run_equipment_started_at", "site", "equipment", "started_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    station: Mapped[str] = mapped_column(String(64))
    equipment: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    """jockey or main."""
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None: it runs."""
    start_pressure: Mapped[float | None] = mapped_column(Float)
    """MPa, just before it began to rise: 启泵压力."""
    stop_pressure: Mapped[float | None] = mapped_column(Float)
    """MPa, when it stopped: 停泵压力."""
    peak_pressure: Mapped[float | None] = mapped_column(Float)
    lowest_level: Mapped[float | None] = mapped_column(Float)
    """Of the tank, m."""
    peak_flow: Mapped[float | None] = mapped_column(Float)
    cause: Mapped[str] = mapped_column(String(16), default="unknown")
    """automatic (pressure fell below the start pressure), manual, or unknown."""
    verdict: Mapped[str] = mapped_column(String(16), default="")
    """no_rise, dry_run, doubtful (data was missing); empty: as it should be."""


class PumpTest(Base):
    """周自动、月手动、季流量 tests: recognised from the signals, or entered by a person."""

    __tablename__ = "pump_test"
    __table_args__ = (Index("ix_pump_test_equipment_at", "site", "equipment", "at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    station: Mapped[str] = mapped_column(String(64))
    equipment: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    """weekly_auto, monthly_manual or quarterly_flow."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    passed: Mapped[bool]
    by: Mapped[str] = mapped_column(String(64), default="")
    """Who entered it; empty: recognised from the signals."""
    run_id: Mapped[str | None] = mapped_column(String(26))
    note: Mapped[str] = mapped_column(String(500), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Pressures, duration, flow: what it was recognised by, or what was read off."""
