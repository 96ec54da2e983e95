"""What a point of the site files reads when nothing is wrong, and how far it may go before a limit minds."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.contract.times import from_ms
from gateway.simulator.noise import key_of
from gateway.simulator.signals import Baseline, counter, cycle, daily, noisy, on_off, steady, warm_day
from gateway.site.limit import Limit
from gateway.site.model import Point, SiteConfig

_CALM_SHARE = 0.3
"""A calm point uses at most this share of the way to its nearest limit."""
_SHAPE_SHARE = 0.6
"""Of that, this much is the shape of the day; the rest is noise."""

_USUAL: dict[str, tuple[float, float]] = {
    "pressure": (0.4, 0.1),
    "level": (2.0, 0.5),
    "flow": (8.0, 4.0),
    "temperature": (22.0, 8.0),
    "humidity": (55.0, 20.0),
    "insulation": (20.0, 5.0),
    "friction": (0.62, 0.05),
    "coverage": (99.0, 0.9),
    "blind_area": (2.0, 1.5),
    "online": (1.0, 0.0),
    "run_state": (0.0, 0.0),
    "voltage": (220.0, 15.0),
    "current": (12.0, 4.0),
    "power": (7.5, 3.0),
    "energy": (4.0, 0.0),
    "frequency": (50.0, 0.3),
    "starts_per_hour": (3.0, 1.0),
    "pressure_decay": (0.01, 0.005),
    "pump_fault": (0.0, 0.0),
    "leak_suspicion": (0.0, 0.0),
    "contact": (0.0, 0.0),
    "leak": (0.0, 0.0),
    "power_factor": (0.93, 0.03),
    "other": (1.0, 0.2),
}
"""Centre and room to either side where the site files say nothing, in the first unit below."""
_AS_USUAL = frozenset({"voltage", "current", "power", "power_factor", "temperature", "humidity", "frequency"})
"""Of these the valid range says what the sensor can measure, and nothing about what is usual."""
_PER_UNIT = {"kPa": 1_000.0, "bar": 10.0, "mm": 1_000.0, "mA": 1_000.0, "Ω": 1e6, "m³/h": 3.6}
"""How many of this unit make one of the unit of `_USUAL`."""
_METER_SINCE_MS = 1_735_689_600_000
"""2025-01-01: counters have been counting since then."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where a point rests and how far it may go, in its unit."""

    centre: float
    calm: float
    """Distance from the centre to the nearest limit of any kind, warnings included."""
    limit: float
    """Distance to the documented limit: 1.0 of a fault's relative size."""


def room_of(point: Point, limits: tuple[Limit, ...]) -> Room:
    """Centre and distances of a point, from its set value, its limits and its valid range, in that order."""
    usual_centre, usual_half = (value * _PER_UNIT.get(point.unit, 1.0) for value in _USUAL[point.quantity])
    low, high = _band([one for one in limits if not one.variant], point, usual_half)
    if point.set_value is not None:
        centre = point.set_value
    elif point.quantity in _AS_USUAL and _between(low, usual_centre - usual_half, usual_centre + usual_half, high):
        return Room(usual_centre, usual_half, usual_half)
    elif low is not None and high is not None:
        centre = (low + high) / 2.0
    elif low is not None:
        centre = max(usual_centre, low + usual_half)
    elif high is not None:
        centre = min(usual_centre, high - usual_half)
    else:
        centre = usual_centre
    narrow_low, narrow_high = _band(list(limits), point, usual_half)
    calm = min(usual_half, _distance(centre, narrow_low, narrow_high, usual_half))
    return Room(centre, calm, _distance(centre, low, high, usual_half))


def _between(low: float | None, bottom: float, top: float, high: float | None) -> bool:
    return (low is None or low <= bottom) and (high is None or top <= high)


def _band(limits: list[Limit], point: Point, usual_half: float) -> tuple[float | None, float | None]:
    lows = [one.threshold for one in limits if one.kind == "low" and one.threshold is not None]
    highs = [one.threshold for one in limits if one.kind == "high" and one.threshold is not None]
    for one in limits:
        set_value = one.set_value if one.set_value is not None else point.set_value
        if one.kind == "deviation" and one.threshold is not None and set_value is not None:
            lows.append(set_value - one.threshold)
            highs.append(set_value + one.threshold)
    if lows or highs:
        return max(lows, default=None), min(highs, default=None)
    if point.set_value is not None:
        return point.set_value - usual_half, point.set_value + usual_half
    return point.valid_min, point.valid_max


def _distance(centre: float, low: float | None, high: float | None, usual: float) -> float:
    near = [abs(edge - centre) for edge in (low, high) if edge is not None]
    return min(near) if near else usual


def baseline_of(config: SiteConfig, point: Point, seed: int) -> Baseline:
    """The undisturbed signal of a point; the same for every scenario of a seed."""
    key = key_of(seed, config.site.id, point.id)
    kind = config.equipment_by_id[point.equipment].kind if point.equipment is not None else "other"
    room = room_of(point, config.limits_of(point.id))
    sway = room.calm * _CALM_SHARE
    shape, noise = sway * _SHAPE_SHARE, sway * (1.0 - _SHAPE_SHARE)
    offset_ms = _offset_ms(config.site.timezone)
    match point.quantity:
        case "run_state" if kind == "fire_pump":
            return steady(0.0)
        case "run_state":
            return on_off(key, 0.02 if kind == "jockey_pump" else 0.6, 1_800_000)
        case "online":
            return steady(1.0)
        case "contact" | "leak" | "pump_fault" | "leak_suspicion":
            return steady(0.0)
        case "energy":
            return counter(room.centre, _METER_SINCE_MS)
        case "pressure" if kind in ("fire_main", "fire_pump", "jockey_pump"):
            return noisy(cycle(room.centre, shape, 1_080_000, key % 1_080_000), key, noise)
        case "pressure":
            return noisy(daily(room.centre, shape, offset_ms), key, noise)
        case "level":
            return noisy(cycle(room.centre, shape, 7_200_000, key % 7_200_000, rising=0.3), key, noise, 600_000)
        case "temperature" | "humidity" | "flow" | "power" | "current":
            return noisy(warm_day(room.centre, shape, offset_ms), key, noise, 300_000)
        case _:
            return noisy(steady(room.centre), key, noise)


def _offset_ms(timezone: str) -> int:
    """Distance of local time from UTC; one value for the whole run, which is exact where clocks do not change."""
    offset = from_ms(_METER_SINCE_MS).astimezone(ZoneInfo(timezone)).utcoffset()
    return int(offset.total_seconds() * 1_000) if offset is not None else 0
