"""What one installation has chosen once and keeps, the same for every process and machine of it."""

import secrets

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.db import Base, Database
from services.kernel.upsert import insert_missing

SESSIONS = "ingest-sessions"
_TAG_BYTES = 8


class InstallationValue(Base):
    """One choice."""

    __tablename__ = "installation_value"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


def session_tag(db: Database) -> str:
    """A part of ingest's MQTT client ids that no device can guess; made at first use.

    Mosquitto ends a session when any user connects with its client id, and lets him discard what is queued for it.
    """
    with db.read() as session:
        found = session.get(InstallationValue, SESSIONS)
    if found is not None:
        return found.value
    with db.begin() as session:
        insert_missing(
            session, InstallationValue, {"name": SESSIONS, "value": secrets.token_hex(_TAG_BYTES)}, keys=("name",)
        )
        return session.get_one(InstallationValue, SESSIONS).value
