"""Decoding: messages per second of every profile with samples, next to `json.loads` of the same bytes in the same run.

    python -m benchmarks.decode [--seconds 0.4] [--profile tasmota …]

Each profile's samples go round; both ways take turns, five times, medians. Seconds are seconds of one core (CPU time),
so neighbours on the machine do not show; `p99` is of single messages. Bounded by `--seconds` for each way and turn.
Binary payloads, texts and registers have no JSON: theirs (*) is that of the events they become.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.decode.payload import PayloadReader
from gateway.decode.registers import read
from gateway.decode.samples import SAMPLE_NOW_MS, payload_bytes
from gateway.decode.sparkplug_reader import SparkplugReader
from gateway.site.load import load_configs
from gateway.site.profile import Profile, Sample

CONFIGS = Path(__file__).resolve().parent.parent / "device_configs"
ZONE = ZoneInfo("Asia/Shanghai")
TURNS = 5
PORTION = 200
"""Messages between two looks at the clock."""
SINGLES = 5000
Call = Callable[[], object]


def calls(profile: Profile) -> list[Call]:
    """One call for each sample that becomes events."""
    samples = [one for one in profile.samples if one.events]
    if profile.modbus is not None:
        registers = profile.modbus.registers
        return [lambda one=one: read(registers, one.registers, SAMPLE_NOW_MS) for one in samples]  # type: ignore[misc]
    assert profile.mqtt is not None
    if profile.mqtt.format == "sparkplug":
        nodes = SparkplugReader(profile)
        return [_call_nodes(nodes, one) for one in samples]
    reader = PayloadReader(profile)
    return [_call_reader(reader, one) for one in samples]


def _call_reader(reader: PayloadReader, sample: Sample) -> Call:
    topic, payload = sample.topic, payload_bytes(sample.payload)
    return lambda: reader.read(topic, payload, SAMPLE_NOW_MS, ZONE)


def _call_nodes(reader: SparkplugReader, sample: Sample) -> Call:
    topic, payload = sample.topic, payload_bytes(sample.payload)
    return lambda: reader.read(topic, payload, SAMPLE_NOW_MS, 0)


def plain(profile: Profile) -> tuple[list[Call], bool]:
    """`json.loads` of the same bytes, and whether they had to be made up."""
    found: list[Call] = []
    is_made_up = False
    for sample in profile.samples:
        if not sample.events:
            continue
        payload = b"" if profile.modbus is not None else payload_bytes(sample.payload)
        try:
            json.loads(payload)
        except ValueError:
            is_made_up = True
            payload = json.dumps([one.model_dump(exclude_defaults=True) for one in sample.events]).encode()
        found.append(lambda payload=payload: json.loads(payload))  # type: ignore[misc]
    return found, is_made_up


def rate(ways: Sequence[Call], seconds: float) -> float:
    """Calls per second of CPU, round and round, for about so long."""
    rounds = max(1, PORTION // len(ways))
    done, started = 0, time.process_time()
    while (taken := time.process_time() - started) < seconds:
        for _ in range(rounds):
            for way in ways:
                way()
        done += rounds * len(ways)
    return done / taken


def p99_us(ways: Sequence[Call]) -> float:
    """Microseconds of all but the slowest hundredth of single calls."""
    taken = []
    for at in range(SINGLES):
        way = ways[at % len(ways)]
        started = time.thread_time_ns()
        way()
        taken.append(time.thread_time_ns() - started)
    return statistics.quantiles(taken, n=100)[98] / 1000


def measure(profile: Profile, seconds: float) -> None:
    """One line of the table."""
    ours, (loads, is_made_up) = calls(profile), plain(profile)
    for warm in (ours, loads):
        rate(warm, 0.05)
    rates: list[tuple[float, float]] = [(rate(loads, seconds), rate(ours, seconds)) for _ in range(TURNS)]
    base, own = (statistics.median(column) for column in zip(*rates, strict=True))
    mark = "*" if is_made_up else " "
    kind = "modbus" if profile.modbus is not None else profile.mqtt.format if profile.mqtt is not None else ""
    print(
        f"    {profile.id:<28} {kind:<11} {len(ours):>3} {own:>11,.0f}/s {base:>11,.0f}/s{mark} {base / own:>6.1f} ×"
        f" {1e6 / own:>7.1f} µs {p99_us(ours):>7.1f} µs",
        flush=True,
    )


def main() -> None:
    """Every profile with samples, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.4, help="for each way, turn and profile")
    parser.add_argument("--profile", action="append", default=[], help="only these")
    options = parser.parse_args()
    profiles = [
        one
        for one in load_configs(CONFIGS).profiles.values()
        if any(sample.events for sample in one.samples) and (not options.profile or one.id in options.profile)
    ]
    print("    profile                      format      samples   decoded    json.loads    times      each      p99")
    for profile in sorted(profiles, key=lambda one: one.id):
        measure(profile, options.seconds)


if __name__ == "__main__":
    main()
