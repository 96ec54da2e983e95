"""Frames met in public: what they say, why some are none, and the golden ones byte by byte."""

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from gb26875_frames import BY_ID, FRAMES, GOOD, frames
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.drivers.gb26875.frame import MAX_APP, BadFrame, Command, Frame
from gateway.drivers.gb26875.labels import encode_label

DEVICE, CENTRE = bytes.fromhex("790300000000"), bytes.fromhex("385b01000000")


@pytest.mark.parametrize("case", [one for one in FRAMES if one["valid"]], ids=lambda one: one["id"])
def test_a_sound_frame_says_what_is_known_of_it_and_is_written_as_it_was(case: dict[str, Any]) -> None:
    data, known = bytes.fromhex(case["hex"]), case["decoded"]
    frame = Frame.decode(data)
    assert (frame.serial, list(frame.version), frame.command) == (known["serial"], known["version"], known["command"])
    assert (frame.source.hex(), frame.destination.hex()) == (known["src_wire"], known["dst_wire"])
    assert (frame.label.hex(), len(frame.app)) == (known["timestamp_raw"], known["app_len"])
    assert Command(frame.command).name.lower() == known["command_name"]
    assert frame.encode() == data


@pytest.mark.parametrize("case", [one for one in FRAMES if not one["valid"]], ids=lambda one: one["id"])
def test_what_is_no_frame_is_refused_by_the_reason(case: dict[str, Any]) -> None:
    with pytest.raises(BadFrame) as refused:
        Frame.decode(bytes.fromhex(case["hex"]))
    assert any(error.startswith(refused.value.kind) for error in case["errors"])


def test_golden_answers_byte_for_byte() -> None:
    label = encode_label(datetime.fromisoformat("2012-09-26T09:58:35"))
    alarm = Frame.decode(BY_ID["doc-fire-component"])
    assert alarm.answer(Command.CONFIRM, label).encode() == BY_ID["doc-center-confirm"]
    assert alarm.answer(Command.DENY, label).encode() == BY_ID["doc-center-deny"]
    request = Frame.decode(BY_ID["doc-init-utd"])
    assert request.answer(Command.CONFIRM, label).encode() == BY_ID["doc-utd-confirm"]
    assert request.answer(Command.DENY, label).encode() == BY_ID["doc-utd-deny"]
    reply = Frame.decode(BY_ID["doc-read-utd-state"]).answer(
        Command.REPLY, bytes.fromhex("203a091a090c"), bytes.fromhex("150108023a091a090c")
    )
    assert reply.encode() == BY_ID["doc-reply-utd-state"]


def test_an_answer_echoes_serial_and_version() -> None:
    beat = Frame.decode(BY_ID["dgiot-handshake"])
    answer = beat.answer(Command.CONFIRM, bytes(6))
    assert (answer.serial, answer.version) == (105, (0x10, 0))
    assert (answer.source, answer.destination) == (beat.destination, beat.source)


@settings(max_examples=60, deadline=None)
@given(frames())
def test_what_is_written_is_read_back(frame: Frame) -> None:
    assert Frame.decode(frame.encode()) == frame


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda rest: b"@@" + rest)))
@example(b"")
@example(b"@")
@example(b"@@")
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    with suppress(BadFrame):
        assert Frame.decode(data).encode() == data


@pytest.mark.parametrize("count", range(1, 3))
def test_one_byte_off_is_never_the_same_frame(count: int) -> None:
    good = GOOD[0]
    for data in (good[:-count], good + bytes(count), good[:30] + bytes([good[30] ^ count]) + good[31:]):
        with pytest.raises(BadFrame):
            Frame.decode(data)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(0, 2, DEVICE, CENTRE, bytes(MAX_APP + 1)),
        Frame(65536, 2, DEVICE, CENTRE),
        Frame(-1, 2, DEVICE, CENTRE),
        Frame(0, 256, DEVICE, CENTRE),
        Frame(0, 2, DEVICE, CENTRE, version=(1, 256)),
        Frame(0, 2, DEVICE[:5], CENTRE),
        Frame(0, 2, DEVICE, CENTRE, label=bytes(7)),
    ],
)
def test_a_frame_that_does_not_fit_is_not_written(frame: Frame) -> None:
    with pytest.raises(BadFrame):
        frame.encode()


def test_a_declared_length_over_the_limit_is_refused_before_the_rest_comes() -> None:
    header = BY_ID["doc-fire-component"][:24] + (MAX_APP + 1).to_bytes(2, "little") + b"\x02"
    with pytest.raises(BadFrame) as refused:
        Frame.decode(header)
    assert refused.value.kind == "too_long"
