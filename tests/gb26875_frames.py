"""Frames, units and streams of GB/T 26875.3 met in public, and ways to make more of them."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from gateway.drivers.gb26875.frame import MAX_APP, Frame
from gateway.drivers.gb26875.layouts import LAYOUTS

_FILE = Path(__file__).parent / "fixtures" / "gb26875.json"
_ALL: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
FRAMES: Final[list[dict[str, Any]]] = _ALL["frames"]
UNITS: Final[list[dict[str, Any]]] = _ALL["app_data_units"]
STREAMS: Final[list[dict[str, Any]]] = _ALL["streams"]
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")

GOOD: Final = [bytes.fromhex(one["hex"]) for one in FRAMES if one["valid"]]
BY_ID: Final = {one["id"]: bytes.fromhex(one["hex"]) for one in FRAMES}
"""The bytes of each frame, the bad ones too."""


def greedy(stream: bytes) -> list[Frame]:
    """The frames of a whole stream by the plainest rule there is: the first sound one, then what follows it."""
    frames = []
    at = 0
    while at + 30 <= len(stream):
        size = 30 + int.from_bytes(stream[at + 24 : at + 26], "little")
        one = stream[at : at + size]
        is_whole = len(one) == size <= 30 + MAX_APP and one[:2] == b"@@" and one[-2:] == b"##"
        if is_whole and sum(one[2:-3]) % 256 == one[-3]:
            frames.append(Frame.decode(one))
            at += size
        else:
            at += 1
    return frames


def frames() -> st.SearchStrategy[Frame]:
    """Any frame with a command of the standard."""
    six, byte = st.binary(min_size=6, max_size=6), st.integers(0, 255)
    app = st.one_of(st.binary(max_size=60), st.binary(min_size=1000, max_size=MAX_APP), units().map(lambda one: one[2]))
    return st.builds(Frame, st.integers(0, 0xFFFF), st.integers(1, 6), six, six, app, st.tuples(byte, byte), six)


@st.composite
def units(draw: st.DrawFn) -> tuple[int, int, bytes]:
    """(type flag, count, bytes) of a unit as the standard wants it."""
    flag = draw(st.sampled_from(sorted(LAYOUTS)))
    layout = LAYOUTS[flag]
    count = draw(st.integers(1, layout.most))
    if layout.has_text:
        texts = draw(st.lists(st.binary(max_size=255), min_size=count, max_size=count))
        parts = [bytes(layout.size - 1) + bytes([len(text)]) + text for text in texts]
    else:
        parts = [draw(st.binary(min_size=layout.size, max_size=layout.size))] * count
    return flag, count, bytes([flag, count]) + b"".join(parts)


def noise() -> st.SearchStrategy[bytes]:
    """What may lie between frames: anything, and above all what looks like one."""
    length = st.integers(0, 1100).map(lambda size: size.to_bytes(2, "little"))
    header = st.builds(lambda size, head: b"@@" + (head * 22)[:22] + size + b"\x02", length, st.binary(min_size=1))
    cut = st.builds(lambda one, size: one[:size], st.sampled_from(GOOD), st.integers(0, 77))
    spoilt = st.builds(
        lambda one, at, byte: one[: at % len(one)] + bytes([byte]) + one[at % len(one) + 1 :],
        st.sampled_from(GOOD),
        st.integers(0, 77),
        st.integers(0, 255),
    )
    runs = st.builds(lambda one, count: one * count, st.sampled_from([b"@", b"#", b"@@##", b"\0"]), st.integers(0, 60))
    as_text = st.sampled_from(GOOD).map(lambda one: one.hex().encode())
    return st.lists(st.one_of(st.binary(max_size=40), header, cut, spoilt, runs, as_text), max_size=4).map(b"".join)


def portions(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream cut at these places."""
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]
