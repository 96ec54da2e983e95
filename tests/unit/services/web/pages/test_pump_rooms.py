import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from console import SITE, START, Console
from sqlalchemy import select

from services.derived.tables import PumpRun, PumpTest
from services.kernel.db import Database
from services.kernel.ids import new_id
from services.rules.tables import Excursion

MAIN, STATION = "hydrant-main-pressure", "hydrant"


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
    yield found
    found.close()


def ran(console: Console, pump: str, ago: timedelta, lasted: timedelta, **more: object) -> str:
    known = {"role": "jockey", "start_pressure": 0.651, "stop_pressure": 0.752, "cause": "automatic"}
    started_at = console.now - ago
    row = PumpRun(
        id=new_id(), site=SITE, station=STATION, equipment=pump,
        started_at=started_at, ended_at=started_at + lasted, **known | more,
    )  # fmt: skip
    with console.db.begin() as s:
        s.add(row)
        return row.id


def test_a_station_says_what_an_engineer_asks(console: Console) -> None:
    console.hear(MAIN, 0.70, 4)
    console.hear("hydrant-jockey-run", 1.0, 2)
    console.hear(MAIN, 0.90, 40)
    console.hear(MAIN, 0.70, 80)
    ran(console, "hydrant-jockey", timedelta(hours=2), timedelta(seconds=40))
    ran(console, "hydrant-pump-1", timedelta(days=3), timedelta(minutes=6), role="main", start_pressure=0.561)
    with console.db.begin() as s:
        s.add(PumpTest(id=new_id(), site=SITE, station=STATION, equipment="hydrant-pump-1", kind="weekly_auto",
                       at=START - timedelta(days=3), passed=True))  # fmt: skip
    with console.browser("engineer-fire") as browser:
        listed = browser.get("/pump-rooms").text
        page = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
    assert "消火栓系统" in listed
    assert "0.700" in listed
    for words in ("0.700 ± 0.100", "0.651", "0.752", "每周自动启动", "按期完成", "无记录", "整定"):
        assert words in page, words
    assert 'class="lane-run is-jockey"' in page


def test_time_outside_is_counted_while_it_lasts_and_after(console: Console) -> None:
    console.hear(MAIN, 0.70, 4)
    console.hear(MAIN, 0.90, 60)
    with console.browser("engineer-fire") as browser:
        during = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
        console.hear(MAIN, 0.70, 120)
        after = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
        console.hear(MAIN, 0.90, 60)
        console.hear(MAIN, 0.70, 10)
        clearing = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
    assert '今天</span> <b class="num">2</b> 次 <span class="num">2.0</span>' in clearing, "its alert still lasts"
    # The judged median follows the value by two samples.
    for text, minutes in ((during, "1.0"), (after, "1.0")):
        assert f'今天</span> <b class="num">1</b> 次 <span class="num">{minutes}</span> 分钟' in text
    assert "verdict-outside" in during or "is-outside" in during


def test_a_day_and_a_month_begin_at_local_midnight(console: Console) -> None:
    """Shanghai: the first of December begins at 16:00 UTC; what reaches over it counts where it passed."""
    midnight = datetime(2026, 11, 30, 16, tzinfo=UTC)
    console.clock.advance(midnight - timedelta(minutes=3) - console.now)
    console.hear(MAIN, 0.70, 4)
    console.hear(MAIN, 0.90, 5 * 60)
    console.hear(MAIN, 0.70, 120)
    with console.db.read() as s:
        [row] = s.scalars(select(Excursion).where(Excursion.point == f"{SITE}/{MAIN}"))
    assert row.started_at < midnight < row.ended_at
    after = (row.ended_at - midnight) / timedelta(minutes=1)
    ran(console, "hydrant-pump-1", console.now - midnight + timedelta(hours=5), timedelta(hours=8), role="main")
    ran(console, "hydrant-pump-2", console.now - midnight + timedelta(hours=5), timedelta(hours=4), role="main")
    console.clock.advance(timedelta(hours=4))
    with console.browser("engineer-fire") as browser:
        page = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
        text = f'</span> <b class="num">0</b> 次 <span class="num">{after:.1f}</span> 分钟'
        assert f"今天{text}" in page
        assert f"本月{text}" in page
        hours = re.findall(r'right nowrap"><span class="num">([\d.]+)</span> h', page)
        assert hours == ["0.0", "3.0", "0.0"], "of a run over the first only what lies in the month"
    console.clock.advance(timedelta(days=1))
    with console.browser("engineer-fire") as browser:
        page = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
    assert '今天</span> <b class="num">0</b> 次 <span class="num">0.0</span>' in page
    assert f"本月{text}" in page


def test_a_station_in_maintenance_mode_raises_nothing(console: Console) -> None:
    with console.browser("supervisor") as browser:
        assert "消火栓系统" in browser.get(f"/maintenance/{SITE}/{STATION}").text
        answer = browser.post(f"/maintenance/{SITE}/{STATION}", {"hours": "2", "reason": "换稳压泵"})
        assert answer.status_code == 204
        console.hear(MAIN, 0.70, 4)
        console.hear(MAIN, 0.95, 60)
        page = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
    assert "换稳压泵" in page
    assert "NUM-01" in page
    with console.db.read() as s:
        from services.alert.service import open_alerts

        assert not [one for one in open_alerts(s, SITE) if one.target.endswith(MAIN)]


def test_a_test_that_no_signal_shows_is_entered(console: Console) -> None:
    path = f"/pump-rooms/{SITE}/{STATION}/tests"
    said = {
        "pump": "hydrant-pump-1",
        "kind": "quarterly_flow",
        "at": "2026-11-21T09:30",
        "passed": "true",
        "flow": "21.5",
    }
    with console.browser("engineer-fire") as browser:
        assert "1号消火栓泵" in browser.get(f"{path}/new").text
        assert browser.post(path, said).status_code == 204
        page = browser.get(f"/pump-rooms/{SITE}/{STATION}").text
        assert browser.post(path, said | {"passed": "false"}).status_code == 422, "a failed one needs a note"
        assert browser.post(path, said | {"at": "yesterday"}).status_code == 422
        assert browser.post(path.replace(STATION, "sprinkler"), said).status_code == 404, "it is not that station's"
    assert re.search("09:30.{0,120}engineer-fire", page, re.DOTALL)
    with console.browser("guard") as browser:
        assert browser.post(path, said).status_code == 403


def test_what_is_no_station_is_not_found(console: Console) -> None:
    with console.browser("engineer-fire") as browser:
        assert browser.get(f"/pump-rooms/{SITE}/nowhere").status_code == 404
