"""Sparkplug B messages → Said, by a profile; the shipped profiles' samples."""

import random
from pathlib import Path

import pytest
import sparkplug_bytes as sp
import yaml

from gateway.decode.said import PAYLOAD, Said
from gateway.decode.samples import disproofs
from gateway.decode.sparkplug_reader import SparkplugReader
from gateway.site.profile import Profile

SHIPPED = Path(__file__).parents[4] / "device_configs" / "profiles" / "sparkplug.yaml"
PROFILES = {one["id"]: Profile.model_validate(one) for one in yaml.safe_load(SHIPPED.read_text("utf-8"))["profiles"]}
PUMP = PROFILES["sparkplug-pump"]
NOW_MS = 1_795_000_000_000
NAME = "Yunhe/PumpRoom/FirePumps"


class Bench:
    """A reader, the node it hears and the time."""

    def __init__(self, profile: Profile = PUMP) -> None:
        self.reader = SparkplugReader(profile, [NAME], reorder_ms=2000)
        self.now_ms = NOW_MS
        self.seq = 0

    def hear(self, kind: str, *metrics: bytes, at_ms: int | None = None) -> list[Said]:
        place = "PumpRoom/FirePumps" if kind.startswith("D") else "PumpRoom"
        raw = sp.payload(
            self.now_ms if at_ms is None else at_ms, None if kind == "NDEATH" else self.seq % 256, *metrics
        )
        self.seq += 1
        return self.reader.read(f"spBv1.0/Yunhe/{kind}/{place}", raw, self.now_ms, self.now_ms)

    def birth(self) -> list[Said]:
        self.seq = 0
        self.hear("NBIRTH", sp.metric("bdSeq", 0, sp.INT64))
        return self.hear("DBIRTH", sp.metric("Discharge/Pressure", 0.42, sp.FLOAT, alias=1))


def values(saids: list[Said]) -> dict[str, float]:
    return {one.metric: one.value for said in saids for one in said.values}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_shipped_samples(profile: Profile) -> None:
    assert len(profile.samples) >= 3
    assert disproofs(profile) == []


def test_a_gap_and_its_end() -> None:
    bench = Bench()
    bench.birth()
    bench.seq += 1
    assert values(bench.hear("DDATA", sp.metric(value=0.4, alias=1))) == {"discharge_pressure": 0.4}
    bench.now_ms += 2000
    gone = bench.reader.expire(bench.now_ms, bench.now_ms)
    assert [(one.name, one.status) for one in gone] == [
        ("Yunhe/PumpRoom", {"online": False, "no_data": True}),
        (NAME, {"online": False, "no_data": True}),
    ]
    ((topic, payload),) = bench.reader.requests(bench.now_ms)
    assert topic == "spBv1.0/Yunhe/NCMD/PumpRoom"
    assert b"Node Control/Rebirth" in payload
    assert bench.reader.requests(bench.now_ms) == []
    (born,) = bench.birth()
    assert (born.status, values([born])) == ({"online": True}, {"discharge_pressure": 0.42})


def test_without_leave_nothing_is_asked() -> None:
    assert PUMP.mqtt is not None
    quiet = PUMP.model_copy(update={"mqtt": PUMP.mqtt.model_copy(update={"rebirth": False})})
    bench = Bench(quiet)
    (said,) = bench.hear("DDATA", sp.metric(value=0.4, alias=1))
    assert [one.code for one in said.refused] == ["unknown_alias"]
    assert bench.reader.requests(NOW_MS) == []


def test_nodes_of_others_are_not_asked() -> None:
    reader = Bench().reader
    raw = sp.payload(NOW_MS, 5, sp.metric(value=0.4, alias=1))
    reader.read("spBv1.0/Others/DDATA/Edge/pump", raw, NOW_MS, NOW_MS)
    assert reader.requests(NOW_MS) == []


def test_unknown_aliases_are_told_once_an_hour() -> None:
    bench = Bench()
    told = []
    for bench.now_ms in (NOW_MS, NOW_MS + 1000, NOW_MS + 3_600_000):
        told.append(bool(bench.hear("DDATA", sp.metric(value=0.4, alias=1))[-1].refused))
    assert told == [True, False, True]


@pytest.mark.parametrize(
    ("metric", "code"),
    [
        (sp.metric("Discharge/Pressure", None, sp.FLOAT), "null"),
        (sp.metric("Discharge/Pressure", float("nan"), sp.FLOAT), "not_finite"),
        (sp.metric("Discharge/Pressure", "0.4", sp.STRING), "text_number"),
        (sp.metric("Discharge/Pressure", 1e30, sp.DOUBLE), "too_large"),
        (sp.metric("Discharge/Pressure", 4.5, sp.DOUBLE), "above_maximum"),
        (sp.metric("Discharge/Pressure", -0.5, sp.DOUBLE), "below_minimum"),
        (sp.metric("Discharge/Pressure", True, sp.BOOLEAN), "wrong_type"),
        (sp.metric("Controller/Mode", "broken", sp.STRING), "unknown_word"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_the_rest_is_kept(metric: bytes, code: str) -> None:
    (said,) = Bench().hear("DDATA", metric, sp.metric("Tank/Level", 3.1, sp.FLOAT))
    assert [one.code for one in said.refused] == [code]
    assert values([said]) == {"tank_level": 3.1}


def test_every_metric_at_its_own_time_except_in_a_birth() -> None:
    bench = Bench()
    metrics = [sp.metric("Tank/Level", 3.1, sp.FLOAT, at_ms=NOW_MS - 500),
               sp.metric("Discharge/Pressure", 0.4, sp.FLOAT, at_ms=NOW_MS - 90_000)]  # fmt: skip
    saids = bench.hear("DDATA", *metrics)
    assert [(one.at_ms - NOW_MS, one.claimed) for one in saids] == [(-500, True), (-90_000, True)]
    (born,) = bench.hear("DBIRTH", *metrics)
    assert (born.at_ms, sorted(values([born]))) == (NOW_MS, ["discharge_pressure", "tank_level"])


def test_without_any_time_it_is_the_time_of_arrival() -> None:
    (said,) = Bench().hear("DDATA", sp.metric("Tank/Level", 3.1, sp.FLOAT), at_ms=0)
    assert (said.at_ms, said.claimed) == (NOW_MS, False)


def test_garbage_and_what_does_not_concern_us() -> None:
    reader = Bench().reader
    (said,) = reader.read("spBv1.0/Yunhe/DDATA/PumpRoom/FirePumps", b"{}", NOW_MS, 0)
    assert (said.name, said.refused[0].place, said.refused[0].code) == (NAME, PAYLOAD, "not_sparkplug")
    assert reader.read("spBv1.0/Yunhe/NCMD/PumpRoom", b"", NOW_MS, 0) == []
    assert reader.read("spBv1.0/STATE/host", b"ONLINE", NOW_MS, 0) == []


def test_broken_bytes_raise_nothing() -> None:
    rng = random.Random(11)
    reader = Bench().reader
    kinds = ["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"]
    whole = sp.payload(
        NOW_MS, 3, *[sp.metric("Tank/Level", 3.1, sp.FLOAT, alias=one, at_ms=NOW_MS) for one in range(4)]
    )
    for number in range(3000):
        raw = bytearray(whole[: rng.randrange(len(whole) + 1)])
        for _ in range(rng.randrange(4) if raw else 0):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        place = "PumpRoom/FirePumps" if (kind := rng.choice(kinds)).startswith("D") else "PumpRoom"
        for said in reader.read(f"spBv1.0/Yunhe/{kind}/{place}", bytes(raw), NOW_MS + number, number):
            assert all(-1e15 <= one.value <= 1e15 for one in said.values)
