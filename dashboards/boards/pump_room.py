"""Pump room: is the pressure where it belongs, how often was it not, and do the pumps start too often?"""
# ruff: noqa: S608 - the texts put together here are constants of ours

from dashboards.board import Board, Marks, Row
from dashboards.palette import ACCENT, CRITICAL, HIGH, NEUTRAL, OK, POINTS, QUIET, RUNNING, YES_NO
from dashboards.panels import Field, Lines, Link, Stat, StateTimeline, Table, steps
from dashboards.queries import (
    DAY,
    GOOD,
    MINUTES,
    MONTH,
    OF_POINT,
    SHOWN_BAND,
    SHOWN_VALUE,
    last_of_point,
    of_point,
    over_time,
    readings,
    table,
)
from dashboards.variables import SITE, Choice

ROOM = Choice(
    "area",
    "泵房",
    """
    SELECT area_path AS __text, area AS __value FROM grafana.area
    WHERE site = '$site' AND gone_at IS NULL
      AND area IN (SELECT area FROM grafana.point WHERE site = '$site' AND gone_at IS NULL AND interval_s IS NOT NULL)
    ORDER BY kind <> 'pump_room', position
    """,
)
POINT = Choice(
    "point",
    "测点",
    """
    SELECT name || CASE unit WHEN '1' THEN '' ELSE '（' || unit || '）' END AS __text, point AS __value
    FROM grafana.point
    WHERE site = '$site' AND area = '$area' AND gone_at IS NULL AND interval_s IS NOT NULL AND quantity <> 'run_state'
    ORDER BY position
    """,
    several=True,
)
PUMP = Choice(
    "pump",
    "泵",
    """
    SELECT name AS __text, point AS __value FROM grafana.point
    WHERE site = '$site' AND area = '$area' AND gone_at IS NULL AND quantity = 'run_state' ORDER BY position
    """,
    several=True,
)

SILENT_MS = 15 * 60_000
"""Longer without a reading shows as a gap."""

POINTS_NOW = table(f"""
    SELECT p.state AS "状态", p.name AS "测点", {SHOWN_VALUE} AS "当前值",
           coalesce(round(set_value::numeric, decimals)::text, '–') AS "设定值", {SHOWN_BAND} AS "允许范围",
           p.silence_s AS "数据年龄", coalesce(today.times, 0) AS "今日越限",
           coalesce(today.outside_s, 0) AS "今日越限时长", p.point
    FROM grafana.point AS p LEFT JOIN (
      SELECT point, count(*) AS times,
             sum(extract(epoch FROM coalesce(ended_at, now()) - greatest(started_at, {DAY}))) AS outside_s
      FROM grafana.excursion
      WHERE site = '$site' AND area = '$area' AND NOT suspended AND (ended_at IS NULL OR ended_at > {DAY})
      GROUP BY point
    ) AS today ON today.point = p.point
    WHERE p.site = '$site' AND p.area = '$area' AND p.gone_at IS NULL AND p.interval_s IS NOT NULL
      AND p.quantity <> 'run_state'
    ORDER BY CASE p.state WHEN 'outside' THEN 0 WHEN 'nodata' THEN 1 ELSE 2 END, p.position
    """)

STATES_NOW = table("""
    SELECT count(*) FILTER (WHERE state = 'outside') AS "越限", count(*) FILTER (WHERE state = 'nodata') AS "无数据",
           count(*) FILTER (WHERE state = 'normal') AS "正常"
    FROM grafana.point
    WHERE site = '$site' AND area = '$area' AND gone_at IS NULL AND interval_s IS NOT NULL AND quantity <> 'run_state'
    """)

BAND = over_time("""
    SELECT edge.at AS time, p.low AS "下限", p.high AS "上限", p.set_value AS "设定值"
    FROM grafana.point AS p
    CROSS JOIN (VALUES ($__timeFrom()::timestamptz), ($__timeTo()::timestamptz)) AS edge(at)
    WHERE p.site = '$site' AND p.point = ${point:sqlstring} ORDER BY 1
    """)

FIGURES = readings(
    f"""
    SELECT min("value") AS "最低", percentile("value", 5) AS "P05", percentile("value", 50) AS "P50",
           mean("value") AS "平均", percentile("value", 95) AS "P95", max("value") AS "最高"
    FROM "reading" WHERE {OF_POINT} AND {GOOD} AND $timeFilter
    """,
    "$col",
)

OUTSIDE = table(f"""
    SELECT count(*) FILTER (WHERE ends > day) AS "今日次数",
           coalesce(sum(extract(epoch FROM ends - greatest(started_at, day))) FILTER (WHERE ends > day), 0)
             AS "今日时长",
           count(*) AS "本月次数",
           coalesce(sum(extract(epoch FROM ends - greatest(started_at, month))), 0) AS "本月时长"
    FROM (
      SELECT started_at, coalesce(ended_at, now()) AS ends, {DAY} AS day, {MONTH} AS month
      FROM grafana.excursion
      WHERE site = '$site' AND area = '$area' AND point = ${{point:sqlstring}} AND NOT suspended
        AND (ended_at IS NULL OR ended_at > {MONTH})
    ) AS outside WHERE ends > month
    """)

EXCURSIONS = table("""
    SELECT started_at AS "开始", name AS "测点", rule AS "限值", minutes * 60 AS "时长", worst AS "极值",
           nullif(unit, '1') AS "单位", alerted AS "已报警", suspended AS "维护中", point
    FROM grafana.excursion
    WHERE site = '$site' AND area = '$area' AND point IN (${point:sqlstring})
      AND (ended_at IS NULL OR ended_at > $__timeFrom()::timestamptz) AND started_at < $__timeTo()::timestamptz
    ORDER BY started_at DESC LIMIT 200
    """)

EXCURSION_MARKS = table("""
    SELECT started_at AS time, coalesce(ended_at, now()) AS timeend,
           name || ' 越限' || coalesce('，极值 ' || round(worst::numeric, 3), '')
             || coalesce(' ' || nullif(unit, '1'), '') AS text, rule AS tags
    FROM grafana.excursion
    WHERE '${marks}' = 'database' AND site = '$site' AND area = '$area' AND NOT suspended
      AND (ended_at IS NULL OR ended_at > $__timeFrom()::timestamptz) AND started_at < $__timeTo()::timestamptz
    ORDER BY 1 DESC LIMIT 200
    """)

_OF_PUMP = OF_POINT.replace("{point:", "{pump:")
STARTS = readings(
    f"""
    SELECT sum("rise") AS "启动次数" FROM (
      SELECT non_negative_difference("value") AS "rise" FROM "reading" WHERE {_OF_PUMP} AND {GOOD} AND $timeFilter
    ) WHERE $timeFilter GROUP BY time(1h) fill(0)
    """,
    "$col",
)
SHARE = readings(
    f'SELECT sum("total") / sum("count") AS "运行占比" FROM "reading" WHERE {_OF_PUMP} AND $timeFilter', "$col", MINUTES
)

TO_CONSOLE = Link("控制台：测点", "${console}/points/${site}/${point}")
HIDDEN_POINT = Field("point", hidden=True)

NOW = Row(
    7,
    (
        Stat(
            title="现在",
            description="这个泵房有几个测点越限、没有数据、正常？没有数据不等于正常。",
            queries=(STATES_NOW,),
            width=4,
            unit="short",
            fill=True,
            names=True,
            fields=(
                Field("越限", steps=steps(QUIET, (1, CRITICAL))),
                Field("无数据", steps=steps(QUIET, (1, HIGH))),
                Field("正常", steps=steps(QUIET, (1, OK))),
            ),
            value_link=Link("打开值守台", "${console}/"),
        ),
        Table(
            title="测点",
            description="每个测点现在是多少、应该是多少、数据有多旧、今天越限几次多久？今天指项目当地的日历日，维护中的不算。",
            queries=(POINTS_NOW,),
            fields=(
                Field("状态", states=POINTS, cell="background", width=80),
                Field("测点", link=Link("打开测点", "${console}/points/${site}/${__data.fields.point}")),
                Field("数据年龄", unit="s", width=100),
                Field("今日越限", width=90, cell="colour", steps=steps(NEUTRAL, (1, HIGH))),
                Field("今日越限时长", unit="dtdhms", width=160),
                HIDDEN_POINT,
            ),
        ),
    ),
)

EACH_POINT = Row(
    9,
    (
        Lines(
            title="${point:text}",
            description="压力走势：平均值，阴影为该步内的最低到最高；绿色带为允许范围，灰色虚线为设定值。"
            "数据随时间范围自动取自原始读数、每分钟或每小时汇总；15 分钟以上没有读数时线断开。竖线为越限。",
            queries=(*of_point(), BAND),
            width=15,
            unit="none",
            legend=("min", "mean", "max"),
            bridge_ms=SILENT_MS,
            fields=(
                Field("平均", colour=ACCENT, line=2),
                Field("最低", colour=ACCENT, line=0),
                Field("最高", colour=ACCENT, line=0, fill_to="最低"),
                Field("下限", colour=OK, dashed=True),
                Field("上限", colour=OK, dashed=True, fill_to="下限"),
                Field("设定值", colour=NEUTRAL, dashed=True),
            ),
            links=(TO_CONSOLE,),
            value_link=TO_CONSOLE,
        ),
        Stat(
            title="所选时间内",
            description="所选时间里的最低、平均、最高和分位数（P05：5% 的读数低于它）。原始读数保留期之外没有数。",
            queries=(FIGURES,),
            width=5,
            unit="none",
            decimals=3,
            colour=ACCENT,
            names=True,
        ),
        Stat(
            title="越限次数与时长",
            description="今天和本月（项目当地时间）越限几次、一共多久？维护中的不算。",
            queries=(OUTSIDE,),
            width=4,
            unit="short",
            names=True,
            steps=steps(OK, (1, HIGH)),
            fields=(Field("今日时长", unit="dtdhms"), Field("本月时长", unit="dtdhms")),
        ),
    ),
    title="${point:text}",
    repeat="point",
)

EACH_PUMP = Row(
    5,
    (
        StateTimeline(
            title="运行状态",
            description="泵在什么时候运行、什么时候停止？空白处 15 分钟以上没有信号。",
            queries=last_of_point("pump"),
            width=12,
            states=RUNNING,
            bridge_ms=SILENT_MS,
            legend=False,
            no_value="没有泵的运行信号",
        ),
        Lines(
            title="每小时启动次数",
            description="泵每小时启动几次？稳压泵频繁启动说明管网泄漏或压力开关整定不当。由运行状态的上升沿计数。",
            queries=(STARTS,),
            width=9,
            unit="short",
            decimals=0,
            draw="bars",
            colour=ACCENT,
            interval="1h",
            low=0,
        ),
        Stat(
            title="运行占比",
            description="所选时间里泵有多大比例的时间在运行？",
            queries=(SHARE,),
            width=3,
            unit="percentunit",
            decimals=1,
            colour=ACCENT,
        ),
    ),
    title="泵：${pump:text}",
    repeat="pump",
)

HISTORY = Row(
    9,
    (
        Table(
            title="越限记录",
            description="所选时间里每一次越限，不论多短、是否报警：什么时候、多久、极值是多少？",
            queries=(EXCURSIONS,),
            fields=(
                Field("测点", link=Link("打开测点", "${console}/points/${site}/${__data.fields.point}")),
                Field("限值", link=Link("查看限值出处", "${console}/limits")),
                Field("时长", unit="dtdhms"),
                Field("已报警", states=YES_NO, cell="colour", width=80),
                Field("维护中", states=YES_NO, width=80),
                HIDDEN_POINT,
            ),
            no_value="所选时间内没有越限",
        ),
    ),
    title="越限",
)


def board() -> Board:
    """The board."""
    return Board(
        uid="gengfu-pump-room",
        title="泵房",
        description="压力在不在允许范围内、越限几次多久、泵启动得多不多？",
        variables=(SITE, ROOM, POINT, PUMP),
        links=(Link("控制台：测点", "${console}/points"), Link("控制台：限值", "${console}/limits")),
        marks=(
            Marks("越限", query=EXCURSION_MARKS, colour=CRITICAL),
            Marks("越限（推送）", tags=("${marks}", "excursion", "${site}", "${area}"), colour=CRITICAL),
            Marks("报警（推送）", tags=("${marks}", "alert", "${site}", "${area}"), colour=HIGH, shown=False),
        ),
        rows=(NOW, EACH_POINT, EACH_PUMP, HISTORY),
    )
