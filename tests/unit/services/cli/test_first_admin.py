"""The first administrator of an installation that `gengfu init` has prepared."""

from pydantic import SecretStr

from services.cli.wiring import seed_first_admin
from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.kernel.settings import Settings
from services.people import service as people

WORD = "mfqk-2h7d-9xyz-wtr5"


def must_change(db: Database, word: str) -> bool:
    """Signs in; raises Unauthenticated for another password."""
    return people.sign_in(db, "admin", word, "127.0.0.1", SystemClock().now()).actor.must_change_password


def test_admin_signs_in_with_the_first_password_and_must_change_it(one_db: Database) -> None:
    assert not seed_first_admin(one_db, Settings())
    settings = Settings(first_admin_password=SecretStr(WORD))
    assert seed_first_admin(one_db, settings)
    assert must_change(one_db, WORD)


def test_once_anybody_can_sign_in_it_does_nothing(one_db: Database) -> None:
    assert seed_first_admin(one_db, Settings(first_admin_password=SecretStr(WORD)))
    assert not seed_first_admin(one_db, Settings(first_admin_password=SecretStr("other-word-entirely")))
    assert must_change(one_db, WORD)
