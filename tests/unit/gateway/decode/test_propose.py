"""Profiles proposed from messages: they load, they read those messages, and their guesses are sensible."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped_profiles import shipped_mqtt

from gateway.decode.propose import NothingToPropose, propose
from gateway.decode.samples import disproofs, payload_bytes
from gateway.site.profile import PayloadField, Profile


def proposed(topic: str, *payloads: bytes) -> Profile:
    (body,) = yaml.safe_load(propose(topic, payloads))["profiles"]
    profile = Profile.model_validate(body)
    assert disproofs(profile) == []
    return profile


def fields(topic: str, document: Any) -> dict[str, PayloadField]:
    profile = proposed(topic, json.dumps(document).encode())
    assert profile.mqtt is not None
    return {one.name: one for one in profile.mqtt.fields}


def test_numbers_switches_and_words_become_fields_with_units_by_their_names() -> None:
    document = {
        "Time": "2026-01-01T08:00:00", "BME280": {"Temperature": 21.7, "Pressure": 988.6, "Humidity": 40},
        "water": {"pressure": 0.82}, "battery": 87, "rssi": -71, "POWER1": "ON", "open": True, "model": "X", "seq": 7,
        "voltage": 3025, "n": None, "aenergy": {"total": 12.5},
    }  # fmt: skip
    found = fields("tele/pump/SENSOR", document)
    assert {name: (one.select, one.unit, one.status) for name, one in found.items()} == {
        "temperature": ("BME280.Temperature", "°C", ""),
        "pressure": ("BME280.Pressure", "kPa", ""),
        "humidity": ("BME280.Humidity", "%", ""),
        "water_pressure": ("water.pressure", "MPa", ""),
        "battery": ("battery", "%", "battery"),
        "rssi": ("rssi", "dBm", "rssi_dbm"),
        "power_1": ("POWER1", "1", ""),
        "open": ("open", "1", ""),
        "voltage": ("voltage", "V", ""),
        "total": ("aenergy.total", "1", ""),
    }
    assert found["voltage"].scale == 0.001
    assert found["power_1"].values == {"on": 1, "off": 0}


@pytest.mark.parametrize(
    ("topic", "pattern"),
    [
        ("tele/pump-1/SENSOR", "tele/{device}/SENSOR"),
        ("application/3a7c/device/0101/event/up", "application/3a7c/device/{device}/event/up"),
        ("zigbee2mqtt/door", "zigbee2mqtt/{device}"),
        ("shelly1/events/rpc", "{device}/events/rpc"),
        ("data", "{device}"),
    ],
)
def test_the_device_in_the_topic(topic: str, pattern: str) -> None:
    profile = proposed(topic, b'{"p": 1}')
    assert profile.mqtt is not None
    assert profile.mqtt.topic == pattern


@pytest.mark.parametrize(
    ("time", "format_"),
    [("2026-01-01T08:00:00Z", "iso"), (1675931140.2, "s"), (1656118444933, "ms"), (1656118444933000000, "ns")],
)
def test_the_form_of_time(time: Any, format_: str) -> None:
    profile = proposed("a/b", json.dumps({"ts": time, "p": 1}).encode())
    assert profile.mqtt is not None
    assert profile.mqtt.time is not None
    assert profile.mqtt.time.format == format_


def test_plain_numbers_and_words() -> None:
    assert proposed("a/b", b"23.4", b"nan").metrics[0].name == "value"
    assert proposed("a/b", b"OFF").metrics[0].values == {"on": 1, "off": 0}


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"hello", b"{}", b'{"model": "x"}', b"[" * 60_000])
def test_nothing_to_propose(payload: bytes) -> None:
    with pytest.raises(NothingToPropose):
        propose("a/b", [payload])


def test_messages_of_the_shipped_families_give_profiles() -> None:
    for profile in shipped_mqtt():
        for sample in profile.samples:
            payload = payload_bytes(sample.payload)
            is_raw = profile.mqtt is not None and profile.mqtt.tlv is not None and b'"object"' not in payload
            if sample.events and sample.events[0].values and not sample.events[0].refused and not is_raw:
                assert proposed(sample.topic, payload).metrics


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(
    st.text(max_size=30), st.lists(JSON.map(lambda one: json.dumps(one).encode()) | st.binary(max_size=20), max_size=3)
)
def test_whatever_comes_gives_a_profile_that_loads_or_a_reason(topic: str, payloads: list[bytes]) -> None:
    try:
        text = propose(topic, payloads)
    except NothingToPropose:
        return
    Profile.model_validate(yaml.safe_load(text)["profiles"][0])
