"""The catalogue's table."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Float, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class CatalogEntry(Base):
    """One thing that the site files declare, or once declared; written at the start of a worker."""

    __tablename__ = "catalog_entry"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    """site, area, equipment, device, point, person, checkpoint, route, fire_panel, fire_zone, fire_point."""
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    """Order in the site files."""
    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(String(64), default="")
    area_path: Mapped[str] = mapped_column(Text, default="")
    """Chinese names from the outermost area to its own."""
    parent: Mapped[str] = mapped_column(String(64), default="")
    """The area an area is in, the device of a point, the panel of a zone or fire point, the source of a panel."""
    unit: Mapped[str] = mapped_column(String(16), default="")
    set_value: Mapped[float | None] = mapped_column(Float)
    low: Mapped[float | None] = mapped_column(Float)
    """Lower end of the band of a point's first documented limit."""
    high: Mapped[float | None] = mapped_column(Float)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What else a board needs: kind of device, equipment of a point, seconds of its interval …"""
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was first missing from the site files; records of it keep their name."""
