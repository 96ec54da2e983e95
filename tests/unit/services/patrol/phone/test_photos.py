from datetime import UTC, datetime, timedelta

import pytest

from services.kernel.db import Database
from services.kernel.errors import TooMany
from services.patrol.phone.photos import PER_DAY, keep
from services.patrol.tables import Photo

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 64 + b"\xff\xd9"


def test_a_day_holds_so_many_pictures_of_one_person(db: Database) -> None:
    with db.begin() as s:
        s.add_all(
            Photo(
                id=f"beat/photo-{number:04d}", site="beat", by="guard", received_at=NOW + timedelta(seconds=number),
                sha256="", content=b"",
            )
            for number in range(PER_DAY)
        )  # fmt: skip
    later = NOW + timedelta(hours=1)
    with db.begin() as s:
        with pytest.raises(TooMany) as caught:
            keep(s, "beat", "photo-more", "guard", JPEG, later)
        assert caught.value.detail["retry_after_s"] == 23 * 3600
        keep(s, "beat", "photo-other", "guard-2", JPEG, later)
        keep(s, "beat", "photo-more", "guard", JPEG, NOW + timedelta(days=1))
