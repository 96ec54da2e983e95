"""Checks of checklists, plans, contracts and the calendar, each against itself and against each other."""

from datetime import timedelta
from typing import Any

from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.duration import format_duration
from gateway.site.problems import Problems
from gateway.site.sections import Item
from gateway.site.upkeep import Checklist, ChecklistItem, Contract, ItemKind, Period, Plan, WorkCalendar

OVERHAUL = 5
CONTRACTED = 6
GRACE_MAX = timedelta(hours=12)
APPROVERS = ("supervisor", "manager")
_DAY = timedelta(days=1)
_NUMBER_KEYS = ("unit", "minimum", "maximum", "meter", "needs_instrument")
_ITEM_KEYS: dict[ItemKind, tuple[str, ...]] = {
    "pass_fail": ("photo_if_failed",),
    "number": (*_NUMBER_KEYS, "photo_if_failed"),
    "choice": ("choices", "good", "photo_if_failed"),
}
_RHYTHMS = ("every", "interval", "meter")
_LENGTHS: dict[Period, tuple[int, int]] = {
    "day": (1, 1), "week": (7, 7), "month": (28, 31), "quarter": (90, 92), "half_year": (181, 184), "year": (365, 366),
}  # fmt: skip
"""Shortest and longest, in days."""


def check_shipped_plans(shared: SharedDraft, problems: Problems) -> None:
    """Note everything in the shipped checklists and plans that does not fit together."""
    for checklist in shared.checklists.items:
        check_checklist(checklist, problems)
    for item in shared.plans.items:
        check_plan(item, item.value, problems)
        shared.refer("upkeep.checklists", item.value.checklist, item.at("checklist"), problems)
        for key in ("equipment", "without", "contract"):
            if getattr(item.value, key):
                problems.add(item.at(key), "plan_shared", word=key)


def check_checklist(item: Item[Checklist], problems: Problems) -> None:
    """One checklist: its items are told apart, and each has what its kind needs."""
    seen: set[str] = set()
    for index, one in enumerate(item.value.items):
        if one.id in seen:
            problems.add(item.at("items", index, "id"), "item_twice", word=one.id)
        seen.add(one.id)
        _check_item(item, index, one, problems)


def _check_item(item: Item[Checklist], index: int, one: ChecklistItem, problems: Problems) -> None:
    empty = ChecklistItem(id=one.id, text=one.text)
    allowed = _ITEM_KEYS.get(one.kind, ())
    for key in (*_NUMBER_KEYS, "choices", "good", "photo_if_failed"):
        if key not in allowed and getattr(one, key) != getattr(empty, key):
            problems.add(item.at("items", index, key), "item_unused", kind=one.kind, word=key)
    if one.kind == "choice" and not one.choices:
        problems.add(item.at("items", index), "item_needs", kind=one.kind, word="choices")
    for at, word in enumerate(one.good):
        if word not in one.choices and one.choices:
            problems.add(item.at("items", index, "good", at), "item_good", word=word, known=", ".join(one.choices))
    if one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
        problems.add(item.at("items", index, "minimum"), "item_bounds", low=one.minimum, high=one.maximum)


def check_plan(item: Item[Any], plan: Plan, problems: Problems) -> None:
    """A plan as it results, noted at the entry it comes from."""
    found = [key for key in _RHYTHMS if getattr(plan, key) is not None]
    if plan.level == OVERHAUL:
        for key in found:
            problems.add(item.at(key), "plan_by_hand", word=key)
    elif len(found) != 1:
        problems.add(item.at(*found[1:2]), "plan_rhythm", found=", ".join(found) or "-")
    if plan.interval is not None and (plan.interval < _DAY or plan.interval % _DAY):
        problems.add(item.at("interval"), "plan_days", value=format_duration(plan.interval))
    if (plan.window_from is None) != (plan.window_until is None) or (
        plan.window_from is not None and plan.window_from == plan.window_until
    ):
        problems.add(item.at("window_from"), "plan_window")
    if not plan.kinds and not plan.equipment:
        problems.add(item.at(), "plan_nowhere", word=plan.id)
    if plan.contract is not None and plan.level != CONTRACTED:
        problems.add(item.at("contract"), "plan_contract")
    _check_order(item, "until_on", plan.from_on, plan.until_on, problems)
    for index, key in enumerate(plan.our_defaults):
        if key not in Plan.model_fields:
            problems.add_unknown(item.at("our_defaults", index), "not_one_of", key, Plan.model_fields)


def check_contract(item: Item[Contract], used: set[str], problems: Problems) -> None:
    """A contract ends after it begins, and some plan belongs to it."""
    _check_order(item, "ends_on", item.value.starts_on, item.value.ends_on, problems)
    if item.value.id not in used:
        problems.add(item.at("id"), "contract_unused", word=item.value.id)


def check_calendar(draft: SiteDraft, problems: Problems) -> None:
    """No day is both off and worked."""
    item: Item[WorkCalendar]
    for item in draft.entries["upkeep.calendar"].items:
        for index, day in enumerate(item.value.workdays):
            if day in item.value.days_off:
                problems.add(item.at("workdays", index), "day_twice", word=day)
        if not timedelta(0) <= item.value.night_grace <= GRACE_MAX:
            value = format_duration(item.value.night_grace)
            problems.add(item.at("night_grace"), "night_grace_long", value=value)


def _check_order(item: Item[Any], key: str, first: Any, last: Any, problems: Problems) -> None:
    if first is not None and last is not None and last < first:
        problems.add(item.at(key), "dates_order", word=key, first=first, last=last)


def looser_keys(base: Plan, plan: Plan) -> list[str]:
    """What of a plan asks for less than the shipped one did."""
    looser = []
    if _longest(plan) > _shortest(base) and _rhythm(plan) != _rhythm(base):
        looser.append(next(key for key in _RHYTHMS if getattr(plan, key) is not None))
    if _window(plan) - _window(base):
        looser.append("window_from")
    if plan.days_off == "next" and base.days_off != "next":
        looser.append("days_off")
    if plan.checklist != base.checklist:
        looser.append("checklist")
    if set(plan.without) - set(base.without):
        looser.append("without")
    if plan.from_on is not None and (base.from_on is None or plan.from_on > base.from_on):
        looser.append("from_on")
    if plan.until_on is not None and (base.until_on is None or plan.until_on < base.until_on):
        looser.append("until_on")
    return looser


def _rhythm(plan: Plan) -> tuple[object, ...]:
    return plan.every, plan.interval, plan.meter


def _shortest(plan: Plan) -> float:
    return _length(plan, 0)


def _longest(plan: Plan) -> float:
    return _length(plan, 1)


def _length(plan: Plan, end: int) -> float:
    """Days between two occurrences; a meter's step counts as days only against the same meter, and is looser else."""
    if plan.every is not None:
        return _LENGTHS[plan.every][end]
    if plan.interval is not None:
        return plan.interval.days
    return plan.meter.step * 10_000 if plan.meter is not None else float("inf")


def _window(plan: Plan) -> set[int]:
    """Minutes of the day at which work may begin."""
    if plan.window_from is None or plan.window_until is None:
        return set(range(1440))
    start, end = (int(one[:2]) * 60 + int(one[3:]) for one in (plan.window_from, plan.window_until))
    return set(range(start, end)) if start < end else set(range(start, 1440)) | set(range(end))
