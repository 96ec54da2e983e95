"""Checks of a site's fire protection: panels, zones, points and the response against everything else."""

import re
from collections.abc import Iterable
from datetime import timedelta
from string import Formatter

from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.duration import format_duration
from gateway.site.fire import (
    BUILDING_KINDS,
    FIRE_POLICIES,
    FirePoint,
    FireSettings,
    Panel,
    Response,
    Source,
    SourceProtocol,
    Zone,
)
from gateway.site.fire_sources import check_sources
from gateway.site.problems import Problems, Spot
from gateway.site.sections import Item

FIRE_DEVICE_KINDS = ("fire-panel", "utd")
"""Kinds of device that may be a source or a panel."""
# A text panel's address may be whatever its format calls so.
_ADDRESS: dict[SourceProtocol, tuple[re.Pattern[str], str]] = {
    "gb26875": (re.compile(r"[0-9a-f]{8}"), '"0a000200"'),
    "jbf293k": (re.compile(r"(0|[1-9][0-9]{0,4})-(0|[1-9][0-9]{0,4})"), '"4-12"'),
    "gst_modbus": (re.compile(r"(0|[1-9][0-9]{0,4})-(0|[1-9][0-9]{0,4})"), '"4-12"'),
    "text": (re.compile(r"[^\s/](?:[^/]{0,78}[^\s/])?"), '"4-12"'),
}
_FILING = timedelta(hours=24)
_LONGEST: dict[str, timedelta] = {
    "digest_every": timedelta(minutes=10),
    "false_within": timedelta(days=366),
    "test_mode_max": timedelta(hours=24),
    "drill_lead": timedelta(days=80),
    "tests_lead": timedelta(days=25),
}
_CONFIRM_LONGEST = timedelta(minutes=30)


def check_fire(draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
    """Note everything about fire protection that does not fit together."""
    first = _anything(draft)
    if first is None:
        return
    _check_policies(first, shared, problems)
    check_sources(draft, shared, problems)
    _check_devices(draft, problems)
    _check_panels(draft, problems)
    for zone in draft.fire_zones.items:
        _check_zone(zone, draft, problems)
    _check_points(draft, problems)
    for response in draft.fire_response.items:
        _check_response(response, draft, problems)
    for settings in draft.fire_settings.items:
        _check_settings(settings, problems)


def fire_policies_used(draft: SiteDraft) -> list[tuple[str, str]]:
    """(policy, area id) of everything that can go wrong about fire, each once."""
    areas = [panel.building for panel in draft.fire_panels.values()]
    areas += [zone.area for zone in draft.fire_zones.values()]
    known = draft.areas.ids
    return list(dict.fromkeys((policy, area) for policy in FIRE_POLICIES for area in areas if area in known))


def _anything(draft: SiteDraft) -> Spot | None:
    for section in (draft.fire_sources, draft.fire_panels, draft.fire_zones):
        for item in section.items:
            return item.document.at(*item.path[:1])
    return None


def _check_policies(spot: Spot, shared: SharedDraft, problems: Problems) -> None:
    if not shared.policies.complete:
        return
    for needed in FIRE_POLICIES:
        if needed not in shared.policies.ids and needed not in shared.policies.miswritten:
            problems.add(spot, "fire_policy", word=needed)


def _check_devices(draft: SiteDraft, problems: Problems) -> None:
    """Sources and panels are declared devices of a fitting kind; said once for what is both."""
    kinds = {device.id: device.kind for device in draft.devices.values()}
    told: set[str] = set()
    items: Iterable[Item[Source] | Item[Panel]] = (*draft.fire_sources.items, *draft.fire_panels.items)
    for item in items:
        word = item.value.id
        if word in told:
            continue
        told.add(word)
        draft.refer("devices", word, item.at("id"), problems)
        if kinds.get(word, FIRE_DEVICE_KINDS[0]) not in FIRE_DEVICE_KINDS:
            known = ", ".join(FIRE_DEVICE_KINDS)
            problems.add(item.at("id"), "fire_device_kind", word=word, kind=kinds[word], known=known)


def _check_panels(draft: SiteDraft, problems: Problems) -> None:
    sources = {source.id: source for source in draft.fire_sources.values()}
    systems: dict[tuple[str, int | None], str] = {}
    for item in draft.fire_panels.items:
        panel = item.value
        _check_building(item, draft, problems)
        if panel.equipment is not None:
            draft.refer("equipment", panel.equipment, item.at("equipment"), problems)
        if not draft.refer("fire.sources", panel.source, item.at("source"), problems):
            continue
        if panel.id != panel.source and panel.id in draft.fire_sources.ids:
            problems.add(item.at("id"), "fire_panel_id", word=panel.id)
        source = sources.get(panel.source)
        if source is None:
            continue
        if source.protocol != "gb26875":
            if panel.id != panel.source:
                words = {"protocol": source.protocol, "word": panel.source}
                problems.add(item.at("id"), "fire_panel_source", **words)
            if panel.system_address is not None:
                problems.add(item.at("system_address"), "fire_system_unused")
            continue
        first = systems.setdefault((panel.source, panel.system_address), panel.id)
        if first != panel.id:
            word = "*" if panel.system_address is None else panel.system_address
            spot = item.at("system_address")
            problems.add(spot, "fire_system_twice", source=panel.source, word=word, first=first)
    served = {panel.source for panel in draft.fire_panels.values()}
    # A panel with a mistyped source is most likely the missing one.
    if draft.fire_panels.complete and not draft.fire_panels.broken and served <= set(draft.fire_sources.ids):
        for one in draft.fire_sources.items:
            if one.value.id not in served:
                problems.add(one.at("id"), "fire_no_panel", word=one.value.id)


def _check_building(item: Item[Panel], draft: SiteDraft, problems: Problems) -> None:
    word = item.value.building
    if not draft.refer("areas", word, item.at("building"), problems):
        return
    kind = next((area.kind for area in draft.areas.values() if area.id == word), "building")
    if kind in BUILDING_KINDS:
        return
    building = draft.building(word)
    if building is None:
        problems.add(item.at("building"), "fire_outside", word=word)
    else:
        problems.add(item.at("building"), "fire_building", word=word, kind=kind, building=building)


def _check_zone(item: Item[Zone], draft: SiteDraft, problems: Problems) -> None:
    zone = item.value
    known = draft.refer("areas", zone.area, item.at("area"), problems)
    if known and not draft.areas.broken and draft.building(zone.area) is None:
        problems.add(item.at("area"), "fire_outside", word=zone.area)
    for index, checkpoint in enumerate(zone.checkpoints):
        draft.refer("checkpoints", checkpoint, item.at("checkpoints", index), problems)


def _check_points(draft: SiteDraft, problems: Problems) -> None:
    protocols = {source.id: source.protocol for source in draft.fire_sources.values()}
    by_panel = {panel.id: protocols.get(panel.source) for panel in draft.fire_panels.values()}
    seen: dict[tuple[str, str], Spot] = {}
    for item in draft.fire_points.items:
        point = item.value
        if draft.refer("fire.panels", point.panel, item.at("panel"), problems):
            _check_address(item, by_panel.get(point.panel), seen, problems)
        draft.refer("fire.zones", point.zone, item.at("zone"), problems)
        if point.equipment is not None:
            draft.refer("equipment", point.equipment, item.at("equipment"), problems)
    for appliance in draft.appliances.items:
        draft.refer("areas", appliance.value.area, appliance.at("area"), problems)
        first = draft.fire_points.ids.get(appliance.value.id)
        if first is not None:
            where = f"{first.file}:{first.line}"
            problems.add(appliance.at("id"), "fire_id_taken", word=appliance.value.id, first=where)


def _check_address(
    item: Item[FirePoint],
    protocol: SourceProtocol | None,
    seen: dict[tuple[str, str], Spot],
    problems: Problems,
) -> None:
    point, spot = item.value, item.at("address")
    if protocol is not None:
        form, example = _ADDRESS[protocol]
        if not form.fullmatch(point.address):
            lower = point.address.lower()
            if form.fullmatch(lower):
                problems.add(spot, "fire_address_case", value=point.address, word=lower)
            else:
                problems.add(spot, "fire_point_address", value=point.address, protocol=protocol, example=example)
            return
    first = seen.setdefault((point.panel, point.address), spot)
    if first is not spot:
        where = f"{first.file}:{first.line}"
        problems.add(spot, "fire_point_twice", panel=point.panel, word=point.address, first=where)


def _check_response(item: Item[Response], draft: SiteDraft, problems: Problems) -> None:
    response = item.value
    _check_longest(item, "confirm_within", response.confirm_within, _CONFIRM_LONGEST, problems)
    _check_people(item, ("squad",), response.squad, draft, problems)
    roles = {person.role for person in draft.people.values()}
    all_people = draft.people.complete and not draft.people.broken
    before = timedelta(0)
    for index, tier in enumerate(response.tiers):
        if tier.after <= before:
            values = {"value": format_duration(tier.after), "before": format_duration(before)}
            problems.add(item.at("tiers", index, "after"), "fire_tier_order", **values)
        before = tier.after
        if not tier.roles and not tier.people:
            problems.add(item.at("tiers", index), "fire_tier_empty")
        for place, role in enumerate(tier.roles):
            if all_people and "tiers" in response.model_fields_set and role not in roles:
                problems.add(item.at("tiers", index, "roles", place), "fire_tier_nobody", word=role)
        _check_people(item, ("tiers", index, "people"), tier.people, draft, problems)
    for key, plan in (("small", response.small), ("large", response.large)):
        if not plan:
            problems.add(item.at(key), "fire_plan_empty", word=key)
        seen: dict[str, int] = {}
        for index, step in enumerate(plan):
            first = seen.setdefault(step.id, index)
            if first != index:
                where = item.at(key, first, "id").place
                problems.add(item.at(key, index, "id"), "duplicate_id", word=step.id, first=where)
    for key, text in (("broadcast", response.broadcast), ("broadcast_en", response.broadcast_en)):
        _check_text(item.at(key), text, problems)


def _check_people(
    item: Item[Response], path: tuple[str | int, ...], people: Iterable[str], draft: SiteDraft, problems: Problems
) -> None:
    roles = {person.username: person.role for person in draft.people.values()}
    for index, username in enumerate(people):
        spot = item.at(*path, index)
        if draft.refer("people", username, spot, problems) and roles.get(username) == "program":
            problems.add(spot, "fire_person_program", word=username)


def _check_text(spot: Spot, text: str, problems: Problems) -> None:
    """An announcement has no placeholder but `{place}`."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError:
        names = ["{ }"]
    for name in names:
        if name != "place":
            problems.add(spot, "fire_broadcast", word=f"{{{name}}}" if name != "{ }" else name)


def _check_settings(item: Item[FireSettings], problems: Problems) -> None:
    settings = item.value
    if settings.prompt_after > _FILING:
        values = {"value": format_duration(settings.prompt_after), "limit": format_duration(_FILING)}
        spot = item.at("prompt_after")
        problems.add(spot, "fire_settings_loose", word="prompt_after", source="GB 25201 表 B.1", **values)
    elif settings.prompt_after <= timedelta(0):
        problems.add(item.at("prompt_after"), "fire_positive", word="prompt_after")
    for key, longest in _LONGEST.items():
        _check_longest(item, key, getattr(settings, key), longest, problems)


def _check_longest(
    item: Item[Response] | Item[FireSettings], key: str, value: timedelta, longest: timedelta, problems: Problems
) -> None:
    if value <= timedelta(0):
        problems.add(item.at(key), "fire_positive", word=key)
    elif value > longest:
        values = {"value": format_duration(value), "limit": format_duration(longest)}
        problems.add(item.at(key), "fire_longest", word=key, **values)
