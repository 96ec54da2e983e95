"""Grafana's macros and variables replaced, so that a panel's question can be asked without Grafana."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Value = str | Sequence[str]
"""Of a variable: one value, or several."""


class UnknownVariable(ValueError):
    """A text uses a variable that nobody has defined."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a board looks at."""

    start: datetime
    end: datetime
    interval: timedelta
    """The step Grafana would choose for the width of the panel."""


_SPAN = re.compile(r"^(\d+)(ms|s|m|h|d|w)$")
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]|\$(\w+)")
_SQL_MACRO = re.compile(r"\$__(\w+)\(([^)]*)\)")
"""Grafana ends a macro at the first bracket, too: an argument cannot be a call."""


def sql(text: str, moment: Moment, variables: Mapping[str, Value]) -> str:
    """PostgreSQL as Grafana would send it."""
    return _SQL_MACRO.sub(lambda found: _sql_macro(found[1], found[2], moment), _fill(text, moment, variables, "sql"))


def influxql(text: str, moment: Moment, variables: Mapping[str, Value]) -> str:
    """InfluxQL as Grafana would send it."""
    start, end = (round(at.timestamp() * 1000) for at in (moment.start, moment.end))
    text = text.replace("$timeFilter", f"time >= {start}ms and time <= {end}ms")
    return _fill(text, moment, variables, "influxql")


def variables_only(text: str, values: Mapping[str, Value]) -> str:
    """Variables replaced as a browser does it; what is left is for the data source's own part of Grafana."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3] or found[4]
        if name.startswith("__") or name == "timeFilter":
            return found[0]
        if name not in values:
            raise UnknownVariable(f"variable {name!r} in {text!r} is not defined")
        return written(values[name], found[2] or "")

    return _VARIABLE.sub(value, text)


def _fill(text: str, moment: Moment, variables: Mapping[str, Value], language: str) -> str:
    interval_ms = round(moment.interval / timedelta(milliseconds=1))
    own = {"__interval_ms": str(interval_ms), "__interval": span(moment.interval)}

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3] or found[4]
        if name in own:
            return own[name]
        if name.startswith("__") and language == "sql":
            return found[0]  # a macro, replaced after the variables
        if name not in variables:
            raise UnknownVariable(f"variable {name!r} in {text!r} is not defined")
        chosen = variables[name]
        # Of a choice of several, Grafana quotes even a single one for SQL.
        return written(chosen, found[2] or ("sqlstring" if language == "sql" and not isinstance(chosen, str) else ""))

    return _VARIABLE.sub(value, text)


def written(value: Value, style: str) -> str:
    """A variable's value as `${name:style}` writes it."""
    several = [value] if isinstance(value, str) else list(value)
    if style in ("sqlstring", "singlequote"):
        return ",".join("'" + one.replace("'", "''") + "'" for one in several)
    if style == "doublequote":
        return ",".join('"' + one.replace('"', '\\"') + '"' for one in several)
    if style == "regex":
        escaped = [re.sub(r"([\\^$.|?*+()\[\]{}/])", r"\\\1", one) for one in several]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
    if style == "pipe":
        return "|".join(several)
    if style in ("", "glob"):
        return several[0] if len(several) == 1 else "{" + ",".join(several) + "}"
    if style in ("csv", "raw", "text", "queryparam", "percentencode"):
        return ",".join(several)
    raise UnknownVariable(f"the style {style!r} of a variable is not known")


def span(step: timedelta) -> str:
    """A step as Grafana writes it: `15s`, `1m`, `6h`."""
    total_ms = round(step / timedelta(milliseconds=1))
    for unit in ("d", "h", "m", "s"):
        size = round(_UNITS_S[unit] * 1000)
        if total_ms % size == 0:
            return f"{total_ms // size}{unit}"
    return f"{total_ms}ms"


def seconds(text: str) -> float:
    """`15s`, `1m`, `6h` in seconds."""
    found = _SPAN.match(text.strip().strip("'"))
    if found is None:
        raise ValueError(f"{text!r} is no step")
    return int(found[1]) * _UNITS_S[found[2]]


def _sql_macro(name: str, inside: str, moment: Moment) -> str:
    start, end = (f"'{at.isoformat().replace('+00:00', 'Z')}'" for at in (moment.start, moment.end))
    arguments = [one.strip() for one in inside.split(",")] if inside.strip() else []
    match name:
        case "timeFrom":
            return start
        case "timeTo":
            return end
        case "timeFilter":
            return f"{arguments[0]} BETWEEN {start} AND {end}"
        case "time":
            return f'{arguments[0]} AS "time"'
        case "timeGroup" | "timeGroupAlias":
            step = seconds(arguments[1])
            group = f"floor(extract(epoch from {arguments[0]})/{step:g})*{step:g}"
            return f'{group} AS "time"' if name.endswith("Alias") else group
        case "unixEpochFrom":
            return str(int(moment.start.timestamp()))
        case "unixEpochTo":
            return str(int(moment.end.timestamp()))
        case "interval_ms" | "interval":
            return name
    raise UnknownVariable(f"the macro $__{name} is not known")
