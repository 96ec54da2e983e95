"""Line protocol and InfluxQL as text: what a row, a rollup and a mark look like, and how names are quoted. Pure."""
# ruff: noqa: S608 - every name and string in a query is quoted here

import gzip
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.timeseries.refusal import INT64, refusal, unfit
from gateway.timeseries.schema import MINUTE_MS, Marks
from gateway.timeseries.store import Row

MEASUREMENT, MARK = "reading", "mark"
NS_PER_MS = 1_000_000
LAST_MS = 9_223_372_036_852
"""The last whole millisecond that InfluxDB can tell in nanoseconds: 11 April 2262."""
END_MS = LAST_MS + 1
GREATEST = 1e300
"""Greater values are refused: a sum of a few would be infinite, which no answer of InfluxDB can hold."""
TIES = 999_983
"""A prime below the nanoseconds of a millisecond: readings of one millisecond are told apart by tie modulo this."""
LINES_AT_ONCE = 5_000
LEVELS = ("raw", "1m", "1h")
_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_PLAIN = re.compile(r"[^\x00-\x20\x7f\\/][^\x00-\x1f\x7f\\/]{0,254}")
_SITE = re.compile(rb",site=((?:[^ \\]|\\.)*) ")
_MARK_FIELDS = ("minutes_done", "hours_done", "raw_from", "minutes_from", "hours_from")


class Source(NamedTuple):
    """A series as lines name it."""

    prefix: str
    """Measurement and tags, up to the fields."""
    site: str


class Rolled(NamedTuple):
    """One minute or hour of a point."""

    point: str
    at_ms: int
    rows: int
    total: float
    low: float
    high: float
    last: float


def source(series: str) -> Source | None:
    """The tags of a series `site/point`; None for a name that InfluxDB cannot keep."""
    site, slash, point = series.partition("/")
    if not slash or _PLAIN.fullmatch(site) is None or _PLAIN.fullmatch(point) is None:
        return None
    return Source(prefix(MEASUREMENT, site, point), site)


def prefix(measurement: str, site: str, point: str) -> str:
    """Measurement and the fixed tag set, sorted by key, with the space before the fields."""
    return f"{measurement},point={point.translate(_ESCAPES)},site={site.translate(_ESCAPES)} "


def render(rows: Sequence[Row], sources: dict[str, Source]) -> list[str]:
    """A line per row; sources met for the first time are added. Raises RowRefused, naming the first bad row."""
    lines = []
    for series, at_ms, tie, value, quality, received_ms in rows:
        known = sources.get(series)
        delay_ms = received_ms - at_ms
        if (
            not -GREATEST <= value <= GREATEST
            or not 0 <= at_ms <= LAST_MS
            or quality not in (0, 1, 2)
            or not -INT64 <= min(tie, delay_ms) <= max(tie, delay_ms) < INT64
        ):
            raise refusal(rows, "InfluxDB", why_not)
        if known is None:
            known = source(series)
            if known is None:
                raise refusal(rows, "InfluxDB", why_not)
            sources[series] = known
        lines.append(
            f"{known.prefix}value={float(value)!r},quality={quality},delay_ms={delay_ms},tie={tie}"
            f" {at_ms * NS_PER_MS + tie % TIES}"
        )
    return lines


def why_not(row: Row) -> str:
    """Why InfluxDB cannot keep this row; empty when it can."""
    series, at_ms, _, value, _, _ = row
    reason = unfit(row)
    if reason:
        return reason
    if at_ms > LAST_MS:
        return f"time {at_ms} ms is after April 2262, where the nanoseconds of InfluxDB end"
    if abs(value) > GREATEST:
        return f"value {value} is beyond {GREATEST:g}: InfluxDB could not add it up"
    if source(series) is None:
        return "the name is not site/point in plain characters"
    return ""


def rollup_line(site: str, one: Rolled) -> str:
    """A minute or hour as a line of its bucket."""
    return (
        f"{prefix(MEASUREMENT, site, one.point)}count={float(one.rows)!r},total={float(one.total)!r}"
        f",low={float(one.low)!r},high={float(one.high)!r},last={float(one.last)!r} {one.at_ms * NS_PER_MS}"
    )


def mark_line(site: str, marks: Marks, at_ms: int) -> str:
    """How far the rollups of a site have come, as a line of the hours' bucket."""
    fields = ",".join(f"{name}={getattr(marks, name)}" for name in _MARK_FIELDS)
    return f"{MARK},site={site.translate(_ESCAPES)} {fields} {at_ms * NS_PER_MS}"


def mark_query(site: str) -> str:
    """The newest mark of a site."""
    fields = ", ".join(identifier(name) for name in _MARK_FIELDS)
    return (
        f"SELECT {fields} FROM {identifier(MARK)} WHERE {identifier('site')} = {literal(site)}"
        f" AND {within(0, END_MS)} ORDER BY time DESC LIMIT 1"
    )


def marks_of(cells: Sequence[float | None]) -> Marks:
    """Marks from the fields of a mark, in the order of the query."""
    return Marks(**{name: int(cell or 0) for name, cell in zip(_MARK_FIELDS, cells, strict=True)})


def identifier(name: str) -> str:
    """A name as InfluxQL quotes it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text: str) -> str:
    """A string as InfluxQL quotes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def within(start_ms: int, end_ms: int) -> str:
    """Condition for [start, end); bounds beyond what InfluxDB can tell are brought in."""
    start, end = (min(max(at_ms, 0), END_MS) * NS_PER_MS for at_ms in (start_ms, end_ms))
    return f"time >= {start} AND time < {end}"


def compressed(lines: Sequence[bytes]) -> bytes:
    """A body of these lines: one gzip member, since not every server reads on behind the first."""
    return gzip.compress(b"\n".join(lines), 1, mtime=0)


def lines_of(body: bytes) -> list[bytes]:
    """The lines of a body."""
    return gzip.decompress(body).split(b"\n")


def minutes_of(lines: Iterable[bytes]) -> set[tuple[str, int]]:
    """The (site, minute) of each of these lines of raw readings."""
    found = set()
    for line in lines:
        site = _SITE.search(line)
        if site is not None:
            at_ms = int(line[line.rindex(b" ") :]) // NS_PER_MS
            found.add((site[1].replace(b"\\", b"").decode(), at_ms // MINUTE_MS * MINUTE_MS))
    return found
