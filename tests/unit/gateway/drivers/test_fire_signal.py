"""Signals of every driver as events: none may break the contract, least of all a fire in a damaged frame."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.contract.decode import decode
from gateway.drivers.fire_signal import Signal, Value, signal_body
from gateway.drivers.jbf293k import Jbf293k

AT_MS = 1_795_305_600_000


def event(signal: Signal, panel: str | None = None) -> dict[str, object]:
    body = signal_body(signal, panel, AT_MS)
    decoded = decode("fire", json.dumps({"id": "b1-1", **body}).encode())
    assert not decoded.refused
    assert decoded.body is not None
    return decoded.body


def test_everything_that_a_signal_says_is_in_its_event() -> None:
    signal = Signal(
        "analog",
        "0a000200",
        ("fire",),
        ("fault",),
        system_type=1,
        system_address=0,
        component_type=40,
        operator=0,
        panel_at=datetime(2026, 11, 21, 8, 0, tzinfo=timezone(timedelta(hours=8))),
        values=(Value("pressure", 0.4, "MPa"),),
        text="走廊",
        raw=b"\x40\x40",
        marks=("test_bit",),
        key="k1",
        extra={"loop": 2},
    )
    body = event(signal, "panel-1")
    assert body["panel_at"] == datetime(2026, 11, 21, tzinfo=UTC).isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )
    assert (body["system_address"], body["operator"], body["raw"], body["loop"]) == (0, 0, "4040", 2)


@pytest.mark.parametrize("word", ["command", "key", "scope", "panel"])
def test_what_only_a_protocol_says_never_stands_for_a_word_of_the_contract(word: str) -> None:
    assert event(Signal("system", "self", ("fire",), extra={word: 128, "code": 128}))["state"] == ["fire"]


def test_a_damaged_frame_that_says_fire_is_a_fire_event() -> None:
    whole = bytes.fromhex("82383032343038393b3031313130333038313030343038383083")
    damaged = whole[:5] + bytes([whole[5] ^ 1]) + whole[6:]
    signals = Jbf293k(UTC).feed(damaged, 0)
    assert [event(one)["state"] for one in signals if one.state] == [["fire"]]
