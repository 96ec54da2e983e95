from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from console import SITE, START, Console
from inspected import BOX_GOOD, entry, filled, task, with_upkeep
from sqlalchemy import select

from gateway.site.model import Configs, SiteConfig
from services.flows import inspections
from services.kernel.db import Database
from services.maintenance.tables import Inspection, MaintenanceTask
from services.work_order.tables import WorkOrder


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
    site = with_upkeep(found.configs.site(SITE))
    found.configs = Configs(
        **{name: getattr(found.configs, name) for name in Configs.model_fields} | {"sites": {SITE: site}}
    )
    found.app.state.services = replace(found.app.state.services, configs=found.configs)
    yield found
    found.close()


def site_of(console: Console) -> SiteConfig:
    return console.configs.site(SITE)


def box(console: Console, **more: Any) -> tuple[str, str]:
    """The id of box 1, and of what is due there."""
    with console.db.begin() as s:
        row = entry(s, site_of(console), "box-1", START)
        return row.id, task(s, row, "box-yearly", START - timedelta(hours=2), plan="box-year", days=30, **more).id


def form(equipment: str, **answers: str) -> dict[str, object]:
    """The desk's form as a browser sends it."""
    known = {"insulation": "0,82", "terminals": "true", "label": "true", "sign": "检测员"}
    fields = {f"answer-{name}": value for name, value in (known | answers).items()}
    times = {"since": "2026-11-21T09:30", "until": "2026-11-21T09:50"}
    known_by = {"equipment": equipment, "checklist": "box-yearly", "client_id": "form00001", "instrument": "ZC-25-07"}
    return {**fields, **times, **known_by}


def test_the_desk_enters_what_was_filled_on_paper(console: Console) -> None:
    equipment, due = box(console)
    with console.browser("duty") as browser:
        choice = browser.get(f"/inspections/new?equipment={equipment}").text
        assert f"/inspections/new?equipment={equipment}&amp;checklist=box-yearly" in choice
        page = browser.get(f"/inspections/new?equipment={equipment}&task={due}").text
        assert "绝缘电阻" in page
        assert "≥ 0.5 MΩ" in page
        for _ in range(2):  # a double click
            answer = browser.post("/inspections", form(equipment))
        assert answer.headers["HX-Redirect"] == f"/inspections/{SITE}/form00001"
        shown = browser.get(answer.headers["HX-Redirect"]).text
    assert "0.82 MΩ" in shown
    assert "ZC-25-07" in shown
    assert "台式录入" in shown
    with console.db.read() as s:
        (found,) = s.scalars(select(Inspection))
        done = s.get(MaintenanceTask, due)
    assert (found.by, found.at - found.started_at) == ("duty", timedelta(minutes=20))
    assert done is not None
    assert (done.state, done.on_time) == ("done", True)


def test_what_is_wrong_needs_a_word_at_the_desk_and_becomes_an_order_shown_on_the_page(console: Console) -> None:
    equipment, _ = box(console)
    with console.browser("supervisor") as browser:
        silent = browser.post("/inspections", form(equipment, terminals="false"), Accept="application/json")
        assert silent.status_code == 422
        answer = browser.post("/inspections", form(equipment, terminals="false") | {"note-terminals": "A 相松动发热"})
        page = browser.get(answer.headers["HX-Redirect"]).text
        with console.db.read() as s:
            (order,) = s.scalars(select(WorkOrder))
        assert f'href="{answer.headers["HX-Redirect"]}"' in browser.get(f"/work-orders/{order.id}").text
    assert order.number in page
    assert "A 相松动发热" in page
    assert "1 项不合格" in page
    assert "NUM-03" in page


WRONG: list[dict[str, object]] = [
    {"answer-insulation": "a lot"},
    {"since": "2026-11-21T09:55"},
    {"until": "2026-12-21T09:50"},
    {"since": "2026-09-01T09:55"},
    {"since": "yesterday"},
    {"checklist": "no-such"},
    {"instrument": " "},
    {"answer-terminals": ""},
]


def test_what_the_form_cannot_mean_is_refused(console: Console) -> None:
    equipment, _ = box(console)
    with console.browser("duty") as browser:
        asked = [browser.post("/inspections", form(equipment) | one, Accept="application/json") for one in WRONG]
    assert [one.status_code for one in asked] == [422] * len(WRONG)
    with console.db.read() as s:
        assert not s.scalars(select(Inspection)).all()


def test_a_late_one_shows_both_times_and_speaks_english(console: Console) -> None:
    with console.db.begin() as s:
        row = entry(s, site_of(console), "box-1", START)
        late = filled(row, "box-yearly", BOX_GOOD, START - timedelta(hours=7), instrument="1", client_id="late00001")
        inspections.record(s, site_of(console), late, START)
    with console.browser("manager", language="en") as browser:
        page = browser.get(f"/inspections/{SITE}/late00001").text
        assert browser.get(f"/inspections/{SITE}/nothing").status_code == 404
        assert browser.get("/inspections/new?equipment=nothing").status_code == 404
    assert "heard of at" in page
    assert "Daily" not in page
    assert "Insulation" in page
    with console.browser() as stranger:
        assert stranger.get(f"/inspections/{SITE}/late00001").status_code == 303
