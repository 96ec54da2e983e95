"""The boards we ship: generated files are fresh, colours are the console's, links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from console import shipped
from fastapi import FastAPI
from starlette.routing import Match, Mount

from dashboards import files, palette
from dashboards.boards import all_boards
from dashboards.lint import board_links, links
from dashboards.palette import State
from services.kernel.db import Database
from services.kernel.settings import Settings
from services.web.app import create_app

STATIC = Path(__file__).parents[3] / "services/web/static"
BOARDS = {board.uid: board for board in all_boards()}
WANTED = {"site", "pump-room", "fire", "patrol", "work-orders", "devices", "self"}


def test_every_board_is_there() -> None:
    assert {uid.removeprefix("gengfu-") for uid in BOARDS} == WANTED


def test_the_generated_files_are_fresh() -> None:
    assert files.drift(BOARDS.values()) == [], "run python -m dashboards"


def test_drift_is_named(tmp_path: Path) -> None:
    board = BOARDS["gengfu-site"]
    assert files.write([board], tmp_path) == ["gengfu-site.json"]
    assert files.drift([board], tmp_path) == []
    (tmp_path / "gengfu-site.json").write_text("{}")
    (tmp_path / "gengfu-old.json").write_text("{}")
    assert files.write([board], tmp_path) == ["gengfu-old.json", "gengfu-site.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["gengfu-site.json"]


def test_the_command_says_what_is_wrong() -> None:
    run = subprocess.run([sys.executable, "-m", "dashboards", "--chek"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "usage: python -m dashboards [--check]\n")


def _dark(sheet: str) -> dict[str, str]:
    """The variables of a style sheet as its dark theme leaves them."""
    text = (STATIC / sheet).read_text("utf-8")
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", text))  # of two, the dark one comes later


def test_colours_mean_what_they_mean_in_the_console() -> None:
    ours, fire = _dark("gengfu.css"), _dark("fire.css")
    for name in ("critical", "high", "medium", "low", "ok", "accent"):
        assert getattr(palette, name.upper()) == ours[name], name
    for name in ("fault", "shield", "supervisory", "start"):
        assert getattr(palette, name.upper()) == fire[f"g-{name}"], name
    assert ours["ink-3"] == palette.NEUTRAL
    assert ours["line-strong"] == palette.QUIET


def _states() -> Iterator[tuple[str, tuple[State, ...]]]:
    for name, value in vars(palette).items():
        if isinstance(value, tuple) and value and all(isinstance(one, State) for one in value):
            yield name, value


def test_one_word_has_one_colour_on_every_board() -> None:
    seen: dict[str, str] = {}
    for name, states in _states():
        assert len({state.value for state in states}) == len(states), name
        for state in states:
            assert state.colour in palette.ALL
            if name != "YES_NO":
                assert seen.setdefault(state.text, state.colour) == state.colour, (name, state)


def test_a_silence_shows_on_charts_of_the_pump_room() -> None:
    panels = [one for one in BOARDS["gengfu-pump-room"].model()["panels"] if "fill(null)" in str(one)]  # type: ignore[attr-defined]
    assert [one["fieldConfig"]["defaults"]["custom"]["spanNulls"] for one in panels] == [900_000, 900_000]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The console's application; nobody asks it anything but its routes."""
    directory = tmp_path_factory.mktemp("console")
    return create_app(Settings(data_dir=directory), Database(f"sqlite:///{directory}/state.db"), Any, shipped())  # type: ignore[arg-type]


def _page(app: FastAPI, path: str) -> bool:
    """Whether the console has a page there."""
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes if not isinstance(route, Mount))


@pytest.mark.parametrize("uid", BOARDS)
def test_links_lead_to_pages_of_the_console(uid: str, app: FastAPI) -> None:
    found = links(BOARDS[uid].model())
    assert found, "a board leads back to the console"
    for link in found:
        path = re.sub(r"\$\{[^}]+\}", "x", urlsplit(link).path)
        assert _page(app, path), f"{uid}: the console has no page {link}"


def test_the_console_has_no_page_of_any_name(app: FastAPI) -> None:
    assert not _page(app, "/alertz/x")


@pytest.mark.parametrize("uid", BOARDS)
def test_links_lead_to_boards_of_ours(uid: str) -> None:
    assert set(board_links(BOARDS[uid].model())) <= BOARDS.keys()


@pytest.mark.parametrize("uid", BOARDS)
def test_constants_are_what_one_grafana_needs(uid: str) -> None:
    model = BOARDS[uid].model()
    placed = files.with_constants(model, {"console": "https://gengfu.example.com", "marks": "pushed"})
    found = {one["name"]: one["query"] for one in placed["templating"]["list"] if one["type"] == "constant"}
    assert found == {"console": "https://gengfu.example.com", "marks": "pushed"}
    assert files.with_constants(model, {}) == model
