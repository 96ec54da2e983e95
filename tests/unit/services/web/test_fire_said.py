"""What devices said, in words: unasked, by senders nobody declared, not at all understood."""

import csv
import re
from datetime import timedelta
from io import StringIO

import fire_rows
import pytest
from console import SITE, START, Console
from fire_rows import PANEL

from services.fire import record
from services.fire.tables import FireIncident, FireSignal
from services.people.roles import Actor, Role
from services.web import phone_fire

MINUTE = timedelta(minutes=1)
SENDER = "0a0b0c0d0e0f"
STRANGE = f"{SITE}/gateway-1/{SENDER}:01000300"


@pytest.fixture
def incident(console: Console) -> FireIncident:
    """A fire in building 1."""
    with console.db.begin() as s:
        return fire_rows.seed(s, console.configs.site(SITE), START)


def own(name: str, minutes_ago: int, scope: str, *states: str, **more: object) -> FireSignal:
    """What the transmission device says of itself."""
    fields = {"system_type": None, "component_type": None, "zone": "", "building": "", "panel_at": None, **more}
    return fire_rows.signal(name, START - minutes_ago * MINUTE, "self", *states, scope=scope, **fields)


def facts(page: str) -> dict[str, str]:
    """What the first source's card says, by its labels."""
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page, re.DOTALL)
    return {label: " ".join(re.sub(r"<[^>]+>", " ", text).split()) for label, text in found}


def test_the_newest_of_answer_and_own_word_is_shown_with_its_age(console: Console, incident: FireIncident) -> None:
    said = {"objects": [{"scope": "transmitter", "address": "self", "complete": True}]}
    asked = fire_rows.command("c4", START - 60 * MINUTE, "utd_state", outcome="answered", answer=said)
    with console.db.begin() as s:
        s.add(asked)
    with console.browser("duty") as browser:
        assert facts(browser.get("/fire/commands").text)["状态"] == "正常 60分钟前"
        with console.db.begin() as s:
            version = {"info": "version", "version": "3.7"}
            s.add_all(
                [
                    own("s1", 5, "transmitter", "mains_fault", body={"complete": True}),
                    own("v1", 9, "info", body=version),
                    own("k1", 7, "info", body={"info": "time"}, panel_at=START - 10 * MINUTE),
                ]
            )
        shown = facts(browser.get("/fire/commands").text)
        with console.db.begin() as s:
            s.add(own("s2", 1, "transmitter", body={"complete": True}))
        assert facts(browser.get("/fire/commands").text)["状态"] == "正常 60秒钟前"
    assert shown["状态"] == "主电故障 5分钟前"
    assert shown["软件版本"] == "3.7 9分钟前"
    assert (shown["时钟"].startswith("慢 3分钟"), shown["时钟"].endswith("7分钟前")) == (True, True)


def test_the_record_calls_only_a_complete_report_of_nothing_normal(console: Console, incident: FireIncident) -> None:
    whole = {"complete": True}
    more = {"incident_id": incident.id}
    signals = [
        fire_rows.signal("n1", START, body=whole, **more),
        fire_rows.signal("n2", START, body=whole, marks=["reserved_bits"], **more),
        own("n3", 0, "unparsed", text="%%??", **more),
        own("n4", 0, "info", text="配置", **more),
        fire_rows.signal("n5", START, scope="analog", body={"values": [{"value": 61.5, "unit": "°C"}]}, **more),
        own("n6", 0, "operation", **more),
    ]
    with console.db.begin() as s:
        s.add_all(signals)
    with console.db.read() as s:
        found = record.of(s, console.configs.site(SITE), incident.id)
    tables = {one.id: one.rows for one in found.sections}
    said = [row[2] for row in tables["timeline"] if row[1] == "+1:00"]
    assert said == ["恢复正常", "部件消息", "无法识别 %%??", "信息 配置", "模拟量 61.5 °C", "操作"]
    counts = dict(row for row in tables["summary"] if row[0].endswith("信号数"))
    assert counts == {"火警信号数": "1", "全部信号数": "7"}
    with console.browser("duty") as browser:
        page = browser.get(f"/fire/incidents/{incident.id}").text
    assert re.search(r'全部信号</h2><span class="num quiet">7</span>.*?火警信号 <span class="num">1</span>', page)


def test_the_log_as_a_file_says_what_ended_and_what_was_told(console: Console, incident: FireIncident) -> None:
    whole = {"complete": True}
    with console.db.begin() as s:
        s.add_all(
            [
                fire_rows.signal("w1", START, body=whole, ended=["fault"]),
                own("w2", 0, "info", body={"info": "version", "version": "3.7"}),
                own("w3", 0, "info", text="两回路", body={"info": "config", "config": "两回路"}),
                own("w4", 0, "info", body={"info": "time"}, panel_at=START),
                fire_rows.signal("w5", START, scope="analog", body={"values": [{"value": 61.5, "unit": "°C"}]}),
                fire_rows.signal("w6", START, "01000400", "fire", marks=["test_bit", "bad_time"]),
            ]
        )
    with console.browser("duty") as browser:
        table = list(csv.reader(StringIO(browser.get("/fire/log.csv").content.decode("utf-8-sig"))))
        page = browser.get("/fire/log").text
        linked = browser.get(f"/fire/log?incident={incident.id}").text
    lines = [dict(zip(table[0], row, strict=True)) for row in table[1:]]
    newest = {one["文字"]: one for one in lines[:6]}
    assert [(one["状态"], one["恢复"]) for one in lines if one["恢复"]] == [("正常", "故障")]
    assert {"软件版本 3.7", "两回路", "控制器时间 2026-11-21 10:00:00", "61.5 °C"} <= newest.keys()
    assert {one["事件"] for one in lines} == {"", incident.number}
    assert f"<code>{incident.number}</code>" in linked
    assert '<span class="pill pill-warn">测试位' not in page
    assert "<dd>测试位" in page
    assert '<span class="pill pill-warn">控制器时间' in page


def test_a_sender_nobody_declared_is_named_so_everywhere(console: Console, incident: FireIncident) -> None:
    device = {"device": "gateway-1", "panel": "gateway-1", "component": STRANGE, "point": "", "zone": ""}
    part = {"id": STRANGE, "panel": "gateway-1", "text": "锅炉房烟感"}
    with console.db.begin() as s:
        s.add(fire_rows.component(f"{SENDER}:01000300", START, "fire", **part))
        s.add(fire_rows.signal("g1", START, "", "fire", text="锅炉房烟感", marks=["unknown_source"], **device))
        row = s.get_one(FireIncident, incident.id)
        row.zones = {**row.zones, "": [STRANGE]}
    name = f"未登记传输装置 {SENDER}"
    with console.browser("duty") as browser:
        pages = [browser.get(path).text for path in (
            "/fire", "/fire/buildings/building-1", f"/fire/incidents/{incident.id}", "/fire/log", "/fire/commands",
        )]  # fmt: skip
    assert [path for path, page in enumerate(pages) if "现场网关" in page or "未登记传输装置" not in page] == []
    assert all("锅炉房烟感" in page and name in page for page in pages[1:])
    assert f"address: &#34;{SENDER}&#34;" in pages[4] or f'address: "{SENDER}"' in pages[4]
    with console.db.read() as s:
        news = phone_fire.news(s, console.configs.site(SITE), Actor("duty", "duty", Role.DUTY), START)
    spot = news.open[0].spots[-1]
    assert (spot.name, spot.name_en) == (
        f"{name} 01000300 锅炉房烟感",
        f"Unknown transmission device {SENDER} 01000300 锅炉房烟感",
    )


def test_a_panel_is_not_named_twice_and_people_have_their_english_name(
    console: Console, incident: FireIncident
) -> None:
    device = console.configs.site(SITE).device_by_id[PANEL]
    with console.browser("duty") as browser:
        page = browser.get("/fire/log?scope=operation").text
    head = " ".join(re.sub(r"<[^>]+>", " ", page[page.index('class="signals"') :]).split())
    assert f"{device.name} · {device.name}" not in head
    person = console.configs.site(SITE).person_by_username["duty"]
    with console.browser("duty", "en") as browser:
        page = browser.get("/fire").text
    assert f'<span class="menu-name">{person.name_en}</span>' in page
    assert person.name != person.name_en
