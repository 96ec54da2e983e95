"""Units met in public object by object, every type of the standard there and back, and what a centre asks."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from gb26875_frames import BY_ID, SHANGHAI, UNITS, units
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.commands import CommandKind
from gateway.drivers.gb26875 import objects as o
from gateway.drivers.gb26875.frame import MAX_APP, Command, Frame
from gateway.drivers.gb26875.labels import encode_label
from gateway.drivers.gb26875.layouts import LAYOUTS, REPLY_TO, TYPES_UP, BadUnit
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.units import KINDS, decode_unit, encode_unit, request_unit

ALARM = bytes.fromhex(
    "0201010279010203040402d5e2cac7d2bbb8f6d7aac2ebb2e2cad4000000000000000000000000000000040009020715"
)
LABEL = bytes.fromhex("040009020715")
FIELDS = {
    "system_type": "system_type", "system_addr": "system_address", "component_type": "component_type", "state": "state",
    "operator": "operator", "op": "operations", "major": "major", "minor": "minor", "analog_type": "analog_type",
    "raw": "value", "reserved": "reserved", "count": "count", "timeout_min": "minutes",
}  # fmt: skip


def says(one: o.InformationObject, known: dict[str, Any]) -> None:
    """The object says what is known of it; texts and times are those of the signals' tests."""
    for name, value in known.items():
        if name in FIELDS:
            assert getattr(one, FIELDS[name]) == value
        elif name == "component_addr":
            assert one.component.hex() == value["hex_wire"]  # type: ignore[union-attr]
        elif name in ("time", "start"):
            assert one.label == encode_label(datetime.fromisoformat(value))  # type: ignore[union-attr]
        elif name == "desc_len":
            assert len(one.text) == value  # type: ignore[union-attr]


@pytest.mark.parametrize("case", UNITS, ids=lambda one: one["id"])
def test_a_unit_met_in_public(case: dict[str, Any]) -> None:
    app, known = bytes.fromhex(case["app_hex"]), case["decoded"]
    unit = decode_unit(app)
    assert (unit.type_flag, unit.count) == (known["type_flag"], known["object_count"])
    assert len(unit.objects) == len(known["objects"])
    for one, expected in zip(unit.objects, known["objects"], strict=True):
        says(one, expected)
    problems = [{"object_count_out_of_range": "bad_count"}.get(error.split("(")[0]) for error in case["errors"]]
    assert list(unit.problems) == [problem or "size_mismatch" for problem in problems]
    if not case["errors"]:
        assert encode_unit(unit.type_flag, unit.objects) == app
    assert Frame.decode(bytes.fromhex(case["synthetic_frame_hex"])).app == app


@settings(max_examples=100, deadline=None)
@given(units())
def test_every_type_is_written_as_it_was_read(drawn: tuple[int, int, bytes]) -> None:
    flag, count, app = drawn
    unit = decode_unit(app)
    assert (unit.type_flag, unit.count, len(unit.objects), unit.problems) == (flag, count, count, ())
    assert encode_unit(flag, unit.objects) == app
    assert len(app) <= MAX_APP


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*LAYOUTS, 0, 9, 60, 128, 254, 255]), st.integers(0, 255), st.binary(max_size=200))
def test_any_unit_is_read_as_far_as_it_can_be(flag: int, count: int, body: bytes) -> None:
    app = bytes([flag, count]) + body
    unit = decode_unit(app)
    if flag not in LAYOUTS:
        assert unit.problems == ("unknown_type",)
    elif not unit.problems:
        assert encode_unit(flag, unit.objects) == app
    else:
        assert set(unit.problems) <= {"bad_count", "size_mismatch"}


def test_table_3_is_whole_and_its_sizes_and_limits_are_the_standards() -> None:
    sizes = {
        1: (10, 102), 2: (46, 22), 3: (16, 63), 4: (10, 102), 5: (4, 1), 6: (3, 3), 7: (38, 26), 8: (8, 1), 21: (7, 1),
        24: (8, 127), 25: (2, 1), 26: (1, 1), 28: (6, 1), 61: (2, 102), 62: (6, 22), 63: (6, 63), 64: (9, 1),
        65: (2, 1), 66: (2, 3), 67: (6, 26), 68: (2, 1), 81: (1, 1), 84: (7, 1), 85: (1, 1), 86: (1, 1), 88: (1, 1),
        89: (1, 1), 90: (6, 1), 91: (1, 1),
    }  # fmt: skip
    assert {flag: (layout.size, layout.most) for flag, layout in LAYOUTS.items()} == sizes
    assert set(REPLY_TO.values()) == set(TYPES_UP)


@pytest.mark.parametrize(
    ("app", "found", "problems"),
    [
        (ALARM[:1] + b"\0" + ALARM[2:], 1, ["bad_count", "size_mismatch"]),
        (ALARM[:1] + b"\x17" + ALARM[2:], 1, ["bad_count", "size_mismatch"]),
        (ALARM[:1] + b"\x01" + ALARM[2:] * 2, 2, ["size_mismatch"]),
        (ALARM[:1] + b"\x02" + ALARM[2:] + ALARM[2:40], 1, ["size_mismatch"]),
        (ALARM + b"\0", 1, ["size_mismatch"]),
        (ALARM[:-1], 0, ["size_mismatch"]),
        (b"\x02\x01", 0, ["size_mismatch"]),
        (b"\x06\x02" + b"\x01\x02\x03abc" + b"\x0d\x03\x00", 2, []),
        (b"\x06\x03" + b"\x01\x02\x03abc" + b"\x0d\x03\x09short", 1, ["size_mismatch"]),
        (b"\x06\x00" + b"\x01\x02\x03abc", 1, ["bad_count", "size_mismatch"]),
        (b"\x06\x01" + b"\x01\x02\x03abc" + b"??", 1, ["size_mismatch"]),
        (b"\x1a\x01\x00", 1, []),
        (b"\x16", 0, ["size_mismatch"]),
        (b"", 0, ["size_mismatch"]),
    ],
)
def test_objects_are_there_whatever_else_is_wrong(app: bytes, found: int, problems: list[str]) -> None:
    unit = decode_unit(app)
    assert (len(unit.objects), list(unit.problems)) == (found, problems)


@pytest.mark.parametrize(
    ("flag", "objects"),
    [
        (9, [o.UtdTime(LABEL)]),
        (28, []),
        (28, [o.UtdTime(LABEL)] * 2),
        (28, [o.SetClock(LABEL)]),
        (28, [o.UtdTime(LABEL[:5])]),
        (28, [o.UtdTime(LABEL + b"\0")]),
        (25, [o.UtdVersion(256, 0)]),
        (3, [o.AnalogValue(1, 1, 40, bytes(4), 3, 32768, LABEL)]),
        (7, [o.ComponentConfig(1, 1, 40, bytes(4), b"thirty bytes are not 31 bytes.")]),
        (26, [o.UtdConfig(bytes(256))]),
    ],
)
def test_what_does_not_fit_is_not_written(flag: int, objects: list[o.InformationObject]) -> None:
    with pytest.raises(BadUnit):
        encode_unit(flag, objects)


@pytest.mark.parametrize(
    ("kind", "params", "golden"),
    [
        ("utd_state", {}, "doc-read-utd-state"),
        ("utd_version", {}, "doc-read-utd-version"),
        ("utd_time", {}, "doc-read-utd-time"),
        ("utd_init", {}, "doc-init-utd"),
        ("sync_clock", {}, "doc-sync-time"),
        ("duty_check", {"minutes": 10}, "doc-duty-check"),
    ],
)
def test_golden_requests_byte_for_byte(kind: str, params: dict[str, Any], golden: str) -> None:
    command, app = request_unit(kind, params, encode_label(datetime.fromisoformat("2012-09-26T09:58:02")))
    sent = encode_label(datetime.fromisoformat("2012-09-26T09:58:32"))
    centre, device = bytes.fromhex("385b01000000"), bytes.fromhex("790300000000")
    assert Frame(1, command, centre, device, app, label=sent).encode() == BY_ID[golden]


@pytest.mark.parametrize(
    ("kind", "params", "unit"),
    [
        ("read_system_state", {"system_type": 1, "system_address": 1}, "3d010101"),
        ("read_component_state", {"system_type": 1, "system_address": 1, "component": "03021101"}, "3e01010103021101"),
        ("read_analog", {"system_type": 1, "system_address": 1, "component": "03021101"}, "3f01010103021101"),
        ("read_version", {"system_type": 1, "system_address": 2}, "41010102"),
        ("read_config", {"system_type": 1, "system_address": 3}, "42010103"),
        ("read_component_config", {"system_type": 1, "component": "78563412"}, "4301010078563412"),
        ("read_time", {"system_type": 1, "system_address": 3}, "44010103"),
        ("utd_operations", {"count": 16, "since": "2021-07-02T01:00:04Z"}, "540110040009020715"),
        ("read_operations", {"count": 2, "since": "2021-07-02T09:00:04+08:00"}, "4001000002040009020715"),
        ("read_operations", {}, "4001000001000000010100"),
        ("utd_config", {}, "560100"),
    ],
)
def test_requests(kind: str, params: dict[str, Any], unit: str) -> None:
    command, app = request_unit(kind, params, bytes(6), Profile(SHANGHAI))
    assert (command, app.hex()) == (Command.REQUEST, unit)
    assert decode_unit(app).problems == ()


def test_the_clock_is_set_in_the_devices_own_way() -> None:
    profile = Profile(ZoneInfo("Asia/Shanghai"), bcd_time=True)
    label = profile.label(datetime.fromisoformat("2026-11-22T20:59:58+00:00"))
    assert label.hex() == "585904231126"
    assert request_unit("sync_clock", {}, label, profile) == (Command.CONTROL, b"\x5a\x01" + label)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("open_the_doors", {}),
        ("read_analog", {}),
        ("read_analog", {"component": "0a0002"}),
        ("read_analog", {"component": "nothing!"}),
        ("read_analog", {"component": 7}),
        ("read_version", {"system_type": 256}),
        ("read_version", {"system_type": True}),
        ("read_version", {"system_address": "1"}),
        ("utd_operations", {"count": 103}),
        ("utd_operations", {"since": "yesterday"}),
        ("utd_operations", {"since": "1999-12-31T00:00:00Z"}),
        ("duty_check", {"minutes": -1}),
    ],
)
def test_what_makes_no_request_is_refused(kind: str, params: dict[str, Any]) -> None:
    with pytest.raises(BadUnit):
        request_unit(kind, params, bytes(6), Profile(SHANGHAI))


def test_every_command_of_the_contract_can_be_asked() -> None:
    assert set(CommandKind.__args__) == KINDS
