"""Work orders: what is open and how old, are people there and done in time, does the backlog grow?"""

# ruff: noqa: S608 - the texts put together here are constants of ours

from dashboards.board import Board, Row
from dashboards.palette import ACCENT, CRITICAL, HIGH, LOW, MEDIUM, NEUTRAL, OK, ORDER_LEVELS
from dashboards.panels import Bars, Field, Lines, Link, Stat, Table, steps
from dashboards.queries import HERE, over_time, table
from dashboards.variables import AREA, SITE

ORDER = Link("打开工单", "${console}/work-orders/${__data.fields.id}")
OPEN = Link("打开工单", "${console}/work-orders")
ID = Field("id", hidden=True)
PERCENT = steps(CRITICAL, (80, HIGH), (95, OK))
RATES = {
    "到场及时率": ("respond_in_time", "coalesce(responded_at, respond_due_at)"),
    "完成及时率": ("finish_in_time", "coalesce(finished_at, finish_due_at)"),
    "维修及时率": ("timely", "counted_at"),
}
"""Name → what decides it, and the moment from which an order counts."""


def _rate(name: str) -> str:
    """Numerator and denominator of one rate; open overdue orders are in the denominator."""
    what, when = RATES[name]
    return f"""
        SELECT '{name}' AS "指标", count(*) FILTER (WHERE {what}) AS "及时", count({what}) AS "应计",
            100.0 * count(*) FILTER (WHERE {what}) / nullif(count({what}), 0) AS "及时率"
        FROM grafana.work_order
        WHERE {HERE} AND {when} BETWEEN $__timeFrom()::timestamptz AND $__timeTo()::timestamptz
    """


def _number(title: str, description: str, what: str, condition: str, colour: str, unit: str = "short") -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=(table(f"SELECT {what} FROM grafana.work_order WHERE {condition} AND {HERE}"),),
        unit=unit,
        fill=True,
        steps=steps(OK, (1, colour)),
        value_link=OPEN,
        no_value="0",
    )


def _share(name: str, description: str) -> Stat:
    return Stat(
        title=name,
        description=description,
        queries=(table(f'SELECT "及时率" FROM ({_rate(name)}) rate'),),
        unit="percent",
        decimals=1,
        fill=True,
        steps=PERCENT,
        no_value="无应计工单",
        value_link=OPEN,
    )


def _now() -> Row:
    return Row(
        4,
        (
            _number("未关闭", "现在有几张工单没有关闭？", "count(*)", "is_open", ACCENT),
            _number("超时", "现在有几张工单已超过到场或完成时限？", "count(*)", "is_overdue", CRITICAL),
            _number("挂起", "现在有几张工单挂起？", "count(*)", "state = 'on_hold'", MEDIUM),
            Stat(
                title="最久的工单",
                description="最久没有关闭的工单有多久了？",
                queries=(table(f"SELECT max(age_s) FROM grafana.work_order WHERE is_open AND {HERE}"),),
                unit="dtdhms",
                fill=True,
                steps=steps(OK, (86_400, MEDIUM), (259_200, HIGH)),
                no_value="没有",
                value_link=OPEN,
            ),
            _share("到场及时率", "所选时间内应到场的工单，有多少按时到场？"),
            _share("完成及时率", "所选时间内应完成的工单，有多少按时完成？"),
            _share("维修及时率", "到场和完成都及时的工单 ÷ 已完成和已超时的工单（未完成的超时工单也计入）"),
        ),
    )


def _ages() -> Row:
    # The clock that dates an order may be ahead of the database's: such an order is young, not gone.
    by_age = f"""
        SELECT bucket.name AS "已等待",
            count(o.id) FILTER (WHERE o.level = 4) AS "紧急", count(o.id) FILTER (WHERE o.level = 3) AS "高",
            count(o.id) FILTER (WHERE o.level = 2) AS "中", count(o.id) FILTER (WHERE o.level = 1) AS "低",
            count(o.id) FILTER (WHERE o.level = 0) AS "无级别"
        FROM (VALUES (1, '1 小时内', -1e12, 3600), (2, '1–4 小时', 3600, 14400), (3, '4–24 小时', 14400, 86400),
            (4, '1–3 天', 86400, 259200), (5, '3–7 天', 259200, 604800), (6, '7 天以上', 604800, 1e12)
        ) AS bucket (place, name, from_s, to_s)
        LEFT JOIN (SELECT * FROM grafana.work_order WHERE is_open AND {HERE}) o
            ON o.age_s >= bucket.from_s AND o.age_s < bucket.to_s
        GROUP BY bucket.place, bucket.name
        ORDER BY bucket.place
    """
    rates = " UNION ALL ".join(_rate(name) for name in RATES)
    return Row(
        8,
        (
            Bars(
                title="未关闭工单：时长与级别",
                description="没有关闭的工单等了多久，级别多高？",
                queries=(table(by_age),),
                unit="short",
                width=14,
                fields=(
                    Field("紧急", colour=CRITICAL),
                    Field("高", colour=HIGH),
                    Field("中", colour=MEDIUM),
                    Field("低", colour=LOW),
                    Field("无级别", colour=NEUTRAL),
                ),
                links=(OPEN,),
            ),
            Table(
                title="及时率",
                description="及时率的分子和分母：超时未完成的也算应计，拖延不会让数字变好。",
                queries=(table(rates),),
                fields=(Field("及时率", unit="percent", decimals=1, steps=PERCENT, cell="background"),),
                links=(OPEN,),
            ),
        ),
        title="时限",
    )


def _flow() -> Row:
    days = """
        (SELECT day AT TIME ZONE timezone AS begins, (day + interval '1 day') AT TIME ZONE timezone AS ends,
            to_char(day, 'MM-DD') AS name
        FROM grafana.site, generate_series(
            date_trunc('day', $__timeFrom()::timestamptz AT TIME ZONE timezone),
            date_trunc('day', $__timeTo()::timestamptz AT TIME ZONE timezone), interval '1 day') AS day
        WHERE site = '$site') d
    """
    per_day = f"""
        SELECT d.name AS "日期",
            count(*) FILTER (WHERE o.created_at >= d.begins AND o.created_at < d.ends) AS "新增",
            count(*) FILTER (WHERE o.closed_at >= d.begins AND o.closed_at < d.ends) AS "关闭"
        FROM {days}
        LEFT JOIN (SELECT * FROM grafana.work_order WHERE {HERE}) o ON true
        GROUP BY d.begins, d.name
        ORDER BY d.begins
    """
    backlog = f"""
        SELECT least(d.ends, now()) AS time,
            count(*) FILTER (WHERE o.created_at < d.ends AND (o.closed_at IS NULL OR o.closed_at >= d.ends)) AS "未关闭"
        FROM {days}
        LEFT JOIN (SELECT * FROM grafana.work_order WHERE {HERE}) o ON true
        GROUP BY 1
        ORDER BY 1
    """
    return Row(
        8,
        (
            Bars(
                title="每日新增与关闭",
                description="每天来多少、关多少？",
                queries=(table(per_day),),
                unit="short",
                stacked=False,
                fields=(Field("新增", colour=ACCENT), Field("关闭", colour=OK)),
                links=(OPEN,),
            ),
            Lines(
                title="积压",
                description="每天结束时还有多少没有关闭？",
                queries=(over_time(backlog),),
                unit="short",
                step=True,
                low=0,
                fields=(Field("未关闭", colour=HIGH),),
            ),
        ),
        title="积压",
    )


def _lists() -> Row:
    oldest = f"""
        SELECT id, level AS "级别", number AS "工单", title AS "内容", state_zh AS "状态", assignee_name AS "负责",
            age_s AS "已等待", CASE WHEN is_overdue THEN '超时' ELSE '' END AS "时限", finish_due_at AS "应完成"
        FROM grafana.work_order
        WHERE is_open AND {HERE}
        ORDER BY is_overdue DESC, level DESC, created_at
        LIMIT 100
    """
    rework = f"""
        SELECT count(*) FILTER (WHERE rework_count > 0) AS "返工", count(*) AS "完成",
            100.0 * count(*) FILTER (WHERE rework_count > 0) / nullif(count(*), 0) AS "返工率"
        FROM grafana.work_order
        WHERE {HERE} AND $__timeFilter(finished_at)
    """
    again = f"""
        SELECT id, number AS "工单", title AS "内容", rework_count AS "返工次数", rating AS "评分",
            finished_at AS "完成"
        FROM grafana.work_order
        WHERE {HERE} AND rework_count > 0 AND created_at < $__timeTo()::timestamptz
            AND (closed_at IS NULL OR closed_at > $__timeFrom()::timestamptz)
        ORDER BY rework_count DESC, created_at DESC
        LIMIT 100
    """
    return Row(
        10,
        (
            Table(
                title="未关闭工单",
                description="先做哪一张？超时的、级别高的、最久的在前。",
                queries=(table(oldest),),
                width=14,
                fields=(
                    ID,
                    Field("级别", states=ORDER_LEVELS, cell="background", width=80),
                    Field("工单", link=ORDER),
                    Field("内容", cell="wrap"),
                    Field("已等待", unit="dtdhms"),
                ),
                no_value="没有未关闭的工单",
            ),
            Table(
                title="返工率",
                description="所选时间内完成的工单有多少被退回过？",
                queries=(table(rework),),
                width=4,
                fields=(Field("返工率", unit="percent", decimals=1),),
                links=(OPEN,),
            ),
            Table(
                title="返工工单",
                description="哪些工单被退回过？",
                queries=(table(again),),
                fields=(ID, Field("工单", link=ORDER)),
                no_value="没有返工",
            ),
        ),
        title="清单",
    )


def board() -> Board:
    """The board."""
    return Board(
        uid="gengfu-work-orders",
        title="工单",
        description="工程主管：没有关闭的工单有多少、多久了，到场和完成及不及时，积压在涨还是在降。",
        variables=(SITE, AREA),
        since="now-7d",
        refresh="1m",
        links=(Link("值守台：工单", "${console}/work-orders"),),
        rows=(_now(), _ages(), _flow(), _lists()),
    )
