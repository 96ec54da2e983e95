import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.decode import Decoded, decode
from gateway.contract.errors import ContractError
from gateway.contract.times import from_ms, to_ms
from gateway.contract.topics import parse_topic
from gateway.simulator.device import DeviceScript
from gateway.simulator.messages import Message, malformed, ulid
from gateway.simulator.plan import Plan, virtual_devices
from gateway.simulator.run import Timeline, stream
from gateway.simulator.scenario import Fault, Scenario, load_scenario, shipped_scenarios
from gateway.site.model import SiteConfig

MIN = timedelta(minutes=1)


def scenario_of(*faults: dict[str, object]) -> Scenario:
    return Scenario(id="test", name="测试", name_en="test", faults=tuple(Fault.model_validate(one) for one in faults))


def script_of(
    config: SiteConfig, start: datetime, *faults: dict[str, object], device: str = "dtu-1", **options: object
) -> DeviceScript:
    return DeviceScript(Plan(config, scenario_of(*faults), 1, start), device, **options)  # type: ignore[arg-type]


def readings(messages: Iterable[Message]) -> list[tuple[Message, Decoded]]:
    return [(one, decode("reading", one.payload)) for one in messages if one.role == "reading"]


# --- slicing ---


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(shipped_scenarios()),
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(0, 720_000), max_size=8).map(sorted),
)
def test_however_the_stream_is_sliced_it_is_the_same(
    config: SiteConfig, start: datetime, name: str, seed: int, cuts: list[int]
) -> None:
    whole = list(stream(config, name, seed, start, start + 12 * MIN))
    edges = [start, *(start + timedelta(milliseconds=cut) for cut in cuts), start + 12 * MIN]
    sliced = [message for a, b in pairwise(edges) for message in stream(config, name, seed, a, b, began=start)]
    assert sliced == whole


@settings(max_examples=25, deadline=None)
@given(
    starts=st.lists(st.integers(0, 3_600), min_size=1, max_size=6), name=st.sampled_from(["demo", "storm", "backlog"])
)
def test_a_script_may_be_asked_again_about_earlier_times(
    config: SiteConfig, start: datetime, starts: list[int], name: str
) -> None:
    asked = DeviceScript(Plan(config, load_scenario(name), 1, start), "dtu-1")
    for second in starts:
        begin = start + timedelta(seconds=second)
        fresh = DeviceScript(Plan(config, load_scenario(name), 1, start), "dtu-1")
        assert asked.messages_between(begin, begin + MIN) == fresh.messages_between(begin, begin + MIN)


# --- contract ---


@pytest.mark.parametrize("batches", [True, False])
@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_message_follows_the_contract_and_every_broken_one_does_not(
    config: SiteConfig, start: datetime, name: str, batches: bool
) -> None:
    last_ms, ids = 0, set()
    for message in stream(config, name, 3, start, start + 75 * MIN, batches=batches):
        assert message.send_at_ms >= last_ms
        assert message.qos == 1
        last_ms = message.send_at_ms
        parsed = parse_topic(message.topic)
        assert parsed.device in virtual_devices(config)
        if message.role == "malformed":
            with pytest.raises(ContractError):
                decode(parsed.kind, message.payload)
            continue
        decoded = decode(parsed.kind, message.payload)
        assert not decoded.refused
        assert (parsed.kind == "status") == message.retain
        assert message.role == "will" or (parsed.device, decoded.event_id) not in ids
        ids.add((parsed.device, decoded.event_id))
        for _, _, point, _, _ in decoded.readings:
            assert config.point(point).device == parsed.device


@pytest.mark.parametrize("number", range(10))
def test_each_broken_form_is_refused(number: int) -> None:
    with pytest.raises(ContractError):
        decode("reading", malformed(number, ulid(1, 1_795_226_400_000), 1_795_226_400_000, "dom-low-outlet", 0.45))


def test_ulids_sort_by_time() -> None:
    ids = [ulid(5, at) for at in range(1_795_226_400_000, 1_795_226_400_050)]
    assert ids == sorted(ids)
    assert all(len(one) == 26 for one in ids)


def test_a_lone_value_is_a_reading_with_its_unit_and_more_are_a_batch(config: SiteConfig, start: datetime) -> None:
    lone = scenario_of({"kind": "silence", "target": "dom-high-outlet", "start": 0, "duration": "1h"})
    two = DeviceScript(Plan(config, scenario_of(), 1, start), "dtu-1").messages_between(
        start, start + timedelta(seconds=9)
    )
    one = DeviceScript(Plan(config, lone, 1, start), "dtu-1").messages_between(start, start + timedelta(seconds=9))
    assert all(len(decoded.readings) >= 2 for _, decoded in readings(two))
    assert {decoded.unit for _, decoded in readings(one)[1:]} == {"MPa"}


# --- sequence ---


def test_seq_rises_by_one_from_one_through_silence_and_broken_messages(config: SiteConfig, start: datetime) -> None:
    script = script_of(
        config,
        start,
        {"kind": "silence", "target": "dom-*", "start": "20s", "duration": "30s", "every": "2min"},
        {"kind": "malformed", "target": "dtu-1", "start": "10s", "duration": "1s", "every": "7s"},
    )
    seen = readings(script.messages_between(start, start + 10 * MIN))
    assert [decoded.seq for _, decoded in seen] == list(range(1, len(seen) + 1))
    assert len({decoded.boot for _, decoded in seen}) == 1
    assert len(seen) < 300


def test_a_run_that_starts_later_is_another_boot(config: SiteConfig, start: datetime) -> None:
    boots = {readings(script_of(config, at).messages_between(at, at + MIN))[0][1].boot for at in (start, start + MIN)}
    assert len(boots) == 2


def test_a_restart_says_nothing_meanwhile_and_counts_anew(config: SiteConfig, start: datetime) -> None:
    script = script_of(config, start, {"kind": "restart", "target": "dtu-1", "start": "1min", "duration": "20s"})
    messages = script.messages_between(start, start + 3 * MIN)
    seen = readings(messages)
    boots = list(dict.fromkeys(decoded.boot for _, decoded in seen))
    assert len(boots) == 2
    for boot in boots:
        seqs = [decoded.seq for _, decoded in seen if decoded.boot == boot]
        assert seqs == list(range(1, len(seqs) + 1))
    down, up = to_ms(start + MIN), to_ms(start + MIN) + 20_000
    assert not [one for one, _ in seen if down <= one.send_at_ms < up]
    assert [one.role for one in messages if one.role in ("birth", "will")] == ["birth", "will", "birth"]


# --- away from the broker ---


def test_the_backlog_leaves_in_order_with_event_times_and_without_gaps(config: SiteConfig, start: datetime) -> None:
    script = script_of(config, start, {"kind": "offline", "target": "dtu-1", "start": "5min", "duration": "1h"})
    messages = script.messages_between(start, start + 70 * MIN)
    away, back = to_ms(start + 5 * MIN), to_ms(start + 65 * MIN)
    assert [one.send_at_ms for one in messages if one.role == "will"] == [away]
    assert [one.send_at_ms for one in messages if one.role == "birth"] == [to_ms(start), back]
    assert not [one for one in messages if away < one.send_at_ms < back]
    seen = readings(messages)
    assert [decoded.seq for _, decoded in seen] == list(range(1, len(seen) + 1))
    assert [decoded.at_ms for _, decoded in seen] == sorted(decoded.at_ms for _, decoded in seen)
    kept = [(one, decoded) for one, decoded in seen if away <= decoded.at_ms < back]
    assert len(kept) == 1800
    assert all(back < one.send_at_ms <= back + 5_000 for one, _ in kept)


def test_a_full_memory_drops_the_oldest_which_shows_as_one_gap(config: SiteConfig, start: datetime) -> None:
    offline = {"kind": "offline", "target": "dtu-1", "start": "5min", "duration": "1h"}
    seen = readings(script_of(config, start, offline, backlog=100).messages_between(start, start + 70 * MIN))
    gaps = [(a[1].seq, b[1].seq) for a, b in pairwise(seen) if b[1].seq != a[1].seq + 1]
    assert len(gaps) == 1
    assert gaps[0][1] - gaps[0][0] - 1 == 1700
    assert seen[-1][1].seq > gaps[0][1] + 99


def test_power_loss_while_offline_loses_what_memory_held(config: SiteConfig, start: datetime) -> None:
    offline = {"kind": "offline", "target": "dtu-1", "start": "1min", "duration": "2min"}
    power = {"kind": "restart", "target": "dtu-1", "start": "2min", "duration": "10s"}
    seen = readings(script_of(config, start, offline, power).messages_between(start, start + 5 * MIN))
    minutes = {(decoded.at_ms - to_ms(start)) // 60_000 for _, decoded in seen}
    assert minutes == {0, 2, 3, 4}
    assert len({decoded.boot for _, decoded in seen}) == 2


def test_nothing_is_sent_between_will_and_birth(config: SiteConfig, start: datetime) -> None:
    script = script_of(
        config,
        start,
        {"kind": "offline", "target": "*", "start": "1min", "duration": "1min", "every": "3min"},
        {"kind": "restart", "target": "*", "start": "90s", "duration": "1min", "every": "6min"},
        {"kind": "malformed", "target": "*", "start": "1s", "duration": "1s", "every": "3s"},
    )
    away = False
    for message in script.messages_between(start, start + 20 * MIN):
        if message.role in ("will", "birth"):
            assert away == (message.role == "birth" and message.send_at_ms > to_ms(start))
            away = message.role == "will"
        else:
            assert not away


def test_status_tells_on_and_off_and_a_will_says_that_it_is_one(config: SiteConfig, start: datetime) -> None:
    script = script_of(config, start, {"kind": "offline", "target": "dtu-1", "start": "1min", "duration": "1min"})
    told = [json.loads(one.payload) for one in script.messages_between(start, start + 3 * MIN) if one.retain]
    assert [one["online"] for one in told] == [True, False, True]
    assert [one.get("will") for one in told] == [None, True, None]
    assert json.loads(script.farewell(to_ms(start)).payload)["online"] is False


def test_a_device_without_points_says_that_it_lives(config: SiteConfig, start: datetime) -> None:
    beats = script_of(config, start, device="panel").messages_between(start, start + 5 * MIN)
    assert [one.send_at_ms - to_ms(start) for one in beats] == [30_000 * step for step in range(10)]
    away = {"kind": "offline", "target": "panel", "start": "1min", "duration": "3min"}
    roles = [
        one.role for one in script_of(config, start, away, device="panel").messages_between(start, start + 5 * MIN)
    ]
    assert roles == ["birth", "heartbeat", "will", "birth", "heartbeat"]


# --- clocks and floods ---


def test_a_skewed_clock_shows_in_event_times_only(config: SiteConfig, start: datetime) -> None:
    skew = {"kind": "clock_skew", "target": "dtu-1", "start": "1min", "duration": "1min", "size": -180}
    straight = readings(script_of(config, start).messages_between(start, start + 3 * MIN))
    skewed = readings(script_of(config, start, skew).messages_between(start, start + 3 * MIN))
    assert [one.send_at_ms for one, _ in straight] == [one.send_at_ms for one, _ in skewed]
    assert {b[1].at_ms - a[1].at_ms for a, b in zip(straight, skewed, strict=True)} == {0, -180_000}
    assert [d.readings[0][3] for _, d in straight] == [d.readings[0][3] for _, d in skewed]


def test_a_burst_sends_so_many_times_as_much(config: SiteConfig, start: datetime) -> None:
    burst = {"kind": "burst", "target": "dtu-2", "start": "1min", "duration": "1min", "size": 50}
    seen = readings(script_of(config, start, burst, device="dtu-2").messages_between(start, start + 3 * MIN))
    per_minute = [sum(1 for _, d in seen if minute == (d.at_ms - to_ms(start)) // 60_000) for minute in range(3)]
    assert per_minute[0] == 12
    assert per_minute[1] == pytest.approx(600, abs=50)
    assert per_minute[2] == pytest.approx(12, abs=50)
    assert [d.seq for _, d in seen] == list(range(1, len(seen) + 1))


# --- time ---


class Hand:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_a_timeline_from_the_past_catches_up_and_stays(start: datetime) -> None:
    clock = Hand(start)
    line = Timeline(clock, start - 60 * MIN, speed=61)
    assert line.now_ms() == to_ms(start - 60 * MIN)
    clock.at = start + timedelta(seconds=30)
    assert line.now_ms() == to_ms(start - 60 * MIN) + 30_000 * 61
    clock.at = start + 5 * MIN
    assert line.now_ms() == to_ms(start + 5 * MIN)
    assert line.seconds_until(line.now_ms() + 3_600_000) == 0.2
    assert line.seconds_until(line.now_ms() - 1) == 0.0


def test_a_timeline_may_run_faster_than_the_clock(start: datetime) -> None:
    clock = Hand(start)
    line = Timeline(clock, speed=10)
    clock.at = start + timedelta(seconds=3)
    assert from_ms(line.now_ms()) == start + timedelta(seconds=30)
