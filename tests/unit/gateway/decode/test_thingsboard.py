"""ThingsBoard telemetry in all its forms."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.decode.payload import PayloadReader
from gateway.decode.said import PAYLOAD, Said
from gateway.site.profile import Profile

NOW_MS = 1_790_000_000_000
FIELDS = [
    {"name": "temperature", "select": "temperature", "unit": "°C"},
    {"name": "odd", "select": "a key.with dots", "text_number": True},
]


def read(document: Any, topic: str = "v1/devices/me/telemetry", **mqtt: Any) -> list[Said]:
    body = {"topic": topic, "format": "thingsboard", "partial": True, **mqtt, "fields": FIELDS}
    profile = Profile.model_validate({"id": "x", "name": "x", "name_en": "x", "source": "here", "mqtt": body})
    return PayloadReader(profile).read(topic, json.dumps(document).encode(), NOW_MS, ZoneInfo("Asia/Shanghai"))


def told(said: list[Said]) -> list[tuple[str, int, dict[str, float]]]:
    return [(one.name, one.at_ms, {value.metric: value.value for value in one.values}) for one in said]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"temperature": 22.5, "humidity": 61}, [("", NOW_MS, {"temperature": 22.5})]),
        ({"ts": 1451649600512, "values": {"temperature": 42}}, [("", 1451649600512, {"temperature": 42})]),
        ([{"temperature": 1}, {"ts": 1451649600512, "values": {"temperature": 2}}],
         [("", NOW_MS, {"temperature": 1}), ("", 1451649600512, {"temperature": 2})]),
        ({"a key.with dots": "7.5"}, [("", NOW_MS, {"odd": 7.5})]),
    ],
)  # fmt: skip
def test_device_api(document: Any, expected: Any) -> None:
    assert told(read(document)) == expected


def test_gateway_api_names_its_devices() -> None:
    said = read({"A": [{"temperature": 1}], "B": {"temperature": 2}}, "v1/gateway/telemetry")
    assert told(said) == [("A", NOW_MS, {"temperature": 1}), ("B", NOW_MS, {"temperature": 2})]


@pytest.mark.parametrize("document", [7, "x", [7], {"ts": 1, "values": 7}, [[]]])
def test_what_holds_no_values_is_refused(document: Any) -> None:
    (said,) = read(document)
    assert [one.place for one in said.refused] == [PAYLOAD]


def test_a_bad_entry_spoils_only_itself() -> None:
    said = read(
        {"A": [7, {"ts": "x", "values": {"temperature": 1}}], "B": [{"temperature": 2}]}, "v1/gateway/telemetry"
    )
    assert [[one.place for one in entry.refused] for entry in said] == [[PAYLOAD], ["time"], []]
    assert told(said)[1:] == [("A", NOW_MS, {"temperature": 1}), ("B", NOW_MS, {"temperature": 2})]
