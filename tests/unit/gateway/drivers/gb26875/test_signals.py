"""What frames become: the words of the events, the device's own ways, and nothing lost where a frame is odd."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from gb26875_frames import BY_ID, FRAMES, SHANGHAI, UNITS, frames
from hypothesis import given, settings

from gateway.contract.events import FireEvent
from gateway.drivers.fire_signal import Signal, Value, signal_body
from gateway.drivers.gb26875 import objects as o
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.labels import encode_label
from gateway.drivers.gb26875.objects import InformationObject
from gateway.drivers.gb26875.signals import Profile, is_heartbeat, signals_of
from gateway.drivers.gb26875.texts import name_field
from gateway.drivers.gb26875.units import encode_unit

PROFILE = Profile(SHANGHAI)
LABEL = encode_label(datetime.fromisoformat("2026-11-22T10:00:00"))
DEVICE, CENTRE = bytes.fromhex("790300000000"), bytes.fromhex("385b01000000")
POINT = bytes.fromhex("0a000200")
NAMES = {
    "main_power_fault": "mains_fault",
    "backup_power_fault": "battery_fault",
    "duty_check_answer": "duty_answer",
}
"""The fixture's words for what we call otherwise."""


def sent(app: bytes, command: int = Command.SEND_DATA) -> Frame:
    return Frame(1, command, DEVICE, CENTRE, app, label=LABEL)


def one_of(flag: int, one: InformationObject, profile: Profile = PROFILE) -> Signal:
    [signal] = signals_of(sent(encode_unit(flag, [one])), profile)
    return signal


def component(state: int, name: bytes = name_field("3号楼2层烟感"), label: bytes = LABEL) -> o.ComponentState:
    return o.ComponentState(1, 1, 40, POINT, state, name, label)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def checks_known(signal: Signal, known: dict[str, Any]) -> None:
    if "bits" in known:
        assert {*signal.state, *signal.operations} == {NAMES.get(word, word) for word in known["bits"]}
    if "component_addr" in known:
        assert signal.address == known["component_addr"]["hex_wire"]
        place = (known["component_addr"]["lo16"], known["component_addr"]["hi16"])
        assert (signal.extra["loop"], signal.extra["point"]) == place
    if "time" in known:
        assert signal.panel_at == local(known["time"])
    if "value" in known:
        assert [(one.value, one.unit.replace("°C", "℃")) for one in signal.values] == [(known["value"], known["unit"])]
    assert signal.text == known.get("desc", "")
    assert (signal.system_type, signal.operator) == (known.get("system_type"), known.get("operator"))


SAYING = [
    (one["id"], one["hex"], one["decoded"]["objects"])
    for one in FRAMES
    if one["valid"] and one["decoded"]["command"] in (2, 5) and one["decoded"].get("objects")
] + [
    (one["id"], one["synthetic_frame_hex"], one["decoded"]["objects"])
    for one in UNITS
    if one["decoded"]["type_flag"] < 61 and one["decoded"]["objects"]
]


@pytest.mark.parametrize(("frame", "known"), [one[1:] for one in SAYING], ids=[one[0] for one in SAYING])
def test_what_was_met_in_public_says_what_is_known(frame: str, known: list[dict[str, Any]]) -> None:
    data = bytes.fromhex(frame)
    signals = signals_of(Frame.decode(data), PROFILE)
    for signal, expected in zip(signals, known, strict=True):
        checks_known(signal, expected)
        assert signal.raw == data


def test_a_fire_is_a_fire_though_bit_0_says_test() -> None:
    signal = one_of(2, component(0b10))
    assert (signal.scope, signal.address, signal.state, signal.complete) == ("component", "0a000200", ("fire",), True)
    assert (signal.text, signal.marks) == ("3号楼2层烟感", ("test_bit",))
    assert (signal.system_type, signal.system_address, signal.component_type) == (1, 1, 40)
    assert signal.panel_at == local("2026-11-22T10:00:00")
    assert one_of(2, component(0b11)).marks == ()


def test_all_states_at_once_and_bits_nobody_assigned() -> None:
    words = ("fire", "fault", "shield", "supervisory", "start", "feedback", "delay")
    signal = one_of(2, component(0xFFFF))
    assert (signal.state, signal.marks) == ((*words, "power_fault"), ("reserved_bits",))
    assert signal.extra["state_bits"] == 0xFFFF
    system = one_of(1, o.SystemState(1, 3, 0x3FFF, LABEL))
    own = ("mains_fault", "battery_fault", "bus_fault", "manual", "config_changed", "reset")
    assert (system.scope, system.address, system.state, system.marks) == ("system", "system:3", words + own, ())
    device = one_of(21, o.UtdState(0x7F, LABEL))
    states = ("fire", "fault", "mains_fault", "battery_fault", "centre_fault", "link_fault")
    assert (device.scope, device.address, device.state, device.complete) == ("transmitter", "self", states, True)


def test_operations_of_a_panel_and_of_the_device() -> None:
    panel = one_of(4, o.Operation(1, 2, 0x7F, 250, LABEL))
    words = ("reset", "silence", "manual_alarm", "cleared", "self_test", "confirm", "test")
    assert (panel.scope, panel.address, panel.operations, panel.operator) == ("operation", "system:2", words, 250)
    device = one_of(24, o.UtdOperation(0x20, 1, LABEL))
    assert (device.scope, device.address, device.operations) == ("operation", "self", ("duty_answer",))
    assert (device.system_type, device.system_address) == (None, None)
    assert one_of(24, o.UtdOperation(0x80, 1, LABEL)).marks == ("reserved_bits",)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (1, 12, Value("count", 12, "件")),
        (2, 321, Value("height", 3.21, "m")),
        (3, -55, Value("temperature", -5.5, "°C")),
        (3, -2731, Value("temperature", -273.1, "°C", "bad")),
        (4, 4, Value("pressure", 0.4, "MPa")),
        (4, -1, Value("pressure", -0.1, "MPa", "bad")),
        (5, 1013, Value("pressure", 101.3, "kPa")),
        (6, 1000, Value("gas", 100, "%LEL")),
        (6, 1001, Value("gas", 100.1, "%LEL", "bad")),
        (7, 32001, Value("time", 32001, "s", "bad")),
        (8, 2203, Value("voltage", 220.3, "V")),
        (9, 3, Value("current", 0.3, "A")),
        (10, 301, Value("flow", 30.1, "L/s")),
        (11, 9, Value("air_volume", 0.9, "m³/min")),
        (12, 21, Value("air_speed", 21, "m/s", "bad")),
        (0, 7, Value("type_0", 7, "", "uncertain")),
        (200, 7, Value("type_200", 7, "", "uncertain")),
    ],
)
def test_analog_values_in_their_units(kind: int, raw: int, value: Value) -> None:
    signal = one_of(3, o.AnalogValue(1, 1, 91, POINT, kind, raw, LABEL))
    assert (signal.scope, signal.address, signal.values) == ("analog", "0a000200", (value,))
    assert signal.marks == (() if value.unit else ("unknown_analog",))


def test_a_device_has_ways_of_its_own() -> None:
    own = Profile(ZoneInfo("Asia/Urumqi"), bcd_time=True, point_first=True, scales={4: 0.001})
    label = bytes.fromhex("585923311225")
    signal = one_of(2, component(3, label=label), own)
    assert (signal.extra["loop"], signal.extra["point"]) == (2, 10)
    assert signal.panel_at == datetime(2025, 12, 31, 17, 59, 58, tzinfo=UTC)
    value = one_of(3, o.AnalogValue(1, 1, 91, POINT, 4, 412, label), own)
    assert value.values == (Value("pressure", 0.412, "MPa"),)


def test_versions_texts_names_and_clocks_are_information() -> None:
    text = "主机1台，回路8条"
    known = [
        one_of(5, o.SystemVersion(1, 2, 3, 4)),
        one_of(25, o.UtdVersion(1, 10)),
        one_of(6, o.SystemConfig(1, 2, text.encode("gb18030"))),
        one_of(26, o.UtdConfig(text.encode("gb18030"))),
        one_of(7, o.ComponentConfig(1, 2, 23, POINT, name_field("大堂手报"))),
        one_of(8, o.SystemTime(1, 2, LABEL)),
        one_of(28, o.UtdTime(LABEL)),
    ]
    assert {signal.scope for signal in known} == {"info"}
    at = "2026-11-22T02:00:00.000Z"
    assert [(signal.address, dict(signal.extra)) for signal in known] == [
        ("system:2", {"info": "version", "version": "3.4"}),
        ("self", {"info": "version", "version": "1.10"}),
        ("system:2", {"info": "config", "config": text}),
        ("self", {"info": "config", "config": text}),
        ("0a000200", {"info": "name", "name": "大堂手报", "loop": 10, "point": 2}),
        ("system:2", {"info": "time", "time": at}),
        ("self", {"info": "time", "time": at}),
    ]


@pytest.mark.parametrize("label", ["000000000000", "3c0000010100", "00000000ff0c", "00001f1f0b1a", "000000010164"])
def test_a_time_that_does_not_exist_is_marked_and_the_fire_is_heard(label: str) -> None:
    signal = one_of(2, component(2, label=bytes.fromhex(label)))
    assert (signal.state, signal.panel_at, signal.marks) == (("fire",), None, ("test_bit", "bad_time"))


@pytest.mark.parametrize(("count", "marks"), [(0, ["bad_count", "size_mismatch"]), (1, ["size_mismatch"])])
def test_fires_in_a_miscounted_unit_are_all_heard(count: int, marks: list[str]) -> None:
    app = encode_unit(2, [component(3), component(5)])
    signals = signals_of(sent(app[:1] + bytes([count]) + app[2:]), PROFILE)
    assert [signal.state for signal in signals] == [("fire",), ("fault",)]
    assert [list(signal.marks) for signal in signals] == [marks, marks]


def test_objects_that_were_announced_and_cannot_be_read_are_not_passed_over() -> None:
    app = encode_unit(2, [component(3), component(3)])
    fire, lost = signals_of(sent(app[:-1]), PROFILE)
    assert (fire.state, fire.marks) == (("fire",), ("size_mismatch",))
    assert (lost.scope, lost.marks) == ("unparsed", ("unparsed", "size_mismatch"))
    assert lost.raw == fire.raw
    assert lost.key != fire.key


@pytest.mark.parametrize(
    ("app", "marks"),
    [
        (b"\x80\x01\x01", ["unparsed", "unknown_type"]),
        (b"\x3c\x01" + bytes(34), ["unparsed", "unknown_type"]),
        (b"\x02\x01\x01", ["unparsed", "size_mismatch"]),
        (b"\x5b\x01\x0a", ["unparsed", "wrong_direction"]),
        (b"\x02\x00", ["unparsed", "bad_count"]),
    ],
)
def test_what_nobody_understands_is_one_signal_with_its_bytes(app: bytes, marks: list[str]) -> None:
    for command in (Command.SEND_DATA, Command.REPLY):
        [signal] = signals_of(sent(app, command), PROFILE)
        assert (signal.scope, list(signal.marks), signal.raw[27:-3]) == ("unparsed", marks, app)
        assert signal.extra == {"type_flag": app[0], "count": app[1]}


def test_heartbeats_and_what_is_not_for_us_say_nothing() -> None:
    beats = [Frame.decode(BY_ID[name]) for name in ("bluesky-heartbeat", "dgiot-handshake")]
    assert [is_heartbeat(frame) for frame in beats] == [True, True]
    others = [Frame.decode(BY_ID[name]) for name in ("doc-center-confirm", "doc-duty-check", "doc-read-utd-state")]
    assert [signals_of(frame, PROFILE) for frame in beats + others] == [[]] * 5
    assert not any(is_heartbeat(frame) for frame in others)


def test_an_empty_reply_is_no_heartbeat() -> None:
    [signal] = signals_of(sent(b"", Command.REPLY), PROFILE)
    assert signal.marks == ("unparsed", "size_mismatch")


def test_a_retransmission_has_the_same_keys_and_nothing_else_has() -> None:
    frame = sent(encode_unit(2, [component(3), component(3)]))
    again = Frame(1, 2, DEVICE, CENTRE, frame.app, label=bytes(6))
    others = [Frame(2, 2, DEVICE, CENTRE, frame.app), Frame(1, 2, CENTRE, DEVICE, frame.app)]
    keys = [signal.key for signal in signals_of(frame, PROFILE)]
    assert keys == [signal.key for signal in signals_of(again, PROFILE)]
    assert len({key for one in (frame, *others) for key in (signal.key for signal in signals_of(one, PROFILE))}) == 6


@settings(max_examples=60, deadline=None)
@given(frames())
def test_any_frame_becomes_events_of_the_contract(frame: Frame) -> None:
    for profile in (PROFILE, Profile(SHANGHAI, bcd_time=True, point_first=True, scales={1: 0.01})):
        for number, signal in enumerate(signals_of(frame, profile), start=1):
            body = {"id": f"boot-{number}", **signal_body(signal, "panel-1", 0)}
            FireEvent.model_validate_json(json.dumps(body, allow_nan=False))
