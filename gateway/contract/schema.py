"""JSON Schema of every event and of the receipt: `python -m gateway.contract.schema --write`, or `--check`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from gateway.contract.events import FireEvent, ReadingBatch, ReadingEvent, StatusEvent, TapEvent
from gateway.contract.receipts import Receipt

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "contract" / "events.schema.json"
"""Where the committed schema lies in a checkout."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"


def schema() -> dict[str, Any]:
    """One document: `$defs/<kind>` is what a topic of that kind carries, `$defs/receipt` what ingest answers."""
    events = (ReadingEvent, ReadingBatch, TapEvent, FireEvent, StatusEvent)
    _, document = models_json_schema([(event, "validation") for event in events], ref_template=_REF)
    definitions: dict[str, Any] = document["$defs"]
    kinds: dict[str, Any] = {
        "reading": {
            "if": {"type": "object", "required": ["batch"]},
            "then": {"$ref": _REF.format(model="ReadingBatch")},
            "else": {"$ref": _REF.format(model="ReadingEvent")},
        },
        "tap": {"$ref": _REF.format(model="TapEvent")},
        "fire": {"$ref": _REF.format(model="FireEvent")},
        "status": {"$ref": _REF.format(model="StatusEvent")},
        "receipt": TypeAdapter(Receipt).json_schema(ref_template=_REF),
    }
    return {
        "$schema": _DIALECT,
        "title": "Gengfu event contract v1",
        "description": "Generated from gateway/contract; README.md beside it explains. Use $defs/<kind>.",
        "$defs": dict(sorted({**definitions, **kinds}.items())),
    }


def render() -> str:
    """The schema as it is committed: the same text on every machine."""
    return json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the schema, or say whether the committed one is current; 1 when it is not."""
    parser = argparse.ArgumentParser(prog="python -m gateway.contract.schema", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the schema")
    action.add_argument("--check", action="store_true", help="fail when the written schema is not current")
    parser.add_argument("--file", type=Path, default=SCHEMA_FILE, help="the schema file of the checkout by default")
    chosen = parser.parse_args(arguments)
    if chosen.write:
        chosen.file.write_text(render(), encoding="utf-8")
        return 0
    current = chosen.file.read_text(encoding="utf-8") if chosen.file.is_file() else ""
    if current == render():
        return 0
    sys.stderr.write(
        f"{chosen.file.name} does not match the models. A change must keep what was accepted before; "
        "then run `python -m gateway.contract.schema --write` and commit it.\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
