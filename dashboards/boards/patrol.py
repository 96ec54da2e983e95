"""Patrol: are the rounds walked, what is missed where and when, and how long is nobody at a checkpoint?"""

# ruff: noqa: S608 - the texts put together here are constants of ours

from dashboards.board import Board, Row
from dashboards.palette import ACCENT, CRITICAL, HIGH, MEDIUM, NEUTRAL, OK, ROUND_LEVELS
from dashboards.panels import Bars, Field, Gauges, Heatmap, Lines, Link, Stat, StateTimeline, Table, steps
from dashboards.queries import DAY, HERE, ROUNDS_OVER_TIME, ZONE, Query, over_time, table, told_apart
from dashboards.variables import AREA, SITE

SITE_ONLY = "site = '$site'"
TODAY = f"starts_at >= {DAY} AND starts_at <= now()"
WEEK = "starts_at > now() - interval '7 days' AND starts_at <= now()"
PERCENT = steps(CRITICAL, (90, HIGH), (98, OK))
ROUND = Link("打开巡更轮次", "${console}/patrol/rounds/${__data.fields.id}")


def _share(when: str) -> tuple[Query, ...]:
    sql = f"""
        SELECT 100.0 * count(*) FILTER (WHERE is_complete) / nullif(count(*) FILTER (WHERE is_due), 0) AS "完成率"
        FROM grafana.round
        WHERE {SITE_ONLY} AND {when}
    """
    return (table(sql),)


def _rounds(title: str, description: str, condition: str, colour: str) -> Stat:
    sql = f"SELECT count(*) FROM grafana.round WHERE {SITE_ONLY} AND {TODAY} AND {condition}"
    return Stat(
        title=title,
        description=description,
        queries=(table(sql),),
        unit="short",
        steps=steps(NEUTRAL, (1, colour)),
        value_link=Link("打开巡更", "${console}/patrol"),
    )


def _today() -> Row:
    return Row(
        4,
        (
            Stat(
                title="今日完成率",
                description="今天到时间的轮次有多少完成了？（不计的轮次除外）",
                queries=_share(TODAY),
                unit="percent",
                decimals=1,
                fill=True,
                steps=PERCENT,
                no_value="尚无应巡",
                value_link=Link("打开日报", "${console}/patrol/report"),
            ),
            Stat(
                title="7 天完成率",
                description="最近 7 天到时间的轮次有多少完成了？",
                queries=_share(WEEK),
                unit="percent",
                decimals=1,
                fill=True,
                steps=PERCENT,
                no_value="尚无应巡",
                value_link=Link("打开月报", "${console}/patrol/month"),
            ),
            _rounds("今日应巡", "今天到时间的轮次", "is_due", NEUTRAL),
            _rounds("今日完成", "今天完成的轮次", "state = 'complete'", OK),
            _rounds("进行中", "到了时间、还没有结束的轮次，也包括还没有人走的", "state IN ('open', 'running')", ACCENT),
            _rounds("未完成", "今天有漏检点的轮次", "state = 'incomplete'", HIGH),
            _rounds("漏检", "今天没有人走的轮次", "state = 'missed'", CRITICAL),
            _rounds("待确认", "有漏检，但巡更设备失联、可能还有记录未上传的轮次", "state = 'unconfirmed'", MEDIUM),
        ),
    )


def _timeline() -> Row:
    return Row(
        9,
        (
            StateTimeline(
                title="各路线轮次",
                description="每条路线什么时候该走、走成了什么样？",
                queries=(ROUNDS_OVER_TIME,),
                states=ROUND_LEVELS,
                legend=False,
                links=(Link("打开巡更", "${console}/patrol"),),
            ),
        ),
        title="轮次",
    )


def _completion() -> Row:
    per_day = f"""
        SELECT to_char(starts_at AT TIME ZONE {ZONE}, 'MM-DD') AS "日期",
            count(*) FILTER (WHERE state = 'complete') AS "完成",
            count(*) FILTER (WHERE state = 'incomplete') AS "未完成",
            count(*) FILTER (WHERE state = 'unconfirmed') AS "待确认",
            count(*) FILTER (WHERE state = 'missed') AS "漏检"
        FROM grafana.round
        WHERE {SITE_ONLY} AND {WEEK} AND is_due
        GROUP BY 1
        ORDER BY min(starts_at)
    """
    per_route = f"""
        SELECT name AS "路线", count(*) FILTER (WHERE is_due) AS "应巡", count(*) FILTER (WHERE is_complete) AS "完成",
            100.0 * count(*) FILTER (WHERE is_complete) / nullif(count(*) FILTER (WHERE is_due), 0) AS "完成率",
            sum(stops) FILTER (WHERE is_due) AS "应到点次", sum(visited) FILTER (WHERE is_due) AS "到位",
            sum(missed) FILTER (WHERE is_due) AS "漏检点次", sum(flagged) FILTER (WHERE is_due) AS "有疑点"
        FROM grafana.round
        WHERE {SITE_ONLY} AND $__timeFilter(starts_at)
        GROUP BY route, name
        ORDER BY 4 NULLS LAST, 2 DESC
    """
    return Row(
        8,
        (
            Bars(
                title="最近 7 天",
                description="每天的轮次走成了什么样？",
                queries=(table(per_day),),
                unit="short",
                width=9,
                fields=(
                    Field("完成", colour=OK),
                    Field("未完成", colour=HIGH),
                    Field("待确认", colour=MEDIUM),
                    Field("漏检", colour=CRITICAL),
                ),
                links=(Link("打开月报", "${console}/patrol/month"),),
            ),
            Table(
                title="各路线完成情况",
                description="所选时间内哪条路线走得最差？",
                queries=(table(per_route),),
                fields=(
                    Field("完成率", unit="percent", decimals=1, steps=PERCENT, cell="background"),
                    Field("漏检点次", steps=steps(NEUTRAL, (1, CRITICAL)), cell="colour"),
                ),
                links=(Link("打开日报", "${console}/patrol/report"),),
            ),
        ),
    )


def _missed() -> tuple[Row, ...]:
    # Every hour, also those without a stop: Grafana draws all cells as wide as its first step in time.
    heat = f"""
        WITH stop AS (
            SELECT date_trunc('hour', due_at) AS at, {told_apart("checkpoint")} AS name, is_missed
            FROM grafana.round_stop
            WHERE {HERE} AND $__timeFilter(starts_at) AND is_due
        )
        SELECT at AS time, name AS metric, count(*) FILTER (WHERE is_missed) AS value
        FROM generate_series((SELECT min(at) FROM stop), (SELECT max(at) FROM stop), interval '1 hour') AS hour (at)
        CROSS JOIN (SELECT DISTINCT name FROM stop) AS place
        LEFT JOIN stop USING (at, name)
        GROUP BY 1, 2
        ORDER BY 1, 2
    """
    by_hour = f"""
        SELECT to_char(due_at AT TIME ZONE {ZONE}, 'HH24:00') AS "时段",
            count(*) FILTER (WHERE state = 'missed') AS "漏检",
            count(*) FILTER (WHERE state = 'unconfirmed') AS "待确认"
        FROM grafana.round_stop
        WHERE {HERE} AND $__timeFilter(starts_at) AND is_due
        GROUP BY 1
        ORDER BY 1
    """
    each = f"""
        SELECT round_id AS id, due_at AS "应到", name AS "点位", area_path AS "区域", route_name AS "路线",
            state_zh AS "结果"
        FROM grafana.round_stop
        WHERE {HERE} AND $__timeFilter(starts_at) AND is_missed
        ORDER BY due_at DESC
        LIMIT 200
    """
    unconfirmed = f"""
        SELECT round_id AS id, due_at AS "应到", name AS "点位", route_name AS "路线"
        FROM grafana.round_stop
        WHERE {HERE} AND $__timeFilter(starts_at) AND state = 'unconfirmed'
        ORDER BY due_at DESC
        LIMIT 200
    """
    hidden = Field("id", hidden=True)
    return (
        Row(
            10,
            (
                Heatmap(
                    title="漏检热力图（点位 × 小时）",
                    description="哪个点在哪些时候没有人到？",
                    queries=(over_time(heat),),
                    unit="short",
                    scheme="Reds",
                    width=16,
                    links=(Link("打开异常", "${console}/patrol/exceptions"),),
                ),
                Bars(
                    title="按时段",
                    description="一天里哪个时段漏检最多？",
                    queries=(table(by_hour),),
                    unit="short",
                    horizontal=True,
                    fields=(Field("漏检", colour=CRITICAL), Field("待确认", colour=MEDIUM)),
                ),
            ),
            title="漏检",
        ),
        Row(
            8,
            (
                Table(
                    title="漏检点清单",
                    description="哪些点没有人到？点一下看这一轮。",
                    queries=(table(each),),
                    width=14,
                    fields=(hidden, Field("点位", link=ROUND)),
                    no_value="没有漏检",
                ),
                Table(
                    title="待确认",
                    description="哪些漏检还不能定论：巡更设备失联，记录可能还没上传？",
                    queries=(table(unconfirmed),),
                    fields=(hidden, Field("点位", link=ROUND)),
                    no_value="没有待确认",
                ),
            ),
        ),
    )


def _taps() -> Row:
    gaps = f"""
        SELECT at AS time, {told_apart("checkpoint")} AS metric, minutes_since_previous AS value
        FROM grafana.tap
        WHERE {HERE} AND $__timeFilter(at) AND minutes_since_previous IS NOT NULL
        ORDER BY 1
    """
    longest = f"""
        SELECT name AS "点位", max(minutes_since_previous) AS "最长间隔"
        FROM grafana.tap
        WHERE {HERE} AND $__timeFilter(at) AND checkpoint IS NOT NULL
        GROUP BY checkpoint, name
        HAVING max(minutes_since_previous) IS NOT NULL
        ORDER BY 2 DESC
        LIMIT 20
    """
    return Row(
        9,
        (
            Lines(
                title="打卡间隔",
                description="每个点位与上一次打卡相隔多久？",
                queries=(over_time(gaps),),
                unit="m",
                draw="points",
                width=16,
                links=(Link("打开打卡记录", "${console}/patrol/taps"),),
            ),
            Gauges(
                title="最长间隔",
                description="哪个点位最久没有人到过？",
                queries=(table(longest),),
                unit="m",
                steps=steps(OK, (240, MEDIUM), (720, HIGH)),
            ),
        ),
        title="打卡间隔",
    )


def board() -> Board:
    """The board."""
    return Board(
        uid="gengfu-patrol",
        title="巡更",
        description="保安主管：轮次走了没有，哪个点、什么时候漏检，多久没有人到过。",
        variables=(SITE, AREA),
        since="now-24h",
        links=(Link("值守台：巡更", "${console}/patrol"), Link("日报", "${console}/patrol/report")),
        rows=(_today(), _timeline(), _completion(), *_missed(), _taps()),
    )
