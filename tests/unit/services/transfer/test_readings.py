"""What is copied of the time series, and when two copies count as the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.contract.times import to_ms
from gateway.timeseries.influx.lines import TIES
from gateway.timeseries.schema import DAY_MS, MINUTES, RAW, Marks
from gateway.timeseries.store import Row
from services.transfer.mark import Mark
from services.transfer.readings import kept, seal, seal_of_rows, told_apart

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAYS = timedelta(days=1)
GOOD: list[Row] = [("s/p", 1000, 5, 0.5, 0, 1400), ("s/p", 2000, 1, -1.0, 2, 2000)]


def test_readings_about_to_be_dropped_are_not_copied() -> None:
    whole = kept(Marks(), NOW, 90 * DAYS, 400 * DAYS, 7)
    assert to_ms(NOW - 90 * DAYS) < whole.raw_from <= to_ms(NOW - 90 * DAYS) + 8 * 3_600_000
    assert (whole.raw_from % RAW.bucket_ms, whole.minutes_from % MINUTES.bucket_ms, whole.until) == (0, 0, 7)
    young = Marks(raw_from=to_ms(NOW) - DAY_MS, minutes_from=to_ms(NOW) - 2 * DAY_MS)
    assert kept(young, NOW, 90 * DAYS, 400 * DAYS, 7)[:2] == (young.raw_from, young.minutes_from)


@pytest.mark.parametrize(
    "other",
    [
        GOOD[:1],
        GOOD[::-1],
        [GOOD[0], GOOD[0]],
        [GOOD[0], ("s/p", 2000, 1, -2.0, 2, 2000)],
        [GOOD[0], ("s/p", 2000, 1, -1.0, 1, 2000)],
        [GOOD[0], ("s/p", 2000, 1, -1.0, 2, 2001)],
        [GOOD[0], ("s/p", 2000, 2, -1.0, 2, 2000)],
        [GOOD[0], ("s/p", 2001, 1, -1.0, 2, 2001)],
    ],
)
def test_a_seal_breaks_with_any_change(other: list[Row]) -> None:
    assert seal_of_rows(other) != seal_of_rows(GOOD)


def test_a_seal_is_that_of_what_influxdb_answers() -> None:
    assert seal([[1000, 0.5, 0, 400, 5], [2000, -1, 2.0, 0, 1]]) == seal_of_rows(GOOD)
    assert seal([[1000, 0.5, 0, 400, 5], [2000, None, 2, 0, 1]]) != seal_of_rows(GOOD)
    assert seal([]) == (0, b"")


def test_of_readings_in_one_nanosecond_the_last_is_left() -> None:
    rows: list[Row] = [("s/p", 1, tie, float(tie), 0, 1) for tie in (3, TIES - 1, TIES + 2, TIES + 3)]
    assert [row[2] for row in told_apart(rows)] == [TIES + 2, TIES + 3, TIES - 1]
    assert told_apart(GOOD) == GOOD


def test_a_mark_belongs_to_one_target_and_survives(tmp_path: Path) -> None:
    path = tmp_path / "timeseries.db.transfer"
    Mark(path, "a").set("raw", 5)
    assert (Mark(path, "a").before("raw"), Mark(path, "a").before("1m"), Mark(path, "b").before("raw")) == (5, 0, 0)
    path.write_text('{"target": "a", "before": 3}')
    assert Mark(path, "a").before("raw") == 0
    Mark(path, "a").forget()
    assert not path.exists()
