"""Shapes of the JSON API: costs, approval, pictures, emergency reports and call-backs of work orders."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.web.api.schemas import Body, OrderOut, Words
from services.work_order.samples import Level

Long = Annotated[str, Field(min_length=1, max_length=4000)]


class Report(Body):
    """A repair that somebody asks for 报修."""

    title: str = Field(min_length=1, max_length=200)
    category: str = Field(min_length=1, max_length=32, description="One of the classes of fault, e.g. `leak`")
    place: str = Field(default="", max_length=400, description="Empty: that of the equipment")
    equipment_id: str | None = Field(default=None, max_length=64)
    requester: str = Field(default="", max_length=120, description="Room, name, phone")
    site: str = Field(default="", max_length=64, description="Empty: the account's own site")


class Contact(Body):
    """What the requester was told."""

    text: Words


class Cost(Body):
    """A line of material or labour."""

    kind: Literal["material", "labour"]
    name: str = Field(min_length=1, max_length=200)
    quantity: float = Field(gt=0, le=1_000_000, allow_inf_nan=False)
    unit: str = Field(min_length=1, max_length=16)
    price_cents: int = Field(ge=0, le=2_000_000_000, description="Per unit")
    person: str = Field(default="", max_length=64, description="Labour: who worked")


class Decision(Body):
    """The decision of one hand."""

    approve: bool
    note: str = Field(default="", max_length=400, description="A refusal says why")
    paper: str = Field(default="", max_length=120, description="Number of the paper it was decided on")


class Review(Body):
    """紧急维修报告."""

    cause: Long
    effect: Long
    measures: Long


class ReturnReview(Body):
    """Why it is to be written again."""

    reason: Words


class CallBack(Body):
    """What the requester said about the work."""

    level: Level
    satisfied: bool
    answer: str = Field(default="", max_length=2000)


class CostOut(BaseModel):
    """A cost line."""

    id: str
    kind: str
    name: str
    quantity: float
    unit: str
    price_cents: int
    amount_cents: int
    person: str
    at: datetime
    by: str
    removed_at: datetime | None
    removed_by: str


class ApprovalOut(BaseModel):
    """One hand of a request for approval."""

    id: str
    work_order_id: str
    request: int
    position: int
    band: str
    amount_cents: int
    title: str
    asked_at: datetime
    asked_by: str
    state: str
    decided_at: datetime | None
    decided_by: str
    paper: str
    note: str


class PictureOut(BaseModel):
    """A picture of an order; it is fetched at /patrol/photos/{photo_id}."""

    photo_id: str
    kind: str
    signer: str
    at: datetime
    by: str


class ReviewOut(BaseModel):
    """An emergency repair report."""

    draft: dict[str, Any]
    cause: str
    effect: str
    measures: str
    drafted_at: datetime
    written_by: str
    written_at: datetime | None
    approved_by: str
    approved_at: datetime | None


class CallBackOut(BaseModel):
    """One call-back."""

    id: str
    work_order_id: str
    level: str
    at: datetime
    by: str
    satisfied: bool
    answer: str
    rework_id: str | None


class SheetOut(OrderOut):
    """A work order with everything that belongs to it."""

    requester: str = Field(description="Masked for those who need not know")
    costs: list[CostOut]
    approvals: list[ApprovalOut]
    pictures: list[PictureOut]
    emergency_report: ReviewOut | None
    call_backs: list[CallBackOut]
    repeated_by: list[str] = Field(description="Other orders of the same chain of faults")


class WaitingOut(BaseModel):
    """A hand whose turn it is."""

    approval: ApprovalOut
    number: str
    title: str
    is_mine: bool


class LevelOut(BaseModel):
    """Where a level's call-backs stand this month."""

    level: Level
    population: int
    needed: int
    drawn: int
    called: int
    shortfall: int


class DueOut(BaseModel):
    """A call to make."""

    work_order_id: str
    number: str
    level: Level
    requester: str
    due_at: datetime | None
    is_late: bool


class CallBacksOut(BaseModel):
    """The call-backs of a site."""

    month_on: date
    levels: list[LevelOut]
    waiting: list[DueOut]
