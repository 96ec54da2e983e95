"""The shipped site as the catalogue has it: places, names, bands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from scenario.site import shipped, with_changes

from services.catalog.service import Entry
from services.catalog.tables import CatalogEntry
from services.flows import catalog
from services.kernel.db import Database

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SITE = shipped().site("yunhe")
ENTRIES = {(one.kind, one.id): one for one in catalog.entries_of(SITE)}


def entry(kind: str, name: str) -> Entry:
    return ENTRIES[kind, name]


def test_everything_that_is_declared_is_there_once() -> None:
    declared = {
        "site": 1,
        "area": len(SITE.areas),
        "equipment": len(SITE.equipment),
        "device": len(SITE.devices),
        "point": len(SITE.points),
        "person": len(SITE.people),
        "checkpoint": len(SITE.patrol.checkpoints),
        "route": len(SITE.patrol.routes),
        "fire_panel": len(SITE.fire.panels),
        "fire_zone": len(SITE.fire.zones),
        "fire_point": len(SITE.fire.points),
    }
    found = [kind for kind, _ in ENTRIES]
    assert {kind: found.count(kind) for kind in found} == declared
    assert len(list(catalog.entries_of(SITE))) == len(ENTRIES)


def test_a_point_lies_where_its_equipment_does() -> None:
    found = entry("point", "hydrant-main-pressure")
    assert (found.area, found.area_path) == ("pump-room-fire", "地下车库北区 / 消防水泵房")
    assert (found.unit, found.set_value) == ("MPa", 0.7)


@pytest.mark.parametrize(
    ("point", "low", "high"),
    [
        ("hydrant-main-pressure", 0.6, 0.8),  # a deviation: the band lies around the set value
        ("box-main-insulation", 0.5, None),  # a lower limit: open above
        ("hydrant-pump-1-run", None, None),  # only its silence is judged
    ],
)
def test_the_band_is_that_of_the_documented_limit(point: str, low: float | None, high: float | None) -> None:
    found = entry("point", point)
    assert (found.low, found.high) == (low, high)


def test_without_a_set_value_there_is_no_band_of_a_deviation() -> None:
    point = SITE.point("hydrant-main-pressure")
    key = SITE.key(point.id)
    deviations = tuple(one for one in SITE.limits if one.point == key and one.kind == "deviation")
    assert deviations
    unset = with_changes(SITE, limits=tuple(replace(one, set_value=None) for one in deviations))
    assert catalog.band(unset, point.model_copy(update={"set_value": None})) == (None, None)


def test_a_zone_names_its_panel_and_a_panel_its_source() -> None:
    zone = entry("fire_zone", SITE.fire.zones[0].id)
    assert zone.parent == next(SITE.fire.points_in(zone.id)).panel
    assert entry("fire_panel", zone.parent).parent == SITE.fire.panel_by_id[zone.parent].source


def test_people_are_role_labels_without_phones_or_badges() -> None:
    people = [one for one in ENTRIES.values() if one.kind == "person"]
    assert all(set(one.detail) == {"role"} for one in people)


def test_the_shipped_files_are_written_once(db: Database) -> None:
    with db.begin() as session:
        assert catalog.sync(session, shipped(), NOW) == len(ENTRIES)
    with db.begin() as session:
        assert catalog.sync(session, shipped(), NOW + timedelta(hours=1)) == 0
        assert session.get_one(CatalogEntry, ("yunhe", "site", "yunhe")).detail == {"timezone": "Asia/Shanghai"}
