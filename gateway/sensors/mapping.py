"""What a ready-made device said → events of its points: units, loops, times that cannot be, refusals, status."""

import base64
from collections.abc import Sequence
from math import inf, isfinite
from typing import Any, Final, NamedTuple

from gateway.contract.errors import GengfuError
from gateway.contract.times import format_at
from gateway.decode.said import PAYLOAD, Refused, Said, Value, missing, refuse
from gateway.decode.units import converter, line
from gateway.outlet import Event
from gateway.sensors.seldom import Budget, Seldom
from gateway.sensors.watch import Watch
from gateway.site.model import SiteConfig
from gateway.site.profile import Metric, Profile
from gateway.site.sensors import Sensor

EARLIEST_MS: Final = 1_577_836_800_000
"""2020-01-01: a device that claims an earlier time has no clock."""
AHEAD_MS: Final = 120_000
MAX_RAW: Final = 64 << 10
"""Of a foreign message so many bytes go into quarantine …"""
MAX_RAW_LATER: Final = 4 << 10
"""… and so many of what the same device says wrong within a minute, or a stranger ever: they must not fill the disk."""
_WHOLE_EVERY_MS: Final = 60_000
_MAX_REFUSED: Final = 100
_MAX_BATCH: Final = 2_000
"""An event of so many values stays under the size that ingest takes."""
_MAX_TOPIC: Final = 300
BURST: Final = 100_000
"""A device may say so much at once, e.g. what it kept through an outage; then …"""
PER_POINT_AND_S: Final = 20
"""… so many values a second for each of its points."""


class BadSensor(GengfuError):
    """A sensor of the site files does not fit its family or its points."""


class Origin(NamedTuple):
    """Where a message came from, and how."""

    topic: str
    """An MQTT topic, or `modbus/<bus>/<slave>`."""
    raw: bytes = b""
    """The whole message, for the quarantine."""
    waited: bool = False
    """It waited at the broker, nobody knows how long: what has no time of its own is uncertain."""
    retained: bool = False
    """The broker replays it: state, not news. Its values are readings only if they carry a time."""


class _Target(NamedTuple):
    """value of the point = clipped signal * scale + offset."""

    point: str
    scale: float
    offset: float
    floor: float
    """A signal below reads as this: a loop's bottom; -inf: nothing is clipped."""
    ceiling: float
    """A faulty signal above reads as this, so that its event has a value."""


_FLOOD: Final = refuse(
    PAYLOAD,
    "too_many",
    f"It says more than {PER_POINT_AND_S} values a second for each of its points: messages are left out",
    "Make it report less often; or somebody speaks in its name",
)


def refused_event(
    device: str, origin: Origin, refused: Sequence[Refused], now_ms: int, max_raw: int = MAX_RAW
) -> Event:
    """The event that brings a foreign message into quarantine: its first `max_raw` bytes, and at most 100 reasons."""
    reasons = [{key: text for key, text in one._asdict().items() if text} for one in refused[:_MAX_REFUSED]]
    raw = base64.b64encode(origin.raw[:max_raw]).decode()
    return device, "reading", {"at": format_at(now_ms), "topic": origin.topic[:_MAX_TOPIC], "raw": raw,
                               "refused": reasons}  # fmt: skip


class SensorMap:
    """One device: turns what its family says into what its points are. One thread uses it.

    Raises BadSensor or BadUnit when metric, point and span do not fit together.
    """

    def __init__(self, config: SiteConfig, sensor: Sensor, profile: Profile) -> None:
        self.sensor = sensor
        self._watch = Watch(config, sensor, profile)
        self._metrics = {metric.name for metric in profile.metrics}
        metrics = {metric.name: metric for metric in profile.metrics}
        self._targets: dict[str, _Target] = {}
        for name, point_id in sensor.points.items():
            metric = metrics.get(name)
            if metric is None:
                raise BadSensor(
                    f"Sensor {sensor.device}: family {profile.id} has no metric {name!r}",
                    hint=f"It has {', '.join(metrics)}",
                )
            self._targets[name] = _target(sensor, metric, point_id, config.point(point_id).unit)
        self._last: dict[str, float] = {}
        self._newest_ms = 0
        self._seldom = Seldom()
        self._budget = Budget(PER_POINT_AND_S * (1 + len(self._targets)), BURST)
        self._whole_ms: int | None = None

    def events(self, saids: Sequence[Said], origin: Origin, now_ms: int, mono_ms: int) -> list[Event]:
        """The events of one message: good values as one batch, others one by one, refusals as one, then the status.
        The same refusal is told once a minute. Beyond the device's budget a message is left out, and that is told.

        A time that cannot be (before 2020, more than two minutes ahead) is replaced by that of arrival, and shows in
        the clock offset. A value with an electrical fault is the end of its range that it lies beyond.
        """
        if not self._budget.take(1 + sum(len(said.values) for said in saids), mono_ms):
            return [*self._refusals([_FLOOD], origin, now_ms, mono_ms), *self.there(now_ms, mono_ms)]
        good: list[tuple[str, str, float]] = []
        apart: list[dict[str, Any]] = []
        refused: list[Refused] = []
        events: list[Event] = []
        status: dict[str, Any] = {}
        offsets: list[float] = []
        is_there = False
        device = self.sensor.device
        for said in saids:
            if said.status.get("online") is False:
                events += self._no_data(now_ms) if said.status.get("no_data") else []
                events += self.gone(now_ms, mono_ms)
                continue
            is_there = True
            status |= said.status
            at_ms = said.at_ms
            is_dated = said.claimed
            if is_dated:
                offsets.append((at_ms - now_ms) / 1000)
                if not EARLIEST_MS <= at_ms <= now_ms + AHEAD_MS:
                    at_ms, is_dated = now_ms, False
            if origin.retained and not is_dated:
                continue
            self._newest_ms = max(self._newest_ms, at_ms)
            refused += [one for one in said.refused if one.place in self._targets or one.place not in self._metrics]
            refused += missing(said, self._targets)
            at = format_at(at_ms)
            doubtful = origin.waited and not is_dated
            for value in said.values:
                target = self._targets.get(value.metric)
                if target is not None:
                    self._add(value, target, at, good, apart, refused, doubtful=doubtful)
        for start in range(0, len(good), _MAX_BATCH):
            events.append((device, "reading", {"batch": good[start : start + _MAX_BATCH]}))
        events += [(device, "reading", body) for body in apart]
        events += self._refusals(refused, origin, now_ms, mono_ms)
        if offsets and not origin.waited and not origin.retained and "clock_offset_s" not in status:
            status["clock_offset_s"] = max(offsets)
        if origin.retained and "online" not in status:
            self._watch.learn(status)
        elif is_there:
            events += self._status(self._watch.heard(status, now_ms, mono_ms))
        return events

    def there(self, now_ms: int, mono_ms: int) -> list[Event]:
        """It is known to be there, without having said anything."""
        return self._status(self._watch.heard({}, now_ms, mono_ms))

    def gone(self, now_ms: int, mono_ms: int) -> list[Event]:
        """It is known not to be there."""
        return self._status(self._watch.gone(now_ms, mono_ms))

    def tick(self, now_ms: int, mono_ms: int, hearing_since_ms: int) -> list[Event]:
        """Offline once when it has been silent for too long; call it about once a second while it could be heard."""
        return self._status(self._watch.tick(now_ms, mono_ms, hearing_since_ms))

    def _refusals(self, refused: Sequence[Refused], origin: Origin, now_ms: int, mono_ms: int) -> list[Event]:
        told = self._seldom.pass_on(refused, mono_ms)
        if not told:
            return []
        is_whole = self._whole_ms is None or mono_ms - self._whole_ms >= _WHOLE_EVERY_MS
        if is_whole:
            self._whole_ms = mono_ms
        return [refused_event(self.sensor.device, origin, told, now_ms, MAX_RAW if is_whole else MAX_RAW_LATER)]

    def _add(
        self,
        value: Value,
        target: _Target,
        at: str,
        good: list[tuple[str, str, float]],
        apart: list[dict[str, Any]],
        refused: list[Refused],
        *,
        doubtful: bool,
    ) -> None:
        signal = max(value.value, target.floor)
        if value.fault:
            signal = min(signal, target.ceiling)
        number = line(signal, target.scale, target.offset)
        if not isfinite(number):
            refused.append(refuse(value.metric, "too_large", f"{value.metric} is too large for {target.point}"))
            return
        quality = "uncertain" if doubtful and value.quality == "good" else value.quality
        if quality == "good" and not value.fault:
            good.append((at, target.point, number))
            self._last[target.point] = number
            return
        body = {"at": at, "point": target.point, "value": number, "quality": quality}
        apart.append(body | ({"fault": value.fault} if value.fault else {}))

    def _no_data(self, now_ms: int) -> list[Event]:
        """Every point is without data from now on; an event needs a value: the last one known, else 0.

        Dated by the device's own clock and after everything it said, so that what it says next comes later.
        """
        by_its_clock = now_ms + round(self._watch.clock_offset_s * 1000)
        at_ms = by_its_clock if EARLIEST_MS <= by_its_clock <= now_ms + AHEAD_MS else now_ms
        at = format_at(max(at_ms, self._newest_ms + 1))
        return [
            (self.sensor.device, "reading", {"at": at, "point": point, "value": self._last.get(point, 0.0),
                                             "quality": "bad"})
            for point in dict.fromkeys(target.point for target in self._targets.values())
        ]  # fmt: skip

    def _status(self, body: dict[str, Any] | None) -> list[Event]:
        return [] if body is None else [(self.sensor.device, "status", body)]


def _target(sensor: Sensor, metric: Metric, point: str, unit: str) -> _Target:
    loop, span = metric.loop, sensor.spans.get(metric.name)
    if span is not None and loop is None:
        raise BadSensor(f"Sensor {sensor.device}: {metric.name} is no loop, so it has no span", hint="Remove the span")
    if loop is None:
        scale, offset = converter(metric.unit, unit)
        return _Target(point, scale, offset, -inf, inf)
    if span is None:
        raise BadSensor(
            f"Sensor {sensor.device}: {metric.name} is a loop, and nobody says what its ends mean",
            hint=f"Add spans: {metric.name}: {{low: …, high: …}} in {unit}",
        )
    if loop.full <= loop.zero:
        raise BadSensor(f"The loop of {metric.name} has no range", hint="Its `full` has to be above its `zero`")
    scale = (span.high - span.low) / (loop.full - loop.zero)
    return _Target(point, scale, span.low - loop.zero * scale, loop.zero, loop.full)
