"""Moving the readings to InfluxDB: the same answers there, whatever interrupts the way, and every difference found."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from influx import InfluxTestServer
from processes import until

from gateway.contract.times import to_ms
from gateway.timeseries.influxdb import open_influx_store
from gateway.timeseries.schema import DAY_MS, HOUR_MS
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import Row, TimeSeriesStore, tie_of
from services.transfer import timeseries as transfer
from services.transfer.errors import NotEqual, SourceInUse, TargetRefused
from services.transfer.mark import Mark

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
NOW_MS = to_ms(NOW)
KEEP = transfer.Keep(timedelta(days=90), timedelta(days=400))
POINTS = ("yunhe/pressure", "yunhe/level 液位", "other, place/a=b")


def rows(since_ms: int, until_ms: int, every_ms: int = 120_000) -> list[Row]:
    """Values of every quality, now and then several in one millisecond."""
    found: list[Row] = []
    for n, at_ms in enumerate(range(since_ms, until_ms, every_ms)):
        for point in POINTS:
            for index in range(3 if n % 50 == 7 else 1):
                value = (n * 7919 % 1000) / 997 + index
                found.append((point, at_ms, tie_of(f"b-{n}", index), value, (0, 0, 0, 1, 2)[n % 5], at_ms + n % 900))
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four days; of the first two only minutes and hours are left, and late readings wait to be rolled up."""
    path = tmp_path / "timeseries.db"
    store = open_sqlite_store(path)
    start_ms = NOW_MS - 4 * DAY_MS
    for at_ms in range(start_ms, NOW_MS, DAY_MS // 2):
        store.write(rows(at_ms, at_ms + DAY_MS // 2))
    for _ in range(80):
        store.maintain(NOW)
    store.retain(NOW, timedelta(days=2), timedelta(days=400), timedelta(days=4000))
    store.write([(POINTS[0], NOW_MS - 5 * HOUR_MS + n, n, 0.5, 0, NOW_MS) for n in range(100)])
    store.settle_ahead(POINTS[0], NOW_MS + 5, 1, NOW_MS)
    store.close()
    return path


def silent(*_: object) -> None:
    """Nobody watches."""


def move(path: Path, server: object, **options: bool):
    """Copy what is missing and compare."""
    mark = Mark(path.with_suffix(".mark"), "test")
    return transfer.copy_stopped(path, server, KEEP, NOW, silent, silent, mark, **options)  # type: ignore[arg-type]


def answers(store: TimeSeriesStore) -> list[object]:
    """What charts and rules ask."""
    start, hour = NOW - timedelta(days=4), timedelta(hours=1)
    found: list[object] = [store.latest(POINTS)]
    for point in POINTS:
        found += [
            store.range(point, start, NOW + hour, hour),
            store.range(point, start, NOW + hour, timedelta(minutes=5)),
            store.range(point, NOW - hour, NOW + hour, timedelta(seconds=90)),
            {(one.at, one.value, one.quality) for one in store.readings(point, NOW - 3 * hour, NOW, 100_000)},
            store.count(point),
        ]
    return found


def test_questions_have_the_same_answers_there(influx_server: InfluxTestServer, source: Path) -> None:
    server = influx_server.fresh()
    report = move(source, server)
    assert (report.again, report.left, report.merged) == ([], [], 0)
    assert report.rows > 3 * (2 + 3) * 720, "two days raw, and of four days the minutes that have a good value"
    file, there = open_sqlite_store(source, read_only=True), open_influx_store(server, None, spool_bytes=1 << 20)
    for ours, theirs in zip(answers(file), answers(there), strict=True):
        assert theirs == ours
    file.close()
    there.close()
    marks = influx_server.query(f"{server.bucket}_1h", "SELECT * FROM mark")
    assert {one["site"] for one in marks} == {"yunhe", "other, place"}
    assert all(NOW_MS - one["minutes_done"] <= 2 * 60_000 and one["raw_from"] >= NOW_MS - 3 * DAY_MS for one in marks)
    again = move(source, server)
    assert (again.rows, again.again) == (0, []), "nothing is left to do"


def test_a_difference_is_found_and_mended(influx_server: InfluxTestServer, source: Path) -> None:
    server = influx_server.fresh()
    move(source, server)
    raw, at_ns = f"{server.bucket}_raw", (NOW_MS - 2 * HOUR_MS) * 1_000_000

    def write(database: str, line: str) -> None:
        answer = httpx.post(
            f"{server.url}/api/v2/write",
            params={"org": server.org, "bucket": database, "precision": "ns"},
            headers={"Authorization": f"Token {server.token}"},
            content=line.encode(),
        )
        assert answer.status_code == 204

    point = influx_server.query(
        raw, f"SELECT * FROM reading WHERE site='yunhe' AND point='pressure' AND time >= {at_ns} LIMIT 1"
    )[0]
    tie = int(point["tie"])
    write(raw, f"reading,point=pressure,site=yunhe value={point['value'] + 1e-9!r} {at_ns + tie % 999_983}")
    write(f"{server.bucket}_1m", f"reading,point=pressure,site=yunhe count=4.0 {(NOW_MS - 3 * DAY_MS) * 1_000_000}")
    with pytest.raises(NotEqual) as found:
        move(source, server, only_verify=True)
    assert found.value.hint.count("yunhe/pressure") == 2
    assert "(raw): other values" in found.value.hint
    assert "(1m): other values" in found.value.hint
    assert len(move(source, server).again) == 2
    assert move(source, server, only_verify=True).again == []
    write(raw, f"reading,point=pressure,site=yunhe value=1.0,quality=0.0,delay_ms=0.0,tie=5.0 {at_ns + 123_456_789}")
    with pytest.raises(NotEqual, match="1 places") as found:
        move(source, server)
    assert "rows, " in found.value.hint


def test_while_gengfu_runs_what_is_closed_goes_first(influx_server: InfluxTestServer, source: Path) -> None:
    server, mark = influx_server.fresh(), Mark(source.with_suffix(".mark"), "test")
    store = open_sqlite_store(source)
    with pytest.raises(SourceInUse, match="open"):
        move(source, server)
    first = transfer.copy_running(source, server, KEEP, NOW, silent, silent, mark)
    late = [(POINTS[0], NOW_MS - 30 * HOUR_MS, 77, 9.0, 0, NOW_MS)]
    store.write([*late, *rows(NOW_MS, NOW_MS + 60_000)])
    store.close()
    report = move(source, server)
    assert 0 < report.rows < first
    assert {one.split(",")[0] for one in report.again} == {POINTS[0]}, "what came late is copied with its day"
    assert influx_server.count(server, "raw") == sum(1 for _ in rows(NOW_MS, NOW_MS + 60_000)) + count(source, NOW_MS)


def count(path: Path, until_ms: int) -> int:
    store = open_sqlite_store(path, read_only=True)
    found = store.count() - sum(1 for one in rows(until_ms, until_ms + 60_000))
    store.close()
    return found


@pytest.mark.timeout(120)
def test_killed_in_the_middle_it_goes_on_and_outages_are_waited_for(
    influx_server: InfluxTestServer, source: Path
) -> None:
    server = influx_server.fresh()
    env = {name: value for name, value in os.environ.items() if not name.startswith("GENGFU_")}
    env |= {
        "GENGFU_DATA_DIR": str(source.parent),
        "GENGFU_INFLUX_URL": server.url,
        "GENGFU_INFLUX_ORG": server.org,
        "GENGFU_INFLUX_BUCKET": server.bucket,
        "GENGFU_INFLUX_TOKEN": server.token,
    }
    command = [sys.executable, "-m", "services.cli", "migrate", "timeseries", "--to", "influx", "--lang", "en"]
    mark = source.with_name("timeseries.db.transfer")
    with influx_server.misbehaving("busy"):
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        influx_server.proxy.wait_for("/query", 503, 60)
    with influx_server.misbehaving("slow"):
        until(mark.exists, seconds=60)
        process.kill()
    process.wait(10)
    assert process.returncode == -9
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "equal" in done.stdout
    assert f"GENGFU_INFLUX_URL={server.url}" in done.stdout
    store = open_influx_store(server, source.with_name("spool-main.db"), spool_bytes=1 << 20)
    assert store.settle_ahead(POINTS[0], NOW_MS + 5, 1, 1) == NOW_MS, "the claim went along"
    store.close()


def test_an_influxdb_that_gengfu_works_with_already_is_left_alone(
    influx_server: InfluxTestServer, source: Path
) -> None:
    server = influx_server.fresh()
    httpx.post(
        f"{server.url}/api/v2/write",
        params={"org": server.org, "bucket": f"{server.bucket}_1h", "precision": "ns"},
        headers={"Authorization": f"Token {server.token}"},
        content=f"mark,site=yunhe minutes_done={NOW_MS + HOUR_MS} {NOW_MS}000000",
    ).raise_for_status()
    with pytest.raises(TargetRefused, match="newer than the file"):
        move(source, server)
