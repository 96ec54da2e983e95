"""What only the embedded store promises: its file, its locks, its crashes, its readers in other processes."""

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.contract.times import from_ms
from gateway.timeseries.sqlite import SqliteStore, open_sqlite_store
from gateway.timeseries.store import EPOCH, Row, RowRefused, StoreBroken, StoreBusy, WriteResult

T0 = 1_795_262_400_000  # 2026-11-21T12:00Z
P = "riverside/zone-low-pressure"
NOW = from_ms(T0 + 86_400_000)
HOUR = timedelta(hours=1)


def batch(number: int, size: int = 100) -> list[Row]:
    return [(f"riverside/p{n % 5}", T0 + number * 60_000 + n * 100, n, float(n), 0, T0) for n in range(size)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "时间 #1?.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = open_sqlite_store(path, busy_timeout=timedelta(milliseconds=100))
    assert isinstance(opened, SqliteStore)
    yield opened
    opened.close()


class TestLocked:
    @pytest.fixture
    def locker(self, path: Path, store: SqliteStore) -> Iterator[sqlite3.Connection]:
        conn = sqlite3.connect(path, isolation_level=None)
        yield conn
        conn.close()

    def test_write_gives_up_in_time_and_leaves_nothing_half_written(
        self, store: SqliteStore, locker: sqlite3.Connection
    ) -> None:
        locker.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(StoreBusy, match=r"nothing was written\. Try again"):
            store.write(batch(0))
        assert 0.05 < time.monotonic() - started < 1
        with pytest.raises(StoreBusy):
            store.settle_ahead(P, T0, 1, T0)
        assert store.count() == 0
        locker.execute("ROLLBACK")
        assert store.write(batch(0)) == WriteResult(100, 0)

    def test_housekeeping_gives_up_too(self, store: SqliteStore, locker: sqlite3.Connection) -> None:
        store.write(batch(0))
        locker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            store.maintain(NOW)
        with pytest.raises(StoreBusy):
            store.retain(NOW, HOUR, HOUR, HOUR)
        locker.execute("ROLLBACK")
        store.maintain(NOW)

    def test_readers_do_not_mind(self, store: SqliteStore, locker: sqlite3.Connection) -> None:
        store.write(batch(0))
        locker.execute("BEGIN IMMEDIATE")
        assert store.count() == 100
        assert len(store.latest([P, "riverside/p1"])) == 1

    def test_a_second_thread_waits_no_longer_either(self, store: SqliteStore) -> None:
        with store._writer._turn, pytest.raises(StoreBusy, match="Another thread"):
            store.write(batch(0))
        with store._keeper._turn, pytest.raises(StoreBusy, match="under way"):
            store.maintain(NOW)


class TestWholeOrNot:
    def test_a_bad_row_at_the_end_takes_the_batch_with_it(self, store: SqliteStore) -> None:
        with pytest.raises(RowRefused, match="Row 9000"):
            store.write([*batch(0, 9000), (P, T0, 0, float("nan"), 0, T0)])
        assert store.count() == 0

    def test_a_full_disk_is_said_and_outlived(self, store: SqliteStore) -> None:
        conn = store._writer._conn
        store.write(batch(0))
        (pages,) = conn.execute("PRAGMA page_count").fetchone()
        conn.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreBroken, match="Free some disk space"):
            store.write(batch(1, 5000))
        assert store.count() == 100
        conn.execute("PRAGMA max_page_count = 1000000")
        assert store.write(batch(1, 5000)) == WriteResult(5000, 0)


class TestFile:
    def test_folder_is_made(self, tmp_path: Path) -> None:
        open_sqlite_store(tmp_path / "new" / "folder" / "readings.db").close()
        assert (tmp_path / "new" / "folder" / "readings.db").exists()

    @pytest.mark.parametrize("read_only", [False, True])
    def test_of_a_newer_version_is_refused(self, path: Path, read_only: bool) -> None:
        open_sqlite_store(path).close()
        with sqlite3.connect(path) as conn:
            conn.execute("UPDATE meta SET value = 99 WHERE key = 'schema'")
        conn.close()
        with pytest.raises(StoreBroken, match=r"newer Gengfu \(schema 99, this one knows 1\)"):
            open_sqlite_store(path, read_only).count()

    @pytest.mark.parametrize("read_only", [False, True])
    def test_of_another_program_is_refused(self, path: Path, read_only: bool) -> None:
        conn = sqlite3.connect(path)
        conn.execute("CREATE TABLE accounts (id)")
        conn.close()
        with pytest.raises(StoreBroken, match="no time-series store"):
            open_sqlite_store(path, read_only).count()

    @pytest.mark.parametrize("read_only", [False, True])
    def test_of_another_kind_is_refused(self, path: Path, read_only: bool) -> None:
        path.write_text("Minutes of the meeting. " * 1000)
        with pytest.raises(StoreBroken, match="not a database"):
            open_sqlite_store(path, read_only).count()

    def test_cut_log_after_checkpoint(self, store: SqliteStore, path: Path) -> None:
        log = Path(f"{path}-wal")
        store.write(batch(0, 5000))
        assert log.stat().st_size > 0
        store.maintain(NOW)
        assert log.stat().st_size == 0
        store.write(batch(1))
        store.maintain(NOW + timedelta(seconds=29))
        assert log.stat().st_size > 0
        store.maintain(NOW + timedelta(seconds=30))
        assert log.stat().st_size == 0

    def test_a_long_reader_does_not_stop_checkpoints_for_good(self, store: SqliteStore, path: Path) -> None:
        store.write(batch(0))
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sample").fetchone()
        store.write(batch(1))
        store.maintain(NOW)
        assert Path(f"{path}-wal").stat().st_size > 0
        reader.close()
        store.maintain(NOW + timedelta(minutes=1))
        assert Path(f"{path}-wal").stat().st_size == 0

    def test_is_of_no_use_when_closed(self, path: Path) -> None:
        store = open_sqlite_store(path)
        store.count()
        store.close()
        with pytest.raises(StoreBroken, match="closed"):
            store.count()
        with pytest.raises(StoreBroken, match="closed"):
            store.write(batch(0))


class TestReadOnly:
    def test_waits_for_a_file_to_appear(self, path: Path) -> None:
        reader = open_sqlite_store(path, read_only=True)
        assert (reader.count(), reader.count(P), reader.latest([P])) == (0, 0, {})
        assert (reader.readings(P, EPOCH, NOW), reader.range(P, EPOCH, NOW, HOUR)) == ([], [])
        assert not path.exists()
        path.touch()
        assert reader.count() == 0
        store = open_sqlite_store(path)
        store.write(batch(0))
        assert reader.count() == 100
        store.close()
        assert reader.count() == 100
        reader.close()

    def test_opens_what_a_writer_closed(self, path: Path) -> None:
        store = open_sqlite_store(path)
        store.write(batch(0))
        store.close()
        reader = open_sqlite_store(path, read_only=True)
        assert reader.count() == 100
        reader.close()

    def test_changes_nothing(self, store: SqliteStore, path: Path) -> None:
        reader = open_sqlite_store(path, read_only=True)
        with pytest.raises(StoreBroken, match="reading only"):
            reader.write(batch(0))
        with pytest.raises(StoreBroken, match="reading only"):
            reader.maintain(NOW)
        reader.close()


READER = """
import sys, time
from datetime import timedelta
from pathlib import Path
from gateway.contract.times import from_ms
from gateway.timeseries.sqlite import open_sqlite_store
store = open_sqlite_store(Path(sys.argv[1]), read_only=True)
print("reading", flush=True)
until, seen, now = time.monotonic() + 30, 0, from_ms(int(sys.argv[2]))
while seen < 5000 and time.monotonic() < until:
    seen, before = store.count(), seen
    assert seen % 100 == 0 and seen >= before, (before, seen)
    day = store.range("riverside/p1", now - timedelta(days=2), now + timedelta(days=2), timedelta(hours=1))
    assert sum(one.count for one in day) % 20 == 0, day
print(seen, flush=True)
"""

WRITER = """
import sys, threading
from pathlib import Path
from gateway.contract.times import from_ms
from gateway.timeseries.sqlite import open_sqlite_store
store, t0, number = open_sqlite_store(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
def keep():
    while True:
        store.maintain(from_ms(t0 + number * 60_000))
threading.Thread(target=keep, daemon=True).start()
while True:
    rows = [(f"riverside/p{n % 5}", t0 + number * 60_000 + n * 100, n, float(n), 0, t0) for n in range(100)]
    store.write(rows)
    print(number, flush=True)
    number += 1
"""


def start(code: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)], stdout=subprocess.PIPE, text=True)


class TestOtherProcesses:
    def test_reader_sees_whole_batches_while_we_write(self, store: SqliteStore, path: Path) -> None:
        with start(READER, path, T0) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n"
            for number in range(50):
                store.write(batch(number))
                if number % 5 == 0:
                    store.maintain(from_ms(T0 + number * 60_000))
            assert reader.stdout.readline() == "5000\n"
        assert reader.returncode == 0

    def test_kill_loses_nothing_that_was_acknowledged(self, path: Path) -> None:
        dice = random.Random(7)
        done = 0
        for _ in range(5):
            with start(WRITER, path, T0, done) as writer:
                assert writer.stdout is not None
                for _ in range(dice.randrange(1, 60)):
                    done = int(writer.stdout.readline()) + 1
                writer.kill()
                rest = writer.stdout.read().split()
            done = int(rest[-1]) + 1 if rest else done
            store = open_sqlite_store(path)
            extra = store.count() - done * 100
            assert extra in (0, 100)  # the batch on its way may be there, but whole
            done += extra // 100
            every = [store.range(f"riverside/p{n}", EPOCH, NOW + 30 * HOUR, HOUR) for n in range(5)]
            assert [sum(one.count for one in series) for series in every] == [done * 20] * 5
            assert [series[0].last for series in every] == [95.0 + n for n in range(5)]
            store.close()


class TestThreads:
    def test_read_write_and_keep_house_at_once(self, store: SqliteStore) -> None:
        over = threading.Event()

        def read() -> int:
            looks = 0
            while not over.is_set() or not looks:
                assert store.count() % 100 == 0
                buckets = store.range("riverside/p1", EPOCH, NOW + HOUR, HOUR)
                assert sum(one.count for one in buckets) % 20 == 0
                store.latest([f"riverside/p{n}" for n in range(5)])
                looks += 1
            return looks

        def keep() -> int:
            turns = 0
            while not over.is_set() or not turns:
                try:
                    store.maintain(from_ms(T0 + 60_000 * (40 + turns)))
                except StoreBusy:
                    continue
                turns += 1
            return turns

        with ThreadPoolExecutor(4) as pool:
            others = [pool.submit(read), pool.submit(read), pool.submit(keep)]
            number = 0
            while number < 80:
                try:
                    number += store.write(batch(number)).stored // 100
                except StoreBusy:
                    continue
            over.set()
            assert all(other.result() > 0 for other in others)
        assert store.count() == 8000

    def test_two_keepers_do_not_overwrite_each_other(self, store: SqliteStore, path: Path) -> None:
        """One looks, a late row comes and the other mends its minute, then the first stores what it saw."""
        store.write([(P, T0, 0, 1.0, 0, T0)])
        other = open_sqlite_store(path)
        assert isinstance(other, SqliteStore)
        first = store._keeper
        really_store = first._store
        late = [[(P, T0 + 1, 0, 5.0, 0, T0)]]

        def store_late(*args: object) -> bool:
            while late:
                other.write(late.pop())
                for _ in range(5):
                    other.maintain(NOW)
            return really_store(*args)  # type: ignore[arg-type]

        first._store = store_late  # type: ignore[method-assign]
        for _ in range(5):
            store.maintain(NOW)
        (bucket,) = store.range(P, from_ms(T0), NOW, HOUR)
        assert (bucket.count, bucket.max, bucket.last) == (2, 5.0, 5.0)
        other.close()
