"""Boards as a browser lays them out; and on a real Grafana, where GRAFANA_URL and GRAFANA_TOKEN name one.

Without one the same steps run against the stub of tests/grafana.py, which answers as the API is documented.
"""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium
from grafana import REAL_TOKEN, REAL_URL, stub_grafana
from playwright.sync_api import Browser
from typer.testing import CliRunner

from dashboards import files
from services.annotation.grafana import Grafana
from services.annotation.model import Mark
from services.cli.main import app

MODELS = files.models()
CELL_PX, WIDE = 38, 1600


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    """Address and token: of a Grafana, else of the stub."""
    if REAL_URL:
        yield REAL_URL, REAL_TOKEN
        return
    with stub_grafana() as stub:
        yield stub.url, stub.token


def page_of(model: dict[str, Any]) -> str:
    """The grid of a board with its titles and the names of its columns, in Grafana's proportions."""
    boxes = []
    for panel in model["panels"]:
        at = panel["gridPos"]
        place = f"grid-column:{at['x'] + 1}/span {at['w']};grid-row:{at['y'] + 1}/span {at['h']}"
        wide = sum(
            one["value"]
            for override in panel.get("fieldConfig", {}).get("overrides", [])
            for one in override["properties"]
            if one["id"] == "custom.width"
        )
        boxes.append(
            f'<div class="box" data-wide="{wide}" style="{place}"><h2>{html.escape(panel["title"])}</h2></div>'
        )
    style = (
        f"body{{margin:0;width:{WIDE}px;font:500 14px sans-serif}}.box{{overflow:hidden;min-width:0}}"
        f".grid{{display:grid;gap:8px;grid-template-columns:repeat(24,1fr);grid-auto-rows:{CELL_PX - 8}px}}"
        "h2{font-size:14px;margin:0 8px;white-space:nowrap}"
    )
    return f'<meta charset="utf-8"><style>{style}</style><div class="grid">{"".join(boxes)}</div>'


@pytest.mark.parametrize("uid", MODELS)
def test_panels_stand_beside_each_other_and_their_titles_fit(uid: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": WIDE, "height": 900})
    page.set_content(page_of(MODELS[uid]))
    found = page.evaluate(
        """() => [...document.querySelectorAll('.box')].map(box => {
            const at = box.getBoundingClientRect(), title = box.firstChild
            return [title.textContent, at.left, at.top, at.right, at.bottom,
                    title.scrollWidth <= title.clientWidth + 1, Number(box.dataset.wide)]
        })"""
    )
    page.close()
    assert len(found) == len(MODELS[uid]["panels"])
    for number, (title, left, top, right, bottom, fits, wide) in enumerate(found):
        assert fits, f"the title {title} is cut off"
        assert 0 <= left < right <= WIDE
        assert wide < right - left, f"the columns of {title} need {wide} px and have {right - left:.0f}"
        for other, x, y, to_x, to_y, *_ in found[:number]:
            assert right <= x or to_x <= left or bottom <= y or to_y <= top, f"{title} covers {other}"


def test_boards_arrive_and_stay_as_they_are(server: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    url, token = server
    monkeypatch.setenv("GENGFU_GRAFANA_URL", url)
    monkeypatch.setenv("GENGFU_GRAFANA_TOKEN", token)
    runner = CliRunner()
    pushed = runner.invoke(app, ["grafana", "push", "--force", "--lang", "en"])
    assert pushed.exit_code == 0, pushed.output
    same = runner.invoke(app, ["grafana", "diff", "--lang", "en"])
    assert same.exit_code == 0, same.output
    assert same.output.count("up to date") == len(MODELS)


def test_a_mark_is_made_changed_and_found_by_its_key(server: tuple[str, str]) -> None:
    grafana = Grafana(*server)
    mark = Mark("alert:00000000000000000000000000", "1", 1_795_000_000_000, 1_795_000_000_000, (), "text")
    mark = mark._replace(tags=("gengfu", "pushed", mark.key))
    number = grafana.create_mark(mark)
    try:
        assert grafana.find_mark(mark.key) == number
        assert grafana.change_mark(number, mark._replace(end_ms=mark.start_ms + 60_000, text="over"))
    finally:
        grafana.remove_mark(number)
    assert grafana.find_mark(mark.key) is None
    assert not grafana.change_mark(number, mark)
    grafana.close()


if REAL_URL:  # nothing to look at otherwise: the stub draws nothing

    @pytest.mark.parametrize("uid", MODELS)
    def test_a_picture_of_each_board(uid: str, browser: Browser, tmp_path: Path) -> None:
        headers = {"Authorization": f"Bearer {REAL_TOKEN}"}
        page = browser.new_page(viewport={"width": 1920, "height": 1400}, extra_http_headers=headers)
        page.goto(f"{REAL_URL.rstrip('/')}/d/{uid}?kiosk", wait_until="networkidle")
        first = next(panel["title"] for panel in MODELS[uid]["panels"] if panel["type"] != "row")
        page.get_by_text(first).first.wait_for()
        page.screenshot(path=tmp_path / f"{uid}.png", full_page=True)
        assert page.get_by_test_id("data-testid Panel status error").count() == 0
        page.close()
