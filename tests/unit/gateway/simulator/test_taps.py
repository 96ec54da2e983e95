import json
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from gateway.contract.decode import decode
from gateway.contract.times import parse_at
from gateway.contract.topics import parse_topic
from gateway.simulator.plan import Plan, virtual_devices
from gateway.simulator.run import stream
from gateway.simulator.scenario import Guard, Scenario, load_scenario
from gateway.simulator.taps import TapScript, narration, tap_scripts
from gateway.site.model import SiteConfig

START = datetime(2026, 11, 21, 0, 10, tzinfo=UTC)
END = START + timedelta(hours=6)
MIXED: tuple[dict[str, object], ...] = (
    {"guard": "wu", "route": "loop", "behaviour": "offline", "one_in": 3, "by": "2h", "finding": "pressure"},
    {"guard": "li", "route": "night", "behaviour": "wrong_clock", "every": "1h"},
    {"guard": "li", "route": "loop", "behaviour": "desk_tapping", "start": "3h"},
)


@pytest.fixture
def quiet(patrolled: SiteConfig) -> SiteConfig:
    """The site without measured values."""
    return patrolled.model_copy(update={"points": ()})


def scenario_of(*guards: dict[str, object]) -> Scenario:
    return Scenario(id="test", name="测试", name_en="test", guards=tuple(Guard.model_validate(one) for one in guards))


def test_taps_are_events_of_the_phone_app_in_order_of_delivery(quiet: SiteConfig) -> None:
    last_ms, seqs, client_ids, taps = 0, [], set(), 0
    for message in stream(quiet, scenario_of(*MIXED), 1, START, END):
        assert message.send_at_ms >= last_ms
        last_ms = message.send_at_ms
        parsed = parse_topic(message.topic)
        assert (parsed.device == "app") == (message.role == "tap")
        if message.role != "tap":
            continue
        assert (parsed.kind, message.qos, message.retain) == ("tap", 1, False)
        decoded = decode("tap", message.payload)
        body = decoded.body or {}
        seqs.append(decoded.seq)
        client_ids.add(body["client_id"])
        assert parse_at(body["received_at"]) == message.send_at_ms > decoded.at_ms
        assert (body["guard"], body["phone"]) in {("wu", "sim-wu"), ("li", "sim-li")}
        assert ("tag" in body, body["evidence"]) in {(True, "uid"), (False, "qr")}
        assert body.get("code", "C-GATE") == "C-GATE"
        taps += 1
    assert taps > 50
    assert len(client_ids) == taps
    assert seqs == list(range(1, taps + 1))


def test_late_deliveries_keep_their_times_and_wrong_clocks_show(quiet: SiteConfig) -> None:
    bodies = [
        json.loads(message.payload)
        for message in stream(quiet, scenario_of(*MIXED), 1, START, END)
        if message.role == "tap"
    ]
    late = [one for one in bodies if parse_at(one["received_at"]) - parse_at(one["at"]) > 7_200_000]
    assert len(late) >= 6
    assert {one["guard"] for one in late} == {"wu"}
    assert {one["guard"] for one in bodies if one["claimed_at"] != one["at"]} == {"li"}
    assert {one["round"].split(".")[0] for one in bodies if "round" in one} == {"shaoxing/loop"}


def test_a_stream_may_be_cut_anywhere(quiet: SiteConfig) -> None:
    scenario, middle = scenario_of(*MIXED), START + timedelta(minutes=151)
    whole = [one for one in stream(quiet, scenario, 1, START, END) if one.role == "tap"]
    parts = [
        one
        for begin, end in ((START, middle), (middle, END))
        for one in stream(quiet, scenario, 1, begin, end, began=START)
        if one.role == "tap"
    ]
    assert parts == whole


def test_the_phone_app_has_no_status_of_the_simulators(patrolled: SiteConfig) -> None:
    plan = Plan(patrolled, scenario_of({}), 1, START)
    assert "app" not in virtual_devices(patrolled)
    assert "panel" in virtual_devices(patrolled)
    (script,) = tap_scripts(plan)
    assert (script.birth(0), script.will(0), script.farewell(0)) == (None, None, None)


def test_without_guards_or_without_phone_app_nobody_taps(config: SiteConfig, patrolled: SiteConfig) -> None:
    assert tap_scripts(Plan(patrolled, scenario_of(), 1, START)) == []
    assert tap_scripts(Plan(config, scenario_of({}), 1, START)) == []
    assert list(narration(Plan(config, scenario_of({}), 1, START))) == []
    assert list(TapScript(Plan(config, scenario_of({}), 1, START), "app").messages()) == []


def test_a_site_of_ones_own_is_walked_by_the_demos_guards_too(patrolled: SiteConfig) -> None:
    plan = Plan(patrolled, load_scenario("demo"), 1, START)
    guards = {json.loads(one.payload)["guard"] for one in islice(tap_scripts(plan)[0].messages(), 12)}
    assert guards == {"li"}


def test_what_is_told(patrolled: SiteConfig) -> None:
    plan = Plan(
        patrolled,
        scenario_of(
            {"guard": "li", "route": "pair", "behaviour": "skipping", "every": "24h"},
            {"guard": "he", "route": "pair", "behaviour": "offline", "every": "24h", "by": "90min"},
            {"guard": "wu", "route": "loop", "behaviour": "desk_tapping", "start": "10min", "rounds": 1},
            {"guard": "wu", "route": "loop", "start": "1h", "rounds": 1, "finding": "pressure"},
            {"guard": "li", "route": "night", "behaviour": "wrong_clock", "local_time": "23:45", "every": "24h"},
        ),
        1,
        START,
    )
    told = list(takewhile(lambda one: one.at_ms < plan.start_ms + 57_600_000, narration(plan)))
    assert [one.at_ms for one in told] == sorted(one.at_ms for one in told)
    assert [one.text for one in told] == [
        "早班岗开始走「联合」",
        "主管开始走「联合」，手机没有网络（模拟）",
        "早班岗没有到「点 yard」（模拟漏点）",
        "夜班岗几秒内打完「环线」的全部点（模拟桌面打卡）",
        "夜班岗开始走「环线」",
        "夜班岗在「点 garage」发现问题：压力（0.48MPa）",
        "主管的手机恢复网络，补传 4 次打点",
        "早班岗开始走「夜线」，手机时钟快 3 小时（模拟）",
    ]
    assert told[1].text_en == "主管 sets out on 联合 with a phone off line (simulated)"
    assert told[2].text_en == "Li leaves out yard (simulated)"
    assert told[5].text_en == "夜班岗 finds at garage: 压力 (0.48 MPa)"
