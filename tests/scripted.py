"""A scripted stream with fixed event times, and the program that publishes it however often it is killed.

Which event comes next is read from the outbox's own counts, so that every event is put exactly once.
"""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.contract.times import format_at
from gateway.contract.topics import Kind
from gateway.mqtt import BrokerAddress
from gateway.outbox import Lane, Outbox
from gateway.publish import Pace, Publisher

SITE = "yunhe"
STEP_MS = 500
PRESSURES = (
    ("domestic-plc", "low-zone-pressure", 0.45, 240),
    ("domestic-plc", "high-zone-pressure", 0.80, 320),
    ("fire-plc", "hydrant-main-pressure", 0.70, 420),
    ("fire-plc", "sprinkler-main-pressure", 0.90, 560),
)
"""(device, point, set value, steps from one excursion to the next)."""
Event = tuple[str, Kind, dict[str, Any]]
CHUNK = 25
LANES = {"fire": Lane.FIRE, "reading": Lane.BULK}


def events(base_ms: int, steps: int) -> Iterator[Event]:
    """Pressures with long and short excursions, and now and then a tap, a fire, a status and a typed-in reading."""
    for step in range(steps):
        at = format_at(base_ms + step * STEP_MS)
        for device, point, normal, period in PRESSURES:
            turn, place = divmod(step, period)
            # Every third excursion is a short one: counted, and no breach.
            outside = turn > 0 and place < (12 if turn % 3 == 0 else 60)
            value = normal + (0.13 if outside else 0.0) + step % 7 * 0.001
            yield device, "reading", {"at": at, "point": point, "value": round(value, 3)}
        if step % 10 == 3:
            yield "fire-panel-1", "tap", {"at": at, "checkpoint": f"c{step}"}
        if step % 100 == 7:
            yield "fire-panel-1", "fire", {"at": at, "state": ["fire"], "text": f"Zone {step}"}
        if step % 50 == 9:
            yield "nvr-1", "status", {"at": at, "online": step % 100 == 9}
        if step % 500 == 11:
            value = 0.3 if step % 1000 == 11 else 2.0
            yield "meter-electrical", "reading", {"at": at, "point": "box-main-insulation", "value": value}


def _counts(path: Path) -> dict[tuple[str, int], int]:
    """How many events each device has put, by lane."""
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sequences'").fetchone():
            return {}
        return {(device, lane): last for device, lane, last in db.execute("SELECT device, lane, last FROM sequences")}


def main() -> None:
    """Arguments: outbox file, broker port, base in epoch ms, steps, events per second (0: no bound)."""
    path, port, base_ms, steps, rate = Path(sys.argv[1]), *(int(one) for one in sys.argv[2:6])
    done = _counts(path)  # before the outbox takes the file for itself
    outbox = Outbox(path, "scripted")
    publisher = Publisher(outbox, BrokerAddress("127.0.0.1", port), SITE, pace=Pace(overdue=3.0)).start()
    waiting: list[Event] = []
    started, put = time.monotonic(), 0
    for event in events(base_ms, steps):
        key = (event[0], LANES.get(event[1], Lane.URGENT))
        if done.get(key, 0) > 0:
            done[key] -= 1
            continue
        waiting.append(event)
        if len(waiting) == CHUNK:
            put += _put(publisher, waiting)
            if rate:
                time.sleep(max(0.0, started + put / rate - time.monotonic()))
    _put(publisher, waiting)
    if not publisher.flush(120):
        sys.exit(f"not everything was receipted: {publisher.stats()}")
    publisher.close()
    outbox.close()


def _put(publisher: Publisher, waiting: list[Event]) -> int:
    """Put with one commit, then write the ids to the log on standard output."""
    ids = publisher.put_many(waiting)
    devices = [device for device, _, _ in waiting]
    waiting.clear()
    print(*(f"{device}/{one}" for device, one in zip(devices, ids, strict=True)), sep="\n", flush=True)
    return len(ids)


if __name__ == "__main__":
    main()
