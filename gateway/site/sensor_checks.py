"""Checks of `sensors.yaml`: devices, buses, families and points that fit together."""

from collections.abc import Mapping

from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.model import Point
from gateway.site.problems import Problems, Spot
from gateway.site.profile import Metric, Profile
from gateway.site.profile_checks import topic_fits
from gateway.site.profile_units import converts
from gateway.site.sections import Item
from gateway.site.sensors import Bus, Sensor

_MODBUS_KEYS = {"bus": "pump-bus", "slave": "1"}
_UNUSED = {"MQTT": ("bus", "slave", "interval"), "Modbus": ("topic", "name")}
_LINE_KEYS = ("baud", "framing")


def check_sensors(draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
    """Note everything about ready-made sensors that does not fit together."""
    _check_buses(draft, problems)
    profiles = {one.id: one for one in shared.profiles.values()}
    spoken = _spoken_for(draft)
    slaves: dict[tuple[str, int], str] = {}
    names: dict[tuple[str, str, str], str] = {}
    sources: dict[str, str] = {}
    for item in draft.sensors.items:
        sensor = item.value
        draft.refer("devices", sensor.device, item.at("device"), problems)
        if sensor.device in spoken:
            problems.add(item.at("device"), "sensor_device", word=sensor.device, other=spoken[sensor.device])
        if sensor.topic is not None and not topic_fits(sensor.topic):
            problems.add(item.at("topic"), "topic_form", word=sensor.topic)
        if not _name_fits(sensor.name):
            problems.add(item.at("name"), "sensor_name_form", word=sensor.name)
        if sensor.bus is not None:
            draft.refer("buses", sensor.bus, item.at("bus"), problems)
        known = shared.refer("profiles", sensor.profile, item.at("profile"), problems)
        profile = profiles.get(sensor.profile) if known else None
        if profile is not None:
            _check_kind(item, profile, problems)
        _check_points(item, profile, draft, sources, problems)
        if sensor.bus is not None and sensor.slave is not None:
            first = slaves.setdefault((sensor.bus, sensor.slave), sensor.device)
            if first != sensor.device:
                words = {"bus": sensor.bus, "word": sensor.slave, "other": first}
                problems.add(item.at("slave"), "slave_twice", **words)
        elif profile is not None and profile.mqtt is not None:
            name = sensor.name or sensor.device
            first = names.setdefault((sensor.profile, sensor.topic or "", name), sensor.device)
            if first != sensor.device:
                words = {"profile": sensor.profile, "word": name, "other": first}
                problems.add(item.at("name"), "sensor_name_twice", **words)
    for point in draft.points.items:
        _check_point(point, draft, problems)


def _spoken_for(draft: SiteDraft) -> dict[str, str]:
    """Devices that the gateway already hears in another way."""
    return {
        **{one.id: "patrol.yaml readers" for one in draft.readers.values()},
        **{one.id: "fire.yaml sources" for one in draft.fire_sources.values()},
        **{one.id: "fire.yaml panels" for one in draft.fire_panels.values()},
    }


# --- Lines ---


def _check_buses(draft: SiteDraft, problems: Problems) -> None:
    lines: dict[str, str] = {}
    for reader in draft.readers.values():
        if reader.port:
            lines.setdefault(reader.port, f"patrol.yaml {reader.id}")
    for source in draft.fire_sources.values():
        line = source.port or source.host
        if line:
            lines.setdefault(line, f"fire.yaml {source.id}")
    for item in draft.buses.items:
        bus = item.value
        if (bus.host is None) == (bus.port is None):
            problems.add(item.at("host"), "bus_line", word=bus.id)
        _check_network(item, problems)
        for key, taken in (("host", bus.host), ("port", bus.port)):
            if taken is None:
                continue
            other = lines.setdefault(taken, f"sensors.yaml {bus.id}")
            if other != f"sensors.yaml {bus.id}":
                problems.add(item.at(key), "bus_taken", word=taken, other=other)


def _check_network(item: Item[Bus], problems: Problems) -> None:
    bus = item.value
    if bus.host is None:
        return
    if not 1 <= int(bus.host.rpartition(":")[2]) <= 65_535:
        problems.add(item.at("host"), "bus_port", word=bus.host)
    for key in _LINE_KEYS:
        if key in bus.model_fields_set and bus.port is None:
            problems.add(item.at(key), "bus_unused", word=key)


# --- Sensors ---


def _check_kind(item: Item[Sensor], profile: Profile, problems: Problems) -> None:
    kind = "Modbus" if profile.modbus is not None else "MQTT"
    for key in _UNUSED[kind]:
        if key in item.value.model_fields_set:
            problems.add(item.at(key), "sensor_unused", kind=kind, word=key)
    if kind == "Modbus":
        for key, example in _MODBUS_KEYS.items():
            if getattr(item.value, key) is None:
                problems.add(item.at(key), "sensor_needs", kind=kind, word=key, example=example)


def _name_fits(name: str) -> bool:
    """It becomes a part of topics and of the broker's rules."""
    begins_well = not name.startswith(("$", "/")) and name.partition("/")[0] != "gengfu"
    return begins_well and (not name or name.isprintable()) and set(name).isdisjoint("+#{}")


def _check_points(
    item: Item[Sensor], profile: Profile | None, draft: SiteDraft, sources: dict[str, str], problems: Problems
) -> None:
    sensor = item.value
    points = {point.id: point for point in draft.points.values()}
    metrics: Mapping[str, Metric] = {one.name: one for one in profile.metrics} if profile is not None else {}
    for name, word in sensor.points.items():
        spot = item.at("points", name)
        metric = metrics.get(name)
        if profile is not None and metric is None:
            problems.add_unknown(spot, "sensor_metric", name, metrics, profile=profile.id)
        if not draft.refer("points", word, spot, problems) or word not in points:
            continue
        _check_target(spot, points[word], sensor, metric, problems)
        source = f"{sensor.device} {name}"
        if sources.setdefault(word, source) != source:
            problems.add(spot, "sensor_point_twice", word=word, other=sources[word])
        if metric is not None and metric.loop is not None and name not in sensor.spans:
            problems.add(spot, "span_missing", word=name)
    for name, span in sensor.spans.items():
        metric = metrics.get(name)
        if profile is not None and metric is None:
            problems.add_unknown(item.at("spans", name), "sensor_metric", name, metrics, profile=profile.id)
        elif profile is not None and (name not in sensor.points or metric is None or metric.loop is None):
            problems.add(item.at("spans", name), "span_unused", word=name)
        elif span.low == span.high:
            problems.add(item.at("spans", name), "span_flat", low=span.low)


def _check_target(spot: Spot, point: Point, sensor: Sensor, metric: Metric | None, problems: Problems) -> None:
    if point.device != sensor.device:
        words = {"word": point.id, "other": point.device, "device": sensor.device}
        problems.add(spot, "sensor_point_device", **words)
    if metric is not None and metric.loop is None and not converts(metric.unit, point.unit):
        words = {"metric": metric.name, "unit": metric.unit, "word": point.id, "wanted": point.unit}
        problems.add(spot, "sensor_unit", **words)


# --- Points ---


def _check_point(item: Item[Point], draft: SiteDraft, problems: Problems) -> None:
    point = item.value
    if point.derived and item.path[:1] == ("points",):
        problems.add(item.at("derived"), "point_derived")
    if (point.twin is None) != (point.twin_within is None):
        missing = "twin_within" if point.twin_within is None else "twin"
        problems.add(item.at(missing), "twin_pair", word=missing)
    if point.twin is None or not draft.refer("points", point.twin, item.at("twin"), problems):
        return
    if point.twin == point.id:
        problems.add(item.at("twin"), "twin_self")
    twin = next((one for one in draft.points.values() if one.id == point.twin), None)
    if twin is not None and twin.unit != point.unit:
        problems.add(item.at("twin"), "twin_unit", word=twin.id, unit=twin.unit, wanted=point.unit)
