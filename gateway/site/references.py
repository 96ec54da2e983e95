"""Checks of one site's entries against each other: references, units, ranges, secrets."""

import re
from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gateway.contract.units import UNITS
from gateway.site.draft import SiteDraft
from gateway.site.duration import format_duration
from gateway.site.equipment import Equipment
from gateway.site.model import Channel, Device, Person, Point, Site
from gateway.site.problems import Problems
from gateway.site.sections import Item
from gateway.site.terms import QUANTITIES

_ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
_ENV_KEYS = {"webhook": "url_env", "wecom": "key_env"}
_EXAMPLES = {"url_env": "GENGFU_WEBHOOK_URL", "key_env": "GENGFU_WECOM_KEY"}


def check_site(draft: SiteDraft, problems: Problems) -> None:
    """Note everything in a site that does not fit together."""
    if draft.site is not None:
        _check_head(draft.site, draft.directory, problems)
    for area in draft.areas.items:
        if area.value.parent is not None:
            draft.refer("areas", area.value.parent, area.at("parent"), problems)
    _check_circles(draft, problems)
    for equipment in draft.equipment.items:
        _check_equipment(equipment, draft, problems)
    for device in draft.devices.items:
        draft.refer("areas", device.value.area, device.at("area"), problems)
        _check_positive(device, "heartbeat", device.value.heartbeat, problems)
    for point in draft.points.items:
        if not point.value.derived:  # what it follows from is checked where it stands
            _check_point(point, draft, problems)
    for person in draft.people.items:
        _check_areas(person, person.value.areas, draft, problems)
    for channel in draft.channels.items:
        _check_areas(channel, channel.value.areas, draft, problems)
        _check_channel(channel, problems)


def _check_head(site: Item[Site], directory: str, problems: Problems) -> None:
    if site.value.id != directory:
        problems.add(site.at("id"), "site_id", word=site.value.id, directory=directory)
    try:
        ZoneInfo(site.value.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems.add_unknown(
            site.at("timezone"), "unknown_timezone", site.value.timezone, available_timezones(), cutoff=0.85
        )


def _check_circles(draft: SiteDraft, problems: Problems) -> None:
    parents = {item.value.id: item.value.parent for item in draft.areas.items}
    told: set[str] = set()
    for area in draft.areas.items:
        circle = draft.area_path(area.value.id)
        if parents.get(circle[-1]) == area.value.id and area.value.id not in told:
            told.update(circle)
            problems.add(area.at("parent"), "area_cycle", word=area.value.id)


def _check_equipment(equipment: Item[Equipment], draft: SiteDraft, problems: Problems) -> None:
    draft.refer("areas", equipment.value.area, equipment.at("area"), problems)
    value = equipment.value
    for key, username, role in (
        ("owner", value.owner, value.owner_role),
        ("supervisor", value.supervisor, "supervisor"),
        ("manager", value.manager, "manager"),
    ):
        if username is None or not draft.refer("people", username, equipment.at(key), problems):
            continue
        for person in draft.people.items:
            if person.value.username == username and person.value.role != role:
                problems.add(equipment.at(key), "owner_role", word=username, role=person.value.role, wanted=role)


def _check_point(item: Item[Point], draft: SiteDraft, problems: Problems) -> None:
    point = item.value
    draft.refer("devices", point.device, item.at("device"), problems)
    if point.equipment is not None:
        draft.refer("equipment", point.equipment, item.at("equipment"), problems)
    unit, wanted = UNITS.get(point.unit), QUANTITIES[point.quantity]
    if unit is None:
        problems.add_unknown(item.at("unit"), "unknown_unit", point.unit, UNITS)
    elif wanted and unit.quantity != wanted:
        known = ", ".join(one.symbol for one in UNITS.values() if one.quantity == wanted)
        problems.add(item.at("unit"), "unit_quantity", quantity=point.quantity, word=point.unit, known=known)
    _check_range(item, problems)
    _check_positive(item, "interval", point.interval, problems)
    if point.stale_after is None:
        return
    if point.interval is None:
        problems.add(item.at("stale_after"), "stale_unused")
    elif point.stale_after < point.interval:
        problems.add(
            item.at("stale_after"),
            "stale_short",
            value=format_duration(point.stale_after),
            interval=format_duration(point.interval),
        )


def _check_range(item: Item[Point], problems: Problems) -> None:
    point = item.value
    low, high = point.valid_min, point.valid_max
    if low is not None and high is not None and low >= high:
        problems.add(item.at("valid_min"), "valid_range", low=low, high=high)
        return
    value = point.set_value
    if value is not None and ((low is not None and value < low) or (high is not None and value > high)):
        problems.add(
            item.at("set_value"),
            "set_value_range",
            value=value,
            low="-∞" if low is None else low,
            high="∞" if high is None else high,
        )


def _check_positive(item: Item[Point] | Item[Device], key: str, value: timedelta | None, problems: Problems) -> None:
    if value is not None and value <= timedelta(0):
        problems.add(item.at(key), "not_positive", word=key)


def _check_areas(
    item: Item[Person] | Item[Channel], areas: Iterable[str], draft: SiteDraft, problems: Problems
) -> None:
    for index, area in enumerate(areas):
        draft.refer("areas", area, item.at("areas", index), problems)


def _check_channel(item: Item[Channel], problems: Problems) -> None:
    channel = item.value
    for key, name in (("url_env", channel.url_env), ("key_env", channel.key_env)):
        wanted = _ENV_KEYS.get(channel.kind) == key
        if name is None:
            if wanted:
                problems.add(item.at(key), "env_missing", kind=channel.kind, word=key, example=_EXAMPLES[key])
        elif not _ENV_NAME.fullmatch(name):
            # Whatever stands here may be the secret itself: it is not repeated.
            secret = "://" in name or len(name) >= 20
            problems.add(item.at(key), "secret_in_file" if secret else "env_name", example=_EXAMPLES[key])
        elif not wanted:
            problems.add(item.at(key), "env_unwanted", kind=channel.kind, word=key)
