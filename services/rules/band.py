"""A limit turned into numbers to compare with: the inside, the way back, and where it gets severe."""

import math
from dataclasses import dataclass

from gateway.site.limit import Limit

INF = math.inf


@dataclass(frozen=True, slots=True)
class Band:
    """Closed intervals in compared units (integers of the resolution when the limit has one)."""

    low: float
    high: float
    """Inside means low <= x <= high: a value exactly at the threshold is inside."""
    return_low: float
    return_high: float
    """A breach only starts to end inside this."""
    severe_low: float
    severe_high: float
    """Outside this the breach is severe."""
    scale: float
    """Compared value = round(value * scale); 0: the value itself."""

    def compared(self, value: float) -> float:
        """The value as it is compared."""
        return float(round(value * self.scale)) if self.scale else value

    def outside(self, x: float) -> bool:
        """Whether a compared value breaks the limit."""
        return not self.low <= x <= self.high

    def returned(self, x: float) -> bool:
        """Whether a compared value is far enough inside to end a breach."""
        return self.return_low <= x <= self.return_high

    def severe(self, x: float) -> bool:
        """Whether a compared value is beyond the severe threshold."""
        return not self.severe_low <= x <= self.severe_high

    def beyond(self, x: float) -> float:
        """How far outside, 0 inside; for finding the worst value of an excursion."""
        return max(self.low - x, x - self.high, 0.0)


def band_of(limit: Limit, set_value: float | None = None) -> Band | None:
    """The band of a limit; None when it cannot be judged yet (a deviation without set value) or has no band."""
    scale = 0.0 if not limit.resolution else round(1 / limit.resolution)

    def scaled(value: float) -> float:
        return float(round(value * scale)) if scale else value

    if limit.kind == "range":
        low = scaled(limit.valid_min) if limit.valid_min is not None else -INF
        high = scaled(limit.valid_max) if limit.valid_max is not None else INF
        return Band(low, high, low, high, -INF, INF, scale)
    if limit.kind not in ("high", "low", "deviation") or limit.threshold is None:
        return None
    threshold = scaled(limit.threshold)
    back = scaled(limit.return_threshold) if limit.return_threshold is not None else threshold
    severe = scaled(limit.severe_threshold) if limit.severe_threshold is not None else None
    if limit.kind == "high":
        return Band(-INF, threshold, -INF, back, -INF, INF if severe is None else severe, scale)
    if limit.kind == "low":
        return Band(threshold, INF, back, INF, -INF if severe is None else severe, INF, scale)
    centre_value = limit.set_value if limit.set_value is not None else set_value
    if centre_value is None:
        return None
    centre = scaled(centre_value)
    wide = INF if severe is None else severe
    return Band(
        centre - threshold, centre + threshold, centre - back, centre + back, centre - wide, centre + wide, scale
    )
