"""Sparkplug B bytes → metrics: field numbers, signed integers, nulls, and payloads that others have published."""

import math

import pytest
import sparkplug_bytes as sp

from gateway.decode.sparkplug import (
    MAX_BYTES,
    MAX_METRICS,
    BadSparkplug,
    Payload,
    Told,
    _payload_class,
    decode,
    encode_rebirth,
    value_of,
)

AT = 1_755_460_000_000


def value(raw: bytes) -> object:
    (told,) = decode(sp.payload(AT, 1, raw)).metrics
    return value_of(told, told.datatype)


def test_published_payloads_of_others() -> None:
    """Test vectors of an open source node, checked there against the reference implementation's protobuf module."""
    death = decode(bytes.fromhex("0880b2c7cc8b33120b0a05626453657120045803"))
    assert death == Payload(AT, None, [Told("bdSeq", None, 0, sp.INT64, 3)])
    data = decode(bytes.fromhex("0880b2c7cc8b33121310011880b2c7cc8b33200c7a066c6f636b65641807"))
    assert data == Payload(AT, 7, [Told("", 1, AT, sp.STRING, "locked")])
    # RediGate, Sparkplug-B MQTT payload format: alias 47002, Int32 15, a sequence number of -1.
    command = decode(bytes.fromhex("08c0b8d89e8e31120f109aef0218c0b8d89e8e312003500f18ffffffffffffffffff01"))
    assert command == Payload(1_687_449_640_000, 2**64 - 1, [Told("", 47_002, 1_687_449_640_000, sp.INT32, 15)])


def test_the_request_for_rebirth_is_what_others_send() -> None:
    published = "0880d8c1a28c34121a0a144e6f646520436f6e74726f6c2f52656269727468200b7001"
    assert encode_rebirth(1_790_000_000_000).hex() == published


@pytest.mark.parametrize(
    ("number", "datatype"),
    [(-1, sp.INT8), (-128, sp.INT8), (127, sp.INT8), (-25, sp.INT16), (-32_768, sp.INT16), (-7, sp.INT32),
     (-(2**31), sp.INT32), (-9, sp.INT64), (-(2**63), sp.INT64), (2**63 - 1, sp.INT64), (65_535, sp.UINT16)],
)  # fmt: skip
def test_signed_integers_come_as_twos_complement(number: int, datatype: int) -> None:
    assert value(sp.metric("n", number, datatype)) == number


def test_a_narrow_negative_number_that_was_not_widened() -> None:
    told = Told("n", None, 0, sp.INT8, 0xFF)
    assert value_of(told, sp.INT8) == -1
    assert value_of(told, sp.INT16) == 255


@pytest.mark.parametrize(
    ("sent", "datatype", "got"),
    [(0.42, sp.FLOAT, 0.42), (0.1, sp.DOUBLE, 0.1), (True, sp.BOOLEAN, True), (1, sp.BOOLEAN, True),
     ("auto", sp.STRING, "auto"), (None, sp.FLOAT, None), (math.inf, sp.FLOAT, math.inf)],
)  # fmt: skip
def test_values_as_the_sender_wrote_them(sent: object, datatype: int, got: object) -> None:
    assert value(sp.metric("n", sent, datatype)) == got


def test_not_a_number_stays_none() -> None:
    assert math.isnan(value(sp.metric("n", math.nan, sp.FLOAT)))  # type: ignore[arg-type]


def test_what_a_reading_does_not_need_is_skipped() -> None:
    properties = b"\x4a\x0b\x0a\x07engUnit\x12\x00"  # field 9
    data_set = b"\x8a\x01\x02\x08\x01"  # field 17
    assert value(sp.metric("n", 5, sp.INT32) + properties) == 5
    assert value(b"\x0a\x01n\x20\x10" + data_set) is None


@pytest.mark.parametrize("raw", [b'{"online":true}', b"ONLINE", b"\xff" * 20, b"\x12\x7f\x0a"])
def test_what_is_no_payload_is_refused(raw: bytes) -> None:
    with pytest.raises(BadSparkplug):
        decode(raw)


def test_a_message_without_end_is_refused() -> None:
    with pytest.raises(BadSparkplug, match="5001 metrics"):
        decode(sp.payload(AT, 0, *[sp.metric(alias=1, value=1)] * (MAX_METRICS + 1)))


def test_a_message_without_end_is_refused_unread() -> None:
    with pytest.raises(BadSparkplug, match="bytes"):
        decode(b"\x12\x00" * MAX_BYTES)


@pytest.mark.parametrize("value", [0.42, 12_345_678.0, 16_777_215.0])
def test_a_float_is_the_number_that_was_sent(value: float) -> None:
    message = _payload_class()
    message.metrics.add(name="energy", float_value=value)
    assert decode(message.SerializeToString()).metrics[0].raw == value
