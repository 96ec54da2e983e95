"""Who holds what of which there is one: a row with an end, renewed while its holder lives."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, UtcDateTime


class Lease(Base):
    """One thing and its holder. All times are the database's own, so no two machines disagree."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(128), default="")
    """Empty: given back."""
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    """Rises whenever the holder changes: who writes with an older one is refused."""
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
