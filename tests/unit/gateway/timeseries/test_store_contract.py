"""What every time-series store promises, on each of them; another one joins by a line in STORES.

Where stores differ by their nature, `Nature` names the difference and both sides are tested.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from influx import InfluxTestServer

from gateway.contract.times import from_ms
from gateway.timeseries.influxdb import InfluxServer, InfluxStore, open_influx_store
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import AheadClaim, Row, RowRefused, TimeSeriesStore, WriteResult, tie_of

T0 = 1_795_262_400_000  # 2026-11-21T12:00:00Z, where a six-hour bucket starts
P = "riverside/zone-low-pressure"
Q = "riverside/zone-high-pressure"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

Open = Callable[[], TimeSeriesStore]


@dataclass(frozen=True)
class Nature:
    """How stores differ."""

    knows_repeats: bool
    """The result of a write says what was there; of two values for one key the first stays, else the last."""
    deletes: bool
    """`retain` deletes, else it leaves that to the server and only stops answering."""
    holds_every_double: bool
    holds_every_year: bool

    def wrote(self, stored: int, repeated: int, expired: int = 0) -> WriteResult:
        """What a write says that stored so many and found so many."""
        return (
            WriteResult(stored, repeated, expired) if self.knows_repeats else WriteResult(stored + repeated, 0, expired)
        )


STORES = {
    "sqlite": Nature(knows_repeats=True, deletes=True, holds_every_double=True, holds_every_year=True),
    "influxdb": Nature(knows_repeats=False, deletes=False, holds_every_double=False, holds_every_year=False),
}


class Settled:
    """An InfluxDB store that waits after every step until the server has it."""

    def __init__(self, store: TimeSeriesStore) -> None:
        assert isinstance(store, InfluxStore)
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("write", "maintain"):
            return found

        def settled(argument: Any) -> Any:
            result = found(argument)
            assert self._store.flush(30), "the spool is not empty"
            return result

        return settled


def row(seconds: float, value: float, *, series: str = P, quality: int = 0, tie: int = 0, delay_ms: int = 25) -> Row:
    at_ms = T0 + round(seconds * 1000)
    return (series, at_ms, tie, value, quality, at_ms + delay_ms)


def at(seconds: float) -> datetime:
    return from_ms(T0 + round(seconds * 1000))


@pytest.fixture(params=list(STORES))
def kind(request: pytest.FixtureRequest) -> str:
    """Which store is under test."""
    return str(request.param)


@pytest.fixture
def nature(kind: str) -> Nature:
    """How it differs."""
    return STORES[kind]


@pytest.fixture
def reopen(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the store under test; each call closes the one before."""
    opened: list[TimeSeriesStore] = []
    server: InfluxServer | None = None
    if kind == "influxdb":
        running: InfluxTestServer = request.getfixturevalue("influx_server")
        server = running.fresh()

    def open_again() -> TimeSeriesStore:
        while opened:
            opened.pop().close()
        if server is None:
            opened.append(open_sqlite_store(tmp_path / "readings.db"))
        else:
            store: Any = Settled(open_influx_store(server, tmp_path / "spool-main.db", spool_bytes=1 << 30))
            opened.append(store)
        return opened[-1]

    yield open_again
    while opened:
        opened.pop().close()


@pytest.fixture
def store(reopen: Open) -> TimeSeriesStore:
    return reopen()


class TestWrite:
    def test_says_what_it_stored_and_what_it_had(self, store: TimeSeriesStore, nature: Nature) -> None:
        assert store.write([row(0, 1.0), row(1, 2.0)]) == WriteResult(stored=2, repeated=0)
        assert store.write([row(1, 2.0), row(2, 3.0)]) == nature.wrote(stored=1, repeated=1)
        assert store.count(P) == 3

    def test_repeats_within_one_write_are_stored_once(self, store: TimeSeriesStore, nature: Nature) -> None:
        assert store.write([row(0, 1.0), row(0, 1.0)]) == nature.wrote(stored=1, repeated=1)
        assert store.count() == 1

    def test_nothing_is_fine(self, store: TimeSeriesStore) -> None:
        assert store.write([]) == WriteResult(0, 0)

    def test_two_readings_in_one_millisecond_both_survive(self, store: TimeSeriesStore) -> None:
        first, second = tie_of("B7-41", 0), tie_of("B7-42", 0)
        store.write([row(0, 0.41, tie=first), row(0, 0.52, tie=second)])
        assert sorted(reading.value for reading in store.readings(P, at(0), at(1))) == [0.41, 0.52]
        assert store.range(P, at(0), at(1), timedelta(seconds=1))[0].count == 2

    def test_one_of_two_values_for_one_key_stays(self, store: TimeSeriesStore, nature: Nature) -> None:
        store.write([row(0, 1.0)])
        assert store.write([row(0, 9.0)]) == nature.wrote(0, 1)
        assert store.latest([P])[P].value == (1.0 if nature.knows_repeats else 9.0)
        assert store.count() == 1

    def test_within_one_write_too(self, store: TimeSeriesStore, nature: Nature) -> None:
        assert store.write([row(0, 9.0), row(0, 2.0)]) == nature.wrote(stored=1, repeated=1)
        assert store.latest([P])[P].value == (9.0 if nature.knows_repeats else 2.0)
        assert store.count() == 1

    def test_is_there_after_reopening(self, reopen: Open, nature: Nature) -> None:
        reopen().write([row(0, 1.5)])
        store = reopen()
        assert store.latest([P])[P].value == 1.5
        assert store.write([row(0, 1.5), row(0, 1.5, series=Q)]) == nature.wrote(1, 1)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_refuses_what_is_no_number_and_writes_nothing(self, store: TimeSeriesStore, value: float) -> None:
        with pytest.raises(RowRefused, match=f"Row 1 of {Q}: value {value} is not a finite number"):
            store.write([row(0, 1.0), row(0, value, series=Q)])
        assert store.count() == 0
        assert store.write([row(0, 1.0, series=Q)]).stored == 1

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            ((P, -1, 0, 1.0, 0, 0), "time -1 ms"),
            ((P, 253_402_300_800_000, 0, 1.0, 0, 0), "is not between 1970 and 9999"),
            ((P, T0, 0, 1.0, 3, T0), "quality 3"),
            ((P, T0, 1 << 63, 1.0, 0, T0), "64 bits"),
        ],
    )
    def test_names_the_row_it_refuses(self, store: TimeSeriesStore, bad: Row, why: str) -> None:
        with pytest.raises(RowRefused, match=why):
            store.write([row(0, 1.0), bad])
        assert store.count() == 0

    @pytest.mark.parametrize("size", [1, 3, 4095, 4096, 4097, 5000, 9000])
    def test_every_size_of_batch_arrives_whole(self, store: TimeSeriesStore, nature: Nature, size: int) -> None:
        rows = [row(index, float(index), series=f"riverside/p{index % 7}") for index in range(size)]
        assert store.write(rows) == WriteResult(size, 0)
        assert store.write(rows) == nature.wrote(0, size)
        assert store.count() == size
        assert store.count("riverside/p0") == -(-size // 7)


class TestReadings:
    def test_are_half_open_and_in_order_with_both_times(self, store: TimeSeriesStore) -> None:
        store.write([row(2, 3.0), row(0, 1.0), row(1, 2.0, quality=2), row(3, 4.0)])
        found = store.readings(P, at(0), at(3))
        assert [(one.at, one.value, one.quality) for one in found] == [
            (at(0), 1.0, 0),
            (at(1), 2.0, 2),
            (at(2), 3.0, 0),
        ]
        assert found[0].received_at - found[0].at == timedelta(milliseconds=25)

    def test_stop_at_the_limit(self, store: TimeSeriesStore) -> None:
        store.write([row(hour * 3600, float(hour)) for hour in range(30)])
        assert [one.value for one in store.readings(P, at(0), at(10**6), limit=20)] == [float(n) for n in range(20)]
        assert store.readings(P, at(0), at(10**6), limit=0) == []

    def test_of_an_unknown_series_are_none(self, store: TimeSeriesStore) -> None:
        assert store.readings("riverside/unknown", at(0), at(1)) == []
        assert store.range("riverside/unknown", at(0), at(1), MINUTE) == []
        assert store.count("riverside/unknown") == 0


class TestLatest:
    def test_is_the_newest_by_event_time_whatever_came_last(self, store: TimeSeriesStore) -> None:
        store.write([row(10, 1.0)])
        store.write([row(5, 2.0), row(20, 7.0, series=Q, quality=2)])
        assert store.latest([P, Q, "riverside/unknown"]) == {
            P: store.readings(P, at(10), at(11))[0],
            Q: store.readings(Q, at(20), at(21))[0],
        }

    def test_finds_a_series_that_fell_silent_long_ago(self, store: TimeSeriesStore) -> None:
        store.write([row(0, 1.0)])
        for day in range(20):
            store.write([row(day * 86_400, 2.0, series=Q)])
            store.maintain(at(day * 86_400 + 600))
        assert store.latest([P])[P].value == 1.0
        store.write([row(30, 3.0)])  # late, but newer than what there was
        assert store.latest([P])[P].value == 3.0
        for _ in range(3):
            store.maintain(at(20 * 86_400))
        assert store.latest([P])[P].value == 3.0
        assert store.latest([Q])[Q].at == at(19 * 86_400)

    def test_of_one_millisecond_is_the_greatest_tie(self, store: TimeSeriesStore) -> None:
        store.write([row(0, 1.0, tie=7), row(0, 2.0, tie=9), row(0, 3.0, tie=8)])
        assert store.latest([P])[P].value == 2.0
        assert store.range(P, at(0), at(60), MINUTE)[0].last == 2.0
        store.maintain(at(7200))
        assert store.range(P, at(0), at(60), MINUTE)[0].last == 2.0


class TestRange:
    def test_aggregates_good_and_uncertain_readings(self, store: TimeSeriesStore) -> None:
        store.write([row(0, 1.0), row(10, 4.0, quality=1), row(20, 100.0, quality=2), row(59.999, 1.0), row(60, 8.0)])
        first, second = store.range(P, at(0), at(120), MINUTE)
        assert (first.at, first.count, first.mean, first.min, first.max, first.last) == (at(0), 3, 2.0, 1.0, 4.0, 1.0)
        assert (second.at, second.count, second.last) == (at(60), 1, 8.0)

    def test_takes_only_what_is_inside_and_keeps_the_step_where_it_is(self, store: TimeSeriesStore) -> None:
        store.write([row(10, 1.0), row(30, 2.0), row(50, 3.0)])
        (bucket,) = store.range(P, at(20), at(50), MINUTE)
        assert (bucket.at, bucket.count, bucket.mean) == (at(0), 1, 2.0)

    def test_counts_steps_from_an_origin_for_local_days(self, store: TimeSeriesStore) -> None:
        store.write([row(hour * 3600, 1.0) for hour in range(48)])
        store.maintain(at(49 * 3600))
        midnight = datetime(2026, 11, 21, tzinfo=timezone(timedelta(hours=8)))
        days = store.range(P, at(0), at(48 * 3600), timedelta(days=1), origin=midnight)
        # 12:00 UTC is 20:00 in Shanghai: four hours are left of the first day.
        assert [(day.at.astimezone(UTC).hour, day.count) for day in days] == [(16, 4), (16, 24), (16, 20)]

    def test_is_empty_where_nothing_is(self, store: TimeSeriesStore) -> None:
        store.write([row(0, 1.0), row(10, 1.0, quality=2)])
        assert store.range(P, at(1), at(3600), MINUTE) == []
        assert store.range(P, at(10), at(0), MINUTE) == []

    @pytest.mark.parametrize("step", [timedelta(0), timedelta(seconds=-1), timedelta(microseconds=1500)])
    def test_wants_a_step_of_whole_milliseconds(self, store: TimeSeriesStore, step: timedelta) -> None:
        with pytest.raises(ValueError, match="step"):
            store.range(P, at(0), at(1), step)

    def test_survives_values_whose_sum_no_double_holds(self, store: TimeSeriesStore, nature: Nature) -> None:
        if not nature.holds_every_double:
            with pytest.raises(RowRefused, match=f"Row 1 of {P}: value 1.7e\\+308 is beyond 1e\\+300"):
                store.write([row(0, 1.0), row(1, 1.7e308)])
            assert store.count() == 0
            return
        store.write([row(0, 1.7e308), row(1, 1.7e308), row(60, 1.7e308), row(61, 1.7e308), row(120, -1.7e308)])
        store.write([row(121, -1.7e308)])
        for _ in range(2):
            for bucket in (*store.range(P, at(0), at(180), MINUTE), *store.range(P, at(0), at(180), HOUR)):
                assert bucket.min <= bucket.mean <= bucket.max
            store.maintain(at(7200))

    def test_reads_any_time_there_is(self, store: TimeSeriesStore, nature: Nature) -> None:
        last_ms = 253_402_300_799_999 if nature.holds_every_year else 9_223_372_036_852
        if not nature.holds_every_year:
            with pytest.raises(RowRefused, match=f"Row 0 of {P}: time {last_ms + 1} ms is after April 2262"):
                store.write([(P, last_ms + 1, 0, 2.0, 0, last_ms)])
        store.write([(P, 0, 0, 1.0, 0, 0), (P, last_ms, 999_982, 2.0, 0, last_ms)])
        first = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
        assert len(store.readings(P, first, datetime.max.replace(tzinfo=UTC))) == 2
        assert sum(one.count for one in store.range(P, first, datetime.max.replace(tzinfo=UTC), HOUR)) == 2


class TestAheadClaims:
    def test_first_answer_stands_for_repeats(self, reopen: Open) -> None:
        assert reopen().settle_ahead(P, T0 + 3_600_000, 7, T0) == T0
        store = reopen()
        assert store.settle_ahead(P, T0 + 3_600_000, 7, T0 + 5) == T0
        assert store.settle_ahead(P, T0 + 3_600_000, 8, T0 + 6) == T0 + 6
        assert store.settle_ahead(Q, T0 + 3_600_000, 7, T0 + 7) == T0 + 7

    def test_many_at_once_keep_their_order(self, store: TimeSeriesStore) -> None:
        claims = [
            AheadClaim(P, T0 + 9000, 1, T0),
            AheadClaim(Q, T0 + 9000, 1, T0 + 1),
            AheadClaim(P, T0 + 9000, 1, T0 + 2),
        ]
        assert store.settle_all_ahead(claims) == [T0, T0 + 1, T0]
        assert store.settle_all_ahead([]) == []

    def test_are_no_readings(self, store: TimeSeriesStore) -> None:
        store.settle_ahead(P, T0, 7, T0)
        assert store.latest([P]) == {}
        assert store.count() == 0


class TestRetain:
    def test_drops_old_rows_and_answers_from_rollups(self, store: TimeSeriesStore, nature: Nature) -> None:
        store.write([row(minute * 60, float(minute)) for minute in range(2 * 24 * 60)])
        now = at(2 * 86_400)
        whole = store.range(P, at(0), now, HOUR)
        for _ in range(200):
            store.maintain(now + timedelta(hours=2))
        dropped = store.retain(now, timedelta(days=1), timedelta(days=365), timedelta(days=3650))
        assert 0 < 2 * 24 * 60 - store.count() < 2 * 24 * 60
        assert dropped == (2 * 24 * 60 - store.count() if nature.deletes else 0)
        kept = store.readings(P, at(0), now, limit=5000)
        assert len(kept) == store.count(P) == store.count()
        assert now - timedelta(days=1, hours=7) < kept[0].at <= now - timedelta(days=1)
        assert store.range(P, at(0), now, HOUR) == whole
        assert store.latest([P])[P].value == 2879.0

    def test_rows_older_than_that_are_not_taken_back(self, store: TimeSeriesStore) -> None:
        store.write([row(0, 1.0), row(10, 2.0), row(2 * 86_400, 3.0)])
        now = at(2 * 86_400)
        for _ in range(20):
            store.maintain(now + timedelta(hours=2))
        store.retain(now, timedelta(days=1), timedelta(days=365), timedelta(days=3650))
        assert store.write([row(0, 1.0), row(20, 9.0), row(2 * 86_400 + 1, 4.0)]) == WriteResult(1, 0, expired=2)
        for _ in range(20):
            store.maintain(now + timedelta(hours=4))
        assert [one.count for one in store.range(P, at(0), at(60), MINUTE)] == [2]

    def test_what_is_not_rolled_up_yet_stays(self, store: TimeSeriesStore) -> None:
        store.write([row(0, 1.0)])
        assert store.retain(at(10**7), MINUTE, MINUTE, MINUTE) == 0
        assert store.count() == 1

    def test_late_rows_not_rolled_up_yet_stay_with_their_neighbours(
        self, store: TimeSeriesStore, nature: Nature
    ) -> None:
        store.write([row(minute * 60, 1.0) for minute in range(24 * 60)])
        for _ in range(20):
            store.maintain(at(2 * 86_400))
        store.write([row(7 * 3600 + 1, 5.0)])
        policy = (HOUR, timedelta(days=365), timedelta(days=3650))
        assert store.retain(at(10 * 86_400), *policy) == (6 * 60 if nature.deletes else 0)
        assert store.count() == 18 * 60 + 1
        assert store.range(P, at(7 * 3600), at(8 * 3600), HOUR)[0].count == 61
        for _ in range(5):
            store.maintain(at(2 * 86_400))
        assert store.retain(at(10 * 86_400), *policy) == (18 * 60 + 1 if nature.deletes else 0)
        assert store.count() == 0
        assert [one.count for one in store.range(P, at(0), at(86_400), HOUR)] == [60] * 7 + [61] + [60] * 16

    def test_everything_goes_in_the_end(self, store: TimeSeriesStore, nature: Nature) -> None:
        store.write([row(minute * 60, 1.0) for minute in range(300)])
        for _ in range(50):
            store.maintain(at(200 * 86_400))
        assert store.retain(at(200 * 86_400), HOUR, HOUR, HOUR) == (300 + 300 + 5 if nature.deletes else 0)
        assert store.range(P, at(0), at(200 * 86_400), HOUR) == []
        assert store.latest([P]) == {}


class TestTies:
    def test_are_48_bits_and_the_same_every_time(self) -> None:
        assert tie_of("B7-41", 3) == tie_of("B7-41", 3)
        assert 0 <= tie_of("01J9ZK3V5Q8W2X4Y6Z7A8B9C0D", 65_535) < 1 << 48

    def test_of_consecutive_events_differ(self) -> None:
        assert len({tie_of(f"B7-{number}", 0) for number in range(1000, 10_000)}) == 9000

    @pytest.mark.parametrize("index", [-1, 65_536])
    def test_know_their_bounds(self, index: int) -> None:
        with pytest.raises(ValueError, match="B7-41"):
            tie_of("B7-41", index)
