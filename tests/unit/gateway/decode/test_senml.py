"""SenML packs: RFC 8428's rules that no sample of the profile shows."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.decode.payload import PayloadReader
from gateway.decode.said import PAYLOAD, Said
from gateway.site.profile import Profile

NOW_MS = 1_790_000_000_000
FIELDS = [
    {"name": "temperature", "select": "temperature", "unit": "°C", "minimum": -60, "maximum": 300},
    {"name": "pressure", "select": "pressure", "unit": "MPa", "minimum": -1, "maximum": 100},
    {"name": "door", "select": "door", "values": {"true": 1, "false": 0, "open": 1}},
    {"name": "firmware", "select": "fw", "status": "firmware"},
]


def read(pack: Any, topic: str = "senml", *, fields: list[dict[str, Any]] = FIELDS, **mqtt: Any) -> list[Said]:
    body = {"topic": "senml", "format": "senml", **mqtt, "fields": fields}
    profile = Profile.model_validate({"id": "x", "name": "x", "name_en": "x", "source": "here", "mqtt": body})
    return PayloadReader(profile).read(topic, json.dumps(pack).encode(), NOW_MS, ZoneInfo("Asia/Shanghai"))


def values(said: Said) -> dict[str, float]:
    return {one.metric: one.value for one in said.values}


@pytest.mark.parametrize(
    ("pack", "device"),
    [
        ([{"bn": "urn:dev:mac:01:", "n": "temperature", "v": 20}], "urn:dev:mac:01"),
        ([{"n": "urn:dev:mac:01:temperature", "v": 20}], "urn:dev:mac:01"),
        ([{"bn": "urn:dev:mac:01/", "n": "1/temperature", "v": 20}], "urn:dev:mac:01/1"),
        ([{"n": "temperature", "v": 20}], ""),
    ],
)
def test_the_device_is_what_stands_before_the_metric(pack: Any, device: str) -> None:
    (said,) = read(pack)
    assert (said.name, values(said)) == (device, {"temperature": 20})


def test_a_name_that_only_ends_alike_is_another_metric() -> None:
    assert read([{"n": "urn:dev:1:watertemperature", "v": 20}]) == []


def test_two_devices_in_one_pack() -> None:
    said = read([{"bn": "a:", "n": "temperature", "v": 20}, {"bn": "b:", "n": "temperature", "v": 21}])
    assert [(one.name, values(one)) for one in said] == [("a", {"temperature": 20}), ("b", {"temperature": 21})]


def test_base_value_unit_and_time_hold_until_replaced() -> None:
    pack = [
        {"bn": "a:", "bt": 1.7e9, "bu": "Pa", "bv": 100_000, "n": "pressure", "v": 1},
        {"n": "pressure", "t": 60, "u": "kPa", "v": 0},
        {"bu": "MPa", "bv": 0, "n": "pressure", "t": 120, "v": 0.5},
    ]
    said = read(pack)
    assert [one.at_ms for one in said] == [1_700_000_000_000, 1_700_000_060_000, 1_700_000_120_000]
    assert [values(one)["pressure"] for one in said] == pytest.approx([0.100001, 100, 0.5])


@pytest.mark.parametrize(
    ("bt", "t", "at_ms", "claimed"),
    [(0, 0, NOW_MS, False), (0, -5, NOW_MS - 5000, True), (-10, 5, NOW_MS - 5000, True), (2**28, 0, NOW_MS, False),
     (1_700_000_000, 0.5, 1_700_000_000_500, True)],
)  # fmt: skip
def test_times_below_two_to_the_28_count_from_now(bt: float, t: float, at_ms: int, claimed: bool) -> None:
    (said,) = read([{"bn": "a:", "bt": bt, "n": "temperature", "t": t, "v": 20}])
    assert (said.at_ms, said.claimed) == (at_ms, claimed)


def test_booleans_texts_and_data() -> None:
    (said,) = read([{"bn": "a:", "n": "door", "vb": True}, {"n": "fw", "vs": "1.2"}])
    assert (values(said), said.status) == ({"door": 1}, {"firmware": "1.2"})
    (said,) = read([{"n": "door", "vs": "open"}, {"n": "temperature", "vd": "aGVsbG8="}])
    assert (values(said), [one.place for one in said.refused]) == ({"door": 1}, ["temperature"])


def test_a_bad_time_is_refused_and_the_value_kept() -> None:
    (said,) = read([{"n": "temperature", "t": "now", "v": 20}])
    assert (values(said), [one.place for one in said.refused], said.claimed) == ({"temperature": 20}, ["time"], False)


@pytest.mark.parametrize(
    "pack",
    [
        {"n": "temperature", "v": 20}, 7, ["x"], [{"bver": 11, "n": "temperature", "v": 20}], [{"n": 7, "v": 1}],
        [{"n": "temperature", "v": 20, "new_": 1}], [{"bn": 7}], [{"bt": "x"}], [{"bv": "x"}], [{"bt": True}],
    ],
)  # fmt: skip
def test_what_has_to_be_understood_and_is_not_refuses_the_pack(pack: Any) -> None:
    (said,) = read(pack)
    assert [one.place for one in said.refused] == [PAYLOAD]
    assert said.values == []


def test_what_is_not_known_is_passed_over() -> None:
    assert read([{"n": "co2", "u": "ppm", "v": 400}]) == []
    assert read([]) == []
    assert read([{"bn": "a:"}, {"n": "temperature"}]) == []


def test_a_family_that_is_complete_names_what_is_not_there() -> None:
    (said,) = read([{"n": "temperature", "v": 20}])
    assert set(said.absent) == {"pressure", "door"}
    (said,) = read([{"n": "temperature", "v": 20}], partial=True)
    assert said.absent == ()
    (said,) = read([{"n": "door", "vb": True}], fields=[FIELDS[2], {**FIELDS[0], "optional": False}])
    assert [(one.place, one.code) for one in said.refused] == [("temperature", "missing")]
