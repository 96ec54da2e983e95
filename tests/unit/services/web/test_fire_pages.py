import csv
import re
from datetime import timedelta
from io import BytesIO, StringIO

import fire_rows
import pytest
from console import PASSWORD, SITE, START, Console
from openpyxl import load_workbook
from sqlalchemy import select

from gateway.contract.heard import Heard
from gateway.contract.times import format_at, to_ms
from services.fire.tables import FireCommand, FireIncident, FireOutage, FireTest, FireTestMode
from services.web import live
from services.web.i18n import LANGUAGES

MINUTE = timedelta(minutes=1)
PAGES = [
    "/fire",
    "/fragments/fire",
    "/fragments/fire/banner",
    "/fire/buildings/building-1",
    "/fire/buildings/building-2?show=fault",
    "/fire/buildings/building-1?show=silent&text=车库",
    "/fire/incidents",
    "/fire/incidents/{incident}",
    "/fire/incidents/{incident}/record",
    "/fire/incidents/{incident}/close?verdict=false",
    "/fire/incidents/{incident}/grade/large",
    "/fire/incidents/{incident}/steps/large/gas",
    "/fire/log",
    "/fire/log?scope=unparsed&test=no",
    "/fire/commands",
    "/fire/outages",
    "/fire/outages/o1",
    "/fire/tests",
    "/fire/tests?month=2026-10&show=untested",
    "/fire/tests/new?device=b1-f3-smoke",
    "/fire/drills",
    "/fire/test-mode/new",
    "/fire/test-mode/m1",
]


@pytest.fixture
def incident(console: Console) -> str:
    """A desk with something of everything; the id of the open incident."""
    console.alive()
    with console.db.begin() as s:
        s.add(fire_rows.mode("m1", START - MINUTE, START + 60 * MINUTE, "garage-north"))
        return fire_rows.seed(s, console.configs.site(SITE), START).id


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_renders_in_both_languages(console: Console, incident: str, language: str) -> None:
    with console.browser("supervisor", language) as browser:
        answers = {path: browser.get(path.format(incident=incident)) for path in PAGES}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 200} == {}
    assert not [path for path, answer in answers.items() if "style=" in answer.text], (
        "the policy allows no inline style"
    )
    if language == "zh":
        assert {path: words for path, answer in answers.items() if (words := english(answer.text))} == {}


def english(page: str) -> set[str]:
    """English words that a Chinese page shows, but for codes."""
    main = page[page.index("<main") : page.index("</main>")] if "<main" in page else page
    text = re.sub(r"<(svg|code|pre).*?</\1>|<[^>]+>", " ", main, flags=re.DOTALL)
    return set(re.findall(r"[A-Za-z]{4,}", text)) - {"xlsx"}


def test_the_board_says_what_is_known_and_what_is_not(console: Console, incident: str) -> None:
    with console.browser("duty") as browser:
        seen = browser.get("/fire").text
        with console.db.begin() as s:
            fire_rows.online(s, START, yes=False)
        blind = browser.get("/fire").text
    assert f'href="/fire/incidents/{incident}"' in seen
    assert "等待现场确认" in seen
    assert "building is-fire" in seen
    assert "building is-blind" not in seen.split('id="fire"')[1].split("地下车库北区")[0]
    assert "1 处停用待填措施" in seen
    assert blind.count("building is-blind") == 2, "what burns stays red; of everything else nothing is known"
    assert "通信中断" in blind


def test_a_building_has_its_points_by_loop_and_filters_them(console: Console, incident: str) -> None:
    def cells(browser: object, query: str) -> list[str]:
        page = browser.get(f"/fire/buildings/building-1?{query}").text  # type: ignore[attr-defined]
        return re.findall(r'class="comp is-(\w+)"', page)

    with console.browser("duty") as browser:
        page = browser.get("/fire/buildings/building-1").text
        assert "回路 1" in page
        assert "消防水池液位低" in page
        assert "台账外" in page
        assert "备案与措施？" in page
        assert cells(browser, "show=fire") == ["fire"]
        assert cells(browser, "show=unknown") == ["supervisory"]
        assert cells(browser, "text=01000c00") == ["shield"]
        assert set(cells(browser, "show=silent")) == {"silent"}
        assert browser.get("/fire/buildings/nowhere").status_code == 404


def test_what_was_heard_of_no_known_building_has_a_page_of_its_own(console: Console, incident: str) -> None:
    with console.browser("duty") as browser:
        assert browser.get("/fire/buildings/").status_code == 404
        with console.db.begin() as s:
            s.add(fire_rows.component("system:9", START, "fault", building="", panel="stranger"))
        (link,) = re.findall(r'href="(/fire/buildings/\?[^"]*)"', browser.get("/fire").text)
        page = browser.get(link)
        filtered = browser.get("/fire/buildings/?show=fault")
    assert page.status_code == 200
    assert re.findall(r'class="comp is-(\w+)"', filtered.text) == ["fault"]


def test_an_incident_is_answered_step_by_step(console: Console, incident: str) -> None:
    here = f"/fire/incidents/{incident}"
    with console.browser("guard") as browser:
        assert browser.post(f"{here}/accept").status_code == 204
        assert browser.post(f"{here}/arrive").status_code == 204
        answer = browser.post(f"{here}/grade", {"grade": "large", "note": "明火"})
        assert (answer.status_code, "gengfu:fire" in answer.headers["HX-Trigger"]) == (204, True)
        assert browser.post(f"{here}/close", {"verdict": "real", "cause": "x"}).status_code == 403
    with console.browser("duty") as browser:
        assert browser.post(f"{here}/steps/large/call-119").status_code == 204
        refused = browser.post(f"{here}/steps/large/gas", {"not_needed": "true"})
        assert (refused.status_code, refused.json()["sentence"]) == (422, "请写明原因。")
        assert browser.post(f"{here}/steps/large/gas", {"not_needed": "true", "note": "无燃气"}).status_code == 204
        assert browser.post(f"{here}/calls", {"username": "manager"}).status_code == 204
        assert browser.post(f"{here}/comments", {"text": "<b>烟很大</b>"}).status_code == 204
        page = browser.get(here).text
        assert "只作记录，本系统不控制设备" in page
        assert "1号楼1至6层发生火情" in page
        assert "&lt;b&gt;烟很大" in page
        assert 'id="done-large-call-119"' not in page
        assert browser.post(f"{here}/close", {"verdict": "false", "cause": "厨房蒸汽"}).status_code == 204
        assert browser.post(f"{here}/accept").status_code == 409
        record = browser.get(f"{here}/record").text
    for words in ("误报", "厨房蒸汽", "拨打119", "安管员", "无燃气"):
        assert words in record
    with console.db.read() as s:
        assert s.get_one(FireIncident, incident).verdict == "false"


def test_the_banner_is_on_every_page_but_where_it_would_repeat(console: Console, incident: str) -> None:
    with console.browser("duty") as browser:
        pages = {path: browser.get(path).text for path in ("/", "/points", "/fire", f"/fire/incidents/{incident}")}
    shown = {path: re.findall(r'class="fire-banner is-(\w+)"', page) for path, page in pages.items()}
    assert list(shown.values()) == [["unconfirmed", "test"], ["unconfirmed", "test"], ["test"], ["test"]]


def test_test_mode_takes_two_people_and_ends_by_one(console: Console) -> None:
    words = {"place": "fire-panel-1/building-2", "minutes": 60, "reason": "年度检测"}
    second = {"second_username": "supervisor", "second_password": PASSWORD}
    with console.browser("guard") as browser:
        assert browser.post("/fire/test-mode", {**words, **second}).status_code == 403
    with console.browser("duty") as browser:
        alone = browser.post("/fire/test-mode", words)
        assert (alone.status_code, alone.json()["needs_second_person"]) == (403, True)
        assert browser.post("/fire/test-mode", {**words, **second, "minutes": 1000}).status_code == 422
        assert browser.post("/fire/test-mode", {**words, **second}).status_code == 204
        with console.db.read() as s:
            mode = s.scalars(select(FireTestMode)).one()
        assert (mode.zone, mode.begun_by, mode.second) == ("building-2", "duty", "supervisor")
        assert browser.post(f"/fire/test-mode/{mode.id}/extend", {"minutes": 120}).status_code == 403
        assert browser.post(f"/fire/test-mode/{mode.id}/extend", {"minutes": 120, **second}).status_code == 204
        assert browser.post(f"/fire/test-mode/{mode.id}/end").status_code == 204
        assert "fire-banner is-" not in browser.get("/").text


def test_the_log_is_filtered_paged_and_exported(console: Console, incident: str) -> None:
    with console.db.begin() as s:
        s.add(fire_rows.signal("evil", START, fire_rows.UNKNOWN, "power_fault", text="=cmd|' /C calc'!A0", zone=""))
        s.add_all(fire_rows.signal(f"p{n:03d}", START - 100 * MINUTE, "02000100", "fault") for n in range(120))

    def rows(browser: object, query: str) -> int:
        return browser.get(f"/fire/log?{query}").text.count('class="signal-when"')  # type: ignore[attr-defined]

    with console.browser("duty") as browser:
        first = browser.get("/fire/log").text
        assert "40 40 01 00" in first
        assert rows(browser, "state=fire&test=no") == 1
        assert rows(browser, "state=power_fault") == 1
        assert rows(browser, "scope=unparsed") == 1
        assert rows(browser, "building=building-2") == 0
        assert rows(browser, "from=2026-11-22") == 0
        older = re.search(r'href="/fire/log\?([^"]*before=[^"]*)"', first)
        assert older
        assert rows(browser, "") + rows(browser, older[1].replace("&amp;", "&")) == 126
        assert browser.get("/fire/log?state=%25").status_code == 422
        table = list(csv.reader(StringIO(browser.get("/fire/log.csv").content.decode("utf-8-sig"))))
        book = load_workbook(BytesIO(browser.get("/fire/log.xlsx?state=power_fault").content))
    assert len(table) == 127
    line = dict(zip(table[0], table[1], strict=True))
    assert (line["部件"], line["文字"], line["状态"]) == ("'=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0", "电源故障")
    assert len(list(book.worksheets[0].values)) == 2


def test_devices_are_asked_and_their_answers_read(console: Console, incident: str) -> None:
    check = {"site": SITE, "source": "fire-panel-1", "kind": "duty_check", "minutes": 5}
    with console.browser("guard") as browser:
        assert browser.post("/fire/commands", check).status_code == 403
    with console.browser("duty") as browser:
        page = browser.get("/fire/commands").text
        assert "慢 2分钟" in page
        assert "操作员 7" in page
        assert browser.post("/fire/commands", check).status_code == 204
        assert browser.post("/fire/commands", check).status_code == 409
        state = {**check, "kind": "read_component_state", "component": "0A000200"}
        assert browser.post("/fire/commands", state).status_code == 204
        assert browser.post("/fire/commands", {**state, "component": "zz"}).status_code == 422
    with console.db.read() as s:
        asked = {one.kind: one.params for one in s.scalars(select(FireCommand).where(FireCommand.asked_at == START))}
    assert asked["duty_check"] == {"minutes": 5}
    assert asked["read_component_state"] == {"system_type": 1, "system_address": 0, "component": "0a000200"}


def test_the_ledgers_are_kept(console: Console, incident: str) -> None:
    entry = {"device": "b1-f2-smoke", "kind": "smoke", "passed": "true", "tested_on": "2026-11-21", "note": "加烟"}
    drill = {"held_on": "2026-11-20", "owners": 30, "staff": 9, "items": ["evacuation", "extinguisher"], "other": "119"}
    with console.browser("guard") as browser:
        assert browser.post("/fire/tests", entry).status_code == 403
    with console.browser("engineer-fire") as browser:
        assert browser.post("/fire/tests", entry).status_code == 204
        assert browser.post("/fire/tests", {**entry, "tested_on": "2027-01-01"}).status_code == 422
        assert "待举行" in browser.get("/fire/drills").text
        assert browser.post("/fire/drills", drill).status_code == 204
        assert "待举行" not in browser.get("/fire/drills").text
        assert "未填写" in browser.get("/fire/outages").text
        assert browser.post("/fire/outages/o1", {"filed": "true", "measures": "每小时巡查"}).status_code == 204
        assert "每小时巡查" in browser.get("/fire/outages.csv").content.decode("utf-8-sig")
        tests = browser.get("/fire/tests.csv").content.decode("utf-8-sig")
    done = [line for line in csv.reader(StringIO(tests)) if line[3] in ("完成", "不合格")]
    assert [(line[0], line[3], line[6]) for line in done] == [
        ("1号楼2层走廊烟感", "完成", ""),
        ("1号楼3层走廊烟感", "完成", "是"),
        ("1号楼1层灭火器", "不合格", ""),
    ]
    with console.db.read() as s:
        assert s.get_one(FireOutage, "o1").noted_by == "engineer-fire"
        assert s.scalars(select(FireTest.by).where(FireTest.device == "b1-f2-smoke")).all() == ["engineer-fire"]


def test_open_pages_hear_of_everything_about_fire(console: Console, incident: str) -> None:
    watch = live.Watch(console.db, (SITE,))
    seen = [watch.read()["fire"]]
    assert watch.read()["fire"] == seen[0]
    for change in (
        lambda s: s.add(fire_rows.signal("new", START, fire_rows.SMOKE, "fire")),
        lambda s: setattr(s.get(FireCommand, "c1"), "outcome", "timeout"),
        lambda s: setattr(s.get(FireOutage, "o1"), "noted_at", START),
        lambda s: setattr(s.get(FireTestMode, "m1"), "until", START + 90 * MINUTE),
        lambda s: setattr(s.get(FireIncident, incident), "version", 99),
    ):
        with console.db.begin() as s:
            change(s)
        seen.append(watch.read()["fire"])
    assert len(set(seen)) == len(seen)


def test_a_fire_that_is_heard_stands_at_the_desk_and_its_alert_leads_to_it(console: Console) -> None:
    console.clock.advance(MINUTE)
    at_ms = to_ms(console.now)
    body = {
        "id": "t1-1",
        "at": format_at(at_ms),
        "address": fire_rows.SMOKE,
        "state": ["fire"],
        "loop": 1,
        "raw": "4040",
    }
    heard = Heard(SITE, fire_rows.PANEL, "fire", "t1-1", "t1", 1, at_ms, at_ms=at_ms, body=body)
    console.judge.hear([heard], [], at_ms)
    with console.browser("duty") as browser:
        (found,) = browser.get("/api/v1/fire").json()["incidents"]
        assert found["where"] == "1号楼1至6层"
        assert f'href="/fire/incidents/{found["id"]}"' in browser.get(f"/alerts/{found['alert']}").text
        page = browser.get(f"/fire/incidents/{found['id']}").text
    assert "<dt>回路</dt><dd>1</dd>" in page
    assert "安管员" in page, "the guards were called"


def test_filters_and_versions_work_on_every_database(any_console: Console) -> None:
    with any_console.db.begin() as s:
        found = fire_rows.seed(s, any_console.configs.site(SITE), START).id
    with any_console.browser("duty") as browser:
        rows = browser.get("/api/v1/fire/signals?state=fire&test=false&to=2027-01-01T00:00:00Z").json()
        pages = [browser.get(path.format(incident=found)).status_code for path in PAGES if "m1" not in path]
    assert [one["incident_id"] for one in rows] == [found]
    assert set(pages) == {200}
    assert live.Watch(any_console.db, (SITE,)).read()["fire"]


def test_what_is_heard_in_test_mode_is_shown_and_alarms_nobody(console: Console) -> None:
    with console.db.begin() as s:
        fire_rows.online(s, START)
        held = {"test": True, "tests": ["fire"], "zone": "building-1-low", "point": "b1-f3-smoke"}
        s.add(fire_rows.component(fire_rows.SMOKE, START, "fire", **held))
    with console.browser("duty") as browser:
        board, building = browser.get("/fire").text, browser.get("/fire/buildings/building-1?show=fire").text
    assert "building is-fire" not in board
    assert re.search(r'pill-test">测试 · <span class="num">1<', board)
    assert building.count('pill-test">测试<') == 2
