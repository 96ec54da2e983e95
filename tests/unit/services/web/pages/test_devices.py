"""The devices' pages and their API, over the shipped site."""

from datetime import timedelta

import pytest
from console import SITE, START, Console

from gateway.contract.heard import Heard, Rejected
from gateway.contract.times import to_ms
from services.device import silence
from services.device.tables import DeviceSequence, DeviceState
from services.web.queries import devices as queries

HOUR = timedelta(hours=1)
PLC, NVR, LEAK = "domestic-plc", "nvr-1", "fire-pump-leak"


def state(device: str, **changes: object) -> DeviceState:
    values: dict[str, object] = {"heard_ms": to_ms(START), "event_ms": to_ms(START), "online": True, "ahead_ms": 0}
    return DeviceState(device=f"{SITE}/{device}", **values | changes)


@pytest.fixture
def stocked(console: Console) -> Console:
    """One device is well, one is silent, one runs out of battery; one was worked on."""
    with console.db.begin() as s:
        s.add(state(PLC, online_ms=to_ms(START - HOUR), offset_s=3.2, firmware="2.4.1"))
        s.add(state(NVR, heard_ms=to_ms(START - HOUR)))
        s.add(state(LEAK, battery=12.0, rssi_dbm=-91.0, snr_db=4.5))
        s.add(DeviceSequence(device=f"{SITE}/{PLC}", boot="b1", high=90, gaps=[[7, 9, to_ms(START - HOUR), 1]]))
        silence.begin(s, f"{SITE}/{NVR}", "silent", START - HOUR, excused=False)
        worked = silence.begin(s, f"{SITE}/{PLC}", "offline", START - 5 * HOUR, excused=True)
        silence.end(s, worked, START - 3 * HOUR)
    return console


def test_the_list_says_who_is_there_and_how_much_of_the_month(stocked: Console) -> None:
    with stocked.browser("engineer-water") as browser:
        page = browser.get("/devices").text
        assert page.index("1号硬盘录像机") < page.index("生活泵房采集器"), "the worst first"
        assert "失联" in page
        assert "+3.2 s" in page
        assert "12%" in page
        assert "从未上报" in page
        assert "本月各类设备在线率" in page
        assert "99." in page.split("本月各类设备在线率")[1]
        assert "2小时" in page.split("本月各类设备在线率")[1].replace(" ", ""), "the work is listed"
        only = browser.get("/devices?state=silent").text
        assert "1号硬盘录像机" in only.split("<tbody>")[1]
        assert "生活泵房采集器" not in only.split("<tbody>")[1].split("</tbody>")[0]
        assert "泵房采集器" in browser.get("/devices?q=plc", **{"HX-Request": "true"}).text
        assert "没有" in browser.get("/devices?q=nothing-like-it").text
    with stocked.browser("engineer-water", "en") as browser:
        assert "Online rate this month by device kind" in browser.get("/devices").text


def test_a_device_shows_its_points_gaps_silences_and_how_it_is_connected(stocked: Console) -> None:
    stocked.hear("low-zone-pressure", 0.45, 4)
    stocked.reject(b"{")
    with stocked.browser("engineer-water") as browser:
        page = browser.get(f"/devices/{SITE}/{PLC}").text
        assert "低区出口压力" in page
        assert "0.450" in page
        assert "7–9" in page
        assert "维护" in page
        assert "2.4.1" in page
        assert "更夫自有协议" in page
        sensor = browser.get(f"/devices/{SITE}/{LEAK}").text
        assert "zigbee2mqtt/" in sensor
        assert browser.get(f"/devices/{SITE}/nothing").status_code == 404


def test_what_was_refused_of_a_device_can_be_looked_at_alone(stocked: Console) -> None:
    now_ms = to_ms(stocked.now)
    told = Rejected("zigbee2mqtt/leak", b'{"x":null}', "null", "leak is null", "Look at it", now_ms, SITE, LEAK, "leak")
    stocked.judge.hear([], [told], now_ms)
    stocked.reject(b"{")
    with stocked.browser("engineer-water") as browser:
        assert "隔离区有 1 条" in browser.get(f"/devices/{SITE}/{LEAK}").text
        page = browser.get(f"/quarantine?site={SITE}&device={LEAK}").text
        assert "zigbee2mqtt/leak" in page
        assert "空值" in page
        assert "gengfu/v1/yunhe/domestic-plc/reading" not in page


def test_the_api_says_the_same(stocked: Console) -> None:
    with stocked.browser("engineer-water") as browser:
        found = {one["device"]: one for one in browser.get("/api/v1/devices").json()}
        assert found[NVR]["state"] == "silent"
        assert found[NVR]["online_rate"] < 1
        assert found[PLC]["online_rate"] == 1, "work is not counted"
        assert found[PLC]["missing_events"] == 3
        one = browser.get(f"/api/v1/devices/{SITE}/{PLC}").json()
        assert one["gaps"][0]["first"] == 7
        assert one["silences"][0]["excused"]
        assert browser.get(f"/api/v1/devices/{SITE}/nothing").status_code == 404


def test_what_a_device_says_of_itself_is_kept_and_shown(console: Console) -> None:
    at_ms = to_ms(console.now)
    body = {"id": "b1-1", "online": True, "battery": 64, "rssi_dbm": -70, "firmware": "1.0", "clock_offset_s": -12.5}
    console.judge.hear([Heard(SITE, LEAK, "status", "b1-1", "b1", 1, at_ms, body=body, at_ms=at_ms)], [], at_ms)
    with console.browser("engineer-water") as browser:
        page = browser.get(f"/devices/{SITE}/{LEAK}").text
        assert "64%" in page
        assert "-12.5 s" in page


@pytest.mark.parametrize(
    ("stretches", "hours"), [([], 0), ([(0, 2), (1, 3)], 3), ([(4, 5), (0, 2)], 3), ([(0, 9), (2, 3)], 9)]
)
def test_overlapping_silences_count_once(stretches: list[tuple[int, int]], hours: int) -> None:
    assert queries.union((START + a * HOUR, START + b * HOUR) for a, b in stretches) == hours * HOUR
