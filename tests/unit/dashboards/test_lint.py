"""The linter finds what was planted, and nothing in the boards we ship."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from dashboards import files
from dashboards.boards import all_boards
from dashboards.lint import lint, lint_all

Model = dict[str, Any]
Spoil = Callable[[Model], object]
SITE = next(board for board in all_boards() if board.uid == "gengfu-site").model()


def panel(model: Model, at: int = 0) -> Model:
    return [one for one in model["panels"] if one["type"] != "row"][at]  # type: ignore[no-any-return]


def defaults(model: Model) -> Model:
    return panel(model)["fieldConfig"]["defaults"]  # type: ignore[no-any-return]


PLANTED: dict[str, tuple[Spoil, str]] = {
    "two panels of one id": (lambda m: panel(m, 1).update(id=panel(m, 0)["id"]), "panel id 1 is used 2 times"),
    "overlap": (lambda m: panel(m, 1)["gridPos"].update(x=0), "panels 1 and 2 overlap"),
    "too wide": (lambda m: panel(m)["gridPos"].update(w=25), "reaches beyond the 24 columns"),
    "no place": (lambda m: panel(m).update(gridPos={}), "has no place"),
    "unknown source": (lambda m: panel(m)["datasource"].update(uid="gengfu-stat"), "'gengfu-stat' of type"),
    "source by name": (lambda m: panel(m).update(datasource="InfluxDB"), "not given by type and uid"),
    "wrong kind of source": (lambda m: panel(m)["datasource"].update(type="mysql"), "of type 'mysql'"),
    "first threshold": (
        lambda m: defaults(m)["thresholds"]["steps"][0].update(value=0),
        "the first threshold must be null",
    ),
    "thresholds": (
        lambda m: defaults(m)["thresholds"]["steps"].extend(
            [{"color": "#ff6159", "value": 5}, {"color": "#ff6159", "value": 1}]
        ),
        "thresholds are not sorted: [5, 1]",
    ),
    "unit": (lambda m: defaults(m).update(unit="pressurempa"), "unit 'pressurempa' is not known"),
    "no unit": (
        lambda m: [defaults(m).update(unit=""), panel(m)["fieldConfig"].update(overrides=[])],
        "it has no unit",
    ),
    "undefined variable": (
        lambda m: panel(m)["targets"][0].update(rawSql="SELECT '$building'"),
        "variable 'building' is used but not defined",
    ),
    "undefined repeat": (lambda m: panel(m).update(repeat="pump"), "repeated by 'pump', which is not defined"),
    "twice defined": (
        lambda m: m["templating"]["list"].append(m["templating"]["list"][0]),
        "variable 'site' is defined 2 times",
    ),
    "choice of several": (
        lambda m: m["templating"]["list"][0].update(multi=True),
        "$site may be several, so Grafana quotes it by itself",
    ),
    "macro of a call": (
        lambda m: panel(m)["targets"][0].update(rawSql="SELECT 1 WHERE $__timeFilter(coalesce(a, b))"),
        "ends the macro $__timeFilter(coalesce( at its first closing bracket",
    ),
    "states by thresholds": (
        lambda m: (panel(m).update(type="state-timeline"), defaults(m).update(color={"mode": "thresholds"})),
        "Grafana merges its states by thresholds",
    ),
    "no console": (lambda m: m["templating"]["list"].pop(-2), "the constant 'console' is missing"),
    "variable asks nothing": (lambda m: m["templating"]["list"][0].update(query=" "), "'site' asks nothing"),
    "colour": (lambda m: defaults(m)["color"].update(mode="fixed", fixedColor="red"), "colour 'red' is not of"),
    "no title": (lambda m: panel(m).update(title=" "), "it has no title"),
    "no description": (lambda m: panel(m).update(description=""), "say which question it answers"),
    "no query": (lambda m: panel(m).update(targets=[]), "it asks nothing"),
    "empty query": (lambda m: panel(m)["targets"][0].update(rawSql="  "), "query A is empty"),
    "refIds": (lambda m: panel(m)["targets"].append(panel(m)["targets"][0]), "refId 'A' is used 2 times"),
    "kind of panel": (lambda m: panel(m).update(type="time-series"), "type 'time-series' is not known"),
    "uid": (lambda m: m.update(uid="Overview"), "uid 'Overview' is not gengfu-…"),
    "id": (lambda m: m.update(id=4), "id must be null"),
    "refresh": (lambda m: m.update(refresh=""), "refresh is ''"),
    "time": (lambda m: m.update(time={}), "time.from and time.to are not set"),
    "tag": (lambda m: m.update(tags=[]), "the tag 'gengfu' is missing"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found(name: str) -> None:
    spoil, wanted = PLANTED[name]
    model = deepcopy(SITE)
    spoil(model)
    assert [problem for problem in lint(model) if wanted in problem], lint(model)


def test_two_boards_of_one_name_are_found() -> None:
    problems = lint_all([SITE, {**deepcopy(SITE), "uid": "gengfu-other"}])
    assert problems == ["title '项目总览' is used by 2 boards"]


def test_our_boards_have_no_problem() -> None:
    assert lint_all(list(files.models().values())) == []
