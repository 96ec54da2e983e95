"""Fire: decoding GB/T 26875.3, holding many transmission devices, and an alarm storm from the wire to a person.

    python -m benchmarks.fire decode [--frames N]
    python -m benchmarks.fire connections [--count 2000] [--seconds 60]
    python -m benchmarks.fire storm [--storms 20] [--rate 1000] [--per-frame 1]

`decode` runs in this process, next to a loop that only finds frames by their length and adds up their bytes.
`connections` and `storm` start our own processes on loopback of one machine, with one clock.
"""

import argparse
import statistics
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from benchmarks import fire_connections, fire_storm
from gateway.contract.times import to_ms
from gateway.drivers.fire_signal import signal_body
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.signals import signals_of
from gateway.drivers.gb26875.stream import FrameReader
from gateway.simulator.fire_days import Stage, steps
from gateway.simulator.fire_panel import Panel
from gateway.simulator.fire_points import numbered
from gateway.simulator.scenario import FireAct
from gateway.simulator.utd_units import Units

PROFILE = Profile(ZoneInfo("Asia/Shanghai"))
START_MS = to_ms(datetime(2026, 11, 21, tzinfo=UTC))
PORTION = 8192
"""Bytes per read of a socket."""
REPEATS = 5
_LENGTH = struct.Struct("<H")


def corpus(count: int) -> list[bytes]:
    """Frames with one object each: a storm of alarms, then a building's days."""
    components = numbered(500)
    panel = Panel(components, START_MS)
    units = Units(panel, PROFILE)
    acts = (FireAct(kind="storm", start=timedelta(seconds=1)), FireAct(kind="day", start=timedelta(seconds=10)))
    stream = steps(acts, Stage(components, 1, PROFILE.zone), START_MS)  # type: ignore[arg-type]
    reports = (report for step in stream for report in panel.apply(step))
    source, centre = bytes.fromhex("790300000000"), bytes(6)
    return [
        Frame(number & 0xFFFF, Command.SEND_DATA, source, centre, units.of_reports([one]), label=units.label(one.at_ms))
        .encode()
        for number, one in enumerate(islice(reports, count))
    ]  # fmt: skip


def bare(stream: bytes) -> int:
    """The baseline: frames by their declared length, checksum compared; nothing understood, nothing resynchronised."""
    at = found = 0
    while at < len(stream):
        size = 30 + _LENGTH.unpack_from(stream, at + 24)[0]
        frame = stream[at : at + size]
        found += sum(frame[2:-3]) & 0xFF == frame[-3]
        at += size
    return found


def framed(stream: bytes) -> int:
    """Frames by our reader, in portions as a socket gives them."""
    reader = FrameReader()
    return sum(len(reader.feed(stream[at : at + PORTION], 0)) for at in range(0, len(stream), PORTION))


def signalled(stream: bytes) -> int:
    """Frames, and every signal in them."""
    reader, found = FrameReader(), 0
    for at in range(0, len(stream), PORTION):
        for frame in reader.feed(stream[at : at + PORTION], 0):
            if isinstance(frame, Frame):
                found += bool(signals_of(frame, PROFILE))
    return found


def evented(stream: bytes) -> int:
    """Frames, signals, and the bodies of the events they become."""
    reader, found = FrameReader(), 0
    for at in range(0, len(stream), PORTION):
        for frame in reader.feed(stream[at : at + PORTION], 0):
            if isinstance(frame, Frame):
                bodies = [signal_body(one, "panel-1", START_MS) for one in signals_of(frame, PROFILE)]
                found += bool(bodies)
    return found


def decode(count: int) -> None:
    """Each way in turn, five times; medians."""
    frames = corpus(count)
    stream = b"".join(frames)
    ways: dict[str, Callable[[bytes], int]] = {
        "struct loop (baseline)": bare,
        "our reader: frames": framed,
        "… and signals": signalled,
        "… and event bodies": evented,
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            started = time.perf_counter()
            found = way(stream)
            taken[name].append(time.perf_counter() - started)
            if found != count:
                raise SystemExit(f"{name}: {found} of {count} frames")
    print(f"decode: {count:,} frames, {len(stream) / count:.0f} bytes each on average, portions of {PORTION} bytes")
    base = statistics.median(taken["struct loop (baseline)"])
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        print(
            f"    {name:<24} {count / middle:11,.0f} frames/s   {middle / base:6.2f} × the baseline's time", flush=True
        )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    decoding = what.add_parser("decode")
    decoding.add_argument("--frames", type=int, default=50_000)
    connections = what.add_parser("connections")
    connections.add_argument("--count", type=int, default=2000)
    connections.add_argument("--seconds", type=float, default=60.0)
    connections.add_argument("--heartbeat", type=float, default=5.0, help="Seconds between heartbeats of a device")
    storm = what.add_parser("storm")
    storm.add_argument("--storms", type=int, default=20)
    storm.add_argument("--points", type=int, default=500)
    storm.add_argument("--rate", type=float, default=1000.0, help="Readings per second meanwhile")
    storm.add_argument("--per-frame", type=int, default=1, help="Alarms that wait leave together, up to so many")
    storm.add_argument("--broker", choices=("mosquitto", "embedded"), default="mosquitto")
    options = parser.parse_args()
    match options.what:
        case "decode":
            decode(options.frames)
        case "connections":
            fire_connections.run(options.count, options.seconds, options.heartbeat)
        case _:
            fire_storm.run(options)


if __name__ == "__main__":
    main()
