"""Whether a raw value can be a value of its metric: one rule for payloads and registers. Pure, never raises."""

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from gateway.decode.said import Refused, Value, refuse, shown
from gateway.decode.units import line
from gateway.site.profile import Metric

Judge = Callable[[Any], Value | Refused]
MAX_MAGNITUDE: Final = 1e15
"""No device of ours measures more, whatever its profile leaves open."""
_MAX_JUDGES: Final = 4096
_judges: dict[int, tuple[Metric, Judge]] = {}
"""What `judge_of` gave for metrics met lately, which are kept so that their ids stay theirs."""


def plausible(metric: Metric, raw: Any) -> Value | Refused:
    """The value in the metric's unit, or why it is none."""
    known = _judges.get(id(metric))
    if known is None or known[0] is not metric:
        if len(_judges) >= _MAX_JUDGES:
            _judges.clear()
        known = _judges[id(metric)] = metric, judge_of(metric)
    return known[1](raw)


def judge_of(metric: Metric) -> Judge:
    """`plausible` for one metric, with everything looked up once.

    Numbers only: text is a word of `values` or refused, even when it looks like a number (a device that changes its
    firmware shows that way), unless the reader of the format parsed it before; true and false need `values` too.
    Order: type, finite, scale and offset, minimum and maximum, then `above`, or the loop, whose own signal is kept.
    """
    name, scale, offset, loop, above = metric.name, metric.scale, metric.offset, metric.loop, metric.above
    is_share = metric.status == "battery"
    low = (0.0 if is_share else -MAX_MAGNITUDE) if metric.minimum is None else metric.minimum
    high = (100.0 if is_share else MAX_MAGNITUDE) if metric.maximum is None else metric.maximum
    is_plain = scale == 1.0 and offset == 0.0
    words = {_word(key): number for key, number in metric.values.items()}

    def judged(raw: Any) -> Value | Refused:
        if words:
            number = words.get(_word(raw)) if isinstance(raw, str | bool | int | float) else None
            if number is None:
                return _unknown_word(metric, raw)
            return Value(name, number)
        kind = type(raw)
        if kind is int:
            try:
                raw = float(raw)
            except OverflowError:
                return refuse(name, "too_large", f"{name} is {shown(raw)}: no device measures that")
        elif kind is not float:
            return _no_number(name, raw)
        value = raw if is_plain else line(raw, scale, offset)
        if low <= value <= high:  # false for NaN
            if loop is not None and not loop.low <= value <= loop.high:
                return Value(name, value, "bad", "electrical")
            return Value(name, value if above is None else float(value > above))
        return _outside(metric, value if isfinite(raw) else raw, low, high)

    return judged


def _word(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < MAX_MAGNITUDE:
        return str(int(raw))
    if isinstance(raw, int) and raw.bit_length() > 64:
        return ""
    return str(raw).strip().casefold()


def _unknown_word(metric: Metric, raw: Any) -> Refused:
    if raw is None:
        return refuse(metric.name, "null", f"{metric.name} is null", "The device has no value: look at its sensor")
    known = ", ".join(metric.values)
    return refuse(metric.name, "unknown_word", f"{metric.name} is {shown(raw)}, which is none of {known}")


def _no_number(name: str, raw: Any) -> Refused:
    if raw is None:
        return refuse(name, "null", f"{name} is null", "The device has no value: look at its sensor")
    if isinstance(raw, str):
        try:
            float(raw)
        except ValueError:
            return refuse(name, "wrong_type", f"{name} is the text {shown(raw)}, not a number")
        return refuse(
            name,
            "text_number",
            f"{name} is the text {shown(raw)}, not a number",
            "A device that writes numbers as text needs `text_number: true` in its profile",
        )
    if isinstance(raw, bool):
        return refuse(
            name, "wrong_type", f"{name} is {shown(raw)}, not a number", "Give true and false their numbers in `values`"
        )
    return refuse(name, "wrong_type", f"{name} is {shown(raw)}, not a number")


def _outside(metric: Metric, value: float, low: float, high: float) -> Refused:
    if not isfinite(value):
        return refuse(metric.name, "not_finite", f"{metric.name} is {value}, not a number", "Look at its sensor")
    unit = "" if metric.unit == "1" else f" {metric.unit}"
    if abs(value) > MAX_MAGNITUDE:
        return refuse(metric.name, "too_large", f"{metric.name} is {value:g}{unit}: no device measures that", _WRONG)
    if value < low:
        return refuse(metric.name, "below_minimum", f"{metric.name} is {value:g}{unit}, below {low:g}{unit}", _WRONG)
    return refuse(metric.name, "above_maximum", f"{metric.name} is {value:g}{unit}, above {high:g}{unit}", _WRONG)


_WRONG: Final = "No device of this family can measure that: its sensor or its scale is wrong"
