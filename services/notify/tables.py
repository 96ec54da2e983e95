"""Messages: one row for every person or channel that was meant to hear, told or not, with the reason."""

from datetime import datetime

from sqlalchemy import JSON, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime

_WAITING = "status IN ('pending', 'sending')"


class Message(Base):
    """One intended telling and what became of it."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_subject", "subject_kind", "subject_id"),
        Index(
            "ix_message_due",
            "site",
            "channel",
            "next_at",
            sqlite_where=text(_WAITING),
            postgresql_where=text(_WAITING),
        ),
        Index("ix_message_site_created", "site", "created_at"),
        Index("ix_message_channel_tried", "site", "channel", "tried_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    idem_key: Mapped[str] = mapped_column(String(240), unique=True)
    """Which telling this is, e.g. `alert:01J…:opened:1:pump-engineer@wecom-duty`: never written twice."""
    site: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(String(64))
    """A username, or the channel's name for the message to the whole group."""
    recipient_role: Mapped[str] = mapped_column(String(32), default="")
    channel: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    subject_kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(64))
    occurrence: Mapped[int] = mapped_column(default=0)
    severity: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text, default="")
    mobiles: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Phones the group message calls out to."""
    decision: Mapped[str] = mapped_column(String(8))
    """send, skip or digest."""
    reason: Mapped[str] = mapped_column(String(64))
    """Why so: one of `services.notify.model.Reason`."""
    status: Mapped[str] = mapped_column(String(8))
    """pending (also between attempts), sending, sent, dead, skipped or merged."""
    merged_into: Mapped[str | None] = mapped_column(String(26), index=True)
    """The message that carries this one: a group message or a digest."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was handed to the provider, the running attempt included."""
    failures: Mapped[int] = mapped_column(default=0)
    """Attempts that failed for another reason than the provider's rate limit."""
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Start of the newest attempt: what the channel's rate limit counts."""
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(String(400))


IN_FLIGHT = text(f"message.{_WAITING}")
"""For WHERE: not yet at an end. Written without parameters, or no database would use the partial index for it."""


class Flood(Base):
    """A time in which a site's alerts came faster than a person can read; both edges are kept."""

    __tablename__ = "flood"
    __table_args__ = (
        Index(
            "uq_flood_open",
            "site",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    site: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
