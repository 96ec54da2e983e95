"""The JBF293K card: every frame of its document, in any portions, damaged, and with garbage between."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.fire_signal import Signal, Value
from gateway.drivers.jbf293k import POLL, Jbf293k
from gateway.drivers.jbf293k_words import COMMANDS

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIXTURE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "fixtures" / "fire_panels.json").read_text("utf-8")
)
SAMPLES = {one["id"]: one for one in FIXTURE if one["format"] == "jbf293k"}
FIRE = bytes.fromhex(SAMPLES["jbf-fire"]["hex"])
TEMPERATURE = bytes.fromhex(
    "82 3F3C 3032 3031 3432 3F3F 3131 3035 3138 303F 323D 3031 3A3B 3133 3030 3538 3032 3E33 83"
)
BAD_DOOR = bytes.fromhex("82 3F3B 3234 3031 3F3E 3131 3131 3033 3137 3037 3037 313F 3A37 83")


def frame(*data: int, extended: tuple[int, ...] = ()) -> bytes:
    """A frame of up to five data bytes, a good time and the sum."""
    eleven = [*data, *[0] * (5 - len(data)), 17, 3, 8, 16, 4, 8]
    whole = [*eleven, sum(eleven) & 0xFF, *extended]
    return b"\x82" + b"".join(bytes([0x30 + (one >> 4), 0x30 + (one & 15)]) for one in whole) + b"\x83"


def hear(data: bytes, driver: Jbf293k | None = None) -> list[Signal]:
    driver = driver or Jbf293k(SHANGHAI)
    return driver.feed(data, 0) + driver.close(0)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_the_frames_of_the_document(sample: dict[str, Any]) -> None:
    decoded = sample["decoded"]
    driver = Jbf293k(SHANGHAI)
    signals = hear(bytes.fromhex(sample["hex"]), driver)
    assert (driver.bad_in_row, driver.dropped_bytes) == (0, 0)
    if decoded["command"] == 0:
        assert signals == []
        return
    (signal,) = signals
    assert signal.system_address == signal.extra["controller"] == decoded["controller"]
    assert signal.raw.hex() == sample["hex"]
    if decoded["command"] != 9:
        assert (signal.extra["loop"], signal.extra["point"]) == (decoded["loop"], decoded["point"])
        shown = datetime.fromisoformat(decoded["time"]).replace(tzinfo=SHANGHAI)
        assert signal.panel_at == shown
    assert "unparsed" not in signal.marks


def test_a_fire_names_machine_loop_and_point() -> None:
    (fire,) = hear(FIRE)
    assert (fire.scope, fire.address, fire.state, fire.complete) == ("component", "8-155", ("fire",), False)
    assert fire.panel_at == datetime(2017, 3, 8, 8, 4, 8, tzinfo=UTC)
    assert (fire.text, fire.extra["said"]) == ("", "火警")


def test_a_release_of_gas_an_electrical_fault_and_a_temperature() -> None:
    (spray,) = hear(bytes.fromhex(SAMPLES["jbf-spray-start"]["hex"]))
    assert (spray.address, spray.state, spray.marks) == ("gas:1-2", ("start", "alarm"), ("release",))
    (residual,) = hear(bytes.fromhex(SAMPLES["jbf-elec-residual-fault"]["hex"]))
    assert (residual.address, residual.state, residual.component_type) == ("32-199", ("fault",), 17)
    (hot,) = hear(TEMPERATURE)
    assert (hot.address, hot.state, hot.values) == ("1-66", ("alarm",), (Value("temperature", 60.0, "°C"),))


def test_the_frame_the_document_has_wrong_is_refused_and_seen() -> None:
    (signal,) = hear(BAD_DOOR)
    assert (signal.scope, signal.state, signal.marks) == ("unparsed", (), ("unparsed", "bad_sum"))
    assert signal.raw == BAD_DOOR


@pytest.mark.parametrize(
    "damaged",
    [FIRE[:-3] + b"\x31" + FIRE[-2:], FIRE[:-6], FIRE[:8] + b"\x83", FIRE[:10] + b"\xff" + FIRE[11:]],
    ids=["sum", "cut", "short", "noise"],
)
def test_a_damaged_frame_that_names_a_fire_is_a_fire_of_the_panel(damaged: bytes) -> None:
    (signal,) = hear(damaged)
    assert (signal.scope, signal.address, signal.state) == ("system", "self", ("fire",))
    assert signal.marks[0] == "unparsed"
    assert signal.extra["loop"] == 8


@pytest.mark.parametrize(
    ("data", "address", "state", "ended"),
    [
        ((0x0A, 1, 2, 3), "2-3", ("fire",), ()),
        ((0x8B, 1, 2, 3), "2-4", ("fire",), ()),
        ((0x81, 1, 2, 3), "2-3", ("fault",), ()),
        ((0x82, 1, 2, 3), "2-3", (), ("fault",)),
        ((0x87, 1, 2, 0), "2", ("bus_fault",), ()),
        ((0x98, 1, 2, 3), "2-3", ("shield",), ()),
        ((0x97, 1, 2, 3), "2-3", (), ("shield",)),
        ((0x8C, 1, 2, 3), "2-3", ("supervisory",), ()),
        ((0x85, 1, 2, 3), "2-3", ("feedback",), ()),
        ((0x51, 1, 0xF2, 11), "multi:2-3", ("start",), ()),
        ((0x5A, 1, 0xF2, 8), "multi:1-8", (), ("fault",)),
        ((0xFA, 1, 0x06, 6), "gas:2-2:sounder", (), ("start",)),
        ((0x70, 1, 0x80, 5), "board:5", ("fault",), ()),
        ((0x71, 1, 0x80, 0), "self", ("mains_fault",), ()),
        ((0x72, 1, 0x90, 0), "self", (), ("battery_fault",)),
        ((0xFB, 1, 2, 3, 0xA3), "2-3", ("shield",), ()),
        ((0xFC, 1, 2, 3, 0x46), "2-3", ("start",), ()),
    ],
)
def test_commands(data: tuple[int, ...], address: str, state: tuple[str, ...], ended: tuple[str, ...]) -> None:
    (signal,) = hear(frame(*data))
    assert (signal.address, signal.state, signal.ended) == (address, state, ended)
    assert signal.extra["said"][:2] == COMMANDS[data[0]][:2] or data[0] == 0xFC


def test_reset_and_silence_are_operations_and_an_unknown_command_is_told() -> None:
    said = hear(frame(0x01, 1, 0, 0) + frame(0x0B, 1, 0, 0) + frame(0x33, 1, 0, 0) + frame(0x51, 1, 2, 3))
    assert [(one.scope, one.operations) for one in said] == [
        ("operation", ("reset",)),
        ("operation", ("silence",)),
        ("unparsed", ()),
        ("unparsed", ()),
    ]
    assert said[2].text == "命令33，1号机"


def test_negative_temperatures_channels_and_currents() -> None:
    (cold,) = hear(frame(0xFC, 1, 2, 3, 0xFF, extended=(0x13, 2, 0x32, 0x80, 0)))
    assert (cold.address, cold.values) == ("2-3:2", (Value("temperature", -5.0, "°C"),))
    (strong,) = hear(frame(0xFC, 1, 2, 3, 0xFF, extended=(0x15, 0, 0xE8, 0x03, 0)))
    assert strong.values == (Value("current", 10.0, "A"),)


def test_the_controllers_state_is_told_when_it_changes() -> None:
    driver = Jbf293k(SHANGHAI)
    said = [signal for code in (9, 9, 0xEF, 0xEF, 9) for signal in driver.feed(frame(code, 1, 0, 0), 0)]
    assert [(one.state, one.ended) for one in said] == [((), ("fault",)), (("fault",), ()), ((), ("fault",))]


def test_a_time_that_is_none_is_marked() -> None:
    data = [0x80, 36, 8, 155, 1, 99, 99, 99, 99, 99, 99]
    bad = b"\x82" + b"".join(bytes([0x30 + (n >> 4), 0x30 + (n & 15)]) for n in [*data, sum(data) & 0xFF]) + b"\x83"
    (signal,) = hear(bad)
    assert (signal.panel_at, signal.marks, signal.state) == (None, ("bad_time",), ("fire",))


def test_it_listens_and_asks_only_where_the_source_says_so() -> None:
    assert [Jbf293k(SHANGHAI).poll(now) for now in (0, 5000)] == [b"", b""]
    asking = Jbf293k(SHANGHAI, polls=True)
    assert [asking.poll(now) for now in (0, 500, 1000, 1500)] == [POLL, b"", POLL, b""]
    assert len(POLL) == 26


def test_somebody_elses_polls_on_the_same_wires_are_no_signals() -> None:
    driver = Jbf293k(SHANGHAI)
    assert hear(POLL * 20, driver) == []
    assert driver.is_well(0)


def test_what_is_no_frame_is_no_panel() -> None:
    driver = Jbf293k(SHANGHAI)
    driver.feed(b"\x82\x31" * 12, 0)
    assert not driver.is_well(0)
    driver.feed(FIRE, 0)
    assert driver.is_well(0)


def test_a_frame_that_stops_is_told_before_the_next_begins() -> None:
    driver = Jbf293k(SHANGHAI)
    assert driver.feed(FIRE[:12], 0) == []
    (signal,) = driver.feed(b"", 3000)
    assert signal.marks == ("unparsed", "bad_frame")


@given(
    portions=st.lists(st.binary(max_size=60) | st.sampled_from([bytes.fromhex(one["hex"]) for one in SAMPLES.values()]))
)
def test_any_bytes_and_a_fire_after_them(portions: list[bytes]) -> None:
    driver = Jbf293k(SHANGHAI)
    for number, portion in enumerate(portions):
        driver.feed(portion, number)
        assert driver._frame is None or len(driver._frame) <= 34
    said = [signal for byte in FIRE for signal in driver.feed(bytes([byte]), 100)]
    assert said[-1].address == "8-155"
