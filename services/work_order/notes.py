"""What is written into an order's history without moving it on: the machine replays it and stays where it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

Clock = Literal["respond", "finish"]


@dataclass(frozen=True, slots=True)
class OverdueNoted:
    """A clock ran out."""

    kind: ClassVar[str] = "overdue_noted"
    clock: Clock


@dataclass(frozen=True, slots=True)
class Escalated:
    """The next level was told."""

    kind: ClassVar[str] = "escalated"
    role: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Commented:
    """A remark."""

    kind: ClassVar[str] = "commented"
    text: str


@dataclass(frozen=True, slots=True)
class CostAdded:
    """A line of material or labour."""

    kind: ClassVar[str] = "cost_added"
    cost_id: str
    text: str
    amount_cents: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class CostRemoved:
    """A line was taken out; it stays readable."""

    kind: ClassVar[str] = "cost_removed"
    cost_id: str
    text: str
    amount_cents: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """The whole cost was put to a chain (APR-02)."""

    kind: ClassVar[str] = "approval_asked"
    request: int
    band: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class ApprovalDecided:
    """One hand of the chain decided."""

    kind: ClassVar[str] = "approval_decided"
    request: int
    position: int
    title: str
    approved: bool
    amount_cents: int
    paper: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalDropped:
    """What was still waiting is void: the cost is another one now."""

    kind: ClassVar[str] = "approval_dropped"
    request: int
    reason: str


@dataclass(frozen=True, slots=True)
class PictureAdded:
    """A photo before or after, or the acceptance signature."""

    kind: ClassVar[str] = "picture_added"
    photo_id: str
    picture: str
    signer: str = ""


@dataclass(frozen=True, slots=True)
class ReviewWritten:
    """紧急维修报告: cause, effect and measures are written (ROU-33)."""

    kind: ClassVar[str] = "review_written"
    by: str


@dataclass(frozen=True, slots=True)
class ReviewReturned:
    """It is not good enough yet."""

    kind: ClassVar[str] = "review_returned"
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewApproved:
    """Somebody else approved it."""

    kind: ClassVar[str] = "review_approved"
    by: str


@dataclass(frozen=True, slots=True)
class CalledBack:
    """回访 about the finished work."""

    kind: ClassVar[str] = "called_back"
    level: str
    satisfied: bool
    rework_id: str | None = None


@dataclass(frozen=True, slots=True)
class Contacted:
    """The requester was told how things stand; with a person named for the work, that is the response (AMB-22)."""

    kind: ClassVar[str] = "contacted"
    at: datetime
    text: str
    responds: bool


Note = (
    OverdueNoted
    | Escalated
    | Commented
    | CostAdded
    | CostRemoved
    | ApprovalAsked
    | ApprovalDecided
    | ApprovalDropped
    | PictureAdded
    | ReviewWritten
    | ReviewReturned
    | ReviewApproved
    | CalledBack
    | Contacted
)
NOTES: tuple[type[Note], ...] = (
    OverdueNoted, Escalated, Commented, CostAdded, CostRemoved, ApprovalAsked, ApprovalDecided, ApprovalDropped,
    PictureAdded, ReviewWritten, ReviewReturned, ReviewApproved, CalledBack, Contacted,
)  # fmt: skip
