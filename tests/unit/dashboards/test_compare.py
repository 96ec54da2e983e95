"""Ours beside what a Grafana has."""

from copy import deepcopy
from typing import Any

import pytest

from dashboards import files
from dashboards.compare import differences, essence, pushed, stamp_of, standing

CONSOLE = "https://gengfu.example.com"


@pytest.fixture
def ours() -> dict[str, Any]:
    return pushed(files.models()["gengfu-site"], CONSOLE)


def saved(model: dict[str, Any]) -> dict[str, Any]:
    """As Grafana gives it back."""
    found = deepcopy(model) | {"id": 7, "version": 3, "iteration": 1}
    found["panels"][0]["pluginVersion"] = "12.4.0"
    found["panels"][0]["options"]["percentChangeColorMode"] = None
    return found


def test_what_grafana_adds_changes_nothing(ours: dict[str, Any]) -> None:
    assert standing(ours, None) == "missing"
    assert standing(ours, saved(ours)) == "same"
    assert differences(ours, saved(ours)) == []


def test_an_older_board_of_ours_is_told_from_one_that_somebody_changed(ours: dict[str, Any]) -> None:
    older = files.models()["gengfu-site"]
    older["title"] = "总览"
    theirs = saved(pushed(older, CONSOLE))
    assert standing(ours, theirs) == "older"
    theirs["panels"][1]["gridPos"]["h"] = 9
    assert standing(ours, theirs) == "edited"
    assert standing(ours, theirs, provisioned=True) == "provisioned"
    assert standing(ours, {"title": "never pushed"}) == "edited"


def test_differences_say_where(ours: dict[str, Any]) -> None:
    theirs = saved(ours)
    theirs["panels"][0]["targets"][0]["rawSql"] = "SELECT 1"
    del theirs["panels"][-1]
    found = differences(ours, theirs)
    assert any(one.startswith('panels[未关闭报警].targets[A].rawSql: "SELECT 1" → "SELECT count(*)') for one in found)
    assert any(one.startswith("panels[每小时新增报警]: – → {") for one in found)
    assert len(found) == 2


def test_a_pushed_board_has_its_console_its_marks_and_its_stamp(ours: dict[str, Any]) -> None:
    values = {one["name"]: one["query"] for one in ours["templating"]["list"] if one["type"] == "constant"}
    assert values == {"console": CONSOLE, "marks": "pushed", "gengfu": stamp_of(ours)}
    assert len(stamp_of(ours)) == 32
    assert stamp_of(files.models()["gengfu-site"]) == ""


def test_zero_is_not_nothing() -> None:
    assert essence({"a": 0, "b": False, "c": None, "d": [{}], "e": ""}) == {"a": 0, "d": [{}]}


def test_another_property_of_the_same_value_is_a_difference(ours: dict[str, Any]) -> None:
    theirs = deepcopy(ours)
    overrides = [one for panel in theirs["panels"] for one in panel.get("fieldConfig", {}).get("overrides", [])]
    hidden = next(one for found in overrides for one in found["properties"] if one["id"] == "custom.hidden")
    hidden["id"] = "custom.inspect"
    assert standing(ours, theirs) == "edited"
