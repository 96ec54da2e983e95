"""The generated files: one per board, the same bytes on every machine."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from dashboards.board import Board
from dashboards.panels import Json

DIRECTORY = Path(__file__).parent / "json"


def text_of(model: Json) -> str:
    """A board's file: keys sorted, so that a change shows where it is."""
    return json.dumps(model, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def wanted(boards: Iterable[Board]) -> dict[str, str]:
    """File name → text."""
    return {f"{board.uid}.json": text_of(board.model()) for board in boards}


def drift(boards: Iterable[Board], directory: Path = DIRECTORY) -> list[str]:
    """Names of files that are missing, out of date, or of no board."""
    ours = wanted(boards)
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.json")}
    return sorted(name for name in ours.keys() | there.keys() if ours.get(name) != there.get(name))


def write(boards: Iterable[Board], directory: Path = DIRECTORY) -> list[str]:
    """Bring the directory up to date; the names of the files that changed."""
    found = list(boards)
    changed = drift(found, directory)
    directory.mkdir(parents=True, exist_ok=True)
    ours = wanted(found)
    for name in changed:
        if name in ours:
            (directory / name).write_text(ours[name], encoding="utf-8")
        else:
            (directory / name).unlink()
    return changed


def models(directory: Path = DIRECTORY) -> dict[str, dict[str, Any]]:
    """The boards as generated, by uid."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.json")))
    return {model["uid"]: model for model in found}


def with_constants(model: dict[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """A board for one Grafana: its hidden constants (`console`, `marks`) with these values."""
    found = deepcopy(model)
    for variable in found["templating"]["list"]:
        if variable["type"] == "constant" and variable["name"] in values:
            value = values[variable["name"]]
            option = {"text": value, "value": value}
            variable |= {"query": value, "current": option, "options": [option | {"selected": True}]}
    return found
