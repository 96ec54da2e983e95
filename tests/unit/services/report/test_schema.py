"""The committed schema of a snapshot is the one the model makes."""

from pathlib import Path

import jsonschema
import pytest
from report_snapshots import snapshot

from services.report.schema import SCHEMA_FILE, main, render, schema


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == render(), "run: python -m services.report.schema --write"


def test_a_snapshot_fits_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    made = snapshot().model_dump(mode="json")
    validator.validate(made)
    assert not validator.is_valid(made | {"unknown": 1})


def test_write_then_check_and_check_fails_on_another_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report" / "snapshot.schema.json"
    assert main(["--check", "--file", str(file)]) == 1
    assert "--write" in capsys.readouterr().err
    assert main(["--write", "--file", str(file)]) == 0
    assert main(["--check", "--file", str(file)]) == 0
    file.write_text("{}", "utf-8")
    assert main(["--check", "--file", str(file)]) == 1
