"""One Modbus line at work: asks its slaves in turn and hands on what they say. Steps are driven from outside."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol

from gateway.decode.registers import read
from gateway.decode.said import PAYLOAD, Refused, refuse
from gateway.drivers.modbus.plan import Reading, Request
from gateway.drivers.modbus.schedule import Schedule
from gateway.drivers.modbus.wire import ACKNOWLEDGE, BUSY, ILLEGAL_ADDRESS, Garbage, LineLost, NoAnswer, Refusal
from gateway.outlet import Event
from gateway.sensors.mapping import BadSensor, Origin, SensorMap, refused_event
from gateway.sensors.seldom import Seldom
from gateway.site.duration import to_milliseconds
from gateway.site.model import SiteConfig
from gateway.site.profile import Function, Profile, Register
from gateway.site.sensors import Bus, Sensor

log = logging.getLogger(__name__)

_DEFAULT_INTERVAL: Final = timedelta(seconds=10)
_RETRY_FIRST_MS: Final = 500
_RETRY_MAX_MS: Final = 15_000
_TICK_MS: Final = 1_000
_CLEAR_BELOW: Final = 0.9


class Wire(Protocol):
    """A line that can be opened, read and left; raises what gateway.drivers.modbus.wire raises."""

    where: str

    def open(self) -> None:
        """Open it."""
        ...

    def read(self, slave: int, request: Request) -> list[int]:
        """The registers of one request."""
        ...

    def close(self) -> None:
        """Leave it."""
        ...


def interval_of(config: SiteConfig, sensor: Sensor, profile: Profile) -> timedelta:
    """How often a slave is asked: what the sensor says, its family, or its points' shortest interval."""
    own = sensor.interval or (profile.modbus.interval if profile.modbus is not None else None)
    if own is not None:
        return own
    points = [config.point_by_id[point].interval for point in sensor.points.values()]
    return min((one for one in points if one), default=_DEFAULT_INTERVAL)


@dataclass(slots=True)
class _Slave:
    number: int
    device: str
    registers: tuple[Register, ...]
    reading: Reading
    map: SensorMap
    topic: str
    seldom: Seldom = field(default_factory=Seldom)
    is_told_dead: bool = False


class BusLine:
    """The slaves of one bus. Raises BadSensor or BadUnit for a sensor that does not fit. One thread calls `step`."""

    def __init__(
        self,
        bus: Bus,
        sensors: Sequence[tuple[Sensor, Profile]],
        config: SiteConfig,
        wire: Wire,
        put: Callable[[Sequence[Event]], None],
        *,
        clock_ms: Callable[[], int],
        monotonic: Callable[[], float],
        wait: Callable[[float], object],
    ) -> None:
        """`put` takes events and does not block; `wait` passes the time between two requests, in seconds."""
        self.bus = bus
        self._wire = wire
        self._put = put
        self._clock_ms, self._monotonic, self._wait = clock_ms, monotonic, wait
        self._slaves = [_slave(bus, config, sensor, profile) for sensor, profile in sensors]
        intervals = [to_milliseconds(interval_of(config, sensor, profile)) for sensor, profile in sensors]
        self._pause_s = bus.pause.total_seconds()
        self._since_ms = self._now_ms()
        self._schedule = Schedule(
            {index: max(1, interval) for index, interval in enumerate(intervals)},
            to_milliseconds(bus.timeout),
            self._since_ms,
        )
        self._is_open = self._was_open = False
        self._retry_ms, self._retry_at_ms = _RETRY_FIRST_MS, self._since_ms
        self._is_told_lost = self._is_told_slow = False
        self._ticked_ms = self._since_ms

    @property
    def load(self) -> float:
        """The share of the time that the living slaves need; over 1 their intervals are stretched."""
        return self._schedule.load

    def step(self) -> float:
        """Do what is due, and return the seconds until something is."""
        self._tick()
        now_ms = self._now_ms()
        if not self._is_open and not self._open(now_ms):
            return min(self._retry_at_ms - now_ms, _TICK_MS) / 1000
        turn = self._schedule.next(now_ms)
        if turn.at_ms > now_ms:
            return min(turn.at_ms - now_ms, _TICK_MS) / 1000
        try:
            self._ask(turn.key)
        except LineLost as lost:
            self._lose(lost)
            return 0.0
        return self._pause_s

    def close(self) -> None:
        """Leave the line."""
        self._wire.close()

    def lose(self) -> None:
        """Begin anew: something unforeseen happened."""
        self._lose(LineLost("The line is opened anew"))

    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)

    def _tick(self) -> None:
        mono_ms = self._now_ms()
        if mono_ms - self._ticked_ms >= _TICK_MS:
            self._ticked_ms = mono_ms
            now_ms = self._clock_ms()
            self._put([event for one in self._slaves for event in one.map.tick(now_ms, mono_ms, self._since_ms)])

    def _open(self, now_ms: int) -> bool:
        if now_ms < self._retry_at_ms:
            return False
        try:
            self._wire.open()
        except LineLost as lost:
            self._lose(lost)
            return False
        if self._is_told_lost or not self._was_open:
            log.info("Bus %s: asking %d slaves on %s", self.bus.id, len(self._slaves), self._wire.where)
        if self._is_told_lost and self._was_open:
            self._schedule.restart(self._now_ms())
        self._is_open = self._was_open = True
        self._is_told_lost = False
        return True

    def _lose(self, lost: LineLost) -> None:
        self._wire.close()
        self._is_open = False
        log.log(logging.DEBUG if self._is_told_lost else logging.WARNING, "Bus %s: %s; trying again", self.bus.id, lost)
        self._is_told_lost = True
        self._retry_at_ms = self._now_ms() + self._retry_ms
        self._retry_ms = min(2 * self._retry_ms, _RETRY_MAX_MS)

    def _ask(self, key: int) -> None:
        slave = self._slaves[key]
        asked_ms = self._now_ms()
        answers: dict[Function, dict[int, int]] = {}
        refused: list[Refused] = []
        failure: NoAnswer | Garbage | None = None
        is_heard = False
        for position, request in enumerate(slave.reading.requests):
            if position:
                self._wait(self._pause_s)
            try:
                words = self._wire.read(slave.number, request)
            except Refusal as refusal:
                refused += _refusals(slave, request, refusal)
            except (NoAnswer, Garbage) as error:
                failure = error
                break  # its late answer must not meet the next request
            else:
                answers.setdefault(request.function, {}).update(enumerate(words, request.start))
            is_heard = True
        mono_ms, now_ms = self._now_ms(), self._clock_ms()
        if is_heard:
            self._retry_ms = _RETRY_FIRST_MS
            said = read(slave.registers, answers, now_ms)
            said = replace(said, refused=slave.seldom.pass_on([*said.refused, *refused], mono_ms))
            self._put(slave.map.events([said], Origin(slave.topic, json.dumps(answers).encode()), now_ms, mono_ms))
        if failure is not None:
            self._fail(key, slave, failure, mono_ms, now_ms)
            return
        self._schedule.answered(key, asked_ms - round(self._pause_s * 1000), mono_ms)
        if slave.is_told_dead:
            slave.is_told_dead = False
            log.info("Bus %s: slave %d (%s) answers again", self.bus.id, slave.number, slave.device)
        self._judge_load()

    def _fail(self, key: int, slave: _Slave, failure: NoAnswer | Garbage, mono_ms: int, now_ms: int) -> None:
        self._schedule.failed(key, mono_ms)
        if isinstance(failure, Garbage):
            told = slave.seldom.pass_on([refuse(PAYLOAD, "garbage", failure.message, _LOOK_AT_LINE)], mono_ms)
            if told:
                self._put([refused_event(slave.device, Origin(slave.topic, failure.raw), told, now_ms)])
        if self._schedule.is_dead(key) and not slave.is_told_dead:
            slave.is_told_dead = True
            log.warning("Bus %s: %s (%s); it is asked more rarely", self.bus.id, failure.message, slave.device)
        if self._schedule.is_all_dead:
            # A serial server that lost its power leaves a connection that never fails.
            self._wire.close()
            self._is_open = False

    def _judge_load(self) -> None:
        load = self._schedule.load
        if load > 1 and not self._is_told_slow:
            self._is_told_slow = True
            log.warning(
                "Bus %s cannot keep its intervals: its slaves need %.0f %% of the time; all are asked more rarely. "
                "Ask less often, or use a faster line or a second one",
                self.bus.id,
                100 * load,
            )
        elif load < _CLEAR_BELOW and self._is_told_slow:
            self._is_told_slow = False
            log.info("Bus %s keeps its intervals again", self.bus.id)


_LOOK_AT_LINE: Final = "Two slaves with one number, a wrong speed, a missing terminator or a bad cable look like this"


def _slave(bus: Bus, config: SiteConfig, sensor: Sensor, profile: Profile) -> _Slave:
    if profile.modbus is None or sensor.slave is None:
        raise BadSensor(
            f"Sensor {sensor.device} on bus {bus.id}: it needs a slave number and a family that speaks Modbus",
            hint=f"{profile.id} is the family it names",
        )
    wanted = tuple(one for one in profile.modbus.registers if one.name in sensor.points or one.status)
    registers = wanted or profile.modbus.registers[:1]  # without points we still see whether it is there
    return _Slave(
        sensor.slave,
        sensor.device,
        registers,
        Reading(profile.modbus, registers),
        SensorMap(config, sensor, profile),
        f"modbus/{bus.id}/{sensor.slave}",
    )


def _refusals(slave: _Slave, request: Request, refusal: Refusal) -> list[Refused]:
    """What an exception means for the metrics of its request; busy means nothing, and an address is tried alone."""
    if refusal.code in (BUSY, ACKNOWLEDGE):
        return []
    if refusal.code == ILLEGAL_ADDRESS:
        registers = slave.reading.refused(request)
    else:
        registers = tuple(one for one in slave.registers if request.covers(one))
    hint = "Is it the right family? The device has no such register" if refusal.code == ILLEGAL_ADDRESS else ""
    return [refuse(one.name, f"exception_{refusal.code}", refusal.message, hint) for one in registers]
