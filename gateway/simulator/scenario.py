"""What happens, as data: faults with start, duration, kind, size and target; guards; fire. Shipped: `scenarios/`."""

import difflib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from gateway.contract.errors import GengfuError
from gateway.site.duration import Duration
from gateway.site.terms import AsTuple, Finite, Frozen, Text

PointFault = Literal[
    "leak", "overpressure", "pump_trip", "drift", "excursion", "stuck", "out_of_range", "silence", "force"
]
DeviceFault = Literal["offline", "restart", "burst", "clock_skew", "malformed"]
FaultKind = PointFault | DeviceFault
DEVICE_FAULTS: tuple[str, ...] = get_args(DeviceFault)

DEFAULT_SIZES: dict[str, float] = {
    "leak": 1.8,
    "overpressure": 1.5,
    "pump_trip": 3.0,
    "drift": 1.5,
    "excursion": -1.6,
    "out_of_range": 1.0,
    "force": 1.0,
    "burst": 10.0,
    "clock_skew": 600.0,
}
"""See `Fault.size`."""

Behaviour = Literal["honest", "late", "skipping", "desk_tapping", "too_fast", "offline", "wrong_clock"]
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)
DEFAULT_BY: dict[str, timedelta] = {
    "late": timedelta(minutes=25),
    "offline": timedelta(hours=2),
    "wrong_clock": timedelta(hours=3),
}
"""See `Guard.by`."""

FireState = Literal["alarm", "fault", "shield", "supervisory", "start", "feedback"]
"""What a component of the fire alarm panel says; `alarm` is fire."""
FireStory = Literal["fire", "day", "storm", "silence", "reset"]
FireKind = FireState | FireStory
FIRE_STATES: tuple[FireState, ...] = get_args(FireState)
STORM_SIZE = 500

LocalTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]

_SHIPPED = Path(__file__).parent / "scenarios"


class ScenarioError(GengfuError):
    """A scenario that does not exist or can not be read."""


class Fault(Frozen):
    """One thing that goes wrong, once or again and again."""

    kind: FaultKind
    target: Text
    """Ids (`*` and `?` match), a quantity (`pressure`) or its n-th point (`pressure#0`); `a | b`: b if no a."""
    start: Duration | None = None
    """After the scenario began."""
    local_time: LocalTime | None = None
    """Instead of `start`: at the first such moment of the site's day."""
    duration: Duration
    every: Duration | None = None
    """From one start to the next; absent: once."""
    size: Finite | None = None
    """leak, overpressure, pump_trip, drift, excursion: in distances to the documented limit (1.0 reaches it);
    force: the value; out_of_range: beyond the valid range, up (> 0) or down (< 0), in ranges;
    burst: times as many readings; clock_skew: seconds the device's clock is ahead. Absent: DEFAULT_SIZES."""
    ramp: Duration | None = None
    """leak, overpressure: how long it takes to get there; a sixth of the duration by default."""
    quiet: bool = False
    """Part of another fault's story: not narrated."""
    zh: str = ""
    en: str = ""
    """Narration of the start; absent: the usual sentence for the kind. `{name}` is the target's name."""

    @model_validator(mode="after")
    def _times(self) -> Self:
        if (self.start is None) == (self.local_time is None):
            raise ValueError("give either start or local_time")
        if not self.duration:
            raise ValueError("duration must be longer than 0")
        if self.every is not None and self.every < self.duration:
            raise ValueError("every must not be shorter than duration")
        if self.kind == "burst" and not 1.0 <= self.amount <= 1_000.0:
            raise ValueError("a burst has between 1 and 1000 times as many readings")
        return self

    @property
    def amount(self) -> float:
        """`size`, or the default of the kind."""
        return self.size if self.size is not None else DEFAULT_SIZES.get(self.kind, 1.0)


class Guard(Frozen):
    """Somebody who walks rounds with a phone; without `every` those that the site's schedules ask for.

    A round that an entry further up walks is not walked again.
    """

    guard: Text = "*"
    """A username; `*`: whoever is on the roster of the shift."""
    route: Text = "*"
    """Route ids (`*` and `?` match)."""
    behaviour: Behaviour = "honest"
    """desk_tapping: all tags within seconds; too_fast: every second way in less time than anybody needs."""
    one_in: Annotated[int, Field(ge=1)] = 1
    """So behaves one round in so many, the first one first; the others are honest."""
    by: Duration | None = None
    """late: sets out so much later; offline: delivers so long after the round; wrong_clock: the phone's clock is so
    far ahead. Absent: DEFAULT_BY."""
    start: Duration | None = None
    """After the scenario began: rounds before that are nobody's."""
    local_time: LocalTime | None = None
    """Instead of `start`: from the first such moment of the site's day on."""
    every: Duration | None = None
    """Sets out at the start and again and again, whatever the schedules say."""
    rounds: Annotated[int, Field(ge=1)] | None = None
    """So many rounds and no more."""
    finding: Text | None = None
    """The question that gets a bad answer now and then."""
    finding_one_in: Annotated[int, Field(ge=1)] = 1
    """In one round in so many, the first one first."""

    @model_validator(mode="after")
    def _times(self) -> Self:
        if self.start is not None and self.local_time is not None:
            raise ValueError("give either start or local_time")
        if self.every is not None and self.every < timedelta(minutes=1):
            raise ValueError("every must be a minute or more")
        return self

    @property
    def amount(self) -> timedelta:
        """`by`, or the default of the behaviour."""
        return self.by if self.by is not None else DEFAULT_BY.get(self.behaviour, timedelta(0))


class FireAct(Frozen):
    """One thing at the fire alarm panel, once or again and again; `gateway.simulator.fire_days` knows what it is."""

    kind: FireKind
    """A state of components; or fire: a whole one, from the first detector to the reset; day: a building's days with
    faults, shields, tests and one fire; storm: `size` alarms within `duration`; silence, reset: done at the panel."""
    target: Text = "detector"
    """Component ids (`*` and `?` match), `kind`, `place/kind` (a zone or area), each with `#n` for the n-th of them;
    `detector` is any that detects fire; `a | b`: b if no a. fire: where it begins."""
    start: Duration | None = None
    """After the scenario began."""
    local_time: LocalTime | None = None
    """Instead of `start`: at the first such moment of the site's day."""
    duration: Duration | None = None
    """States: then it is over; absent: at the next reset, or never. storm: two seconds unless given."""
    every: Duration | None = None
    """From one start to the next; absent: once."""
    size: Annotated[int, Field(ge=1, le=10_000)] = STORM_SIZE
    """storm: how many components."""
    quiet: bool = False
    """Part of another act's story: not narrated."""
    zh: str = ""
    en: str = ""
    """Narration; absent: the usual sentence for the kind. `{name}` is the first component's name."""

    @model_validator(mode="after")
    def _times(self) -> Self:
        if (self.start is None) == (self.local_time is None):
            raise ValueError("give either start or local_time")
        if self.every is not None and self.every < max(self.duration or timedelta(0), timedelta(seconds=1)):
            raise ValueError("every must not be shorter than duration, nor than a second")
        if self.kind == "day" and self.every is not None:
            raise ValueError("a day repeats by itself: leave out every")
        return self


class Scenario(Frozen):
    """A named list of faults, of guards, and of what the fire alarm panel has to say."""

    id: Text
    name: Text
    name_en: Text
    faults: Annotated[tuple[Fault, ...], AsTuple] = Field(default=())
    guards: Annotated[tuple[Guard, ...], AsTuple] = Field(default=())
    fire: Annotated[tuple[FireAct, ...], AsTuple] = Field(default=())


def shipped_scenarios() -> tuple[str, ...]:
    """Names of the scenarios that come with Gengfu."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.yaml")))


def load_scenario(name: str | Path) -> Scenario:
    """A shipped scenario by its name, or one from a YAML file; raises ScenarioError."""
    path = name if isinstance(name, Path) else _SHIPPED / f"{name}.yaml"
    if not isinstance(name, Path) and name not in shipped_scenarios():
        if not name.endswith((".yaml", ".yml")):
            near = difflib.get_close_matches(name, shipped_scenarios(), n=1)
            hint = (
                f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(shipped_scenarios())}, or a .yaml file"
            )
            raise ScenarioError(f"There is no scenario {name!r}", hint=hint)
        path = Path(name)
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ScenarioError(f"Cannot read the scenario {path}: {error.strerror}", hint="Check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(
            f"The scenario {path} is not YAML: {error}", hint="Write it like the shipped ones"
        ) from error
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in problem['loc']) or 'scenario'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ]
        raise ScenarioError(
            f"The scenario {path} is wrong: {'; '.join(lines)}", hint="Write it like the shipped ones"
        ) from error
