from datetime import datetime

import pytest

from gateway.site.equipment_kinds import ALL_KINDS, CLASSES, KINDS
from gateway.site.model import SiteConfig
from services.equipment.commands import blank
from services.equipment.model import (
    NEXT,
    STATUS_NAMES,
    Binding,
    People,
    bindings_of,
    class_of,
    completeness,
    people_of,
)  # fmt: skip
from services.equipment.tables import Equipment


def row(now: datetime, **values: object) -> Equipment:
    """An entry with these columns."""
    known = {**blank(), "eid": "pump-1", "origin": "file", "name": "泵", "kind": "pump_set", "site": "hill"}
    return Equipment(**{**known, "status": "in_use", "status_at": now, "version": 0, **values})


def test_the_three_levels_are_named_or_follow_from_role_and_area(config: SiteConfig, now: datetime) -> None:
    assert people_of(config, row(now, area="pump")) == People("eng", "sup", "man")
    assert people_of(config, row(now, area="b2", eid="lift-1")) == People("eng-2", "sup", "man")
    assert people_of(config, row(now, area="b2", responsible="eng")).responsible == "eng"
    assert people_of(config, row(now, area="left-the-files", origin="entered")).responsible == "eng"


def test_what_the_site_files_bind_comes_before_what_people_bound(config: SiteConfig, now: datetime) -> None:
    pump = row(now, bindings=[["point", "p2"], ["point", "p1"]])
    assert bindings_of(config, pump) == (
        Binding("point", "p1"), Binding("panel", "panel"), Binding("fire_point", "valve-1"), Binding("point", "p2"),
    )  # fmt: skip
    smoke = row(now, eid="fp-smoke-1", origin="fire_point")
    assert bindings_of(config, smoke) == (Binding("fire_point", "smoke-1"),)


@pytest.mark.parametrize(
    ("values", "has_plan", "has_document", "score", "missing"),
    [
        ({}, False, False, 20, ("nameplate", "place", "plan", "file")),
        ({"area": "b1"}, True, False, 60, ("nameplate", "file")),
        ({"place": "屋顶", "maker": "沪东"}, True, True, 80, ("nameplate",)),
        ({"area": "b1", "maker": "沪东", "rating": "75 kW"}, True, True, 100, ()),
    ],
)
def test_completeness_counts_five_facts(
    config: SiteConfig, now: datetime, values: dict[str, object], has_plan: bool, has_document: bool, score: int,
    missing: tuple[str, ...],
) -> None:  # fmt: skip
    found = completeness(config, row(now, **values), has_plan, has_document)
    assert (found.score, found.missing) == (score, missing)


def test_scrapped_is_final_and_every_status_has_names() -> None:
    assert NEXT["scrapped"] == ()
    assert NEXT.keys() == STATUS_NAMES.keys()
    assert all("scrapped" in following for status, following in NEXT.items() if status != "scrapped")


def test_every_kind_belongs_to_a_class_and_every_class_has_kinds() -> None:
    assert set(ALL_KINDS) == KINDS.keys()
    assert {class_of(kind) for kind in ALL_KINDS} == CLASSES.keys()
