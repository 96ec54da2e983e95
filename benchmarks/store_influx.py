"""The time-series stores side by side: python -m benchmarks.store_influx

SQLite and InfluxDB on this machine, in turn, with the same rows: how fast they take readings durably (InfluxDB: into
the spool), how fast they are in the database, and the questions a console asks. InfluxDB is the one of the tests:
Debian's 1.6.7 behind their proxy, `influxd` 2.x when that comes first on PATH, or the one of INFLUXDB_URL.
"""

import argparse
import importlib
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.store import SERIES, T0, make_batches
from gateway.contract.times import from_ms
from gateway.timeseries.influxdb import InfluxStore, open_influx_store
from gateway.timeseries.schema import load_marks
from gateway.timeseries.sqlite import SqliteStore, open_sqlite_store
from gateway.timeseries.store import Row, TimeSeriesStore

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAYS = 30
STORES = ("sqlite", "influxdb")
Figures = dict[str, dict[str, float]]


def settle(store: TimeSeriesStore) -> None:
    """Wait until everything is in the database."""
    if isinstance(store, InfluxStore) and not store.flush(600):
        raise SystemExit("InfluxDB did not take everything within ten minutes")


def write_speed(open_fresh: dict[str, Callable[[], TimeSeriesStore]], size: int, rows: int, rounds: int) -> Figures:
    """Rows/s until they are taken, and until they are in the database: medians of rounds in turn."""
    batches = make_batches(max(1, rows // size), size)
    taken: dict[str, list[float]] = {name: [] for name in STORES}
    stored: dict[str, list[float]] = {name: [] for name in STORES}
    for _ in range(rounds):
        for name in STORES:
            with closing(open_fresh[name]()) as store:
                started = time.perf_counter()
                for batch in batches:
                    store.write(batch)
                took = time.perf_counter() - started
                settle(store)
                taken[name].append(len(batches) * size / took)
                stored[name].append(len(batches) * size / (time.perf_counter() - started))
    found = {
        name: {"taken": statistics.median(taken[name]), "stored": statistics.median(stored[name])} for name in STORES
    }
    for what in ("taken", "stored"):
        sqlite, influx = (found[name][what] for name in STORES)
        label = f"{what}, batches of {size:,}"
        print(f"{label:34s} {sqlite:10,.0f} {influx:10,.0f} rows/s  {influx / sqlite:6.2f}")
    return found


def month(names: Sequence[str]) -> list[list[Row]]:
    """A reading a minute of every series."""
    dice = random.Random(2)
    minutes = DAYS * 24 * 60
    return [
        [
            (name, T0 + minute * 60_000, 0, round(dice.random(), 2), 0, T0 + minute * 60_000 + 40)
            for minute in range(first, first + 240)
            for name in names
        ]
        for first in range(0, minutes, 240)
    ]


def hot(ask: Callable[[], Any], repeats: int = 7) -> float:
    """Median milliseconds of a question asked again and again."""
    ask()
    taken = []
    for _ in range(repeats):
        before = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - before) * 1000)
    return statistics.median(taken)


def read_speed(stores: dict[str, TimeSeriesStore], series: int) -> Figures:
    """The questions of a console, before and after rolling up."""
    names = SERIES[:series]
    start, end = from_ms(T0), from_ms(T0) + timedelta(days=DAYS)
    batches = month(names)
    for name, store in stores.items():
        started = time.perf_counter()
        for batch in batches:
            store.write(batch)
        settle(store)
        print(
            f"      {name}: {store.count():,} rows of {series} series loaded in {time.perf_counter() - started:.1f} s"
        )
    one, twenty = names[series // 2], names[:20]
    found: Figures = {}

    def line(what: str, ask: Callable[[TimeSeriesStore], Any]) -> None:
        sqlite, influx = (hot(partial(ask, stores[name])) for name in STORES)
        found[what] = {"sqlite": sqlite, "influxdb": influx}
        print(f"{what:34s} {sqlite:10.2f} {influx:10.2f} ms      {influx / sqlite:6.2f}")

    line("1 point, 30 days hourly, from rows", lambda store: store.range(one, start, end, HOUR))
    for name, store in stores.items():
        started = time.perf_counter()
        roll_up(store, names[-1])
        print(f"      {name}: rolled up in {time.perf_counter() - started:.1f} s")
    line("1 point, 30 days hourly", lambda store: store.range(one, start, end, HOUR))
    line(f"{len(twenty)} points, 30 days hourly", lambda store: [store.range(p, start, end, HOUR) for p in twenty])
    line("1 point, last 24 h by minute", lambda store: store.range(one, end - 24 * HOUR, end, MINUTE))
    line("1 point, last 24 h, rows", lambda store: store.readings(one, end - 24 * HOUR, end))
    line(f"latest of all {series}", lambda store: store.latest(names))
    return found


def roll_up(store: TimeSeriesStore, name: str) -> None:
    """Housekeeping until it is done; a maintain of InfluxDB does as much as one of SQLite."""
    end = from_ms(T0) + timedelta(days=DAYS, minutes=2)
    for _ in range(2000):
        store.maintain(end)
        settle(store)
        if done_ms(store, name) >= T0 + DAYS * 86_400_000:
            return
    raise SystemExit("rolling up did not come to an end")


def done_ms(store: TimeSeriesStore, name: str) -> int:
    """Up to when hours are rolled up."""
    if isinstance(store, InfluxStore):
        return store.marks(name.partition("/")[0]).hours_done
    assert isinstance(store, SqliteStore)
    with closing(sqlite3.connect(store.path)) as conn:
        return load_marks(conn).hours_done


def main() -> None:
    """Run everything; about two minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each write measurement")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of each round")
    parser.add_argument("--series", type=int, default=24, help="series of the month that is read")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    influx: Any = importlib.import_module("influx").InfluxTestServer().open()
    number = iter(range(10**6))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; InfluxDB {'1.x' if influx.is_v1 else '2.x'}")
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)

            def fresh_sqlite() -> TimeSeriesStore:
                return open_sqlite_store(folder / f"{next(number)}.db")

            def fresh_influx() -> TimeSeriesStore:
                return open_influx_store(influx.fresh(), folder / f"spool-{next(number)}.db", spool_bytes=1 << 40)

            fresh = {"sqlite": fresh_sqlite, "influxdb": fresh_influx}
            print(f"{'':34s} {'SQLite':>10s} {'InfluxDB':>10s}         ratio")
            figures: dict[str, Any] = {
                f"write_{size}": write_speed(fresh, size, options.rows, options.rounds) for size in (5000, 1000, 100)
            }
            stores = {name: open_one() for name, open_one in fresh.items()}
            figures["read_ms"] = read_speed(stores, options.series)
            for store in stores.values():
                store.close()
    finally:
        influx.close()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
