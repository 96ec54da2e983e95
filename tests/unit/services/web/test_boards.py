"""Pages lead to Grafana's boards when there is a Grafana, and nowhere when there is none."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from console import LOW_ZONE, SITE, START, Console, hasher, shipped

from dashboards import files
from gateway.contract.times import to_ms
from services.alert.tables import Alert
from services.kernel.db import Database
from services.kernel.settings import Settings
from services.web import boards
from services.web.app import create_app

BASE = "https://grafana.example.com/monitor/"
POINT = f"{SITE}/{LOW_ZONE}"


@pytest.fixture
def linked(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    """A console that knows a Grafana."""
    found = Console(one_db, tmp_path)
    settings = Settings(data_dir=tmp_path, grafana_url=BASE)
    found.app = create_app(settings, one_db, found.store, found.configs, found.clock, hasher=hasher())
    yield found
    found.close()


def links(page: str) -> list[str]:
    found = re.findall(r'<a class="[^"]*" href="(https://grafana[^"]*)" target="_blank" rel="noopener">', page)
    assert len(found) == page.count("grafana.example.com")
    return [html.unescape(one) for one in found]


def test_a_point_has_its_board() -> None:
    found = urlsplit(boards.of_point(BASE, shipped(), POINT))
    assert found.path == "/monitor/d/gengfu-pump-room"
    assert parse_qs(found.query) == {
        "var-site": [SITE], "var-area": ["pump-room-domestic"], "var-point": [LOW_ZONE],
    }  # fmt: skip
    assert "var-pump=hydrant-jockey-run" in boards.of_point(BASE, shipped(), f"{SITE}/hydrant-jockey-run")
    assert boards.of_point(BASE, shipped(), f"{SITE}/box-main-insulation") == "", "nobody charts what is typed in"
    assert boards.of_point(BASE, shipped(), f"{SITE}/nothing") == ""


@pytest.mark.parametrize(
    ("rule", "target", "uid"),
    [
        ("NUM-01", POINT, "gengfu-pump-room"),
        ("FIRE-ALARM", f"{SITE}/building-1", "gengfu-fire"),
        ("PATROL-MISSED", f"{SITE}/round", "gengfu-patrol"),
        ("SYS-LOSS", f"{SITE}/events", "gengfu-site"),
    ],
)
def test_an_alert_has_a_board_around_its_time(rule: str, target: str, uid: str) -> None:
    cleared_at = START + timedelta(minutes=5)
    alert = Alert(site=SITE, rule=rule, target=target, active=False, opened_at=START, cleared_at=cleared_at)
    found = urlsplit(boards.of_alert(BASE, shipped(), alert, START + timedelta(days=1)))
    assert found.path == f"/monitor/d/{uid}"
    query = parse_qs(found.query)
    assert query["from"] == [str(to_ms(START - boards.AROUND))]
    assert query["to"] == [str(to_ms(cleared_at + boards.AROUND))]
    assert uid in files.models()


def test_what_goes_on_is_shown_up_to_now() -> None:
    alert = Alert(site=SITE, rule="NUM-01", target=POINT, active=True, opened_at=START)
    assert "to=now" in boards.of_alert(BASE, shipped(), alert, START + timedelta(days=9))


def test_pages_lead_to_boards(linked: Console) -> None:
    alert = linked.breach()
    wanted = {
        "/points": "gengfu-pump-room",
        f"/points/{POINT}": "gengfu-pump-room",
        f"/alerts/{alert}": "gengfu-pump-room",
        "/fire": "gengfu-fire",
        "/fire/log": "gengfu-fire",
        "/patrol": "gengfu-patrol",
        "/work-orders": "gengfu-work-orders",
    }
    with linked.browser("admin") as browser:
        for page, uid in wanted.items():
            text = browser.get(page).text
            [found] = links(text)
            assert urlsplit(found).path == f"/monitor/d/{uid}", page
            assert "看板" in text


def test_without_a_grafana_there_are_no_links(console: Console) -> None:
    alert = console.breach()
    with console.browser("admin") as browser:
        for page in ("/points", f"/points/{POINT}", f"/alerts/{alert}", "/fire", "/patrol", "/work-orders"):
            text = browser.get(page).text
            assert "看板" not in text
            assert "gengfu-pump-room" not in text
