"""A question for a stretch of time reads that stretch: the planner gets the condition down to an index of the table."""

import re

import pytest
from sqlalchemy import text

from services.kernel.db import Database

COUNT = 20_000
MADE = {
    "patrol_tap": """INSERT INTO patrol_tap (id, site, device, phone, reader, checkpoint, tag, guard, delivered_by,
        role,
        at, received_at, clock, uncertain_ms, clock_turned, evidence, doubts, proof, marks, why, verdict, rounds,
        round_hint,
        answers, findings, note, photos, retries)
        SELECT 'yunhe/app/' || i, 'yunhe', 'app', '', '', 'c' || mod(i, 40), '', 'g' || mod(i, 5), '', 'guard', {at},
        {at}, '', 0, false, 'uid', '[]', '', '[]', '{{}}', 'on_time', '[]', '', '{{}}', '[]', '', '[]', 0""",
    "alert": """INSERT INTO alert (id, site, rule, target, title, title_en, severity, max_severity, active, occurrence,
        acked_occurrence, latching, latched, opened_at, last_active_at, cleared_at, closed_at, announced_occurrence,
        late, limit_text, unit, source, requirement, policy, detail, version)
        SELECT 'a' || i, 'yunhe', 'NUM-01', 'yunhe/p' || i, 't', '', 'high', 'high', false, 1, 1, false, false, {at},
        {at}, {at}, {at}, 0, false, '', '', '', '', '{{}}', '{{}}', 1""",
    "excursion": """INSERT INTO excursion (id, point, rule, started_at, ended_at, worst, alerted, suspended)
        SELECT 'e' || i, 'yunhe/p' || mod(i, 30), 'NUM-01', {at}, {at}, 1, false, false""",
    "process_figure": """INSERT INTO process_figure (at, role, holder, name, value)
        SELECT {at}, 'ingest', 'h' || i, 'lag_ms', 1""",
    "fire_signal": """INSERT INTO fire_signal (id, site, device, panel, scope, component, building, zone, point, states,
        ended, operations, at, received_at, text, raw, marks, body, test, key)
        SELECT 'yunhe/utd/b-' || i, 'yunhe', 'utd', 'p', 'component', 'yunhe/p/' || mod(i, 400), 'b', 'z', '',
        '["fault"]', '[]', '[]', {at}, {at}, '', '', '[]', '{{}}', false, ''""",
}  # fmt: skip
"""One row every ten minutes, back to 139 days ago."""
ASKED = {
    "patrol_tap": "SELECT * FROM grafana.tap WHERE site = 'yunhe' AND at BETWEEN {start} AND now()",
    "alert": "SELECT * FROM grafana.alert WHERE site IN ('yunhe') AND opened_at BETWEEN {start} AND now()",
    "excursion": "SELECT * FROM grafana.excursion WHERE site = 'yunhe' AND started_at BETWEEN {start} AND now()",
    "process_figure": "SELECT * FROM grafana.figure WHERE name IN ('lag_ms') AND at BETWEEN {start} AND now()",
    "fire_signal": "SELECT * FROM grafana.fire_state WHERE site = 'yunhe' AND until_at > {start}",
}
MOST = {"fire_signal": 35 * 144 + 10}
"""Rows of the table that may be read for a day; else those of the day."""


@pytest.mark.parametrize("table", MADE)
def test_a_day_reads_a_day(postgres_db: Database, table: str) -> None:
    with postgres_db.connection() as connection:
        made = MADE[table].format(at="now() - i * interval '10 minutes'")
        connection.execute(text(f"{made} FROM generate_series(1, {COUNT}) AS i"))
        connection.execute(text(f"ANALYZE {table}"))
        asked = ASKED[table].format(start="now() - interval '1 day'")
        lines = [row[0] for row in connection.execute(text(f"EXPLAIN (ANALYZE, TIMING OFF) {asked}"))]
    of_table = [line for line in lines if re.search(rf"on {table}\b", line)]
    assert of_table
    for line in of_table:
        assert "Seq Scan" not in line, line
        found = re.search(r"actual rows=(\d+)", line)
        assert found is None or int(found[1]) <= MOST.get(table, 150), line
