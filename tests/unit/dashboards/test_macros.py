"""Grafana's macros and variables replaced as Grafana does it."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.macros import Moment, UnknownVariable, influxql, seconds, span, sql, variables_only, written

MOMENT = Moment(
    datetime(2026, 11, 21, 2, 0, tzinfo=UTC), datetime(2026, 11, 21, 8, 0, tzinfo=UTC), timedelta(seconds=15)
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$__timeFilter(a.at)", "a.at BETWEEN '2026-11-21T02:00:00Z' AND '2026-11-21T08:00:00Z'"),
        ("$__timeFilter(coalesce(a, b))", "coalesce(a BETWEEN '2026-11-21T02:00:00Z' AND '2026-11-21T08:00:00Z')"),
        ("point = '$area' OR point = ${area:sqlstring}", "point = ''a','o''b'' OR point = 'a','o''b'"),
        ("at > $__timeFrom()::timestamptz", "at > '2026-11-21T02:00:00Z'::timestamptz"),
        ("$__timeGroupAlias(at, 1h)", 'floor(extract(epoch from at)/3600)*3600 AS "time"'),
        ("$__timeGroup(at,'5m')", "floor(extract(epoch from at)/300)*300"),
        ("$__timeGroup(at, $__interval)", "floor(extract(epoch from at)/15)*15"),
        ("site = '$site' AND area IN (${area:sqlstring})", "site = 'yunhe' AND area IN ('a','o''b')"),
        ("$__unixEpochFrom() [[site]] ${site}", f"{int(MOMENT.start.timestamp())} yunhe yunhe"),
    ],
)
def test_sql(text: str, wanted: str) -> None:
    assert sql(text, MOMENT, {"site": "yunhe", "area": ["a", "o'b"]}) == wanted


def test_influxql() -> None:
    text = 'WHERE "point" =~ /^${point:regex}$/ AND $timeFilter AND $__interval_ms < 60000 GROUP BY time($__interval)'
    start, end = (int(at.timestamp() * 1000) for at in (MOMENT.start, MOMENT.end))
    assert influxql(text, MOMENT, {"point": ["a.b", "c"]}) == (
        f'WHERE "point" =~ /^(a\\.b|c)$/ AND time >= {start}ms and time <= {end}ms AND 15000 < 60000 GROUP BY time(15s)'
    )


def test_what_nobody_defined_is_named() -> None:
    with pytest.raises(UnknownVariable, match="area"):
        sql("$area", MOMENT, {})
    with pytest.raises(UnknownVariable, match="style"):
        written("x", "sqlstrin")
    with pytest.raises(UnknownVariable, match="timeFilte"):
        sql("$__timeFilte(at)", MOMENT, {})


def test_a_browser_leaves_macros_to_the_server() -> None:
    text = "$__timeFilter(at) AND $timeFilter AND site = '$site' AND $__interval"
    assert variables_only(text, {"site": "s"}) == text.replace("$site", "s")


@pytest.mark.parametrize(
    ("style", "wanted"),
    [("", "{a,b}"), ("csv", "a,b"), ("pipe", "a|b"), ("doublequote", '"a","b"'), ("singlequote", "'a','b'")],
)
def test_several_values(style: str, wanted: str) -> None:
    assert written(["a", "b"], style) == wanted


def test_steps() -> None:
    assert [span(timedelta(seconds=one)) for one in (0.5, 15, 60, 3600, 86_400)] == ["500ms", "15s", "1m", "1h", "1d"]
    assert [seconds(text) for text in ("500ms", "15s", "'6h'")] == [0.5, 15, 21_600]
    with pytest.raises(ValueError, match="no step"):
        seconds("soon")
