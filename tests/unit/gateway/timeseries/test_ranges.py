"""Ranges are exact: whatever was written when, rolled up or not, they equal an aggregation of the rows by hand."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from timeseries_oracle import Kept, check

from gateway.contract.times import from_ms
from gateway.timeseries import rollup
from gateway.timeseries.pieces import Piece, plan
from gateway.timeseries.schema import HOUR_MS, HOURS, MINUTE_MS, MINUTES, RAW, Marks
from gateway.timeseries.sqlite import SqliteStore, open_sqlite_store
from gateway.timeseries.store import EPOCH, Row

MIDNIGHT = 1_795_305_600_000  # 2026-11-22T00:00Z: raw and minute buckets of the store both end here
SERIES = ("riverside/a", "riverside/b")
STEPS = [timedelta(seconds=n) for n in (10, 60, 90, 900, 3600, 7200, 86_400)]
FAR = from_ms(MIDNIGHT + 10 * 86_400_000)

at_ms = st.builds(
    lambda minute, ms: MIDNIGHT + minute * MINUTE_MS + ms,
    st.integers(-130, 130),
    st.sampled_from([0, 1, 30_000, 59_999]),
)
rows = st.lists(
    st.builds(
        lambda series, at, tie, value, quality: (series, at, tie, value, quality, at + 5),
        st.sampled_from(SERIES),
        at_ms,
        st.integers(0, 2),
        st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6)),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=12,
)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("write"), rows, st.just(0)),
        st.tuples(st.just("maintain"), st.one_of(st.just([]), rows), st.integers(-140, 300)),
        st.tuples(st.just("reopen"), st.just([]), st.just(0)),
    ),
    min_size=1,
    max_size=14,
)
windows = st.tuples(
    at_ms, at_ms, st.sampled_from([EPOCH, from_ms(MIDNIGHT - 16 * HOUR_MS), from_ms(90_000), from_ms(7)])
)


def keeper_writing_in_between(store: SqliteStore, batch: list[Row], kept: Kept) -> None:
    """Let rows arrive between the housekeeper's look at the rows and its storing of what it saw."""
    keeper = store._keeper
    really_store = keeper._store

    def store_after_a_write(*args: object) -> bool:
        if batch:
            store.write(batch)
            kept.write(batch)
            batch.clear()
        return really_store(*args)  # type: ignore[arg-type]

    keeper._store = store_after_a_write  # type: ignore[method-assign]


def opened(folder: str) -> SqliteStore:
    store = open_sqlite_store(Path(folder) / "readings.db")
    assert isinstance(store, SqliteStore)
    return store


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Housekeeping so bounded that it is nearly always in the middle of something."""
    for name, value in {"_CHUNK_ROWS": 60, "_CHUNKS": 2, "_MEND_MINUTES": 2, "_MEND_BATCHES": 2}.items():
        monkeypatch.setattr(rollup, name, value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations, st.lists(windows, min_size=1, max_size=3))
def test_range_equals_brute_force(
    small_steps: None,
    todo: list[tuple[str, list[Row], int]],
    looks: list[tuple[int, int, datetime]],
) -> None:
    kept = Kept()
    with tempfile.TemporaryDirectory() as folder:
        store = opened(folder)
        try:
            for what, batch, minute in todo:
                if what == "write":
                    store.write(batch)
                    kept.write(batch)
                elif what == "reopen":
                    store.close()
                    store = opened(folder)
                else:
                    keeper_writing_in_between(store, list(batch), kept)
                    store.maintain(from_ms(MIDNIGHT + minute * MINUTE_MS))
                compare(store, kept, looks)
            for _ in range(40):
                store.maintain(FAR)
            compare(store, kept, looks)
            assert store._keeper._conn.execute("SELECT count(*) FROM dirty").fetchone() == (0,)
        finally:
            store.close()


def compare(store: SqliteStore, kept: Kept, looks: list[tuple[int, int, datetime]]) -> None:
    assert store.count() == len(kept.rows)
    for series in SERIES:
        everything = kept.readings(series, EPOCH, FAR)
        assert store.readings(series, EPOCH, FAR) == everything
        assert store.latest([series]) == ({series: everything[-1]} if everything else {})
        for step in STEPS:
            check(store.range(series, EPOCH, FAR, step), kept.range(series, EPOCH, FAR, step, EPOCH))
            for first, last, origin in looks:
                start, end = from_ms(min(first, last)), from_ms(max(first, last))
                check(
                    store.range(series, start, end, step, origin=origin), kept.range(series, start, end, step, origin)
                )


H = 500_000 * HOUR_MS
DONE = Marks(late_before=H + 9 * HOUR_MS, minutes_done=H + 8 * HOUR_MS + 30 * MINUTE_MS, hours_done=H + 8 * HOUR_MS)


def m(minutes: int) -> int:
    return H + minutes * MINUTE_MS


class TestPlan:
    def test_uses_hours_then_minutes_then_rows(self) -> None:
        assert plan(m(30), m(540), DONE, [], minutes=True, hours=True) == [
            Piece(MINUTES, m(30), m(60)),
            Piece(HOURS, m(60), m(480)),
            Piece(MINUTES, m(480), m(510)),
            Piece(RAW, m(510), m(540)),
        ]

    def test_reads_hours_not_rolled_up_yet_from_minutes(self) -> None:
        behind = DONE._replace(hours_done=m(120))
        assert plan(m(0), m(420), behind, [], minutes=True, hours=True) == [
            Piece(HOURS, m(0), m(120)),
            Piece(MINUTES, m(120), m(420)),
        ]

    def test_reads_parts_of_minutes_from_rows(self) -> None:
        assert plan(m(30) + 1, m(33) - 1, DONE, [], minutes=True, hours=True) == [
            Piece(RAW, m(30) + 1, m(31)),
            Piece(MINUTES, m(31), m(32)),
            Piece(RAW, m(32), m(33) - 1),
        ]

    def test_reads_dirty_minutes_from_rows_and_their_hour_from_minutes(self) -> None:
        assert plan(m(0), m(240), DONE, [m(70), m(71), m(80)], minutes=True, hours=True) == [
            Piece(HOURS, m(0), m(60)),
            Piece(MINUTES, m(60), m(70)),
            Piece(RAW, m(70), m(72)),
            Piece(MINUTES, m(72), m(80)),
            Piece(RAW, m(80), m(81)),
            Piece(MINUTES, m(81), m(120)),
            Piece(HOURS, m(120), m(240)),
        ]

    def test_reads_steps_that_end_within_minutes_from_rows(self) -> None:
        assert plan(m(0), m(240), DONE, [], minutes=False, hours=False) == [Piece(RAW, m(0), m(240))]

    def test_leaves_out_what_was_dropped(self) -> None:
        marks = DONE._replace(raw_from=m(360), minutes_from=m(120), hours_from=m(60))
        assert plan(m(0), m(540), marks, [], minutes=True, hours=True)[0] == Piece(HOURS, m(60), m(480))
        assert plan(m(0), m(540), marks, [], minutes=True, hours=False)[0] == Piece(MINUTES, m(120), m(510))
        assert plan(m(0), m(540), marks, [], minutes=False, hours=False) == [Piece(RAW, m(360), m(540))]

    @settings(max_examples=200)
    @given(
        st.integers(0, 600 * MINUTE_MS),
        st.integers(0, 600 * MINUTE_MS),
        st.sets(st.integers(0, 509)),
        st.booleans(),
        st.booleans(),
    )
    def test_covers_every_moment_once(self, a: int, b: int, dirty: set[int], minutes: bool, hours: bool) -> None:
        start, end = H + min(a, b), H + max(a, b)
        marked = [m(one) for one in sorted(dirty)]
        pieces = sorted(
            plan(start, end, DONE, marked, minutes=minutes, hours=hours and minutes), key=lambda p: p.start_ms
        )
        edges = [start, *(edge for piece in pieces for edge in piece[1:]), end]
        assert edges[::2] == edges[1::2] if start < end else not pieces
        for level, since, until in pieces:
            assert since < until
            if level is not RAW:
                assert since % level.unit_ms == 0 == until % level.unit_ms
                assert not any(since <= one < until for one in marked)
