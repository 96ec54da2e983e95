from pathlib import Path

import pytest

from gateway.simulator.fire_points import Component, chosen, declared, enough, numbered, pick, transmitters
from gateway.simulator.scenario import ScenarioError
from gateway.site.fire import Fire, FirePoint, Panel, Source, Zone
from gateway.site.model import Area, Device, Site, SiteConfig


@pytest.fixture(scope="module")
def protected() -> SiteConfig:
    """Two buildings behind one transmission device, and a panel on a serial port of its own."""
    points = (
        ("s1", "utd", "01000100", "smoke", "z1"),
        ("h1", "utd", "01000200", "heat", "z1"),
        ("s2", "tower", "02000100", "smoke", "z2"),
        ("s3", "printer", "1-1", "smoke", "z2"),
    )
    return SiteConfig(
        site=Site(id="s", name="小区", timezone="Asia/Shanghai"),
        areas=(
            Area(id="b1", name="1号楼", kind="building"),
            Area(id="f1", name="1号楼1层", kind="corridor", parent="b1"),
            Area(id="b2", name="2号楼", kind="building"),
        ),
        devices=(Device(id="utd", name="传输装置", area="b1", kind="fire-panel"),),
        fire=Fire(
            sources=(Source(id="utd", protocol="gb26875"), Source(id="printer", protocol="text", port="/dev/x")),
            panels=(
                Panel(id="utd", source="utd", building="b1"),
                Panel(id="tower", source="utd", system_address=2, building="b2"),
                Panel(id="printer", source="printer", building="b2"),
            ),
            zones=(Zone(id="z1", name="区1", area="f1"), Zone(id="z2", name="区2", area="b2")),
            points=tuple(
                FirePoint.model_validate(
                    {"id": name, "panel": panel, "address": address, "name": f"点 {name}", "kind": kind, "zone": zone}
                )
                for name, panel, address, kind, zone in points
            ),
        ),
    )


def test_a_source_has_the_components_of_its_panels(protected: SiteConfig) -> None:
    found = declared(protected, "utd")
    assert [(one.id, one.system_address) for one in found] == [("s1", 1), ("h1", 1), ("s2", 2)]
    assert found[0].places == {"z1", "f1", "b1"}
    assert [one.id for one in transmitters(protected)] == ["utd"]


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("smoke", ["s1", "s2"]),
        ("detector", ["s1", "h1", "s2"]),
        ("detector#1", ["h1"]),
        ("b1/smoke", ["s1"]),
        ("f1/detector", ["s1", "h1"]),
        ("z2/smoke#0", ["s2"]),
        ("b2/heat | h*", ["h1"]),
        ("s?", ["s1", "s2"]),
        ("smoke#7", []),
        ("smoke#x", []),
        ("pump", []),
    ],
)
def test_targets_name_components(protected: SiteConfig, target: str, names: list[str]) -> None:
    assert [one.id for one in pick(declared(protected, "utd"), target)] == names


def test_made_up_components_have_addresses_of_their_own() -> None:
    found = numbered(450)
    assert len({one.address for one in found}) == 450
    assert (found[0].address, found[199].address, found[200].address) == ("01000100", "0100c800", "02000100")
    mine = Component("01000200", "mine", "mine", "smoke", "z")
    filled = enough([mine], 30)
    assert filled[0] is mine
    assert len({one.address for one in filled}) == 30
    assert enough(found, 10) == found


def test_points_come_as_a_number_or_from_a_file(tmp_path: Path) -> None:
    assert len(chosen("7")) == 7
    file = tmp_path / "points.yaml"
    file.write_text("points:\n  - {address: 0a000200, name: 10区2号, kind: heat, zone: z, equipment: x}\n", "utf-8")
    (only,) = chosen(str(file))
    assert (only.address, only.name, only.component_type, only.places) == ("0a000200", "10区2号", 31, {"z"})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("points: [", "not YAML"),
        ("points: []", "points"),
        ("points:\n  - {address: 8-155, name: x}", "points.0.address"),
        (None, "Cannot read"),
    ],
)
def test_a_wrong_list_is_explained(tmp_path: Path, text: str | None, what: str) -> None:
    file = tmp_path / "points.yaml"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(ScenarioError, match=what):
        chosen(str(file))
    with pytest.raises(ScenarioError, match="components"):
        chosen("0")
