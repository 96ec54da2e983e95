from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from console import SITE, START, Browser, Console
from inspected import BOX_GOOD, PUMP_GOOD, entry, filled, task, with_upkeep
from phone import with_door
from sqlalchemy import insert, select

from gateway.site.model import Configs, SiteConfig
from services.equipment.tables import Equipment
from services.flows import inspections
from services.kernel.db import Database
from services.kernel.ids import new_id
from services.maintenance.tables import Inspection, MaintenanceTask
from services.patrol.phone.briefing import digest
from services.work_order.tables import WorkOrder

BOOT, PHONE = "B0000001", "PH000001"
WALL = 1_763_690_400_000
HOUR = timedelta(hours=1)
DEVICES = 600
MOST_BYTES = 500_000


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    found = Console(one_db, tmp_path)
    site = with_upkeep(found.configs.site(SITE))
    found.configs = Configs(
        **{name: getattr(found.configs, name) for name in Configs.model_fields} | {"sites": {SITE: site}}
    )
    found.app.state.services = replace(found.app.state.services, configs=found.configs)
    with_door(found)
    yield found
    found.close()


def site_of(console: Console) -> SiteConfig:
    return console.configs.site(SITE)


def due(console: Console, eid: str, checklist: str, **more: Any) -> tuple[Equipment, MaintenanceTask]:
    """Something due for an entry since an hour ago."""
    with console.db.begin() as s:
        row = entry(s, site_of(console), eid, START)
        return row, task(s, row, checklist, more.pop("opens_at", START - HOUR), **more)


def upkeep(browser: Browser, version: str = "") -> Any:
    """What the phone is told; None: what it has is still true."""
    headers = {"Accept": "application/json", "If-None-Match": f'"{version}"'}
    answer = browser.client.get("/api/v1/patrol/phone/upkeep", headers=headers)
    assert answer.status_code in (200, 304)
    return answer.json() if answer.status_code == 200 else None


def inspection(row: Equipment, number: int = 1, ago_s: int = 0, took_s: int = 300, **more: Any) -> dict[str, Any]:
    """A checklist as the app keeps it, finished `ago_s` before the delivery of `sync`."""
    clocks = {"boot": BOOT, "wall_ms": WALL - ago_s * 1000, "mono_ms": 9_000_000 - ago_s * 1000}
    started = {name: value if name == "boot" else value - took_s * 1000 for name, value in clocks.items()}  # type: ignore[operator]
    known = {
        "client_id": f"item-{number:04d}", "kind": "inspection", "by": "engineer-water", "seq": number,
        "equipment": row.id, "checklist": "pump-daily", "answers": PUMP_GOOD, "started": started,
    }  # fmt: skip
    return {**known, **clocks, **more}


def sync(browser: Browser, *items: dict[str, Any]) -> Any:
    body = {"phone": PHONE, "boot": BOOT, "wall_ms": WALL, "mono_ms": 9_000_000, "queued": 0, "items": list(items)}
    return browser.api("/patrol/phone/sync", body).json()


def test_an_engineer_is_told_what_he_answers_for_and_what_is_due_of_it(console: Console) -> None:
    row, one = due(console, "domestic-low-set", "pump-daily", plan="pump-day")
    due(console, "domestic-low-set", "pump-daily", plan="pump-day", opens_at=START - 25 * HOUR)
    with console.db.begin() as s:
        live = entry(s, site_of(console), "domestic-low-set", START)
        bad = filled(live, "pump-daily", PUMP_GOOD | {"leak": False, "pressure": 0.41}, START - 30 * HOUR)
        inspections.record(s, site_of(console), bad, START)
    with console.browser("engineer-water") as browser:
        told = upkeep(browser)
        assert upkeep(browser, told["version"]) is None
    assert told["on"]
    found = next(each for each in told["equipment"] if each["id"] == row.id)
    assert [(each["id"], each["missed"], each["plan"], each["due_on"]) for each in found["tasks"]] == [
        (one.id, 1, "pump-day", one.due_on.isoformat())
    ]
    assert [(each["name"], each["window"]) for each in told["plans"]] == [("水泵日检", [])]
    assert found["last"] == {"pressure": [0.41, int((START - 30 * HOUR).timestamp() * 1000)]}
    assert (found["findings"], found["tag"]) == (1, digest(SITE, row.tag))
    assert row.tag not in str(told), "a phone cannot tell what it has not scanned"
    assert "domestic-tank" in {each["eid"] for each in told["equipment"]}
    assert not {"box-1", "hydrant-main"} & {each["eid"] for each in told["equipment"]}
    (pump,) = [each for each in told["checklists"] if each["id"] == "pump-daily"]
    assert [each["kind"] for each in pump["items"]] == ["pass_fail", "pass_fail", "number", "number", "choice"]


def test_nobody_is_asked_for_a_day_that_later_days_have_made_up_for(console: Console) -> None:
    due(console, "domestic-low-set", "pump-daily", plan="pump-day", opens_at=START - 100 * HOUR)
    with console.browser("engineer-water") as browser:
        assert [each["plan"] for one in upkeep(browser)["equipment"] for each in one["tasks"]] == ["pump-day"]
        due(console, "domestic-low-set", "pump-daily", plan="pump-day", opens_at=START - 60 * HOUR, state="done")
        assert not [each for one in upkeep(browser)["equipment"] for each in one["tasks"]]


def test_a_guard_is_told_of_nothing_but_what_guards_do(console: Console) -> None:
    due(console, "domestic-low-set", "pump-daily")
    with console.browser("guard") as browser:
        assert upkeep(browser) | {"version": ""} == {
            "on": False,
            "version": "",
            "equipment": [],
            "checklists": [],
            "plans": [],
        }
        due(console, "box-1", "box-yearly", owner_role="guard")
        told = upkeep(browser)
    assert (told["on"], [one["eid"] for one in told["equipment"]]) == (True, ["box-1"])
    with console.browser("supervisor") as browser:
        assert {"box-1", "domestic-low-set"} <= {one["eid"] for one in upkeep(browser)["equipment"]}


def test_what_was_filled_without_network_keeps_its_time_and_its_pictures(console: Console) -> None:
    row, one = due(console, "domestic-low-set", "pump-daily", opens_at=START - 20 * HOUR)
    answers = PUMP_GOOD | {"leak": False, "hours": 1200, "lamp": "红"}
    item = inspection(
        row, ago_s=7200, task=one.id, answers=answers, findings=["leak", "lamp"], notes={"leak": "滴水"},
        pictures={"leak": ["pic-00000001"]}, photos=["pic-00000002"], opened_by="qr", emergency=True,
    )  # fmt: skip
    with console.browser("engineer-water") as browser:
        assert sync(browser, item)["accepted"] == ["item-0001"]
        assert sync(browser, item)["accepted"] == ["item-0001"], "delivered again it is the same"
    with console.db.read() as s:
        (found,) = s.scalars(select(Inspection))
        (order,) = s.scalars(select(WorkOrder))
        done = s.get(MaintenanceTask, one.id)
    assert (found.at, found.started_at) == (START - 2 * HOUR, START - 2 * HOUR - timedelta(minutes=5))
    assert (found.opened_by, found.emergency, found.findings) == ("qr", True, ["leak", "lamp"])
    assert (found.items[0]["photos"], found.photos) == ([f"{SITE}/pic-00000001"], [f"{SITE}/pic-00000002"])
    assert order.title == "低区生活变频泵组：机械密封无渗漏 不合格等2项"
    assert done is not None
    assert (done.state, done.inspection_id) == ("done", found.id)


def test_one_bad_checklist_does_not_hold_up_the_others(console: Console) -> None:
    row, _ = due(console, "domestic-low-set", "pump-daily")
    bad = [
        inspection(row, 1, equipment="01NOWHERE"),
        inspection(row, 2, answers={"leak": True}),
        inspection(row, 3, answers={"leak": {"deep": 1}}),
        inspection(row, 4, started=None),
        inspection(row, 6, answers=PUMP_GOOD | {"pressure": 10**400}),
    ]
    with console.browser("engineer-water") as browser:
        answer = sync(browser, *bad, inspection(row, 5))
    assert answer["accepted"] == ["item-0005"]
    assert {one["client_id"] for one in answer["refused"]} == {one["client_id"] for one in bad}


def test_a_signature_is_a_picture_of_the_phone(console: Console) -> None:
    row, _ = due(console, "box-1", "box-yearly")
    answers = BOX_GOOD | {"sign": ["pic-00000009"]}
    item = inspection(row, checklist="box-yearly", answers=answers, instrument="ZC-25", by="engineer-power")
    with console.browser("engineer-power") as browser:
        assert sync(browser, item)["accepted"]
    with console.db.read() as s:
        (found,) = s.scalars(select(Inspection))
    assert found.answers["sign"] == [f"{SITE}/pic-00000009"]


def test_a_large_site_fits_a_phone(console: Console) -> None:
    with console.db.begin() as s:
        known = entry(s, site_of(console), "box-1", START)
        values = {column.name: getattr(known, column.name) for column in Equipment.__table__.columns}
        rows = [
            values
            | {"id": f"box-x{number:021d}", "eid": f"box-x{number}", "tag": f"TAG{number:09d}", "origin": "entered"}
            | {"name": f"{number}号楼{number % 30}层公共照明配电箱", "place": "电井内"}
            for number in range(DEVICES)
        ]
        due_one = task(s, known, "box-yearly", START - HOUR, plan="box-year", days=30)
        task_values = {column.name: getattr(due_one, column.name) for column in MaintenanceTask.__table__.columns}
        s.execute(insert(Equipment), rows)
        s.execute(insert(MaintenanceTask), [task_values | {"id": new_id(), "equipment_id": one["id"]} for one in rows])
    with console.browser("engineer-power") as browser:
        answer = browser.client.get("/api/v1/patrol/phone/upkeep", headers={"Accept": "application/json"})
    assert len(answer.json()["equipment"]) > DEVICES
    assert len(answer.content) < MOST_BYTES
