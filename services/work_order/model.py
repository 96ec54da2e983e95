"""The work-order machine: 受理 accept → 派工 dispatch → 实施 carry out → 验收 verify → 评价 rate; no step is skipped.

The response clock stops when somebody begins on site, for a request already when the requester is told who comes
(AMB-22); the finish clock stops at submission. Putting an order on hold pauses
neither, unless the policy frozen on the order says that it moves the finish deadline; rework moves nothing, so that an
early submission buys no time.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from services.work_order.categories import CATEGORIES
from services.work_order.notes import (
    NOTES,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalDropped,
    CalledBack,
    Clock,
    Commented,
    Contacted,
    CostAdded,
    CostRemoved,
    Escalated,
    Note,
    OverdueNoted,
    PictureAdded,
    ReviewApproved,
    ReviewReturned,
    ReviewWritten,
)

State = Literal[
    "reported", "accepted", "dispatched", "in_progress", "on_hold", "submitted", "verified", "closed", "cancelled"
]
Step = Literal[
    "accept", "dispatch", "reassign", "start", "hold", "resume", "submit", "verify", "rework", "rate", "cancel"
]

ALLOWED: dict[State, tuple[Step, ...]] = {
    "reported": ("accept", "cancel"),
    "accepted": ("dispatch", "cancel"),
    "dispatched": ("start", "reassign", "cancel"),
    "in_progress": ("submit", "hold", "reassign", "cancel"),
    "on_hold": ("resume", "reassign", "cancel"),
    "submitted": ("verify", "rework"),
    "verified": ("rate",),
    "closed": (),
    "cancelled": (),
}
"""What may come next; everything else is refused."""
FIVE_STEPS: tuple[tuple[Step, str], ...] = (
    ("accept", "受理"),
    ("dispatch", "派工"),
    ("start", "实施"),
    ("verify", "验收"),
    ("rate", "评价"),
)
"""The documented steps (ROU-16) by the command that performs each."""


@dataclass(frozen=True, slots=True)
class OrderState:
    """Everything the machine remembers of one order. The default is an order nobody has reported."""

    state: State | None = None
    assignee: str | None = None
    assignee_role: str | None = None
    executors: tuple[str, ...] = ()
    """Everybody who carried it out: none of them may verify it."""
    respond_due_at: datetime | None = None
    finish_due_at: datetime | None = None
    responded_at: datetime | None = None
    finished_at: datetime | None = None
    closed_at: datetime | None = None
    hold_reason: str | None = None
    hold_until: datetime | None = None
    held_at: datetime | None = None
    rework_count: int = 0
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """A job is asked for; its deadlines are set once."""

    kind: ClassVar[str] = "reported"
    respond_due_at: datetime | None
    finish_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """受理: the desk takes it on."""

    kind: ClassVar[str] = "accepted"
    step: ClassVar[Step] = "accept"


@dataclass(frozen=True, slots=True)
class Dispatched:
    """派工: it belongs to a person, or to whoever of a role comes first."""

    kind: ClassVar[str] = "dispatched"
    step: ClassVar[Step] = "dispatch"
    assignee: str | None
    assignee_role: str | None


@dataclass(frozen=True, slots=True)
class Reassigned:
    """转派: it goes to somebody else, who begins anew; the response clock stays stopped once stopped."""

    kind: ClassVar[str] = "reassigned"
    step: ClassVar[Step] = "reassign"
    assignee: str | None
    assignee_role: str | None
    reason: str
    finish_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Started:
    """实施: somebody is on site and begins; the order is theirs."""

    kind: ClassVar[str] = "started"
    step: ClassVar[Step] = "start"
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PutOnHold:
    """挂起: waiting for something, with a reason and an end."""

    kind: ClassVar[str] = "put_on_hold"
    step: ClassVar[Step] = "hold"
    reason: str
    until: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Resumed:
    """Work goes on; `finish_due_at` is the deadline from now on (moved only when the policy says so)."""

    kind: ClassVar[str] = "resumed"
    step: ClassVar[Step] = "resume"
    finish_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The work is done, says who did it."""

    kind: ClassVar[str] = "submitted"
    step: ClassVar[Step] = "submit"
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """验收: somebody else confirms it."""

    kind: ClassVar[str] = "verified"
    step: ClassVar[Step] = "verify"
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReworkOrdered:
    """返修: not good enough, back to 实施."""

    kind: ClassVar[str] = "rework_ordered"
    step: ClassVar[Step] = "rework"
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rated:
    """评价: 1 to 5, and the order is closed."""

    kind: ClassVar[str] = "rated"
    step: ClassVar[Step] = "rate"
    stars: int
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It is not needed any more."""

    kind: ClassVar[str] = "cancelled"
    step: ClassVar[Step] = "cancel"
    reason: str
    at: datetime


StepEvent = (
    Accepted
    | Dispatched
    | Reassigned
    | Started
    | PutOnHold
    | Resumed
    | Submitted
    | Verified
    | ReworkOrdered
    | Rated
    | Cancelled
)
Event = Reported | StepEvent | Note

_KINDS: dict[str, type[Event]] = {
    one.kind: one
    for one in (
        Reported, Accepted, Dispatched, Reassigned, Started, PutOnHold, Resumed, Submitted, Verified, ReworkOrdered,
        Rated, Cancelled, *NOTES,
    )
}  # fmt: skip


class StepRefused(Exception):
    """The order's state does not allow this step; `allowed` are those it does."""

    def __init__(self, state: State | None, step: str) -> None:
        self.state = state
        self.step = step
        self.allowed: tuple[Step, ...] = ALLOWED[state] if state else ()
        super().__init__(f"{step} in state {state}; allowed: {', '.join(self.allowed) or 'nothing'}")


def apply(order: OrderState, event: Event) -> OrderState:
    """The next state; raises StepRefused when the step is not next."""
    match event:
        case Reported():
            if order.state is not None:
                raise StepRefused(order.state, "report")
            return OrderState(state="reported", respond_due_at=event.respond_due_at, finish_due_at=event.finish_due_at)
        case Contacted() if event.responds:
            return replace(order, responded_at=order.responded_at or event.at)
    if isinstance(event, Note):
        return order
    if order.state is None or event.step not in ALLOWED[order.state]:
        raise StepRefused(order.state, event.step)
    return _step(order, event)


def _step(order: OrderState, event: StepEvent) -> OrderState:
    match event:
        case Accepted():
            return replace(order, state="accepted")
        case Dispatched():
            return replace(order, state="dispatched", assignee=event.assignee, assignee_role=event.assignee_role)
        case Reassigned():
            freed = _off_hold(order)
            return replace(
                freed,
                state="dispatched",
                assignee=event.assignee,
                assignee_role=event.assignee_role,
                finish_due_at=event.finish_due_at,
            )
        case Started():
            return replace(
                order,
                state="in_progress",
                assignee=event.by,
                executors=_with(order.executors, event.by),
                responded_at=order.responded_at or event.at,
            )
        case PutOnHold():
            return replace(order, state="on_hold", hold_reason=event.reason, hold_until=event.until, held_at=event.at)
        case Resumed():
            return replace(_off_hold(order), state="in_progress", finish_due_at=event.finish_due_at)
        case Submitted():
            return replace(order, state="submitted", finished_at=event.at, executors=_with(order.executors, event.by))
        case Verified():
            return replace(order, state="verified")
        case ReworkOrdered():
            return replace(order, state="in_progress", finished_at=None, rework_count=order.rework_count + 1)
        case Rated():
            return replace(order, state="closed", rating=event.stars, closed_at=event.at)
        case Cancelled():
            return replace(_off_hold(order), state="cancelled", closed_at=event.at)


def _off_hold(order: OrderState) -> OrderState:
    return replace(order, hold_reason=None, hold_until=None, held_at=None)


def _with(people: tuple[str, ...], one: str) -> tuple[str, ...]:
    return people if one in people else (*people, one)


def finish_due_after_hold(order: OrderState, now: datetime, *, pauses: bool) -> datetime | None:
    """The finish deadline when a hold ends at `now`: moved by the time held when the hold pauses the clock."""
    if order.finish_due_at is None or order.held_at is None or not pauses:
        return order.finish_due_at
    return order.finish_due_at + max(now - order.held_at, timedelta(0))


def is_running(order: OrderState, clock: Clock) -> bool:
    """The clock has not been stopped by anything yet."""
    if order.state in (None, "closed", "cancelled"):
        return False
    return order.responded_at is None if clock == "respond" else order.finished_at is None


def is_overdue(order: OrderState, clock: Clock, now: datetime) -> bool:
    """The clock ran out without being stopped in time; a finished order keeps the answer."""
    due = order.respond_due_at if clock == "respond" else order.finish_due_at
    stopped = order.responded_at if clock == "respond" else order.finished_at
    if due is None:
        return False
    return (stopped or order.closed_at or now) > due


def replay(events: list[Event]) -> OrderState:
    """The state that a history leads to."""
    order = OrderState()
    for event in events:
        order = apply(order, event)
    return order


def encode(event: Event) -> dict[str, Any]:
    """An event's fields for the history row."""
    return {
        one.name: value.isoformat() if isinstance(value := getattr(event, one.name), datetime) else value
        for one in fields(event)
    }


_MOMENTS = frozenset({"at", "until", "respond_due_at", "finish_due_at"})


def decode(kind: str, data: dict[str, Any]) -> Event:
    """The event of a history row; raises KeyError on an unknown kind. Extra keys of the row are not the machine's."""
    cls = _KINDS[kind]
    values = {one.name: data[one.name] for one in fields(cls) if one.name in data}
    for name in _MOMENTS & values.keys():
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return cls(**values)


__all__ = [
    "ALLOWED", "CATEGORIES", "FIVE_STEPS", "Accepted", "ApprovalAsked", "ApprovalDecided", "ApprovalDropped",
    "CalledBack", "Cancelled", "Clock", "Commented", "Contacted", "CostAdded", "CostRemoved", "Dispatched",
    "Escalated", "Event", "Note", "OrderState", "OverdueNoted", "PictureAdded", "PutOnHold", "Rated", "Reassigned",
    "Reported", "Resumed", "ReviewApproved", "ReviewReturned", "ReviewWritten", "ReworkOrdered", "Started", "State",
    "Step", "StepEvent", "StepRefused", "Submitted", "Verified", "apply", "decode", "encode",
    "finish_due_after_hold", "is_overdue", "is_running", "replay",
]  # fmt: skip
