"""JSON Schema of a report's snapshot: `python -m services.report.schema --write`, or `--check`."""

import sys
from pathlib import Path
from typing import Any

from gateway.contract.committed import text_of, write_or_check
from services.report.model import Snapshot

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "report" / "snapshot.schema.json"
"""Where the committed schema lies in a checkout."""


def schema() -> dict[str, Any]:
    """Of the JSON that is stored, hashed and rendered."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gengfu report snapshot v1",
        "description": "Generated from services/report/model.py; README.md beside it explains.",
    } | {key: value for key, value in Snapshot.model_json_schema().items() if key not in ("title", "description")}


def render() -> str:
    """The schema as it is committed: the same text on every machine."""
    return text_of(schema())


def main(arguments: list[str] | None = None) -> int:
    """Write the schema, or say whether the committed one is current; 1 when it is not."""
    differs = "does not match the model of the snapshot. Reports that were made before must stay readable"
    return write_or_check("services.report.schema", SCHEMA_FILE, render, differs, arguments)


if __name__ == "__main__":
    sys.exit(main())
