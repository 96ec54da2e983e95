"""Frozen reports, their evidence, signatures, and the weights of key figures."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class ReportSnapshot(Base):
    """One version of a month's report: the data every file is rendered from; never changed."""

    __tablename__ = "report_snapshot"
    __table_args__ = (UniqueConstraint("site", "kind", "month_on", "version"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    """facilities 设备设施巡检月报, fire 消防设施月检报告."""
    month_on: Mapped[date] = mapped_column(Date)
    """First day of the month."""
    version: Mapped[int] = mapped_column(Integer)
    number: Mapped[str] = mapped_column(String(64))
    """报告编号, e.g. `XJ-202610-yunhe-1`."""
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    """waiting 待签, signed 已签 (locked), replaced: a newer version took its place."""
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """The snapshot as canonical JSON, compressed."""
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the JSON."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[str] = mapped_column(String(64))
    """system, or who asked for it."""
    reason: Mapped[str] = mapped_column(String(400), default="")
    """Why a correction was made."""
    locked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReportEvidence(Base):
    """The records behind one figure of a snapshot, frozen with it."""

    __tablename__ = "report_evidence"

    snapshot_id: Mapped[str] = mapped_column(String(26), ForeignKey("report_snapshot.id"), primary_key=True)
    figure: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """JSON list of [kind, id, counted, words], compressed."""


class ReportSignature(Base):
    """One signature under a snapshot; never changed."""

    __tablename__ = "report_signature"

    snapshot_id: Mapped[str] = mapped_column(String(26), ForeignKey("report_snapshot.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(16), primary_key=True)
    """prepared 编制, reviewed 审核, approved 批准, quality 品质部复核, client 委托单位签收."""
    username: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    sha256: Mapped[str] = mapped_column(String(64))
    """Hash of what was signed."""
    comment: Mapped[str] = mapped_column(String(400), default="")


class KpiWeights(Base):
    """Weights of key figures from a day on (KPI-13); older months keep theirs."""

    __tablename__ = "kpi_weights"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    from_on: Mapped[date] = mapped_column(Date, primary_key=True)
    weights: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Figure → percent; together 100."""
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
    set_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(400), default="")
