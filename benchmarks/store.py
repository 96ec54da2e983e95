"""How fast the embedded time-series store is, next to a named baseline in the same run: python benchmarks/store.py

Writing: durable batches of 5,000 rows of 232 series, in turn with the baseline, which is a plain executemany of the
same rows into a bare table with a rowid (no key, nothing to skip). Reading: a month of one reading a minute.
"""

import argparse
import json
import os
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from gateway.contract.times import from_ms
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import Row, TimeSeriesStore, tie_of

SERIES = [f"riverside/point-{number}" for number in range(232)]
T0 = 1_795_262_400_000
HOUR = timedelta(hours=1)
Write = Callable[[list[Row]], object]


def make_batches(count: int, size: int, every_ms: int = 1000) -> list[list[Row]]:
    """Readings of all series in turn, each series every `every_ms`."""
    dice = random.Random(1)
    batches = []
    for number in range(count):
        rows: list[Row] = []
        for index in range(size):
            turn, series = divmod(number * size + index, len(SERIES))
            at_ms = T0 + turn * every_ms + dice.randrange(every_ms // 2)
            value = round(dice.uniform(0, 1), 3)
            rows.append((SERIES[series], at_ms, tie_of(f"B7-{number + 1}", index % 50), value, 0, at_ms + 37))
        batches.append(rows)
    return batches


@contextmanager
def baseline(path: Path) -> Iterator[Write]:
    """The named baseline: executemany into a bare rowid table, same durability."""
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute("PRAGMA wal_autocheckpoint = 4000")
    conn.execute(
        "CREATE TABLE bare (series TEXT, at_ms INTEGER, tie INTEGER, value REAL, quality INTEGER, got INTEGER)"
    )

    def write(rows: list[Row]) -> None:
        conn.execute("BEGIN IMMEDIATE")
        conn.executemany("INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?)", rows)
        conn.execute("COMMIT")

    yield write
    conn.close()


@contextmanager
def store_at(path: Path) -> Iterator[TimeSeriesStore]:
    """The store under test."""
    store = open_sqlite_store(path)
    try:
        yield store
    finally:
        store.close()


def timed(write: Write, batches: list[list[Row]], seconds: float) -> tuple[float, float, float]:
    """(rows/s, CPU µs per row, slowest batch in ms), for at most so many seconds."""
    started, cpu, rows, worst = time.perf_counter(), time.process_time(), 0, 0.0
    for batch in batches:
        before = time.perf_counter()
        write(batch)
        rows += len(batch)
        worst = max(worst, time.perf_counter() - before)
        if time.perf_counter() - started > seconds:
            break
    return rows / (time.perf_counter() - started), (time.process_time() - cpu) / rows * 1e6, worst * 1000


@contextmanager
def busy_thread() -> Iterator[None]:
    """A thread that never stops computing, as decoding and judging do in ingest."""
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            sum(range(100))

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def write_speed(folder: Path, size: int, rounds: int, seconds: float, name: str) -> dict[str, float]:
    """Rounds of baseline and store in turn; medians."""
    batches = make_batches(max(1, 200_000 // size), size)
    bare, ours = [], []
    for number in range(rounds):
        with baseline(folder / f"bare-{name}-{number}.db") as write:
            bare.append(timed(write, batches, seconds))
        with store_at(folder / f"store-{name}-{number}.db") as store:
            ours.append(timed(store.write, batches, seconds))
    plain, own = (statistics.median(one[0] for one in runs) for runs in (bare, ours))
    cpu = statistics.median(one[1] for one in ours)
    print(
        f"write {name:24s} {own:9,.0f} rows/s ({min(o[0] for o in ours):,.0f}-{max(o[0] for o in ours):,.0f})"
        f"  bare executemany {plain:9,.0f} rows/s  ratio {own / plain:4.2f}  {cpu:.2f} µs CPU/row"
        f"  slowest batch {max(one[2] for one in ours):.0f} ms"
    )
    return {"rows_per_s": own, "bare_rows_per_s": plain, "cpu_us_per_row": cpu}


def repeats_and_late(folder: Path) -> None:
    """What redelivered and late rows cost."""
    batches = make_batches(20, 5000)
    with store_at(folder / "again.db") as store:
        timed(store.write, batches, 10)
        print(f"write every row a second time   {timed(store.write, batches, 5)[0]:9,.0f} rows/s, nothing stored")
        store.maintain(from_ms(T0) + timedelta(days=2))
        late = [[(s, at + 1, tie, v, q, got) for s, at, tie, v, q, got in batch] for batch in batches]
        print(f"write late rows (marks minutes) {timed(store.write, late, 5)[0]:9,.0f} rows/s")


def hot(what: str, ask: Callable[[], object], repeats: int = 9) -> float:
    """Median milliseconds of a question asked again and again."""
    ask()
    taken = []
    for _ in range(repeats):
        before = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - before) * 1000)
    print(f"read  {what:52s} {statistics.median(taken):8.2f} ms")
    return statistics.median(taken)


def read_speed(folder: Path, rows: int) -> dict[str, float]:
    """A month of one series a minute, with enough other series to make `rows`."""
    minutes = 30 * 24 * 60
    names = SERIES[: max(1, rows // minutes)]
    path = folder / "month.db"
    found = {}
    with store_at(path) as store:
        dice = random.Random(2)
        for first in range(0, minutes, 360):
            store.write(
                [
                    (name, T0 + minute * 60_000, 0, round(dice.random(), 2), 0, T0 + minute * 60_000 + 40)
                    for minute in range(first, first + 360)
                    for name in names
                ]
            )
        start, end = from_ms(T0), from_ms(T0) + timedelta(days=30)
        total = store.count()
        print(f"      {total:,} rows of {len(names)} series in a month")
        name = names[len(names) // 2]
        found["raw"] = hot("1 series, month hourly, before rollups", lambda: store.range(name, start, end, HOUR))
        before, turns, longest = time.perf_counter(), 0, 0.0
        while turns < 5000:
            turn = time.perf_counter()
            store.maintain(end + HOUR)
            turns, longest = turns + 1, max(longest, time.perf_counter() - turn)
            if len(store.range(name, start, end, HOUR)) == 720 and is_done(path, end.timestamp() * 1000):
                break
        spent = time.perf_counter() - before
        print(f"      rolled up in {turns} calls, {total / spent:,.0f} rows/s, longest call {longest * 1000:.0f} ms")
        found["month"] = hot("1 series, month hourly", lambda: store.range(name, start, end, HOUR))
        quarter = timedelta(minutes=15)
        hot("1 series, month by 15 minutes", lambda: store.range(name, start, end, quarter))
        hot("1 series, last 24 h by minute", lambda: store.range(name, end - 24 * HOUR, end, timedelta(minutes=1)))
        hot("1 series, last 24 h raw", lambda: store.readings(name, end - 24 * HOUR, end))
        twenty = names[:20]
        hot(f"{len(twenty)} series, month hourly", lambda: [store.range(one, start, end, HOUR) for one in twenty])
        found["latest"] = hot(f"latest of all {len(names)}", lambda: store.latest(names))
        hot("count of everything", lambda: store.count())
    print(f"      file {path.stat().st_size / total:.1f} B/row with rollups")
    return found


def is_done(path: Path, until_ms: float) -> bool:
    """Whether hours are rolled up to a time."""
    conn = sqlite3.connect(path)
    try:
        (done,) = conn.execute("SELECT value FROM meta WHERE key = 'hours_done'").fetchone()
        return bool(done >= until_ms)
    finally:
        conn.close()


def main() -> None:
    """Run everything; about a minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each write measurement")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the month that is read")
    parser.add_argument("--folder", type=Path, help="where to put the files (default: the system's temporary folder)")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    print(f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        figures = {
            "batch_5000": write_speed(folder, 5000, options.rounds, 3, "5,000-row batches"),
            "batch_1000": write_speed(folder, 1000, options.rounds, 3, "1,000-row batches"),
            "batch_100": write_speed(folder, 100, 3, 2, "100-row batches"),
            "batch_1": write_speed(folder, 1, 3, 1, "single rows"),
        }
        with busy_thread():
            figures["beside_busy_thread"] = write_speed(folder, 5000, 3, 2, "5,000, busy thread beside")
        repeats_and_late(folder)
        figures["read_ms"] = read_speed(folder, options.rows)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
