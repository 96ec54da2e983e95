"""Keys of signed tags at the server's terminal."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sun_tags import SunTag
from typer.testing import CliRunner, Result

from services.cli.tags import app
from services.cli.wiring import open_database
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, NotFound
from services.kernel.settings import Settings
from services.patrol.sun.claims import claim
from services.patrol.sun.signature import KeySet, Reason, SunRefused

META, FILE = "42aff114f2cb3b6141be6dc95dfc5416", "b62a9baf092439bd43c62aee96b970c5"
UID = "04C9551AE71490"
CONFIGS = Path(__file__).parents[4] / "device_configs"


@pytest.fixture(autouse=True)
def _own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_db: Database) -> None:
    monkeypatch.setenv("GENGFU_DATABASE_URL", str(one_db.url))
    monkeypatch.setenv("GENGFU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GENGFU_CONFIGS", str(CONFIGS))


def run(*words: str, keys: str = "") -> Result:
    return CliRunner().invoke(app, words, input=keys)


def test_keys_come_from_standard_input_and_are_never_shown() -> None:
    added = run("keys", "add", "yunhe-2026", "--site", "yunhe", keys=f"{META}\n{FILE}\n")
    listed = run("keys", "list")
    assert (added.exit_code, listed.exit_code) == (0, 0)
    assert listed.output.startswith("yunhe/yunhe-2026  ")
    assert not [one for one in (META, FILE) if one in (added.output + listed.output).lower()]


@pytest.mark.parametrize("keys", ["", META, f"{META}\n{FILE[:-2]}", f"{META}\nsecret", f"{META}\n{'0' * 32}"])
def test_what_is_no_pair_of_keys_is_refused_without_repeating_it(keys: str) -> None:
    refused = run("keys", "add", "x", keys=keys)
    assert isinstance(refused.exception, Invalid)
    assert META not in f"{refused.exception}{refused.exception.__cause__}{refused.output}"


def test_a_taken_name_and_an_unknown_site_are_refused() -> None:
    run("keys", "add", "yunhe-2026", keys=f"{META}\n{FILE}\n")
    assert isinstance(run("keys", "add", "yunhe-2026", keys=f"{META}\n{FILE}\n").exception, Conflict)
    assert run("keys", "add", "yunhe-2026", "--replace", keys=f"{META}\n{FILE}\n").exit_code == 0
    assert isinstance(run("keys", "add", "x", "--site", "nowhere", keys=f"{META}\n{FILE}\n").exception, Invalid)


def test_an_address_is_verified_without_being_used_up() -> None:
    run("keys", "add", "yunhe-2026", keys=f"{META}\n{FILE}\n")
    url = SunTag(UID, KeySet(bytes.fromhex(META), bytes.fromhex(FILE))).read()
    for _ in range(2):
        said = run("verify", url)
        assert said.output == f"✓ {UID}  yunhe  read 1\n"
    refused = run("verify", url[:-2] + "00").exception
    assert isinstance(refused, SunRefused)
    assert refused.reason == Reason.BAD_MAC


def test_a_tag_with_new_keys_is_reset() -> None:
    assert isinstance(run("reset", UID).exception, NotFound)
    with open_database(Settings()) as db, db.begin() as s:
        claim(s, uid=UID, counter=9, client_id="a", device="yunhe/p", at_ms=int(datetime.now(UTC).timestamp() * 1000))
    assert run("reset", "04:c9:55:1a:e7:14:90").output == f"{UID}  1\n"
