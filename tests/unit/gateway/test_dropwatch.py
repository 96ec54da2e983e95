"""The broker's drop counter, as far as a broker has one (on a real Mosquitto: tests/integration/test_loss.py)."""

from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from gateway.dropwatch import DROP_COUNTER, DropWatch
from gateway.mqtt import BrokerAddress

LOST = ReasonCode(PacketTypes.DISCONNECT, "Unspecified error")
GOODBYE = ReasonCode(PacketTypes.DISCONNECT, "Normal disconnection")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> DropWatch:
    found = DropWatch(BrokerAddress(), "us")
    monkeypatch.setattr(found._client, "disconnect", lambda: gone.append(True))
    gone.clear()
    return found


gone: list[bool] = []


def says(watch: DropWatch, payload: bytes) -> None:
    message = paho.MQTTMessage(topic=DROP_COUNTER.encode())
    message.payload = payload
    watch._received(watch._client, None, message)


def lost(watch: DropWatch, reason: Any = LOST) -> None:
    watch._disconnected(watch._client, None, None, reason, None)


def test_the_newest_number_counts_and_other_words_do_not(watch: DropWatch) -> None:
    assert watch.total is None
    for payload, total in ((b"0", 0), (b"17", 17), (b"many", 17), (b"", 17), (b"-3", 17), ("١".encode(), 17)):
        says(watch, payload)
        assert watch.total == total


def test_a_broker_that_closes_whoever_asks_is_left_alone(watch: DropWatch) -> None:
    lost(watch)
    assert not gone
    lost(watch)
    assert gone


def test_a_broker_that_answered_once_is_waited_for(watch: DropWatch) -> None:
    says(watch, b"5")
    for _ in range(5):
        lost(watch)
    assert not gone


def test_our_own_goodbye_is_no_refusal(watch: DropWatch) -> None:
    lost(watch, GOODBYE)
    lost(watch, GOODBYE)
    assert not gone
