"""Points that nobody sends: what Gengfu works out from the pumps and cameras of a site, as points with limits."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.site.draft import SiteDraft
from gateway.site.equipment import Equipment
from gateway.site.model import Point
from gateway.site.pumps import Pump, Station, pumps_of
from gateway.site.sections import Item
from gateway.site.terms import Quantity


def starts_point(station: str) -> str:
    """Starts of its jockey pumps in the last hour."""
    return f"{station}-starts"


def decay_point(station: str) -> str:
    """How fast its pressure falls while all its pumps stand still."""
    return f"{station}-decay"


def no_start_point(station: str) -> str:
    """1: its pressure calls for a pump and none runs."""
    return f"{station}-no-start"


def leak_point(station: str) -> str:
    """1: its jockey pumps start far more often than they used to at night."""
    return f"{station}-leak"


def no_rise_point(pump: str) -> str:
    """1: this pump runs and the pressure does not rise."""
    return f"{pump}-no-rise"


def dry_run_point(pump: str) -> str:
    """1: this pump runs without water."""
    return f"{pump}-dry-run"


def station_points(station: Station) -> Iterator[str]:
    """Everything that concerns a station, measured or worked out, by point id; not all of them need exist."""
    yield station.pressure
    yield from (starts_point(station.id), decay_point(station.id), no_start_point(station.id), leak_point(station.id))
    yield from (one for one in (station.level, station.flow) if one is not None)
    for pump in pumps_of(station):
        yield from (pump.run, no_rise_point(pump.equipment), dry_run_point(pump.equipment))
        yield from (one for one in (pump.current, pump.auto) if one is not None)


def add_derived_points(draft: SiteDraft) -> None:
    """Add the points that follow from `pumps.yaml` and `cctv.yaml`; an id that is taken is noted as a duplicate."""
    devices = {item.value.id: item.value.device for item in draft.points.items}
    names = {item.value.id: item.value for item in draft.equipment.items}
    for station in draft.stations.items:
        device = devices.get(station.value.pressure)
        if device is not None:
            for point in _of_station(station.value, device, devices, names):
                _add(draft, point, station)
    for coverage in draft.coverage.items:
        spec = coverage.value
        point = Point(
            id=spec.id, device=spec.device, equipment=spec.equipment, name=spec.name, name_en=spec.name_en,
            unit="%", quantity="coverage", interval=None, valid_min=0.0, valid_max=100.0, derived=True,
        )  # fmt: skip
        _add(draft, point, coverage)


def _of_station(
    station: Station, device: str, devices: Mapping[str, str], names: Mapping[str, Equipment]
) -> Iterator[Point]:
    name, name_en = station.name, station.name_en or station.name
    jockey = next(iter(station.jockeys), None)
    if jockey is not None:
        yield Point(
            id=starts_point(station.id), device=devices.get(jockey.run, device), equipment=jockey.equipment,
            name=f"{name}稳压泵每小时启动次数", name_en=f"{name_en}: jockey starts per hour",
            unit="1/h", quantity="starts_per_hour", interval=None, valid_min=0.0, derived=True,
        )  # fmt: skip
        yield _flag(leak_point(station.id), device, jockey, "leak_suspicion", f"{name}疑似漏水",
                    f"{name_en}: leak suspected")  # fmt: skip
    if station.kind == "fire":
        yield Point(
            id=decay_point(station.id), device=device,
            name=f"{name}停泵降压速度", name_en=f"{name_en}: pressure decay with pumps off",
            unit="MPa/h", quantity="pressure_decay", interval=None, valid_min=0.0, derived=True,
        )  # fmt: skip
        first = next(iter(station.jockeys if station.main_start_pressure is None else station.mains), None)
        if first is not None and (station.main_start_pressure or station.start_pressure):
            yield _flag(no_start_point(station.id), devices.get(first.run, device), first, "pump_fault",
                        f"{name}低压而泵未启动", f"{name_en}: low pressure and no pump runs")  # fmt: skip
    for pump in station.mains:
        at, thing = devices.get(pump.run, device), names.get(pump.equipment)
        called = thing.name if thing else pump.equipment
        called_en = (thing.name_en if thing else "") or called
        yield _flag(no_rise_point(pump.equipment), at, pump, "pump_fault", f"{called}运行不升压",
                     f"{called_en} runs without pressure")  # fmt: skip
        if station.level is not None or pump.current is not None:
            yield _flag(dry_run_point(pump.equipment), at, pump, "pump_fault", f"{called}无水运行",
                         f"{called_en} runs dry")  # fmt: skip


def _flag(point: str, device: str, pump: Pump, quantity: Quantity, name: str, name_en: str) -> Point:
    return Point(
        id=point, device=device, equipment=pump.equipment, name=name, name_en=name_en,
        unit="1", quantity=quantity, interval=None, valid_min=0.0, valid_max=1.0, decimals=0, derived=True,
    )  # fmt: skip


def _add(draft: SiteDraft, point: Point, source: Item[Any]) -> None:
    if point.id in draft.points.ids:
        return
    draft.points.ids[point.id] = source.at()
    draft.points.items.append(Item(point, source.document, source.path))
