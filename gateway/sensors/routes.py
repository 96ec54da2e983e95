"""Which topics a site's ready-made devices speak on, and which device of ours a message is from."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple, Protocol

from paho.mqtt.client import topic_matches_sub

from gateway.decode.payload import PayloadReader
from gateway.decode.said import Said
from gateway.decode.sparkplug_reader import SparkplugReader
from gateway.decode.topic import DEVICE
from gateway.sensors.mapping import BadSensor, SensorMap
from gateway.site.model import SiteConfig
from gateway.site.profile import MqttProfile, Profile
from gateway.site.sensors import Sensor


class Reader(Protocol):
    """Reads the messages of a family. Times: epoch milliseconds, and those of a clock that never goes back."""

    def read(self, topic: str, payload: bytes, now_ms: int, mono_ms: int) -> list[Said]:
        """What a message says; empty when it does not concern the family."""
        ...

    def expire(self, now_ms: int, mono_ms: int) -> list[Said]:
        """What is no longer known, by the passing of time alone."""
        ...

    def requests(self, now_ms: int) -> list[tuple[str, bytes]]:
        """(topic, payload) of what to say to devices now."""
        ...


class _Plain:
    """The readers of families whose messages stand for themselves, in the same form."""

    def __init__(self, reader: PayloadReader, zone: tzinfo) -> None:
        self._reader = reader
        self._zone = zone

    def read(self, topic: str, payload: bytes, now_ms: int, _mono_ms: int) -> list[Said]:
        return self._reader.read(topic, payload, now_ms, self._zone)

    def expire(self, _now_ms: int, _mono_ms: int) -> list[Said]:
        return []

    def requests(self, _now_ms: int) -> list[tuple[str, bytes]]:
        return []


class Family(NamedTuple):
    """Sensors that are read in the same way: of one profile, and on the same topic pattern."""

    reader: Reader
    filters: tuple[str, ...]
    named: Mapping[str, tuple[SensorMap, ...]]
    """By what the family calls the device."""
    folded: Mapping[str, tuple[SensorMap, ...]]
    """By that in lower case, for who writes it differently."""
    nameless: tuple[SensorMap, ...] = ()
    """Those whose own topic says who they are …"""
    own_topic: str = ""
    """… this one."""
    is_sparkplug: bool = False

    def maps(self, name: str, topic: str) -> tuple[SensorMap, ...]:
        """The devices of ours that a name stands for, or that speak on this topic alone; empty: a stranger."""
        found = self.named.get(name) or self.folded.get(name.casefold())
        if found:
            return found
        return self.nameless if self.nameless and topic_matches_sub(self.own_topic, topic) else ()


def families(config: SiteConfig, profiles: Mapping[str, Profile], zone: tzinfo) -> list[Family]:
    """The families of the site's MQTT sensors; raises BadSensor, BadUnit, or what a profile's selectors raise."""
    groups: dict[tuple[str, str | None], list[Sensor]] = {}
    for sensor in config.sensors.sensors:
        if sensor.bus is not None:
            continue
        profile = profiles.get(sensor.profile)
        if profile is None:
            raise BadSensor(
                f"Sensor {sensor.device}: there is no family {sensor.profile!r}", hint=f"Known: {sorted(profiles)}"
            )
        if profile.mqtt is None:
            raise BadSensor(f"Sensor {sensor.device}: {profile.id} is a Modbus family", hint="Name its bus and slave")
        # Nodes of Sparkplug are followed in one place, whatever topics they are heard on.
        topic = None if profile.mqtt.format == "sparkplug" else sensor.topic
        groups.setdefault((profile.id, topic), []).append(sensor)
    return [_family(config, profiles[name], topic, group, zone) for (name, topic), group in groups.items()]


def _family(config: SiteConfig, profile: Profile, topic: str | None, sensors: Sequence[Sensor], zone: tzinfo) -> Family:
    assert profile.mqtt is not None
    mqtt = profile.mqtt
    maps = [SensorMap(config, sensor, profile) for sensor in sensors]
    named: dict[str, tuple[SensorMap, ...]] = {}
    for one in maps:
        name = one.sensor.name or one.sensor.device
        named[name] = (*named.get(name, ()), one)
    folded: dict[str, tuple[SensorMap, ...]] = {}
    for name, its in named.items():
        # Names that differ in nothing else are told apart by their case.
        folded[name.casefold()] = () if name.casefold() in folded else its
    if mqtt.format == "sparkplug":
        names = [one.sensor.name or one.sensor.device for one in maps]
        filters = tuple(dict.fromkeys((one.topic or mqtt.topic).replace(DEVICE, "+") for one in sensors))
        return Family(SparkplugReader(profile, names), filters, named, folded, is_sparkplug=True)
    reader = PayloadReader(profile, topic)
    own = [one for sensor in sensors for one in reader.filters(sensor.name or sensor.device)]
    own_topic = topic if topic is not None and DEVICE not in topic else ""
    is_named_inside = mqtt.identity is not None or mqtt.each is not None or mqtt.format == "senml"
    nameless = tuple(one for one in maps if own_topic and not (is_named_inside and one.sensor.name))
    strangers = [one.replace(DEVICE, "+") for one in _patterns(mqtt, topic) if DEVICE in one]
    return Family(_Plain(reader, zone), tuple(dict.fromkeys([*own, *strangers])), named, folded, nameless, own_topic)


def _patterns(mqtt: MqttProfile, topic: str | None) -> list[str]:
    """Where readings come; presence of strangers does not concern us."""
    patterns = [one.topic for one in mqtt.fields if one.topic is not None]
    return [*patterns, topic or mqtt.topic]


def smallest(filters: Iterable[str]) -> list[str]:
    """The filters without those that another one covers: a broker may deliver once for each."""
    every = list(dict.fromkeys(filters))
    return sorted(one for one in every if not any(one != other and _covers(other, one) for other in every))


def _covers(wide: str, narrow: str) -> bool:
    """Whether every topic that `narrow` hears is heard by `wide`."""
    wides, narrows = wide.split("/"), narrow.split("/")
    for position, level in enumerate(wides):
        if level == "#":
            return True
        if position >= len(narrows) or narrows[position] == "#":
            return False
        if level not in ("+", narrows[position]):
            return False
    return len(wides) == len(narrows)
