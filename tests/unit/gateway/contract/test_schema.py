"""The committed JSON Schema is the one the models make."""

from pathlib import Path

import jsonschema
import pytest

from gateway.contract.receipts import Receipt
from gateway.contract.schema import SCHEMA_FILE, main, render, schema
from gateway.contract.topics import KINDS


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == render(), "run: python -m gateway.contract.schema --write"


def test_every_kind_and_the_receipt_have_a_definition() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert {*KINDS, "receipt"} <= set(schema()["$defs"])


def test_a_receipt_of_ours_fits_its_schema() -> None:
    receipt = Receipt()
    receipt.add("d1", "a", 7, "a-7")
    receipt.add("d1", "", 0, "01JD6W4M5N8QZ3X7V2C9B0KHTE")
    validator = jsonschema.Draft202012Validator(schema()["$defs"]["receipt"])
    validator.validate({"stored": receipt.stored, "ids": receipt.ids})
    assert not validator.is_valid({"stored": {"d1": {"a": [[7]]}}})


def test_write_then_check_and_check_fails_on_another_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "events.schema.json"
    assert main(["--check", "--file", str(file)]) == 1
    assert "--write" in capsys.readouterr().err
    assert main(["--write", "--file", str(file)]) == 0
    assert main(["--check", "--file", str(file)]) == 0
    file.write_text(file.read_text("utf-8").replace('"number"', '"integer"'), "utf-8")
    assert main(["--check", "--file", str(file)]) == 1
