"""Modbus: slaves asked per second, next to a bare pymodbus loop over the same virtual slaves.

    python -m benchmarks.modbus [--seconds S]

The slaves are a process of their own (gateway.simulator.modbus), on TCP and on a pseudo-terminal without a speed of its
own: what is measured is our cost per answer, not a line's. Ours decodes, judges and makes events; the bare loop does
not. Intervals are 1 ms, so that every slave is always due; no pause between requests.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from gateway.drivers.modbus.wire import ModbusWire
from gateway.outlet import Event
from gateway.sensors.bus import BusLine
from gateway.simulator.modbus import VirtualBus, VirtualSlave
from gateway.site.load import load_configs
from gateway.site.model import Device, Point, Site, SiteConfig
from gateway.site.profile import Profile
from gateway.site.sensors import Bus, Sensor, Sensors

SLAVES = 32
BAUD = 921_600
FAMILY = "rs485-pressure"


def family() -> Profile:
    """The shipped pressure transmitter."""
    return load_configs(Path(__file__).parents[1] / "device_configs").profiles[FAMILY]


def serve(kind: str) -> None:
    """Be the slaves until the other end of our input closes; the first line says where they are."""
    profile = family().modbus
    assert profile is not None
    bus = VirtualBus([VirtualSlave(number, profile, lambda *_: 7.25) for number in range(1, SLAVES + 1)], lambda: 0)
    where = bus.serve_pty() if kind == "pty" else f"127.0.0.1:{bus.serve_tcp('127.0.0.1', 0)}"
    print(where, flush=True)
    sys.stdin.read()
    bus.close()


@contextmanager
def slaves(kind: str) -> Iterator[Bus]:
    """A bus with virtual slaves behind it, in another process."""
    command = [sys.executable, "-m", "benchmarks.modbus", "--serve", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        where = process.stdout.readline().strip()
        place = {"port": where} if kind == "pty" else {"host": where}
        try:
            yield Bus.model_validate({"id": "bench", "pause": timedelta(0), "baud": BAUD, **place})
        finally:
            process.stdin.close()


def bare(bus: Bus, seconds: float) -> float:
    """Answers per second of pymodbus alone."""
    host, _, port = (bus.host or "").rpartition(":")
    client = (
        ModbusTcpClient(host, port=int(port), retries=0)
        if bus.host
        else ModbusSerialClient(bus.port or "", baudrate=bus.baud, retries=0)
    )
    client.connect()
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        assert len(client.read_holding_registers(2, count=8, device_id=count % SLAVES + 1).registers) == 8
        count += 1
    client.close()  # type: ignore[no-untyped-call]
    return count / seconds


def ours(bus: Bus, seconds: float) -> tuple[float, float]:
    """(answers per second, events per answer) of the poller, with both metrics of the family as points."""
    profile = family()
    numbers = range(1, SLAVES + 1)
    config = SiteConfig(
        site=Site(id="bench", name="bench", timezone="UTC"),
        devices=tuple(Device(id=f"t{n}", name="t", kind="pressure", area="here") for n in numbers),
        points=tuple(
            Point(id=f"{letter}{n}", device=f"t{n}", name="p", unit=unit, quantity="other", interval=None)
            for n in numbers
            for letter, unit in (("p", "MPa"), ("t", "°C"))
        ),
        sensors=Sensors(
            buses=(bus,),
            sensors=tuple(
                Sensor(
                    device=f"t{n}",
                    profile=FAMILY,
                    bus=bus.id,
                    slave=n,
                    interval=timedelta(milliseconds=1),
                    offline_after=timedelta(minutes=1),
                    points={"pressure": f"p{n}", "temperature": f"t{n}"},
                )
                for n in numbers
            ),
        ),
    )
    events: list[Event] = []

    def put(some: Sequence[Event]) -> None:
        events.extend(some)

    line = BusLine(
        bus,
        [(one, profile) for one in config.sensors.sensors],
        config,
        ModbusWire(bus),
        put,
        clock_ms=lambda: time.time_ns() // 1_000_000,
        monotonic=time.monotonic,
        wait=threading.Event().wait,
    )
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        line.step()
    line.close()
    answers = sum(kind == "reading" for _, kind, _ in events)
    return answers / seconds, len(events) / max(1, answers)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--serve", choices=("tcp", "pty"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    for kind in ("tcp", "pty"):
        with slaves(kind) as bus:
            plain = bare(bus, options.seconds)
            mine, each = ours(bus, options.seconds)
        print(
            f"{kind}: pymodbus alone {plain:,.0f} answers/s; polled, decoded and judged {mine:,.0f}/s "
            f"({100 * mine / plain:.0f} %), {each:.2f} events each"
        )


if __name__ == "__main__":
    main()
