"""Checks of `pumps.yaml` and `cctv.yaml`: points, equipment and pressures that fit together."""

from datetime import timedelta

from gateway.site.cctv import ViewPoint
from gateway.site.derived import station_points
from gateway.site.draft import SiteDraft
from gateway.site.model import Point
from gateway.site.problems import Problems, Spot
from gateway.site.pumps import Pump, Station, pumps_of
from gateway.site.sections import Item
from gateway.site.terms import Quantity

_PUMP_POINTS: tuple[tuple[str, Quantity], ...] = (("run", "run_state"), ("current", "current"), ("auto", "run_state"))


def check_stations(draft: SiteDraft, problems: Problems) -> None:
    """Note everything about pump stations that does not fit together."""
    points = {item.value.id: item.value for item in draft.points.items}
    owners: dict[str, str] = {}
    for station in draft.stations.items:
        _check_points(station, points, draft, problems)
        _check_pressures(station, problems)
        _check_twice(station, owners, problems)
        for word in sorted(_derived_ids(station.value)):
            if word in points and not points[word].derived:
                problems.add(station.at("id"), "derived_taken", word=word)


def _check_points(station: Item[Station], points: dict[str, Point], draft: SiteDraft, problems: Problems) -> None:
    value = station.value
    _check_point(draft, points, value.pressure, "pressure", station.at("pressure"), problems)
    if value.level is not None:
        _check_point(draft, points, value.level, "level", station.at("level"), problems)
    elif value.level_minimum is not None:
        problems.add(station.at("level_minimum"), "pump_level")
    if value.flow is not None:
        _check_point(draft, points, value.flow, "flow", station.at("flow"), problems)
    if value.kind == "fire" and not value.jockeys and not value.mains:
        problems.add(station.at(), "pump_none", word=value.id)
    for key in ("jockeys", "mains"):
        pumps: tuple[Pump, ...] = getattr(value, key)
        for index, pump in enumerate(pumps):
            draft.refer("equipment", pump.equipment, station.at(key, index, "equipment"), problems)
            for name, wanted in _PUMP_POINTS:
                word = getattr(pump, name)
                if word is not None:
                    _check_point(draft, points, word, wanted, station.at(key, index, name), problems)


def _check_point(
    draft: SiteDraft, points: dict[str, Point], word: str, wanted: Quantity, spot: Spot, problems: Problems
) -> None:
    if not draft.refer("points", word, spot, problems):
        return
    point = points.get(word)
    if point is not None and point.quantity != wanted:
        problems.add(spot, "pump_quantity", word=word, quantity=point.quantity, wanted=wanted)


def _check_pressures(station: Item[Station], problems: Problems) -> None:
    value = station.value
    start, stop, main = value.start_pressure, value.stop_pressure, value.main_start_pressure
    if start is not None and stop is not None and start >= stop:
        problems.add(station.at("start_pressure"), "pump_band", start=start, stop=stop)
    if start is not None and main is not None and main >= start:
        problems.add(station.at("main_start_pressure"), "pump_order", main=main, start=start)
    if not value.jockeys:
        for key in ("start_pressure", "stop_pressure"):
            if getattr(value, key) is not None:
                problems.add(station.at(key), "pump_jockey_missing", word=key)
    for key in ("rise_within", "test_longest"):
        if getattr(value, key) <= timedelta():
            problems.add(station.at(key), "pump_positive", word=key)


def _check_twice(station: Item[Station], owners: dict[str, str], problems: Problems) -> None:
    """A pump, its contact and an outlet pressure belong to one station: the runs of one would be those of another."""
    value = station.value
    words = [(value.pressure, station.at("pressure"))]
    for key in ("jockeys", "mains"):
        for index, pump in enumerate(getattr(value, key)):
            words.append((f"equipment {pump.equipment}", station.at(key, index, "equipment")))
            words.append((pump.run, station.at(key, index, "run")))
    for word, spot in words:
        if word in owners:
            problems.add(spot, "pump_twice", word=word.removeprefix("equipment "), first=owners[word])
        owners.setdefault(word, value.id)


def _derived_ids(station: Station) -> set[str]:
    measured = {station.pressure, station.level, station.flow}
    for pump in pumps_of(station):
        measured |= {pump.run, pump.current, pump.auto}
    return {*station_points(station)} - measured


def check_cctv(draft: SiteDraft, problems: Problems) -> None:
    """Note everything about view points that does not fit together; one that no camera sees is told by the check."""
    points = {item.value.id: item.value for item in draft.points.items}
    view: Item[ViewPoint]
    for view in draft.view_points.items:
        draft.refer("areas", view.value.area, view.at("area"), problems)
        for index, camera in enumerate(view.value.cameras):
            spot = view.at("cameras", index)
            _check_point(draft, points, camera, "online", spot, problems)
            if camera in view.value.cameras[:index]:
                problems.add(spot, "cctv_camera_twice", view=view.value.id, word=camera)
    sizes = [view for view in draft.view_points.items if view.value.size is not None]
    if sizes and len(sizes) < len(draft.view_points.items):
        problems.add(sizes[0].at("size"), "cctv_sizes")
    for coverage in draft.coverage.items:
        value = coverage.value
        draft.refer("devices", value.device, coverage.at("device"), problems)
        if value.equipment is not None:
            draft.refer("equipment", value.equipment, coverage.at("equipment"), problems)
        if not draft.view_points.items and draft.view_points.complete and not draft.view_points.broken:
            problems.add(coverage.at(), "cctv_no_views")
        taken = points.get(value.id)
        if taken is not None and not taken.derived:
            problems.add(coverage.at("id"), "derived_taken", word=value.id)
