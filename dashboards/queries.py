"""What a panel asks: InfluxQL of the readings, or SQL of the views; and the only data sources there are."""

# ruff: noqa: S608 - the texts put together here are constants of ours

from dataclasses import dataclass
from textwrap import dedent
from typing import Literal, NamedTuple


class Source(NamedTuple):
    """A Grafana data source, by its fixed uid."""

    type: str
    uid: str


READINGS = Source("influxdb", "gengfu-readings")
"""Raw readings."""
MINUTES = Source("influxdb", "gengfu-minutes")
HOURS = Source("influxdb", "gengfu-hours")
STATE = Source("grafana-postgresql-datasource", "gengfu-state")
"""The views of the state database."""
MIXED = Source("datasource", "-- Mixed --")
"""Grafana's own: each query says its source itself."""
GRAFANA = Source("grafana", "-- Grafana --")
"""Grafana's own: annotations."""
SOURCES = frozenset({READINGS, MINUTES, HOURS, STATE})

Format = Literal["table", "time_series"]


@dataclass(frozen=True, slots=True)
class Query:
    """One question; `text` may hold Grafana's macros and variables."""

    source: Source
    text: str
    format: Format
    alias: str = ""
    """Names the series of an InfluxQL answer."""

    def model(self, ref: str) -> dict[str, object]:
        """As a target of a panel."""
        source = {"type": self.source.type, "uid": self.source.uid}
        if self.source.type == "influxdb":
            alias = {"alias": self.alias} if self.alias else {}
            text = {"query": self.text, "rawQuery": True, "resultFormat": self.format}
            return {"refId": ref, "datasource": source, **text, **alias}
        return {
            "refId": ref,
            "datasource": source,
            "rawQuery": True,
            "editorMode": "code",
            "format": self.format,
            "rawSql": self.text,
        }


def table(sql: str) -> Query:
    """Rows of the views, as they are."""
    return Query(STATE, dedent(sql).strip(), "table")


def over_time(sql: str) -> Query:
    """Rows of the views with a column `time`; a text column `metric` makes a series of each of its values."""
    return Query(STATE, dedent(sql).strip(), "time_series")


def readings(influxql: str, alias: str = "", source: Source = READINGS, format: Format = "time_series") -> Query:
    """Readings, or their minutes or hours."""
    return Query(source, " ".join(influxql.split()), format, alias)


_RAW = 'mean("value") AS "平均", min("value") AS "最低", max("value") AS "最高"'
_ROLLED = 'sum("total") / sum("count") AS "平均", min("low") AS "最低", max("high") AS "最高"'
OF_POINT = """"site" = '$site' AND "point" = '${point:raw}'"""
"""`raw`: Grafana would quote a choice of several by itself."""
RAW_SHOWN = "$__interval_ms < 60000"
MINUTES_SHOWN = "$__interval_ms >= 60000 AND $__interval_ms < 3600000"
HOURS_SHOWN = "$__interval_ms >= 3600000"
GOOD = '"quality" < 2'
"""Bad readings count nowhere."""


def of_point() -> tuple[Query, ...]:
    """Mean, lowest and highest over time, from raw readings, minutes or hours: what is as fine as the picture.

    Grafana fills in its interval, so the server sees a condition that always holds for one of the three and never for
    the others, and answers them with nothing. Steps without a reading have no value, so that a silence shows.
    """
    shape = 'SELECT {what} FROM "reading" WHERE {where} AND $timeFilter AND {when} '
    shape += "GROUP BY time($__interval) fill(null)"
    pieces = (
        (READINGS, _RAW, f"{OF_POINT} AND {GOOD}", RAW_SHOWN),
        (MINUTES, _ROLLED, OF_POINT, MINUTES_SHOWN),
        (HOURS, _ROLLED, OF_POINT, HOURS_SHOWN),
    )
    return tuple(
        readings(shape.format(what=what, where=where, when=when), "$col", source)
        for source, what, where, when in pieces
    )


def last_of_point(variable: str = "point") -> tuple[Query, ...]:
    """The last value of each step, from the same three, for what is on or off."""
    where_it_is = OF_POINT.replace("{point:", f"{{{variable}:")
    shape = 'SELECT last("{field}") AS "{name}" FROM "reading" WHERE {where} AND $timeFilter AND {when} '
    shape += "GROUP BY time($__interval) fill(null)"
    pieces = ((READINGS, "value", RAW_SHOWN), (MINUTES, "last", MINUTES_SHOWN), (HOURS, "last", HOURS_SHOWN))
    return tuple(
        readings(shape.format(field=field, name="状态", where=where_it_is, when=when), "$col", source)
        for source, field, when in pieces
    )


def told_apart(identity: str = "id") -> str:
    """`name`, with the id behind it where others have the same: Grafana makes one series of one name."""
    over = "OVER (PARTITION BY name)"
    return f"name || CASE WHEN min({identity}) {over} < max({identity}) {over} THEN ' ' || {identity} ELSE '' END"


ZONE = "(SELECT timezone FROM grafana.site WHERE site = '$site')"
"""Where days of the site begin."""
DAY = """(SELECT date_trunc('day', now() AT TIME ZONE timezone) AT TIME ZONE timezone
 FROM grafana.site WHERE site = '$site')"""
"""Where today began at the site."""
MONTH = DAY.replace("'day'", "'month'")
AREAS = "coalesce(nullif(area, ''), '-') IN (${area:sqlstring})"
"""Filter by the variable AREA, also of what has no area."""
HERE = f"site = '$site' AND {AREAS}"

_SHOWN = """site = '$site' AND starts_at > $__timeFrom()::timestamptz - interval '1 day'
        AND starts_at < $__timeTo()::timestamptz AND ends_at > $__timeFrom()::timestamptz"""
ROUNDS_OVER_TIME = over_time(f"""
    SELECT greatest(starts_at, $__timeFrom()::timestamptz) AS time, name AS metric, level AS value
    FROM grafana.round WHERE {_SHOWN}
    UNION ALL
    SELECT ends_at, name, -1 FROM grafana.round AS ended
    WHERE {_SHOWN} AND NOT EXISTS (
        SELECT FROM grafana.round AS next
        WHERE next.site = ended.site AND next.name = ended.name
            AND next.starts_at <= ended.ends_at AND next.ends_at > ended.ends_at
            AND next.starts_at > $__timeFrom()::timestamptz - interval '1 day'
    )
    ORDER BY time, value
    """)
"""A series per route; -1 where a round ends and no other begins. What began a day before the range is not seen."""


def fire_over_time(scope: str, where: str) -> Query:
    """What panels or zones said: a series for each."""
    return over_time(f"""
        SELECT greatest(at, $__timeFrom()::timestamptz) AS time, {told_apart()} AS metric, level AS value
        FROM grafana.fire_state
        WHERE scope = '{scope}' AND {where}
            AND until_at > $__timeFrom()::timestamptz AND at < $__timeTo()::timestamptz
        ORDER BY 1
    """)


SHOWN_VALUE = (
    """coalesce(round(value::numeric, decimals)::text || CASE unit WHEN '1' THEN '' ELSE ' ' || unit END, '–')"""
)
"""A row of grafana.point as text: its newest value with its unit."""
SHOWN_BAND = """CASE WHEN low IS NULL AND high IS NULL THEN '–'
 ELSE coalesce(round(low::numeric, decimals)::text, '') || ' … ' || coalesce(round(high::numeric, decimals)::text, '')
 END"""
