from collections import Counter
from datetime import UTC, datetime, timedelta

from console import SITE, shipped
from sqlalchemy import select

from services.cli.history import pumps
from services.cli.history.past import Past
from services.derived.tables import PumpRun, PumpTest
from services.kernel.db import Database
from services.web.queries.pump_figures import standings, trace

SINCE, UNTIL = datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 11, 21, 2, tzinfo=UTC)


def test_the_past_has_runs_and_tests_as_a_sound_station_has(one_db: Database) -> None:
    config = shipped().site(SITE)
    with one_db.begin() as s:
        pumps.write(s, Past(config, SINCE, UNTIL))
    with one_db.read() as s:
        runs, tests = list(s.scalars(select(PumpRun))), list(s.scalars(select(PumpTest)))
    fire = [one for one in config.stations if one.kind == "fire"]
    assert {one.station for one in runs} == {one.id for one in fire}
    assert all(one.ended_at is not None and SINCE <= one.started_at < one.ended_at < UNTIL for one in runs)
    for station in fire:
        own = [one for one in runs if one.station == station.id and one.role == "jockey"]
        found = trace(own)
        assert found.start is not None
        assert found.stop is not None
        assert station.start_pressure is not None
        assert abs(found.start - station.start_pressure) < 0.005
        days = (UNTIL - SINCE) / timedelta(days=1)
        assert 6 * days < len(own) < 18 * days
        for pump in station.mains:
            kinds = standings([one for one in tests if one.equipment == pump.equipment], UNTIL)
            assert [one.state for one in kinds] == ["passed", "passed", "never"]
    assert {one.run_id for one in tests} == {one.id for one in runs if one.role == "main"}
    assert Counter(one.kind for one in tests) == {"weekly_auto": 20, "monthly_manual": 8}
