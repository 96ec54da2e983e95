"""The components of a virtual fire alarm panel: from a site's files, from a list, or just so many."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from gateway.simulator.scenario import ScenarioError
from gateway.site.fire import DETECTORS, PointKind, Source
from gateway.site.model import SiteConfig

COMPONENT_TYPES: dict[PointKind, int] = {
    "smoke": 42, "heat": 31, "flame": 62, "gas": 11, "manual_call_point": 23, "hydrant_button": 24, "water_flow": 96,
    "pressure_switch": 99, "valve": 97, "alarm_bell": 121, "module": 87, "fire_door": 102, "shutter": 117, "fan": 111,
    "pump": 91, "electrical": 17, "panel": 1, "other": 0,
}  # fmt: skip
"""GB/T 26875.3 table 5."""
SYSTEM_TYPES: dict[PointKind, int] = {
    "hydrant_button": 11, "pump": 11, "water_flow": 12, "pressure_switch": 12, "valve": 12, "fan": 18, "fire_door": 19,
    "shutter": 19,
}  # fmt: skip
"""GB/T 26875.3 table 4; all others belong to the fire alarm system itself (1)."""
MOST = 100_000
"""More components than any panel has."""
_LOOP = 200
"""Components of one loop."""
_MIXED: tuple[tuple[PointKind, str], ...] = (
    ("smoke", "感烟探测器"), ("smoke", "感烟探测器"), ("smoke", "感烟探测器"), ("heat", "感温探测器"),
    ("smoke", "感烟探测器"), ("manual_call_point", "手动报警按钮"), ("smoke", "感烟探测器"),
    ("alarm_bell", "声光警报器"), ("water_flow", "水流指示器"), ("valve", "信号阀"), ("fan", "排烟风机"),
    ("pump", "消火栓泵"),
)  # fmt: skip
"""What `numbered` is made of, again and again; a floor has a dozen."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component as its panel knows it."""

    address: str
    """Four bytes as hex, in wire order."""
    name: str
    name_en: str
    kind: PointKind
    zone: str
    places: frozenset[str] = frozenset()
    """Its zone, and the areas that lie around it."""
    id: str = ""
    system_address: int = 1

    @property
    def component_type(self) -> int:
        """GB/T 26875.3 table 5."""
        return COMPONENT_TYPES[self.kind]

    @property
    def system_type(self) -> int:
        """GB/T 26875.3 table 4."""
        return SYSTEM_TYPES.get(self.kind, 1)


class _Listed(BaseModel):
    """One entry under `points:`; fields of `fire.yaml` that a panel does not know are passed over."""

    address: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    name_en: str = ""
    kind: PointKind = "smoke"
    zone: str = ""
    id: str = ""
    system_address: Annotated[int, Field(ge=0, le=255)] = 1


class _List(BaseModel):
    points: Annotated[list[_Listed], Field(min_length=1, max_length=MOST)]


def numbered(count: int) -> tuple[Component, ...]:
    """So many components, a mixture, in loops of 200 and zones of a dozen."""
    return tuple(_numbered(number) for number in range(count))


def _numbered(number: int) -> Component:
    loop, point = number // _LOOP + 1, number % _LOOP + 1
    kind, name = _MIXED[number % len(_MIXED)]
    floor = number // len(_MIXED) + 1
    return Component(
        address=(loop.to_bytes(2, "little") + point.to_bytes(2, "little")).hex(),
        name=f"{floor}层{name}{loop}-{point}",
        name_en=f"{kind.replace('_', ' ')} {loop}-{point}",
        kind=kind,
        zone=f"zone-{floor}",
        places=frozenset({f"zone-{floor}"}),
        id=f"p{loop}-{point}",
    )


def enough(components: Sequence[Component], count: int) -> tuple[Component, ...]:
    """At least so many: what is missing is made up, at addresses that are still free."""
    taken = {one.address for one in components}
    spare = (one for one in numbered(count + len(taken)) if one.address not in taken)
    return (*components, *(next(spare) for _ in range(count - len(components))))


def listed(path: Path) -> tuple[Component, ...]:
    """Components from a YAML file with `points:` (a site's `fire.yaml` will do); raises ScenarioError."""
    try:
        found = _List.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise ScenarioError(f"Cannot read the points in {path}: {error.strerror}", hint="Check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"The points in {path} are not YAML: {error}", hint="See docs/fire/simulator.md") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise ScenarioError(
            f"The points in {path} are wrong: {place}: {first['msg']}", hint="See docs/fire/simulator.md"
        ) from error
    return tuple(
        Component(
            one.address, one.name, one.name_en or one.name, one.kind, one.zone, frozenset({one.zone} - {""}), one.id,
            one.system_address,
        )
        for one in found.points
    )  # fmt: skip


def chosen(points: str) -> tuple[Component, ...]:
    """What `--points` names: a number, or a file. Raises ScenarioError."""
    if not points.isdecimal():
        return listed(Path(points))
    if not 1 <= int(points) <= MOST:
        raise ScenarioError(f"A panel with {points} components?", hint=f"Give a number from 1 to {MOST}, or a file")
    return numbered(int(points))


def transmitters(config: SiteConfig) -> tuple[Source, ...]:
    """The transmission devices of a site that connect to the gateway's TCP port."""
    return tuple(
        one for one in config.fire.sources if one.protocol == "gb26875" and one.port is None and one.host is None
    )


def declared(config: SiteConfig, source: str) -> tuple[Component, ...]:
    """The components behind one source, in the order of the site's files."""
    panels = {one.id: one for one in config.fire.panels if one.source == source}
    found = []
    for point in config.fire.points:
        panel = panels.get(point.panel)
        if panel is None:
            continue
        zone = config.fire.zone_by_id[point.zone]
        around = {area.id for area in config.area_path(zone.area)}
        found.append(
            Component(
                point.address, point.name, point.name_en or point.name, point.kind, point.zone,
                frozenset({zone.id, *around}), point.id,
                1 if panel.system_address is None else panel.system_address,
            )
        )  # fmt: skip
    return tuple(found)


def pick(components: Sequence[Component], target: str) -> tuple[Component, ...]:
    """What a target names: an id, `kind`, `place/kind`, `…#n` for one of them; `a | b`: b if there is no a."""
    for alternative in (part.strip() for part in target.split("|")):
        pattern, sharp, number = alternative.partition("#")
        place, slash, kind = pattern.rpartition("/")
        found = tuple(
            one
            for one in components
            if (not slash or place in one.places)
            and (fnmatchcase(one.id, kind) or one.kind == kind or (kind == "detector" and one.kind in DETECTORS))
        )
        if sharp:
            found = found[int(number) : int(number) + 1] if number.isdecimal() else ()
        if found:
            return found
    return ()
