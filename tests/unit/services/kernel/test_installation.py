"""What an installation has chosen once."""

from concurrent.futures import ThreadPoolExecutor

from gateway.ingest import session_name
from services.kernel.db import Database
from services.kernel.installation import session_tag


def test_the_tag_of_sessions_is_chosen_once_and_cannot_be_guessed(db: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        tags = set(pool.map(lambda _: session_tag(db), range(8)))
    assert len(tags) == 1
    (tag,) = tags
    assert len(tag) == 16
    assert session_name("main", "urgent", tag) == f"gengfu-ingest-main-urgent-{tag}"


def test_two_installations_choose_differently(sqlite_db: Database, postgres_db: Database) -> None:
    assert session_tag(sqlite_db) != session_tag(postgres_db)
