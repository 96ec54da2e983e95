"""Channel-by-channel bytes: sound, cut off, unknown, arbitrary."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decode.tlv import TlvReader
from gateway.site.profile import Tlv

READER = TlvReader(
    Tlv.model_validate(
        {
            "select": "data",
            "into": "object",
            "items": {
                "0175": {"parts": {"battery": "uint8"}},
                "037b": {"parts": {"pressure": "int16"}},
                "20ce": {"parts": {"timestamp": "uint32", "pressure": "int16"}, "each": "history"},
                "ff16": {"skip": 8},
            },
        }
    )
)


def read(data: str) -> tuple[dict[str, Any], str]:
    found, refused = READER.read(base64.b64encode(bytes.fromhex(data)).decode())
    return found, "" if refused is None else refused.code


@pytest.mark.parametrize(
    ("data", "found", "code"),
    [
        ("017564 037B0A00", {"battery": 100, "pressure": 10}, ""),
        ("037BF6FF", {"pressure": -10}, ""),
        ("", {}, ""),
        ("FF160102030405060708 017555", {"battery": 85}, ""),
        (
            "20CE8001FF63 8002 20CED803FF63 E803",
            {"history": [{"timestamp": 1677656448, "pressure": 640}, {"timestamp": 1677657048, "pressure": 1000}]},
            "",
        ),
        ("017564 AA", {"battery": 100}, "unknown_channel"),
        ("017564 990102", {"battery": 100}, "unknown_channel"),
        ("017564 037B0A", {"battery": 100}, "cut_off"),
        ("FF1601", {}, "cut_off"),
    ],
)
def test_bytes(data: str, found: dict[str, Any], code: str) -> None:
    assert read(data) == (found, code)


@pytest.mark.parametrize("raw", [None, 7, "!", "水", "AXVkA3sKAA"])
def test_what_is_no_base64(raw: Any) -> None:
    found, refused = READER.read(raw)
    assert found == {}
    assert refused is not None
    assert refused.place == "bytes"


@given(st.binary(max_size=60))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    read(data.hex())
