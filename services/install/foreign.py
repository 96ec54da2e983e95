"""Topics that are not ours: what ready-made devices say, and what a gateway has to hear of it and may ask of them."""

import itertools
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from gateway.decode.topic import DEVICE
from gateway.sensors.routes import families, smallest
from gateway.site.model import Configs, SiteConfig
from gateway.site.profile import MqttProfile, Profile
from gateway.site.sensors import Sensor
from services.kernel.errors import SettingsError

_BRIDGES: Final = ("zigbee2mqtt", "application", "v1", "spBv1.0")
"""First levels under which one client speaks for all its devices: any of their accounts says what all of them say."""
_SPARKPLUG: Final = "spBv1.0"


def heard(config: SiteConfig, profiles: Mapping[str, Profile]) -> list[str]:
    """What a site's gateway hears of ready-made devices."""
    found = families(config, profiles, ZoneInfo(config.site.timezone))
    return smallest(one for family in found for one in family.filters)


def asked(config: SiteConfig, profiles: Mapping[str, Profile]) -> list[str]:
    """What it may say to them: Sparkplug nodes are asked for their birth, where their family allows it."""
    nodes = [_node(one) for one in _mqtt_sensors(config, profiles) if _mqtt(one, profiles).rebirth]
    return sorted({f"{_SPARKPLUG}/{group}/NCMD/{node}" for group, node in nodes})


def said(config: SiteConfig, profiles: Mapping[str, Profile], device: str) -> tuple[str, ...] | None:
    """What a ready-made device may say; None: it is none. A device behind a bridge: what the bridge may say."""
    mine = next((one for one in _mqtt_sensors(config, profiles) if one.device == device), None)
    if mine is None:
        return None
    topics = _own(mine, _mqtt(mine, profiles))
    bridge = topics[0].partition("/")[0]
    if bridge in _BRIDGES:
        others = (_own(one, _mqtt(one, profiles)) for one in _mqtt_sensors(config, profiles))
        topics = [one for one in itertools.chain.from_iterable(others) if one.partition("/")[0] == bridge]
    return tuple(dict.fromkeys(topics))


def all_said(config: SiteConfig, profiles: Mapping[str, Profile]) -> list[str]:
    """What all ready-made devices of a site say."""
    found = (_own(one, _mqtt(one, profiles)) for one in _mqtt_sensors(config, profiles))
    return sorted(set(itertools.chain.from_iterable(found)))


def check_sensors(configs: Configs) -> None:
    """No ready-made device of one site may say what the gateway of another takes for its own; raises SettingsError."""
    topics = [
        (site, one.device, topic)
        for site, config in configs.sites.items()
        for one in _mqtt_sensors(config, configs.profiles)
        for topic in _own(one, _mqtt(one, configs.profiles))
    ]
    for (site, device, topic), (other, twin, again) in itertools.combinations(topics, 2):
        if site != other and overlap(topic, again):
            raise SettingsError(
                f"Devices {site}/{device} and {other}/{twin} share the topic {topic}: each site would count both",
                hint="Give one of them a name or a topic of its own, and write it in sensors.yaml",
            )


def overlap(one: str, other: str) -> bool:
    """Whether a topic can fit both; `+` is any one level, `#` the rest."""
    levels, others = one.split("/"), other.split("/")
    for mine, its in itertools.zip_longest(levels, others):
        if "#" in (mine, its):
            return True
        if mine is None or its is None or (mine != its and "+" not in (mine, its)):
            return False
    return True


def _mqtt_sensors(config: SiteConfig, profiles: Mapping[str, Profile]) -> list[Sensor]:
    return [one for one in config.sensors.sensors if one.profile in profiles and profiles[one.profile].mqtt is not None]


def _mqtt(sensor: Sensor, profiles: Mapping[str, Profile]) -> MqttProfile:
    mqtt = profiles[sensor.profile].mqtt
    assert mqtt is not None
    return mqtt


def _own(sensor: Sensor, mqtt: MqttProfile) -> list[str]:
    if mqtt.format == "sparkplug":
        group, node = _node(sensor)
        return [f"{_SPARKPLUG}/{group}/+/{node}/#"]
    patterns = [sensor.topic or mqtt.topic, *(one.topic for one in mqtt.fields if one.topic is not None)]
    if mqtt.presence is not None:
        patterns.append(mqtt.presence.topic)
    name = sensor.name or sensor.device
    return [one.replace(DEVICE, name) for one in dict.fromkeys(patterns)]


def _node(sensor: Sensor) -> tuple[str, str]:
    group, _, rest = (sensor.name or sensor.device).partition("/")
    return group, rest.partition("/")[0]
