"""What is inspected and maintained, how often, by which checklist (`maintenance/`, `maintenance.yaml`)."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from gateway.site.catalogue import Source
from gateway.site.dates import LocalDate
from gateway.site.duration import Duration
from gateway.site.equipment_kinds import EquipmentKind
from gateway.site.fire import TestKind
from gateway.site.patrol import LocalTime, Weekday
from gateway.site.terms import AsTuple, Finite, Frozen, Id, Role, Text

ItemKind = Literal["pass_fail", "number", "choice", "text", "photo", "signature"]
Level = Literal[1, 2, 3, 4, 5, 6]
LEVEL_NAMES: Mapping[int, tuple[str, str]] = {
    1: ("日检", "Daily check"),
    2: ("月检", "Monthly check"),
    3: ("季（半年）检", "Quarterly or half-yearly service"),
    4: ("年检", "Yearly overhaul"),
    5: ("大修", "Major overhaul"),
    6: ("分承包方保养维修", "Contractor's maintenance"),
}
"""设备六级保养检修 (PER-01 to PER-06)."""
Period = Literal["day", "week", "month", "quarter", "half_year", "year"]
"""Natural periods of the site's zone (AMB-28); a week is an ISO week."""
TestSignal = Literal["weekly_auto", "monthly_manual", "quarterly_flow", "jockey_day"]
"""What pump signals prove: the tests of a fire pump, and the day's starts of a jockey pump."""
DaysOff = Literal["keep", "next", "previous"]
"""What happens to a due day that nobody works on: it stays, or moves to the next or previous working day."""


class ChecklistItem(Frozen):
    """One line of a checklist."""

    id: Id
    text: Text
    text_en: str = ""
    kind: ItemKind = "pass_fail"
    unit: str = ""
    decimals: int = Field(default=2, ge=0, le=6)
    minimum: Finite | None = None
    maximum: Finite | None = None
    """number: outside [minimum, maximum] is a finding; both bounds belong to the good side."""
    choices: Annotated[tuple[Text, ...], AsTuple] = ()
    good: Annotated[tuple[Text, ...], AsTuple] = ()
    """choice: the good ones; empty: all."""
    required: bool = True
    meter: Id | None = None
    """number: it is the reading of this meter of the equipment, e.g. `run-hours`."""
    needs_instrument: bool = False
    """number: the instrument's number is asked for too (NUM-02)."""
    photo_if_failed: bool = False
    """pass_fail, number, choice: what is not good there needs a photo; a word is not enough (NUM-03, NUM-06)."""
    requirement: str = ""
    """Id of the documented requirement behind it."""


class Checklist(Frozen):
    """检查表: what is done and written down in one inspection."""

    id: Id
    name: Text
    name_en: str = ""
    items: Annotated[tuple[ChecklistItem, ...], Field(min_length=1, strict=False)]
    fire_test: TestKind | None = None
    """Its inspection is the monthly functional test of a fire device too (PER-13)."""

    @cached_property
    def item_by_id(self) -> Mapping[str, ChecklistItem]:
        """Items by id."""
        return {item.id: item for item in self.items}


class MeterTrigger(Frozen):
    """Due each time a meter has risen by `step` since the last threshold."""

    meter: Id
    step: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Plan(Frozen):
    """保养计划: what is due for which equipment, and when. Each piece of equipment has its own occurrences."""

    id: Id
    name: Text
    name_en: str = ""
    requirement: str = ""
    source: Source | None = None
    level: Level
    kinds: Annotated[tuple[EquipmentKind, ...], AsTuple] = ()
    """For equipment of these kinds."""
    equipment: Annotated[tuple[Id, ...], AsTuple] = ()
    """For these entries of the ledger, by their short ids, whatever their kind."""
    without: Annotated[tuple[Id, ...], AsTuple] = ()
    """Not for these."""
    every: Period | None = None
    """Once in each natural period; due with its end."""
    interval: Duration | None = None
    """Every so many days after the first day; due with the end of the day it falls on."""
    meter: MeterTrigger | None = None
    checklist: Id
    window_from: LocalTime | None = None
    window_until: LocalTime | None = None
    """Work begins within this window of the night or day only (TIM-12); outside it is a violation."""
    days_off: DaysOff = "keep"
    owner_role: Role = "engineer"
    signal: TestSignal | None = None
    """Done by this alone, recognised from the pump's own signals or entered; nobody has to fill the checklist."""
    contract: Id | None = None
    """Level 6: the contract it belongs to."""
    from_on: LocalDate | None = None
    """First day it holds; None: since the equipment is in use."""
    until_on: LocalDate | None = None
    """Last day it holds."""
    our_defaults: Annotated[tuple[str, ...], AsTuple] = ()
    """Keys whose value the documents do not give."""


class Contract(Frozen):
    """分承包合同 with a contractor."""

    id: Id
    name: Text
    name_en: str = ""
    contractor: Text
    scope: Text
    starts_on: LocalDate
    ends_on: LocalDate
    respond_within: Duration | None = None
    """How fast the contractor must be there."""
    legal_review: str = ""
    """Number of the legal department's review (APR-03); empty: not reviewed, and its plans are not active."""


class WorkCalendar(Frozen):
    """Which days nobody works, and how long a night counts for the day before."""

    weekend: Annotated[tuple[Weekday, ...], AsTuple] = ()
    """Days of the week that are off; empty: property management works every day."""
    days_off: Annotated[tuple[LocalDate, ...], AsTuple] = ()
    workdays: Annotated[tuple[LocalDate, ...], AsTuple] = ()
    """Worked in spite of the weekend 调休."""
    night_grace: Duration = timedelta(hours=6)
    """Work at night counts for so long after midnight for the day before (AMB-05)."""


class PlanChange(Frozen):
    """What a site changes about a shipped plan. What is looser than shipped needs `reason` and `approved_by`."""

    plan: Id
    enabled: bool = True
    every: Period | None = None
    interval: Duration | None = None
    meter: MeterTrigger | None = None
    checklist: Id | None = None
    window_from: LocalTime | None = None
    window_until: LocalTime | None = None
    days_off: DaysOff | None = None
    owner_role: Role | None = None
    contract: Id | None = None
    equipment: Annotated[tuple[Id, ...], AsTuple] = ()
    """Also for these."""
    without: Annotated[tuple[Id, ...], AsTuple] = ()
    """Not for these."""
    from_on: LocalDate | None = None
    until_on: LocalDate | None = None
    reason: Text | None = None
    approved_by: Role | None = None


WhyInactive = Literal["disabled", "no_contract", "not_reviewed"]


class InactivePlan(Frozen):
    """A plan that makes nothing, and why: shown, never silent."""

    plan: Plan
    why: WhyInactive
    reason: str = ""
    approved_by: str = ""


class PlanNote(Frozen):
    """What a site changed about a shipped plan."""

    plan: Id
    keys: tuple[str, ...]
    looser: tuple[str, ...] = ()
    """Those that made it looser than shipped."""
    reason: str = ""
    approved_by: str = ""


class Upkeep(Frozen):
    """Everything about upkeep of one site: shipped plans with what the site changes, all references resolved."""

    checklists: tuple[Checklist, ...] = ()
    plans: tuple[Plan, ...] = ()
    """Active ones only."""
    contracts: tuple[Contract, ...] = ()
    inactive: tuple[InactivePlan, ...] = ()
    changes: tuple[PlanNote, ...] = ()
    own: tuple[str, ...] = ()
    """Ids of plans that the site added."""
    calendar: WorkCalendar = WorkCalendar()

    @cached_property
    def checklist_by_id(self) -> Mapping[str, Checklist]:
        """Checklists by id."""
        return {one.id: one for one in self.checklists}

    @cached_property
    def plan_by_id(self) -> Mapping[str, Plan]:
        """Plans by id."""
        return {one.id: one for one in self.plans}

    @cached_property
    def contract_by_id(self) -> Mapping[str, Contract]:
        """Contracts by id."""
        return {one.id: one for one in self.contracts}
