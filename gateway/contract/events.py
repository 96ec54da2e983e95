"""The events devices publish. Strict about what decides (ids, times, points, numbers), tolerant of unknown fields."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.contract.times import RFC3339
from gateway.contract.topics import ID_PATTERN

SEQUENCE_ID = r"[A-Za-z0-9]{1,26}-[1-9][0-9]{0,15}"
ULID_ID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"

EventId = Annotated[
    str,
    StringConstraints(pattern=rf"^(?:{SEQUENCE_ID}|{ULID_ID})$"),
    Field(description="`{boot}-{seq}`, seq rising by one per boot; or a ULID where a device cannot count"),
]
At = Annotated[
    str,
    StringConstraints(pattern=RFC3339),
    Field(description="RFC 3339 with zone; milliseconds are kept", json_schema_extra={"format": "date-time"}),
]
PointId = Annotated[str, StringConstraints(pattern=rf"^{ID_PATTERN}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Quality = Literal["good", "uncertain", "bad"]


class Event(BaseModel):
    """What every event carries. Unknown fields are kept in `model_extra`."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    id: EventId
    via: Name | None = Field(
        default=None, description="The publisher that keeps this event until a receipt names it; absent: no receipt"
    )


class ReadingEvent(Event):
    """One measured value of one point."""

    at: At
    point: PointId
    value: Finite
    unit: str | None = Field(default=None, description="If given it must be the point's declared unit")
    quality: Quality = "good"


class ReadingBatch(Event):
    """Many readings under one id; they are stored one by one."""

    batch: Annotated[list[tuple[At, PointId, Finite]], Field(min_length=1, max_length=10_000)]


class TapEvent(Event):
    """A checkpoint tag was read."""

    at: At
    checkpoint: str | None = None
    tag: str | None = None
    guard: str | None = None
    badge: str | None = None
    reader: str | None = None
    evidence: Literal["sun", "uid", "qr", "manual"] = "uid"


class FireEvent(Event):
    """A fire panel said something about one component."""

    at: At
    panel: str | None = None
    system_type: int | str | None = None
    address: str | None = None
    state: list[str] = Field(default_factory=list)
    text: str | None = None
    raw: str | None = None


class StatusEvent(Event):
    """A device is online or not; retained, and its MQTT last will."""

    at: At
    online: bool
