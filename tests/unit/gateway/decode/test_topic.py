"""Topic patterns: names of several levels, wildcards, and what to subscribe to."""

import pytest

from gateway.decode.topic import TopicPattern


@pytest.mark.parametrize(
    ("pattern", "topic", "device"),
    [
        ("tele/{device}/SENSOR", "tele/pump/SENSOR", "pump"),
        ("tele/{device}/SENSOR", "tele/a/b/SENSOR", "a/b"),
        ("tele/{device}/SENSOR", "tele//SENSOR", None),
        ("tele/{device}/SENSOR", "tele/pump/STATE", None),
        ("zigbee2mqtt/{device}", "zigbee2mqtt/basement/pump room", "basement/pump room"),
        ("{device}/events/rpc", "a/b/events/rpc", "a/b"),
        ("application/+/device/{device}/event/up", "application/x/device/01/event/up", "01"),
        ("application/+/device/{device}/event/up", "application/x/y/device/01/event/up", None),
        ("frigate/stats", "frigate/stats", ""),
        ("a/#", "a/b/c", ""),
        ("a/#", "a", ""),
        ("a/#", "ab", None),
        ("a.c", "abc", None),
        ("{device}/x\n", "d/x", None),
    ],
)
def test_the_device_of_a_topic(pattern: str, topic: str, device: str | None) -> None:
    assert TopicPattern(pattern).device(topic) == device


@pytest.mark.parametrize(
    ("pattern", "name", "filter_"),
    [
        ("tele/{device}/SENSOR", "pump", "tele/pump/SENSOR"),
        ("tele/{device}/SENSOR", "", "tele/+/SENSOR"),
        ("zigbee2mqtt/{device}", "a/b", "zigbee2mqtt/a/b"),
        ("zigbee2mqtt/{device}", "", "zigbee2mqtt/#"),
        ("frigate/stats", "door", "frigate/stats"),
    ],
)
def test_what_to_subscribe_to(pattern: str, name: str, filter_: str) -> None:
    assert TopicPattern(pattern).filter(name) == filter_
