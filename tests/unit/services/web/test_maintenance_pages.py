"""The pages of maintenance, its API and its calendar feed, over the shipped site."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from console import SITE, Console
from icalendar import Calendar
from plan_rows import tasks

from services.equipment import service as equipment
from services.kernel.db import Database
from services.maintenance import service
from services.maintenance.generate import generate
from services.maintenance.tables import MaintenanceTask


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    """A site that has had plans for three days; nobody did anything but one extinguisher."""
    found = Console(one_db, tmp_path)
    config = found.configs.site(SITE)
    begun = found.now - timedelta(days=2)
    with one_db.begin() as s:
        equipment.sync(s, config, begun)
        generate(s, config, begun)
        generate(s, config, found.now)
        done = next(one for one in tasks(s) if one.plan == "extinguisher-month")
        service.complete(
            s, config, done, inspection_id=None, passed=True, by="engineer-fire",
            started_at=found.now, done_at=found.now,
        )  # fmt: skip
    yield found
    found.close()


def one_of(console: Console, plan: str, state: str = "open") -> MaintenanceTask:
    with console.db.read() as s:
        return next(one for one in tasks(s, state) if one.plan == plan)


def test_what_is_due_stands_by_plan_and_day_with_who_does_it(console: Console) -> None:
    with console.browser("supervisor") as browser:
        page = browser.get("/maintenance").text
        assert "逾期" in page
        assert "生活水泵日检" in page
        assert "给排水责任人" in page
        assert page.count("灭火器每月功能性测试") == 1  # one line for all of them
        mine = browser.get("/maintenance?plan=extinguisher-month").text
        assert "1号楼6层灭火器" in mine
        assert "生活水泵日检" not in mine
        assert "生活水泵日检" not in browser.get("/maintenance?level=2").text
        assert "灭火器每月功能性测试" not in browser.get("/maintenance?show=overdue").text
    with console.browser("engineer-water", "en") as browser:
        page = browser.get("/maintenance?whose=mine").text
        assert "Domestic pumps, daily" in page
        assert "Extinguisher" not in page


def test_a_task_shows_its_checklist_its_source_and_the_ones_before(console: Console) -> None:
    with console.browser("supervisor") as browser:
        page = browser.get(f"/maintenance/tasks/{one_of(console, 'electrical-month').id}").text
        assert "漏电保护按试验按钮动作" in page
        assert "《工程管理模式》1.6 设备六级保养检修制度" in page
        assert browser.get("/maintenance/tasks/nothing").status_code == 404


def test_a_supervisor_cancels_with_a_reason_and_an_engineer_does_not(console: Console) -> None:
    task = one_of(console, "electrical-month")
    path = f"/maintenance/tasks/{task.id}/cancel"
    with console.browser("engineer-power") as browser:
        assert browser.post(path, {"reason": "不做"}).status_code == 403
        assert "hx-get" not in browser.get(f"/maintenance/tasks/{task.id}").text.split("page-actions")[1][:300]
    with console.browser("supervisor") as browser:
        assert "原因" in browser.get(path).text
        assert browser.post(path, {"reason": ""}).status_code == 422
        assert browser.post(path, {"reason": "停电改造"}).status_code == 204
        page = browser.get(f"/maintenance/tasks/{task.id}").text
        assert "停电改造" in page
        assert "设备主管" in page
        assert browser.post(path, {"reason": "再次"}).status_code == 409


def test_the_year_calendar_counts_what_was_done_is_late_and_is_to_come(console: Console) -> None:
    with console.browser("manager") as browser:
        page = browser.get("/maintenance/calendar").text
        row = page.split("灭火器每月功能性测试")[1].split("</tr>")[0]
        cells = row.split("<td")[1:]
        assert len(cells) == 13
        assert "按时完成 1" in cells[10]
        assert "待完成 7" in cells[10]
        assert "未到 8" in cells[11]
        assert "nothing" not in page
        assert "part-overdue" in page.split("生活水泵日检")[1].split("</tr>")[0]
        assert "消防给水系统" in browser.get("/maintenance/calendar?by=class").text
        assert "未到" in browser.get("/maintenance/calendar?year=2027").text
        assert "这一年没有保养" in browser.get("/maintenance/calendar?year=2020").text


def test_the_plans_page_shows_sources_changes_and_what_is_not_active(console: Console) -> None:
    with console.browser("supervisor") as browser:
        page = browser.get("/maintenance/plans").text
        assert "GB 50974-2014" in page
        assert "本站点改动" in page
        assert "比随附计划宽" in page
        assert "停电检修不安排在节假日" in page
        assert "合同待法务审核（APR-03）" in page
        assert "大堂地砖已列入巡更路线每日必检" in page
        assert "泳池日检" not in page
        assert "泳池日检" in browser.get("/maintenance/plans?idle=true").text


def test_contracts_say_whether_they_hold(console: Console) -> None:
    with console.browser("supervisor") as browser:
        page = browser.get("/maintenance/contracts").text
        assert "履行中" in page
        assert "待法务审核" in page
        assert "FW-2025-118" in page


def test_a_major_overhaul_is_begun_from_the_plans_page(console: Console) -> None:
    with console.db.read() as s:
        pump = equipment.by_eid(s, SITE, "domestic-low-set")
    assert pump is not None
    with console.browser("supervisor") as browser:
        assert "低区生活变频泵组" in browser.get("/maintenance/begin?plan=overhaul").text
        body = {"plan": "overhaul", "equipment_id": pump.id, "due_on": "2026-12-20"}
        answer = browser.post("/maintenance/begin", body)
        assert answer.status_code == 204
        assert "大修" in browser.get(answer.headers["HX-Redirect"]).text
    with console.browser("engineer-water") as browser:
        assert browser.post("/maintenance/begin", body).status_code == 403


def test_the_api_lists_tasks_and_plans_and_takes_commands(console: Console) -> None:
    with console.browser("supervisor") as browser:
        listed = browser.get("/api/v1/maintenance/tasks?since_on=2026-11-01&until_on=2026-11-30").json()
        assert {one["state"] for one in listed} == {"open", "overdue", "done"}
        overdue = browser.get("/api/v1/maintenance/tasks?since_on=2026-11-01&until_on=2026-11-30&state=overdue").json()
        assert overdue
        assert {one["state"] for one in overdue} == {"overdue"}
        later = browser.get(
            f"/api/v1/maintenance/tasks?since_on=2026-11-01&until_on=2026-11-30&after={listed[0]['id']}"
        )
        assert [one["id"] for one in later.json()] == [one["id"] for one in listed[1:]]
        too_long = browser.get("/api/v1/maintenance/tasks?since_on=2020-11-01&until_on=2026-11-30")
        assert too_long.status_code == 422
        plans = {one["id"]: one for one in browser.get("/api/v1/maintenance/plans").json()}
        assert plans["lift-contract-half-month"]["rhythm"] == "15d"
        assert plans["cctv-contract-quarter"]["inactive"] == "not_reviewed"
        cancelled = browser.api(f"/maintenance/tasks/{listed[0]['id']}/cancel", {"reason": "停用"})
        assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")


def feed(console: Console, username: str, *scopes: str) -> Calendar:
    token = console.token(username, *(scopes or ("read",)))
    with console.browser() as browser:
        basic = base64.b64encode(f"{username}:{token}".encode()).decode()
        answer = browser.get("/maintenance/feed.ics", Authorization=f"Basic {basic}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/calendar")
        bearer = browser.get("/maintenance/feed.ics", Authorization=f"Bearer {token}")
        assert bearer.text == answer.text
        return Calendar.from_ical(answer.text)


def test_the_feed_has_what_somebody_answers_for_as_all_day_events(console: Console) -> None:
    events = feed(console, "engineer-fire").walk("VEVENT")
    summaries = [str(one["summary"]) for one in events]
    assert any("消防泵每周自动启动" in one for one in summaries)
    assert not any("日检" in one for one in summaries)  # daily checks are in nobody's calendar
    assert not any("生活水泵月检" in one for one in summaries)
    (event,) = [one for one in events if str(one["uid"]) == "yunhe.fire-pump-week.2026-11-22@gengfu"]
    assert "消防泵每周自动启动" in str(event["summary"])
    assert str(event["dtstart"].dt) == "2026-11-22"
    assert str(event["dtend"].dt) == "2026-11-23"
    assert "1号消火栓泵" in str(event["description"])
    assert "×4" in str(event["summary"])
    assert not event.walk("VALARM")
    assert len(feed(console, "manager").walk("VEVENT")) > len(events)


def test_the_feed_is_for_tokens_that_may_read(console: Console) -> None:
    token = console.token("engineer-fire", "publish")
    with console.browser() as browser:
        assert browser.get("/maintenance/feed.ics").status_code == 401
        assert "Basic" in browser.get("/maintenance/feed.ics").headers["www-authenticate"]
        for wrong in ("Bearer nonsense", "Basic !!!", "Basic bm9ib2R5", "Digest x", "Basic /w=="):
            assert browser.get("/maintenance/feed.ics", Authorization=wrong).status_code == 401
        assert browser.get("/maintenance/feed.ics", Authorization=f"Bearer {token}").status_code == 403
    with console.browser("manager") as browser:  # a cookie is no token: the address must not work by itself
        assert browser.get("/maintenance/feed.ics").status_code == 401
