"""From a read to its tap event: who, where, when; debounce; messages that waited; an outbox that is full."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from gateway.contract.decode import decode as decode_event
from gateway.contract.errors import BadPayload
from gateway.contract.topics import Kind
from gateway.drivers.read import Read, undecodable
from gateway.drivers.wand import BadPattern
from gateway.mqtt import BrokerAddress
from gateway.outbox import OutboxError
from gateway.outlet import Outlet
from gateway.publish import Publisher
from gateway.readers import Debounce, Readers, TopicReaders, driver_for, record_id, tap_body
from gateway.site.model import Area, Device, Site, SiteConfig
from gateway.site.patrol import Patrol, Reader
from gateway.subscribe import Message

NOW_MS = 1_795_000_000_000
CARRIED = Reader(id="reader-1", protocol="pn532", port="/dev/null", guard="guard-li")
WALL = Reader(id="reader-2", protocol="tasmota", topic="tele/+/SENSOR", place="gate")
WAND = Reader(id="wand-1", protocol="wand", port="/dev/null")


def valid(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as ingest decodes it."""
    decoded = decode_event("tap", json.dumps({"id": "b1-1", **body}).encode())
    assert decoded.body is not None
    return decoded.body


def test_a_carried_reader_reads_a_checkpoints_tag() -> None:
    body = valid(tap_body(CARRIED, Read("9D44A346", NOW_MS - 40, "https://x/?c=1", 3), NOW_MS))
    assert body == {
        "id": "b1-1",
        "at": "2026-11-18T11:06:39.960Z",
        "received_at": "2026-11-18T11:06:40.000Z",
        "tag": "9D44A346",
        "guard": "guard-li",
        "reader": "pn532",
        "evidence": "uid",
        "url": "https://x/?c=1",
        "retries": 3,
    }


def test_a_fixed_reader_reads_a_persons_badge() -> None:
    body = valid(tap_body(WALL, Read("94D8FC5F", NOW_MS, retries=5000), NOW_MS))
    assert (body["checkpoint"], body["badge"], body["retries"]) == ("gate", "94D8FC5F", 1000)
    assert "tag" not in body


def test_what_nobody_understands_is_a_tap_of_an_unknown_tag_and_no_visit() -> None:
    body = valid(tap_body(WALL, undecodable("\x00{oops}" * 100, "no JSON", NOW_MS), NOW_MS))
    assert body["tag"] == ("{oops}" * 20)[:80]
    assert body["note"].startswith("undecodable: no JSON: {oops}")
    assert "checkpoint" not in body


def test_a_wands_record_is_dated_by_its_clock_and_known_again() -> None:
    read = Read("8EC793", NOW_MS, badge="40856634", claimed_ms=NOW_MS - 9_000_000, clock="claimed", record="line 1")
    body = valid(tap_body(WAND, read, NOW_MS))
    assert (body["at"], body["claimed_at"]) == ("2026-11-18T08:36:40.000Z", "2026-11-18T08:36:40.000Z")
    assert (body["clock"], body["badge"], body["tag"]) == ("claimed", "40856634", "8EC793")
    assert body["client_id"] == record_id("wand-1", "line 1") != record_id("wand-2", "line 1")
    corrected = valid(tap_body(WAND, replace(read, at_ms=NOW_MS - 5000, clock="offset"), NOW_MS))
    assert (corrected["at"], corrected["clock"]) == ("2026-11-18T11:06:35.000Z", "offset")


@pytest.mark.parametrize("claimed_ms", [NOW_MS + 9_000_000, -5, 253_402_300_799_000])
def test_an_impossible_claim_is_dated_by_its_arrival(claimed_ms: int) -> None:
    read = Read("8EC793", NOW_MS, claimed_ms=claimed_ms, clock="claimed", record="line 1")
    assert valid(tap_body(WAND, read, NOW_MS))["at"] == "2026-11-18T11:06:40.000Z"


def test_a_tag_that_stays_is_one_tap_per_reader_and_tag() -> None:
    debounce = Debounce(2000)
    stays = [debounce.passes(Read("A", at)) for at in (0, 1000, 2900, 4800, 6900)]
    assert stays == [True, False, False, False, True]
    assert debounce.passes(Read("B", 6950))
    assert all(debounce.passes(Read("A", 6950, record="x")) for _ in range(2))


def test_drivers_by_protocol() -> None:
    assert driver_for(CARRIED, "Asia/Shanghai")[1] == 115_200
    assert driver_for(WAND, "Asia/Shanghai")[1] == 9600
    assert driver_for(Reader(id="r", protocol="uid_line", port="p", baud=19_200), "Asia/Shanghai")[1] == 19_200
    with pytest.raises(BadPattern):
        driver_for(Reader(id="r", protocol="wand", port="p", pattern="("), "Asia/Shanghai")


class Outbox:
    """Takes events, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Kind, Mapping[str, Any]]] = []
        self.is_full = False

    def put_many(self, events: Sequence[tuple[str, Kind, Mapping[str, Any]]]) -> list[str]:
        if self.is_full:
            raise OutboxError("full")
        if any("bad" in body for _, _, body in events):
            raise BadPayload("bad")
        self.taken += events
        return []


def test_taps_wait_in_memory_for_a_full_outbox_and_keep_their_order() -> None:
    outbox = Outbox()
    outlet = Outlet(cast(Publisher, outbox))
    outbox.is_full = True
    assert not outlet.put([("r", "tap", {"n": 1})])
    assert not outlet.put([("r", "tap", {"n": 2}), ("r", "tap", {"bad": 1}), ("r", "tap", {"n": 3})])
    outbox.is_full = False
    assert outlet.put([("r", "tap", {"n": 4})])
    assert [body["n"] for _, _, body in outbox.taken] == [1, 2, 3, 4]


class Clock:
    """Epoch milliseconds that the test sets."""

    ms = NOW_MS


def config(*readers: Reader) -> SiteConfig:
    devices = tuple(Device(id=reader.id, name="r", area="a", kind="reader") for reader in readers)
    site = Site(id="jingan", name="静安", timezone="Asia/Shanghai")
    return SiteConfig(
        site=site, areas=(Area(id="a", name="a", kind="building"),), devices=devices, patrol=Patrol(readers=readers)
    )


@pytest.fixture
def topics() -> TopicReaders:
    outlet = Outlet(cast(Publisher, Outbox()))
    return TopicReaders(config(WALL), outlet, BrokerAddress(), "test", lambda: Clock.ms)


def message(payload: str, *, retain: bool = False, topic: str = "tele/gate/SENSOR") -> Message:
    return Message(topic, payload.encode(), 1, 1, retain)


def tasmota(time: str) -> str:
    return json.dumps({"Time": time, "PN532": {"UID": "94D8FC5F"}})


def test_a_message_is_a_tap_dated_by_its_arrival(topics: TopicReaders) -> None:
    topics.on_session(False)
    ((device, kind, body),) = topics.taps(message(tasmota("2019-01-10T18:23:24")))
    assert (device, kind, body["at"]) == ("reader-2", "tap", "2026-11-18T11:06:40.000Z")
    assert "claimed_at" not in body
    assert topics.taps(message(tasmota("2019-01-10T18:23:25"))) == []
    other = '{"PN532":{"UID":"041F9B02005281"}}'
    assert topics.taps(message(other, retain=True)) == []
    assert topics.taps(message(other, topic="tele/gate/STATE")) == []
    assert len(topics.taps(message(other))) == 1


def test_garbage_on_a_readers_topic_is_seen(topics: TopicReaders) -> None:
    ((_, _, body),) = topics.taps(message("oops"))
    assert valid(body)["note"] == "undecodable: The message is no JSON: oops"


@pytest.mark.parametrize(
    ("time", "at", "clock", "uncertain_ms"),
    [
        ("2026-11-18T18:36:40", "2026-11-18T10:36:40.000Z", "claimed", 1000),
        ("2019-01-10T18:23:24", "2026-11-18T11:06:40.000Z", None, 86_400_000),
    ],
)
def test_a_message_that_waited_is_dated_by_the_readers_clock_if_that_can_be(
    topics: TopicReaders, time: str, at: str, clock: str | None, uncertain_ms: int
) -> None:
    topics.on_session(True)
    ((_, _, body),) = topics.taps(message(tasmota(time)))
    assert (body["at"], body.get("clock"), body["uncertain_ms"]) == (at, clock, uncertain_ms)


def test_a_site_with_a_bad_wand_pattern_says_so_before_anything_starts() -> None:
    bad = Reader(id="w", protocol="wand", port="p", pattern="x")
    with pytest.raises(BadPattern):
        Readers(config(bad), cast(Publisher, Outbox()), BrokerAddress(), name="n", clock_ms=lambda: 0)
