"""Gengfu itself: do its processes live, does it keep up, what waits, what was refused?"""

# ruff: noqa: S608 - the texts put together here are constants of ours

from dashboards.board import Board, Row
from dashboards.palette import ACCENT, CRITICAL, HIGH, LEVELS, MEDIUM, NEUTRAL, OK, PROCESSES
from dashboards.panels import Field, Lines, Link, Stat, Table, steps
from dashboards.queries import Query, over_time, readings, table
from dashboards.variables import SITE

SYSTEM = Link("打开值守台", "${console}/")


def _figure(*names: str, scale: str = "", metric: str = "holder") -> Query:
    """Figures of processes; `metric`: what tells the lines apart."""
    listed = ", ".join(f"'{name}'" for name in names)
    return over_time(f"""
        SELECT at AS time, {metric} AS metric, value{scale} AS value
        FROM grafana.figure
        WHERE name IN ({listed}) AND role <> 'queue' AND $__timeFilter(at)
        ORDER BY 1
    """)


def _queue(*names: str) -> Query:
    listed = ", ".join(f"'{name}'" for name in names)
    return over_time(f"""
        SELECT f.at AS time, q.name AS metric, f.value AS value
        FROM grafana.figure f
        JOIN grafana.queue q ON q.queue = f.name
        WHERE f.name IN ({listed}) AND f.role = 'queue' AND $__timeFilter(f.at)
        ORDER BY 1
    """)


def _waiting(title: str, description: str, queue: str, page: str, warn: float, alarm: float) -> Stat:
    return Stat(
        title=title,
        description=description,
        queries=(table(f"SELECT waiting FROM grafana.queue WHERE queue = '{queue}'"),),
        unit="short",
        fill=True,
        steps=steps(OK, (warn, MEDIUM), (alarm, CRITICAL)),
        value_link=Link("打开", page),
    )


def _now() -> Row:
    return Row(
        4,
        (
            Stat(
                title="无心跳的进程",
                description="现在有几个进程没有心跳？",
                queries=(table("SELECT count(*) FROM grafana.process WHERE NOT is_alive"),),
                unit="short",
                fill=True,
                steps=steps(OK, (1, CRITICAL)),
                value_link=SYSTEM,
            ),
            Stat(
                title="入库延迟",
                description="一条数据从收到到存好，最慢的进程要多久？",
                queries=(table("SELECT max(lag_s) FROM grafana.process WHERE role = 'ingest' AND is_alive"),),
                unit="s",
                fill=True,
                steps=steps(OK, (2, MEDIUM), (10, CRITICAL)),
                value_link=SYSTEM,
            ),
            _waiting("到期定时任务", "有几个定时任务到期还没有做？", "timers", "${console}/", 25, 200),
            _waiting("待发消息", "有几条消息还没有发出去？", "messages", "${console}/messages", 20, 200),
            _waiting("隔离区", "有几条消息读不懂、等人看？", "quarantine", "${console}/quarantine", 1, 1000),
            Stat(
                title="缓存待写",
                description="有几条读数在本机缓存里等 InfluxDB？",
                queries=(table("SELECT coalesce(sum(spool_rows), 0) FROM grafana.process WHERE is_alive"),),
                unit="short",
                fill=True,
                steps=steps(OK, (10_000, MEDIUM), (1_000_000, CRITICAL)),
                value_link=SYSTEM,
            ),
        ),
    )


def _lists() -> Row:
    processes = """
        SELECT role AS "角色", holder AS "进程", state AS "状态", silence_s AS "距上次心跳", sites AS "项目",
            connected AS "连接", lag_s AS "延迟", urgent_lag_s AS "紧急延迟", stalled_s AS "存不下", rejected AS "拒收",
            spool_rows AS "缓存"
        FROM grafana.process
        ORDER BY is_alive, role, holder
    """
    queues = """
        SELECT name AS "队列", waiting AS "等待", age_s AS "最久"
        FROM grafana.queue
        ORDER BY waiting DESC, queue
    """
    return Row(
        8,
        (
            Table(
                title="进程",
                description="哪个进程活着，收得到、存得下吗？",
                queries=(table(processes),),
                width=16,
                fields=(
                    Field("状态", states=PROCESSES, cell="background", width=90),
                    Field("距上次心跳", unit="dtdhms"),
                    Field("延迟", unit="s", decimals=2),
                    Field("紧急延迟", unit="s", decimals=2),
                    Field("存不下", unit="s", decimals=0, steps=steps(NEUTRAL, (60, CRITICAL)), cell="colour"),
                ),
                links=(SYSTEM,),
            ),
            Table(
                title="队列",
                description="什么在等，最久的等了多久？",
                queries=(table(queues),),
                fields=(Field("最久", unit="dtdhms"),),
                links=(Link("打开消息", "${console}/messages"), Link("打开隔离区", "${console}/quarantine")),
            ),
        ),
        title="现在",
    )


def _lag() -> Row:
    rate = """
        SELECT at AS time, holder AS metric, more / extract(epoch FROM at - before) AS value
        FROM (
            SELECT at, holder, value - lag(value) OVER steps AS more, lag(at) OVER steps AS before
            FROM grafana.figure
            WHERE name = 'readings' AND $__timeFilter(at)
            WINDOW steps AS (PARTITION BY role, holder ORDER BY at)
        ) step
        WHERE more >= 0 AND at > before
        ORDER BY 1
    """
    return Row(
        8,
        (
            Lines(
                title="入库延迟",
                description="从收到到存好要多久？紧急通道（消防、打卡）另算。",
                queries=(
                    _figure("lag_ms", scale=" / 1000", metric="holder || ' 读数'"),
                    _figure("urgent_lag_ms", scale=" / 1000", metric="holder || ' 紧急'"),
                ),
                unit="s",
                low=0,
                legend=("mean", "max", "lastNotNull"),
                links=(SYSTEM,),
            ),
            Lines(
                title="读数每秒",
                description="每个进程每秒存多少读数？",
                queries=(over_time(rate),),
                unit="short",
                low=0,
                legend=("mean", "max"),
            ),
        ),
        title="收与存",
    )


def _waits() -> Row:
    spool = "SELECT at AS time, holder AS metric, value FROM grafana.figure WHERE name = 'spool_rows' "
    backlog = """
        SELECT max("value") FROM "reading" WHERE "site" = '$site' AND "point" = 'gateway-backlog' AND $timeFilter
        GROUP BY time($__interval) fill(none)
    """
    return Row(
        8,
        (
            Lines(
                title="定时任务与消息",
                description="到期没做的任务、没发出去的消息在涨吗？",
                queries=(_queue("timers", "messages", "annotations", "commands"),),
                unit="short",
                low=0,
                step=True,
                links=(Link("打开消息", "${console}/messages"),),
            ),
            Lines(
                title="隔离区",
                description="读不懂的消息什么时候来的？",
                queries=(_queue("quarantine"),),
                unit="short",
                low=0,
                step=True,
                fields=(Field("隔离区", colour=HIGH),),
                links=(Link("打开隔离区", "${console}/quarantine"),),
            ),
            Lines(
                title="网关积压",
                description="现场网关里还有多少条没有送到？",
                queries=(readings(backlog, "网关积压"),),
                unit="short",
                low=0,
            ),
            Lines(
                title="缓存待写",
                description="InfluxDB 跟得上吗？本机缓存里还有多少条？",
                queries=(over_time(spool + "AND $__timeFilter(at) ORDER BY 1"),),
                unit="short",
                low=0,
                no_value="没有缓存：使用内置存储",
            ),
        ),
        title="等待",
    )


def _life() -> Row:
    alive = """
        SELECT at AS time, role AS metric, sum(value) AS value
        FROM grafana.figure
        WHERE name = 'alive' AND $__timeFilter(at)
        GROUP BY 1, 2
        ORDER BY 1
    """
    own = """
        SELECT id, severity AS "级别", title AS "报警", opened_at AS "开始", age_s AS "持续"
        FROM grafana.alert
        WHERE family = 'system' AND site = '$site' AND (is_open OR $__timeFilter(opened_at))
        ORDER BY is_open DESC, level DESC, opened_at DESC
        LIMIT 100
    """
    return Row(
        8,
        (
            Lines(
                title="活着的进程",
                description="各角色有几个进程活着？断开处是没有人记录。",
                queries=(over_time(alive),),
                unit="short",
                low=0,
                step=True,
                gap_ms=180_000,
                fields=(Field("ingest", colour=ACCENT), Field("worker", colour=OK)),
            ),
            Table(
                title="更夫自身的报警",
                description="更夫自己报过什么？",
                queries=(table(own),),
                fields=(
                    Field("id", hidden=True),
                    Field("级别", states=LEVELS, cell="background", width=80),
                    Field("报警", link=Link("打开报警", "${console}/alerts/${__data.fields.id}"), cell="wrap"),
                    Field("持续", unit="dtdhms"),
                ),
                no_value="没有",
            ),
        ),
        title="进程与报警",
    )


def board() -> Board:
    """The board."""
    return Board(
        uid="gengfu-self",
        title="更夫自身",
        description="运维：更夫自己的进程活着吗，跟得上吗，什么在等，什么被拒收？",
        variables=(SITE,),
        since="now-6h",
        links=(Link("消息", "${console}/messages"), Link("隔离区", "${console}/quarantine")),
        rows=(_now(), _lists(), _lag(), _waits(), _life()),
    )
