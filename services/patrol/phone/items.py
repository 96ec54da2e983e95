"""What a guard's phone delivers: items with three clocks, each kept by its own id; taps go on through the door."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from gateway.contract.clocks import Sent, Solved, Stamp, solve
from gateway.contract.decode import storable
from gateway.contract.times import format_at
from services.kernel.errors import AppError, Invalid

BATCH = 50
"""Items of one delivery."""
_LAST_MS = 4_102_444_800_000
"""The year 2100: a clock that says later says nothing."""
_SIGNATURE = re.compile(r"[0-9A-Fa-f]{16}")

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,32}$")]
Wall = Annotated[int, Field(ge=0, le=_LAST_MS)]
Mono = Annotated[int, Field(ge=0, le=_LAST_MS)]
Boot = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Words = Annotated[str, StringConstraints(max_length=2000)]
Short = Annotated[str, StringConstraints(max_length=160)]
Photos = Annotated[tuple[ClientId, ...], Field(max_length=10, strict=False)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Answer = bool | int | Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, StringConstraints(max_length=200)]


class TapDoor(Protocol):
    """The way of taps into the event stream."""

    def put(self, site: str, body: Mapping[str, Any]) -> None:
        """Keep one tap durably before returning; raises DoorClosed while that cannot be done."""

    def put_reading(self, site: str, device: str, body: Mapping[str, Any]) -> None:
        """The same for a reading that a person typed in: an event of the point's device."""


class DoorClosed(AppError):
    """Taps cannot be taken right now; the phone keeps them and comes again."""

    status = 503
    code = "door_closed"


class _Item(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    client_id: ClientId
    by: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """Who was signed in when it happened; somebody else may deliver it."""
    seq: Annotated[int, Field(ge=1, le=2**53)]
    boot: Boot
    wall_ms: Wall
    mono_ms: Mono


class TapItem(_Item):
    """A checkpoint was tapped, or its code scanned or typed."""

    kind: Literal["tap"]
    tag: Annotated[str, StringConstraints(max_length=80)] = ""
    url: Annotated[str, StringConstraints(max_length=1024)] = ""
    code: Annotated[str, StringConstraints(max_length=64)] = ""
    checkpoint: Annotated[str, StringConstraints(max_length=64)] = ""
    """Demonstrations only."""
    entered: Literal["nfc", "scanned", "typed", "simulated"] = "nfc"
    round: Short = ""
    retries: Annotated[int, Field(ge=0, le=1000)] = 0
    answers: Annotated[dict[Short, Answer], Field(max_length=60)] = Field(default_factory=dict)
    kit: Annotated[dict[Short, bool], Field(max_length=40)] = Field(default_factory=dict)
    note: Words = ""
    photos: Photos = ()


class ReportItem(_Item):
    """An incident, or a cry for help."""

    kind: Literal["incident", "sos"]
    checkpoint: Annotated[str, StringConstraints(max_length=64)] = ""
    category: Annotated[str, StringConstraints(max_length=32)] = ""
    note: Words = ""
    photos: Photos = ()


class SignItem(_Item):
    """A sign of life, or the beginning of duty."""

    kind: Literal["check_in", "sign_on"]


class FireItem(_Item):
    """What somebody does in a fire: comes, is there, says how bad it is, ticks a step off, tells what he sees."""

    kind: Literal["fire_accept", "fire_arrive", "fire_grade", "fire_step", "fire_note"]
    incident: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    grade: Literal["small", "large", "none", ""] = ""
    """none: no fire seen."""
    plan: Literal["small", "large", ""] = ""
    step: Annotated[str, StringConstraints(max_length=64)] = ""
    not_needed: bool = False
    note: Words = ""
    photos: Photos = ()


_Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
Reading = bool | _Whole | _Finite | Words | Photos
"""What was answered to an item of a checklist; photos and the signature by the phone's ids of the pictures."""


class Clocks(BaseModel):
    """What the phone's clocks said at a moment besides that of its item."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    boot: Boot
    wall_ms: Wall
    mono_ms: Mono


class InspectionItem(_Item):
    """A checklist filled for a piece of equipment; the item's own clocks say when it was finished."""

    kind: Literal["inspection"]
    equipment: Id
    checklist: Id
    version: Annotated[str, StringConstraints(max_length=32)] = ""
    """The checklist as the phone had it."""
    task: Annotated[str, StringConstraints(max_length=26)] = ""
    started: Clocks
    answers: Annotated[dict[Id, Reading], Field(max_length=200)] = Field(default_factory=dict)
    findings: Annotated[tuple[Id, ...], Field(max_length=200, strict=False)] = ()
    """What the phone judged as not good."""
    notes: Annotated[dict[Id, Short], Field(max_length=200)] = Field(default_factory=dict)
    pictures: Annotated[dict[Id, Photos], Field(max_length=200)] = Field(default_factory=dict)
    """Item → photos of what was found there."""
    note: Words = ""
    photos: Photos = ()
    instrument: Annotated[str, StringConstraints(max_length=120)] = ""
    opened_by: Literal["tag", "qr", "list"] = "list"
    emergency: bool = False

    @property
    def took_ms(self) -> int:
        """How long it took: by the clock that cannot be set, while the phone ran on; never negative."""
        if self.started.boot == self.boot:
            return max(self.mono_ms - self.started.mono_ms, 0)
        return max(self.wall_ms - self.started.wall_ms, 0)


class ReadingItem(_Item):
    """A value that was measured and typed in; the item's own clocks say when."""

    kind: Literal["reading"]
    point: Id
    value: Annotated[float, Field(strict=True, allow_inf_nan=False)]
    """In the point's unit."""
    instrument: Annotated[str, StringConstraints(max_length=80)] = ""
    circuit: Annotated[str, StringConstraints(max_length=80)] = ""
    place: Annotated[str, StringConstraints(max_length=200)] = ""
    condition: Literal["", "dry", "wet"] = ""
    note: Annotated[str, StringConstraints(max_length=500)] = ""
    photos: Photos = ()


Item = TapItem | ReportItem | SignItem | FireItem | InspectionItem | ReadingItem
_ITEMS: TypeAdapter[Item] = TypeAdapter(Annotated[Item, Field(discriminator="kind")])


def parse_item(raw: Mapping[str, Any]) -> Item:
    """One item of a delivery; raises Invalid, so that one bad item does not hold up the others."""
    try:
        return _ITEMS.validate_python(plain(dict(raw)))
    except RecursionError as error:
        raise Invalid("The item is nested too deeply", hint="Update the app") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"{place}: {first['msg']}", hint="Update the app", place=place) from error


def plain(value: Any) -> Any:
    """JSON that can be stored and sent: a cry for help must not be lost for half a character in its note."""
    text = json.dumps(storable(value), ensure_ascii=False)
    return json.loads(text.encode("utf-8", "replace"))


def true_times(items: Sequence[Item], sent: Sent, before: Sent | None) -> dict[str, Solved]:
    """When each item happened, by its id: `sent` is this delivery, `before` the phone's last one before it."""
    stamps = [Stamp(item.wall_ms, item.mono_ms, item.boot, item.seq) for item in items]
    return {item.client_id: one for item, one in zip(items, solve(stamps, sent, before), strict=True)}


def tap_body(
    item: TapItem, site: str, phone: str, solved: Solved, received_ms: int, simulated: Mapping[str, str]
) -> dict[str, Any]:
    """The tap as an event of the site's `patrol_app`; raises Invalid when it names nothing that was read.

    `simulated`: checkpoint → its tag, in demonstrations, where a tap may be played; empty otherwise.
    """
    read = _read(item, simulated)
    if not read:
        raise Invalid("The tap names no tag and no code", hint="Update the app", place="tag")
    body: dict[str, Any] = {
        "at": format_at(solved.at_ms),
        **read,
        "guard": item.by,
        "client_id": item.client_id,
        "phone": phone,
        "claimed_at": format_at(item.wall_ms),
        "received_at": format_at(received_ms),
        "clock": solved.basis,
        "uncertain_ms": solved.uncertain_ms,
        "clock_turned": solved.turned,
        "seq": item.seq,
    }
    extra: dict[str, Any] = {
        "round": item.round,
        "retries": item.retries,
        "answers": dict(item.answers),
        "kit": dict(item.kit),
        "note": item.note,
        "photos": [f"{site}/{photo}" for photo in item.photos],
    }
    return body | {name: value for name, value in extra.items() if value}


def _read(item: TapItem, simulated: Mapping[str, str]) -> dict[str, Any]:
    if item.tag or item.url:
        # Shops write ordinary addresses on tags: only one that can hold a signature is worth checking.
        signed = bool(_SIGNATURE.search(item.url))
        found: dict[str, Any] = {"tag": item.tag} if item.tag else {}
        if signed or not item.tag:
            found["url"] = item.url
        return found | {"evidence": "sun" if signed else "uid"}
    if item.code:
        return {"code": item.code.strip().upper(), "evidence": "qr" if item.entered == "scanned" else "manual"}
    if item.checkpoint in simulated:
        return {"tag": simulated[item.checkpoint], "evidence": "uid", "simulated": True}
    return {}
