"""Messages on foreign topics → events: routes, strangers, repeats, waiting, poison, silence."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest
import sparkplug_bytes as sp
from sensor_sites import as_ingest, family, readings, refusals, site, statuses

from gateway.mqtt import BrokerAddress
from gateway.outbox import OutboxError
from gateway.outlet import Event, Outlet
from gateway.publish import Publisher
from gateway.sensors.mapping import MAX_RAW_LATER, BadSensor
from gateway.sensors.routes import smallest
from gateway.sensors.topics import STRANGER_EVERY_MS, Topics
from gateway.site.profile import PayloadField, Presence, Profile, TimeRule
from gateway.site.sensors import Sensor
from gateway.subscribe import Message

NOW_MS = 1_795_000_000_000
TASMOTA = family(
    "tasmota",
    "tele/{device}/SENSOR",
    PayloadField(name="temperature", select="DS18B20.Temperature", unit="°C"),
    time=TimeRule(select="Time"),
    presence=Presence(topic="tele/{device}/LWT", online="Online", offline="Offline"),
)
CONTACT = family(
    "contact", "zigbee2mqtt/{device}", PayloadField(name="open", select="contact", values={"false": 1, "true": 0})
)
LEAK = family(
    "leak", "zigbee2mqtt/{device}", PayloadField(name="wet", select="water_leak", values={"true": 1, "false": 0})
)
UPLINK = family(
    "uplink",
    "application/+/device/{device}/event/up",
    PayloadField(name="level", select="object.level", unit="m"),
    identity="deviceInfo.devEui",
    dedupe="deduplicationId",
)
NODE = family("node", "spBv1.0/+/+/{device}/#", PayloadField(name="pressure", select="Pressure", unit="MPa"),
              format="sparkplug", rebirth=True)  # fmt: skip
PROFILES = {one.id: one for one in (TASMOTA, CONTACT, LEAK, UPLINK, NODE)}
SENSORS = (
    Sensor(device="room", profile="tasmota", points={"temperature": "room-t"}, offline_after=timedelta(seconds=10)),
    Sensor(device="door", profile="contact", name="泵房/door", points={"open": "door-open"}),
    Sensor(device="rope", profile="leak", name="rope", points={"wet": "rope-wet"}),
    Sensor(device="tank", profile="uplink", name="24E124538C123456", points={"level": "tank-level"}),
    Sensor(device="pump", profile="node", name="plant/edge/pump", points={"pressure": "pump-p"}),
    Sensor(device="boiler", profile="tasmota", topic="tele/boiler/SENSOR", points={"temperature": "boiler-t"}),
)
POINTS = {"room-t": "°C", "door-open": "1", "rope-wet": "1", "tank-level": "m", "pump-p": "MPa", "boiler-t": "°C"}


class Asked:
    """Stands in for the session: keeps what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes) -> None:
        self.published.append((topic, payload))


class Bench:
    """Topics that are not connected, and the time."""

    def __init__(self, sensors: Sequence[Sensor] = SENSORS, profiles: Mapping[str, Profile] = PROFILES) -> None:
        self.ms = NOW_MS
        self.topics = Topics(
            site(*sensors, points=POINTS),
            profiles,
            cast(Publisher, None),
            BrokerAddress(),
            "test",
            lambda: self.ms,
            gateway="gateway-1",
            monotonic=lambda: self.ms / 1000,
        )
        self.asked = Asked()

    def hear(self, topic: str, payload: Any, *, retain: bool = False) -> list[Event]:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.topics.events(Message(topic, raw, 1, 1, retain))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_is_subscribed_to(bench: Bench) -> None:
    assert [topic for topic, _ in bench.topics._subscriber._filters] == [
        "application/+/device/+/event/up",
        "spBv1.0/+/+/+/#",
        "tele/+/SENSOR",
        "tele/boiler/LWT",
        "tele/room/LWT",
        "zigbee2mqtt/+",
        "zigbee2mqtt/泵房/door",
    ]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (["a/+", "a/b", "a/b"], ["a/+"]),
        (["a/#", "a", "a/b/c", "+/b"], ["+/b", "a/#"]),
        (["a/+", "a/#"], ["a/#"]),
        (["+/b", "a/+"], ["+/b", "a/+"]),
    ],
)
def test_a_filter_that_another_covers_is_left_out(filters: list[str], kept: list[str]) -> None:
    assert smallest(filters) == kept


@pytest.mark.parametrize(
    ("topic", "payload", "device", "reading"),
    [
        ("tele/room/SENSOR", {"DS18B20": {"Temperature": 20.6}}, "room", ("room-t", 20.6, 0)),
        ("tele/boiler/SENSOR", {"DS18B20": {"Temperature": 61.5}}, "boiler", ("boiler-t", 61.5, 0)),
        ("zigbee2mqtt/泵房/door", {"contact": False}, "door", ("door-open", 1.0, 0)),
        ("zigbee2mqtt/rope", {"water_leak": True}, "rope", ("rope-wet", 1.0, 0)),
        ("application/7/device/24e124538c123456/event/up",
         {"deviceInfo": {"devEui": "24e124538c123456"}, "object": {"level": 3.2}}, "tank", ("tank-level", 3.2, 0)),
        ("spBv1.0/plant/DBIRTH/edge/pump", sp.payload(NOW_MS, 1, sp.metric("Pressure", 0.4, sp.FLOAT)), "pump",
         ("pump-p", 0.4, 0)),
    ],
)  # fmt: skip
def test_a_message_finds_its_device(
    bench: Bench, topic: str, payload: Any, device: str, reading: tuple[str, float, int]
) -> None:
    events = bench.hear(topic, payload)
    assert readings(events) == [reading]
    assert {one for one, _, _ in events} == {device}
    assert [one["online"] for one in statuses(events)] == [True]
    assert refusals(events) == []


def test_a_message_that_cannot_be_read_goes_to_quarantine_under_its_device(bench: Bench) -> None:
    assert refusals(bench.hear("tele/room/SENSOR", b"{oops")) == [("room", "tele/room/SENSOR", b"{oops", ["bad_json"])]


def test_a_stranger_is_told_once_an_hour_under_the_gateway(bench: Bench) -> None:
    payload = {"DS18B20": {"Temperature": 20.6}}
    ((device, topic, _, codes),) = refusals(bench.hear("tele/attic/SENSOR", payload))
    assert (device, topic, codes) == ("gateway-1", "tele/attic/SENSOR", ["unknown_sensor"])
    assert bench.hear("tele/attic/SENSOR", payload) == []
    assert len(refusals(bench.hear("tele/cellar/SENSOR", payload))) == 1
    bench.ms += STRANGER_EVERY_MS
    assert len(refusals(bench.hear("tele/attic/SENSOR", payload))) == 1
    assert bench.topics.unknown == 4


def test_garbage_of_a_stranger_is_told_as_such(bench: Bench) -> None:
    assert refusals(bench.hear("tele/attic/SENSOR", b"{oops")) == [
        ("gateway-1", "tele/attic/SENSOR", b"{oops", ["bad_json"])
    ]


def test_strangers_without_end_are_only_counted(bench: Bench) -> None:
    told = [bench.hear(f"tele/x{number}/SENSOR", {"DS18B20": {"Temperature": 1}}) for number in range(1010)]
    assert sum(bool(one) for one in told) == 500
    assert bench.topics.unknown == 1010
    bench.ms += STRANGER_EVERY_MS
    assert bench.hear("tele/late/SENSOR", {"DS18B20": {"Temperature": 1}})


def test_a_strangers_message_is_kept_short_and_a_monstrous_topic_not_at_all(bench: Bench) -> None:
    ((_, _, raw, _),) = refusals(bench.hear("tele/attic/SENSOR", b"{" + b"x" * 60_000))
    assert len(raw) == MAX_RAW_LATER
    assert bench.hear(f"tele/{'x' * 60_000}/SENSOR", {"DS18B20": {"Temperature": 1}}) == []
    assert sum(map(len, bench.topics._strangers)) < 1000


def test_what_does_not_concern_us_is_no_stranger(bench: Bench) -> None:
    for topic, payload in [
        ("tele/attic/LWT", b"Online"),
        ("tele/room/STATE", b"{}"),
        ("spBv1.0/p/NCMD/e", b""),
        ("zigbee2mqtt/lamp", b'{"state":"ON","contact":null}'),
    ]:
        assert bench.hear(topic, payload) == []
    assert bench.topics.unknown == 0


def test_an_uplink_that_came_twice_is_one(bench: Bench) -> None:
    topic = "application/7/device/24e124538c123456/event/up"
    payload = {"deduplicationId": "3ac7e3c4", "deviceInfo": {"devEui": "24e124538c123456"}, "object": {"level": 3.2}}
    assert len(readings(bench.hear(topic, payload))) == 1
    assert bench.hear(topic, payload) == []
    assert len(readings(bench.hear(topic, payload | {"deduplicationId": "3ac7e3c5"}))) == 1


def test_retained_messages_are_state(bench: Bench) -> None:
    payload = {"DS18B20": {"Temperature": 20.6}}
    assert bench.hear("tele/room/SENSOR", payload, retain=True) == []
    assert bench.hear("tele/attic/SENSOR", payload, retain=True) == []
    (status,) = statuses(bench.hear("tele/room/LWT", b"Offline", retain=True))
    assert status["online"] is False
    timed = payload | {"Time": "2026-11-18T19:00:00"}
    events = bench.hear("tele/room/SENSOR", timed, retain=True)
    assert readings(events) == [("room-t", 20.6, 0)]
    assert as_ingest(events[0]).at_ms == NOW_MS - 400_000  # the site's local time
    assert bench.hear("tele/room/SENSOR", timed, retain=True) == []
    assert bench.hear("spBv1.0/plant/DBIRTH/edge/pump", sp.payload(1, 1), retain=True) == []


def test_a_backlog_without_times_is_uncertain(bench: Bench) -> None:
    bench.topics.on_session(True)
    assert readings(bench.hear("zigbee2mqtt/rope", {"water_leak": True})) == [("rope-wet", 1.0, 1)]
    bench.topics.on_session(False)
    assert readings(bench.hear("zigbee2mqtt/rope", {"water_leak": True})) == [("rope-wet", 1.0, 0)]


def test_a_poison_message_does_not_stop_the_stream(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    family = bench.topics._families[0]

    def fails(*_: object) -> list[object]:
        raise RuntimeError("boom")

    monkeypatch.setattr(type(family.reader), "read", fails)
    ((device, topic, raw, codes),) = refusals(bench.hear("tele/room/SENSOR", b"poison"))
    assert (device, topic, raw, codes) == ("gateway-1", "tele/room/SENSOR", b"poison", ["reader_failed"])
    monkeypatch.undo()
    assert len(readings(bench.hear("tele/room/SENSOR", {"DS18B20": {"Temperature": 20.6}}))) == 1


def test_silence_is_offline_once(bench: Bench) -> None:
    bench.hear("tele/room/SENSOR", {"DS18B20": {"Temperature": 20.6}})
    bench.ms += 10_000
    assert bench.topics.tick() == []
    bench.ms += 1
    ((device, _, body),) = bench.topics.tick()
    assert (device, body["online"]) == ("room", False)
    assert bench.topics.tick() == []
    events = bench.hear("tele/room/SENSOR", {"DS18B20": {"Temperature": 20.7}})
    assert [one["online"] for one in statuses(events)] == [True]


def test_a_gap_of_a_node_is_no_data_until_it_is_born_again(bench: Bench) -> None:
    bench.topics._subscriber = cast(Any, bench.asked)

    def say(kind: str, seq: int, *metrics: bytes) -> list[Event]:
        return bench.hear(f"spBv1.0/plant/{kind}/edge/pump", sp.payload(bench.ms, seq, *metrics))

    bench.hear("spBv1.0/plant/NBIRTH/edge", sp.payload(bench.ms, 0, sp.metric("bdSeq", 0, sp.INT64)))
    say("DBIRTH", 1, sp.metric("Pressure", 0.4, sp.FLOAT, alias=1))
    bench.ms += 1000
    assert readings(say("DDATA", 3, sp.metric(value=0.38, alias=1))) == [("pump-p", 0.38, 0)]
    bench.ms += 2000
    events = [one for one in bench.topics.tick() if one[0] == "pump"]
    assert readings(events) == [("pump-p", 0.38, 2)]
    assert [one["online"] for one in statuses(events)] == [False]
    ((topic, _),) = bench.asked.published
    assert topic == "spBv1.0/plant/NCMD/edge"
    bench.ms += 100
    bench.hear("spBv1.0/plant/NBIRTH/edge", sp.payload(bench.ms, 0, sp.metric("bdSeq", 0, sp.INT64)))
    events = say("DBIRTH", 1, sp.metric("Pressure", 0.41, sp.FLOAT, alias=1))
    assert readings(events) == [("pump-p", 0.41, 0)]
    assert [one["online"] for one in statuses(events)] == [True]


class Wire:
    """Stands in for the session: one batch of two messages, then the end. Notes what is done in which order."""

    generation = 7
    connected = True

    def __init__(self, topics: Topics, messages: list[Message]) -> None:
        self.topics, self.messages = topics, messages
        self.done: list[str] = []

    def gather(self, *_: object) -> list[Message]:
        messages, self.messages = self.messages, []
        if not messages:
            self.topics._closing.set()
        return messages

    def acknowledge(self, messages: list[Message], generation: int) -> None:
        self.done.append(f"acknowledge {len(messages)} of {generation}")

    def keep_alive(self) -> None:
        self.done.append("keep alive")

    def close(self) -> None:
        self.done.append("close")


class Disk:
    """Stands in for the publisher: refuses a number of times, as a full disk does."""

    def __init__(self, wire: Wire, refusals: int) -> None:
        self.wire, self.refusals = wire, refusals

    def put_many(self, events: Sequence[Event]) -> list[str]:
        if self.refusals:
            self.refusals -= 1
            self.wire.done.append("refuse")
            raise OutboxError("disk full")
        if any(kind == "reading" for _, kind, _ in events):
            self.wire.done.append("keep")
        return []


def test_nothing_is_acknowledged_before_it_is_on_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sensors.topics._PUT_AGAIN_S", 0.001)
    raw = json.dumps({"DS18B20": {"Temperature": 20.6}}).encode()
    wire = Wire(bench.topics, [Message("tele/room/SENSOR", raw, mid, 1, False) for mid in (1, 2)])
    bench.topics._subscriber = cast(Any, wire)
    bench.topics._outlet = Outlet(Disk(wire, 2))
    bench.topics._run()
    assert wire.done == ["refuse", "keep alive", "refuse", "keep alive", "keep", "acknowledge 2 of 7", "close"]


@pytest.mark.parametrize("profile", ["nobody", "modbus"])
def test_a_sensor_of_an_unknown_family_is_said_before_anything_starts(profile: str) -> None:
    modbus = Profile(id="modbus", name="m", name_en="m", source="t")
    with pytest.raises(BadSensor):
        Bench([Sensor(device="x", profile=profile)], {"modbus": modbus})


def test_a_failure_that_nobody_thought_of_does_not_end_the_hearing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages: list[int] = []

    def step() -> None:
        stages.append(1)
        if len(stages) == 2:
            bench.topics._closing.set()
        raise ValueError("unforeseen")

    monkeypatch.setattr("gateway.sensors.topics._PUT_AGAIN_S", 0)
    monkeypatch.setattr(bench.topics, "_step", step)
    bench.topics._run()
    assert len(stages) == 2
