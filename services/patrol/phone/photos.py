"""Pictures from rounds: checked, kept once."""

import hashlib
import math
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel.errors import Conflict, Invalid, NotFound, TooMany
from services.patrol.tables import Photo

MAX_BYTES = 900 * 1024
PER_DAY = 200
"""Pictures of one person within 24 hours."""
_DAY = timedelta(days=1)
_START, _END = b"\xff\xd8\xff", b"\xff\xd9"


def keep(session: Session, site: str, client_id: str, by: str, content: bytes, now: datetime) -> Photo:
    """Store a picture under the phone's own id of it; the same again changes nothing.

    Raises Invalid when it is no JPEG or too large, Conflict when the id already names another picture, TooMany when
    this person has sent enough for a day; the phone keeps it.
    """
    if len(content) > MAX_BYTES:
        raise Invalid("The picture is larger than 900 KiB", hint="Scale it down to 1280 pixels", field="photo")
    if not content.startswith(_START) or _END not in content[-64:]:
        raise Invalid("The picture is no complete JPEG", hint="Send image/jpeg", field="photo")
    digest = hashlib.sha256(content).hexdigest()
    known = session.get(Photo, f"{site}/{client_id}")
    if known is not None:
        if known.sha256 != digest:
            raise Conflict("Another picture has this id", hint="Give every picture an id of its own")
        return known
    recent = session.scalars(
        select(Photo.received_at)
        .where(Photo.by == by, Photo.received_at > now - _DAY)
        .order_by(Photo.received_at.desc())
        .limit(PER_DAY)
    ).all()
    if len(recent) == PER_DAY:
        wait_s = math.ceil((recent[-1] + _DAY - now).total_seconds())
        raise TooMany(f"{PER_DAY} pictures a day are enough", hint="Keep it and come again", retry_after_s=wait_s)
    photo = Photo(id=f"{site}/{client_id}", site=site, by=by, received_at=now, sha256=digest, content=content)
    session.add(photo)
    session.flush()
    return photo


def photo(session: Session, photo_id: str) -> Photo:
    """A picture; raises NotFound, also while it is still on the phone."""
    found = session.get(Photo, photo_id)
    if found is None:
        raise NotFound("There is no such picture", hint="The phone may not have delivered it yet")
    return found
