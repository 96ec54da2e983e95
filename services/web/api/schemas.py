"""Shapes of the JSON API."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Id = Annotated[str, Field(min_length=1, max_length=64)]
Words = Annotated[str, Field(min_length=1, max_length=400, description="In a person's own words")]
Version = Annotated[int, Field(ge=0, le=2**31 - 1, description="The version the person saw")]


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str = ""
    hint: str = ""
    instance: str = ""


class Body(BaseModel):
    """Base of request bodies: nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class Acknowledge(Body):
    """Acknowledging names the newest occurrence the person saw."""

    occurrence: int = Field(ge=1, le=2**31 - 1)


class Shelve(Body):
    """For how long, and why."""

    minutes: int = Field(ge=15, le=480)
    reason: Words
    second_username: str | None = Field(default=None, max_length=64, description="Life safety: the second person")
    second_password: str | None = Field(default=None, max_length=256)


class Comment(Body):
    """A remark."""

    text: Words


class Versioned(Body):
    """A step without words."""

    version: Version


class Dispatch(Versioned):
    """To a person, or to whoever of a role comes first."""

    assignee: str | None = Field(default=None, max_length=64)
    assignee_role: Literal["engineer", "supervisor"] | None = None


class Reassign(Dispatch):
    """To somebody else, and why."""

    reason: Words


class Hold(Versioned):
    """Why, and until when."""

    reason: Words
    until: AwareDatetime


class Noted(Versioned):
    """A step with an optional remark."""

    note: str = Field(default="", max_length=400)


class Verify(Noted):
    """验收, with the signature of whoever accepts the work."""

    signature: str = Field(default="", max_length=600_000, description="JPEG in base64; a request needs one")
    signer: str = Field(default="", max_length=120, description="Who signed")


class Reasoned(Versioned):
    """A step that needs a reason."""

    reason: Words


class Rate(Versioned):
    """One to five."""

    stars: int = Field(ge=1, le=5)
    comment: str = Field(default="", max_length=400)


class ClockOut(BaseModel):
    """A deadline that is running."""

    kind: Literal["acknowledge", "respond", "finish"]
    due_at: datetime
    urgency: Literal["calm", "soon", "overdue"]


class EventOut(BaseModel):
    """One line of a history."""

    seq: int
    at: datetime
    event_at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


class AlertOut(BaseModel):
    """An alert as it stands."""

    id: str
    site: str
    rule: str
    target: str
    title: str
    title_en: str
    place: str
    state: str
    severity: str
    active: bool
    occurrence: int
    acked_occurrence: int
    value: float | None
    current_value: float | None
    unit: str
    limit_text: str
    requirement: str
    source: str
    opened_at: datetime
    last_active_at: datetime
    cleared_at: datetime | None
    closed_at: datetime | None
    shelved_until: datetime | None
    shelve_reason: str | None
    late: bool
    work_order: str | None
    owner: str
    next_escalation_at: datetime | None
    next_escalation_role: str | None
    clocks: list[ClockOut]
    version: int


class AlertDetail(AlertOut):
    """An alert with its history."""

    history: list[EventOut]


class OrderOut(BaseModel):
    """A work order as it stands."""

    id: str
    number: str
    site: str
    alert_id: str | None
    title: str
    place: str
    equipment: str
    equipment_id: str | None
    category: str
    origin: str
    rework_of: str | None
    cost_cents: int
    approved_cents: int
    review: str
    priority: str
    state: str
    assignee: str | None
    assignee_role: str | None
    created_at: datetime
    respond_due_at: datetime | None
    finish_due_at: datetime | None
    responded_at: datetime | None
    finished_at: datetime | None
    closed_at: datetime | None
    hold_reason: str | None
    hold_until: datetime | None
    rework_count: int
    rating: int | None
    clocks: list[ClockOut]
    version: int


class OrderDetail(OrderOut):
    """A work order with its history."""

    history: list[EventOut]


class ReadingOut(BaseModel):
    """A stored reading."""

    at: datetime
    value: float
    quality: Literal["good", "uncertain", "bad"]
    received_at: datetime


class LimitOut(BaseModel):
    """A limit as it holds for a point."""

    id: str
    variant: str
    kind: str
    point: str
    title: str
    title_en: str
    source: str
    unit: str
    text: str
    severity: str
    policy: str
    on_delay_s: float
    off_delay_s: float
    latching: bool
    loosened_reason: str | None


class PointOut(BaseModel):
    """A point as it stands."""

    key: str
    site: str
    device: str
    equipment: str | None
    name: str
    unit: str
    quantity: str
    set_value: float | None
    set_value_provisional: bool
    verdict: str
    reading: ReadingOut | None
    limits: list[LimitOut]


class BucketOut(BaseModel):
    """What was measured during one step."""

    at: datetime
    min: float
    max: float
    mean: float


class QuarantineOut(BaseModel):
    """A message that could not be an event."""

    id: str
    received_at: datetime
    site: str
    device: str
    topic: str
    code: str
    reason: str
    hint: str
    place: str
    size: int
    dismissed_at: datetime | None
    dismissed_by: str | None


class MessageOut(BaseModel):
    """An intended telling and what became of it."""

    id: str
    recipient: str
    recipient_role: str
    channel: str
    kind: str
    subject_kind: str
    subject_id: str
    severity: str
    text: str
    decision: str
    reason: str
    status: str
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    error: str | None


class MeOut(BaseModel):
    """Who is asking."""

    username: str
    display_name: str
    role: str
    areas: list[str]
    language: str
    commands: list[str]
    csrf_token: str = Field(description="For X-CSRF-Token; empty for bearer tokens, which need none")
