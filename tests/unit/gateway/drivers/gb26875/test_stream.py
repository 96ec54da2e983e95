"""Finding frames among noise, in any portions: every stream met in public, and those nobody has met yet."""

from typing import Any

import pytest
from gb26875_frames import BY_ID, GOOD, STREAMS, frames, greedy, noise, portions
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.gb26875.frame import MAX_APP, OVERHEAD, Command, Frame
from gateway.drivers.gb26875.stream import NOISE_BYTES, PARTIAL_MS, Denial, FrameReader

ALARM = BY_ID["doc-fire-component"]
BEAT = BY_ID["bluesky-heartbeat"]
Found = list[Frame | Denial]


def read(reader: FrameReader, parts: list[bytes], now_ms: int = 0) -> Found:
    found: Found = []
    for part in parts:
        found += reader.feed(part, now_ms)
        assert reader.buffered < OVERHEAD + MAX_APP
    return found


def singly(stream: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in stream]


def only_frames(found: Found) -> list[Frame]:
    return [one for one in found if isinstance(one, Frame)]


def reasons(found: Found) -> list[str]:
    return [one.reason for one in found if isinstance(one, Denial)]


def with_checksum(frame: bytes) -> bytes:
    return frame[:-3] + bytes([sum(frame[2:-3]) & 0xFF]) + frame[-2:]


@pytest.mark.parametrize("case", STREAMS, ids=lambda one: one["id"])
def test_a_stream_met_in_public_whole_and_byte_by_byte(case: dict[str, Any]) -> None:
    stream = bytes.fromhex(case["hex"])
    found = read(FrameReader(), [stream])
    assert found == read(FrameReader(), singly(stream))
    assert [frame.encode().hex() for frame in only_frames(found)] == case["expect_frames"]
    assert len(reasons(found)) == case.get("expect_deny", 0)


@pytest.mark.parametrize("between", [b"", b"\r\n", b"@", b"#", b"@@##", b"##", b"\xff\x00@"])
def test_every_public_frame_glued_and_with_noise_between(between: bytes) -> None:
    stream = b"".join(between + frame for frame in GOOD)
    for parts in ([stream], singly(stream)):
        reader = FrameReader()
        found = read(reader, parts) + reader.feed(b"", PARTIAL_MS)
        assert [frame.encode() for frame in only_frames(found)] == GOOD
        assert reader.bad_in_row == 0


@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(noise(), frames().map(Frame.encode)), max_size=5), st.lists(st.integers(0), max_size=6))
def test_the_good_frames_in_any_stream_are_found_at_the_latest_when_partial_ones_are_given_up(
    parts: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(parts) + ALARM
    reader = FrameReader()
    found = read(reader, portions(stream, cuts))
    assert found == read(FrameReader(), [stream])
    found += reader.feed(b"", PARTIAL_MS)
    frames_found = only_frames(found)
    assert frames_found == greedy(stream)
    assert sum(len(one.encode()) for one in frames_found) + reader.dropped_bytes + reader.buffered == len(stream)
    assert reader.buffered <= 1
    assert reader.due_ms is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=4000), st.integers(1, 50))
def test_any_bytes_stay_within_bounds(data: bytes, width: int) -> None:
    reader = FrameReader()
    found = read(reader, [data[at : at + width] for at in range(0, len(data), width)])
    assert only_frames(found + reader.feed(b"", PARTIAL_MS)) == greedy(data)


def test_a_spoilt_frame_is_denied_as_the_standard_says() -> None:
    spoilt = ALARM[:40] + b"\xff" + ALARM[41:]
    [denial] = FrameReader().feed(spoilt, 0)
    assert isinstance(denial, Denial)
    assert denial.reason == "bad_checksum"
    assert denial.frame(bytes.fromhex("233a091a090c")).encode() == BY_ID["doc-center-deny"]


def test_a_wrong_end_is_denied_once_and_what_follows_is_not_swallowed() -> None:
    longer = ALARM[:24] + (48 + len(BEAT) + 7).to_bytes(2, "little") + ALARM[26:]
    found = read(FrameReader(), [longer + BEAT + ALARM])
    assert only_frames(found) == [Frame.decode(BEAT), Frame.decode(ALARM)]
    assert reasons(found) == ["bad_end"]


def test_a_frame_inside_a_spoilt_one_is_found_and_the_spoilt_one_denied_once() -> None:
    """Bytes were lost, and the declared length happens to end where the next frame ends."""
    half = ALARM[:24] + (len(BEAT) + 17).to_bytes(2, "little") + ALARM[26:47]
    found = read(FrameReader(), [half[: 27 + 20] + BEAT])
    assert only_frames(found) == [Frame.decode(BEAT)]
    assert len(reasons(found)) == 1


@pytest.mark.parametrize("command", [Command.CONFIRM, Command.REPLY, Command.DENY])
def test_a_bad_answer_is_never_denied(command: Command) -> None:
    answer = Frame.decode(ALARM).answer(command, bytes(6), b"\x15\x01\x08\x02\x3a\x09\x1a\x09\x0c").encode()
    bad = [
        answer[:30] + b"\xff" + answer[31:],
        answer[:-1] + b"$",
        answer[:24] + b"\xff\xff" + answer[26:],
    ]
    for data in bad:
        reader = FrameReader()
        assert reader.feed(data + bytes(40), 0) == []
        assert reader.bad_in_row == 1


@pytest.mark.parametrize("command", [0, 7, 127, 128, 0xFE, 0xFF])
def test_an_unknown_command_is_denied_unless_the_maker_has_it(command: int) -> None:
    frame = Frame(7, command, BEAT[12:18], BEAT[18:24], b"\x01\x02")
    reader = FrameReader()
    [denial] = reader.feed(frame.encode(), 0)
    assert isinstance(denial, Denial)
    assert (denial.reason, denial.serial, reader.bad_in_row) == ("unknown_command", 7, 0)
    assert FrameReader(frozenset({command})).feed(frame.encode(), 0) == [frame]


@pytest.mark.parametrize("serial", [0x0040, 0x4000, 0x4040])
def test_a_serial_that_looks_like_a_start(serial: int) -> None:
    frame = Frame(serial, 2, BEAT[12:18], BEAT[18:24], b"", label=bytes(6))
    for before in (b"", b"@", b"@@", b"@@@"):
        reader = FrameReader()
        assert only_frames(read(reader, singly(before + frame.encode() + BEAT))) == [frame, Frame.decode(BEAT)]
        assert reader.dropped_bytes == len(before)


def test_ends_and_starts_inside_a_frame_are_part_of_it() -> None:
    app = b"##@@" * 200
    frame = Frame(0x2323, 2, b"##@@##", b"@@##@@", app, (0x40, 0x40), b"######")
    for parts in ([frame.encode() * 2], singly(frame.encode() * 2)):
        assert read(FrameReader(), parts) == [frame, frame]


def test_the_longest_frame_and_one_byte_more() -> None:
    longest = Frame(1, 2, BEAT[12:18], BEAT[18:24], b"\xaa" * MAX_APP).encode()
    assert len(read(FrameReader(), [longest])) == 1
    over = with_checksum(longest[:24] + (MAX_APP + 1).to_bytes(2, "little") + longest[26:-3] + b"\xaa" + longest[-3:])
    assert reasons(read(FrameReader(), [over[:27]])) == ["too_long"]
    assert reasons(read(FrameReader(), singly(over))) == ["too_long"]


def test_a_frame_that_stays_a_part_is_dropped_silently_and_what_it_hid_is_found() -> None:
    reader = FrameReader()
    header = ALARM[:24] + (900).to_bytes(2, "little") + ALARM[26:60]
    assert reader.feed(header, 0) == []
    assert reader.feed(ALARM, 4000) == []
    assert reader.due_ms == PARTIAL_MS
    assert reader.feed(b"", PARTIAL_MS - 1) == []
    assert reader.feed(b"", PARTIAL_MS) == [Frame.decode(ALARM)]
    assert (reader.buffered, reader.due_ms) == (0, None)


def test_a_frame_begun_of_late_outlives_one_that_is_given_up() -> None:
    reader = FrameReader()
    reader.feed(ALARM[:50], 0)
    reader.feed(ALARM[:30], 9000)
    assert reader.feed(b"", PARTIAL_MS) == []
    assert reader.due_ms == 9000 + PARTIAL_MS
    assert reader.feed(ALARM[30:], PARTIAL_MS + 1) == [Frame.decode(ALARM)]


def test_a_whole_frame_counts_however_slowly_it_came() -> None:
    reader = FrameReader()
    reader.feed(ALARM[:50], 0)
    assert reader.feed(ALARM[50:], 60_000) == [Frame.decode(ALARM)]


def test_a_foreign_protocol_is_bad_without_end_and_keeps_nothing() -> None:
    reader = FrameReader()
    assert read(reader, [ALARM.hex().encode()] * 200) == []
    assert reader.bad_in_row == 200 * 2 * len(ALARM) // NOISE_BYTES
    assert reader.buffered == 0
    reader.feed(BEAT, 0)
    assert reader.bad_in_row == 0


@pytest.mark.parametrize("pattern", [b"@", b"@@##", b"@@##\0\0", b"@@" + bytes(22) + b"\xff\x03", b"@@\x03\x03"])
def test_a_flood_of_starts_costs_no_more_than_its_length(pattern: bytes) -> None:
    flood = pattern * (40_000 // len(pattern))
    reader = FrameReader()
    found = read(reader, portions(flood, list(range(0, len(flood), 997))))
    assert only_frames(found) == []
    assert len(found) <= len(flood) / 27
    assert only_frames(read(reader, [ALARM]) + reader.feed(b"", PARTIAL_MS)) == [Frame.decode(ALARM)]
