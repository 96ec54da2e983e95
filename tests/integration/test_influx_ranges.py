"""Whatever is written when, sent or held up, rolled up or not: InfluxDB answers what a plain aggregation answers."""

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from influx import InfluxTestServer
from timeseries_oracle import Kept, check

from gateway.contract.times import from_ms
from gateway.timeseries.influx import rollup, sender
from gateway.timeseries.influxdb import InfluxServer, InfluxStore, Pace, open_influx_store
from gateway.timeseries.schema import MINUTE_MS
from gateway.timeseries.store import EPOCH, Row

MIDNIGHT = 1_795_305_600_000  # 2026-11-22T00:00Z
POINTS = ("a", "b")
STEPS = [timedelta(seconds=n) for n in (10, 90, 900, 7200)]
FAR = from_ms(MIDNIGHT + 10 * 86_400_000)
QUICK = Pace(0.01, 0.02, 0.02)
NUMBERS = itertools.count()

at_ms = st.builds(
    lambda minute, ms: MIDNIGHT + minute * MINUTE_MS + ms,
    st.integers(-130, 130),
    st.sampled_from([0, 1, 30_000, 59_999]),
)


def reading(point: str, at: int, tie: int, value: float) -> Row:
    # One event has one quality: the same reading told twice is good both times or bad both times.
    return (point, at, tie, value, (at + tie) % 3, at + 5)


rows = st.lists(
    st.builds(
        reading,
        st.sampled_from(POINTS),
        at_ms,
        st.integers(0, 2),
        st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)),
    ),
    min_size=1,
    max_size=12,
)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("write"), rows, st.just(0)),
        st.tuples(st.just("maintain"), st.one_of(st.just([]), rows), st.integers(-140, 300)),
        st.tuples(st.sampled_from(["reopen", "down", "up"]), st.just([]), st.just(0)),
    ),
    min_size=1,
    max_size=14,
)
windows = st.tuples(
    at_ms, at_ms, st.sampled_from([EPOCH, from_ms(MIDNIGHT - 16 * 3_600_000), from_ms(90_000), from_ms(7)])
)


@pytest.fixture(scope="module")
def database(influx_session: InfluxTestServer) -> InfluxServer:
    return influx_session.fresh()


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Housekeeping so bounded that it is nearly always in the middle of something."""
    for name, value in {"CHUNK_ROWS": 60, "CHUNKS": 2, "MEND_MINUTES": 2, "_POINTS": 2}.items():
        monkeypatch.setattr(rollup, name, value)
    monkeypatch.setattr(sender, "LINES_AT_ONCE", 3)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(operations, st.lists(windows, min_size=1, max_size=2))
def test_range_equals_brute_force(
    influx_server: InfluxTestServer,
    database: InfluxServer,
    small_steps: None,
    todo: list[tuple[str, list[Row], int]],
    looks: list[tuple[int, int, object]],
) -> None:
    site, kept = f"site-{next(NUMBERS)}", Kept(last_stays=True)
    with tempfile.TemporaryDirectory() as folder:
        store = opened(database, folder)
        try:
            for what, batch, minute in todo:
                named = [(f"{site}/{row[0]}", *row[1:]) for row in batch]
                for first in range(0, len(named), 3):
                    store.write(named[first : first + 3])
                kept.write(named)
                if what == "maintain":  # while some of that is still to be sent
                    store.maintain(from_ms(MIDNIGHT + minute * MINUTE_MS))
                elif what == "reopen":
                    store.close()
                    store = opened(database, folder)
                elif what != "write":
                    influx_server.mode.how = what
                if influx_server.mode.how == "up":
                    assert store.flush(20)
                    compare(store, kept, site, looks)
            influx_server.mode.how = "up"
            assert store.flush(20)
            for _ in range(100):
                store.maintain(FAR)
                assert store.flush(20)
            compare(store, kept, site, looks)
            assert store.is_mended
            rolled = rolled_up(influx_server, database, site)
            good = [row for row in kept.rows.values() if row[4] < 2]
            assert rolled == {level: len(good) for level in rolled}, "every good reading is in one minute and one hour"
        finally:
            influx_server.mode.how = "up"
            store.close()


def opened(database: InfluxServer, folder: str) -> InfluxStore:
    store = open_influx_store(database, Path(folder) / "spool-main.db", spool_bytes=1 << 30, pace=QUICK)
    assert isinstance(store, InfluxStore)
    return store


def compare(store: InfluxStore, kept: Kept, site: str, looks: list[tuple[int, int, object]]) -> None:
    for point in POINTS:
        series = f"{site}/{point}"
        everything = kept.readings(series, EPOCH, FAR)
        assert store.readings(series, EPOCH, FAR) == everything
        assert store.latest([series]) == ({series: everything[-1]} if everything else {})
        for step in STEPS:
            check(store.range(series, EPOCH, FAR, step), kept.range(series, EPOCH, FAR, step, EPOCH))
            for first, last, origin in looks:
                start, end = from_ms(min(first, last)), from_ms(max(first, last))
                found = store.range(series, start, end, step, origin=origin)
                check(found, kept.range(series, start, end, step, origin))


def rolled_up(server: InfluxTestServer, database: InfluxServer, site: str) -> dict[str, int]:
    """How many readings the minutes and hours of a site count."""
    counts = {}
    for level in ("1m", "1h"):
        rows = server.query(f"{database.bucket}_{level}", f"SELECT sum(count) AS n FROM reading WHERE site='{site}'")
        counts[level] = int(rows[0]["n"]) if rows else 0
    return counts
