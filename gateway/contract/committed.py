"""A JSON Schema that is committed as a document: written, or compared with what the models say now."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def text_of(schema: Mapping[str, Any]) -> str:
    """The schema as it is committed: the same text on every machine."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write_or_check(
    module: str, file: Path, render: Callable[[], str], differs: str, arguments: list[str] | None = None
) -> int:
    """The program of `python -m module`; 1 when `file` is not current, and why that matters: `differs`."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the schema")
    action.add_argument("--check", action="store_true", help="fail when the written schema is not current")
    parser.add_argument("--file", type=Path, default=file, help="the schema file of the checkout by default")
    chosen = parser.parse_args(arguments)
    if chosen.write:
        chosen.file.parent.mkdir(parents=True, exist_ok=True)
        chosen.file.write_text(render(), encoding="utf-8")
        return 0
    current = chosen.file.read_text(encoding="utf-8") if chosen.file.is_file() else ""
    if current == render():
        return 0
    sys.stderr.write(f"{chosen.file.name} {differs}; then run `python -m {module} --write` and commit it.\n")
    return 1
