"""Devices as heard: state, counts, quarantine, and the events that are not readings."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class DeviceState(Base):
    """The last that was heard of a device."""

    __tablename__ = "device_state"

    device: Mapped[str] = mapped_column(String(130), primary_key=True)
    """Global key `{site}/{device}`."""
    heard_ms: Mapped[int] = mapped_column(BigInteger)
    """Receive time of the newest message."""
    event_ms: Mapped[int] = mapped_column(BigInteger)
    """Event time of the newest event."""
    online: Mapped[bool | None]
    """What its status events say; None: it never said."""
    ahead_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    """How far its clock ran ahead when that was last seen; 0: it did not."""
    online_ms: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    """When `online` last changed; 0: never."""
    battery: Mapped[float | None] = mapped_column(Float)
    """In per cent, as it last said."""
    rssi_dbm: Mapped[float | None] = mapped_column(Float)
    snr_db: Mapped[float | None] = mapped_column(Float)
    firmware: Mapped[str | None] = mapped_column(String(64))
    offset_s: Mapped[float | None] = mapped_column(Float)
    """How far its clock is ahead of ours, where it says or shows it."""


class DeviceSilence(Base):
    """A stretch in which a device was silent, offline, or came and went: what its online rate lacks."""

    __tablename__ = "device_silence"
    __table_args__ = (
        Index("ix_device_silence_device_started_at", "device", "started_at"),
        Index("ix_device_silence_started_at", "started_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    device: Mapped[str] = mapped_column(String(130))
    """Global key `{site}/{device}`."""
    kind: Mapped[str] = mapped_column(String(16))
    """silent, offline or flapping."""
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    excused: Mapped[bool] = mapped_column(default=False)
    """In maintenance mode: listed, not counted (AMB-26)."""


class DeviceSequence(Base):
    """The count of one boot: the highest number heard and what is missing below it."""

    __tablename__ = "device_sequence"

    device: Mapped[str] = mapped_column(String(130), primary_key=True)
    boot: Mapped[str] = mapped_column(String(26), primary_key=True)
    high: Mapped[int] = mapped_column(BigInteger)
    gaps: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    """[first, last, seen_ms, reported 0|1] of each gap."""


class HeardEvent(Base):
    """A tap, fire or status event whole, or the id of a message from a device that cannot count."""

    __tablename__ = "heard_event"
    __table_args__ = (Index("ix_heard_event_kind_at_ms", "kind", "at_ms"),)

    device: Mapped[str] = mapped_column(String(130), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(48), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    received_ms: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Quarantine(Base):
    """Something that came in and could not be an event: whole, with the reason."""

    __tablename__ = "quarantine"
    __table_args__ = (
        Index(
            "ix_quarantine_open",
            "received_at",
            sqlite_where=text("dismissed_at IS NULL"),
            postgresql_where=text("dismissed_at IS NULL"),
        ),
        Index("ix_quarantine_source", "site", "device", "code", "received_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    site: Mapped[str] = mapped_column(String(64), default="")
    device: Mapped[str] = mapped_column(String(64), default="")
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    code: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[str] = mapped_column(String(64), default="")
    count: Mapped[int] = mapped_column(Integer, default=1)
    """How many like this it stands for: beyond a number per device and hour only the count goes on."""
    dismissed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    dismissed_by: Mapped[str | None] = mapped_column(String(64))


class BrokerSession(Base):
    """A session that ingest once had at a broker: if the broker forgets it, whatever it held is lost."""

    __tablename__ = "broker_session"

    client_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    broker: Mapped[str] = mapped_column(String(256))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    lost: Mapped[int] = mapped_column(Integer, default=0)
    dropped: Mapped[int] = mapped_column(BigInteger, default=0)
    """The broker's counter of dropped messages when last seen."""
