"""What a holder of a group left behind when it died: sent, in the rollups, and no trouble to those after it."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from influx import InfluxTestServer

from gateway.contract.times import from_ms
from gateway.timeseries.influxdb import InfluxServer, InfluxStore, Pace, drain_leftovers, open_influx_store
from gateway.timeseries.store import Row

T0 = 1_795_262_400_000
LATER = from_ms(T0) + timedelta(hours=3)
QUICK = Pace(0.02, 0.1, 0.1)
Open = Callable[..., InfluxStore]


def row(seconds: float, value: float = 1.0) -> Row:
    at_ms = T0 + round(seconds * 1000)
    return ("yunhe/low-zone-pressure", at_ms, 0, value, 0, at_ms)


@pytest.fixture
def server(influx_server: InfluxTestServer) -> InfluxServer:
    return influx_server.fresh()


@pytest.fixture
def open_store(server: InfluxServer, tmp_path: Path) -> Iterator[Open]:
    opened: list[InfluxStore] = []

    def begin(name: str = "spool-main.db", *, beside: bool = False) -> InfluxStore:
        store = open_influx_store(server, tmp_path / name, spool_bytes=1 << 30, pace=QUICK, beside=beside)
        assert isinstance(store, InfluxStore)
        opened.append(store)
        return store

    yield begin
    for store in opened:
        store.close()


def drain(folder: Path, server: InfluxServer) -> list[Path]:
    return drain_leftovers(folder, server, threading.Event(), lambda: LATER, spool_bytes=1 << 30, pace=QUICK)


def test_readings_left_behind_on_time_are_in_the_rollups_that_another_has_made(
    influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, tmp_path: Path
) -> None:
    dead = open_store("spool-a.db")
    dead.write([row(0)])
    dead.maintain(from_ms(T0))  # it knows its marks: what follows is on time
    assert dead.flush(10)
    with influx_server.misbehaving("down"):
        dead.write([row(60 * minute + 1, 5.0) for minute in range(10)])
        dead.close()
    following = open_store("spool-b.db")
    following.write([row(60 * minute) for minute in range(61)])
    for _ in range(2):
        assert following.flush(10)
        following.maintain(LATER)
    assert following.flush(10)
    assert following.marks("yunhe").hours_done > T0
    drain(tmp_path, server)
    (hour, *_) = influx_server.query(server.hours, "SELECT * FROM reading")
    assert (hour["count"], hour["high"]) == (70, 5.0)


def test_a_damaged_spool_keeps_no_other_from_being_sent(
    influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, tmp_path: Path
) -> None:
    with influx_server.misbehaving("down"):
        left = open_store("spool-b.db")
        left.write([row(0)])
        left.close()
    (tmp_path / "spool-a.db").write_bytes(b"what a broken disk gives" * 999)
    done = drain(tmp_path, server)
    assert done == [tmp_path / "spool-b.db"]
    assert influx_server.count(server) == 1
    assert open_store("spool-a.db", beside=True).write([row(1)]).stored == 1, "a group is not deaf for a spool"


def test_nothing_counts_as_rolled_up_that_could_not_be_read(
    influx_server: InfluxTestServer, server: InfluxServer, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a token that may only write: InfluxDB 2 then says that there is no such database."""
    store = open_store()
    store.write([row(0)])
    assert store.flush(10)
    with monkeypatch.context() as patched:
        ask = store._writing.client._ask
        patched.setattr(store._writing.client, "_ask", lambda _, *more: ask("nonesuch", *more))
        store.maintain(LATER)
        assert store.flush(10)
    assert store.marks("yunhe").minutes_done == 0
    store.maintain(LATER)
    assert store.flush(10)
    assert influx_server.count(server, "1m", "total") == 1
