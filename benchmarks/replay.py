"""A month of the demo site through the pure step, next to decoding the same messages with plain json.loads."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.contract.decode import decode
from gateway.simulator.run import stream
from gateway.site.limit import Limit
from gateway.site.load import load_configs
from services.rules.band import Band, band_of
from services.rules.memory import Reading, RuleState
from services.rules.model import step

START = datetime(2026, 10, 1, tzinfo=UTC)


def replay(days: int) -> None:
    """Print events per second."""
    config = load_configs(Path(__file__).resolve().parent.parent / "device_configs").site("yunhe")
    hours = stream(config, "demo", 7, START, START + timedelta(hours=24))
    payloads = [one.payload for one in hours if one.topic.endswith("/reading") and one.role == "reading"]
    started = time.perf_counter()
    for payload in payloads:
        json.loads(payload)
    plain = time.perf_counter() - started
    readings = [
        (config.key(name), at, value)
        for payload in payloads
        for _, at, name, value, _ in decode("reading", payload).readings
    ]
    limits: dict[str, list[tuple[Limit, Band | None]]] = {
        key: [(limit, band_of(limit)) for limit in found] for key, found in config.limits_by_point.items()
    }
    states = {key: [RuleState() for _ in found] for key, found in limits.items()}
    events = effects = 0
    day_ms = 86_400_000
    started = time.perf_counter()
    for day in range(days):
        for key, at_ms, value in readings:
            event = Reading(at_ms + day * day_ms, value)
            known = states[key]
            for index, (limit, band) in enumerate(limits[key]):
                known[index], found_effects = step(known[index], event, limit, band, event.at_ms)
                effects += len(found_effects)
            events += 1
    seconds = time.perf_counter() - started
    print(
        f"    {days} days of one site: {events:,} readings, {effects:,} findings in {seconds:.1f} s = "
        f"{events / seconds:,.0f} readings/s (every limit of every point stepped, no fast way)\n"
        f"    baseline, json.loads of the same messages: {len(payloads) / plain:,.0f} messages/s"
    )
