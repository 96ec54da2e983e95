"""Keys of signed tags at rest: sealed, bound to their place, and useless without the installation's secret."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, SettingsError
from services.kernel.settings import Settings
from services.patrol.sun.keys import KeysUnreadable, installation_secret, load, names, put
from services.patrol.sun.signature import FACTORY_KEY, KeySet
from services.patrol.tables import SunKey

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SECRET = bytes(range(32))
KEYS = KeySet(meta=b"M" * 16, file=b"F" * 16, diversify=True, system=b"\x30\x42\xf5yunhe")


def test_what_is_put_is_loaded_again(db: Database) -> None:
    with db.begin() as s:
        put(s, SECRET, "yunhe", "spring", KEYS, NOW)
        put(s, SECRET, "other", "spring", KeySet(b"A" * 16, b"B" * 16), NOW)
    with db.read() as s:
        assert load(s, SECRET, "yunhe") == {"spring": KEYS}
        assert names(s, "yunhe") == [("spring", NOW)]


def test_the_database_holds_no_key(db: Database) -> None:
    with db.begin() as s:
        put(s, SECRET, "yunhe", "spring", KEYS, NOW)
        sealed = s.scalar(select(SunKey.sealed))
    assert sealed is not None
    assert not {b"MMMM", b"FFFF", b"yunhe"} & {sealed[at : at + size] for at in range(len(sealed)) for size in (4, 5)}


def test_another_secret_opens_nothing_and_says_what_to_do(db: Database) -> None:
    with db.begin() as s:
        put(s, SECRET, "yunhe", "spring", KEYS, NOW)
        with pytest.raises(KeysUnreadable, match="spring") as refused:
            load(s, bytes(32), "yunhe")
    assert "gengfu tag keys add" in refused.value.hint


def test_a_row_moved_to_another_name_does_not_open(db: Database) -> None:
    with db.begin() as s:
        put(s, SECRET, "yunhe", "spring", KEYS, NOW)
        sealed = s.scalar(select(SunKey.sealed))
        s.add(SunKey(site="yunhe", name="autumn", sealed=sealed, created_at=NOW))
        s.flush()
        with pytest.raises(KeysUnreadable, match="autumn"):
            load(s, SECRET, "yunhe")


def test_a_name_is_replaced_only_on_purpose(db: Database) -> None:
    other = KeySet(b"A" * 16, b"B" * 16)
    with db.begin() as s:
        put(s, SECRET, "yunhe", "spring", KEYS, NOW)
        with pytest.raises(Conflict):
            put(s, SECRET, "yunhe", "spring", other, NOW)
        put(s, SECRET, "yunhe", "spring", other, NOW, replace=True)
        assert load(s, SECRET, "yunhe") == {"spring": other}


@pytest.mark.parametrize("keys", [KeySet(FACTORY_KEY, b"F" * 16), KeySet(b"M" * 16, FACTORY_KEY)])
def test_factory_keys_are_not_stored(db: Database, keys: KeySet) -> None:
    with db.begin() as s, pytest.raises(Invalid):
        put(s, SECRET, "yunhe", "spring", keys, NOW)


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "var")
    secret = installation_secret(settings)
    assert len(secret) == 32
    assert installation_secret(settings) == secret
    assert stat.S_IMODE((tmp_path / "var" / "secret.key").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "var").iterdir()] == ["secret.key"]


def test_a_file_that_is_no_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"short")
    with pytest.raises(SettingsError, match="5 bytes"):
        installation_secret(Settings(data_dir=tmp_path, secret_key_file=file))
