"""Checks of `device_configs/profiles/`: each family says one thing, in units that convert, with samples."""

from collections.abc import Iterator
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError

from gateway.site.draft import SharedDraft
from gateway.site.problems import Path, Problems
from gateway.site.profile import Metric, MqttProfile, Profile, Register
from gateway.site.profile_units import DIMENSIONS
from gateway.site.sections import Item

WIDTHS: Final = {
    "int16": 1, "uint16": 1, "bit": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
"""Registers that each type takes."""
_REGISTERS: Final = 65_536
_NAMED_INSIDE: Final = ("senml", "thingsboard", "sparkplug")
"""Formats whose messages name their devices themselves."""
_BIT_FUNCTIONS: Final = ("coil", "discrete")


def check_profiles(shared: SharedDraft, problems: Problems) -> None:
    """Note everything in the profiles that does not fit together."""
    for item in shared.profiles.items:
        profile = item.value
        if (profile.mqtt is None) == (profile.modbus is None):
            problems.add(item.at(*(("modbus",) if profile.modbus else ())), "profile_kind")
        if not profile.samples:
            problems.add(item.at("samples"), "profile_samples", word=profile.id)
        if profile.mqtt is not None:
            _check_metrics(item, ("mqtt", "fields"), profile.mqtt.fields, problems)
            _check_mqtt(item, profile.mqtt, problems)
        if profile.modbus is not None:
            registers = profile.modbus.registers
            _check_metrics(item, ("modbus", "registers"), registers, problems)
            for index, register in enumerate(registers):
                _check_register(item, index, register, problems)
            _check_overlaps(item, registers, problems)
        if (profile.mqtt is None) != (profile.modbus is None):
            _check_samples(item, profile, problems)


def _check_metrics(item: Item[Profile], path: Path, metrics: tuple[Metric, ...], problems: Problems) -> None:
    seen: dict[str, int] = {}
    for index, metric in enumerate(metrics):
        first = seen.setdefault(metric.name, index)
        if first != index and (path[0] == "modbus" or _place(metric) == _place(metrics[first])):
            where = item.at(*path, first, "name").place
            problems.add(item.at(*path, index, "name"), "metric_twice", word=metric.name, first=where)
        if metric.unit not in DIMENSIONS:
            problems.add_unknown(item.at(*path, index, "unit"), "metric_unit", metric.unit, DIMENSIONS)
        if metric.minimum is not None and metric.maximum is not None and metric.minimum > metric.maximum:
            words = {"low": metric.minimum, "high": metric.maximum}
            problems.add(item.at(*path, index, "minimum"), "metric_bounds", **words)
        loop = metric.loop
        if loop is not None and not loop.low <= loop.zero < loop.full <= loop.high:
            found = f"low {loop.low:g}, zero {loop.zero:g}, full {loop.full:g}, high {loop.high:g}"
            problems.add(item.at(*path, index, "loop"), "loop_order", found=found)


def _place(metric: Metric) -> str | None:
    """Fields under topics of their own may give the same metric."""
    return getattr(metric, "topic", None)


# --- MQTT ---


def _check_mqtt(item: Item[Profile], mqtt: MqttProfile, problems: Problems) -> None:
    if not mqtt.fields and mqtt.presence is None:
        problems.add(item.at("mqtt"), "profile_empty", word=item.value.id)
    says_itself = mqtt.format in _NAMED_INSIDE or mqtt.identity is not None or mqtt.each is not None
    for path, topic in _topics(mqtt):
        if not topic_fits(topic):
            problems.add(item.at("mqtt", *path), "topic_form", word=topic)
        elif "{device}" not in topic and not says_itself:
            problems.add(item.at("mqtt", *path), "topic_nobody", word=topic)
    for path, selector in _selectors(mqtt):
        try:
            jmespath.compile(selector)
        except JMESPathError as error:
            why = str(error).partition("\n")[0]
            problems.add(item.at("mqtt", *path), "selector_wrong", value=selector, why=why)


def _topics(mqtt: MqttProfile) -> Iterator[tuple[Path, str]]:
    yield ("topic",), mqtt.topic
    if mqtt.presence is not None:
        yield ("presence", "topic"), mqtt.presence.topic
    for index, field in enumerate(mqtt.fields):
        if field.topic is not None:
            yield ("fields", index, "topic"), field.topic


def topic_fits(topic: str) -> bool:
    """Whether it is an MQTT filter as families have them, and none of ours."""
    levels = topic.split("/")
    if topic.startswith(("$", "gengfu/", "/", "+", "#")) or not topic.isprintable() or topic.count("{device}") > 1:
        return False
    for number, level in enumerate(levels):
        if ("+" in level and level != "+") or ("#" in level and (level != "#" or number != len(levels) - 1)):
            return False
        if not set(level.replace("{device}", "", 1)).isdisjoint("{}*^?\\|"):
            return False
    return True


def _selectors(mqtt: MqttProfile) -> Iterator[tuple[Path, str]]:
    for key in ("identity", "each", "dedupe", "firmware", "when"):
        selector: str | None = getattr(mqtt, key)
        if selector is not None:
            yield (key,), selector
    if mqtt.time is not None:
        yield ("time", "select"), mqtt.time.select
    if mqtt.history is not None:
        yield ("history", "select"), mqtt.history.select
        yield ("history", "time", "select"), mqtt.history.time.select
    if mqtt.tlv is not None:
        yield ("tlv", "select"), mqtt.tlv.select
    if mqtt.presence is not None and mqtt.presence.select is not None:
        yield ("presence", "select"), mqtt.presence.select
    if mqtt.format != "json":  # there `select` is a name
        return
    for index, field in enumerate(mqtt.fields):
        yield ("fields", index, "select"), field.select
        if field.unit_select is not None:
            yield ("fields", index, "unit_select"), field.unit_select


# --- Modbus ---


def _check_register(item: Item[Profile], index: int, register: Register, problems: Problems) -> None:
    spot = item.at("modbus", "registers", index, "address")
    width = WIDTHS[register.type]
    if register.address + width > _REGISTERS:
        words = {"type": register.type, "length": width, "address": register.address}
        problems.add(spot, "register_range", **words)
    whole = register.function in _BIT_FUNCTIONS
    if (register.bit is not None) != (register.type == "bit" and not whole):
        spot = item.at("modbus", "registers", index, "bit" if register.bit is not None else "type")
        problems.add(spot, "register_bit", function=register.function, type=register.type)


def _check_overlaps(item: Item[Profile], registers: tuple[Register, ...], problems: Problems) -> None:
    """Two readings of the same registers are fine (bits, a word and its bits); a shifted one is a mistake."""
    taken: dict[tuple[str, int], Register] = {}
    for index, register in enumerate(registers):
        mine = (register.address, WIDTHS[register.type])
        for address in range(register.address, register.address + WIDTHS[register.type]):
            other = taken.setdefault((register.function, address), register)
            if (other.address, WIDTHS[other.type]) != mine:
                words = {"word": register.name, "other": other.name, "address": address}
                problems.add(item.at("modbus", "registers", index, "address"), "register_overlap", **words)
                break


# --- Samples ---


def _check_samples(item: Item[Profile], profile: Profile, problems: Problems) -> None:
    kind, wanted, unwanted = (
        ("MQTT", ("topic",), ("registers",))
        if profile.mqtt is not None
        else ("Modbus", ("registers",), ("topic", "payload"))
    )
    for index, sample in enumerate(profile.samples):
        given: set[str] = sample.model_fields_set
        for key in wanted:
            value: Any = getattr(sample, key)
            if not value and key not in given:
                problems.add(item.at("samples", index), "sample_needs", kind=kind, word=key)
        for key in unwanted:
            if key in given:
                problems.add(item.at("samples", index, key), "sample_unused", kind=kind, word=key)
