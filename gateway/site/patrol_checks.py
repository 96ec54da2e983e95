"""Checks of a site's patrol: checkpoints, routes, shifts, schedules and settings against each other."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from gateway.contract.units import UNITS
from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.duration import format_duration
from gateway.site.patrol import Checkpoint, Leg, PatrolSettings, Question, Route, Schedule, Shift, Tolerance
from gateway.site.patrol_identities import check_identities
from gateway.site.patrol_readers import check_readers
from gateway.site.patrol_rules import PATROL_POLICIES
from gateway.site.problems import Path, Problems
from gateway.site.sections import Item
from gateway.site.terms import Frozen

_QUESTION_KEYS = {"yes_no": ("expect",), "number": ("unit", "minimum", "maximum"), "choice": ("choices", "good")}
_DAY = timedelta(days=1)


def check_patrol(draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
    """Note everything about patrol that does not fit together."""
    check_identities(draft, problems)
    if draft.checkpoints.items:
        _check_policies(draft, shared, problems)
    for checkpoint in draft.checkpoints.items:
        _check_checkpoint(checkpoint, draft, problems)
    for route in draft.routes.items:
        _check_route(route, draft, problems)
    for shift in draft.shifts.items:
        _check_shift(shift, draft, problems)
    for schedule in draft.schedules.items:
        _check_schedule(schedule, draft, shared, problems)
    check_readers(draft, problems)
    for settings in draft.entries["settings"].items:
        _check_positive(settings, PatrolSettings, (), problems, settings.value)


def check_key_areas(draft: SiteDraft, problems: Problems) -> None:
    """Note key areas that no scheduled route has a checkpoint in (PER-21); sites without patrol have none to miss."""
    parts = (draft.areas, draft.checkpoints, draft.routes, draft.schedules)
    if not draft.checkpoints.items or any(part.broken or not part.complete for part in parts):
        return
    walked = {schedule.route for schedule in draft.schedules.values()}
    stops = {stop.checkpoint for route in draft.routes.values() if route.id in walked for stop in route.stops}
    covered = {
        area for point in draft.checkpoints.values() if point.id in stops for area in draft.area_path(point.area)
    }
    for item in draft.areas.items:
        if item.value.key and item.value.id not in covered:
            problems.add(item.at("key"), "key_area_uncovered", word=item.value.id)


def _check_policies(draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
    if not shared.policies.complete:
        return
    for needed in PATROL_POLICIES:
        if needed not in shared.policies.ids and needed not in shared.policies.miswritten:
            problems.add(draft.checkpoints.items[0].document.at("checkpoints"), "patrol_policy", word=needed)


def _check_positive(item: Item[Any], model: type[Frozen], path: Path, problems: Problems, value: Frozen | None) -> None:
    """Durations that must not be 0."""
    if value is None:
        return
    for name in model.model_fields:
        duration = getattr(value, name)
        if isinstance(duration, timedelta) and duration <= timedelta(0):
            problems.add(item.at(*path, name), "patrol_positive", word=name)


def _check_dates(item: Item[Any], keys: tuple[str, str], problems: Problems) -> None:
    first, last = (getattr(item.value, key) for key in keys)
    if isinstance(first, date) and isinstance(last, date) and last < first:
        problems.add(item.at(keys[1]), "dates_order", word=keys[1], last=last, first=first)


def _check_checkpoint(item: Item[Checkpoint], draft: SiteDraft, problems: Problems) -> None:
    draft.refer("areas", item.value.area, item.at("area"), problems)
    _check_dates(item, ("active_from", "active_until"), problems)
    seen: dict[str, int] = {}
    for index, question in enumerate(item.value.questions):
        first = seen.setdefault(question.id, index)
        if first != index:
            where = item.at("questions", first, "id").place
            problems.add(item.at("questions", index, "id"), "duplicate_id", word=question.id, first=where)
        _check_question(item, index, question, problems)


def _check_question(item: Item[Checkpoint], index: int, question: Question, problems: Problems) -> None:
    for kind, keys in _QUESTION_KEYS.items():
        for key in keys:
            if kind != question.kind and key in question.model_fields_set:
                problems.add(item.at("questions", index, key), "question_unused", kind=question.kind, word=key)
    needed = {"number": "unit", "choice": "choices"}.get(question.kind)
    if needed is not None and not getattr(question, needed):
        problems.add(item.at("questions", index, needed), "question_needs", kind=question.kind, word=needed)
    if question.kind == "number" and question.unit and question.unit not in UNITS:
        problems.add_unknown(item.at("questions", index, "unit"), "unknown_unit", question.unit, UNITS)
    low, high = question.minimum, question.maximum
    if low is not None and high is not None and low >= high:
        problems.add(item.at("questions", index, "minimum"), "minimum_above", low=low, high=high)
    for position, word in enumerate(question.good):
        if question.choices and word not in question.choices:
            problems.add_unknown(item.at("questions", index, "good", position), "not_one_of", word, question.choices)


def _check_route(item: Item[Route], draft: SiteDraft, problems: Problems) -> None:
    route = item.value
    if not route.together_within:
        problems.add(item.at("together_within"), "patrol_positive", word="together_within")
    before = timedelta(0)
    for index, stop in enumerate(route.stops):
        draft.refer("checkpoints", stop.checkpoint, item.at("stops", index, "checkpoint"), problems)
        earlier = [one.checkpoint for one in route.stops[:index]]
        # An ordered round may come back to where it was; otherwise a second stop is the first one again.
        if stop.checkpoint in (earlier[-1:] if route.order == "ordered" else earlier):
            problems.add(item.at("stops", index, "checkpoint"), "stop_twice", word=stop.checkpoint)
        if stop.due is not None and stop.not_before is not None and stop.not_before > stop.due:
            values = {"value": format_duration(stop.not_before), "due": format_duration(stop.due)}
            problems.add(item.at("stops", index, "not_before"), "not_before_late", **values)
        if stop.due is not None and route.order == "ordered":
            if stop.due < before:
                values = {"value": format_duration(stop.due), "before": format_duration(before)}
                problems.add(item.at("stops", index, "due"), "due_order", **values)
            before = stop.due
    known = [stop.checkpoint for stop in route.stops]
    pairs: dict[frozenset[str], int] = {}
    for index, leg in enumerate(route.legs):
        first = pairs.setdefault(frozenset({leg.start, leg.end}), index)
        if first != index:
            problems.add(item.at("legs", index), "leg_twice", start=leg.start, end=leg.end)
        _check_leg(item, index, leg, known, problems)


def _check_leg(item: Item[Route], index: int, leg: Leg, known: Sequence[str], problems: Problems) -> None:
    for key, end in (("start", leg.start), ("end", leg.end)):
        if end not in known:
            problems.add_unknown(item.at("legs", index, key), "leg_outside", end, known)
    if leg.start == leg.end:
        problems.add(item.at("legs", index, "end"), "leg_nowhere", word=leg.end)
    if leg.minimum is None and leg.maximum is None and leg.distance_m is None:
        problems.add(item.at("legs", index), "leg_empty")
    if leg.minimum is not None and leg.maximum is not None and leg.minimum >= leg.maximum:
        low, high = format_duration(leg.minimum), format_duration(leg.maximum)
        problems.add(item.at("legs", index, "minimum"), "minimum_above", low=low, high=high)


def _check_shift(item: Item[Shift], draft: SiteDraft, problems: Problems) -> None:
    shift = item.value
    if not timedelta(0) < shift.duration <= _DAY:
        problems.add(item.at("duration"), "shift_duration", value=format_duration(shift.duration))
    for index, person in enumerate(shift.people):
        draft.refer("people", person, item.at("people", index), problems)


def _check_schedule(item: Item[Schedule], draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
    schedule = item.value
    _check_ways(item, problems)
    _check_positive(item, Schedule, (), problems, schedule)
    _check_dates(item, ("valid_from", "valid_until"), problems)
    if schedule.tolerance is not None:
        _check_tolerance(item, schedule.tolerance, problems)
    shared.refer("policies", schedule.policy, item.at("policy"), problems)
    if draft.refer("routes", schedule.route, item.at("route"), problems):
        for route in draft.routes.values():
            if route.id == schedule.route:
                _check_walk(item, route, problems)
    if schedule.shift is not None and draft.refer("shifts", schedule.shift, item.at("shift"), problems):
        for shift in draft.shifts.values():
            if shift.id == schedule.shift:
                _check_times(item, shift, problems)


def _check_ways(item: Item[Schedule], problems: Problems) -> None:
    """Exactly one of at, every, random; a window where rounds need one."""
    schedule = item.value
    ways = [key for key in ("at", "every", "random") if getattr(schedule, key) not in (None, ())]
    if len(ways) != 1:
        problems.add(item.at(*ways[1:2]), "schedule_ways", found=", ".join(ways) or "-")
    elif ways == ["at"] and schedule.window is not None:
        problems.add(item.at("window"), "window_unused")
    elif ways != ["at"] and schedule.window is None and schedule.shift is None:
        problems.add(item.at(ways[0]), "window_needed", word=ways[0])
    for index, time in enumerate(schedule.at):
        if time in schedule.at[:index]:
            first = item.at("at", schedule.at.index(time)).place
            problems.add(item.at("at", index), "duplicate_id", word=time, first=first)
    random = schedule.random
    if random is not None and not timedelta(0) < random.min_gap < random.max_gap:
        low, high = format_duration(random.min_gap), format_duration(random.max_gap)
        problems.add(item.at("random"), "random_gaps", low=low, high=high)


def _check_tolerance(item: Item[Schedule], tolerance: Tolerance, problems: Problems) -> None:
    for side in ("before", "after"):
        own, wider = getattr(tolerance, f"on_time_{side}"), getattr(tolerance, f"extended_{side}")
        if wider < own:
            words = {"word": f"extended_{side}", "inner": f"on_time_{side}"}
            values = {"value": format_duration(wider), "least": format_duration(own)}
            problems.add(item.at("tolerance", f"extended_{side}"), "tolerance_narrow", **words, **values)


def _check_walk(item: Item[Schedule], route: Route, problems: Problems) -> None:
    if route.retired:
        problems.add(item.at("route"), "route_retired", word=route.id)
    latest = max((stop.due for stop in route.stops if stop.due is not None), default=timedelta(0))
    if latest > item.value.duration > timedelta(0):
        values = {"value": format_duration(item.value.duration), "due": format_duration(latest)}
        problems.add(item.at("duration"), "round_short", route=route.id, **values)


def _check_times(item: Item[Schedule], shift: Shift, problems: Problems) -> None:
    """A fixed start of a shift's schedule lies within the shift."""
    for index, time in enumerate(item.value.at):
        if (_minutes(time) - _minutes(shift.start)) % 1440 >= shift.duration / timedelta(minutes=1):
            values = {"start": shift.start, "duration": format_duration(shift.duration)}
            problems.add(item.at("at", index), "at_outside", word=time, shift=shift.id, **values)


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])
