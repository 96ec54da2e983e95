"""Chains of approval: as shipped they are what the documents say (AMB-13), and mistakes are named."""

import dataclasses

import pytest
from console import shipped

from gateway.site.approvals import ApprovalStep, band_for, holders

from .conftest import SiteFiles

POLICIES, PEOPLE = "policies/default.yaml", "sites/demo/people.yaml"
BANDS = """approvals:
  - {id: small, up_to_yuan: 2000, steps: [{title: 部门主管, role: supervisor}, {title: 总经理}]}
  - {id: middle, up_to_yuan: 5000, steps: [{title: 总经理}]}
  - {id: large, steps: [{title: 总经理}, {title: 集团公司}], origin: default}
policies:
"""


def chain(yuan: float) -> list[str]:
    band = band_for(shipped().approvals, round(yuan * 100))
    assert band is not None
    return [step.title for step in band.steps]


def test_the_shipped_chains_are_those_of_the_documents() -> None:
    small = ["部门主管", "部门经理/主任", "物业副总经理", "物业总经理"]
    middle = ["部门主管", "部门经理/主任", "物业总经理"]
    assert [chain(0.01), chain(2000)] == [small, small], "2000 元以内 includes the figure"
    assert [chain(2000.01), chain(5000)] == [middle, middle], "5000 元以下 includes it in legal use"
    assert chain(5000.01) == [*middle, "集团公司"]
    assert [one.origin for one in shipped().approvals] == ["seed", "seed", "default"], "above 5000 is 未规定"


@dataclasses.dataclass(frozen=True)
class Someone:
    username: str
    role: str
    titles: tuple[str, ...] = ()


def test_a_title_comes_before_the_role_that_stands_in() -> None:
    step = ApprovalStep(title="部门主管", role="supervisor")
    people = [Someone("a", "supervisor"), Someone("b", "engineer", ("部门主管",)), Someone("c", "supervisor")]
    assert holders(people, step) == ("b",)  # type: ignore[arg-type]
    assert holders([people[0], people[2]], step) == ("a", "c")  # type: ignore[list-item]
    assert holders(people, ApprovalStep(title="集团公司")) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("up_to_yuan: 5000", "up_to_yuan: 2000", "band_order", "approvals[1].up_to_yuan"),
        ("up_to_yuan: 5000, ", "", "band_open", "approvals[1].up_to_yuan"),
        ("{id: large, steps", "{id: large, up_to_yuan: 9000, steps", "band_open", "approvals[2].up_to_yuan"),
        ("{title: 集团公司}", "{title: 总经理}", "band_twice", "approvals[2].steps[1].title"),
        ("id: middle", "id: small", "duplicate_id", "approvals[1].id"),
        ("steps: [{title: 总经理}]}", "steps: []}", "list_empty", "approvals[1].steps"),
    ],
)
def test_mistakes_are_named(site_files: SiteFiles, old: str, new: str, code: str, place: str) -> None:
    site_files.change(POLICIES, "policies:\n", BANDS.replace(old, new, 1))
    assert [(one.code, one.place) for one in site_files.problems()] == [(code, place)]


def test_a_title_that_no_chain_knows_is_miswritten(site_files: SiteFiles) -> None:
    site_files.change(POLICIES, "policies:\n", BANDS)
    site_files.change(PEOPLE, "role: manager", "titles: [总经里], role: manager")
    (problem,) = site_files.problems()
    assert (problem.code, problem.suggestion) == ("title_unknown", "改为 总经理")
