"""The ledger's tables."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, Float, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class Equipment(Base):
    """One entry of the ledger 台账; entries that the site files declare keep their names and places from there."""

    __tablename__ = "equipment"
    __table_args__ = (UniqueConstraint("site", "eid"), Index("ix_equipment_site_kind", "site", "kind"))

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    eid: Mapped[str] = mapped_column(String(64))
    """Short id, unique within the site: the one of the site files where they declare it."""
    origin: Mapped[str] = mapped_column(String(16))
    """file: equipment.yaml; fire_point, appliance: fire.yaml; entered: by a person or an import."""
    declared: Mapped[bool] = mapped_column(default=True)
    """The site files still have it; always true for what was entered."""
    code: Mapped[str] = mapped_column(String(64), default="")
    """Its number in the company's own ledger; unique within the site when there is one."""
    tag: Mapped[str] = mapped_column(String(16), unique=True)
    """What its QR label carries: nothing that can be guessed from another."""
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(String(32))
    """gateway.site.equipment_kinds."""
    area: Mapped[str] = mapped_column(String(64), default="")
    place: Mapped[str] = mapped_column(Text, default="")
    """Where exactly, in words."""
    status: Mapped[str] = mapped_column(String(16), default="in_use")
    """in_use 在用, stopped 停用, repair 维修, scrapped 报废."""
    status_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Since when."""
    responsible: Mapped[str] = mapped_column(String(64), default="")
    """Username of the 设备责任人; empty: whoever has the role in its area."""
    supervisor: Mapped[str] = mapped_column(String(64), default="")
    """设备主管."""
    manager: Mapped[str] = mapped_column(String(64), default="")
    """经理."""
    maker: Mapped[str] = mapped_column(String(200), default="")
    model: Mapped[str] = mapped_column(String(200), default="")
    serial: Mapped[str] = mapped_column(String(200), default="")
    rating: Mapped[str] = mapped_column(String(200), default="")
    """Nameplate data in words, e.g. `Q=40 L/s, H=110 m, 75 kW`."""
    made_on: Mapped[date | None] = mapped_column(Date)
    installed_on: Mapped[date | None] = mapped_column(Date)
    in_use_on: Mapped[date | None] = mapped_column(Date)
    """Plans hold from this day on; None: since it was registered."""
    warranty_until_on: Mapped[date | None] = mapped_column(Date)
    scrap_due_on: Mapped[date | None] = mapped_column(Date)
    """Last day of its permitted life, e.g. of an extinguisher."""
    bindings: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    """[kind, ref] pairs bound by hand: point, device, fire_point, checkpoint; those of the site files are not here."""
    note: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class EquipmentEvent(Base):
    """One line of the history of an entry; never changed."""

    __tablename__ = "equipment_event"
    __table_args__ = (Index("ix_equipment_event_at", "at"),)

    equipment_id: Mapped[str] = mapped_column(String(26), ForeignKey("equipment.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When we recorded it."""
    event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it happened."""
    kind: Mapped[str] = mapped_column(String(24))
    """registered, changed, status, person, certificate, document, inspected, repaired, undeclared, declared."""
    actor: Mapped[str] = mapped_column(String(64))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Certificate(Base):
    """A paper with an end: inspection certificate, calibration, licence, person's certificate."""

    __tablename__ = "certificate"
    __table_args__ = (Index("ix_certificate_site_expires_on", "site", "expires_on"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    equipment_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("equipment.id"), index=True)
    """None: it is about a person, the site or a firm."""
    kind: Mapped[str] = mapped_column(String(32))
    """elevator_inspection, calibration, fire_test_report, water_quality, parking_licence, person, other …"""
    subject: Mapped[str] = mapped_column(Text, default="")
    """Whose it is, when not of an entry of the ledger."""
    number: Mapped[str] = mapped_column(String(120), default="")
    issuer: Mapped[str] = mapped_column(String(200), default="")
    valid_from_on: Mapped[date | None] = mapped_column(Date)
    expires_on: Mapped[date] = mapped_column(Date)
    """Last day it is valid."""
    document_id: Mapped[str | None] = mapped_column(String(26))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Renewed by a newer one, or not needed any more: nobody is warned."""
    ended_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(64))


class EquipmentDocument(Base):
    """A file of the technical archive 技术档案 (LED-16); kept as it came."""

    __tablename__ = "equipment_document"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    equipment_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("equipment.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    """manual, drawing, acceptance, certificate, photo, other."""
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(64))


class MeterReading(Base):
    """One reading of a counter of a piece of equipment, e.g. run hours; never changed."""

    __tablename__ = "meter_reading"
    __table_args__ = (UniqueConstraint("equipment_id", "meter", "at"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    equipment_id: Mapped[str] = mapped_column(String(26), ForeignKey("equipment.id"))
    meter: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(16), default="")
    value: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(120), default="")
    """Which inspection or person it came from."""
