"""The Modbus lines of a virtual site: the slaves of `sensors.yaml` answer with what the plan lets their points read."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.simulator.modbus import CannotListen, VirtualBus, VirtualSlave
from gateway.simulator.payloads import signal_of
from gateway.simulator.plan import Plan
from gateway.simulator.signals import Signal
from gateway.site.profile import Metric, ModbusProfile, Profile
from gateway.site.sensors import Sensor

_LOOP_MOST: Final = 24.0
"""mA that a transmitter can drive at most."""


class FieldBuses:
    """Every line of the site that has an address to listen on; serial ports are left to those who own them."""

    def __init__(self, plan: Plan, profiles: Mapping[str, Profile], addresses: Mapping[str, str]) -> None:
        """`addresses`: `site/bus` → `host:port` in place of the bus's own."""
        self._plan = plan
        self._profiles = profiles
        self._slaves: dict[str, list[Sensor]] = {}
        for sensor in plan.config.sensors.sensors:
            if sensor.bus is not None and sensor.slave is not None and sensor.profile in profiles:
                self._slaves.setdefault(sensor.bus, []).append(sensor)
        site = plan.config.site.id
        self.addresses = {
            bus.id: address
            for bus in plan.config.sensors.buses
            if bus.id in self._slaves and (address := addresses.get(f"{site}/{bus.id}") or bus.host)
        }
        self._buses: dict[str, VirtualBus] = {}

    def start(self, clock_ms: Callable[[], int], on_event: Callable[[str, str], None]) -> "FieldBuses":
        """Listen; a line that cannot be opened is told and left out."""
        for bus, address in self.addresses.items():
            slaves = [self._slave(one) for one in self._slaves[bus]]
            host, _, port = address.rpartition(":")
            virtual = VirtualBus([one for one in slaves if one is not None], clock_ms)
            try:
                virtual.serve_tcp(host, int(port), rtu=self._plan.config.sensors.bus_by_id[bus].protocol == "rtu")
            except CannotListen as error:
                on_event(f"总线 {bus} 无法在 {address} 上应答：{error.message}", f"The bus {bus}: {error.message}")
            else:
                self._buses[bus] = virtual
        return self

    def step(self, now_ms: int) -> None:
        """Whose device the scenario takes off line does not answer."""
        for bus, virtual in self._buses.items():
            for sensor in self._slaves[bus]:
                away = (*self._plan.windows(sensor.device, "offline"), *self._plan.windows(sensor.device, "restart"))
                is_away = any(window.elapsed(now_ms) is not None for window, _ in away)
                virtual.tempers[sensor.slave or 0] = "dead" if is_away else "well"

    def close(self) -> None:
        """Leave all lines."""
        for virtual in self._buses.values():
            virtual.close()
        self._buses.clear()

    def _slave(self, sensor: Sensor) -> VirtualSlave | None:
        profile = self._profiles[sensor.profile]
        if profile.modbus is None or sensor.slave is None:
            return None
        return VirtualSlave(sensor.slave, profile.modbus, self._values(sensor, profile, profile.modbus))

    def _values(self, sensor: Sensor, profile: Profile, modbus: ModbusProfile) -> Callable[[str, int], float]:
        metrics: dict[str, Metric] = {one.name: one for one in modbus.registers}
        units = {point.id: point.unit for point in self._plan.config.points}
        signals: dict[str, tuple[Signal, str]] = {
            metric: (self._plan.signal(point), units[point]) for metric, point in sensor.points.items()
        }
        resting = _resting(profile)

        def value(name: str, at_ms: int) -> float:
            metric = metrics[name]
            signal, unit = signals.get(name, (None, ""))
            reading = signal(at_ms) if signal is not None else None
            if reading is None:  # nothing is wired to it, or the wire is broken
                return 0.0 if metric.loop is not None else resting.get(name, 0.0)
            measured = signal_of(metric, sensor, reading, unit)
            return min(max(measured, 0.0), _LOOP_MOST) if metric.loop is not None else measured

        return value


def _resting(profile: Profile) -> dict[str, float]:
    """What the family's own samples read, for metrics that are no points."""
    found: dict[str, float] = {}
    for sample in profile.samples:
        for event in sample.events:
            for name, value in event.values.items():
                found.setdefault(name, value)
    return found
