"""Every shipped MQTT profile: its samples, and one spoilt value at a time for every metric of it."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from shipped_profiles import shipped, shipped_mqtt

from gateway.decode.payload import PayloadReader
from gateway.decode.said import Said, missing
from gateway.decode.samples import SAMPLE_NOW_MS, SAMPLE_ZONE, disproofs, expected_of, payload_bytes, read_sample
from gateway.decode.select import plain_path
from gateway.site.profile import MqttProfile, PayloadField, Profile, Sample

NOT_THERE = object()
RENAMED = object()
PROFILES = shipped_mqtt()
SAMPLES = [
    pytest.param(profile, number, id=f"{profile.id}-{number + 1}")
    for profile in PROFILES
    for number in range(len(profile.samples))
]
PROJECTIONS = {"max(rxInfo[].rssi)": ("rxInfo", 0, "rssi"), "max(rxInfo[].snr)": ("rxInfo", 0, "snr")}
"""JMESPath proper: what stands behind it, where nothing is the same as null."""


@pytest.mark.parametrize(("profile", "number"), SAMPLES)
def test_a_sample_becomes_exactly_the_stated_events(profile: Profile, number: int) -> None:
    sample = profile.samples[number]
    assert disproofs(profile.model_copy(update={"samples": (sample,)})) == []


def test_the_shipped_families_are_there() -> None:
    needed = {
        "tasmota", "esphome", "zigbee2mqtt", "shelly", "chirpstack-em500-pp", "senml", "thingsboard", "camera-probe",
        "door-contact", "leak-rope",
    }  # fmt: skip
    assert needed <= {one.id for one in PROFILES}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.id)
def test_every_profile_has_three_payloads_that_become_events(profile: Profile) -> None:
    assert sum(bool(one.events) for one in profile.samples) >= 3
    assert all(one.note for one in profile.samples)


def test_a_sample_that_became_something_else_is_told() -> None:
    profile = shipped()["door-contact"]
    first = profile.samples[0]
    wrong = first.model_copy(update={"events": (first.events[0].model_copy(update={"values": {"contact": 1.0}}),)})
    assert len(disproofs(profile.model_copy(update={"samples": (wrong,)}))) == 1


def metrics() -> Iterator[Any]:
    for profile in PROFILES:
        assert profile.mqtt is not None
        for field in profile.mqtt.fields:
            if field.status != "firmware":
                yield pytest.param(profile, profile.mqtt, field, id=f"{profile.id}-{field.name}")


@pytest.mark.parametrize(("profile", "mqtt", "field"), list(metrics()))
def test_one_spoilt_value_is_refused_by_name_and_the_rest_is_kept(
    profile: Profile, mqtt: MqttProfile, field: PayloadField
) -> None:
    reader = PayloadReader(profile)
    topic, document = message(profile, mqtt, field)

    def read(value: Any) -> Said:
        spoilt = value if mqtt.format == "text" else put(mqtt, field, document, value)
        payload = spoilt.encode() if mqtt.format == "text" else json.dumps(spoilt).encode()
        return reader.read(topic, payload, SAMPLE_NOW_MS, SAMPLE_ZONE)[0]

    good = read(good_value(mqtt, field))
    assert [one.place for one in good.refused if one.place == field.name] == []
    assert field.status in good.status if field.status else field.name in found(good)
    for value, codes in spoilt_values(mqtt, field).items():
        said = read(None if value == "null" and mqtt.format != "text" else value)
        mine = [one for one in said.refused if one.place == field.name]
        if value != "null" or field.select not in PROJECTIONS:
            assert [one.code for one in mine] in [[code] for code in codes], value
            assert field.name in mine[0].reason
        assert rest(said, field) == rest(good, field)
    if mqtt.format == "text":
        return
    for value in (NOT_THERE, RENAMED):
        said = read(value)
        assert rest(said, field) == rest(good, field)
        if not field.optional:
            (refused,) = [one for one in said.refused if one.place == field.name]
            assert refused.code == "missing"
            assert ("_renamed" in refused.hint) == (value is RENAMED)
        elif not mqtt.partial and not field.status:
            assert [one.place for one in missing(said, {field.name})] == [field.name]


def message(profile: Profile, mqtt: MqttProfile, field: PayloadField) -> tuple[str, Any]:
    """A sample of the topic that carries the field, with the field among its values if any sample has it."""
    if field.topic is not None or mqtt.format == "text":
        return (field.topic or mqtt.topic).replace("{device}", "dev"), {}
    if mqtt.format == "senml":
        return "senml/dev", [{"bn": "urn:dev:1:", "n": "current", "u": "A", "v": 1.0}, {"n": field.select}]
    reader = PayloadReader(profile)
    usable = [one for one in profile.samples if one.events and expected_places(reader, one)]
    own = [one for one in usable if field.name in one.events[0].values]
    sample = (own or usable or [Sample(topic=mqtt.topic.replace("{device}", "dev"), payload="")])[0]
    return sample.topic, json.loads(payload_bytes(sample.payload))


def expected_places(reader: PayloadReader, sample: Sample) -> bool:
    return all(one.values and not one.refused for one in map(expected_of, read_sample(reader, sample)))


def good_value(mqtt: MqttProfile, field: PayloadField) -> Any:
    if field.values:
        word = next(iter(field.values))
        return {"true": True, "false": False}.get(word, word)
    low, high = field.minimum, field.maximum
    number = ((20.0 if low is None or high is None else (low + high) / 2) - field.offset) / field.scale
    if field.status == "battery":
        number = 50.0
    return str(number) if mqtt.format == "text" else number


def spoilt_values(mqtt: MqttProfile, field: PayloadField) -> dict[str | float, list[str]]:
    if field.values:
        return {"null": ["null", "unknown_word"], "20.6": ["unknown_word"], 1e30: ["unknown_word"]} if (
            mqtt.format != "text"
        ) else {"null": ["unknown_word"], "nan": ["unknown_word"]}  # fmt: skip
    below = [] if field.name == "value" else ["below_minimum"]
    if mqtt.format == "text":
        return {"null": ["wrong_type"], "nan": ["not_finite"], "1e30": ["too_large"], "inf": ["not_finite"]} | (
            {"-1e12": below} if below else {}
        )
    return {
        "null": ["null"], float("nan"): ["not_finite"], float("inf"): ["not_finite"], "20.6": ["text_number"],
        "broken": ["wrong_type"], 1e30: ["too_large"], 10**400: ["too_large"], -1e12: below,
    }  # fmt: skip


def put(mqtt: MqttProfile, field: PayloadField, document: Any, value: Any) -> Any:
    """The document with another value at the field's place."""
    document = copy.deepcopy(document)
    if mqtt.format == "senml":
        record = document[1]
        if field.select == "@":
            del record["n"]
            record["bn"] = "urn:dev:1"
        record["u"] = field.unit
        label = "vb" if field.values else "v"
        if value is RENAMED:
            record |= {"n": "renamed", label: 1.0}
        elif value is not NOT_THERE:
            record[label] = value
        return document
    if mqtt.format == "thingsboard":
        path: tuple[str | int, ...] = (next(iter(document)), 0, "values", field.select)
        if "values" not in document[path[0]][0]:
            path = (path[0], 0, field.select)
    else:
        path = PROJECTIONS.get(field.select) or plain_path(field.select) or ()
        assert path, f"{field.select} needs a place in PROJECTIONS"
        if mqtt.each is not None:
            path = (mqtt.each, next(iter(document[mqtt.each])), *path)
    if field.unit_select is not None:
        document.pop(field.unit_select, None)
    inner = document
    for step in path[:-1]:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    last = path[-1]
    if value is NOT_THERE:
        inner.pop(last, None)
    elif value is RENAMED:
        inner.pop(last, None)
        inner[f"{last}_renamed"] = 1.0
    else:
        inner[last] = value
    return document


def found(said: Said) -> dict[str, float]:
    return {one.metric: one.value for one in said.values}


def rest(said: Said, field: PayloadField) -> tuple[Any, ...]:
    """Everything but the field."""
    values = {metric: value for metric, value in found(said).items() if metric != field.name}
    status = {name: value for name, value in said.status.items() if name != field.status}
    return said.name, said.at_ms, values, status, said.key, [one for one in said.refused if one.place != field.name]
