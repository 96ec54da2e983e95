"""Shipped plans meet a site: what it changes, adds and contracts out; what is inactive, and why."""

from typing import Any

from gateway.site.draft import SharedDraft, SiteDraft
from gateway.site.problems import Problems
from gateway.site.sections import Item
from gateway.site.upkeep import Checklist, Contract, InactivePlan, Plan, PlanChange, PlanNote, Upkeep
from gateway.site.upkeep_checks import (
    APPROVERS,
    CONTRACTED,
    check_calendar,
    check_checklist,
    check_contract,
    check_plan,
    looser_keys,
)

_ADDED = ("equipment", "without")
"""Keys whose entries come on top of the shipped ones."""
_REPLACED = (
    "every", "interval", "meter", "checklist", "window_from", "window_until", "days_off", "owner_role", "contract",
    "from_on", "until_on",
)  # fmt: skip
_RHYTHMS = ("every", "interval", "meter")


class UpkeepResolver:
    """Puts together the upkeep of one site."""

    def __init__(self, draft: SiteDraft, shared: SharedDraft, problems: Problems) -> None:
        self._draft = draft
        self._shared = shared
        self._problems = problems

    def resolve(self) -> Upkeep:
        """Active and inactive plans with everything they refer to; notes what does not fit."""
        own = self._draft.plans.values()
        self._check_own()
        check_calendar(self._draft, self._problems)
        changed = {item.value.plan: item for item in self._draft.plan_changes.items}
        plans, inactive, notes = [], [], []
        for shipped in self._shared.plans.values():
            item = changed.get(shipped.id)
            plan, note = (shipped, None) if item is None else self._changed(shipped, item)
            if note is not None:
                notes.append(note)
            if item is not None and not item.value.enabled:
                inactive.append(_disabled(plan, item.value))
            else:
                plans.append(plan)
        plans.extend(own)
        contracts = {one.id: one for one in self._draft.contracts.values()}
        used = {plan.contract for plan in plans if plan.contract}
        for contract in self._draft.contracts.items:
            check_contract(contract, used, self._problems)
        active = []
        for plan in plans:
            within, why = _under_contract(plan, contracts)
            if why is None:
                active.append(within)
            else:
                inactive.append(why)
        return Upkeep(
            checklists=(*self._shared.checklists.values(), *self._draft.checklists.values()),
            plans=tuple(active),
            contracts=tuple(contracts.values()),
            inactive=tuple(inactive),
            changes=tuple(notes),
            own=tuple(plan.id for plan in own),
            calendar=self._draft.calendar,
        )

    def _check_own(self) -> None:
        checklist: Item[Checklist]
        for checklist in self._draft.checklists.items:
            check_checklist(checklist, self._problems)
            self._check_name(checklist, "upkeep.checklists", "检查表", "checklist")
        item: Item[Plan]
        for item in self._draft.plans.items:
            check_plan(item, item.value, self._problems)
            self._check_name(item, "upkeep.plans", "计划", "plan")
            self._refer_checklist(item, item.value.checklist)
            if item.value.contract is not None:
                self._draft.refer("upkeep.contracts", item.value.contract, item.at("contract"), self._problems)
        change: Item[PlanChange]
        for change in self._draft.plan_changes.items:
            self._shared.refer("upkeep.plans", change.value.plan, change.at("plan"), self._problems)

    def _check_name(self, item: Item[Any], section: str, what: str, what_en: str) -> None:
        if item.value.id in self._shared.entries[section].ids:
            self._problems.add(item.at("id"), "plan_shipped", word=item.value.id, what=what, what_en=what_en)

    def _refer_checklist(self, item: Item[Any], word: str) -> None:
        if word not in self._draft.checklists.ids:
            self._shared.refer("upkeep.checklists", word, item.at("checklist"), self._problems)

    def _changed(self, shipped: Plan, item: Item[PlanChange]) -> tuple[Plan, PlanNote]:
        spec = item.value
        update: dict[str, Any] = {
            key: getattr(spec, key) for key in _REPLACED if getattr(spec, key) not in (None, getattr(shipped, key))
        }
        if any(key in update for key in _RHYTHMS):
            update = {**dict.fromkeys(_RHYTHMS), **update}
        for key in _ADDED:
            if getattr(spec, key):
                update[key] = (*getattr(shipped, key), *getattr(spec, key))
        keys = tuple(key for key in (*_REPLACED, *_ADDED) if update.get(key) is not None)
        if spec.enabled and not keys:
            self._problems.add(item.at(), "change_empty", word=shipped.id)
        plan = shipped.model_copy(update=update)
        inherited = Problems()
        check_plan(item, shipped, inherited)
        if not len(inherited):  # said where it stands
            check_plan(item, plan, self._problems)
        if spec.checklist is not None:
            self._refer_checklist(item, spec.checklist)
        if spec.contract is not None:
            self._draft.refer("upkeep.contracts", spec.contract, item.at("contract"), self._problems)
        looser = looser_keys(shipped, plan) if spec.enabled else ["enabled"]
        if looser and (spec.reason is None or spec.approved_by is None):
            self._problems.add(item.at(looser[0]), "plan_loosened", fields=", ".join(looser), word=shipped.id)
        if spec.approved_by is not None and spec.approved_by not in APPROVERS:
            self._problems.add(item.at("approved_by"), "plan_approver", value=spec.approved_by)
        return plan, PlanNote(
            plan=shipped.id,
            keys=keys if spec.enabled else ("enabled",),
            looser=tuple(looser),
            reason=spec.reason or "",
            approved_by=spec.approved_by or "",
        )


def _disabled(plan: Plan, spec: PlanChange) -> InactivePlan:
    return InactivePlan(plan=plan, why="disabled", reason=spec.reason or "", approved_by=spec.approved_by or "")


def _under_contract(plan: Plan, contracts: dict[str, Contract]) -> tuple[Plan, InactivePlan | None]:
    """A contractor's plan holds while a contract does that the legal department has seen (APR-03)."""
    if plan.level != CONTRACTED:
        return plan, None
    contract = contracts.get(plan.contract or "")
    if contract is None:
        return plan, InactivePlan(plan=plan, why="no_contract")
    if not contract.legal_review:
        return plan, InactivePlan(plan=plan, why="not_reviewed")
    first = max(plan.from_on, contract.starts_on) if plan.from_on else contract.starts_on
    last = min(plan.until_on, contract.ends_on) if plan.until_on else contract.ends_on
    return plan.model_copy(update={"from_on": first, "until_on": last}), None
