"""InfluxDB down, slow, refusing, killed; the owner of the spool killed: nothing lost, order kept, memory bounded."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from influx import How, InfluxTestServer
from processes import until
from require import require

from gateway.contract.times import from_ms
from gateway.timeseries.influx.lines import compressed, lines_of
from gateway.timeseries.influx.spool import Part, Spool
from gateway.timeseries.influxdb import (
    InfluxServer,
    InfluxStore,
    Pace,
    SpoolTaken,
    drain_leftovers,
    open_influx_store,
)
from gateway.timeseries.store import Row, StoreBroken, StoreBusy

T0 = 1_795_262_400_000
P, Q = "yunhe/low-zone-pressure", "yunhe/high-zone-pressure"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
QUICK = Pace(0.02, 0.1, 0.1)
Open = Callable[..., InfluxStore]


def row(seconds: float, value: float = 1.0, series: str = P, tie: int = 0) -> Row:
    at_ms = T0 + round(seconds * 1000)
    return (series, at_ms, tie, value, 0, at_ms)


@pytest.fixture
def server(influx_server: InfluxTestServer) -> InfluxServer:
    return influx_server.fresh()


@pytest.fixture
def open_store(server: InfluxServer, tmp_path: Path) -> Iterator[Open]:
    opened: list[InfluxStore] = []

    def begin(name: str | None = "spool-main.db", **more: object) -> InfluxStore:
        options = {"spool_bytes": 1 << 30, "pace": QUICK, "send_answer_s": 2.0} | more
        store = open_influx_store(server, tmp_path / name if name else None, **options)  # type: ignore[arg-type]
        assert isinstance(store, InfluxStore)
        opened.append(store)
        return store

    yield begin
    for store in opened:
        store.close()


def order_of(bodies: list[bytes]) -> list[int]:
    """Nanoseconds of the lines that the server took, in the order of their first arrival."""
    return list(dict.fromkeys(int(line.rpartition(b" ")[2]) for body in bodies for line in lines_of(body)))


class TestTrouble:
    @pytest.mark.parametrize("how", ["down", "slow", "busy", "many", "failing", "denied", "mute"])
    def test_nothing_is_lost_and_order_is_kept(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, how: How
    ) -> None:
        influx_server.proxy.bodies = []
        store = open_store(send_answer_s=0.15)
        with influx_server.misbehaving(how, delay_s=0.4, retry_after="0"):
            for number in range(30):
                started = time.monotonic()
                store.write([row(number * 100 + index) for index in range(100)])
                assert time.monotonic() - started < 1, "nobody waits for the server"
            until(lambda: store.figures()["store_away_s"] > 0, "it did not notice")
            figures = store.figures()
            assert figures["spool_rows"] == 3000
            assert figures["store_denied"] == (how == "denied")
        assert store.flush(20)
        assert influx_server.count(server) == 3000
        assert order_of(influx_server.proxy.bodies) == sorted(order_of(influx_server.proxy.bodies))
        figures = store.figures()
        assert (figures["spool_rows"], figures["spool_bytes"], figures["store_away_s"]) == (0, 0, 0)
        assert (figures["spool_dropped"], figures["store_refused"], figures["store_denied"]) == (0, 0, 0)

    def test_a_server_killed_under_load_and_started_again_has_everything_once(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open
    ) -> None:
        require(influx_server.can_be_killed, "the server of INFLUXDB_URL is not ours to kill")
        store = open_store()
        for number in range(60):
            store.write([row(number * 200 + index, value=float(index)) for index in range(200)])
            if number == 20:
                until(lambda: influx_server.count(server) > 0)
                influx_server.kill()
            if number == 40:
                assert store.figures()["spool_rows"] > 0
                influx_server.start()
        assert store.flush(30)
        assert influx_server.count(server) == 12_000 == store.count(P)
        assert [one.value for one in store.readings(P, from_ms(T0), from_ms(T0) + 10 * HOUR, 20_000)] == [
            float(index % 200) for index in range(12_000)
        ]

    def test_an_outage_is_kept_on_disk_not_in_memory(self, influx_server: InfluxTestServer, open_store: Open) -> None:
        store = open_store()
        with influx_server.misbehaving("down"):
            for number in range(10):
                store.write([row(number * 10_000 + index) for index in range(10_000)])
        assert store.flush(60)
        assert store.count(P) == 100_000
        assert store._writing.sender.most_held <= 5000

    def test_beyond_the_bound_the_oldest_go_and_ingest_goes_on(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open
    ) -> None:
        store = open_store(spool_bytes=40_000)
        with influx_server.misbehaving("down"):
            for number in range(50):
                assert store.write([row(number * 100 + index, index * 0.37) for index in range(100)]).stored == 100
                if number == 0:  # from now on this batch is under way
                    influx_server.proxy.wait_for("/api/v2/write", 0)
            figures = store.figures()
            assert 0 < figures["spool_bytes"] <= 40_000
            assert figures["spool_dropped"] + figures["spool_rows"] == 5000
        assert store.flush(20)
        assert influx_server.count(server) == 5000 - store.figures()["spool_dropped"]
        assert influx_server.count(server) == figures["spool_rows"] + 100
        assert store.latest([P])[P].at == from_ms(T0 + 4_999_000), "the newest are there"

    def test_readers_are_told_and_do_not_wait_twice(self, influx_server: InfluxTestServer, open_store: Open) -> None:
        store = open_store(None)
        with influx_server.misbehaving("down"):
            with pytest.raises(StoreBusy, match=r"InfluxDB at .* does not answer.*alarms go on"):
                store.latest([P])
            seen = len(influx_server.proxy.seen)
            with pytest.raises(StoreBusy, match="a moment ago"):
                store.range(P, from_ms(T0), from_ms(T0) + HOUR, MINUTE)
            assert len(influx_server.proxy.seen) == seen
        with pytest.raises(StoreBroken, match="open for reading only"):
            store.write([row(0)])

    def test_a_write_and_a_close_never_wait_for_a_server_that_is_stuck(
        self, influx_server: InfluxTestServer, open_store: Open
    ) -> None:
        store = open_store(send_answer_s=0.5)
        with influx_server.misbehaving("slow", delay_s=1.5):
            store.write([row(0)])
            store.maintain(from_ms(T0))
            started = time.monotonic()
            store.write([row(1)])
            assert store.figures()["spool_rows"] == 2
            store.close()
            assert time.monotonic() - started < 1.5


class TestDeadLetters:
    def test_a_bad_line_goes_alone(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, tmp_path: Path
    ) -> None:
        spool = Spool(tmp_path / "spool-main.db", 1 << 30)
        good = [
            f"reading,point=p,site=yunhe value={index}.0 {(T0 + index) * 1_000_000}".encode() for index in range(300)
        ]
        bad = b'reading,point=p,site=yunhe value="text" 1795262400999000000'
        torn = b"reading,point=p,site=yunhe value="
        spool.put([Part(compressed([*good[:100], torn, *good[100:200]]), 201, None)], [], T0)
        spool.put([Part(compressed([bad, *good[200:]]), 101, None)], [], T0)
        spool.close()
        store = open_store()
        assert store.flush(20)
        assert influx_server.count(server) == 300
        refused = store.refused()
        assert [one.line for one in refused] == [torn, bad]
        assert "unable to parse" in refused[0].reason
        assert "field type conflict" in refused[1].reason
        assert store.figures()["store_refused"] == 2
        store.forget_refused(refused[-1].number)
        assert store.refused() == []

    def test_what_is_older_than_the_bucket_keeps_does_not_poison_its_neighbours(
        self, influx_server: InfluxTestServer, tmp_path: Path
    ) -> None:
        server = influx_server.fresh(keep_s=3600)
        now_ms = time.time_ns() // 1_000_000
        rows = [(P, now_ms - index * 1000, 0, 1.0, 0, now_ms) for index in range(100)]
        old = [(Q, now_ms - 86_400_000 - index, 0, 1.0, 0, now_ms) for index in range(3)]
        with closing(open_influx_store(server, tmp_path / "spool.db", spool_bytes=1 << 30, pace=QUICK)) as store:
            assert isinstance(store, InfluxStore)
            store.write([*rows[:50], *old, *rows[50:]])
            assert store.flush(20)
            assert influx_server.count(server) == 100
            letters = store.refused()
            assert len(letters) == 3
            assert all(b"high-zone-pressure" in one.line and "retention" in one.reason for one in letters)


_OWNER = """
import sys
from pathlib import Path
from gateway.timeseries.influxdb import InfluxServer, open_influx_store
url, bucket, org, token, spool = sys.argv[1:]
store = open_influx_store(InfluxServer(url, bucket, org, token=token), Path(spool), spool_bytes=1 << 30)
for number in range(20):
    rows = [("yunhe/p", 1795262400000 + number * 1000 + index, 0, 1.5, 0, 1795262400000) for index in range(1000)]
    store.write(rows)
print("written", flush=True)
sys.stdin.read()
"""


class TestOwnerKilled:
    @pytest.mark.parametrize(
        ("how", "sent"), [("down", False), ("mute", True)], ids=["before it sends", "before it deletes what it sent"]
    )
    def test_everything_arrives_exactly_once(
        self,
        influx_server: InfluxTestServer,
        server: InfluxServer,
        open_store: Open,
        tmp_path: Path,
        how: How,
        sent: bool,
    ) -> None:
        path = tmp_path / "spool-main.db"
        with influx_server.misbehaving(how):
            arguments = [server.url, server.bucket, server.org, server.token, str(path)]
            owner = subprocess.Popen(
                [sys.executable, "-c", _OWNER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"written\n"
            influx_server.proxy.wait_for("/api/v2/write", 0)
            with pytest.raises(SpoolTaken):
                open_store()
            owner.send_signal(signal.SIGKILL)
            owner.communicate(timeout=10)
        assert (influx_server.count(server) > 0) == sent
        with influx_server.misbehaving("down"):  # or it begins to send while the rows are counted
            store = open_store()
            assert store.figures()["spool_rows"] == 20_000
        assert store.flush(30)
        assert influx_server.count(server) == 20_000


class TestSeveralProcesses:
    def test_a_reader_uses_the_rollups_that_the_writer_has_marked(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open
    ) -> None:
        store, reader = open_store(), open_store(None)
        store.write([row(minute * 60, float(minute)) for minute in range(180)])
        for _ in range(2):
            assert store.flush(10)
            store.maintain(from_ms(T0) + 4 * HOUR)
        assert store.flush(10)
        whole = [(bucket.count, bucket.mean) for bucket in reader.range(P, from_ms(T0), from_ms(T0) + 4 * HOUR, HOUR)]
        assert whole == [(60, 29.5), (60, 89.5), (60, 149.5)]
        asked = [path for path, _ in influx_server.proxy.seen if "/query" in path]
        assert asked
        hours = influx_server.query(server.hours, "SELECT * FROM reading WHERE site='yunhe'")
        assert [(one["count"], one["low"], one["high"], one["last"]) for one in hours] == [
            (60, 0, 59, 59),
            (60, 60, 119, 119),
            (60, 120, 179, 179),
        ]
        assert len(influx_server.query(server.minutes, "SELECT * FROM reading")) == 180
        (mark,) = influx_server.query(server.hours, "SELECT * FROM mark")
        assert (mark["site"], mark["minutes_done"], mark["hours_done"]) == (
            "yunhe",
            T0 + 239 * 60_000,
            T0 + 3 * 3_600_000,
        )

    def test_another_owner_goes_on_where_the_first_was(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open
    ) -> None:
        first = open_store()
        first.write([row(minute * 60) for minute in range(120)])
        for _ in range(2):
            assert first.flush(10)
            first.maintain(from_ms(T0) + 3 * HOUR)
        assert first.flush(10)
        first.close()
        second = open_store("spool-other.db")
        second.write([row(61, 7.0), row(4 * 3600, 8.0)])  # late by the mark of the first
        assert second.flush(10)
        second.maintain(from_ms(T0) + 3 * HOUR)
        assert second.flush(10)
        assert second.is_mended
        (hour, *_) = influx_server.query(server.hours, "SELECT * FROM reading")
        assert (hour["count"], hour["high"]) == (61, 7.0)

    def test_spools_that_nobody_holds_are_sent_and_their_late_minutes_mended(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, tmp_path: Path
    ) -> None:
        store = open_store("spool-a.db")
        store.write([row(minute * 60) for minute in range(120)])
        for _ in range(2):
            assert store.flush(10)
            store.maintain(from_ms(T0) + 3 * HOUR)
        assert store.flush(10)
        with influx_server.misbehaving("down"):
            left = open_store("spool-b.db")
            left.write([row(60 * minute + 1, 5.0) for minute in range(10)])
            left.close()
        done = drain_leftovers(
            tmp_path, server, threading.Event(), lambda: from_ms(T0) + 3 * HOUR, spool_bytes=1 << 30, pace=QUICK
        )
        assert done == [tmp_path / "spool-b.db"]
        (hour, *_) = influx_server.query(server.hours, "SELECT * FROM reading")
        assert (hour["count"], hour["high"]) == (70, 5.0)
        assert store.count(P) == 130

    def test_draining_stops_when_told_to_while_the_server_is_away(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, tmp_path: Path
    ) -> None:
        with influx_server.misbehaving("down"):
            left = open_store("spool-b.db")
            left.write([row(0)])
            left.close()
            stop = threading.Event()
            threading.Timer(0.3, stop.set).start()
            assert drain_leftovers(tmp_path, server, stop, lambda: from_ms(T0), spool_bytes=1 << 30, pace=QUICK) == []
        again = open_store("spool-b.db")
        assert again.flush(10)
        assert influx_server.count(server) == 1

    def test_a_spool_still_held_has_another_one_beside_it(
        self, influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, tmp_path: Path
    ) -> None:
        paused = open_store(beside=True)
        following = open_store(beside=True)
        following.write([row(0)])
        paused.write([row(1)])
        assert following.flush(10)
        assert paused.flush(10)
        assert influx_server.count(server) == 2
        assert (tmp_path / "spool-main-2.db").exists()


def test_figures_tell_how_long_the_oldest_has_waited(influx_server: InfluxTestServer, open_store: Open) -> None:
    store = open_store()
    with influx_server.misbehaving("down"):
        store.write([row(0)])
        store.maintain(from_ms(T0) + timedelta(minutes=7))
        assert store.figures()["spool_age_s"] == 420
    assert open_store(None).figures() == {}


def test_the_log_names_no_secret(
    influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store()
    with influx_server.misbehaving("denied"):
        store.write([row(0)])
        until(lambda: store.figures()["store_denied"])
        with pytest.raises(StoreBroken) as caught:
            store.latest([P])
    assert server.token
    assert server.token not in caplog.text + str(caught.value)
    assert re.search("does not let us write", caplog.text)
