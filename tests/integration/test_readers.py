"""Readers on real ptys and a real broker: what is held before them is an event at ingest, once, unplugging included."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from brokers import SITE, Consumer, EmbeddedServer
from tag_readers import Card, PlayedPn532, Plug, rdm_frame, uri_message

from gateway.contract.times import to_ms
from gateway.mqtt import client_options
from gateway.outbox import Outbox
from gateway.publish import Publisher
from gateway.readers import Readers
from gateway.site.model import Area, Device, Site, SiteConfig
from gateway.site.patrol import Patrol, Reader

URL = "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"


def config(ports: Path) -> SiteConfig:
    readers = (
        Reader(id="wall", protocol="pn532", port=str(ports / "pn532"), place="gate"),
        Reader(id="carried", protocol="rdm6300", port=str(ports / "rdm6300"), guard="guard-li"),
        Reader(id="wand", protocol="wand", port=str(ports / "wand")),
        Reader(id="missing", protocol="uid_line", port=str(ports / "nowhere")),
        Reader(id="tasmota", protocol="tasmota", topic="tele/+/SENSOR"),
    )
    devices = tuple(Device(id=reader.id, name=reader.id, area="a", kind="reader") for reader in readers)
    area = Area(id="a", name="a", kind="building")
    site = Site(id=SITE, name="静安", timezone="Asia/Shanghai")
    return SiteConfig(site=site, areas=(area,), devices=devices, patrol=Patrol(readers=readers))


class Bench:
    """A site's gateway with three played readers, and what ingest hears of it."""

    def __init__(self, tmp_path: Path, stack: ExitStack) -> None:
        self.chip = PlayedPn532()
        ports = tmp_path / "ports"
        ports.mkdir()
        self.wall = Plug(ports / "pn532", self.chip.hear)
        self.carried = Plug(ports / "rdm6300")
        self.wand = Plug(ports / "wand")
        for plug in (self.wall, self.carried, self.wand):
            stack.callback(plug.close)
        server = stack.enter_context(EmbeddedServer(tmp_path))
        self.address = server.address
        self.ingest = Consumer(server.address)
        stack.callback(self.ingest.close)
        outbox = Outbox(tmp_path / "outbox.db", "gw")
        stack.callback(outbox.close)
        publisher = Publisher(outbox, server.address, SITE).start()
        stack.callback(publisher.close)
        readers = Readers(
            config(ports), publisher, server.address, name="readers", clock_ms=lambda: to_ms(datetime.now(UTC))
        )
        stack.callback(readers.close)
        readers.start()

    def heard(self, device: str, kind: str) -> list[dict[str, Any]]:
        """The events of a device, once each."""
        topic = f"gengfu/v1/{SITE}/{device}/{kind}"
        return list({event["id"]: event for where, event in self.ingest.heard if where == topic}.values())

    def wait(self, device: str, kind: str, count: int) -> list[dict[str, Any]]:
        """Wait for so many events of a device."""
        self.ingest.wait(lambda _: len(self.heard(device, kind)) >= count)
        return self.heard(device, kind)

    def online(self, device: str, count: int) -> list[bool]:
        """What was said of a device, when `count` things were."""
        return [event["online"] for event in self.wait(device, "status", count)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(tmp_path, stack)


def test_everything_held_before_a_reader_is_heard_once(bench: Bench) -> None:
    assert bench.online("wall", 1) == [True]
    assert bench.online("missing", 1) == [False]
    bench.chip.card = Card(bytes.fromhex("04DE5F1EACC040"), iso_dep=True, ndef=uri_message(URL))
    bench.online("carried", 1)
    for _ in range(5):
        bench.carried.say(b"\x00\xff" + rdm_frame("14008EC793"))
    bench.wand.say(b"2026-11-20 22:05:10,14008EC793\r\n2026-11-20 22:15:40,14008EC793\r\n")
    (tap,) = bench.wait("wall", "tap", 1)
    assert (tap["checkpoint"], tap["badge"], tap["url"]) == ("gate", "04DE5F1EACC040", URL)
    (tap,) = bench.wait("carried", "tap", 1)
    assert (tap["tag"], tap["guard"], tap["reader"]) == ("14008EC793", "guard-li", "rdm6300")
    bench.wand.pull_out()  # what it told still counts
    taps = bench.wait("wand", "tap", 2)
    assert [tap["at"] for tap in taps] == ["2026-11-20T14:05:10.000Z", "2026-11-20T14:15:40.000Z"]
    bench.wand.plug_in()
    assert bench.online("wand", 3) == [True, False, True]
    bench.wand.say(b"2026-11-20 22:05:10,14008EC793\r\n")
    again = bench.wait("wand", "tap", 3)[-1]
    assert again["client_id"] == taps[0]["client_id"] != taps[1]["client_id"]


def test_an_unplugged_reader_is_offline_and_reads_again_when_it_is_back(bench: Bench) -> None:
    assert bench.online("wall", 1) == [True]
    bench.wall.pull_out()
    assert bench.online("wall", 2) == [True, False]
    bench.wall.plug_in()
    assert bench.online("wall", 3) == [True, False, True]
    bench.chip.card = Card(bytes.fromhex("9D44A346"))
    (tap,) = bench.wait("wall", "tap", 1)
    assert tap["badge"] == "9D44A346"


def test_readers_on_topics_of_their_own(bench: Bench) -> None:
    client = paho.Client(**client_options("tasmota", clean_session=True))
    client.connect(bench.address.host, bench.address.port)
    client.loop_start()
    payloads = ('{"PN532":{"UID":"94D8FC5F"}}', '{"PN532":{"UID":"94D8FC5F"}}', "{oops")
    number = 0
    while not bench.heard("tasmota", "tap"):  # until the readers' session has subscribed
        client.publish("tele/gate/SENSOR", f'{{"RC522":{{"UID":"{number:08X}"}}}}', qos=1).wait_for_publish(5)
        number += 1
    for payload in payloads:
        client.publish("tele/gate/SENSOR", payload, qos=1).wait_for_publish(5)
    bench.ingest.wait(lambda _: any("oops" in event["tag"] for event in bench.heard("tasmota", "tap")))
    client.loop_stop()
    client.disconnect()
    tags = [event["tag"] for event in bench.heard("tasmota", "tap")]
    assert tags.count("94D8FC5F") == 1
    assert tags[-1] == "{oops"
