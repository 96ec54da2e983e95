"""Shapes of the fire part of the JSON API."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from gateway.contract.commands import CommandKind
from gateway.site.fire import TestKind
from services.web.api.schemas import Body
from services.web.queries.fire_log import Day, Moment

Words = Annotated[str, Field(min_length=1, max_length=2000)]
Maybe = Annotated[str, Field(max_length=2000)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Byte = Annotated[int, Field(ge=0, le=255)]
Count = Annotated[int, Field(ge=0, le=100_000)]


class Grade(Body):
    """How bad it is; from large to small only with a note."""

    grade: Literal["small", "large"]
    note: Maybe = ""


class FinishStep(Body):
    """A line of the plan is done, or not needed, which needs a note."""

    not_needed: bool = False
    note: Maybe = ""


class Call(Body):
    """Somebody to be called."""

    username: Name


class Remark(Body):
    """A remark."""

    text: Words


class CloseIncident(Body):
    """What it was."""

    verdict: Literal["real", "false", "test"]
    cause: Words


class BeginTestMode(Body):
    """Announced maintenance of a panel or one zone of it; a second person signs."""

    site: Name
    panel: Name
    zone: Annotated[str, Field(max_length=64)] = ""
    until: Moment
    reason: Annotated[str, Field(min_length=1, max_length=400)]
    second_username: Name
    second_password: Annotated[str, Field(min_length=1, max_length=256)]


class ExtendTestMode(Body):
    """Let it go on until then; a second person signs."""

    until: Moment
    second_username: Name
    second_password: Annotated[str, Field(min_length=1, max_length=256)]


class Ask(Body):
    """Something to ask of a transmission device."""

    site: Name
    source: Name
    kind: CommandKind
    minutes: Annotated[int, Field(ge=1, le=60, description="Duty check: to be answered within")] = 10
    system_type: Byte = 1
    system_address: Byte = 0
    component: Annotated[str, Field(pattern="^[0-9a-f]{8}$", description="Its four bytes in wire order")] = "00000000"
    count: Annotated[int, Field(ge=1, le=50, description="Of operation records")] = 10


class RecordTest(Body):
    """One functional test of one device."""

    site: Name
    device: Name
    kind: TestKind
    passed: bool
    tested_on: Day
    note: Maybe = ""


class RecordDrill(Body):
    """One drill."""

    site: Name
    held_on: Day
    owners: Count
    staff: Count
    items: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(min_length=1, max_length=20)]
    place: Maybe = ""
    note: Maybe = ""


class NoteOutage(Body):
    """Form B.1's columns."""

    filed: bool = Field(description="Reported to the fire authority")
    measures: Words


class SourceOut(BaseModel):
    """What talks to us, and whether it does."""

    site: str
    id: str
    name: str
    protocol: str
    link: str = Field(description="online, offline or never")
    heard_at: datetime | None


class TestModeOut(BaseModel):
    """Announced maintenance."""

    id: str
    site: str
    panel: str
    zone: str
    reason: str
    begun_at: datetime
    begun_by: str
    second: str
    until: datetime
    ended_at: datetime | None
    ended_by: str | None


class BuildingOut(BaseModel):
    """One building in numbers."""

    site: str
    id: str
    name: str
    health: str = Field(description="fire, fault, care, quiet or blind: without a connection nothing is known")
    counts: dict[str, int] = Field(description="Components by fire, fault, shield, supervisory, start, feedback")
    panels: list[str]
    heard_at: datetime | None


class OverviewOut(BaseModel):
    """The board."""

    incidents: list["IncidentOut"]
    buildings: list[BuildingOut]
    sources: list[SourceOut]
    test_modes: list[TestModeOut]


class ComponentOut(BaseModel):
    """A component and what holds at it."""

    id: str = Field(description="`{site}/{panel}/{address}`")
    site: str
    panel: str
    address: str
    building: str
    zone: str
    point: str = Field(description="Empty: the ledger does not know its address")
    name: str
    system_type: int | None
    component_type: int | None
    states: dict[str, datetime] = Field(description="State → since when")
    test: bool
    values: list[dict[str, Any]]
    heard_at: datetime


class IncidentOut(BaseModel):
    """A fire, or what looks like one."""

    id: str
    number: str
    site: str
    building: str
    where: str = Field(description="Building and zones in the account's language")
    stage: str = Field(description="unconfirmed, small, large or closed")
    reason: str
    opened_at: datetime
    confirm_by: datetime
    graded_at: datetime | None
    graded_by: str | None
    verdict: str
    cause: str
    closed_at: datetime | None
    closed_by: str | None
    reset_at: datetime | None
    zones: dict[str, list[str]] = Field(description="Zone → components that reported fire, at most 50 in all")
    components: int = Field(description="How many reported fire")
    signals: int
    alert: str | None
    version: int


class StepOut(BaseModel):
    """A line of the plan."""

    plan: str
    step: str
    text: str
    begun_at: datetime
    done_at: datetime | None
    done_by: str | None
    not_needed: bool
    note: str


class CallOut(BaseModel):
    """Somebody who was called."""

    username: str
    tier: int
    called_at: datetime
    accepted_at: datetime | None
    arrived_at: datetime | None
    arrived_by: str


class HappeningOut(BaseModel):
    """One line of an incident's history."""

    seq: int
    at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


class IncidentDetail(IncidentOut):
    """An incident with its plan, the people and its history."""

    broadcast: str
    steps: list[StepOut]
    calls: list[CallOut]
    history: list[HappeningOut] = Field(description="The last 500; a storm names 50 components and counts the `more`")
    happenings: int = Field(description="How many lines the whole history has")


class SignalOut(BaseModel):
    """Something that a panel or a transmission device said."""

    id: str
    site: str
    device: str
    panel: str
    scope: str
    component: str
    building: str
    zone: str
    point: str
    system_type: int | None
    component_type: int | None
    states: list[str]
    ended: list[str]
    operations: list[str]
    at: datetime
    received_at: datetime
    panel_at: datetime | None = Field(description="By the panel's clock, which may be wrong by years")
    text: str
    raw: str = Field(description="Hex of what came over the wire")
    marks: list[str]
    body: dict[str, Any]
    test: bool
    incident_id: str | None


class CommandOut(BaseModel):
    """Something asked of a transmission device."""

    id: str
    site: str
    source: str
    kind: str
    params: dict[str, Any]
    asked_at: datetime
    asked_by: str
    expires_at: datetime
    outcome: str = Field(description="Empty while under way; a duty check that nobody answers ends as `missed`")
    outcome_at: datetime | None
    answer: dict[str, Any]
    answer_by: datetime | None
    answered_at: datetime | None


class OutageOut(BaseModel):
    """A shielded component or a stopped system."""

    id: str
    site: str
    component: str
    kind: str
    began_at: datetime
    ended_at: datetime | None
    prompted_at: datetime | None
    filed: bool | None
    measures: str
    noted_by: str | None
    noted_at: datetime | None


class TestOut(BaseModel):
    """An entry of the monthly ledger."""

    id: str
    site: str
    device: str
    kind: str
    passed: bool
    tested_on: date
    at: datetime
    by: str
    note: str
    signal_id: str | None


class DeviceMonthOut(BaseModel):
    """One device in one month."""

    device: str
    name: str
    state: str = Field(description="done, due, failed or missing")
    real: bool = Field(description="It had a real test, not only a look")
    proven: bool = Field(description="Its own signal proves it")
    last: TestOut | None


class DrillOut(BaseModel):
    """A drill."""

    id: str
    site: str
    held_on: date
    owners: int
    staff: int
    items: list[str]
    place: str
    note: str
    by: str
    at: datetime
