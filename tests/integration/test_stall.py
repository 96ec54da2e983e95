"""A time-series file held by somebody else for a minute under load: memory stays, nothing is lost, a fire is heard."""

import itertools
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from brokers import MosquittoServer
from processes import Client, RawSender, Stand, now_ms, until

from gateway.contract.times import format_at

RATE = 5000
STALL_S = 60
WARM_S = 3
MOST_GROWTH = 64 << 20
DEVICES = {
    "domestic-plc": "low-zone-pressure",
    "fire-plc": "hydrant-main-pressure",
    "power-room-climate": "power-room-temperature",
}
CALM = {"domestic-plc": 0.45, "fire-plc": 0.7, "power-room-climate": 22.0}


def stream(stop: threading.Event) -> Iterator[tuple[str, bytes]]:
    """Readings of three devices; one of them counts its readings and its status events in one sequence."""
    names = sorted(DEVICES)
    counts = dict.fromkeys(names, 0)
    for number in itertools.count():
        if stop.is_set():
            return
        device = names[number % len(names)]
        counts[device] += 1
        event_id, at = f"dev7-{counts[device]}", format_at(now_ms())
        if device == "fire-plc" and counts[device] % 5000 == 0:
            yield f"gengfu/v1/yunhe/{device}/status", f'{{"id":"{event_id}","at":"{at}","online":true}}'.encode()
        else:
            body = {"id": event_id, "at": at, "point": DEVICES[device], "value": CALM[device]}
            yield f"gengfu/v1/yunhe/{device}/reading", json.dumps(body).encode()


class Flood:
    """Publishes on a thread until told to stop."""

    def __init__(self, port: int) -> None:
        self.published: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port,))
        self._thread.start()

    def _run(self, port: int) -> None:
        def counted() -> Iterator[tuple[str, bytes]]:
            count = 0
            for one in stream(self._stop):
                count += 1
                yield one
            self.published.append(count)

        with RawSender(port) as sender:
            sender.send(counted(), RATE)

    def end(self) -> int:
        """Stop; how many messages the broker has taken."""
        self._stop.set()
        self._thread.join(30)
        return self.published[0]


class Alarms:
    """Fire, tap and status in turn, each timed from publishing to the committed row."""

    def __init__(self, stand: Stand, port: int) -> None:
        self._stand = stand
        self._client = Client(port, "alarms")
        self._count = 0

    def delay(self) -> float:
        """Publish one and wait for it; seconds."""
        self._count += 1
        kind, more = (("fire", '"state":["fire"]'), ("tap", '"checkpoint":"c1"'), ("status", '"online":true'))[
            self._count % 3
        ]
        payload = f'{{"id":"alarm-{self._count}","at":"{format_at(now_ms())}",{more}}}'.encode()
        started = time.monotonic()
        self._client.publish(f"gengfu/v1/yunhe/fire-panel-1/{kind}", payload)
        row = "SELECT 1 FROM heard_event WHERE device = 'yunhe/fire-panel-1' AND event_id = :id"
        until(lambda: self._stand.query(row, id=f"alarm-{self._count}"), f"{kind} was not heard")
        return time.monotonic() - started

    def close(self) -> None:
        self._client.close()


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_locked_store_costs_no_memory_no_data_and_no_alarm_its_second(tmp_path: Path) -> None:
    with MosquittoServer(tmp_path) as server, Stand(tmp_path, server.port) as stand:
        ingest = stand.start("ingest")
        until(stand.hears, "ingest does not hear the broker")
        alarms, flood = Alarms(stand, server.port), Flood(server.port)
        time.sleep(WARM_S)
        calm = [alarms.delay() for _ in range(5)]
        before = ingest.rss()
        stalled: list[float] = []
        highest = before
        with closing(sqlite3.connect(stand.data_dir / "timeseries.db", isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout = 30000")
            other.execute("BEGIN EXCLUSIVE")
            until_at = time.monotonic() + STALL_S
            while time.monotonic() < until_at:
                stalled.append(alarms.delay())
                highest = max(highest, ingest.rss())
                time.sleep(0.5)
            stored = stand.stored()
            other.execute("ROLLBACK")
        published = flood.end()
        flooded: list[float] = []
        statuses = published // 3 // 5000

        def drained() -> bool:
            flooded.append(alarms.delay())
            return stand.stored() >= published - statuses

        until(drained, f"stored {stand.stored()} of {published}", 120)
        peak = ingest.rss("VmHWM")
        alarms.close()
        print(
            f"{published} messages, {published - stored} of them behind the lock; ingest {before >> 20} MiB, "
            f"+{(highest - before) >> 20} MiB while locked, peak +{(peak - before) >> 20} MiB; "
            f"alarms heard after at most {max(calm):.3f} s before, {max(stalled):.3f} s while locked "
            f"({len(stalled)} alarms), {max(flooded):.3f} s in the flood afterwards ({len(flooded)})"
        )
        assert published - stored > RATE * STALL_S * 0.5, "the lock held nothing up"
        assert stand.stored() == published - statuses
        assert ingest.code is None
        assert highest - before < MOST_GROWTH
        assert peak - before < MOST_GROWTH
        assert max(stalled) < 1.0
        # Now, before the devices of this test, which have ended, are rightly called silent.
        silent = {row["target"] for row in stand.query("SELECT target FROM alert WHERE rule = 'DATA-STALE'")}
        assert not silent & {f"yunhe/{point}" for point in DEVICES.values()}, "a backlog is no silence"
        time.sleep(11)  # longer than a gap may take to fill
        assert stand.query("SELECT title FROM alert WHERE rule = 'SYS-LOSS'") == []
        assert {row["gaps"] for row in stand.query("SELECT gaps FROM device_sequence")} == {"[]"}
