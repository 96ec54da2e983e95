"""Payloads of other firmware, as documented and as its source prints them, and payloads that are no tags."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode.tags import MQTT_PROTOCOLS, BadTagPayload, decode
from gateway.drivers.read import Read
from gateway.site.patrol import ReaderProtocol

ZONE = ZoneInfo("Asia/Shanghai")
TASMOTA, ESPHOME, ESPHOME_JSON, HA = MQTT_PROTOCOLS


def uids(protocol: ReaderProtocol, payload: str) -> list[str]:
    return [read.uid for read in decode(protocol, payload.encode(), 7, ZONE)]


@pytest.mark.parametrize(
    ("protocol", "payload", "uid"),
    [
        (TASMOTA, '{"Time":"2019-01-10T18:23:24","PN532":{"UID":"94D8FC5F", "DATA":""}}', "94D8FC5F"),
        (TASMOTA, '{"Time":"2019-01-10T18:23:24","PN532":{"UID":"94D8FC5F", "DATA":"ILOVETASMOTA"}}', "94D8FC5F"),
        (TASMOTA, '{"Time":"2026-01-10T18:23:24","PN532":{"UID":"041F9B02005281"}}', "041F9B02005281"),
        (TASMOTA, '{"pn532":{"uid":"94D8FC5F","Data":"AUTHFAIL","Auth":"NOk"}}', "94D8FC5F"),
        (TASMOTA, '{"Time":"2026-01-10T18:23:24","RC522":{"UID":"BA839D07","Type":"MIFARE 1 KB"}}', "BA839D07"),
        (TASMOTA, '{"Time":"2026-01-10T18:23:24","RDM6300":{"UID":"008EC793"}}', "008EC793"),
        (ESPHOME, "74-10-37-94", "74-10-37-94"),
        (ESPHOME, "7616525", "0007616525"),
        (ESPHOME_JSON, '{"tag_id":"74-10-37-94"}', "74-10-37-94"),
        (ESPHOME_JSON, '{"x":7616525}', "0007616525"),
        (ESPHOME_JSON, '{"event":"tag","data":{"uid":"7616525"}}', "0007616525"),
        (ESPHOME_JSON, "7616525", "0007616525"),
        (HA, '{"Time":"2020-09-28T17:02:10","PN532":{"UID":"E9F35959", "DATA":"ILOVETASMOTA"}}', "E9F35959"),
        (HA, '{"tag_id":"E9F35959","device_id":"0AFFD2"}', "E9F35959"),
        (HA, '{"event_type":"tag_scanned","data":{"tag_id":"E9-F3-59-59"}}', "E9-F3-59-59"),
        (HA, "E9F35959", "E9F35959"),
        (HA, '"E9F35959"', "E9F35959"),
    ],
)
def test_documented_payloads(protocol: ReaderProtocol, payload: str, uid: str) -> None:
    assert uids(protocol, payload) == [uid]


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [
        (TASMOTA, ""),
        (TASMOTA, '{"Time":"2026-01-10T18:23:24","ENERGY":{"Total":3.2}}'),
        (TASMOTA, '{"RDM6300":{"UID":"00000000"}}'),
        (ESPHOME, "\r\n"),
    ],
)
def test_what_is_no_tap_has_no_reads(protocol: ReaderProtocol, payload: str) -> None:
    assert uids(protocol, payload) == []


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [
        (TASMOTA, b"94D8FC5F"),
        (TASMOTA, b"[1,2]"),
        (TASMOTA, b'{"PN532":{"DATA":"x"}}'),
        (TASMOTA, b'{"PN532":"94D8FC5F"}'),
        (TASMOTA, b'{"PN532":{"UID":null}}'),
        (ESPHOME, b"online"),
        (ESPHOME_JSON, b"{"),
        (ESPHOME_JSON, b'{"tag_id":true}'),
        (HA, b'{"name":"door"}'),
        (HA, b"\xff\xfe"),
        (HA, b"[" * 50_000),
        (HA, b"9" * 70_000),
    ],
)
def test_what_cannot_be_a_tag_is_a_typed_error(protocol: ReaderProtocol, payload: bytes) -> None:
    with pytest.raises(BadTagPayload):
        decode(protocol, payload, 0, ZONE)


@given(st.sampled_from(MQTT_PROTOCOLS), st.binary(max_size=80) | st.text(max_size=40).map(lambda text: text.encode()))
def test_any_payload_is_reads_or_that_error(protocol: ReaderProtocol, payload: bytes) -> None:
    try:
        reads = decode(protocol, payload, 7, ZONE)
    except BadTagPayload:
        return
    assert all(isinstance(read, Read) and read.at_ms == 7 for read in reads)


def test_the_readers_own_time_is_kept_apart() -> None:
    (read,) = decode(TASMOTA, b'{"Time":"2026-01-10T18:23:24","PN532":{"UID":"94D8FC5F"}}', 7, ZONE)
    assert (read.at_ms, read.clock) == (7, "")
    assert read.claimed_ms == datetime(2026, 1, 10, 10, 23, 24, tzinfo=UTC).timestamp() * 1000
