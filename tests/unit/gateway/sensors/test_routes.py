"""Which device of ours a message is from: names in topics and payloads, topics of one's own."""

from zoneinfo import ZoneInfo

import pytest
from sensor_sites import family, site

from gateway.sensors.routes import Family, families
from gateway.site.profile import PayloadField, Presence, Profile
from gateway.site.sensors import Sensor

LEVEL = PayloadField(name="level", select="level", unit="m")
ZONE = ZoneInfo("Asia/Shanghai")


def only(profile: Profile, *sensors: Sensor) -> Family:
    (found,) = families(site(*sensors, points={}), {profile.id: profile}, ZONE)
    return found


def devices(found: Family, name: str, topic: str) -> list[str]:
    return [one.sensor.device for one in found.maps(name, topic)]


def test_a_device_is_called_as_the_family_calls_it_in_any_case() -> None:
    found = only(
        family("f", "f/{device}/up", LEVEL),
        Sensor(device="tank", profile="f", name="24E124ABC"),
        Sensor(device="pit", profile="f"),
    )
    assert devices(found, "24E124ABC", "f/24E124ABC/up") == devices(found, "24e124abc", "") == ["tank"]
    assert devices(found, "pit", "f/pit/up") == ["pit"]
    assert devices(found, "tank", "f/tank/up") == devices(found, "", "f/x/up") == []
    assert found.filters == ("f/24E124ABC/up", "f/pit/up", "f/+/up")


def test_names_that_differ_by_case_alone_are_two_devices() -> None:
    twins = [Sensor(device=one, profile="f", name=name) for one, name in (("left", "Pump"), ("right", "pump"))]
    found = only(family("f", "f/{device}", LEVEL), *twins)
    assert [devices(found, name, "") for name in ("Pump", "pump", "PUMP")] == [["left"], ["right"], []]


def test_one_message_may_be_of_two_devices_of_ours() -> None:
    twins = [Sensor(device=one, profile="f", name="box") for one in ("left", "right")]
    assert devices(only(family("f", "f/{device}", LEVEL), *twins), "box", "f/box") == ["left", "right"]


def test_a_topic_of_ones_own_says_who_it_is() -> None:
    profile = family("f", "f/{device}", LEVEL, presence=Presence(topic="lwt/{device}", online="1", offline="0"))
    found = only(profile, Sensor(device="tank", profile="f", topic="odd/place"))
    assert found.filters == ("lwt/tank", "odd/place")
    assert devices(found, "", "odd/place") == ["tank"]
    assert devices(found, "other", "lwt/other") == []


@pytest.mark.parametrize(("name", "expected"), [("", ["tank"]), ("x1", [])])
def test_a_name_in_the_payload_counts_where_the_site_gives_one(name: str, expected: list[str]) -> None:
    profile = family("f", "f/{device}", LEVEL, identity="id")
    found = only(profile, Sensor(device="tank", profile="f", topic="odd/place", name=name))
    assert devices(found, "anything", "odd/place") == expected
    if name:
        assert devices(found, name, "odd/place") == ["tank"]


def test_families_are_apart_by_profile_and_topic_and_sparkplug_is_followed_once() -> None:
    plain, node = family("f", "f/{device}", LEVEL), family("s", "spBv1.0/+/+/{device}/#", LEVEL, format="sparkplug")
    sensors = (
        Sensor(device="a", profile="f"),
        Sensor(device="b", profile="f", topic="g/{device}"),
        Sensor(device="c", profile="f"),
        Sensor(device="p", profile="s", name="plant/edge/p"),
        Sensor(device="q", profile="s", name="plant/edge/q", topic="spBv1.0/plant/#"),
        Sensor(device="m", profile="m", bus="line", slave=1),
    )
    found = families(site(*sensors, points={}), {"f": plain, "s": node}, ZONE)
    assert [sorted({one.sensor.device for maps in each.named.values() for one in maps}) for each in found] == [
        ["a", "c"],
        ["b"],
        ["p", "q"],
    ]
    assert found[2].filters == ("spBv1.0/+/+/+/#", "spBv1.0/plant/#")
