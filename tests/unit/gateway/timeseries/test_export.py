"""What a store holds comes out in order, once, in pieces of bounded size, beside its writer or alone."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.contract.times import from_ms
from gateway.timeseries.export import Export, Slice
from gateway.timeseries.schema import DAY_MS, HOURS, LAST_MS, MINUTE_MS, MINUTES, RAW, Level
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import AheadClaim, Row, StoreBroken, StoreBusy

START_MS = 1_790_000_000_000 // DAY_MS * DAY_MS
ROWS: list[Row] = [
    (series, START_MS + n * 3 * MINUTE_MS, tie, n / 7, n % 3, START_MS + n * 3 * MINUTE_MS + n)
    for series in ("yunhe/a", "yunhe/b")
    for n in range(700)
    for tie in range(2 if n % 10 == 0 else 1)
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "timeseries.db"
    store = open_sqlite_store(found)
    store.write(ROWS)
    store.close()
    return found


def pieces(export: Export, level: Level = RAW, most: int = 100) -> list[Slice]:
    return list(export.slices(level, 0, LAST_MS, most))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("most", [1, 100, 1_000_000])
def test_every_row_comes_once_in_order(path: Path, alone: bool, most: int) -> None:
    with Export(path, alone=alone) as export:
        found: dict[str, list[Row]] = {}
        for piece in pieces(export, most=most):
            for series, rows in export.rows(piece):
                assert all(piece.start_ms <= row[1] < piece.end_ms for row in rows)
                found.setdefault(series, []).extend(rows)
    assert [row for rows in found.values() for row in rows] == ROWS


def test_pieces_are_about_as_large_as_wanted_and_know_it(path: Path) -> None:
    with Export(path) as export:
        found = pieces(export)
        sizes = [sum(len(rows) for _, rows in export.rows(piece)) for piece in found]
    assert max(sizes) <= 110
    assert sum(piece.rows for piece in found) == pytest.approx(len(ROWS), rel=0.05)
    assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(found))


def test_rollups_come_with_everything_but_the_time_of_the_newest(path: Path) -> None:
    store = open_sqlite_store(path)
    for _ in range(40):
        store.maintain(from_ms(START_MS + 3 * DAY_MS))
    expected = store.range("yunhe/a", from_ms(START_MS), from_ms(START_MS + 2 * DAY_MS), timedelta(hours=1))
    store.close()
    with Export(path) as export:
        minutes = [one for piece in pieces(export, MINUTES) for _, rows in export.rollups(piece) for one in rows]
        hours = [
            one
            for piece in pieces(export, HOURS)
            for name, rows in export.rollups(piece)
            for one in rows
            if name == "yunhe/a"
        ]
        assert export.dirty() == 0
    assert len(minutes) == 2 * sum(1 for n in range(700) if n % 3 < 2)
    assert [(one.at_ms, one.rows, one.low, one.high, one.last) for one in hours] == [
        (int(one.at.timestamp() * 1000), one.count, one.min, one.max, one.last) for one in expected
    ]


def test_alone_means_that_nobody_else_has_it_open(path: Path) -> None:
    store = open_sqlite_store(path)
    with pytest.raises(StoreBusy):
        Export(path, alone=True)
    Export(path).close()
    store.close()
    with Export(path, alone=True), pytest.raises(StoreBusy):
        Export(path, alone=True)


def test_where_nothing_is_nothing_is_made(tmp_path: Path) -> None:
    for alone in (False, True):
        with pytest.raises(StoreBroken, match="no time-series store"):
            Export(tmp_path / "none.db", alone=alone)
    assert list(tmp_path.iterdir()) == []


def test_claims_come_along(path: Path) -> None:
    store = open_sqlite_store(path)
    store.settle_ahead("yunhe/a", START_MS + 9, 3, START_MS)
    store.close()
    with Export(path) as export:
        assert list(export.claims()) == [AheadClaim("yunhe/a", START_MS + 9, 3, START_MS)]
