"""Pages while the store of readings does not answer: alarms and points are there, only values are missing."""

import pytest
from console import Console

from gateway.timeseries.influxdb import InfluxServer, open_influx_store
from gateway.timeseries.store import StoreBusy, TimeSeriesStore


@pytest.fixture
def dead(console: Console) -> str:
    """An alert, and then an InfluxDB that nobody serves; the alert's id."""
    alert = console.breach()
    away: TimeSeriesStore = open_influx_store(InfluxServer("http://127.0.0.1:9"), None, spool_bytes=0)
    with pytest.raises(StoreBusy):
        away.latest(["yunhe/low-zone-pressure"])
    for name in ("latest", "range", "readings", "count"):
        setattr(console.store, name, getattr(away, name))
    return alert


@pytest.mark.parametrize(
    "path", ["/", "/alerts/{alert}", "/points", "/points/yunhe/low-zone-pressure", "/work-orders", "/fragments/status"]
)
def test_pages_answer(console: Console, dead: str, path: str) -> None:
    with console.browser("duty") as browser:
        answer = browser.get(path.format(alert=dead))
    assert answer.status_code == 200
    if path in ("/", "/points", "/alerts/{alert}"):
        assert "低区出口压力" in answer.text


def test_a_chart_says_that_it_has_no_readings_now_and_not_that_there_are_none(console: Console, dead: str) -> None:
    with console.browser("duty") as browser:
        chart = browser.get("/fragments/chart/yunhe/low-zone-pressure").text
    assert "暂时取不到数据" in chart
    assert "这段时间没有数据" not in chart


def test_a_program_is_told_to_come_again(console: Console, dead: str) -> None:
    with console.browser("duty") as browser:
        answer = browser.get("/api/v1/points/yunhe/low-zone-pressure/readings")
        alerts = browser.get("/api/v1/alerts")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["type"] == "urn:gengfu:problem:store_away"
    assert "does not answer" in answer.json()["detail"]
    assert [one["id"] for one in alerts.json()] == [dead]
