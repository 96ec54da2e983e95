"""Secrets: as many random bits as they claim, and Mosquitto's form of a password."""

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
from require import require

from services.install import secrets
from services.kernel.settings import Settings
from services.patrol.sun.keys import SECRET_BYTES


def counting(start: int = 0) -> secrets.Rng:
    """Bytes that count up: as good as random for a test, and always the same."""
    numbers = itertools.count(start)
    return lambda size: bytes(next(numbers) % 256 for _ in range(size))


def test_the_same_randomness_makes_the_same_secret_and_other_randomness_another() -> None:
    for name in secrets.MADE_ONCE:
        assert secrets.make(name, counting()) == secrets.make(name, counting()) != secrets.make(name, counting(7))


def test_a_password_has_no_letters_that_read_alike_and_uses_all_others() -> None:
    words = "".join(secrets.password(counting(number * 24)) for number in range(100))
    assert len(words) == 2400
    assert not set("0O1lIi") & set(words)
    assert len(set(words)) == 31


def test_every_secret_survives_a_file_a_shell_and_a_url() -> None:
    for name in set(secrets.MADE_ONCE) - {"secret_key"}:
        text = secrets.make(name).decode("ascii")
        assert text == text.strip()
        assert text.replace("-", "").replace("_", "").isalnum()
        assert len(text) >= 19


def test_the_key_file_is_what_the_keys_of_tags_are_encrypted_with() -> None:
    assert len(secrets.make("secret_key")) == SECRET_BYTES


def test_the_first_administrators_password_is_a_setting() -> None:
    assert "first_admin_password" in Settings.model_fields


def test_mosquittos_line_is_known_again_and_no_other() -> None:
    line = secrets.passwd_line("gw", "word", counting())
    assert line.startswith("gw:$7$101$")
    assert secrets.is_line_of(line, "gw", "word")
    assert not secrets.is_line_of(line, "gw", "other")
    assert not secrets.is_line_of(line, "gx", "word")
    for broken in ("", "gw", "gw:", "gw:$6$abc$def", "gw:$7$x$AAAA$AAAA", line[:-8]):
        assert not secrets.is_line_of(broken, "gw", "word")


def test_mosquittos_own_tool_writes_lines_that_we_read(tmp_path: Path) -> None:
    tool = shutil.which("mosquitto_passwd")
    require(tool, "mosquitto_passwd is not installed (Debian: apt-get install mosquitto)")
    subprocess.run([str(tool), "-c", "-b", str(tmp_path / "passwd"), "gw", "word"], check=True, capture_output=True)
    assert secrets.is_line_of((tmp_path / "passwd").read_text().strip(), "gw", "word")


@pytest.mark.parametrize("length", [1, 4, 24, 100])
def test_a_password_is_as_long_as_asked(length: int) -> None:
    assert len(secrets.password(length=length)) == length
