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


FireScope = Literal["component", "system", "transmitter", "operation", "analog", "info", "unparsed", "command"]
FireState = Literal[
    "fire", "fault", "shield", "supervisory", "start", "feedback", "delay", "power_fault", "mains_fault",
    "battery_fault", "bus_fault", "link_fault", "centre_fault", "manual", "config_changed", "reset", "alarm",
]  # fmt: skip
"""States of GB/T 26875.3 §8.2.1, in the words of other protocols too. `manual` means not automatic."""


class Event(BaseModel):
    """What every event carries. Unknown fields are kept in `model_extra`."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    id: EventId
    via: Name | None = Field(
        default=None, description="The publisher that keeps this event until a receipt names it; absent: no receipt"
    )


class Typed(BaseModel):
    """Who typed a reading in, and how it was measured."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    by: Name
    client_id: Name
    instrument: Annotated[str, StringConstraints(max_length=80)] = ""
    """Number of the instrument, e.g. of the insulation tester (NUM-02)."""
    circuit: Annotated[str, StringConstraints(max_length=80)] = ""
    place: Annotated[str, StringConstraints(max_length=200)] = ""
    condition: Literal["", "dry", "wet"] = ""
    """Of a floor (AMB-08)."""
    note: Annotated[str, StringConstraints(max_length=500)] = ""
    photos: Annotated[list[str], Field(max_length=10)] = Field(default_factory=list)


class Refusal(BaseModel):
    """One value of a foreign message that cannot be a reading, and why."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    place: Annotated[str, StringConstraints(max_length=64)]
    """The metric, or where in the message."""
    code: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    reason: Annotated[str, StringConstraints(max_length=500)]
    hint: Annotated[str, StringConstraints(max_length=300)] = ""


class ReadingEvent(Event):
    """One measured value of one point."""

    at: At
    point: PointId
    value: Finite
    unit: str | None = Field(default=None, description="If given it must be the point's declared unit")
    quality: Quality = "good"
    fault: Literal["electrical"] | None = Field(
        default=None, description="What is wrong with the sensor itself; electrical: its loop is outside 3.6 to 21 mA"
    )
    typed: Typed | None = Field(default=None, description="A person measured it and typed it in")


class ReadingBatch(Event):
    """Many readings under one id; they are stored one by one."""

    batch: Annotated[list[tuple[At, PointId, Finite]], Field(min_length=1, max_length=10_000)]


class RefusedReadings(Event):
    """What a ready-made device said that could not be read: it goes to quarantine with its raw bytes."""

    at: At
    topic: Annotated[str, StringConstraints(max_length=300)] = Field(
        description="Where it was said: an MQTT topic, or bus and slave"
    )
    raw: Annotated[str, StringConstraints(max_length=90_000)] = Field(description="The whole message, base64")
    refused: Annotated[list[Refusal], Field(min_length=1, max_length=100)]


class TapEvent(Event):
    """A checkpoint tag, or a person's badge, was read; or a guard entered a code by hand."""

    at: At
    """When it happened, as well as the sender knows: corrected for its clock where it could be."""
    checkpoint: str | None = None
    tag: str | None = Field(default=None, description="What the reader printed of the tag, in any form")
    url: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        default=None, description="The address a SUN tag gave, whole: it carries the one-time signature"
    )
    code: str | None = Field(default=None, description="The code printed beside the tag, scanned or typed")
    guard: str | None = None
    badge: str | None = None
    reader: str | None = None
    evidence: Literal["sun", "uid", "qr", "manual"] = "uid"
    client_id: Name | None = Field(
        default=None, description="The sender's own id of this tap: the same one again is the same tap"
    )
    round: str | None = Field(default=None, description="The round the guard says he is on")
    phone: Name | None = Field(default=None, description="The installation of the phone app that read it")
    claimed_at: At | None = Field(default=None, description="What the sender's wall clock said")
    received_at: At | None = Field(default=None, description="When our side first received it")
    clock: Literal["monotonic", "offset", "claimed"] | None = Field(
        default=None, description="What `at` was worked out from: monotonic clock, wall clock's known offset, neither"
    )
    uncertain_ms: Annotated[int, Field(ge=0)] = 0
    clock_turned: bool = Field(default=False, description="The wall clock was set between the tap and its delivery")
    retries: Annotated[int, Field(ge=0, le=1000)] = Field(default=0, description="Failed reads before this one")
    answers: dict[str, bool | float | int | str] = Field(default_factory=dict)
    note: Annotated[str, StringConstraints(max_length=2000)] = ""
    photos: Annotated[list[str], Field(max_length=10)] = Field(default_factory=list)


class FireValue(BaseModel):
    """An analog value of a component."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    quantity: str
    value: Finite
    unit: str
    quality: Quality = "good"


class FireEvent(Event):
    """A fire panel, or the device that transmits for panels, said something about one component, system or itself."""

    at: At
    """When our side heard it: clocks of panels are wrong by years."""
    panel: PointId | None = Field(default=None, description="Device id of the panel; absent: the sender itself")
    scope: FireScope = Field(default="component", description="What it is about")
    system_type: int | str | None = None
    system_address: int | None = None
    component_type: int | None = Field(default=None, description="GB/T 26875.3 table 5")
    address: Annotated[str, StringConstraints(max_length=80)] | None = Field(
        default=None, description="The component as the panel names it: raw hex on the wire, or `loop-point`"
    )
    state: list[str] = Field(default_factory=list, description="What holds now; unknown words are kept")
    ended: list[str] = Field(default_factory=list, description="What holds no longer")
    complete: bool = Field(default=False, description="`state` is all there is: what it does not name has ended")
    operations: list[str] = Field(default_factory=list, description="What somebody did at the panel or the sender")
    operator: int | None = None
    panel_at: At | None = Field(default=None, description="When it happened, by the panel's clock")
    values: list[FireValue] = Field(default_factory=list)
    text: Annotated[str, StringConstraints(max_length=2000)] | None = None
    raw: Annotated[str, StringConstraints(max_length=8192)] | None = Field(
        default=None, description="What came over the wire, as hex"
    )
    marks: list[str] = Field(default_factory=list, description="What is odd about it, e.g. `test_bit`, `unparsed`")
    key: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="The same for a retransmission: it is the same signal"
    )
    command: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="The command that this answers"
    )
    outcome: str | None = Field(default=None, description="What became of the command")


class StatusEvent(Event):
    """A device is online or not; retained, and its MQTT last will."""

    at: At
    online: bool
    battery: Annotated[float, Field(ge=0, le=100)] | None = Field(default=None, description="In per cent")
    rssi_dbm: Finite | None = Field(default=None, description="Strength of its radio signal")
    snr_db: Finite | None = None
    firmware: Annotated[str, StringConstraints(max_length=64)] | None = None
    clock_offset_s: Finite | None = Field(default=None, description="How far its clock is ahead of ours")
