"""Several ingest workers on one machine: sum of readings per second and time to alert, with 1, 2 and 4 of them.

    python -m benchmarks.scale [--workers 1,2,4] [--messages N] [--runs N]

Real Mosquitto and PostgreSQL (commits durable), sites in as many groups as there can be workers, one generator, QoS 1,
everything on loopback. A message counts when its sequence number is committed in PostgreSQL. Each worker has a data
directory of its own, as on a machine of its own: a time-series file, or a spool where GENGFU_INFLUX_URL (with
GENGFU_INFLUX_TOKEN, _ORG, _BUCKET) names a server. Broker, database and generator take their part of the same cores:
the ratio says how ingest scales here, not how far.
"""

import argparse
import itertools
import os
import pwd
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as paho
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.ingest import TICKS, free_port, mosquitto
from benchmarks.load import CONNECT, payloads
from benchmarks.load import packet as packed
from benchmarks.site import write_site
from services.kernel.groups import group_of

GROUPS = 4
DEVICES, POINTS = 25, 10
BATCH = 10
"""Readings of one message, as a gateway sends them."""
WINDOW = 20_000
ALERTS = 100
CALM = 0.6
"""Time to alert is measured at this part of what one worker can do, whoever works."""
POSTGRES = Path("/usr/lib/postgresql/15/bin")


def sites() -> list[str]:
    """One site for each group."""
    found: dict[str, str] = {}
    for number in itertools.count():
        found.setdefault(group_of(f"bench{number}", GROUPS), f"bench{number}")
        if len(found) == GROUPS:
            return sorted(found.values())
    raise AssertionError


@contextmanager
def postgres() -> Iterator[tuple[str, int]]:
    """A PostgreSQL with durable commits: its address and process id."""
    directory = Path(tempfile.mkdtemp(prefix="gengfu-bench-pg-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(directory, account.pw_uid, account.pw_gid)
    port = free_port()
    initdb = [str(POSTGRES / "initdb"), "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
    subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=directory)
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
    command = [str(POSTGRES / "postgres"), "-D", "data", *(f"--{key}={value}" for key, value in settings.items())]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=directory)
    try:
        while True:
            try:
                psycopg.connect(f"host=127.0.0.1 port={port} user=postgres", connect_timeout=1).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.send_signal(2)
        process.wait(20)
        shutil.rmtree(directory, ignore_errors=True)


class Cost(NamedTuple):
    """CPU seconds, rows written and bytes of write-ahead log so far."""

    ingest_s: float
    postgres_s: float
    rows: int
    wal: int


class Run(NamedTuple):
    """One measured stream; costs per message."""

    rate: float
    ingest_us: float
    postgres_us: float
    rows: float
    wal: float


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Crew:
    """Ingest processes over one database."""

    def __init__(self, directory: Path, broker_port: int, server: tuple[str, int], count: int) -> None:
        database, self.server = server
        host, _, port = database.partition(":")
        name = f"scale{count}"
        with psycopg.connect(f"host={host} port={port} user=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        self.connection = psycopg.connect(f"host={host} port={port} user=postgres dbname={name}", autocommit=True)
        self.processes: list[subprocess.Popen[bytes]] = []
        environment = {
            **os.environ,
            "GENGFU_CONFIGS": str(directory / "configs"),
            "GENGFU_BROKER_PORT": str(broker_port),
            "GENGFU_DATABASE_URL": f"postgresql+psycopg://postgres@{database}/{name}",
            "GENGFU_INGEST_GROUPS": str(GROUPS),
            "GENGFU_SECRET_KEY_FILE": str(directory / "secret.key"),
            "GENGFU_LOG_LEVEL": "WARNING",
        }
        for number in range(count):
            own = environment | {"GENGFU_DATA_DIR": str(directory / f"{name}-{number}")}
            self.processes.append(subprocess.Popen([sys.executable, "-m", "services.cli", "ingest"], env=own))
        self._wait_until_shared()

    def _wait_until_shared(self) -> None:
        deadline = time.monotonic() + 60
        shared = (
            "SELECT count(*), count(DISTINCT holder) FROM lease WHERE name LIKE 'ingest:%' AND holder <> '' "
            "AND until > clock_timestamp()"
        )
        connected = (
            "SELECT count(*) FROM heartbeat WHERE role = 'ingest' AND figures->>'connected' = '2' "
            "AND at > now() - interval '3 seconds'"
        )
        while True:
            if time.monotonic() > deadline:
                raise SystemExit("the ingest workers did not share the groups out")
            time.sleep(0.2)
            try:
                if self.row(shared) == (GROUPS, len(self.processes)) and self.row(connected) == (GROUPS,):
                    return
            except psycopg.errors.UndefinedTable:
                continue

    def row(self, sql: str) -> tuple[int, ...]:
        """The first row of a query."""
        return tuple(int(cell) for cell in self.connection.execute(sql.encode()).fetchone() or ())

    def committed(self, boot: str) -> int:
        """Messages of one boot that are committed."""
        return self.row(f"SELECT COALESCE(SUM(high), 0) FROM device_sequence WHERE boot = '{boot}'")[0]

    def occurrences(self) -> int:
        """How often an alert was raised."""
        return self.row("SELECT COALESCE(SUM(occurrence), 0) FROM alert WHERE rule LIKE 'NUM-02%'")[0]

    def cost(self) -> Cost:
        """What has been used so far."""
        children = Path(f"/proc/{self.server}/task/{self.server}/children").read_text("utf-8").split()
        written = "SELECT COALESCE(SUM(n_tup_ins + n_tup_upd), 0) FROM pg_stat_user_tables"
        (wal,) = self.row("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        workers = sum(_cpu_s(process.pid) for process in self.processes)
        return Cost(workers, sum(_cpu_s(int(pid)) for pid in children), self.row(written)[0], wal)

    def close(self) -> None:
        """End them."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)
        self.connection.close()


def packets(boot: str, messages: int) -> list[bytes]:
    """Messages of all sites in turn."""
    each = [payloads("gengfu/v1", boot, DEVICES, POINTS, BATCH, messages // GROUPS, site) for site in sites()]
    mixed = itertools.chain.from_iterable(zip(*each, strict=True))
    return [packed(topic, payload, index % 65_535 + 1) for index, (topic, payload) in enumerate(mixed)]


def publish(port: int, ready: list[bytes], rate: float = 0.0, stop: threading.Event | None = None) -> None:
    """Send all (until `stop`), at most `rate` a second, with a bounded number on the way."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(CONNECT)
    sock.recv(4)
    sock.setblocking(False)
    sent = answered = 0
    waiting = b""
    started = time.monotonic()
    while answered // 4 < len(ready) and not (stop is not None and stop.is_set()):
        allowed = len(ready) if not rate else min(len(ready), int((time.monotonic() - started) * rate))
        if not waiting and sent < allowed and sent - answered // 4 < WINDOW:
            upto = min(sent + 200, allowed)
            waiting = b"".join(ready[sent:upto])
            sent = upto
        readable, writable, _ = select.select([sock], [sock] if waiting else [], [], 0.002)
        if writable:
            waiting = waiting[sock.send(waiting) :]
        if readable:
            answered += len(sock.recv(1 << 16))
    sock.close()


def throughput(crew: Crew, port: int, boot: str, messages: int) -> Run:
    """Publish as fast as it goes, and wait until everything is committed."""
    ready = packets(boot, messages)
    before = crew.cost()
    sender = threading.Thread(target=publish, args=(port, ready), daemon=True)
    started = time.monotonic()
    sender.start()
    while crew.committed(boot) < len(ready):
        time.sleep(0.05)
        if time.monotonic() - started > 180:
            raise SystemExit(f"only {crew.committed(boot)} of {len(ready)} messages were committed within 180 s")
    seconds = time.monotonic() - started
    sender.join()
    time.sleep(1.1)  # backends report their rows once a second
    ingest_s, postgres_s, rows, wal = (b - a for a, b in zip(before, crew.cost(), strict=True))
    count = len(ready)
    return Run(count / seconds, ingest_s / count * 1e6, postgres_s / count * 1e6, rows / count, wal / count)


def time_to_alert(crew: Crew, port: int, boot: str, rate: float) -> list[float]:
    """Milliseconds from publishing a breach to its alert in PostgreSQL, in turn at every site, under a load."""
    stop = threading.Event()
    ready = packets(boot, int(rate * (ALERTS * 0.25 + 10)) // GROUPS * GROUPS)
    sender = threading.Thread(target=publish, args=(port, ready, rate, stop), daemon=True)
    sender.start()
    client = paho.Client(CallbackAPIVersion.VERSION2, f"bench-{boot}")
    client.connect("127.0.0.1", port)
    client.loop_start()
    found: list[float] = []
    time.sleep(2)
    for number in range(ALERTS):
        site = sites()[number % GROUPS]
        before = crew.occurrences()
        started = time.perf_counter()
        breach(client, site, f"{boot}a", 2 * (number // GROUPS) + 1, 0.3)
        while crew.occurrences() == before:
            time.sleep(0.001)
            if time.perf_counter() - started > 30:
                raise SystemExit("an alert did not open within 30 s")
        found.append((time.perf_counter() - started) * 1000)
        breach(client, site, f"{boot}a", 2 * (number // GROUPS) + 2, 0.9)
        time.sleep(0.1)
    stop.set()
    sender.join()
    client.disconnect()
    client.loop_stop()
    return sorted(found)


def breach(client: paho.Client, site: str, boot: str, seq: int, value: float) -> None:
    """One reading of a point without delays."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = f'{{"id":"{boot}-{seq}","at":"{at}","point":"d0-alarm","value":{value}}}'
    client.publish(f"gengfu/v1/{site}/d0/reading", body, qos=1).wait_for_publish(10)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--messages", type=int, default=40_000, help=f"of {BATCH} readings each, per run")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    where = "InfluxDB" if os.environ.get("GENGFU_INFLUX_URL") else "SQLite"
    print(f"{os.cpu_count()} cores for everything; {GROUPS} groups; readings to {where}; medians of {options.runs}")
    base_rate = base_p99 = 0.0
    for count in map(int, options.workers.split(",")):
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gengfu-bench-")))
            for site in sites():
                write_site(directory / "configs", DEVICES, POINTS, site)
            port = stack.enter_context(mosquitto(directory))
            crew = Crew(directory, port, stack.enter_context(postgres()), count)
            stack.callback(crew.close)
            throughput(crew, port, "warm", options.messages // 4)
            runs = sorted(throughput(crew, port, f"r{run}", options.messages) for run in range(options.runs))
            rate, ingest_us, postgres_us, rows, wal = runs[len(runs) // 2]
            base_rate = base_rate or rate
            found = time_to_alert(crew, port, "load", base_rate * CALM)
            p99 = found[int(len(found) * 0.99)]
            base_p99 = base_p99 or p99
            print(
                f"{count} workers  {rate:8,.0f} msg/s {rate * BATCH:9,.0f} readings/s (x {rate / base_rate:4.2f})  "
                f"CPU/msg ingest {ingest_us:4.0f} µs, PostgreSQL {postgres_us:4.0f} µs, {rows:4.1f} rows, "
                f"{wal:5.0f} B of log   alert at {base_rate * CALM:,.0f} msg/s: "
                f"p50 {statistics.median(found):6.1f} ms  p99 {p99:6.1f} ms (x {p99 / base_p99:4.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
