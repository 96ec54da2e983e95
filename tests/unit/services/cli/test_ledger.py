"""The ledger at the server's terminal."""

from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from services.cli.ledger import app
from services.kernel.db import Database
from services.kernel.errors import Invalid

CONFIGS = Path(__file__).parents[4] / "device_configs"


@pytest.fixture(autouse=True)
def _own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_db: Database) -> None:
    monkeypatch.setenv("GENGFU_DATABASE_URL", str(one_db.url))
    monkeypatch.setenv("GENGFU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GENGFU_CONFIGS", str(CONFIGS))
    monkeypatch.setenv("GENGFU_PUBLIC_URL", "https://gengfu.example")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_what_was_exported_and_filled_in_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "ledger.xlsx"
    assert run("export", str(file)).exit_code == 0
    book = openpyxl.load_workbook(BytesIO(file.read_bytes()))
    book["台账"].append([None, "X-1", "新水泵", None, "生活水泵", "生活水泵房"])
    book.save(file)
    tried = run("import", str(file), "--dry-run")
    assert (tried.exit_code, tried.output.split()[:2]) == (0, ["新增", "1"])
    assert run("import", str(file)).exit_code == 0
    again = run("import", str(file), "--lang", "en")
    assert again.output.startswith("new 0  changed 0  unchanged ")


def test_a_problem_is_named_with_its_row_and_nothing_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "ledger.xlsx"
    run("export", str(file), "--lang", "en")
    book = openpyxl.load_workbook(BytesIO(file.read_bytes()))
    book["Ledger"]["F2"] = "moon"
    book["Ledger"].append([None, "X-1", "新水泵", None, "生活水泵"])
    book.save(file)
    refused = run("import", str(file))
    assert refused.exit_code == 1
    assert "✗ 2  区域  没有区域“moon”，请从列表里选" in refused.output
    assert "\nx-1\t" not in run("labels").output
    assert run("import", str(file), "--partial").exit_code == 0
    assert "x-1\tX-1\t新水泵\t" in run("labels").output


def test_gaps_and_labels_are_listed() -> None:
    gaps = run("gaps", "--lang", "en").output
    assert " 80%  lift-1  Lift 1  file" in gaps
    assert gaps.splitlines()[-1].endswith("complete")
    line = next(one for one in run("labels").output.splitlines() if one.startswith("lift-1\t"))
    assert line.split("\t")[4] == f"https://gengfu.example/e/{line.split(chr(9))[3]}"


def test_a_site_that_is_not_declared_is_refused() -> None:
    assert isinstance(run("gaps", "--site", "moon").exception, Invalid)
