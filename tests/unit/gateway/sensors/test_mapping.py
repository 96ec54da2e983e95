"""From what a device said to events of its points: units, loops, times, refusals, status."""

from datetime import timedelta
from typing import Any

import pytest
from sensor_sites import as_ingest, family, readings, refusals, site, statuses

from gateway.decode.said import Refused, Said, Value
from gateway.decode.units import BadUnit
from gateway.outlet import Event
from gateway.sensors.mapping import (
    MAX_RAW,
    MAX_RAW_LATER,
    PER_POINT_AND_S,
    BadSensor,
    Origin,
    SensorMap,
)
from gateway.site.profile import Loop, PayloadField
from gateway.site.sensors import Sensor, Span

NOW_MS = 1_795_000_000_000
PRESSURE = PayloadField(name="pressure", select="p", unit="bar")
CURRENT = PayloadField(name="current", select="i", unit="mA", loop=Loop())
BATTERY = PayloadField(name="battery", select="b", unit="%", status="battery")
FAMILY = family("probe", "p/{device}", PRESSURE, CURRENT, BATTERY)
SENSOR = Sensor(
    device="probe-1",
    profile="probe",
    points={"pressure": "main", "current": "tank"},
    spans={"current": Span(low=0.0, high=5.0)},
)
POINTS = {"main": "MPa", "tank": "m"}


class Bench:
    """One sensor and the time."""

    def __init__(self, sensor: Sensor = SENSOR, heartbeat: timedelta | None = None) -> None:
        self.map = SensorMap(site(sensor, points=POINTS, heartbeat=heartbeat), sensor, FAMILY)
        self.now_ms = NOW_MS

    def hear(
        self,
        *values: Value,
        at_ms: int | None = None,
        raw: bytes = b"{}",
        waited: bool = False,
        retained: bool = False,
        **said: Any,
    ) -> list[Event]:
        told = Said("probe-1", self.now_ms if at_ms is None else at_ms, at_ms is not None, list(values), **said)
        return self.map.events([told], Origin("p/probe-1", raw, waited, retained), self.now_ms, self.now_ms)


def test_good_values_of_one_message_are_one_batch_in_the_units_of_their_points() -> None:
    events = Bench().hear(Value("pressure", 8.5), Value("current", 12.0), Value("unknown", 1.0))
    assert [kind for _, kind, _ in events] == ["reading", "status"]
    assert readings(events) == [("main", 0.85, 0), ("tank", 2.5, 0)]
    assert as_ingest(events[0]).at_ms == NOW_MS


@pytest.mark.parametrize(
    ("signal", "value"), [(4.0, 0.0), (3.7, 0.0), (3.6, 0.0), (8.0, 1.25), (20.0, 5.0), (20.8, 5.25)]
)
def test_a_loops_signal_over_its_span(signal: float, value: float) -> None:
    assert readings(Bench().hear(Value("current", signal))) == [("tank", value, 0)]


@pytest.mark.parametrize(("signal", "value"), [(0.0, 0.0), (3.5, 0.0), (21.5, 5.0), (24.0, 5.0)])
def test_a_broken_loop_is_no_value_but_a_fault_at_the_end_of_the_range(signal: float, value: float) -> None:
    events = Bench().hear(Value("pressure", 8.5), Value("current", signal, "bad", "electrical"))
    assert readings(events) == [("main", 0.85, 0), ("tank", value, 2)]
    assert as_ingest(events[1]).fault == "electrical"


def test_a_refused_value_brings_the_whole_message_into_quarantine_and_keeps_the_rest() -> None:
    refused = [Refused("current", "null", "current is null", "look")]
    events = Bench().hear(Value("pressure", 8.5), raw=b'{"p":8.5,"i":null}', refused=refused)
    assert readings(events) == [("main", 0.85, 0)]
    assert refusals(events) == [("probe-1", "p/probe-1", b'{"p":8.5,"i":null}', ["null"])]


def test_a_metric_that_is_missing_concerns_us_only_with_a_point() -> None:
    without = SENSOR.model_copy(update={"points": {"pressure": "main"}})
    absent = ("current", "battery")
    assert [codes for *_, codes in refusals(Bench().hear(absent=absent))] == [["missing"]]
    assert refusals(Bench(without).hear(absent=absent, refused=[Refused("current", "null", "x")])) == []


def test_a_long_message_is_cut_and_many_refusals_are_too() -> None:
    refused = [Refused(f"m{number}", "null", "x") for number in range(150)]
    ((_, _, raw, codes),) = refusals(Bench().hear(raw=b"\xff" * (MAX_RAW + 9), refused=refused))
    assert raw == b"\xff" * MAX_RAW
    assert len(codes) == 100


def test_the_same_refusal_is_told_once_a_minute() -> None:
    bench = Bench()
    told = []
    for bench.now_ms in (NOW_MS, NOW_MS + 1000, NOW_MS + 60_000):
        told.append(refusals(bench.hear(refused=[Refused("current", "null", "current is null")])))
    assert [len(one) for one in told] == [1, 0, 1]
    assert len(refusals(bench.hear(refused=[Refused("current", "too_large", "x")]))) == 1


def test_a_value_beyond_all_numbers_is_refused() -> None:
    sensor = SENSOR.model_copy(update={"spans": {"current": Span(low=0.0, high=1e300)}})
    events = Bench(sensor).hear(Value("current", 1e200))
    assert readings(events) == []
    assert [codes for *_, codes in refusals(events)] == [["too_large"]]


def test_the_devices_own_time_holds() -> None:
    (event, status) = Bench().hear(Value("pressure", 8.5), at_ms=NOW_MS - 90_000)
    assert as_ingest(event).at_ms == NOW_MS - 90_000
    assert status[2]["clock_offset_s"] == -90.0


@pytest.mark.parametrize("claimed_ms", [NOW_MS + 120_001, 1_577_836_799_999, -5, 2**60])
def test_a_time_that_cannot_be_is_replaced_and_seen_in_the_clock_offset(claimed_ms: int) -> None:
    (event, status) = Bench().hear(Value("pressure", 8.5), at_ms=claimed_ms)
    assert as_ingest(event).at_ms == NOW_MS
    assert as_ingest(status).body is not None
    assert status[2]["clock_offset_s"] == (claimed_ms - NOW_MS) / 1000


def test_the_clock_offset_is_that_of_the_quickest_message() -> None:
    bench = Bench(SENSOR.model_copy(update={"offline_after": timedelta(seconds=1)}))
    offsets = [status["clock_offset_s"] for at in (-9000, -2000, -60_000) for status in self_status(bench, at)]
    assert offsets == [-9.0, -2.0, -2.0]


def self_status(bench: Bench, behind_ms: int) -> list[dict[str, Any]]:
    bench.now_ms += 1000
    return statuses(bench.hear(at_ms=bench.now_ms + behind_ms))


def test_a_retained_message_is_state_and_its_values_are_readings_only_with_a_time() -> None:
    assert Bench().hear(Value("pressure", 8.5), retained=True) == []
    events = Bench().hear(Value("pressure", 8.5), at_ms=NOW_MS - 5000, retained=True)
    assert readings(events) == [("main", 0.85, 0)]
    assert statuses(events) == []


def test_what_waited_at_the_broker_without_a_time_is_uncertain() -> None:
    assert readings(Bench().hear(Value("pressure", 8.5), waited=True)) == [("main", 0.85, 1)]
    events = Bench().hear(Value("pressure", 8.5), at_ms=NOW_MS - 5000, waited=True)
    assert readings(events) == [("main", 0.85, 0)]
    assert "clock_offset_s" not in statuses(events)[0]


def test_a_death_is_no_data_after_everything_said_by_the_devices_own_clock() -> None:
    bench = Bench()
    bench.hear(Value("pressure", 8.5), at_ms=NOW_MS + 90_000)
    events = bench.hear(status={"online": False, "no_data": True})
    assert readings(events) == [("main", 0.85, 2), ("tank", 0.0, 2)]
    assert [as_ingest(one).at_ms for one in events[:2]] == [NOW_MS + 90_001] * 2
    assert statuses(events) == [{"at": "2026-11-18T11:06:40.000Z", "online": False, "clock_offset_s": 90.0}]
    bench.now_ms += 5000
    again = bench.hear(Value("pressure", 8.6), at_ms=bench.now_ms + 90_000)
    assert readings(again) == [("main", 0.86, 0)]
    assert statuses(again)[0]["online"] is True


def test_a_will_says_offline_and_leaves_the_values() -> None:
    bench = Bench()
    bench.hear(Value("pressure", 8.5))
    events = bench.hear(status={"online": False})
    assert [(kind, body["online"]) for _, kind, body in events] == [("status", False)]
    assert bench.hear(status={"online": False}) == []


@pytest.mark.parametrize(
    ("update", "error"),
    [
        ({"points": {"colour": "main"}}, BadSensor),
        ({"points": {"pressure": "tank"}}, BadUnit),
        ({"spans": {}}, BadSensor),
        ({"spans": {"current": Span(low=0, high=1), "pressure": Span(low=0, high=1)}}, BadSensor),
    ],
)
def test_what_does_not_fit_is_said_before_anything_starts(update: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Bench(SENSOR.model_copy(update=update))


@pytest.mark.parametrize("claimed_ms", [0, NOW_MS + 3_600_000])
@pytest.mark.parametrize(("origin", "qualities"), [({"retained": True}, []), ({"waited": True}, [1])])
def test_a_time_that_cannot_be_does_not_make_old_values_news(
    claimed_ms: int, origin: dict[str, bool], qualities: list[int]
) -> None:
    events = Bench().hear(Value("pressure", 8.5), at_ms=claimed_ms, **origin)
    assert [quality for _, _, quality in readings(events)] == qualities


@pytest.mark.parametrize(
    ("metric", "signal", "point", "value"), [("pressure", 3.0, "main", 0.3), ("current", 6.4, "tank", 0.75)]
)
def test_conversion_leaves_no_dust(metric: str, signal: float, point: str, value: float) -> None:
    ((_, _, body), *_) = Bench().hear(Value(metric, signal))
    assert [entry[1:] for entry in body["batch"]] == [(point, value)]


def test_a_flood_is_told_and_cut_to_what_the_device_may_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sensors.mapping.BURST", 400)
    bench = Bench()
    heard = [bench.hear(Value("pressure", 8.5)) for _ in range(400)]
    assert sum(len(readings(one)) for one in heard) == 200
    (flood,) = [one for events in heard for one in refusals(events)]
    assert flood[3] == ["too_many"]
    bench.now_ms += 1000
    later = [bench.hear(Value("pressure", 8.5)) for _ in range(100)]
    assert sum(len(readings(one)) for one in later) == PER_POINT_AND_S * 3 // 2


def test_of_much_that_is_wrong_only_the_first_message_is_kept_whole() -> None:
    bench = Bench()
    sizes = []
    for place in ("pressure", "current", "time"):
        refused = [Refused(place, "null", "nothing")]
        sizes += [len(raw) for _, _, raw, _ in refusals(bench.hear(raw=b"x" * MAX_RAW, refused=refused))]
    assert sizes == [MAX_RAW, MAX_RAW_LATER, MAX_RAW_LATER]
