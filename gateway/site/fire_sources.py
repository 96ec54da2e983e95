"""Checks of fire sources: addresses, lines, networks, formats, and keys that only some protocols have."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.duration import format_duration
from gateway.site.fire import Source
from gateway.site.problems import Problems, Spot
from gateway.site.sections import Item

_OWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "gb26875": ("address", "peers", "bcd_time", "point_first", "strict", "scales"),
    "jbf293k": ("poll_card",),
    "gst_modbus": ("slave", "model", "registers", "poll_every"),
    "text": ("format",),
}
_LINE_KEYS = ("baud", "framing")


def check_sources(draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
    """Note everything about fire sources that does not fit together."""
    lines: dict[tuple[str, str], Spot] = {}
    for reader in draft.readers.items:
        if reader.value.port:
            lines.setdefault(("port", reader.value.port), reader.at("port"))
    for item in draft.fire_sources.items:
        _check_keys(item, shared, problems)
        _check_line(item, lines, problems)
        _check_peers(item, problems)
        _check_times(item, problems)
        _check_scales(item, problems)
    _check_addresses(draft, problems)


def _check_keys(item: Item[Source], shared: SharedDraft, problems: Problems) -> None:
    source = item.value
    for protocol, keys in _OWN_KEYS.items():
        for key in keys:
            if protocol != source.protocol and key in source.model_fields_set:
                problems.add(item.at(key), "fire_unused", protocol=source.protocol, word=key)
    if source.protocol == "text" and source.format is None:
        problems.add(item.at("format"), "fire_needs", protocol="text", word="format", example="gst9000-printer")
    if source.format is not None:
        shared.refer("fire.formats", source.format, item.at("format"), problems)


def _check_line(item: Item[Source], lines: dict[tuple[str, str], Spot], problems: Problems) -> None:
    source = item.value
    if source.port and source.host:
        problems.add(item.at("host"), "fire_one_line")
    elif not source.port and not source.host and source.protocol != "gb26875":
        problems.add(item.at("port"), "fire_needs", protocol=source.protocol, word="port", example="/dev/ttyUSB0")
    if not source.port and (source.host or source.protocol == "gb26875"):
        for key in _LINE_KEYS:
            if key in source.model_fields_set:
                problems.add(item.at(key), "fire_line_unused", word=key)
    if (source.port or source.host) and source.peers:
        problems.add(item.at("peers"), "fire_unused", protocol=source.protocol, word="peers")
    if source.host and not 1 <= int(source.host.rpartition(":")[2]) <= 65_535:
        problems.add(item.at("host"), "fire_host_port", word=source.host.rpartition(":")[2])
    for key, line in (("port", source.port), ("host", source.host)):
        if line:
            spot = item.at(key)
            first = lines.setdefault((key, line), spot)
            if first is not spot:
                problems.add(spot, "duplicate_id", word=line, first=f"{first.file}:{first.line}")


def _check_peers(item: Item[Source], problems: Problems) -> None:
    for index, network in enumerate(item.value.peers):
        try:
            ip_network(network)
        except ValueError:
            try:
                example = str(ip_network(network, strict=False))
            except ValueError:
                example = "192.168.1.0/24"
            problems.add(item.at("peers", index), "fire_network", word=network, example=example)


def _check_times(item: Item[Source], problems: Problems) -> None:
    source = item.value
    for key in ("poll_every", "offline_after"):
        if getattr(source, key) <= timedelta(0):
            problems.add(item.at(key), "fire_positive", word=key)
    least = 3 * source.poll_every
    if source.protocol == "gst_modbus" and timedelta(0) < source.offline_after < least:
        values = {"value": format_duration(source.offline_after), "least": format_duration(least)}
        problems.add(item.at("offline_after"), "fire_offline_short", **values)
    if not source.zone:
        return
    try:
        ZoneInfo(source.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.add_unknown(item.at("zone"), "unknown_timezone", source.zone, available_timezones(), cutoff=0.85)


def _check_scales(item: Item[Source], problems: Problems) -> None:
    seen: set[int] = set()
    for index, scale in enumerate(item.value.scales):
        if scale.type in seen:
            problems.add(item.at("scales", index, "type"), "fire_scale_twice", word=scale.type)
        seen.add(scale.type)


def _check_addresses(draft: SiteDraft, problems: Problems) -> None:
    """Every transmission device is told by its address; one of those on TCP may do without."""
    owners: dict[str, str] = {}
    for item in draft.fire_sources.items:
        source = item.value
        if source.protocol != "gb26875" or (source.address is None and (source.port or source.host)):
            continue
        first = owners.setdefault(source.address or "", source.id)
        if first == source.id:
            continue
        if source.address is None:
            problems.add(item.at("address"), "fire_wildcards", first=first)
        else:
            problems.add(item.at("address"), "fire_address_twice", word=source.address, first=first)
