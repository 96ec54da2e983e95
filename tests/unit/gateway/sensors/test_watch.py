"""Whether a device is there, and what it last said of itself."""

from datetime import timedelta
from typing import Any

import pytest
from sensor_sites import family, site

from gateway.sensors.watch import REPEAT_MS, Watch, offline_after_ms
from gateway.site.model import SiteConfig
from gateway.site.profile import ModbusProfile, PayloadField, Profile, Register
from gateway.site.sensors import Sensor

FAMILY = family("f", "f/{device}", PayloadField(name="level", select="l", unit="m"))
MODBUS = Profile(
    id="m",
    name="m",
    name_en="m",
    source="test",
    modbus=ModbusProfile(registers=(Register(name="level", unit="m", address=0),), interval=timedelta(seconds=5)),
)


def sensor(**more: Any) -> Sensor:
    return Sensor(device="d", profile="f", points={"level": "level"}, **more)


def config(one: Sensor, heartbeat: timedelta | None = None) -> SiteConfig:
    return site(one, points={"level": "m"}, heartbeat=heartbeat)


def watch(**more: Any) -> Watch:
    one = sensor(offline_after=timedelta(seconds=10), **more)
    return Watch(config(one), one, FAMILY)


def online(body: dict[str, Any] | None) -> bool | None:
    return None if body is None else body["online"]


@pytest.mark.parametrize(
    ("more", "heartbeat", "profile", "expected"),
    [
        ({"offline_after": timedelta(seconds=10)}, timedelta(seconds=30), FAMILY, 10_000),
        ({}, timedelta(seconds=30), FAMILY, 30_000),
        ({}, None, FAMILY, 180_000),
        ({"points": {}}, None, FAMILY, None),
        ({"interval": timedelta(seconds=2)}, None, MODBUS, 6000),
        ({}, None, MODBUS, 15_000),
    ],
)
def test_how_long_silence_may_last(
    more: dict[str, Any], heartbeat: timedelta | None, profile: Profile, expected: int | None
) -> None:
    one = sensor().model_copy(update=more)
    assert offline_after_ms(config(one, heartbeat), one, profile) == expected


def test_online_is_said_at_once_and_then_at_half_its_patience() -> None:
    one = watch()
    said = [online(one.heard({}, ms, ms)) for ms in (0, 1000, 4999, 5000, 6000, 10_000)]
    assert said == [True, None, None, True, None, True]


def test_silence_is_offline_once_and_a_word_is_online_again() -> None:
    one = watch()
    one.heard({}, 0, 0)
    assert [online(one.tick(ms, ms, 0)) for ms in (9000, 10_000, 10_001, 11_000)] == [None, None, False, None]
    assert online(one.heard({}, 12_000, 12_000)) is True


def test_silence_counts_only_while_we_listen() -> None:
    one = watch()
    one.heard({}, 0, 0)
    assert one.tick(60_000, 60_000, 55_000) is None
    assert online(one.tick(66_000, 66_000, 55_000)) is False


def test_a_device_never_heard_is_offline_after_its_patience() -> None:
    one = watch()
    assert one.tick(10_000, 10_000, 0) is None
    assert online(one.tick(10_001, 10_001, 0)) is False


def test_silence_is_not_measured_by_the_wall_clock() -> None:
    one = watch()
    one.heard({}, 0, 0)
    assert one.tick(3_600_000, 1000, 0) is None


def test_what_it_says_of_itself_is_kept_and_new_things_are_told_at_once() -> None:
    one = watch()
    one.heard({"battery": 81}, 0, 0)
    assert one.heard({"battery": 80}, 1, 1) is None
    body = one.heard({"rssi_dbm": -71.5, "firmware": "1.2"}, 2, 2)
    assert body == {
        "at": "1970-01-01T00:00:00.002Z",
        "online": True,
        "battery": 80.0,
        "rssi_dbm": -71.5,
        "firmware": "1.2",
    }
    assert one.heard({"firmware": "1.2"}, 3, 3) is None
    changed = one.heard({"firmware": "1.3"}, 4, 4)
    assert changed is not None
    assert changed["firmware"] == "1.3"


@pytest.mark.parametrize("said", [{"battery": 255}, {"battery": "full"}, {"battery": True}, {"rssi_dbm": float("nan")},
                                  {"firmware": 5}, {"clock_offset_s": float("inf")}])  # fmt: skip
def test_what_cannot_be_is_left_out(said: dict[str, Any]) -> None:
    assert watch().heard(said, 0, 0) == {"at": "1970-01-01T00:00:00.000Z", "online": True}


def test_a_device_without_any_rhythm_is_said_to_be_there_now_and_then_and_never_offline() -> None:
    one = sensor().model_copy(update={"points": {}})
    quiet = Watch(config(one), one, FAMILY)
    assert [online(quiet.heard({}, ms, ms)) for ms in (0, REPEAT_MS - 1, REPEAT_MS)] == [True, None, True]
    assert quiet.tick(10**9, 10**9, 0) is None
