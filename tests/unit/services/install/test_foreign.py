"""Ready-made devices at a broker with rules: each says its own foreign topics, the gateway hears them."""

from pathlib import Path

import pytest
from installations import configs

from gateway.site.load import load_configs
from gateway.site.model import Configs, SiteConfig
from gateway.site.profile import MqttProfile, PayloadField, Profile
from gateway.site.sensors import Sensor, Sensors
from services.install import device_list, foreign, mosquitto
from services.kernel.errors import SettingsError

SHIPPED = load_configs(Path(__file__).parents[4] / "device_configs")
YUNHE = SHIPPED.site("yunhe")


def user(device: str) -> mosquitto.User:
    found = mosquitto.device_user(YUNHE, YUNHE.device(device), SHIPPED.profiles)
    assert found is not None
    return found


def test_a_device_of_its_own_says_only_what_its_family_says() -> None:
    climate = user("power-room-climate")
    assert climate.publishes[0] == "tele/power_room/SENSOR"
    assert "tele/power_room/LWT" in climate.publishes
    assert all(one.startswith("tele/power_room/") for one in climate.publishes)
    assert climate.hears == ()
    assert user("garage-light-switch").publishes == ("shellyplus1pm-a8032ab1fe78/events/rpc",)


def test_devices_behind_a_bridge_are_spoken_for_by_one_client() -> None:
    door, rope = user("fire-pump-door"), user("fire-pump-leak")
    assert door.publishes == rope.publishes
    assert {"zigbee2mqtt/fire-pump-door", "zigbee2mqtt/fire-pump-leak/availability"} <= set(door.publishes)
    assert all(one.startswith("zigbee2mqtt/fire-pump-") for one in door.publishes)


def test_nobody_of_them_may_say_what_is_ours() -> None:
    ours = [one for one in YUNHE.sensors.sensors if one.bus is None]
    assert len(ours) >= 5
    for sensor in ours:
        assert not [one for one in user(sensor.device).publishes if one.startswith(("gengfu", "+", "#", "$"))]


def test_the_gateway_hears_them_and_the_simulator_plays_them() -> None:
    hears = user("gateway-1").hears
    assert "tele/+/SENSOR" in hears or "tele/power_room/SENSOR" in hears
    assert "gengfu/v1/ready/yunhe" in hears
    assert user("gateway-1").publishes == mosquitto.device_user(YUNHE, YUNHE.device("gateway-1")).publishes  # type: ignore[union-attr]
    said = mosquitto.simulator_user(YUNHE, SHIPPED.profiles).publishes
    for sensor in YUNHE.sensors.sensors:
        if sensor.bus is None:
            assert set(user(sensor.device).publishes) <= set(said)


def test_slaves_of_a_line_have_no_account() -> None:
    assert mosquitto.speaker_of(YUNHE, YUNHE.device("power-meter")) == "gateway"
    assert "power-meter" not in device_list.devices_with_account(YUNHE)
    assert "fire-pump-door" in device_list.devices_with_account(YUNHE)


def with_sensor(config: SiteConfig, site: str, *sensors: Sensor) -> SiteConfig:
    fields = dict(config) | {
        "site": config.site.model_copy(update={"id": site}), "sensors": Sensors(sensors=sensors),
    }  # fmt: skip
    return SiteConfig.model_construct(**fields)


def both(one: SiteConfig, other: SiteConfig) -> Configs:
    return configs(one, other).model_copy(update={"profiles": SHIPPED.profiles})


def test_two_sites_may_not_share_what_a_device_says() -> None:
    room = Sensor(device="room", profile="tasmota")
    with pytest.raises(SettingsError, match=r"a/room and b/room share the topic tele/room/SENSOR"):
        foreign.check_sensors(both(with_sensor(YUNHE, "a", room), with_sensor(YUNHE, "b", room)))
    other = Sensor(device="room", profile="tasmota", name="b_room")
    foreign.check_sensors(both(with_sensor(YUNHE, "a", room), with_sensor(YUNHE, "b", other)))


def test_a_sparkplug_node_may_be_asked_for_its_birth() -> None:
    mqtt = MqttProfile(
        topic="spBv1.0/+/+/{device}/#", format="sparkplug", rebirth=True, fields=(PayloadField(name="t", select="T"),)
    )
    profiles = {"node": Profile(id="node", name="n", name_en="n", source="s", mqtt=mqtt)}
    config = with_sensor(YUNHE, "a", Sensor(device="d", profile="node", name="Plant/PumpRoom/Pumps"))
    assert foreign.asked(config, profiles) == ["spBv1.0/Plant/NCMD/PumpRoom"]
    assert foreign.said(config, profiles, "d") == ("spBv1.0/Plant/+/PumpRoom/#",)
    assert foreign.said(config, profiles, "nobody") is None


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/b", "a/b/c", False),
        ("a/#", "a/b/c", True),
        ("a/b", "a/c", False),
        ("a", "a", True),
    ],
)
def test_topics_that_fit_the_same_message_overlap(one: str, other: str, is_shared: bool) -> None:
    assert foreign.overlap(one, other) == is_shared
    assert foreign.overlap(other, one) == is_shared
