"""A documented limit as it holds for one point. Data only: services.rules judges it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["high", "low", "deviation", "stale", "range", "stuck", "rate", "twin", "loop"]
"""The last four are about the sensor: it does not move, it jumps, it disagrees with its twin, its loop is broken."""
Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
"""From least to most severe."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """The limit is suspended while `point` (global key) reads more than `above`."""

    point: str
    above: float


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit on one point. A value exactly at a threshold is inside the limit."""

    id: str
    """Requirement id, e.g. `NUM-01`; `DATA-STALE`, `DATA-RANGE` and other `DATA-` ids are ours."""
    variant: str
    """Empty for the documented limit itself, else a name such as `warning` or `stale`."""
    kind: Kind
    point: str
    """Global key `{site}/{point}`."""
    site: str
    title: str
    title_en: str
    source: str
    """`《document》section` the limit comes from."""
    unit: str
    threshold: float | None
    """high, low: the value; deviation: the distance from `set_value`; rate: `unit` per second; twin: the distance.

    None for all others."""
    return_threshold: float | None
    """A raised limit clears only at or inside this; never on the wrong side of `threshold`."""
    severe_threshold: float | None
    """Beyond this the severity is `severe_severity`."""
    resolution: float | None
    """Compare whole numbers of this step (0.001 MPa = kPa); None: compare floats."""
    set_value: float | None
    """Deviation only; None: the provisional median stands in."""
    on_delay_ms: int
    off_delay_ms: int
    min_count: int
    """So many excursions within `window_ms` breach the limit, even when each is short; 1: off."""
    window_ms: int
    median_of: int
    """Judge the median of so many samples; 1: every sample as it is."""
    hold_last: bool
    """The last value stands until the next one (typed-in values); silence means nothing."""
    stale_after_ms: int
    """Silence longer than this is no data; 0: never."""
    valid_min: float | None
    valid_max: float | None
    severity: Severity
    severe_severity: Severity
    latching: bool
    """Stays raised until a person resets it."""
    suspend_while: tuple[Suspend, ...]
    loosened_reason: str | None
    """Why, and by whose approval, this site's limit is looser than the documented one."""
    policy: str
    """Policy id."""
    twin: str = ""
    """twin only: global key of the point that measures the same."""

    @property
    def rule(self) -> str:
        """`id` or `id/variant`: names the rule among those of one point."""
        return f"{self.id}/{self.variant}" if self.variant else self.id
