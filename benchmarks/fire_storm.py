"""An alarm storm from the wire to a person: 500 components in two seconds while readings flood."""

import argparse
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.fire_site import (
    ADDRESS,
    SOURCE,
    Ours,
    components,
    cpu_s,
    environment_of,
    gateway,
    write_fire_site,
)
from benchmarks.ingest import IngestProcess, embedded, free_port, generator, go, mosquitto
from gateway.contract.times import to_ms
from gateway.drivers.gb26875.frame import Command
from gateway.drivers.gb26875.profile import Profile
from gateway.simulator.fire_days import STORM_MS, Stage, storm
from gateway.simulator.fire_panel import Panel
from gateway.simulator.utd import Passed, Settings, Utd
from gateway.simulator.utd_link import UtdLink, play

ZONE = ZoneInfo("Asia/Shanghai")
PAUSE_S = 3.0
"""Between two storms, when all of one is stored and told."""
GIVE_UP_S = 60.0
WARM_UP = 1
"""First storms that are not counted: every process imports what it needs then."""


@dataclass(slots=True)
class Storm:
    """One storm's moments, in seconds of one clock."""

    sent: float = 0.0
    """The first alarm left the device."""
    confirmed: float = 0.0
    """The gateway has confirmed the last one."""
    first: float = 0.0
    """Its first signal can be read from the database, and the message about it: they are one transaction."""
    told: float = 0.0
    """The first message went out."""
    stored: float = 0.0
    """All its signals can be read from the database."""
    messages: Counter[str] = field(default_factory=Counter)


class Panels:
    """One device per storm, one after the other, under the same address: the buildings of one panel."""

    def __init__(self, port: int, points: int, per_frame: int) -> None:
        self._port = port
        self._points = points
        self._per_frame = per_frame

    @contextmanager
    def burning(self, building: int, found: Storm) -> Iterator[Utd]:
        """Let a building's detectors speak."""
        cast = components(building, self._points)
        start_ms = to_ms(datetime.now(UTC)) + 500

        def watch(passed: Passed) -> None:
            if passed.way == "sent" and passed.frame.command == Command.SEND_DATA and not found.sent:
                found.sent = time.perf_counter()
            elif passed.way == "heard":
                found.confirmed = time.perf_counter()

        script = iter(storm(Stage(cast, 1, ZONE), start_ms, self._points, STORM_MS))
        settings = Settings(bytes.fromhex(ADDRESS), per_frame=self._per_frame)
        utd = Utd(settings, Panel(cast, start_ms), script, Profile(ZONE), watch=watch)
        link = UtdLink(utd, "127.0.0.1", self._port)
        stop = threading.Event()
        thread = threading.Thread(target=play, args=(link, lambda: to_ms(datetime.now(UTC)), stop))
        thread.start()
        try:
            yield utd
        finally:
            stop.set()
            thread.join()


class State:
    """Reads the state database while others write it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)

    def close(self) -> None:
        """Leave it."""
        self._connection.close()

    def number(self, sql: str, *values: object) -> int:
        """The one number of a query."""
        return int(self._connection.execute(sql, values).fetchone()[0])

    def signals(self, building: int) -> int:
        """Alarms stored of a building."""
        sql = "SELECT COUNT(DISTINCT component) FROM fire_signal WHERE building = ? AND states LIKE '%fire%'"
        return self.number(sql, f"b{building}")

    def messages(self) -> Counter[str]:
        """Messages by kind and what became of them."""
        rows = self._connection.execute("SELECT kind, decision, status, COUNT(*) FROM message GROUP BY 1, 2, 3")
        return Counter({f"{kind} {decision}/{status}": count for kind, decision, status, count in rows})


def run(options: argparse.Namespace) -> None:
    """As many storms as asked for, each in a building of its own; figures of all."""
    os.environ["GENGFU_PARENT_PID"] = str(os.getpid())  # whatever ends this ends our processes too
    storms = options.storms + WARM_UP
    print(
        f"storm: {options.points} alarms in {STORM_MS / 1000:g} s, {options.per_frame} per frame at most, "
        f"{options.rate:,.0f} readings/s meanwhile, {options.broker}, {options.storms} storms",
        flush=True,
    )
    broker = mosquitto if options.broker == "mosquitto" else embedded
    with tempfile.TemporaryDirectory(prefix="gengfu-bench-") as text:
        directory = Path(text)
        write_fire_site(directory / "configs", storms, options.points)
        with broker(directory) as broker_port:
            environment = environment_of(directory, broker_port, free_port())
            ingest = IngestProcess(directory, broker_port)
            worker = Ours(environment, "worker")
            seconds = storms * (STORM_MS / 1000 + PAUSE_S + 4.0) + 10
            try:
                with (
                    gateway(environment) as ours,
                    generator(broker_port, "flood", int(options.rate * seconds), 1, options.rate) as flood,
                    closing(State(ingest.data / "gengfu.db")) as state,
                ):
                    go(flood)
                    time.sleep(3)
                    pids = {"gateway": ours.process.pid, "ingest": ingest.process.pid, "worker": worker.process.pid}
                    before = {name: cpu_s(pid) for name, pid in pids.items()}
                    panels = Panels(int(environment["GENGFU_FIRE_PORT"]), options.points, options.per_frame)
                    found = [_one(number, panels, worker, state, options.points) for number in range(storms)]
                    used = {name: (cpu_s(pid) - before[name]) / storms for name, pid in pids.items()}
                    _say(found[WARM_UP:], state, storms, options.points, used)
                    flood.kill()
            finally:
                worker.stop()
                ingest.stop()


def _one(number: int, panels: Panels, worker: Ours, state: State, points: int) -> Storm:
    found = Storm()
    told_before = len(worker.lines)
    messages = state.messages()
    with panels.burning(number, found) as utd:
        deadline = time.monotonic() + GIVE_UP_S
        stored = 0
        while utd.confirmed < points or stored < points:
            time.sleep(0.01)
            stored = state.signals(number)
            if stored and not found.first:
                found.first = time.perf_counter()
            if time.monotonic() > deadline:
                raise SystemExit(f"storm {number}: {utd.confirmed} confirmed, {stored} of {points} stored")
        found.stored = time.perf_counter()
    while len(worker.lines) == told_before:
        time.sleep(0.02)
        if time.monotonic() > deadline:
            raise SystemExit(f"storm {number}: nobody was told")
    found.told = next(at for at, line in worker.lines[told_before:] if line)
    time.sleep(PAUSE_S)
    found.messages = state.messages() - messages
    return found


def _say(found: list[Storm], state: State, storms: int, points: int, used: dict[str, float]) -> None:
    rows = {
        "first alarm readable": [one.first - one.sent for one in found],
        "first message after first alarm": [one.told - one.sent for one in found],
        "last alarm confirmed to device": [one.confirmed - one.sent for one in found],
        "all signals readable": [one.stored - one.sent for one in found],
    }
    for name, seconds in rows.items():
        values = sorted(value * 1000 for value in seconds)
        p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
        print(
            f"    {name:<34} p50 {statistics.median(values):7.0f} ms   p99 {p99:7.0f} ms   max {values[-1]:7.0f} ms"
            f"   (n={len(values)})",
            flush=True,
        )
    sql = "SELECT COUNT(*) FROM fire_signal WHERE device = ? AND states LIKE '%fire%'"
    rows_stored, incidents = state.number(sql, SOURCE), state.number("SELECT COUNT(*) FROM fire_incident")
    print(f"    signals stored {rows_stored:,} of {storms * points:,}   incidents {incidents} of {storms} storms")
    told = Counter[str]()
    for one in found:
        told += one.messages
    per_storm = ", ".join(f"{name} {count / len(found):g}" for name, count in sorted(told.items()))
    print(f"    messages per storm: {per_storm}")
    print("    CPU per storm: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in used.items()), flush=True)
