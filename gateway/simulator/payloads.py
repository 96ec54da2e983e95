"""What ready-made MQTT devices say in their own formats: a shipped sample with the plan's values put into it."""

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import jmespath

from gateway.contract.times import from_ms, parse_at
from gateway.decode.units import converter
from gateway.simulator.device import DeviceScript
from gateway.simulator.messages import Message, ulid
from gateway.simulator.noise import key_of
from gateway.simulator.plan import Plan
from gateway.site.profile import Metric, MqttProfile, PayloadField, Profile, Sample
from gateway.site.sensors import Sensor

Step = str | int
_ABSENT: Final = object()
_ROUND: Final = 6


class Frame(NamedTuple):
    """One message of a family, ready to be filled in."""

    topic: str
    sample: Sample
    fields: tuple[PayloadField, ...]
    """What it carries of this sensor's metrics."""


def frames(profile: Profile, sensor: Sensor) -> tuple[Frame, ...]:
    """The messages in which a sensor says all its metrics; the first of them takes what no sample shows."""
    mqtt = profile.mqtt
    if mqtt is None:
        return ()
    left = {field.name: field for field in mqtt.fields if field.name in sensor.points}
    found: list[Frame] = []
    for sample in sorted(profile.samples, key=lambda one: -len(left.keys() & _told(one))):
        told = [left[name] for name in left if name in _told(sample)]
        fields = tuple(field for field in told if mqtt.format == "text" or steps(field.select, sample.payload))
        if fields:
            found.append(Frame(_topic(mqtt, sensor, sample, fields[0]), sample, fields))
            for field in fields:
                del left[field.name]
    if found and mqtt.format == "json":  # what no sample shows goes with the first, if it comes under the same topic
        rest = tuple(field for field in left.values() if field.topic == found[0].fields[0].topic)
        found[0] = found[0]._replace(fields=found[0].fields + rest)
    return tuple(found)


def payload_of(
    frame: Frame,
    profile: MqttProfile,
    name: str,
    values: Mapping[str, float],
    at_ms: int,
    zone: ZoneInfo,
    dedupe: str,
) -> bytes:
    """The message with raw `values` by metric; what has none is taken out."""
    if profile.format == "text":
        field = frame.fields[0]
        return str(raw_of(field, values[field.name], frame.sample.payload)).encode()
    body = _body(frame.sample)
    for field in frame.fields:
        path = steps(field.select, body) or steps(field.select, body, make=True)
        if field.name in values:
            scale, offset = _to_its_unit(field, body)
            _put(body, path, raw_of(field, values[field.name] * scale + offset, _get(body, path)))
        elif _get(body, path) is not _ABSENT:
            _drop(body, path)
    if profile.time is not None:
        path = steps(profile.time.select, body)
        _put(body, path, _moment(profile.time.format, at_ms, zone, _get(body, path)))
    for selector, word in ((profile.identity, name), (profile.dedupe, dedupe)):
        if selector is not None:
            _put(body, steps(selector, body), word)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _to_its_unit(field: PayloadField, body: Any) -> tuple[float, float]:
    """From the metric's unit to the one that the payload says."""
    said = _get(body, steps(field.unit_select, body)) if field.unit_select is not None else None
    return converter(field.unit, field.units.get(said, field.unit)) if isinstance(said, str) else (1.0, 0.0)


def signal_of(metric: Metric, sensor: Sensor, value: float, unit: str) -> float:
    """What the device measures when the point reads `value` in `unit`: the metric's own unit, or the loop's signal."""
    span = sensor.spans.get(metric.name)
    if metric.loop is not None and span is not None:
        return metric.loop.zero + (value - span.low) / (span.high - span.low) * (metric.loop.full - metric.loop.zero)
    scale, offset = converter(unit, metric.unit)
    return value * scale + offset


def raw_of(metric: Metric, signal: float, example: Any = 0.0) -> Any:
    """The number or word a device writes for a signal in the metric's unit; `example` shows of which type."""
    if metric.values:
        word = min(metric.values, key=lambda one: abs(metric.values[one] - signal))
        if isinstance(example, bool):
            return word.lower() == "true"
        return int(word) if isinstance(example, int) and word.lstrip("-").isdecimal() else word
    raw = round((signal - metric.offset) / metric.scale, _ROUND) + 0.0
    return f"{raw:g}" if isinstance(example, str) else raw


class PayloadScript:
    """A ready-made device on MQTT. It lives as any virtual device does and says it in its maker's words."""

    def __init__(self, plan: Plan, sensor: Sensor, profile: Profile) -> None:
        assert profile.mqtt is not None
        self.device = sensor.device
        self._inner = DeviceScript(plan, sensor.device)
        self._sensor = sensor
        self._mqtt = profile.mqtt
        self._name = sensor.name or sensor.device
        self._frames = frames(profile, sensor)
        self._zone = ZoneInfo(plan.config.site.timezone)
        self._units = {point.id: point.unit for point in plan.config.points}
        self._metric_of = {point: metric for metric, point in sensor.points.items()}
        self._key = key_of(plan.seed, plan.config.site.id, sensor.device, "dedupe")

    def messages(self) -> Iterator[Message]:
        """In order of sending; births and wills say only that it comes and goes."""
        for message in self._inner.messages():
            if message.role == "reading":
                yield from self._readings(message)
            elif message.role == "malformed":
                yield from (self._foreign(message, one.topic, b'{"Time":"') for one in self._frames[:1])
            elif message.role != "heartbeat":
                yield message

    def birth(self, at_ms: int) -> Message | None:
        """What the family says when a device is there."""
        return self._presence(at_ms, online=True)

    def will(self, connected_ms: int) -> Message | None:
        """What the broker says when it loses the device."""
        return self._presence(connected_ms, online=False)

    def farewell(self, at_ms: int) -> Message | None:
        """Before it leaves on purpose."""
        return self._presence(at_ms, online=False)

    def _presence(self, at_ms: int, *, online: bool) -> Message | None:
        presence = self._mqtt.presence
        if presence is None or {"+", "#"} & set(presence.topic.split("/")):
            return None
        word = presence.online if online else presence.offline
        body = word if presence.select is None else json.dumps(_nested(steps(presence.select, {}, make=True), word))
        return Message(at_ms, presence.topic.replace("{device}", self._name), body.encode(), 1, True, "heartbeat")

    def _readings(self, message: Message) -> Iterator[Message]:
        at_ms, by_point = _read(message.payload, message.send_at_ms)
        metrics = {field.name: field for frame in self._frames for field in frame.fields}
        signals = {
            name: signal_of(metrics[name], self._sensor, value, self._units[point])
            for point, value in by_point.items()
            if (name := self._metric_of.get(point)) in metrics and name is not None
        }
        for number, frame in enumerate(self._frames):
            mine = {field.name: signals[field.name] for field in frame.fields if field.name in signals}
            if mine:
                dedupe = ulid(key_of(self._key, number), at_ms)
                body = payload_of(frame, self._mqtt, self._name, mine, at_ms, self._zone, dedupe)
                yield self._foreign(message, frame.topic, body)

    def _foreign(self, message: Message, topic: str, payload: bytes) -> Message:
        return Message(message.send_at_ms, topic, payload, 0, False, message.role)


def payload_scripts(plan: Plan, profiles: Mapping[str, Profile]) -> list[PayloadScript]:
    """The ready-made MQTT devices of a site."""
    return [
        PayloadScript(plan, sensor, profiles[sensor.profile])
        for sensor in plan.config.sensors.sensors
        if sensor.profile in profiles and profiles[sensor.profile].mqtt is not None
    ]


def _read(payload: bytes, sent_ms: int) -> tuple[int, dict[str, float]]:
    """Moment and values of a contract message of our own."""
    document = json.loads(payload)
    entries = document.get("batch") or [[document["at"], document["point"], document["value"]]]
    return parse_at(entries[0][0]) if entries else sent_ms, {point: value for _, point, value in entries}


def _told(sample: Sample) -> set[str]:
    return {name for event in sample.events[:1] for name in event.values}


def _body(sample: Sample) -> Any:
    return json.loads(sample.payload) if isinstance(sample.payload, str) else copy.deepcopy(sample.payload)


def _moment(form: str, at_ms: int, zone: ZoneInfo, example: Any) -> Any:
    match form:
        case "s":
            return at_ms // 1_000
        case "ms":
            return at_ms
        case "ns":
            return at_ms * 1_000_000
        case "auto" if not isinstance(example, str):
            return at_ms
        case _:
            zoned = isinstance(example, str) and datetime.fromisoformat(example).tzinfo is not None
            at = from_ms(at_ms)
            return at.isoformat(timespec="milliseconds") if zoned else at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


# --- topics ---


def _topic(mqtt: MqttProfile, sensor: Sensor, sample: Sample, field: PayloadField) -> str:
    pattern = sensor.topic or field.topic or mqtt.topic
    name = sensor.name or sensor.device
    levels: list[str] = []
    for level, shown in itertools.zip_longest(pattern.split("/"), sample.topic.split("/")):
        if level == "#":
            levels += sample.topic.split("/")[len(levels) :]
            break
        if level is None:
            break
        levels.append((shown or "") if level == "+" else level.replace("{device}", name))
    return "/".join(levels)


# --- places in a payload ---


def steps(selector: str, body: Any, *, make: bool = False) -> tuple[Step, ...]:
    """Where a plain selector points in a payload; of alternatives the first that is there. Empty: nowhere."""
    if isinstance(body, str):
        body = json.loads(body)
    for path in _paths(selector):
        if make or _get(body, path) is not _ABSENT:
            return path
    return ()


@cache
def _paths(selector: str) -> tuple[tuple[Step, ...], ...]:
    return tuple(_walk(jmespath.compile(selector).parsed))


def _walk(node: Mapping[str, Any]) -> list[tuple[Step, ...]]:
    children = node["children"]
    match node["type"]:
        case "field" | "index":
            return [(node["value"],)]
        case "subexpression" | "index_expression":
            parts = [_walk(child) for child in children]
            return [tuple(itertools.chain.from_iterable(chosen)) for chosen in itertools.product(*parts)]
        case "or_expression":
            return [path for child in children for path in _walk(child)]
        case "function_expression":
            return [path for child in children[:1] for path in _walk(child)]
        case _:
            return []


def _get(body: Any, path: tuple[Step, ...]) -> Any:
    for step in path:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return body if path else _ABSENT


def _put(body: Any, path: tuple[Step, ...], value: Any) -> None:
    if path:
        for step in path[:-1]:
            body = body.setdefault(step, {}) if isinstance(body, dict) else body[step]
        body[path[-1]] = value


def _drop(body: Any, path: tuple[Step, ...]) -> None:
    if path:
        for step in path[:-1]:
            body = body[step]
        body.pop(path[-1])


def _nested(path: tuple[Step, ...], word: str) -> Any:
    nested: Any = word
    for step in reversed(path):
        nested = {step: nested}
    return nested
