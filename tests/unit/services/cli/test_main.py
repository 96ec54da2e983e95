"""A user's mistake ends with a sentence and a code, whatever raised it."""

import errno
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import ValidationError

from gateway.broker import PortTaken
from gateway.contract.errors import GengfuError
from gateway.site.load import load_configs
from gateway.site.problems import SiteInvalid
from services.kernel.errors import RoleTaken
from services.kernel.settings import Settings

cli = importlib.import_module("services.cli.main")  # the package offers the function of this name
SHIPPED = Path(__file__).parents[4] / "device_configs"


def code_of(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (GengfuError("It [broke]", hint="Mend [it]"), 1, "✗ It [broke]\n  Mend [it]\n"),
        (GengfuError("No hint"), 1, "✗ No hint\n"),
        (RoleTaken("Another one works", hint="Stop it"), 3, "✗ Another one works\n  Stop it\n"),
        (PortTaken("Port 1 is taken", hint="Another"), 3, "✗ Port 1 is taken\n  Another\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 1, "✗ /x/y: Permission denied\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_sentences_and_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    assert code_of(monkeypatch, error) == code
    assert capsys.readouterr().err.startswith(words)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main()


@pytest.mark.parametrize(("language", "words"), [("zh", "站点文件有错"), ("en", "Site files")])
def test_every_problem_of_the_site_files_is_shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    language: str,
    words: str,
) -> None:
    monkeypatch.setenv("GENGFU_LANG", language)
    for path in SHIPPED.rglob("*.yaml"):
        target = tmp_path / path.relative_to(SHIPPED)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8").replace("Asia/Shanghai", "Asia/Shang").replace("MΩ", "Mohm"))
    with pytest.raises(SiteInvalid) as caught:
        load_configs(tmp_path)
    assert code_of(monkeypatch, caught.value) == 1
    said = capsys.readouterr().err
    assert words in said
    assert "Asia/Shang" in said
    assert "Mohm" in said


def test_a_wrong_setting_is_named_as_the_person_wrote_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENGFU_BROKER_PORT", "mqtt")
    monkeypatch.setenv("GENGFU_RAW_DAYS", "0")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert code_of(monkeypatch, caught.value) == 1
    said = capsys.readouterr().err
    assert "GENGFU_BROKER_PORT: " in said
    assert "GENGFU_RAW_DAYS: " in said


def test_every_command_is_there_and_listed_with_what_its_own_help_begins_with() -> None:
    command: Any = typer.main.get_command(cli.app)
    for name, (_where, line) in cli.COMMANDS.items():
        found = command.get_command(None, name)
        assert found.name == name
        assert found.help.partition("\n\n")[0].replace("\n", " ") == line


def test_the_list_of_commands_loads_none_of_them() -> None:
    code = "from services.cli.main import app; app(['--help'], 'gengfu', standalone_mode=False)"
    code += "; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage: gengfu" in done.stdout
    loaded = set(done.stdout.split())
    assert "services.cli.frame" in loaded
    assert not loaded & {"sqlalchemy", "alembic", "fastapi", "openpyxl", "gateway.site.load"}
