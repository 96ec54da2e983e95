"""Devices: which one does not report, since when, and may its data and its clock be believed?"""
# ruff: noqa: S608 - the texts put together here are constants of ours

from dashboards.board import Board, Row
from dashboards.palette import ACCENT, CRITICAL, DEVICES, HEARD, HIGH, MEDIUM, NEUTRAL, OK, QUIET
from dashboards.panels import Field, Lines, Link, Stat, StateTimeline, Table, steps
from dashboards.queries import AREAS, MINUTES, over_time, readings, table, told_apart
from dashboards.variables import AREA, SITE

HERE = f"site = '$site' AND gone_at IS NULL AND {AREAS}"
CLOCK_LIMIT_S = 2

COUNTS = table(f"""
    SELECT count(*) FILTER (WHERE state = 'offline') AS "离线", count(*) FILTER (WHERE state = 'silent') AS "无数据",
           count(*) FILTER (WHERE state = 'never') AS "从未上报", count(*) FILTER (WHERE state = 'online') AS "在线"
    FROM grafana.device WHERE {HERE}
    """)
LOST = table(f"""
    SELECT coalesce(sum(missing_events), 0) AS "缺失事件", coalesce(sum(gaps), 0) AS "缺口"
    FROM grafana.device WHERE {HERE}
    """)
CLOCKS = table(f"""
    SELECT count(*) FILTER (WHERE abs(clock_ahead_s) > {CLOCK_LIMIT_S}) AS "时钟不准" FROM grafana.device WHERE {HERE}
    """)

ALL = table(f"""
    SELECT state AS "状态", name AS "设备", kind AS "类型", area_path AS "位置", last_at AS "最后上报",
           silence_s AS "已静默", heartbeat_s AS "应上报间隔", missing_events AS "缺失事件", gaps AS "缺口",
           newest_gap_at AS "最近缺口", clock_ahead_s AS "时钟超前", device AS "编号"
    FROM grafana.device WHERE {HERE}
    ORDER BY CASE state WHEN 'offline' THEN 0 WHEN 'silent' THEN 1 WHEN 'never' THEN 2 ELSE 3 END,
             silence_s DESC NULLS LAST
    """)

SILENCES = over_time(f"""
    WITH device AS (
      SELECT site, device, {told_apart("device")} AS name, heartbeat_s IS NOT NULL AND state <> 'never' AS is_heard
      FROM grafana.device WHERE {HERE}
    ), silence AS (
      SELECT DISTINCT d.name, a.last_active_at AS since, coalesce(a.cleared_at, a.closed_at, 'infinity') AS until
      FROM grafana.alert AS a
      LEFT JOIN grafana.point AS p ON p.site = a.site AND a.target = p.series
      JOIN device AS d ON d.site = a.site AND (d.device = p.device OR a.target = d.site || '/' || d.device)
      WHERE a.site = '$site' AND (a.rule LIKE 'DATA-STALE%' OR a.rule = 'DEV-SILENT')
    )
    SELECT $__timeFrom()::timestamptz AS time, name AS metric, 0 AS value FROM device WHERE is_heard
    UNION ALL
    SELECT greatest(since, $__timeFrom()::timestamptz + interval '1 millisecond'), name, 1 FROM silence
    WHERE until > $__timeFrom()::timestamptz AND since < $__timeTo()::timestamptz
    UNION ALL
    SELECT until, name, 0 FROM silence WHERE $__timeFilter(until)
    ORDER BY 1
    """)

STALE_POINTS = table(f"""
    SELECT p.name AS "测点", d.name AS "设备", p.last_at AS "最后读数", p.silence_s AS "已静默",
           p.stale_after_s AS "允许静默", p.point
    FROM grafana.point AS p LEFT JOIN grafana.device AS d ON d.site = p.site AND d.device = p.device
    WHERE p.site = '$site' AND p.gone_at IS NULL AND p.state = 'nodata' AND p.interval_s IS NOT NULL
      AND {AREAS.replace("area,", "p.area,")}
    ORDER BY p.silence_s DESC NULLS LAST LIMIT 100
    """)

ARRIVALS = readings(
    """SELECT mean("heard") AS "每分钟读数" FROM (
      SELECT sum("count") AS "heard" FROM "reading" WHERE "site" = '$site' AND $timeFilter GROUP BY time(1m) fill(0)
    ) WHERE $timeFilter GROUP BY time($__interval) fill(none)""",
    "$col",
    MINUTES,
)

DELAYS = readings(
    """SELECT percentile("delay_ms", 50) AS "中位数", percentile("delay_ms", 95) AS "P95", max("delay_ms") AS "最长"
    FROM "reading" WHERE "site" = '$site' AND $timeFilter GROUP BY time($__interval) fill(none)""",
    "$col",
)

NOW = Row(
    4,
    (
        Stat(
            title="设备",
            description="现在有几台设备自报离线、超过三个心跳没有上报、从来没有上报？",
            queries=(COUNTS,),
            width=11,
            unit="short",
            fill=True,
            names=True,
            fields=(
                Field("离线", steps=steps(QUIET, (1, CRITICAL))),
                Field("无数据", steps=steps(QUIET, (1, HIGH))),
                Field("从未上报", steps=steps(QUIET, (1, NEUTRAL))),
                Field("在线", steps=steps(QUIET, (1, OK))),
            ),
            value_link=Link("打开值守台", "${console}/"),
        ),
        Stat(
            title="丢失的事件",
            description="设备的计数器里有多少号没有到、分成几段？不为零说明设备或网络丢了数据。",
            queries=(LOST,),
            width=8,
            unit="short",
            fill=True,
            names=True,
            steps=steps(QUIET, (1, HIGH)),
        ),
        Stat(
            title="时钟",
            description=f"有几台设备的时钟偏差超过 {CLOCK_LIMIT_S} 秒？",
            queries=(CLOCKS,),
            unit="short",
            fill=True,
            names=True,
            steps=steps(QUIET, (1, MEDIUM)),
        ),
    ),
)

LIST = Row(
    10,
    (
        Table(
            title="全部设备",
            description="每台设备最后什么时候上报、缺了多少、时钟差多少？有问题的在前。",
            queries=(ALL,),
            fields=(
                Field("状态", states=DEVICES, cell="background", width=90),
                Field("最后上报", unit="dateTimeFromNow", width=120),
                Field("已静默", unit="s", width=90),
                Field("应上报间隔", unit="s", width=100),
                Field("缺失事件", width=90, cell="colour", steps=steps(NEUTRAL, (1, HIGH))),
                Field("缺口", width=70),
                Field("最近缺口", unit="dateTimeFromNow", width=120),
                Field("时钟超前", unit="s", width=90, cell="colour", steps=steps(NEUTRAL, (CLOCK_LIMIT_S, MEDIUM))),
                Field("编号", width=150),
            ),
            links=(Link("控制台：隔离区", "${console}/quarantine"),),
        ),
    ),
)

COURSE = Row(
    9,
    (
        StateTimeline(
            title="什么时候没有数据",
            description="每台有心跳的设备在所选时间里什么时候断过、断了多久？由无数据报警得出。",
            queries=(SILENCES,),
            width=14,
            states=HEARD,
            legend=False,
        ),
        Table(
            title="没有数据的测点",
            description="哪些测点现在没有数据、最后一个读数是什么时候？",
            queries=(STALE_POINTS,),
            width=10,
            fields=(
                Field("测点", link=Link("打开测点", "${console}/points/${site}/${__data.fields.point}")),
                Field("最后读数", unit="dateTimeFromNow", width=110),
                Field("已静默", unit="s", width=80),
                Field("允许静默", unit="s", width=80),
                Field("point", hidden=True),
            ),
            no_value="所有测点都有数据",
        ),
    ),
)

FLOW = Row(
    8,
    (
        Lines(
            title="每分钟读数",
            description="读数的流量有没有断、有没有突变？",
            queries=(ARRIVALS,),
            unit="short",
            colour=ACCENT,
            interval="1m",
            low=0,
        ),
        Lines(
            title="读数的到达延迟",
            description="读数从测量到到达用了多久？负数说明设备的时钟超前，成小时的延迟是断网后的补传。",
            queries=(DELAYS,),
            unit="ms",
            fields=(Field("中位数", colour=OK), Field("P95", colour=MEDIUM), Field("最长", colour=HIGH)),
            interval="1m",
        ),
    ),
    title="数据流",
)


def board() -> Board:
    """The board."""
    return Board(
        uid="gengfu-devices",
        title="设备",
        description="哪些设备没有上报、从什么时候开始、数据缺了多少、时钟准不准？",
        variables=(SITE, AREA),
        links=(Link("控制台：测点", "${console}/points"), Link("控制台：隔离区", "${console}/quarantine")),
        rows=(NOW, LIST, COURSE, FLOW),
        since="now-24h",
    )
