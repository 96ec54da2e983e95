"""What patrol consists of, as frozen models: checkpoints, routes, shifts, schedules, rules, readers (`patrol.yaml`)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.site.dates import LocalDate
from gateway.site.duration import Duration
from gateway.site.limit import Severity
from gateway.site.terms import AsTuple, Finite, Frozen, Id, PolicyId, Role, Text

LocalTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Wall-clock time of the site's zone, e.g. `22:00`."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekdays = Annotated[tuple[Weekday, ...], AsTuple]
"""Days on which it starts; empty: every day."""
Order = Literal["ordered", "any", "freeroam"]
Ring = Literal["inner", "outer"]
TagKind = Literal["nfc", "rfid125", "sun"]
QuestionKind = Literal["yes_no", "number", "choice"]
RouteKind = Literal[
    "public", "building", "garage", "perimeter", "fire", "night_lighting", "must_check", "decoration", "vacant",
    "steward", "cleaning", "other",
]  # fmt: skip
RuleKind = Literal["max_gap", "daily", "weekly", "spot_check", "coverage"]
ReaderProtocol = Literal["pn532", "rdm6300", "uid_line", "wand", "tasmota", "esphome", "esphome_json", "home_assistant"]
SERIAL_PROTOCOLS: tuple[ReaderProtocol, ...] = ("pn532", "rdm6300", "uid_line", "wand")


class Tag(Frozen):
    """A physical identity of a checkpoint or a person: what a reader prints of it, in any of the usual forms."""

    uid: Text
    """As any reader prints it; gateway.contract.tags makes all forms one."""
    kind: TagKind = "nfc"
    keys: Id | None = None
    """sun: the name of the key set that verifies it (`gengfu tag keys`)."""


class Question(Frozen):
    """One line of a checkpoint's checklist."""

    id: Id
    text: Text
    text_en: str = ""
    kind: QuestionKind = "yes_no"
    expect: bool | None = None
    """yes_no: the good answer; the other one is a finding."""
    unit: str = ""
    minimum: Finite | None = None
    maximum: Finite | None = None
    """number: outside [minimum, maximum] is a finding."""
    choices: Annotated[tuple[Text, ...], AsTuple] = ()
    good: Annotated[tuple[Text, ...], AsTuple] = ()
    """choice: the good ones; empty: all."""
    required: bool = True


class Position(Frozen):
    """Where a checkpoint is on the site's own map, in metres, and on which floor."""

    x_m: Finite
    y_m: Finite
    floor: int = 0


class Checkpoint(Frozen):
    """巡更点: a place that somebody has to be at."""

    id: Id
    name: Text
    name_en: str = ""
    area: Id
    tags: Annotated[tuple[Tag, ...], AsTuple] = ()
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9-]{4,32}$")] | None = None
    """What is printed as QR code beside it, for phones that cannot read the tag: the marked fallback."""
    labels: Annotated[tuple[Id, ...], AsTuple] = ()
    """What rules select by, e.g. `key`, `must-check`, `vacant`, `fire`."""
    questions: Annotated[tuple[Question, ...], AsTuple] = ()
    position: Position | None = None
    active_from: LocalDate | None = None
    active_until: LocalDate | None = None
    """First and last local day on which rules with this checkpoint count it (a vacant unit, an open permit)."""


class Stop(Frozen):
    """One checkpoint of a route."""

    checkpoint: Id
    due: Duration | None = None
    """After the round's start; the on-time window lies around it. None: any time of the round."""
    not_before: Duration | None = None
    """After the round's start; a tap before it is early."""


class Leg(Frozen):
    """How long the walk from one checkpoint to another may take; both directions."""

    start: Id
    end: Id
    minimum: Duration | None = None
    maximum: Duration | None = None
    distance_m: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class Route(Frozen):
    """路线: the checkpoints of a round."""

    id: Id
    name: Text
    name_en: str = ""
    kind: RouteKind = "public"
    ring: Ring | None = None
    """Inner or outer patrol ring (PER-57)."""
    order: Order = "ordered"
    stops: Annotated[tuple[Stop, ...], Field(min_length=1, strict=False)]
    legs: Annotated[tuple[Leg, ...], AsTuple] = ()
    people: Annotated[int, Field(ge=1, le=5)] = 1
    """So many different people have to be at every stop."""
    roles: Annotated[tuple[Role, ...], AsTuple] = ()
    """Roles that have to take part, each by somebody of its own (PER-19)."""
    together_within: Duration = timedelta(minutes=2)
    kit: Annotated[tuple[Text, ...], AsTuple] = ()
    """What the guard confirms to carry when the round starts (SEC-13)."""
    retired: bool = False
    """Kept for its history; no schedule may name it."""


class Tolerance(Frozen):
    """Two nested windows around what is due, and how long to wait before anybody is accused."""

    on_time_before: Duration = timedelta(minutes=5)
    on_time_after: Duration = timedelta(minutes=10)
    extended_before: Duration = timedelta(minutes=15)
    extended_after: Duration = timedelta(minutes=30)
    """Measured from the same edges as the on-time window; at least as long."""
    grace: Duration = timedelta(minutes=5)
    """After the extended window: then it is missed."""
    second_grace: Duration = timedelta(hours=6)
    """After that again a miss is confirmed although the guard's device was silent."""


class Span(Frozen):
    """A window of wall-clock time; an end at or before the start is on the next day."""

    start: LocalTime
    end: LocalTime
    weekdays: Weekdays = ()
    reason: str = ""


class RandomStarts(Frozen):
    """Unpredictable starts, reproducible from the seed, with a hard longest gap."""

    max_gap: Duration
    """From one start to the next, across nights too while the window goes on."""
    min_gap: Duration = timedelta(minutes=20)


class Schedule(Frozen):
    """When a route is walked. Exactly one of `at`, `every`, `random`."""

    id: Id
    route: Id
    shift: Id | None = None
    """Rounds belong to the instance of this shift that they start in; None: whichever covers the start."""
    weekdays: Weekdays = ()
    valid_from: LocalDate | None = None
    valid_until: LocalDate | None = None
    at: Annotated[tuple[LocalTime, ...], AsTuple] = ()
    every: Duration | None = None
    random: RandomStarts | None = None
    window: Span | None = None
    """every, random: where rounds start, first at its beginning; None: the shift's hours."""
    duration: Duration
    """How long a round takes."""
    tolerance: Tolerance | None = None
    suspended: Annotated[tuple[Span, ...], AsTuple] = ()
    """Stops due in such a window are not counted (PER-61)."""
    policy: PolicyId = "patrol"
    demo_only: bool = False
    """Walked under `gengfu demo` only, so that somebody is always on his way there."""


class Shift(Frozen):
    """班次: who is on duty when."""

    id: Id
    name: Text
    name_en: str = ""
    start: LocalTime
    duration: Duration
    weekdays: Weekdays = ()
    people: Annotated[tuple[Id, ...], AsTuple] = ()
    """Usernames rostered for it."""
    handover: bool = True
    """A handover is due when it begins (PER-62)."""


class PatrolRule(Frozen):
    """A requirement on visits, with its source; a rule pack shipped as data and pointed at a site's checkpoints."""

    id: Id
    name: Text
    name_en: str = ""
    requirement: Text
    """Requirement id, e.g. `PER-12`, or the clause."""
    source: Text
    kind: RuleKind
    checkpoints: Annotated[tuple[Id, ...], AsTuple] = ()
    max_gap: Duration | None = None
    """max_gap: between neighbouring visits, the one still open included."""
    within: Span | None = None
    """max_gap: the gap runs only in these hours; spot_check: taps count only in these."""
    warn_gap: Duration | None = None
    """weekly: a warning when two visits lie further apart."""
    people: Annotated[int, Field(ge=1, le=5)] = 1
    roles: Annotated[tuple[Role, ...], AsTuple] = ()
    """spot_check: only visits by these roles count."""
    severity: Severity = "medium"
    policy: PolicyId = "patrol"
    loosened_reason: str = ""
    """Why, and by whose approval, it is looser here than documented; empty: it is not."""


class Reader(Frozen):
    """A ready-made reader on a serial line or on a topic of its own."""

    id: Id
    """Its device id: it must be declared in devices.yaml."""
    protocol: ReaderProtocol
    port: str | None = None
    """Serial protocols: the port, e.g. `/dev/ttyUSB0`."""
    baud: int | None = None
    topic: str | None = None
    """MQTT protocols: the topic the reader publishes on; may hold `+`."""
    place: Id | None = None
    """It hangs at this checkpoint and reads people's badges; None: it is carried and reads checkpoint tags."""
    guard: Id | None = None
    """Carried: whose it is."""
    zone: str = ""
    """wand: IANA zone of its clock; empty: the site's."""
    pattern: str = ""
    """wand: regular expression with groups `at`, `tag` and optionally `badge` for one record."""
    time_format: str = "%Y-%m-%d %H:%M:%S"


class PatrolSettings(Frozen):
    """Numbers that hold for the whole site."""

    duplicate_within: Duration = timedelta(seconds=60)
    """The same person at the same point again within this is the same visit."""
    silent_after: Duration = timedelta(minutes=3)
    """A phone unheard for longer is known to be silent."""
    skew_after: Duration = timedelta(minutes=2)
    """A clock further off is flagged."""
    handover_within: Duration = timedelta(minutes=15)
    lone_grace: Duration = timedelta(minutes=10)
    """On a lone round no tap for the leg's usual time plus this asks the guard to check in."""
    check_in_within: Duration = timedelta(minutes=5)
    """Unanswered for this long goes to everybody on duty."""
    fastest_m_s: Annotated[float, Field(gt=0, le=20)] = 3.0
    """Nobody walks faster: the floor of a leg known only by its distance."""
    floor_time: Duration = timedelta(seconds=8)
    """At least this long per floor."""
    unread_after: Duration = timedelta(days=3)
    """A tag on a route unread for so long, though its neighbours were read, is reported."""


class Patrol(Frozen):
    """Everything about patrol at one site; empty when it has no `patrol.yaml`."""

    checkpoints: tuple[Checkpoint, ...] = ()
    routes: tuple[Route, ...] = ()
    shifts: tuple[Shift, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    rules: tuple[PatrolRule, ...] = ()
    readers: tuple[Reader, ...] = ()
    settings: PatrolSettings = PatrolSettings()

    def checkpoint(self, checkpoint: str) -> Checkpoint | None:
        """The checkpoint with this id."""
        return next((one for one in self.checkpoints if one.id == checkpoint), None)

    def route(self, route: str) -> Route | None:
        """The route with this id."""
        return next((one for one in self.routes if one.id == route), None)

    def schedule(self, schedule: str) -> Schedule | None:
        """The schedule with this id."""
        return next((one for one in self.schedules if one.id == schedule), None)

    def shift(self, shift: str) -> Shift | None:
        """The shift with this id."""
        return next((one for one in self.shifts if one.id == shift), None)

    def schedules_of(self, route: str) -> Iterator[Schedule]:
        """The schedules that walk a route."""
        return (one for one in self.schedules if one.route == route)
