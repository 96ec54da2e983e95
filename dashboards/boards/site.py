"""Site overview: what is wrong now, and did what was planned for today happen?"""

# ruff: noqa: S608 - the texts put together here are constants of ours
from dashboards.board import Board, Marks, Row
from dashboards.palette import (
    ACCENT,
    ALERTS,
    CRITICAL,
    DEVICES,
    FAULT,
    FIRE,
    FIRE_LEVELS,
    HIGH,
    LEVELS,
    LOW,
    MEDIUM,
    OK,
    POINTS,
    QUIET,
    ROUND_LEVELS,
    SHIELD,
    SUPERVISORY,
    YES_NO,
)
from dashboards.panels import Field, Lines, Link, Stat, StateTimeline, Table, steps
from dashboards.queries import DAY, ROUNDS_OVER_TIME, SHOWN_BAND, SHOWN_VALUE, Query, fire_over_time, over_time, table
from dashboards.variables import SITE

PUMP_ROOMS = "(SELECT area FROM grafana.area WHERE site = '$site' AND kind = 'pump_room')"

OPEN_BY_LEVEL = table("""
    SELECT count(*) FILTER (WHERE max_severity = 'critical') AS "紧急",
           count(*) FILTER (WHERE max_severity = 'high') AS "高",
           count(*) FILTER (WHERE max_severity = 'medium') AS "中",
           count(*) FILTER (WHERE max_severity = 'low') AS "低"
    FROM grafana.alert
    WHERE site = '$site' AND is_open AND state NOT IN ('shelved', 'suppressed', 'out_of_service')
    """)

FIRE_NOW = table("""
    SELECT count(*) FILTER (WHERE kind = 'fire') AS "火警", count(*) FILTER (WHERE kind = 'fault') AS "故障",
           count(*) FILTER (WHERE kind = 'shield') AS "屏蔽",
           count(*) FILTER (WHERE kind = 'supervisory') AS "监管"
    FROM grafana.fire_open WHERE site = '$site' AND NOT is_test
    """)

PUMPS_NOW = table(f"""
    SELECT count(*) FILTER (WHERE state = 'outside') AS "越限", count(*) FILTER (WHERE state = 'nodata') AS "无数据"
    FROM grafana.point
    WHERE site = '$site' AND gone_at IS NULL AND interval_s IS NOT NULL AND area IN {PUMP_ROOMS}
    """)

ROUNDS_TODAY = table(f"""
    SELECT count(*) FILTER (WHERE state = 'missed') AS "漏检",
           count(*) FILTER (WHERE state IN ('incomplete', 'unconfirmed')) AS "未完成",
           count(*) FILTER (WHERE state = 'complete') AS "完成",
           count(*) FILTER (WHERE state IN ('planned', 'open', 'running')) AS "待巡"
    FROM grafana.round
    WHERE site = '$site' AND starts_at >= {DAY} AND starts_at < {DAY} + interval '1 day'
    """)

ORDERS_NOW = table("""
    SELECT count(*) FILTER (WHERE is_overdue) AS "超时", count(*) AS "未完成"
    FROM grafana.work_order WHERE site = '$site' AND is_open
    """)

DEVICES_NOW = table("""
    SELECT count(*) FILTER (WHERE state = 'offline') AS "离线", count(*) FILTER (WHERE state = 'silent') AS "无数据"
    FROM grafana.device WHERE site = '$site' AND gone_at IS NULL
    """)

OPEN_ALERTS = table("""
    SELECT max_severity AS "级别", state AS "状态", title AS "报警", area_path AS "位置", age_s AS "已持续", id
    FROM grafana.alert
    WHERE site = '$site' AND is_open
    ORDER BY state IN ('shelved', 'suppressed', 'out_of_service'), level DESC, is_acked, opened_at DESC
    LIMIT 200
    """)

PUMP_ROOMS_NOW = table(f"""
    SELECT state AS "状态", name AS "测点",
           {SHOWN_VALUE} AS "当前值", {SHOWN_BAND} AS "允许范围",
           silence_s AS "数据年龄", area, point
    FROM grafana.point
    WHERE site = '$site' AND gone_at IS NULL AND interval_s IS NOT NULL AND quantity <> 'run_state'
      AND area IN {PUMP_ROOMS}
    ORDER BY CASE state WHEN 'outside' THEN 0 WHEN 'nodata' THEN 1 ELSE 2 END, position
    """)

DEVICES_AWAY = table("""
    SELECT state AS "状态", name AS "设备", area_path AS "位置", last_at AS "最后上报"
    FROM grafana.device
    WHERE site = '$site' AND gone_at IS NULL AND state IN ('offline', 'silent')
    ORDER BY CASE state WHEN 'offline' THEN 0 ELSE 1 END, last_at
    """)

ORDERS = table("""
    SELECT is_overdue AS "超时", number AS "工单", title AS "内容", state_zh AS "状态",
           coalesce(nullif(assignee_name, ''), '–') AS "处理人", age_s AS "已过", id
    FROM grafana.work_order WHERE site = '$site' AND is_open
    ORDER BY is_overdue DESC, level DESC, created_at LIMIT 100
    """)

ALERTS_PER_HOUR = over_time("""
    SELECT date_trunc('hour', opened_at) AS time,
           count(*) FILTER (WHERE max_severity = 'critical') AS "紧急",
           count(*) FILTER (WHERE max_severity = 'high') AS "高",
           count(*) FILTER (WHERE max_severity = 'medium') AS "中",
           count(*) FILTER (WHERE max_severity = 'low') AS "低"
    FROM grafana.alert WHERE site = '$site' AND $__timeFilter(opened_at) GROUP BY 1 ORDER BY 1
    """)

ALERT_MARKS = table("""
    SELECT opened_at AS time, coalesce(cleared_at, closed_at, opened_at) AS timeend, title AS text, max_severity AS tags
    FROM grafana.alert
    WHERE '${marks}' = 'database' AND site = '$site' AND level >= 3 AND $__timeFilter(opened_at)
    ORDER BY 1 DESC LIMIT 200
    """)


def _tile(
    title: str, description: str, queries: tuple[Query, ...], width: int, fields: tuple[Field, ...], value_link: Link
) -> Stat:
    """Counts to be seen across the room, each in its colour as soon as it is not zero."""
    return Stat(
        title=title,
        description=description,
        queries=queries,
        width=width,
        unit="short",
        fill=True,
        names=True,
        fields=fields,
        value_link=value_link,
    )


def _lit(name: str, colour: str) -> Field:
    """Grey while nothing is there, its colour from one on."""
    return Field(name, steps=steps(QUIET, (1, colour)))


NOW = Row(
    4,
    (
        _tile(
            title="未关闭报警",
            description="现在有多少报警没有关闭，按级别？已搁置、抑制和停用的不算。",
            queries=(OPEN_BY_LEVEL,),
            width=5,
            fields=(_lit("紧急", CRITICAL), _lit("高", HIGH), _lit("中", MEDIUM), _lit("低", LOW)),
            value_link=Link("打开值守台", "${console}/"),
        ),
        _tile(
            title="消防",
            description="现在哪些消防部件在报火警、故障、屏蔽或监管？测试模式下的不算。",
            queries=(FIRE_NOW,),
            width=5,
            fields=(_lit("火警", FIRE), _lit("故障", FAULT), _lit("屏蔽", SHIELD), _lit("监管", SUPERVISORY)),
            value_link=Link("打开消防页面", "${console}/fire"),
        ),
        _tile(
            title="泵房测点",
            description="现在有几个泵房测点越限，或者没有数据？没有数据不等于正常。",
            queries=(PUMPS_NOW,),
            width=3,
            fields=(_lit("越限", CRITICAL), _lit("无数据", HIGH)),
            value_link=Link("打开泵房看板", "/d/gengfu-pump-room?var-site=${site}"),
        ),
        _tile(
            title="今日巡更",
            description="今天的巡更有没有漏？今天指项目当地的日历日。",
            queries=(ROUNDS_TODAY,),
            width=5,
            fields=(_lit("漏检", CRITICAL), _lit("未完成", HIGH), _lit("完成", OK), _lit("待巡", LOW)),
            value_link=Link("打开巡更页面", "${console}/patrol"),
        ),
        _tile(
            title="工单",
            description="有多少工单没有完成，其中多少已经超过时限？",
            queries=(ORDERS_NOW,),
            width=3,
            fields=(_lit("超时", CRITICAL), _lit("未完成", ACCENT)),
            value_link=Link("打开工单", "${console}/work-orders"),
        ),
        _tile(
            title="设备",
            description="现在有几台设备自报离线，或者超过三个心跳没有上报？",
            queries=(DEVICES_NOW,),
            width=3,
            fields=(_lit("离线", CRITICAL), _lit("无数据", HIGH)),
            value_link=Link("打开设备看板", "/d/gengfu-devices?var-site=${site}"),
        ),
    ),
)

WRONG_NOW = Row(
    9,
    (
        Table(
            title="现在的报警",
            description="哪里不对、多严重、多久了、有没有人确认？点报警打开它的页面。",
            queries=(OPEN_ALERTS,),
            width=14,
            fields=(
                Field("级别", states=LEVELS, cell="background", width=70),
                Field("状态", states=ALERTS, cell="colour", width=130),
                Field("报警", link=Link("打开报警", "${console}/alerts/${__data.fields.id}")),
                Field("已持续", unit="dtdhms", width=150),
                Field("id", hidden=True),
            ),
            no_value="没有未关闭的报警",
        ),
        Table(
            title="泵房",
            description="每个泵房测点现在是多少、允许多少、数据有多旧？点测点打开泵房看板。",
            queries=(PUMP_ROOMS_NOW,),
            width=10,
            fields=(
                Field("状态", states=POINTS, cell="background", width=80),
                Field(
                    "测点",
                    link=Link("打开泵房看板", "/d/gengfu-pump-room?var-site=${site}&var-area=${__data.fields.area}"),
                ),
                Field("当前值", width=110, link=Link("打开测点", "${console}/points/${site}/${__data.fields.point}")),
                Field("允许范围", width=120),
                Field("数据年龄", unit="s", width=90),
                Field("area", hidden=True),
                Field("point", hidden=True),
            ),
            no_value="没有泵房测点",
        ),
    ),
)

TODAY = Row(
    9,
    (
        StateTimeline(
            title="巡更：每条路线",
            description="所选时间里哪一轮巡了、漏了、正在巡？",
            queries=(ROUNDS_OVER_TIME,),
            width=14,
            states=ROUND_LEVELS,
            legend=False,
            links=(Link("控制台：巡更", "${console}/patrol"), Link("巡更看板", "/d/gengfu-patrol?var-site=${site}")),
        ),
        StateTimeline(
            title="消防控制器",
            description="各控制器在所选时间里报过什么、持续多久？",
            queries=(fire_over_time("panel", "site = '$site'"),),
            width=10,
            states=FIRE_LEVELS,
            legend=False,
            links=(
                Link("控制台：信号日志", "${console}/fire/log"),
                Link("消防看板", "/d/gengfu-fire?var-site=${site}"),
            ),
        ),
    ),
)

TO_DO = Row(
    8,
    (
        Table(
            title="未完成的工单",
            description="哪些工单还开着、谁在处理、哪些已经超时？",
            queries=(ORDERS,),
            width=14,
            fields=(
                Field("超时", states=YES_NO, cell="colour", width=70),
                Field("工单", width=130, link=Link("打开工单", "${console}/work-orders/${__data.fields.id}")),
                Field("状态", width=90),
                Field("处理人", width=110),
                Field("已过", unit="dtdhms", width=150),
                Field("id", hidden=True),
            ),
            no_value="没有未完成的工单",
        ),
        Table(
            title="失联的设备",
            description="哪些设备离线或超过三个心跳没有上报、从什么时候开始？",
            queries=(DEVICES_AWAY,),
            width=10,
            fields=(
                Field("状态", states=DEVICES, cell="background", width=90),
                Field("最后上报", unit="dateTimeFromNow", width=130),
            ),
            links=(Link("设备看板", "/d/gengfu-devices?var-site=${site}"),),
            no_value="所有设备都在上报",
        ),
    ),
)

COURSE = Row(
    7,
    (
        Lines(
            title="每小时新增报警",
            description="报警是在变多还是变少？有没有报警风暴？",
            queries=(ALERTS_PER_HOUR,),
            unit="short",
            decimals=0,
            draw="bars",
            stacked=True,
            interval="1h",
            fields=(
                Field("紧急", colour=CRITICAL),
                Field("高", colour=HIGH),
                Field("中", colour=MEDIUM),
                Field("低", colour=LOW),
            ),
        ),
    ),
    title="走势",
)


def board() -> Board:
    """The board."""
    return Board(
        uid="gengfu-site",
        title="项目总览",
        description="现在哪里不对，今天该做的做了没有？给值班工程师整天开着。",
        variables=(SITE,),
        links=(Link("值守台", "${console}/"),),
        marks=(
            Marks("高级别报警", query=ALERT_MARKS, colour=HIGH),
            Marks("高级别报警（推送）", tags=("${marks}", "alert", "severe", "${site}"), colour=HIGH),
        ),
        rows=(NOW, WRONG_NOW, TODAY, TO_DO, COURSE),
        since="now-24h",
    )
