"""JSON Schema of every event and of the receipt: `python -m gateway.contract.schema --write`, or `--check`."""

import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from gateway.contract.committed import text_of, write_or_check
from gateway.contract.events import FireEvent, ReadingBatch, ReadingEvent, RefusedReadings, StatusEvent, TapEvent
from gateway.contract.receipts import Receipt

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "contract" / "events.schema.json"
"""Where the committed schema lies in a checkout."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{model}"


def schema() -> dict[str, Any]:
    """One document: `$defs/<kind>` is what a topic of that kind carries, `$defs/receipt` what ingest answers."""
    events = (ReadingEvent, ReadingBatch, RefusedReadings, TapEvent, FireEvent, StatusEvent)
    _, document = models_json_schema([(event, "validation") for event in events], ref_template=_REF)
    definitions: dict[str, Any] = document["$defs"]
    kinds: dict[str, Any] = {
        "reading": {
            "if": {"type": "object", "required": ["batch"]},
            "then": {"$ref": _REF.format(model="ReadingBatch")},
            "else": {
                "if": {"type": "object", "required": ["refused"], "not": {"required": ["point"]}},
                "then": {"$ref": _REF.format(model="RefusedReadings")},
                "else": {"$ref": _REF.format(model="ReadingEvent")},
            },
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
    return text_of(schema())


def main(arguments: list[str] | None = None) -> int:
    """Write the schema, or say whether the committed one is current; 1 when it is not."""
    differs = "does not match the models. A change must keep what was accepted before"
    return write_or_check("gateway.contract.schema", SCHEMA_FILE, render, differs, arguments)


if __name__ == "__main__":
    sys.exit(main())
