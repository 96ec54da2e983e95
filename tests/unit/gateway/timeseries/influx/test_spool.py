"""The file in front of InfluxDB: one holder, nothing lost, bounded, its line and its dirty minutes."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.timeseries.influx.lines import compressed, lines_of
from gateway.timeseries.influx.spool import Held, Part, Spool, SpoolTaken
from gateway.timeseries.schema import MINUTE_MS, Marks
from gateway.timeseries.store import AheadClaim, StoreBroken

T0 = 1_795_262_400_000


def part(*names: str, open_at: int | None = None) -> Part:
    return Part(compressed([name.encode() for name in names]), len(names), open_at)


def names(held: list[Held]) -> list[str]:
    return [line.decode() for one in held for line in lines_of(one.body)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "spool-main.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    opened = Spool(path, 1 << 20)
    yield opened
    opened.close()


def test_gives_back_in_order_what_it_was_given(spool: Spool) -> None:
    spool.put([part("a", "b"), part("c")], [], T0)
    spool.put([part("d")], [], T0 + 1)
    assert names(spool.oldest(10, 1 << 20)) == ["a", "b", "c", "d"]
    assert names(spool.oldest(2, 1 << 20)) == ["a", "b"]
    assert names(spool.oldest(1, 1)) == ["a", "b"], "one is always given"
    spool.settle(spool.oldest(2, 1 << 20), [], T0)
    assert names(spool.oldest(10, 1 << 20)) == ["c", "d"]
    assert (spool.waiting, spool.depth().taken_ms) == (2, T0)


def test_is_there_after_reopening(path: Path, spool: Spool) -> None:
    spool.put([part("a")], [("s", T0)], T0)
    spool.save_sites({"s": Marks(0, 1, 2, 3, 4, 5)})
    before = spool.depth()
    spool.close()
    again = Spool(path, 1 << 20)
    assert (names(again.oldest(9, 99)), again.depth()) == (["a"], before)
    assert (again.dirty("s", 0, T0 + 1), again.sites()) == ([T0], {"s": Marks(0, 1, 2, 3, 4, 5)})
    again.close()


def test_has_one_holder_even_in_another_process(path: Path, spool: Spool) -> None:
    with pytest.raises(SpoolTaken, match="in use by another process"):
        Spool(path, 1 << 20)
    program = (
        "from gateway.timeseries.influx.spool import Spool, SpoolTaken; from pathlib import Path; import sys\n"
        "try: Spool(Path(sys.argv[1]), 1)\nexcept SpoolTaken: print('taken')"
    )
    said = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert said.stdout == "taken\n"
    spool.close()
    Spool(path, 1 << 20).close()


def test_takes_no_other_file_for_its_own(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (a)")
    other.close()
    for name in ("other.db", "text.db"):
        (tmp_path / "text.db").write_text("no database at all, but long enough to be read as one" * 20)
        with pytest.raises(StoreBroken):
            Spool(tmp_path / name, 1 << 20)


def test_closed_it_says_so(spool: Spool) -> None:
    spool.close()
    with pytest.raises(StoreBroken, match="is closed"):
        spool.put([part("a")], [], T0)


def test_a_full_disk_is_told_and_nothing_is_half_written(spool: Spool) -> None:
    spool.put([part("a")], [], T0)
    pages = spool._conn.execute("PRAGMA page_count").fetchone()[0]
    spool._conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreBroken, match="Free some disk space"):
        spool.put([Part(bytes(100_000), 7, None)], [("s", T0)], T0)
    assert (spool.waiting, spool.late_sites()) == (1, [])
    spool._conn.execute("PRAGMA max_page_count = 100000")
    spool.put([part("b")], [], T0)
    assert names(spool.oldest(9, 99)) == ["a", "b"]


def test_beyond_its_bound_the_oldest_go_and_are_counted(path: Path) -> None:
    body = bytes(1000)
    spool = Spool(path, 3500)
    for number in range(6):
        spool.put([Part(body, 10 + number, None)], [], T0 + number)
    assert [held.rows for held in spool.oldest(1000, 1 << 20)] == [13, 14, 15]
    assert (spool.depth().dropped, spool.depth().bytes, spool.waiting) == (10 + 11 + 12, 3000, 42)
    spool.close()
    again = Spool(path, 3500)
    assert (again.depth().dropped, again.depth().bytes) == (33, 3000)
    again.close()


def test_what_was_dropped_while_it_was_sent_is_not_counted_as_lost(path: Path) -> None:
    spool = Spool(path, 2500)
    spool.put([Part(bytes(1000), 5, None)] * 2, [], T0)
    under_way = spool.oldest(99, 1 << 20)
    spool.put([Part(bytes(1000), 7, None)] * 2, [], T0)
    assert spool.depth().dropped == 10
    spool.settle(under_way, [], T0)
    assert (spool.depth().dropped, spool.waiting) == (0, 14)
    spool.close()


class TestLine:
    def test_stops_before_what_is_still_to_be_sent(self, spool: Spool) -> None:
        spool.put([part("late", open_at=None)], [("s", T0)], T0)
        spool.put([part("a", open_at=T0 + 90_000)], [], T0)
        spool.put([part("b", open_at=T0 + 70_000)], [], T0)
        assert spool.move_line(T0 + 10 * MINUTE_MS) == T0 + 70_000
        spool.settle(spool.oldest(99, 1 << 20), [], T0)
        assert spool.move_line(T0 + 10 * MINUTE_MS) == T0 + 10 * MINUTE_MS

    def test_never_moves_back(self, spool: Spool, path: Path) -> None:
        spool.move_line(T0)
        assert spool.move_line(T0 - 1) == T0
        spool.close()
        again = Spool(path, 1 << 20)
        assert again.late_before == T0
        again.close()


class TestDirty:
    def test_minutes_are_mended_only_when_their_rows_are_sent(self, spool: Spool) -> None:
        spool.put([part("a")], [("s", T0), ("s", T0 + MINUTE_MS), ("t", T0)], T0)
        assert spool.dirty("s", T0, T0 + MINUTE_MS) == [T0]
        assert spool.to_mend("s", 0, T0 + MINUTE_MS, 9) == []
        spool.settle(spool.oldest(1, 1), [], T0)
        assert spool.to_mend("s", 0, T0 + MINUTE_MS, 9) == [(T0, 1)]
        assert spool.to_mend("s", 0, T0 + 9 * MINUTE_MS, 1) == [(T0, 1)]

    def test_rows_that_come_while_it_is_mended_keep_it_dirty(self, spool: Spool) -> None:
        spool.put([part("a")], [("s", T0)], T0)
        spool.settle(spool.oldest(1, 1), [], T0)
        job = spool.to_mend("s", 0, T0 + 1, 9)
        spool.put([part("b")], [("s", T0)], T0)
        spool.mended("s", job)
        assert spool.dirty("s", 0, T0 + 1) == [T0]
        spool.settle(spool.oldest(1, 1), [], T0)
        spool.mended("s", spool.to_mend("s", 0, T0 + 1, 9))
        assert spool.late_sites() == []


class TestRefused:
    def test_are_kept_until_forgotten(self, spool: Spool) -> None:
        spool.put([part("a", "b", "c")], [], T0)
        spool.settle(spool.oldest(1, 1), [(b"a", "why a"), (b"b", "why b")], T0)
        first, second = spool.refused(10)
        assert (first.line, first.reason, second.line) == (b"a", "why a", b"b")
        spool.forget_refused(first.number)
        assert [one.line for one in spool.refused(10)] == [b"b"]
        assert spool.depth().refused == 2, "counted for ever"


def test_claims_of_dropped_times_are_forgotten_with_their_site_only(spool: Spool) -> None:
    claims = [AheadClaim(series, T0 + 9, 1, T0) for series in ("s/p", "s-1/p", "s/q")]
    assert spool.settle_ahead(claims) == [T0] * 3
    spool.save_sites({"s": Marks(raw_from=T0 + 1)})
    later = [claim._replace(used_ms=T0 + 5) for claim in claims]
    assert spool.settle_ahead(later) == [T0 + 5, T0, T0 + 5]


def test_disk_of_an_outage_is_given_back(spool: Spool, path: Path) -> None:
    for _ in range(50):
        spool.put([Part(bytes(200_000), 1, None)], [], T0)
        spool.most_bytes = 1 << 30
    spool.settle(spool.oldest(99, 1 << 30), [], T0)
    held = spool._conn.execute("PRAGMA page_count").fetchone()[0]
    for _ in range(50):
        spool.shrink(100)
    assert spool._conn.execute("PRAGMA page_count").fetchone()[0] < held / 5


def test_of_dead_letters_only_the_newest_are_kept(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.timeseries.influx.spool.MOST_REFUSED", 3)
    for number in range(5):
        spool.put([part("a", "b")], [], T0)
        spool.settle(spool.oldest(2, 1 << 20), [(f"{number}".encode(), "why"), (b"and", "why")], T0)
    assert [one.line for one in spool.refused(99)] == [b"and", b"4", b"and"]
    assert spool.depth().refused == 10


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreBroken, match=r"spool-main\.db cannot be opened"):
        Spool(tmp_path / "file" / "spool-main.db", 1 << 20)
