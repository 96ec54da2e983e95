"""Ingest under load: sustained rate next to a bare subscriber, latency of an alert, and the pure step.

    python -m benchmarks.ingest [--broker mosquitto|embedded|both] [--messages N] [--quick]

One generator (benchmarks/load.py), one clock, QoS 1, everything on loopback of one machine. A message counts when its
sequence number is committed in the state database: by then it is stored, judged and committed; the acknowledgement
follows in the same turn.
"""

import argparse
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.replay import replay
from benchmarks.site import SITE, write_site
from gateway.broker import EmbeddedBroker

DEVICES, POINTS = 100, 10
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """One measured run."""

    seconds: float
    messages: int
    readings: int
    cpu_us: float = 0.0
    peak_mib: float = 0.0

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.seconds


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mosquitto(directory: Path) -> Iterator[int]:
    """Mosquitto with roomy bounded queues, as shipped, and no persistence to compare alike."""
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    port = free_port()
    config = directory / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000000\nmax_queued_bytes 1073741824\n"
        "max_inflight_messages 2000\n",
        "utf-8",
    )
    process = subprocess.Popen([binary, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def embedded(directory: Path) -> Iterator[int]:
    """The embedded broker."""
    port = free_port()
    with EmbeddedBroker(directory, port):
        yield port


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


class IngestProcess:
    """A real `gengfu ingest` on a fresh data directory."""

    def __init__(self, directory: Path, port: int) -> None:
        self.data = directory / "data"
        environment = {
            **os.environ,
            "GENGFU_CONFIGS": str(directory / "configs"),
            "GENGFU_DATA_DIR": str(self.data),
            "GENGFU_BROKER_PORT": str(port),
            "GENGFU_LOG_LEVEL": "WARNING",
        }
        self.process = subprocess.Popen([sys.executable, "-m", "services.cli", "ingest"], env=environment)
        deadline = time.monotonic() + 60
        while not self._connected():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("ingest did not start")
            time.sleep(0.1)

    def _query(self, sql: str) -> tuple[float, ...]:
        with sqlite3.connect(f"file:{self.data / 'gengfu.db'}?mode=ro", uri=True, timeout=5) as connection:
            return tuple(connection.execute(sql).fetchone() or ())

    def _connected(self) -> bool:
        try:
            row = self._query("SELECT json_extract(figures, '$.connected') FROM heartbeat WHERE role = 'ingest'")
        except sqlite3.OperationalError:
            return False
        return bool(row) and row[0] == 2

    def committed(self, boot: str) -> int:
        """How many numbers of this boot are committed."""
        return int(self._query(f"SELECT COALESCE(SUM(high), 0) FROM device_sequence WHERE boot = '{boot}'")[0])

    def alerts(self) -> int:
        """How many alert rows there are."""
        return int(self._query("SELECT COALESCE(SUM(occurrence), 0) FROM alert WHERE rule LIKE 'NUM-02%'")[0])

    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_mib(self) -> float:
        """Peak resident memory."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=20)


@contextmanager
def generator(
    port: int, boot: str, messages: int, batch: int, rate: float = 0, root: str = "gengfu/v1"
) -> Iterator["subprocess.Popen[str]"]:
    """The load generator, packets encoded and waiting for a line."""
    command = [sys.executable, "-m", "benchmarks.load", "--port", str(port), "--messages", str(messages)]
    command += ["--batch", str(batch), "--rate", str(rate), "--boot", boot, "--root", root]
    command += ["--devices", str(DEVICES), "--points", str(POINTS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdout is None or process.stdout.readline().strip() != "READY":
        raise SystemExit("the load generator did not start")
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait(timeout=60)


def go(process: "subprocess.Popen[str]") -> None:
    """Let the generator publish."""
    if process.stdin is not None:
        process.stdin.write("\n")
        process.stdin.flush()


def measure_ingest(ingest: IngestProcess, port: int, boot: str, messages: int, batch: int) -> Result:
    """Publish and wait until everything is committed."""
    with generator(port, boot, messages, batch) as process:
        cpu = ingest.cpu_s()
        started = time.monotonic()
        go(process)
        while ingest.committed(boot) < messages:
            time.sleep(0.02)
            if time.monotonic() - started > 120:
                raise SystemExit(f"only {ingest.committed(boot)} of {messages} messages were committed within 120 s")
        seconds = time.monotonic() - started
        used = ingest.cpu_s() - cpu
    return Result(seconds, messages, messages * batch, used / messages * 1e6, ingest.peak_mib())


def measure_bare(port: int, boot: str, messages: int, batch: int) -> Result:
    """The same load into a subscriber that only counts; the clock starts with the first publish."""
    bare = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", str(port), str(messages)], stdout=subprocess.PIPE, text=True
    )
    if bare.stdout is None or bare.stdout.readline().strip() != "READY":
        raise SystemExit("the bare subscriber did not start")
    with generator(port, boot, messages, batch, root="bare/v1") as process:
        started = time.monotonic()
        go(process)
        bare.stdout.readline()
        seconds = time.monotonic() - started
    bare.wait(timeout=30)
    return Result(seconds, messages, messages * batch)


def latency(ingest: IngestProcess, port: int, count: int, boot: str) -> list[float]:
    """Milliseconds from publishing a breaching reading (no delay) to its occurrence in the alert row."""
    client = paho.Client(CallbackAPIVersion.VERSION2, f"bench-latency-{boot}")
    client.connect("127.0.0.1", port)
    client.loop_start()
    found: list[float] = []
    uri = f"file:{ingest.data / 'gengfu.db'}?mode=ro"
    with sqlite3.connect(uri, uri=True, timeout=5) as connection:
        query = "SELECT COALESCE(SUM(occurrence), 0) FROM alert WHERE rule LIKE 'NUM-02%'"
        for number in range(count):
            before = connection.execute(query).fetchone()[0]
            started = time.perf_counter()
            _publish(client, boot, 2 * number + 1, 0.3)
            while connection.execute(query).fetchone()[0] == before:
                time.sleep(0.0005)
                if time.perf_counter() - started > 30:
                    raise SystemExit("an alert did not open within 30 s")
            found.append((time.perf_counter() - started) * 1000)
            _publish(client, boot, 2 * number + 2, 0.9)
            time.sleep(0.05)
    client.disconnect()
    client.loop_stop()
    return sorted(found)


def _publish(client: paho.Client, boot: str, seq: int, value: float) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = f'{{"id":"{boot}-{seq}","at":"{at}","point":"d0-alarm","value":{value}}}'
    client.publish(f"gengfu/v1/{SITE}/d0/reading", body, qos=1).wait_for_publish(10)


def say_latency(name: str, found: list[float]) -> None:
    """p50 and p99 of a sorted list."""
    p99 = found[min(len(found) - 1, int(len(found) * 0.99))]
    print(f"    {name:<34} p50 {statistics.median(found):7.1f} ms   p99 {p99:7.1f} ms   (n={len(found)})", flush=True)


def run(name: str, messages: int, quick: bool) -> None:
    """Everything on one broker."""
    print(f"\n{name}", flush=True)
    with tempfile.TemporaryDirectory(prefix="gengfu-bench-") as text:
        directory = Path(text)
        write_site(directory / "configs", DEVICES, POINTS)
        with (mosquitto if name == "mosquitto" else embedded)(directory) as port:
            ingest = IngestProcess(directory, port)
            try:
                measure_ingest(ingest, port, "warm", 10_000, 1)
                single = _compare(ingest, port, "single", messages, 1)
                _compare(ingest, port, "batch50", messages // 5, 50)
                count = 50 if quick else 200
                say_latency("alert, idle", latency(ingest, port, count, "idle"))
                rate = single.rate * 0.8
                with generator(port, "flood", int(rate * (15 if quick else 40)), 1, rate) as process:
                    go(process)
                    time.sleep(1)
                    say_latency(f"alert, flood of {rate:,.0f} msg/s", latency(ingest, port, count // 2, "flooded"))
            finally:
                ingest.stop()


def _compare(ingest: IngestProcess, port: int, what: str, messages: int, batch: int) -> Result:
    """Three runs of ours and of the baseline, in turn; medians."""
    ours: list[Result] = []
    bare: list[Result] = []
    for number in range(3):
        ours.append(measure_ingest(ingest, port, f"{what}{number}", messages, batch))
        bare.append(measure_bare(port, f"{what}{number}", messages, batch))
    mine = sorted(ours, key=lambda one: one.rate)[1]
    base = sorted(bare, key=lambda one: one.rate)[1]
    readings = mine.readings / mine.seconds
    figures = (
        f"gengfu {mine.rate:9,.0f} msg/s {readings:11,.0f} readings/s",
        f"bare paho {base.rate:9,.0f} msg/s",
        f"ratio {mine.rate / base.rate:5.2f}",
        f"CPU {mine.cpu_us:6.1f} µs/msg",
        f"peak {mine.peak_mib:5.0f} MiB",
    )
    print(f"    {what:<10} " + "   ".join(figures), flush=True)
    return mine


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=("mosquitto", "embedded", "both"), default="both")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for name in ("mosquitto", "embedded") if options.broker == "both" else (options.broker,):
        run(name, options.messages, options.quick)
    print("\npure step", flush=True)
    replay(days=3 if options.quick else 30)


if __name__ == "__main__":
    main()
