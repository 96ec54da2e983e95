"""A site with a transmission device and as many buildings full of smoke detectors as asked for; and our processes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ingest import DEVICES, POINTS, TICKS
from benchmarks.site import SITE, write_site
from gateway.simulator.fire_points import Component

GATEWAY, SOURCE, ADDRESS = "gateway-1", "utd-1", "790300000000"


def address_of(building: int, point: int) -> str:
    """Four bytes as on the wire: building as loop, point."""
    return ((building + 1).to_bytes(2, "little") + (point + 1).to_bytes(2, "little")).hex()


def components(building: int, points: int) -> tuple[Component, ...]:
    """A building's detectors."""
    return tuple(
        Component(address_of(building, point), f"{building}号楼{point}号烟感", f"b{building} p{point}", "smoke", "")
        for point in range(points)
    )


def write_fire_site(root: Path, buildings: int, points: int, others: Sequence[str] = ()) -> Path:
    """Site files with the devices of the load generator and fire; every building is one zone.

    `others`: addresses of further transmission devices, each with a panel of its own.
    """
    names = {f"utd-o{number}": address for number, address in enumerate(others)}
    write_site(root, DEVICES, POINTS)
    site = root / "sites" / SITE
    areas = site / "areas.yaml"
    lines = [f"  - {{id: b{number}, name: {number}号楼, kind: building}}\n" for number in range(buildings)]
    areas.write_text(areas.read_text("utf-8") + "".join(lines), "utf-8")
    devices = site / "devices.yaml"
    ours = (
        f"  - {{id: {GATEWAY}, name: gateway, area: room, kind: gateway}}\n"
        f"  - {{id: {SOURCE}, name: utd, area: room, kind: fire-panel, heartbeat: 5min}}\n"
    ) + "".join(f"  - {{id: {name}, name: {name}, area: room, kind: fire-panel}}\n" for name in names)
    devices.write_text(devices.read_text("utf-8").replace("points:\n", ours + "points:\n", 1), "utf-8")
    fire = [
        "sources:",
        f"  - {{id: {SOURCE}, protocol: gb26875, address: '{ADDRESS}'}}",
        *(f"  - {{id: {name}, protocol: gb26875, address: '{address}'}}" for name, address in names.items()),
        "panels:",
        f"  - {{id: {SOURCE}, source: {SOURCE}, building: b0}}",
        *(f"  - {{id: {name}, source: {name}, building: b0}}" for name in names),
        "zones:",
        *(f"  - {{id: z{number}, name: {number}号楼, area: b{number}}}" for number in range(buildings)),
        "points:",
        *(
            f"  - {{id: b{number}-p{point}, panel: {SOURCE}, address: '{address_of(number, point)}', "
            f"name: {number}号楼{point}号烟感, kind: smoke, zone: z{number}}}"
            for number in range(buildings)
            for point in range(points)
        ),
    ]
    (site / "fire.yaml").write_text("\n".join(fire) + "\n", "utf-8")
    return root


class Ours:
    """One `gengfu` process; its output is kept with the moment of each line."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.lines: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                self.lines.append((time.perf_counter(), line.rstrip("\n")))

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    """Its peak resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def environment_of(directory: Path, broker_port: int, fire_port: int) -> dict[str, str]:
    """Settings of all our processes."""
    return {
        **os.environ,
        "GENGFU_CONFIGS": str(directory / "configs"),
        "GENGFU_DATA_DIR": str(directory / "data"),
        "GENGFU_BROKER_PORT": str(broker_port),
        "GENGFU_FIRE_PORT": str(fire_port),
        "GENGFU_FIRE_PER_ADDRESS": "10000",
        "GENGFU_LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def gateway(environment: dict[str, str]) -> Iterator[Ours]:
    """The site's gateway, listening."""
    one = Ours(environment, "gateway", "--site", SITE, "--device", GATEWAY)
    try:
        wait_for_port(int(environment["GENGFU_FIRE_PORT"]), one)
        yield one
    finally:
        one.stop()


def wait_for_port(port: int, owner: Ours) -> None:
    """Until somebody listens."""
    deadline = time.monotonic() + 60
    name = f":{port:04X} "
    while time.monotonic() < deadline and owner.process.poll() is None:
        listening = [line for line in Path("/proc/net/tcp").read_text("utf-8").splitlines() if " 0A " in line]
        if any(name in line for line in listening):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")
