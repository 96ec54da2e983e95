"""Every query of every board on a played day: it runs as Grafana's own role and gives rows; some are counted again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from database import PostgresServer
from demo_day import Day
from influx import InfluxTestServer
from sqlalchemy import create_engine, select
from sqlalchemy.engine import Connection, make_url

from dashboards import macros
from dashboards.board import Board
from dashboards.boards import all_boards
from dashboards.macros import Moment
from dashboards.queries import HOURS, MINUTES, READINGS, Query, told_apart
from dashboards.variables import Choice, Constant, Variable
from gateway.timeseries.influxdb import InfluxServer, open_influx_store
from services.kernel.db import Database
from services.migrations import upgrade, views
from services.patrol.reporting.report import count_rounds
from services.patrol.tables import Round
from services.rules.tables import Excursion
from services.work_order.model import is_overdue
from services.work_order.store import state_of
from services.work_order.tables import WorkOrder

BOARDS = {board.uid: board for board in all_boards()}
ASKED = [
    pytest.param(uid, who, number, id=f"{uid} {who} {number}")
    for uid, board in BOARDS.items()
    for number, (who, _) in enumerate(board.queries())
]
EMPTY: dict[tuple[str, str], str] = {}
"""Panel → why it is rightly empty on such a day."""
STEPS = (timedelta(seconds=20), timedelta(minutes=2), timedelta(hours=2))
"""A question of readings is asked in three grains, of which one answers."""
DATABASES = {READINGS: "raw", MINUTES: "1m", HOURS: "1h"}


@dataclass
class Played:
    """A day and both servers that know of it."""

    db: Database
    reader: Connection
    influx: InfluxServer
    day: Day
    start: datetime
    end: datetime

    def variables(self, board: Board) -> dict[str, macros.Value]:
        """What stands at the top of a board: all of what several may be chosen of, else the first that leaves a choice
        to the ones after it, as somebody would choose a room that has pumps. What panels are repeated by is one value.
        """
        repeated = {row.repeat for row in board.rows}
        variables = tuple(
            replace(one, several=False) if isinstance(one, Choice) and one.name in repeated else one
            for one in board.variables
        )
        found = self._chosen(variables, {"console": "http://127.0.0.1:8600", "marks": "database"})
        assert found is not None, f"nothing to choose from at the top of {board.uid}"
        return found | {name: [str(found[name])] for name in repeated if name}

    def _chosen(
        self, variables: tuple[Variable, ...], chosen: dict[str, macros.Value]
    ) -> dict[str, macros.Value] | None:
        if not variables:
            return chosen
        one, *rest = variables
        for value in self._choices(one, chosen):
            found = self._chosen(tuple(rest), chosen | {one.name: value})
            if found is not None:
                return found
        return None

    def _choices(self, one: Variable, chosen: dict[str, macros.Value]) -> list[macros.Value]:
        if isinstance(one, Constant):
            return [one.value]
        values = [str(row["__value"]) for row in self.sql(one.sql, chosen)]
        return [values] if one.several and values else list(values)

    def sql(self, query: str, variables: dict[str, macros.Value]) -> list[dict[str, Any]]:
        """Ask the views."""
        moment = Moment(self.start, self.end, timedelta(minutes=1))
        rows = self.reader.exec_driver_sql(macros.sql(query, moment, variables).replace("%", "%%")).mappings()
        return [dict(row) for row in rows]

    def influxql(self, query: Query, variables: dict[str, macros.Value]) -> list[Any]:
        """Ask the readings, in any grain."""
        found: list[Any] = []
        for step in STEPS:
            asked = macros.influxql(query.text, Moment(self.start, self.end, step), variables)
            database = f"{self.influx.bucket}_{DATABASES[query.source]}"
            answer = httpx.post(
                f"{self.influx.url}/query",
                params={"db": database, "q": asked, "epoch": "ms"},
                headers={"Authorization": f"Token {self.influx.token}"},
                trust_env=False,
            )
            (result,) = answer.json()["results"]
            assert "error" not in result, f"{result['error']}: {asked}"
            found += result.get("series", [])
        return found

    def panel(self, uid: str, title: str) -> list[dict[str, Any]]:
        """What the first query of a panel of the views gives."""
        board = BOARDS[uid]
        query = next(query for who, query in board.queries() if who == title)
        return self.sql(query.text, self.variables(board))


@pytest.fixture(scope="module")
def played(
    postgres_server: PostgresServer, influx_session: InfluxTestServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """The day, played once."""
    missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{views.ROLE}')"
    postgres_server.execute(f"DO $$ BEGIN IF {missing} THEN CREATE ROLE {views.ROLE} LOGIN; END IF; END $$")
    name = postgres_server.fresh()
    db = Database(postgres_server.url(name))
    upgrade(db)
    influx = influx_session.fresh()
    store = open_influx_store(influx, Path(tmp_path_factory.mktemp("spool")) / "spool-day.db", spool_bytes=64 << 20)
    end = datetime.now(UTC) + timedelta(seconds=20)
    day = Day(db, end, store)
    day.play()
    for _ in range(50):
        store.maintain(day.now)
        assert store.flush(20)
    store.close()
    engine = create_engine(make_url(db.url).set(username=views.ROLE), isolation_level="AUTOCOMMIT")
    with engine.connect() as reader:
        yield Played(db, reader, influx, day, end - timedelta(hours=24), day.now)
    engine.dispose()
    db.dispose()
    postgres_server.drop(name)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("uid", "who", "number"), ASKED)
def test_a_query_gives_rows(played: Played, uid: str, who: str, number: int) -> None:
    _, query = list(BOARDS[uid].queries())[number]
    variables = played.variables(BOARDS[uid])
    sql = query.source.uid == "gengfu-state"
    rows = played.sql(query.text, variables) if sql else played.influxql(query, variables)
    if (uid, who) in EMPTY:
        assert not rows, f"{who} gives rows: take it from the list of what is empty"
        return
    assert rows
    if sql and query.format == "time_series":
        times = [row["time"] for row in rows]
        assert times == sorted(times), "Grafana wants rows of a series by time"
        values = [value for row in rows for name, value in row.items() if name not in ("time", "metric")]
        assert all(value is None or isinstance(value, int | float) or hasattr(value, "as_tuple") for value in values)


def test_what_may_be_empty_exists() -> None:
    known = {(uid, who) for uid, board in BOARDS.items() for who, _ in board.queries()}
    assert known >= EMPTY.keys()


# Counted again


def test_completion_is_what_the_daily_report_counts(played: Played) -> None:
    with played.db.read() as session:
        rounds = list(session.scalars(select(Round).where(Round.starts_at >= played.start)))
    count = count_rounds(rounds)
    assert count.due > 5
    (row,) = played.panel("gengfu-patrol", "7 天完成率")
    assert float(row["完成率"]) == pytest.approx(count.completion.percent)
    table = played.panel("gengfu-patrol", "各路线完成情况")
    assert sum(one["应巡"] for one in table) == count.due
    assert sum(one["完成"] for one in table) == count.complete


def test_minutes_out_of_limit_are_those_of_the_excursions(played: Played) -> None:
    sql = "SELECT point, sum(minutes) AS minutes FROM grafana.excursion WHERE NOT is_running GROUP BY point"
    shown = {row["point"]: row["minutes"] for row in played.sql(sql, {})}
    wanted: dict[str, float] = {}
    with played.db.read() as session:
        for one in session.scalars(select(Excursion)):
            point = one.point.partition("/")[2]
            wanted[point] = wanted.get(point, 0.0) + (one.ended_at - one.started_at).total_seconds() / 60
    assert len(wanted) >= 3
    assert shown == pytest.approx(wanted)


def test_what_is_out_of_limit_now_goes_on(played: Played) -> None:
    rows = played.sql("SELECT point, started_at FROM grafana.excursion WHERE is_running", {})
    # No pump starts although the pressure is low, and nobody sees anything since the recorder said goodbye.
    worked_out = {"hydrant-no-start", "cctv-coverage"}
    assert {row["point"] for row in rows} == {"hydrant-main-pressure", "box-1-insulation"} | worked_out
    assert all(timedelta(0) <= played.end - row["started_at"] < timedelta(hours=1) for row in rows)


def test_every_hour_has_a_cell(played: Played) -> None:
    hours = sorted({row["time"] for row in played.panel("gengfu-patrol", "漏检热力图（点位 × 小时）")})
    assert len(hours) > 12
    assert {later - one for one, later in pairwise(hours)} == {timedelta(hours=1)}


def test_two_of_one_name_are_two_series(played: Played) -> None:
    rows = played.sql(
        f"SELECT {told_apart()} AS name FROM (VALUES ('a', '一层'), ('b', '一层'), ('c', '二层')) v (id, name)", {}
    )
    assert {row["name"] for row in rows} == {"一层 a", "一层 b", "二层"}


def orders(played: Played) -> list[WorkOrder]:
    with played.db.read() as session:
        return list(session.scalars(select(WorkOrder)))


def test_timeliness_counts_overdue_orders_that_are_open(played: Played) -> None:
    now = datetime.now(UTC)
    finished, late, timely = 0, 0, 0
    for order in orders(played):
        state = state_of(order)
        overdue = is_overdue(state, "respond", now) or is_overdue(state, "finish", now)
        finished += order.finished_at is not None and not overdue
        late += overdue
        timely += order.finished_at is not None and not overdue
    assert timely
    assert late
    rates = {row["指标"]: row for row in played.panel("gengfu-work-orders", "及时率")}
    assert (rates["维修及时率"]["及时"], rates["维修及时率"]["应计"]) == (timely, finished + late)
    (decided,) = played.sql("SELECT count(respond_in_time) AS number FROM grafana.work_order", {})
    assert (
        rates["到场及时率"]["应计"] == decided["number"] > sum(one.responded_at is not None for one in orders(played))
    )


def test_the_backlog_is_what_came_less_what_went(played: Played) -> None:
    found = orders(played)
    per_day = played.panel("gengfu-work-orders", "每日新增与关闭")
    assert sum(row["新增"] for row in per_day) == len(found)
    assert sum(row["关闭"] for row in per_day) == sum(one.closed_at is not None for one in found) > 0
    backlog = played.panel("gengfu-work-orders", "积压")
    assert backlog[-1]["未关闭"] == sum(one.closed_at is None for one in found)
    ages = played.panel("gengfu-work-orders", "未关闭工单：时长与级别")
    counted = sum(value for row in ages for name, value in row.items() if name != "已等待")
    assert counted == sum(one.closed_at is None for one in found)
