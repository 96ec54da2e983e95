"""The simulator on a real Mosquitto: last wills, backlog, a broker that dies, a clean goodbye."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from brokers import free_port

from gateway.contract.decode import decode
from gateway.contract.topics import parse_topic, ready_topic
from gateway.mqtt import BrokerAddress, client_options
from gateway.simulator.run import Simulator
from gateway.simulator.scenario import Fault, Guard, Scenario
from gateway.site.load import load_configs
from gateway.site.model import SiteConfig

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


class Broker:
    """Mosquitto on a free loopback port; remembers nothing across a restart."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.config = directory / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> BrokerAddress:
        return BrokerAddress(port=self.port)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._listens)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Ear:
    """Hears everything a site says, in order."""

    def __init__(self, broker: Broker, site: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.subscribed = threading.Event()
        self._site = site
        self._client = paho.Client(**client_options("ear", clean_session=True))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self.subscribed.set()
        self._client.on_disconnect = lambda *_: self.subscribed.clear()
        self._client.on_message = lambda client, userdata, message: self.heard.append((message.topic, message.payload))
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self.subscribed.wait(10)

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([(f"gengfu/v1/{self._site}/+/{kind}", 1) for kind in ("reading", "status", "tap")])

    def say_ready(self) -> None:
        self._client.publish(ready_topic(self._site), b'{"since":"now"}', qos=1, retain=True).wait_for_publish(10)

    def seqs(self, device: str) -> list[int]:
        """Sequence numbers of a device in order of arrival, repetitions left out."""
        found = [
            decode("reading", payload).seq
            for topic, payload in list(self.heard)
            if parse_topic(topic).device == device and parse_topic(topic).kind == "reading"
        ]
        return list(dict.fromkeys(found))

    def taps(self, device: str) -> list[dict[str, Any]]:
        return [json.loads(p) for t, p in list(self.heard) if t.endswith(f"/{device}/tap")]

    def statuses(self, device: str) -> list[dict[str, Any]]:
        return [json.loads(p) for t, p in list(self.heard) if t.endswith(f"/{device}/status")]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def yunhe() -> SiteConfig:
    return load_configs(Path(__file__).parents[2] / "device_configs").sites["yunhe"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def ear(broker: Broker, yunhe: SiteConfig) -> Iterator[Ear]:
    one = Ear(broker, yunhe.site.id)
    yield one
    one.close()


@contextmanager
def running(simulator: Simulator) -> Iterator[None]:
    stop = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            simulator.run(stop)
        except Exception as error:
            failures.append(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(15)
    assert not thread.is_alive()
    assert not failures


def scenario_of(*faults: dict[str, object]) -> Scenario:
    return Scenario(id="test", name="测试", name_en="test", faults=tuple(Fault.model_validate(one) for one in faults))


def test_devices_wait_for_ingest_then_speak_and_say_goodbye(broker: Broker, ear: Ear, yunhe: SiteConfig) -> None:
    simulator = Simulator(yunhe, broker.address, scenario_of(), speed=10)
    with running(simulator):
        wait_for(lambda: ear.statuses("nvr-1") and simulator.counts().waiting > 5)
        assert not ear.seqs("domestic-plc")
        ear.say_ready()
        wait_for(lambda: len(ear.seqs("domestic-plc")) > 20 and len(ear.seqs("fire-plc")) > 20)
    assert not ear.statuses("fire-panel-1"), "the gateway speaks for it"
    for device in ("domestic-plc", "fire-plc", "nvr-1"):
        assert ear.statuses(device)[0]["online"] is True
        wait_for(lambda device=device: ear.statuses(device)[-1]["online"] is False)  # type: ignore[misc]
        assert "will" not in ear.statuses(device)[-1]
    seqs = ear.seqs("domestic-plc")
    assert seqs == list(range(1, len(seqs) + 1))
    counts = simulator.counts()
    assert counts.sent == counts.acknowledged
    assert counts.dropped == 0


def test_a_device_that_loses_the_broker_leaves_its_will_and_brings_its_backlog(
    broker: Broker, ear: Ear, yunhe: SiteConfig
) -> None:
    offline = {"kind": "offline", "target": "domestic-plc", "start": "10s", "duration": "20s"}
    told: list[tuple[str, str]] = []
    ear.say_ready()
    simulator = Simulator(
        yunhe, broker.address, scenario_of(offline), speed=10, on_event=lambda zh, en: told.append((zh, en))
    )
    with running(simulator):
        wait_for(lambda: any(one.get("will") for one in ear.statuses("domestic-plc")))
        before = len(ear.seqs("domestic-plc"))
        others = len(ear.seqs("fire-plc"))
        wait_for(lambda: ear.statuses("domestic-plc")[-1]["online"] and len(ear.seqs("domestic-plc")) > before + 10)
    assert [one["online"] for one in ear.statuses("domestic-plc")][:3] == [True, False, True]
    seqs = ear.seqs("domestic-plc")
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(ear.seqs("fire-plc")) > others + 5
    assert not any(one.get("will") for one in ear.statuses("fire-plc"))
    assert told == [
        (
            "生活泵房采集器与消息代理断开，读数暂存在设备内",
            "Domestic pump-room unit loses the broker and keeps its readings",
        ),
        (
            "生活泵房采集器重新连上，按顺序补传",
            "Domestic pump-room unit is connected again and sends what it kept, in order",
        ),
    ]


def test_a_broker_that_dies_costs_nothing(broker: Broker, ear: Ear, yunhe: SiteConfig) -> None:
    told: list[str] = []
    ear.say_ready()
    simulator = Simulator(yunhe, broker.address, scenario_of(), speed=10, on_event=lambda zh, en: told.append(en))
    with running(simulator):
        wait_for(lambda: len(ear.seqs("domestic-plc")) > 5)
        broker.stop()
        wait_for(lambda: simulator.counts().waiting > 20)
        last = ear.seqs("domestic-plc")[-1]
        broker.start()
        assert ear.subscribed.wait(10)
        ear.say_ready()
        wait_for(lambda: ear.seqs("domestic-plc")[-1] > last + 20)
    for device in ("domestic-plc", "fire-plc"):
        seqs = ear.seqs(device)
        assert all(b == a + 1 for a, b in pairwise(seqs)), device
    assert len(told) == 2
    assert "cannot be reached" in told[0]
    assert "connected again" in told[1]


def test_without_a_broker_it_waits_and_stops_when_told(yunhe: SiteConfig, tmp_path: Path) -> None:
    absent = Broker(tmp_path)
    told: list[str] = []
    simulator = Simulator(yunhe, absent.address, scenario_of(), speed=20, on_event=lambda zh, en: told.append(zh))
    with running(simulator):
        wait_for(lambda: simulator.counts().waiting > 5)
    assert simulator.counts().sent == 0
    assert told == [f"连不上消息代理 {absent.address}，设备把读数暂存在内存中"]


def test_guards_tap_as_the_phone_app_and_say_nothing_of_its_status(broker: Broker, ear: Ear, yunhe: SiteConfig) -> None:
    told: list[str] = []
    ear.say_ready()
    walked = Guard(guard="guard", route="garage", behaviour="desk_tapping", every=timedelta(minutes=1))
    scenario = Scenario(id="test", name="测试", name_en="test", guards=(walked,))
    simulator = Simulator(yunhe, broker.address, scenario, speed=60, on_event=lambda zh, en: told.append(en))
    with running(simulator):
        wait_for(lambda: len(ear.taps("patrol-app")) > 6)
    taps = ear.taps("patrol-app")
    assert [int(one["id"].partition("-")[2]) for one in taps] == list(range(1, len(taps) + 1))
    assert len({one["client_id"] for one in taps}) == len(taps)
    assert not ear.statuses("patrol-app")
    assert "Guard taps all of Garages and plant rooms within seconds (simulated desk tapping)" in told
