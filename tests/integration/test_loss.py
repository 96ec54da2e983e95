"""What a stock Mosquitto drops is named to the message; with our configuration nothing is dropped."""

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from brokers import MosquittoServer
from processes import RawSender, Stand, now_ms, until

from gateway.contract.times import format_at

RATE = 2000
SECONDS = 8
BOOT = "dev7"
DEVICES = {
    "domestic-plc": "low-zone-pressure",
    "fire-plc": "hydrant-main-pressure",
    "power-room-climate": "power-room-temperature",
}
CALM = {"domestic-plc": 0.45, "fire-plc": 0.7, "power-room-climate": 22.0}
Ranges = dict[str, list[list[int]]]


def stream(count: int) -> Iterator[tuple[str, bytes]]:
    """Devices that count for themselves and keep nothing; the number is also in the value's last digits."""
    names = sorted(DEVICES)
    for number in range(count):
        device, seq = names[number % len(names)], number // len(names) + 1
        body = {
            "id": f"{BOOT}-{seq}",
            "at": format_at(now_ms()),
            "point": DEVICES[device],
            "value": CALM[device] + seq / 1e9,
        }
        yield f"gengfu/v1/yunhe/{device}/reading", json.dumps(body).encode()


def missing_in_store(stand: Stand, count: int) -> Ranges:
    """What is not stored, by device, as ranges."""
    with closing(sqlite3.connect(stand.data_dir / "timeseries.db")) as store:
        rows = store.execute("SELECT name, value FROM sample JOIN series ON series.id = series").fetchall()
    stored: dict[str, set[int]] = defaultdict(set)
    for name, value in rows:
        device = next(device for device, point in DEVICES.items() if name == f"yunhe/{point}")
        stored[device].add(round((value - CALM[device]) * 1e9))
    found: Ranges = {}
    for index, device in enumerate(sorted(DEVICES)):
        last = (count - index + len(DEVICES) - 1) // len(DEVICES)
        ranges: list[list[int]] = []
        for seq in sorted(set(range(1, last + 1)) - stored[device]):
            if ranges and ranges[-1][1] == seq - 1:
                ranges[-1][1] = seq
            else:
                ranges.append([seq, seq])
        if ranges:
            found[device] = ranges
    return found


def alert(stand: Stand, rule: str) -> dict[str, Any] | None:
    rows = stand.query("SELECT title, detail FROM alert WHERE rule = :rule AND active", rule=rule)
    return {"title": rows[0]["title"], "detail": json.loads(rows[0]["detail"])} if rows else None


def outage(stand: Stand, server: MosquittoServer) -> int:
    """A steady stream, with ingest dead for a second in its middle; how many were published."""
    ingest = stand.start("ingest")
    until(stand.hears, "ingest does not hear the broker")
    count = RATE * SECONDS
    source = stream(count)
    with RawSender(server.port) as sender:
        sender.send((next(source) for _ in range(2 * RATE)), RATE)
        ingest.kill()
        sender.send((next(source) for _ in range(RATE)), RATE)
        stand.start("ingest")
        sender.send(source, RATE)
    return count


@pytest.mark.timeout(120)
def test_what_a_stock_mosquitto_drops_is_named_exactly(tmp_path: Path) -> None:
    with (
        MosquittoServer(tmp_path, "sys_interval 1", stock=True) as server,
        Stand(tmp_path, server.port, loss_settle="PT3S") as stand,
    ):
        count = outage(stand, server)
        until(lambda: alert(stand, "SYS-LOSS"), "the loss was not noticed")

        def named() -> Ranges:
            found = alert(stand, "SYS-LOSS")
            assert found is not None
            return {device: boots[BOOT] for device, boots in found["detail"]["missing"].items()}

        until(lambda: named() == missing_in_store(stand, count), "what is named is not what is missing")
        missing = missing_in_store(stand, count)
        lost = sum(last - first + 1 for ranges in missing.values() for first, last in ranges)
        print(f"{lost} of {count} lost: {missing}")
        assert lost > 100, "nothing was dropped: this test tests nothing"
        found = alert(stand, "SYS-LOSS")
        assert found is not None
        assert found["detail"]["count"] == lost
        assert all(device in found["title"] for device in missing)
        assert str(lost) in found["title"]
        until(lambda: alert(stand, "SYS-DROP"), "the broker's own counter was not heeded")
        dropped = alert(stand, "SYS-DROP")
        assert dropped is not None
        assert 0 < dropped["detail"]["dropped"] <= lost


@pytest.mark.timeout(120)
def test_with_our_configuration_nothing_is_lost(tmp_path: Path) -> None:
    with MosquittoServer(tmp_path) as server, Stand(tmp_path, server.port, loss_settle="PT3S") as stand:
        count = outage(stand, server)
        until(lambda: stand.stored() >= count, f"stored {stand.stored()} of {count}")
        assert missing_in_store(stand, count) == {}
        time.sleep(4)  # longer than a gap may take to fill
        assert alert(stand, "SYS-LOSS") is None
        gaps = [row["gaps"] for row in stand.query("SELECT gaps FROM device_sequence")]
        assert gaps == ["[]"] * len(DEVICES)
