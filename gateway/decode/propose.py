"""A profile proposed from a few messages of an unknown device, for a person to correct. Pure; guesses say so."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import yaml

from gateway.contract.errors import GengfuError
from gateway.decode.fields import number_in
from gateway.decode.payload import PayloadReader
from gateway.decode.samples import expected_of, read_sample
from gateway.site.profile import Profile, Sample

MAX_FIELDS: Final = 60
_MAX_DEPTH: Final = 6
_SAMPLES: Final = 5
_HEADER: Final = (
    "# 由消息猜出的设备族，请核对名称、单位、范围和设备名的位置。Guessed from messages: check names, units and ranges."
)
_COMMON_LEVELS: Final = {
    "application", "cmnd", "data", "device", "devices", "event", "events", "home", "measurement", "mqtt", "rpc",
    "sensor", "sensors", "stat", "state", "status", "tele", "telemetry", "topic", "up", "uplink", "v1", "v2", "v3",
    "value", "zigbee2mqtt",
}  # fmt: skip
_TIME_NAMES: Final = {"at", "date_time", "datetime", "last_seen", "time", "time_stamp", "timestamp", "ts"}
_NO_MEASURES: Final = {"id", "fcnt", "f_cnt", "f_port", "dr", "seq", "uptime", "mid"}
_WORDS: Final = ({"on": 1, "off": 0}, {"open": 1, "closed": 0}, {"true": 1, "false": 0}, {"online": 1, "offline": 0})
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


class NothingToPropose(GengfuError):
    """The messages hold nothing that measures."""


class _Hint(NamedTuple):
    """What a name says about its value."""

    words: tuple[str, ...]
    body: dict[str, Any]


_HINTS: Final = (
    _Hint(("battery", "batt", "soc"), {"status": "battery", "unit": "%"}),
    _Hint(("rssi", "dbm"), {"status": "rssi_dbm", "unit": "dBm", "minimum": -160, "maximum": 20}),
    _Hint(("snr", "lsnr"), {"status": "snr_db", "minimum": -40, "maximum": 40}),
    _Hint(("temperature", "temp", "tc"), {"unit": "°C", "minimum": -60, "maximum": 300}),
    _Hint(("humidity", "hum", "rh"), {"unit": "%", "minimum": 0, "maximum": 100}),
    _Hint(("pressure", "press"), {}),
    _Hint(("level", "depth"), {"unit": "m", "minimum": 0, "maximum": 100}),
    _Hint(("flow",), {"unit": "m³/h", "minimum": 0, "maximum": 10_000}),
    _Hint(("voltage", "volt"), {}),
    _Hint(("current", "amps"), {"unit": "A", "minimum": -1000, "maximum": 1000}),
    _Hint(("power", "apower", "watt"), {"unit": "kW", "scale": 0.001, "minimum": -1000, "maximum": 1000}),
    _Hint(("energy", "kwh"), {"unit": "kWh", "minimum": 0, "maximum": 10_000_000}),
    _Hint(("frequency", "freq"), {"unit": "Hz", "minimum": 0, "maximum": 1000}),
)


def propose(topic: str, payloads: Sequence[bytes]) -> str:
    """YAML text of a profile that reads these messages, with them as its samples; raises NothingToPropose.

    Every number, switch and known word becomes a field; unit and range follow its name and size.
    """
    documents = [document for document in map(_document, payloads) if document is not None]
    is_text = bool(documents) and not any(isinstance(one, dict | list) for one in documents)
    is_senml = bool(documents) and all(_is_senml(one) for one in documents)
    time: dict[str, Any] = {}
    if is_text:
        fields = _text_fields(documents)
    elif is_senml:
        fields = _senml_fields(documents)
    else:
        fields, time = _json_fields(documents)
    if not (fields and topic.strip()):
        raise NothingToPropose(
            f"Nothing under {topic[:200]!r} is a number or a switch",
            hint="Is it binary? Then its gateway needs a codec",
        )
    pattern, name = _pattern(topic)
    mqtt: dict[str, Any] = {"topic": pattern}
    if is_text or is_senml:
        mqtt["format"] = "text" if is_text else "senml"
    if time:
        mqtt["time"] = time
    mqtt["fields"] = fields
    body: dict[str, Any] = {
        "id": "-".join(["proposed", *(_words(name) or ["device"])])[:64].rstrip("-"),
        "name": f"待核对的设备族 {name}".strip()[:300],
        "name_en": f"Proposed family {name}".strip()[:300],
        "source": "Guessed from messages of one device",
        "mqtt": mqtt,
    }
    body["samples"] = _samples(body, topic, payloads)
    text = yaml.safe_dump({"profiles": [body]}, allow_unicode=True, sort_keys=False, width=120)
    return f"{_HEADER}\n{text}"


def _document(payload: bytes) -> Any:
    """What a payload holds; None when that is nothing we read."""
    try:
        text = payload.decode("utf-8").strip("\ufeff\0 \r\n\t")
        return json.loads(text, parse_constant=lambda _: None)
    except UnicodeDecodeError:
        return None
    except (ValueError, RecursionError):
        return text if len(text) <= 64 and text.isprintable() else None


def _is_senml(document: Any) -> bool:
    return isinstance(document, list) and any(isinstance(one, dict) and {"n", "bn"} & one.keys() for one in document)


def _senml_fields(documents: list[Any]) -> list[dict[str, Any]]:
    fields: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    for record in (one for document in documents for one in document if isinstance(one, dict)):
        label = record.get("n")
        raw = record.get("v", record.get("vb"))
        wanted = label if isinstance(label, str) and label.isprintable() and 0 < len(label) < 99 else "@"
        body = _body(wanted, (wanted,), raw)
        if body is not None and wanted not in fields and len(fields) < MAX_FIELDS:
            unit = record.get("u")
            said = {"unit": unit} if isinstance(unit, str) and unit.isprintable() and "status" not in body else {}
            name = _free_name((wanted,), taken)
            taken.add(name)
            fields[wanted] = {"name": name, "select": wanted, **body, **said}
    return list(fields.values())


def _text_fields(documents: list[Any]) -> list[dict[str, Any]]:
    first = documents[0]
    body = _body("value", (), number_in(first) if isinstance(first, str) else first)
    return [{"name": "value", "select": "value", **body}] if body is not None else []


def _json_fields(documents: list[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    fields: dict[str, dict[str, Any]] = {}
    time: dict[str, Any] = {}
    taken: set[str] = set()
    for document in documents:
        for path, raw in _leaves(document, ()):
            expression = _expression(path)
            if expression in fields or len(fields) >= MAX_FIELDS or len(expression) > 300:
                continue
            words = _words(str(path[-1])) if isinstance(path[-1], str) else _words(str(path[-2]))
            if not time and "_".join(words) in _TIME_NAMES and (format_ := _time_format(raw)):
                time = {"select": expression, "format": format_}
                continue
            body = _body("_".join(words), path, raw)
            if body is not None:
                name = _free_name(path, taken)
                taken.add(name)
                fields[expression] = {"name": name, "select": expression, **body}
    return list(fields.values()), time


def _leaves(document: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(document, dict) and len(path) < _MAX_DEPTH:
        for key, inner in document.items():
            if key.isprintable() and 0 < len(key) <= 64:
                yield from _leaves(inner, (*path, key))
    elif isinstance(document, list) and path and isinstance(path[-1], str):
        for at, inner in enumerate(document[:4]):
            yield from _leaves(inner, (*path, at))
    elif path and not isinstance(document, dict | list):
        yield path, document


def _expression(path: tuple[str | int, ...]) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", step, re.ASCII)
            text += ("." if text else "") + (step if plain else json.dumps(step, ensure_ascii=False))
    return text


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _free_name(path: tuple[str | int, ...], taken: set[str]) -> str:
    """The last part of a path as a metric's name, with as much before it as makes it the only one."""
    words: list[str] = []
    for step in reversed(path):
        words = _words(str(step)) + words
        name = re.sub(r"^[^a-z]+", "", "_".join(words))[:40].rstrip("_")
        if name and name not in taken:
            return name
    stem = name or "value"
    return next(f"{stem}_{number}" for number in range(1, 10_000) if f"{stem}_{number}" not in taken)


def _body(name: str, path: tuple[str | int, ...], raw: Any) -> dict[str, Any] | None:
    """What a field's value says about it; None: it measures nothing."""
    if isinstance(raw, bool):
        return {"values": {"true": 1, "false": 0}}
    if isinstance(raw, str):
        words = next((one for one in _WORDS if raw.strip().casefold() in one), None)
        if words is not None:
            return {"values": dict(words)}
        number = number_in(raw)
        inner = _body(name, path, number) if isinstance(number, float) else None
        return None if inner is None else {"text_number": True, **inner}
    if not isinstance(raw, int | float):
        return None
    if name in _NO_MEASURES:
        return None
    # The nearest name that says something: `BME280.Temperature`, `switch:0.aenergy.total`.
    for step in reversed(path or (name,)):
        said = set(_words(str(step)))
        hint = next((one for one in _HINTS if said & set(one.words)), None)
        if hint is not None:
            return dict(hint.body) or (_pressure(raw) if "pressure" in hint.words else _voltage(raw))
    return {"unit": "1"}


def _pressure(raw: float) -> dict[str, Any]:
    size = abs(raw)
    if size >= 20_000:
        return {"unit": "kPa", "scale": 0.001, "minimum": -100, "maximum": 10_000}
    if 800 <= size <= 1100:  # hPa of the air
        return {"unit": "kPa", "scale": 0.1, "minimum": 30, "maximum": 110}
    if size > 16:
        return {"unit": "kPa", "minimum": -100, "maximum": 10_000}
    return {"unit": "MPa" if size <= 2.5 else "bar", "minimum": -1, "maximum": 100}


def _voltage(raw: float) -> dict[str, Any]:
    if isinstance(raw, int) and raw >= 1000:  # millivolts of a battery
        return {"unit": "V", "scale": 0.001, "minimum": 0, "maximum": 500}
    return {"unit": "V", "minimum": 0, "maximum": 1000}


def _time_format(raw: Any) -> str:
    if isinstance(raw, str):
        return "iso" if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]", raw) else ""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return ""
    bounds = ((10**17, "ns"), (10**11, "ms"), (10**8, "s"))
    return next((name for least, name in bounds if least <= raw < least * 1000), "")


def _pattern(topic: str) -> tuple[str, str]:
    """The topic with `{device}` where the device's name seems to be, and that name."""
    levels = topic.replace("+", "_").replace("#", "_").replace("{", "_")[:280].split("/")
    after = next((at + 1 for at, level in enumerate(levels[:-1]) if level.lower() in ("device", "devices")), None)
    own = (at for at, level in enumerate(levels) if level and level.lower() not in _COMMON_LEVELS)
    at = after if after is not None else next(own, len(levels) - 1)
    name = levels[at]
    if not name:
        return topic[:280], ""
    return "/".join([*levels[:at], "{device}", *levels[at + 1 :]]), name


def _samples(body: dict[str, Any], topic: str, payloads: Sequence[bytes]) -> list[dict[str, Any]]:
    """The messages and what the proposed profile makes of them."""
    reader = PayloadReader(Profile.model_validate(body))
    samples = []
    for payload in payloads[:_SAMPLES]:
        try:
            text = payload.decode("utf-8")
            kept = text if text.isprintable() and not text.startswith("hex:") else f"hex:{payload.hex()}"
        except UnicodeDecodeError:
            kept = f"hex:{payload.hex()}"
        sample = Sample(topic=topic, payload=kept)
        events = [expected_of(one).model_dump(exclude_defaults=True) for one in read_sample(reader, sample)]
        samples.append({"topic": topic, "payload": kept, "events": [_listed(one) for one in events]})
    return samples


def _listed(event: dict[str, Any]) -> dict[str, Any]:
    """YAML has no tuples."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in event.items()}
