"""Patrol live: from a guard's tap to its visible verdict, next to events that need no judgement.

    python -m benchmarks.patrol_live [--taps N] [--rate R] [--broker embedded|mosquitto]

Real processes on loopback: taps go through the console's own door (outbox on disk, MQTT) to a `gengfu ingest`, which
judges them against the rounds under way. A tap counts when a reader of the state database sees its verdict. In turn
with the taps, a device's status events go the same way; ingest stores them and has nothing to judge.
"""

import argparse
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.ingest import IngestProcess, embedded, mosquitto, say_latency
from benchmarks.site import SITE, write_site
from gateway.contract.clocks import Solved
from gateway.contract.times import format_at, to_ms
from gateway.mqtt import BrokerAddress
from gateway.outbox import Outbox
from gateway.publish import Publisher
from gateway.site.load import load_configs
from services.cli.doors import Doors
from services.flows.patrol.watch import PatrolTimers
from services.kernel.db import Database
from services.migrations import upgrade
from services.patrol.phone.items import TapItem, tap_body
from services.patrol.rounds import PLANNED_UNTIL
from services.patrol.tables import PatrolWatermark

SHIPPED = Path(__file__).resolve().parent.parent / "device_configs"
STOPS = 12
GUARDS = 60
"""So many that each has the time to walk from one of its taps to the next."""
STATUS_DEVICE = "d1"
WARM_UP = 10
"""First ones of each kind that are not counted."""
POLL_S = 0.0005
GIVE_UP_S = 30.0


def write_patrol(root: Path, taps: int) -> None:
    """Add patrol to the site files: as many checkpoints as taps, on routes of twelve stops with a round under way."""
    site = root / "sites" / SITE
    routes = range(-(-taps // STOPS))
    lines = ["checkpoints:"]
    lines += [
        f"  - {{id: c{number}, name: c{number}, area: room, labels: [key], tags: [{{uid: '{_uid(number)}'}}], "
        f"position: {{x_m: {number % GUARDS * 5}, y_m: {number // GUARDS * 5}}}}}"
        for number in range(len(routes) * STOPS)
    ]
    lines.append("routes:")
    for route in routes:
        stops = ", ".join(f"{{checkpoint: c{route * STOPS + stop}}}" for stop in range(STOPS))
        lines.append(f"  - {{id: r{route}, name: r{route}, order: any, stops: [{stops}]}}")
    lines.append("schedules:")
    lines += [
        f"  - {{id: r{route}, route: r{route}, every: 2h, window: {{start: '00:00', end: '00:00'}}, duration: 110min}}"
        for route in routes
    ]
    lines.append("rules:\n  - {pack: cadence-grade-3, labels: [key]}")
    shutil.copytree(SHIPPED / "patrol", root / "patrol")
    (site / "patrol.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    with (site / "people.yaml").open("a", encoding="utf-8") as people:
        people.writelines(f"  - {{username: guard-{n}, name: guard-{n}, role: guard}}\n" for n in range(GUARDS))
    devices = (site / "devices.yaml").read_text("utf-8")
    app = "  - {id: app, name: app, area: room, kind: patrol_app}\n"
    (site / "devices.yaml").write_text(devices.replace("points:\n", f"{app}points:\n", 1), "utf-8")


def _uid(number: int) -> str:
    return f"04{number:08X}5180"


def plan_rounds(data: Path, root: Path) -> None:
    """Make the state database with the rounds of the next days, as a worker does when it starts."""
    data.mkdir()
    configs, now = load_configs(root), datetime.now(UTC)
    with closing_database(data / "gengfu.db") as db:
        upgrade(db)
        begun = now - timedelta(hours=2)
        with db.begin() as session:
            session.add(PatrolWatermark(site=SITE, what=PLANNED_UNTIL, since=begun, until=begun))
            session.flush()
            PatrolTimers(configs, timedelta(minutes=5)).plan(session, configs.site(SITE), now)


@contextmanager
def closing_database(path: Path) -> Iterator[Database]:
    """A state database, disposed of afterwards."""
    db = Database(f"sqlite:///{path}")
    try:
        yield db
    finally:
        db.dispose()


@dataclass
class Sender:
    """Sends taps through the door and status events through an outbox of their own, and watches the database."""

    doors: Doors
    publisher: Publisher
    state: sqlite3.Connection
    puts: list[float] = field(default_factory=list)
    """Milliseconds a tap took until it was safe on disk."""

    def tap(self, number: int) -> float:
        """Milliseconds from the tap's arrival at the door to its visible verdict."""
        now_ms = to_ms(datetime.now(UTC))
        client_id = f"bench-{number:06d}"
        item = TapItem(
            kind="tap",
            client_id=client_id,
            by=f"guard-{number % GUARDS}",
            seq=number + 1,
            boot="b",
            wall_ms=now_ms,
            mono_ms=now_ms,
            tag=_uid(number),
        )
        body = tap_body(item, SITE, "phone-bench", Solved(now_ms, "monotonic", 0, turned=False), now_ms, {})
        started = time.perf_counter()
        self.doors.put(SITE, body)
        self.puts.append((time.perf_counter() - started) * 1000)
        seen = "SELECT 1 FROM patrol_tap WHERE id = ? AND verdict = 'on_time'"
        return self._until(seen, (f"{SITE}/app/{client_id}",), started)

    def status(self, number: int) -> float:
        """Milliseconds from a status event's put to its visible row."""
        body = {"at": format_at(to_ms(datetime.now(UTC))), "online": bool(number % 2)}
        started = time.perf_counter()
        event_id = self.publisher.put(STATUS_DEVICE, "status", body)
        seen = "SELECT 1 FROM heard_event WHERE device = ? AND event_id = ?"
        return self._until(seen, (f"{SITE}/{STATUS_DEVICE}", event_id), started)

    def _until(self, query: str, values: tuple[str, ...], started: float) -> float:
        while self.state.execute(query, values).fetchone() is None:
            time.sleep(POLL_S)
            if time.perf_counter() - started > GIVE_UP_S:
                raise SystemExit(f"not seen within {GIVE_UP_S:.0f} s: {values}")
        return (time.perf_counter() - started) * 1000


def measure(sender: Sender, count: int, rate: float) -> tuple[list[float], list[float]]:
    """Latencies of taps and of status events, in turn, `rate` of each per second; sorted."""
    taps, statuses = [], []
    begun = time.perf_counter()
    for number in range(count):
        _sleep_until(begun + number / rate)
        taps.append(sender.tap(number))
        _sleep_until(begun + (number + 0.5) / rate)
        statuses.append(sender.status(number))
    return sorted(taps[WARM_UP:]), sorted(statuses[WARM_UP:])


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.perf_counter()))


def run(directory: Path, port: int, count: int, rate: float) -> None:
    """Measure on one broker and print."""
    ingest = IngestProcess(directory, port)
    broker, uri = BrokerAddress("127.0.0.1", port), f"file:{ingest.data / 'gengfu.db'}?mode=ro"
    doors = Doors(load_configs(directory / "configs"), broker, lambda site: directory / f"door-{site}.db")
    outbox = Outbox(directory / "status.db", via="bench-status")
    publisher = Publisher(outbox, broker, SITE).start()
    try:
        with closing(doors), closing(sqlite3.connect(uri, uri=True, timeout=5)) as state:
            cpu = ingest.cpu_s()
            sender = Sender(doors, publisher, state)
            taps, statuses = measure(sender, count, rate)
            used = (ingest.cpu_s() - cpu) * 1000 / count
    finally:
        publisher.close()
        outbox.close()
        ingest.stop()
    say_latency("tap to verdict", taps)
    say_latency("status event to row (baseline)", statuses)
    say_latency("of a tap: safe in the outbox", sorted(sender.puts[WARM_UP:]))
    print(
        f"    ratio of the medians {statistics.median(taps) / statistics.median(statuses):.2f}   "
        f"ingest's CPU per tap and status event {used:.1f} ms",
        flush=True,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--taps", type=int, default=300)
    parser.add_argument("--rate", type=float, default=5.0, help="Taps per second")
    parser.add_argument("--broker", choices=("embedded", "mosquitto"), default="embedded")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gengfu-bench-") as text:
        directory = Path(text)
        root = write_site(directory / "configs", 2, 1)
        write_patrol(root, options.taps)
        plan_rounds(directory / "data", root)
        print(f"\n{options.broker}, {options.rate:g} taps/s", flush=True)
        with (mosquitto if options.broker == "mosquitto" else embedded)(directory) as port:
            run(directory, port, options.taps, options.rate)


if __name__ == "__main__":
    main()
