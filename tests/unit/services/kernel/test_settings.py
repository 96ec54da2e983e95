"""Settings: secrets from files, and a directory that is none is said instead of no secrets taken."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.kernel.errors import SettingsError
from services.kernel.settings import SECRETS_DIR_ENV, Settings


def test_a_secret_is_its_file_without_the_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gengfu_broker_password").write_text("word\n")
    monkeypatch.setenv(SECRETS_DIR_ENV, str(tmp_path))
    assert Settings(broker_username="user").broker_password.get_secret_value() == "word"


def test_secrets_that_are_not_mounted_are_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for name in ("nowhere", "file"):
        monkeypatch.setenv(SECRETS_DIR_ENV, str(tmp_path / name))
        with pytest.raises(SettingsError, match=f"{name}, which is no directory"):
            Settings()


def test_addresses_of_modbus_lines_are_json_and_empty_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, meant in (("", {}), ('{"yunhe/pump-bus": "10.0.0.5:502"}', {"yunhe/pump-bus": "10.0.0.5:502"})):
        monkeypatch.setenv("GENGFU_BUS_ADDRESSES", text)
        assert Settings().bus_addresses == meant
    monkeypatch.setenv("GENGFU_BUS_ADDRESSES", "10.0.0.5:502")
    with pytest.raises(ValidationError, match="this is no JSON"):
        Settings()
