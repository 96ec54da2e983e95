"""Ready-made devices over a real broker, the real gateway and ingest: readings, alerts, quarantine, kill -9."""

import json
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
import pytest
import sparkplug_bytes as sp
from brokers import MosquittoServer, free_port
from processes import Client, Stand, copy_configs, edit_yaml, now_ms, until

from gateway.mqtt import client_options

SITE = "yunhe"
CLIMATE = "tele/power_room/SENSOR"
DOOR, ROPE = "zigbee2mqtt/fire-pump-door", "zigbee2mqtt/fire-pump-leak"
LAMP = "shellyplus1pm-a8032ab1fe78"
NODE = "spBv1.0/Yunhe/{}/PumpRoom"
KILLS = 3
MESSAGES = 400


def configs(directory: Path) -> Path:
    """The shipped site with a pump controller that speaks Sparkplug B, and a room that is too hot above 50 °C."""
    copied = copy_configs(directory)

    def more(document: Any) -> None:
        document["devices"].append(
            {"id": "pump-controller", "name": "水泵控制柜", "area": "pump-room-fire", "kind": "plc"}
        )
        document["points"].append(
            {"id": "controller-pressure", "device": "pump-controller", "name": "出口压力", "unit": "kPa",
             "quantity": "other", "interval": "1min", "stale_after": "2h"}
        )  # fmt: skip
        climate = next(one for one in document["points"] if one["id"] == "power-room-temperature")
        climate |= {"valid_min": -20, "valid_max": 50}

    def sensor(document: Any) -> None:
        document["sensors"].append(
            {"device": "pump-controller", "profile": "sparkplug-pump", "name": "Yunhe/PumpRoom/FirePumps",
             "points": {"discharge_pressure": "controller-pressure"}}
        )  # fmt: skip

    edit_yaml(copied / f"sites/{SITE}/devices.yaml", more)
    edit_yaml(copied / f"sites/{SITE}/sensors.yaml", sensor)
    return copied


class Asked:
    """A node that hears what it is asked."""

    def __init__(self, port: int, topic: str) -> None:
        self.heard: list[bytes] = []
        self._client = paho.Client(**client_options("node", clean_session=True))
        self._client.on_message = lambda _client, _userdata, message: self.heard.append(message.payload)
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port, 60)
        self._client.subscribe(topic, 1)
        self._client.loop_start()
        assert subscribed.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    nowhere = json.dumps({f"{SITE}/pump-bus": f"127.0.0.1:{free_port()}"})
    with MosquittoServer(tmp_path) as broker:
        running = Stand(tmp_path, broker.port, configs=configs(tmp_path), bus_addresses=nowhere)
        with running:
            yield running


def stored(stand: Stand, point: str) -> list[tuple[float, int]]:
    """(value, quality) of what is stored of a point, in the order of their times."""
    path = stand.data_dir / "timeseries.db"
    if not path.exists():
        return []
    rows = "SELECT value, quality FROM sample JOIN series ON series.id = series WHERE name = ? ORDER BY ts, tie"
    with closing(sqlite3.connect(path)) as store:
        try:
            return [(round(value, 6), quality) for value, quality in store.execute(rows, (f"{SITE}/{point}",))]
        except sqlite3.OperationalError:
            return []


def climate(temperature: Any, humidity: Any = 45.0) -> bytes:
    return json.dumps({"BME280": {"Temperature": temperature, "Humidity": humidity}, "TempUnit": "C"}).encode()


def begin(stand: Stand, client: Client) -> None:
    """Say something until the gateway's session hears it."""

    def heard() -> bool:
        client.publish(CLIMATE, climate(20.0))
        return bool(stored(stand, "power-room-temperature"))

    until(heard, "the gateway does not hear the sensors")


def quarantined(stand: Stand) -> dict[str, tuple[bytes, str, str]]:
    """(raw, device, code) of what was refused, by foreign topic."""
    rows = stand.query("SELECT topic, payload, device, code FROM quarantine")
    return {row["topic"]: (bytes(row["payload"]), row["device"], row["code"]) for row in rows}


@pytest.mark.timeout(90)
def test_payloads_of_several_families_are_stored_judged_and_quarantined(stand: Stand) -> None:
    stand.start("ingest")
    stand.start("gateway")
    with Client(int(stand.env["GENGFU_BROKER_PORT"])) as client:
        begin(stand, client)
        client.publish(DOOR, b'{"battery":97,"contact":false,"linkquality":105}')
        client.publish(ROPE, b'{"water_leak":true,"battery":100}')
        params = {"ts": now_ms() / 1000, "switch:0": {"id": 0, "output": True, "apower": 1500.0}}
        shelly = {"src": LAMP, "dst": f"{LAMP}/events", "method": "NotifyStatus", "params": params}
        client.publish(f"{LAMP}/events/rpc", json.dumps(shelly).encode())
        at_ms = now_ms()
        pump = NODE.format("{}") + "/FirePumps"
        unborn = sp.payload(at_ms, 9, sp.metric(value=0.38, alias=1))
        with Asked(int(stand.env["GENGFU_BROKER_PORT"]), NODE.format("NCMD")) as asked:
            client.publish(pump.format("DDATA"), unborn)
            until(lambda: asked.heard, "the node is not asked for its birth")
        assert b"Node Control/Rebirth" in asked.heard[0]
        client.publish(NODE.format("NBIRTH"), sp.payload(at_ms, 0, sp.metric("bdSeq", 0, sp.INT64)))
        birth = sp.payload(at_ms, 1, sp.metric("Discharge/Pressure", 0.42, sp.FLOAT, alias=1))
        client.publish(pump.format("DBIRTH"), birth)
        client.publish(pump.format("DDATA"), sp.payload(at_ms + 5, 2, sp.metric(value=0.38, alias=1)))
        client.publish(NODE.format("NDEATH"), sp.payload(at_ms, None, sp.metric("bdSeq", 0, sp.INT64)))
        client.publish("tele/attic/SENSOR", climate(20.0))
        client.publish(ROPE, b"{oops")
        client.publish(CLIMATE, climate(61.0, None))

        until(lambda: (61.0, 0) in stored(stand, "power-room-temperature"), "the good half was not stored")
        assert stored(stand, "fire-pump-door-open") == [(1.0, 0)]
        assert stored(stand, "fire-pump-leak-wet") == [(1.0, 0)]
        assert stored(stand, "garage-light-on") == [(1.0, 0)]
        assert stored(stand, "garage-light-power") == [(1.5, 0)]
        assert stored(stand, "controller-pressure") == [(420.0, 0), (380.0, 0), (380.0, 2)]

        hot = "SELECT count(*) FROM alert WHERE rule = 'DATA-RANGE' AND target = 'yunhe/power-room-temperature'"
        until(lambda: stand.scalar(hot) == 1, "the heat was not judged")
        until(lambda: len(quarantined(stand)) == 4, "something is not in quarantine")
        assert quarantined(stand) == {
            "tele/attic/SENSOR": (climate(20.0), "gateway-1", "unknown_sensor"),
            ROPE: (b"{oops", "fire-pump-leak", "bad_json"),
            pump.format("DDATA"): (unborn, "pump-controller", "unknown_alias"),
            CLIMATE: (climate(61.0, None), "power-room-climate", "null"),
        }
        state = "SELECT online FROM device_state WHERE device = :device"
        until(lambda: stand.scalar(state, device=f"{SITE}/pump-controller") in (0, False), "a death is not offline")
        assert stand.scalar(state, device=f"{SITE}/fire-pump-door") in (1, True)
        assert stand.scalar("SELECT battery FROM device_state WHERE device = 'yunhe/fire-pump-door'") == 97


@pytest.mark.timeout(90)
def test_killed_between_receipt_and_store_the_gateway_loses_no_message(stand: Stand) -> None:
    rng = random.Random(5)
    stand.start("ingest")
    gateway = stand.start("gateway")
    said = [round(21 + 0.01 * number, 2) for number in range(MESSAGES)]
    moments = sorted(rng.sample(range(20, MESSAGES - 20), KILLS))
    with Client(int(stand.env["GENGFU_BROKER_PORT"])) as client:
        begin(stand, client)
        reached = [threading.Event() for _ in moments]
        restarted = [threading.Event() for _ in moments]

        def talk() -> None:
            for number, temperature in enumerate(said):
                client.publish(CLIMATE, climate(temperature))
                if number in moments:
                    index = moments.index(number)
                    reached[index].set()
                    if index % 2:  # one time it comes back while the device talks, one time it has all of it waiting
                        restarted[index].wait(30)

        talker = threading.Thread(target=talk)
        talker.start()
        for index, event in enumerate(reached):
            assert event.wait(60)
            gateway.kill()
            gateway = stand.start("gateway")
            restarted[index].set()
        talker.join()
        until(lambda: set(said) <= {value for value, _ in stored(stand, "power-room-temperature")}, "a message is lost")
