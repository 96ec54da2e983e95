"""Coverage-guided fuzzing of the GB/T 26875.3 codec and stream, by hand; `atheris` is no dependency of ours.

    python -m venv fuzzing && fuzzing/bin/pip install . atheris
    PYTHONPATH=. fuzzing/bin/python -m benchmarks.fuzz_gb26875 -max_total_time=600

An input is a list of pieces: noise, sound frames, spoilt frames, headers that promise too much. What must hold for
every stream of them: nothing but BadFrame is raised, memory is bounded, portions change nothing, and when partial
frames are given up exactly those frames have been found that the plainest search of the whole stream finds. So a good
frame behind any noise is found, unless the noise makes a sound frame with it.
"""

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

SEEDS = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "gb26875.json"
DEFAULTS = ("-max_total_time=600", "-max_len=6000", "-timeout=10", "-rss_limit_mb=1024")
GOOD = bytes.fromhex("404000000101180d11160a14000000000000060504030201000003842323")
ADDRESSES = bytes.fromhex("790300000000385b01000000")


def load_atheris() -> Any:
    """The fuzzer, or a word on how to get it."""
    try:
        return importlib.import_module("atheris")
    except ImportError as error:
        raise SystemExit("atheris is not installed: see the first lines of benchmarks/fuzz_gb26875.py") from error


class Target:
    """What is called with every input."""

    def __init__(self) -> None:
        self.frame = importlib.import_module("gateway.drivers.gb26875.frame")
        self.stream = importlib.import_module("gateway.drivers.gb26875.stream")
        self.units = importlib.import_module("gateway.drivers.gb26875.units")
        self.signals = importlib.import_module("gateway.drivers.gb26875.signals")
        self.signal = importlib.import_module("gateway.drivers.fire_signal")
        zone = ZoneInfo("Asia/Shanghai")
        self.profiles = (
            self.signals.Profile(zone),
            self.signals.Profile(zone, bcd_time=True, point_first=True, scales={4: 0.001, 200: 2.5}),
        )

    def __call__(self, data: bytes) -> None:
        """Raise where something does not hold."""
        width, pieces = 1 + data[0] if data else 1, b"".join(self.pieces(data[1:]))
        stream = pieces + GOOD
        whole, whole_reader = self.read(stream, len(stream))
        found, reader = self.read(stream, width)
        if found != whole or reader.dropped_bytes != whole_reader.dropped_bytes:
            raise AssertionError(f"portions of {width} bytes change what is found")
        frames = [one for one in found if isinstance(one, self.frame.Frame)]
        expected = list(self.greedy(stream))
        if frames != [one for _, one in expected if 1 <= one.command <= 6]:
            raise AssertionError("a sound frame was missed or made up")
        start, last = expected[-1]
        if last.encode() != GOOD and start + len(last.encode()) <= len(pieces):
            raise AssertionError("the good frame behind the noise was not found")
        for one in frames:
            self.check(one)
        with suppress(self.frame.BadFrame):
            self.frame.Frame.decode(pieces)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What an input stands for: kind, length, so many bytes, again and again."""
        at = 0
        while at + 2 <= len(data):
            kind, size = data[at], data[at + 1] * (1 if data[at] & 0x80 == 0 else 5)
            body = data[at + 2 : at + 2 + size]
            at += 2 + size
            app, head = body[:1024], (body[:12] + ADDRESSES + bytes(12))[:22]
            frame = b"@@" + head + len(app).to_bytes(2, "little") + bytes([kind >> 3 & 7]) + app
            sound = frame + bytes([sum(frame[2:]) & 0xFF]) + b"##"
            match kind & 7:
                case 0 | 1:
                    yield body
                case 2 | 3 | 4:
                    yield sound
                case 5:
                    yield sound[:-3] + body[:1] + b"##"
                case 6:
                    yield frame[:24] + body[:2] + frame[26:]
                case _:
                    yield sound[: len(body) // 2]

    def read(self, stream: bytes, width: int) -> tuple[list[Any], Any]:
        """(what a reader finds in portions of `width` bytes when it has given up what is partial, the reader)."""
        reader = self.stream.FrameReader()
        found: list[Any] = []
        for at in range(0, len(stream), width):
            found += reader.feed(stream[at : at + width], 0)
            if reader.buffered > 1054:
                raise AssertionError(f"{reader.buffered} bytes are kept")
        found += reader.feed(b"", self.stream.PARTIAL_MS)
        if reader.buffered > 1 or reader.due_ms is not None:
            raise AssertionError("something is kept for ever")
        if len(found) > len(stream) / 27 + len(stream) / 30 + 1:  # a denial needs a header, a frame its 30 bytes
            raise AssertionError(f"{len(found)} frames and denials from {len(stream)} bytes")
        return found, reader

    def greedy(self, stream: bytes) -> Iterator[tuple[int, Any]]:
        """(where it begins, the frame): the sound ones that the plainest search finds."""
        at = 0
        while (at := stream.find(b"@@", at)) >= 0 and at + 30 <= len(stream):
            size = 30 + int.from_bytes(stream[at + 24 : at + 26], "little")
            one = stream[at : at + size]
            if size > 1054 or len(one) < size or one[-2:] != b"##" or sum(one[2:-3]) & 0xFF != one[-3]:
                at += 1
                continue
            yield at, self.frame.Frame.decode(one)
            at += size

    def check(self, frame: Any) -> None:
        """What a frame says becomes events, and units without a problem are written as they were."""
        if self.frame.Frame.decode(frame.encode()) != frame:
            raise AssertionError(f"{frame} is not written as it was")
        unit = self.units.decode_unit(frame.app)
        if not unit.problems and self.units.encode_unit(unit.type_flag, unit.objects) != frame.app:
            raise AssertionError(f"unit {frame.app.hex()} is not written as it was")
        for profile in self.profiles:
            for one in self.signals.signals_of(frame, profile):
                json.dumps(self.signal.signal_body(one, "panel-1", 0), allow_nan=False).encode()


def write_seeds(folder: Path) -> None:
    """Every frame and unit met in public, as pieces."""
    known = json.loads(SEEDS.read_text("utf-8"))
    raw = [bytes.fromhex(one["hex"]) for one in known["frames"] + known["streams"]]
    units = [bytes.fromhex(one["app_hex"]) for one in known["app_data_units"]]
    seeds = [b"\0" + bytes([0x80, -(-len(one) // 5)]) + one for one in raw]
    seeds += [b"\x1f" + bytes([0x12, len(one)]) + one for one in units]
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)


def main() -> None:
    """Fuzz until the time given is over, or something does not hold."""
    atheris = load_atheris()
    with atheris.instrument_imports(include=["gateway.drivers"]):
        target = Target()
    with tempfile.TemporaryDirectory() as folder:
        write_seeds(Path(folder))
        atheris.Setup([sys.argv[0], *(sys.argv[1:] or DEFAULTS), folder], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
