"""A scenario laid over a site: when each fault happens, what it hits and how it is told."""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.contract.times import from_ms, to_ms
from gateway.simulator.profile import baseline_of, room_of
from gateway.simulator.rota import Drawn
from gateway.simulator.scenario import DEVICE_FAULTS, Fault, FireAct, Guard, Scenario
from gateway.simulator.signals import (
    Signal,
    Window,
    drift,
    excursion,
    forced,
    leak,
    pump_trip,
    rounded,
    silence,
    stuck,
)
from gateway.site.duration import to_milliseconds
from gateway.site.model import Device, Point, SiteConfig

_LAYER_ORDER = (
    "leak", "overpressure", "pump_trip", "excursion", "force", "drift", "stuck", "out_of_range", "silence",
)  # fmt: skip
"""From the water to the wire: what the process does, then what the sensor makes of it, then whether it speaks."""
_IN_THE_WATER = ("leak", "overpressure", "pump_trip", "excursion", "force")
"""What every sensor at a place sees alike."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault with everything resolved. Both `points` and `devices` empty: it does not apply to this site."""

    fault: Fault
    window: Window
    points: tuple[str, ...]
    devices: tuple[str, ...]
    name: str
    name_en: str


class Narration(NamedTuple):
    """A sentence for people at a moment."""

    at_ms: int
    text: str
    text_en: str


PATROL_APP = "patrol_app"
"""The device that speaks for guards' phones; our own web process says whether it is there."""
OUR_OWN = ("gateway", PATROL_APP, "patrol_reader")
"""Devices of these kinds are our own processes, or spoken for by them: not a part of the simulated site."""


def simulated(config: SiteConfig) -> tuple[Point, ...]:
    """The points that report by themselves; typed-in ones (without interval) and derived ones are not simulated."""
    return tuple(
        point
        for point in config.points
        if point.interval and not point.derived and config.device(point.device).kind not in OUR_OWN
    )


def virtual_devices(config: SiteConfig) -> tuple[str, ...]:
    """The devices that speak by themselves: with a simulated point, or with a heartbeat.

    Our own processes are real, and the gateway speaks for fire panels and their transmission devices.
    """
    speaking = {point.device for point in simulated(config)}
    fire = {*config.fire.source_by_id, *config.fire.panel_by_id}
    return tuple(
        device.id
        for device in config.devices
        if device.kind not in OUR_OWN and device.id not in fire and (device.id in speaking or device.heartbeat)
    )


class Plan:
    """Scenario × site × seed × start; answers what every point reads and what happens to every device."""

    def __init__(
        self, config: SiteConfig, scenario: Scenario, seed: int, started_at: datetime, drawn: Drawn | None = None
    ) -> None:
        """`drawn` knows the random starts of rounds; without it no guard comes to those."""
        self.config = config
        self.scenario = scenario
        self.seed = seed
        self.drawn = drawn
        self.start_ms = to_ms(started_at)
        self.planned = tuple(self._resolve(fault) for fault in scenario.faults)
        self._signals: dict[str, Signal] = {}
        self._twins: dict[str, list[str]] = {}
        for point in config.points:
            if point.twin is not None:
                self._twins.setdefault(point.twin, []).append(point.id)

    def value(self, point: str, at: datetime) -> float | None:
        """What a point reads at a moment, in its unit; None: nothing. Raises UnknownId."""
        return self.signal(point)(to_ms(at))

    def signal(self, point: str) -> Signal:
        """The signal of a point; raises UnknownId."""
        found = self._signals.get(point)
        if found is None:
            found = self._signals[point] = self._compose(self.config.point(point))
        return found

    def windows(self, device: str, kind: str) -> tuple[tuple[Window, float], ...]:
        """When `kind` happens to a device, each with its size."""
        return tuple(
            (one.window, one.fault.amount) for one in self.planned if one.fault.kind == kind and device in one.devices
        )

    def narration(self) -> Iterator[Narration]:
        """What to tell people, in order of time; endless when a fault repeats."""
        return heapq.merge(*(self._story(one) for one in self.planned if one.points or one.devices))

    def _story(self, one: Planned) -> Iterator[Narration]:
        if one.fault.quiet:
            return
        zh, en, zh_end, en_end = _SENTENCES[one.fault.kind]
        zh, en = one.fault.zh or zh, one.fault.en or en
        for occurrence in itertools.count():
            begin = one.window.start_of(occurrence)
            yield Narration(begin, zh.format(name=one.name), en.format(name=one.name_en))
            if zh_end:
                end = begin + one.window.duration_ms
                yield Narration(end, zh_end.format(name=one.name), en_end.format(name=one.name_en))
            if one.window.every_ms is None:
                return

    def _resolve(self, fault: Fault) -> Planned:
        window = Window(
            self.begin_ms(fault),
            to_milliseconds(fault.duration),
            None if fault.every is None else to_milliseconds(fault.every),
        )
        for pattern in (part.strip() for part in fault.target.split("|")):
            if fault.kind in DEVICE_FAULTS:
                devices = self._devices(pattern)
                if devices:
                    named = [self.config.device(device) for device in devices]
                    return Planned(fault, window, (), devices, *_common_name(named, "台设备", "devices"))
            else:
                points = self._points(pattern)
                if points:
                    measured = [self.config.point(point) for point in points]
                    return Planned(fault, window, points, (), *_common_name(measured, "个测点", "points"))
        return Planned(fault, window, (), (), "", "")

    def begin_ms(self, fault: Fault | Guard) -> int:
        """When a fault, or a guard's duty, begins."""
        return begin_ms(fault, self.start_ms, ZoneInfo(self.config.site.timezone))

    def _points(self, pattern: str) -> tuple[str, ...]:
        quantity, sharp, number = pattern.partition("#")
        points = simulated(self.config)
        same = tuple(point.id for point in points if point.quantity == quantity)
        if sharp:
            return same[int(number) : int(number) + 1] if number.isdecimal() else ()
        return same or tuple(point.id for point in points if fnmatchcase(point.id, pattern))

    def _devices(self, pattern: str) -> tuple[str, ...]:
        named = tuple(device for device in virtual_devices(self.config) if fnmatchcase(device, pattern))
        return named or tuple(dict.fromkeys(self.config.point(point).device for point in self._points(pattern)))

    def _compose(self, point: Point) -> Signal:
        place = self._place(point)
        signal: Signal = baseline_of(self.config, place, self.seed)
        room = room_of(place, self.config.limits_of(place.id))
        in_water = [one for one in self.planned if place.id in one.points and one.fault.kind in _IN_THE_WATER]
        on_wire = [one for one in self.planned if point.id in one.points and one.fault.kind not in _IN_THE_WATER]
        for one in sorted((*in_water, *on_wire), key=lambda planned: _LAYER_ORDER.index(planned.fault.kind)):
            signal = _layer(signal, one.fault, one.window, point, room.limit, room.centre)
        return rounded(signal, point.decimals)

    def _place(self, point: Point) -> Point:
        """Twins measure the same water: that of the one which is declared first."""
        pair = {point.id, *([point.twin] if point.twin else []), *self._twins.get(point.id, ())}
        return next((one for one in self.config.points if one.id in pair), point)


def begin_ms(act: Fault | Guard | FireAct, start_ms: int, zone: ZoneInfo) -> int:
    """When something begins in a scenario that began at `start_ms`."""
    if act.local_time is None:
        return start_ms + to_milliseconds(act.start or timedelta(0))
    local = from_ms(start_ms).astimezone(zone)
    moment = datetime.combine(local.date(), time.fromisoformat(act.local_time), zone)
    if moment < local:
        moment = datetime.combine(local.date() + timedelta(days=1), moment.timetz())
    return to_ms(moment)


def _common_name(named: Sequence[Device | Point], zh: str, en: str) -> tuple[str, str]:
    first, more = named[0], len(named) - 1
    first_en = first.name_en or first.name
    return (f"{first.name}等 {more + 1} {zh}", f"{first_en} and {more} more {en}") if more else (first.name, first_en)


def _layer(below: Signal, fault: Fault, window: Window, point: Point, unit: float, centre: float) -> Signal:
    size = fault.amount
    match fault.kind:
        case "leak" | "overpressure":
            ramp_ms = to_milliseconds(fault.ramp) if fault.ramp is not None else window.duration_ms // 6
            away = size * unit if fault.kind == "leak" else -size * unit
            return leak(below, window, away, ramp_ms, min(30_000, window.duration_ms // 6))
        case "pump_trip":
            return pump_trip(below, window, size * unit)
        case "drift":
            return drift(below, window, size * unit)
        case "excursion":
            return excursion(below, window, size * unit)
        case "force":
            return forced(below, window, size)
        case "stuck":
            return stuck(below, window)
        case "out_of_range":
            low = point.valid_min if point.valid_min is not None else centre - 10.0 * unit
            high = point.valid_max if point.valid_max is not None else centre + 10.0 * unit
            return forced(below, window, (high if size > 0 else low) + size * (high - low))
        case _:
            return silence(below, window)


_SENTENCES: dict[str, tuple[str, str, str, str]] = {
    "leak": (
        "{name}开始下降（模拟漏水）", "{name} begins to fall (simulated leak)",
        "{name}恢复正常（漏水已处理）", "{name} is back to normal (leak repaired)",
    ),
    "overpressure": (
        "{name}开始升高（模拟减压阀失灵）", "{name} begins to rise (simulated failure of a reducing valve)",
        "{name}恢复正常", "{name} is back to normal",
    ),
    "pump_trip": (
        "{name}骤降（模拟水泵跳闸）", "{name} drops sharply (simulated pump trip)",
        "{name}恢复正常（水泵已重新启动）", "{name} is back to normal (pump restarted)",
    ),
    "drift": (
        "{name}开始漂移（模拟传感器失准）", "{name} begins to drift (simulated sensor error)",
        "{name}已校准", "{name} is calibrated",
    ),
    "excursion": ("{name}短时波动（模拟水锤）", "{name} jumps for a moment (simulated water hammer)", "", ""),
    "stuck": (
        "{name}不再变化（模拟传感器卡死）", "{name} no longer changes (simulated stuck sensor)",
        "{name}恢复变化", "{name} moves again",
    ),
    "out_of_range": (
        "{name}超出量程（模拟信号线断路）", "{name} is outside its electrical range (simulated broken wire)",
        "{name}回到量程内", "{name} is inside its range again",
    ),
    "silence": (
        "{name}不再上报（模拟传感器失联）", "{name} falls silent (simulated sensor loss)",
        "{name}恢复上报", "{name} reports again",
    ),
    "force": ("{name}状态改变（模拟）", "{name} changes state (simulated)", "{name}状态恢复", "{name} changes back"),
    "offline": (
        "{name}与消息代理断开，读数暂存在设备内", "{name} loses the broker and keeps its readings",
        "{name}重新连上，按顺序补传", "{name} is connected again and sends what it kept, in order",
    ),
    "restart": ("{name}断电重启", "{name} loses power", "{name}已重新启动", "{name} has started again"),
    "burst": (
        "{name}读数猛增（模拟数据风暴）", "{name} sends a flood of readings (simulated storm)",
        "{name}数据风暴结束", "{name}: the flood is over",
    ),
    "clock_skew": (
        "{name}时钟走偏（模拟）", "{name}: the clock is wrong (simulated)",
        "{name}时钟已校正", "{name}: the clock is right again",
    ),
    "malformed": ("{name}发出一条损坏的消息（模拟）", "{name} sends a broken message (simulated)", "", ""),
}  # fmt: skip
"""Start and end of each kind of fault, Chinese and English; an empty end is not told."""
