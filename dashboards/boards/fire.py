"""Fire: what burns, what is broken or switched off and for how long, and does anybody answer?"""

# ruff: noqa: S608 - the texts put together here are constants of ours

from dashboards.board import Board, Marks, Row
from dashboards.palette import CHECKS, CRITICAL, FAULT, FIRE, FIRE_LEVELS, HIGH, LOW, NEUTRAL, OK, SHIELD, SUPERVISORY
from dashboards.panels import Bars, Field, Link, Stat, StateTimeline, Table, steps
from dashboards.queries import HERE, ZONE, Query, fire_over_time, table
from dashboards.variables import AREA, SITE

ALERTS = table("""
    SELECT opened_at AS time, coalesce(cleared_at, closed_at, opened_at) AS timeend, title AS text, max_severity AS tags
    FROM grafana.alert
    WHERE '${marks}' = 'database' AND site = '$site' AND family = 'fire' AND $__timeFilter(opened_at)
    ORDER BY 1 DESC LIMIT 200
    """)
LEVEL = Field("级别", states=FIRE_LEVELS, cell="background", width=80)
ID = Field("id", hidden=True)


def _count(kind: str) -> tuple[Query, ...]:
    return (table(f"SELECT count(*) FROM grafana.fire_open WHERE kind = '{kind}' AND NOT is_test AND {HERE}"),)


def _number(title: str, description: str, kind: str, colour: str) -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=_count(kind),
        unit="short",
        fill=True,
        steps=steps(OK, (1, colour)),
        value_link=Link("打开值守台", "${console}/fire"),
    )


def _timeline(title: str, description: str, scope: str) -> StateTimeline:
    link = Link("打开消防日志", "${console}/fire/log")
    return StateTimeline(
        title=title, description=description, queries=(fire_over_time(scope, HERE),), states=FIRE_LEVELS, links=(link,)
    )


def _now() -> Row:
    checks = f"""
        SELECT count(*) FROM grafana.duty_check
        WHERE state = 'missed' AND $__timeFilter(asked_at) AND {HERE}
    """
    modes = f"SELECT count(*) FROM grafana.fire_test_mode WHERE (is_active OR is_forgotten) AND {HERE}"
    incidents = f"SELECT count(*) FROM grafana.fire_incident WHERE is_open AND {HERE}"
    return Row(
        4,
        (
            Stat(
                title="未关闭火情",
                description="现在有几起火情还没有人给出结论？",
                queries=(table(incidents),),
                unit="short",
                fill=True,
                steps=steps(OK, (1, CRITICAL)),
                value_link=Link("打开火情", "${console}/fire/incidents"),
            ),
            _number("火警部件", "现在有几个部件报火警？", "fire", FIRE),
            _number("故障", "现在有几处故障没有恢复？", "fault", FAULT),
            _number("屏蔽", "现在有几处被屏蔽、不起作用？", "shield", SHIELD),
            _number("监管", "现在有几处监管信号？", "supervisory", SUPERVISORY),
            Stat(
                title="测试模式",
                description="现在有几处处于测试模式（报警不叫人）？",
                queries=(table(modes),),
                unit="short",
                fill=True,
                steps=steps(OK, (1, LOW)),
                value_link=Link("打开值守台", "${console}/fire"),
            ),
            Stat(
                title="查岗无人应答",
                description="所选时间内几次查岗没有人应答？",
                queries=(table(checks),),
                unit="short",
                fill=True,
                steps=steps(OK, (1, HIGH)),
                value_link=Link("打开查岗", "${console}/fire/commands"),
            ),
        ),
    )


def _history() -> tuple[Row, ...]:
    panels = _timeline("主机状态", "每台主机什么时候报火警、故障、屏蔽，多久恢复？", "panel")
    zones = _timeline("分区状态", "哪个防火分区什么时候不正常？", "zone")
    return Row(6, (panels,), title="状态时间线"), Row(10, (zones,))


def _open() -> Row:
    held = f"""
        SELECT level AS "级别", name AS "部件", state_zh AS "状态", zone_name AS "分区", panel_name AS "主机",
            since_at AS "开始", age_s AS "持续", CASE WHEN is_test THEN '测试' ELSE '' END AS "备注"
        FROM grafana.fire_open
        WHERE {HERE}
        ORDER BY level DESC, since_at
        LIMIT 200
    """
    outages = f"""
        SELECT id, name AS "部件", kind_zh AS "类别", began_at AS "开始", hours * 3600 AS "持续",
            CASE WHEN filed THEN '已备案' WHEN filed IS FALSE THEN '无需备案'
                WHEN prompted_at IS NOT NULL THEN '等待填写' ELSE '' END AS "备案",
            measures AS "保护措施"
        FROM grafana.fire_outage
        WHERE is_open AND {HERE}
        ORDER BY began_at
        LIMIT 200
    """
    return Row(
        9,
        (
            Table(
                title="未恢复的火警、故障、屏蔽",
                description="现在什么没有恢复，多久了？最严重、最久的在前。",
                queries=(table(held),),
                width=14,
                fields=(LEVEL, Field("持续", unit="dtdhms")),
                links=(Link("打开值守台", "${console}/fire"),),
                no_value="全部正常",
            ),
            Table(
                title="屏蔽与停用台账",
                description="什么被屏蔽或停用，多久了，备案和保护措施写了没有（GB 25201 表 B.1）？",
                queries=(table(outages),),
                fields=(
                    ID,
                    Field("部件", link=Link("打开台账", "${console}/fire/outages/${__data.fields.id}")),
                    Field("持续", unit="dtdhms", steps=steps(NEUTRAL, (86_400, HIGH)), cell="colour"),
                    Field("保护措施", cell="wrap"),
                ),
                no_value="没有屏蔽或停用",
            ),
        ),
        title="现在未恢复",
    )


def _checks() -> Row:
    per_day = f"""
        SELECT to_char(asked_at AT TIME ZONE {ZONE}, 'MM-DD') AS "日期",
            count(*) FILTER (WHERE state = 'answered') AS "按时应答",
            count(*) FILTER (WHERE state = 'late') AS "迟到应答",
            count(*) FILTER (WHERE state = 'missed') AS "无人应答"
        FROM grafana.duty_check
        WHERE $__timeFilter(asked_at) AND is_decided AND {HERE}
        GROUP BY 1
        ORDER BY min(asked_at)
    """
    each = f"""
        SELECT asked_at AS "查岗时间", name AS "传输装置", state AS "结果", answer_s AS "应答用时",
            minutes * 60 AS "时限", asked_by_name AS "发起"
        FROM grafana.duty_check
        WHERE $__timeFilter(asked_at) AND {HERE}
        ORDER BY asked_at DESC
        LIMIT 200
    """
    return Row(
        8,
        (
            Bars(
                title="每日查岗",
                description="每天查岗有多少次按时应答、迟到、无人应答？",
                queries=(table(per_day),),
                unit="short",
                width=8,
                fields=(
                    Field("按时应答", colour=OK),
                    Field("迟到应答", colour=HIGH),
                    Field("无人应答", colour=CRITICAL),
                ),
                links=(Link("打开查岗", "${console}/fire/commands"),),
            ),
            Table(
                title="查岗记录",
                description="每次查岗多久有人应答？",
                queries=(table(each),),
                fields=(
                    Field("结果", states=CHECKS, cell="background", width=110),
                    Field("应答用时", unit="s", decimals=0),
                    Field("时限", unit="s", decimals=0),
                ),
                links=(Link("打开查岗", "${console}/fire/commands"),),
            ),
        ),
        title="查岗",
    )


def _incidents() -> Row:
    incidents = f"""
        SELECT id, number AS "编号", name AS "楼栋", zones AS "分区", stage_zh AS "阶段", verdict_zh AS "结论",
            opened_at AS "开始", minutes * 60 AS "历时", signals AS "信号", arrived AS "到场人数",
            first_arrival_s AS "首人到场"
        FROM grafana.fire_incident
        WHERE (is_open OR $__timeFilter(opened_at)) AND {HERE}
        ORDER BY is_open DESC, opened_at DESC
        LIMIT 200
    """
    modes = f"""
        SELECT name AS "主机与分区", reason AS "原因", by_name AS "开始人", second_name AS "确认人", begun_at AS "开始",
            over_at AS "结束",
            CASE WHEN is_active THEN '进行中' WHEN is_forgotten THEN '超时未结束' ELSE '已结束' END AS "状态"
        FROM grafana.fire_test_mode
        WHERE over_at > $__timeFrom()::timestamptz AND begun_at < $__timeTo()::timestamptz AND {HERE}
        ORDER BY begun_at DESC
        LIMIT 200
    """
    return Row(
        9,
        (
            Table(
                title="火情",
                description="没有关闭的和所选时间内的火情：结论是什么，多久到场？",
                queries=(table(incidents),),
                width=14,
                fields=(
                    ID,
                    Field("编号", link=Link("打开火情", "${console}/fire/incidents/${__data.fields.id}")),
                    Field("历时", unit="dtdhms"),
                    Field("首人到场", unit="dtdhms"),
                ),
                no_value="没有火情",
            ),
            Table(
                title="测试模式",
                description="什么时候、谁把哪里切到了测试模式？",
                queries=(table(modes),),
                no_value="没有测试",
            ),
        ),
        title="火情与测试",
    )


def board() -> Board:
    """The board."""
    return Board(
        uid="gengfu-fire",
        title="消防",
        description="消控室和消防责任人：哪里报过火警、故障，什么被屏蔽多久了，查岗有没有人应答。",
        variables=(SITE, AREA),
        since="now-24h",
        links=(Link("值守台：消防", "${console}/fire"), Link("火情", "${console}/fire/incidents")),
        marks=(
            Marks("消防报警", query=ALERTS, colour=FIRE),
            Marks("消防报警（推送）", tags=("${marks}", "alert", "fire", "${site}"), colour=FIRE),
        ),
        rows=(_now(), *_history(), _open(), _checks(), _incidents()),
    )
