"""What a command must be."""

import json
from typing import Any

import pytest

from gateway.contract.commands import CommandKind, parse_command
from gateway.contract.errors import BadPayload, BadTime, BadTopic
from gateway.contract.topics import command_topic, commanded_source, parse_topic
from gateway.drivers.gb26875.units import KINDS

GOOD = {"id": "c-1", "kind": "duty_check", "params": {"minutes": 10}, "expires_at": "2026-11-22T04:00:00.000Z"}


def test_a_command_is_read_and_what_is_new_in_it_ignored() -> None:
    command = parse_command(json.dumps({**GOOD, "actor": "li"}).encode())
    assert (command.id, command.kind, command.params, command.expires_ms) == (
        "c-1",
        "duty_check",
        {"minutes": 10},
        1_795_320_000_000,
    )
    assert parse_command(json.dumps({**GOOD, "params": {}}).encode()).params == {}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"id": "a b"}, BadPayload),
        ({"id": None}, BadPayload),
        ({"kind": "evacuate"}, BadPayload),
        ({"params": [1]}, BadPayload),
        ({"expires_at": "soon"}, BadPayload),
        ({"expires_at": "2026-02-30T04:00:00Z"}, BadTime),
    ],
)
def test_what_is_none_is_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_command(json.dumps({**GOOD, **change}).encode())


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b"{}"])
def test_noise_is_refused(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        parse_command(payload)


def test_every_kind_of_the_protocol_can_be_asked_for() -> None:
    assert set(CommandKind.__args__) == KINDS  # type: ignore[attr-defined]


def test_a_command_topic_names_its_source_and_is_no_event_topic() -> None:
    topic = command_topic("yunhe", "utd-1")
    assert commanded_source(topic) == "utd-1"
    with pytest.raises(BadTopic):
        parse_topic(topic)


@pytest.mark.parametrize("topic", ["gengfu/v1/yunhe/utd-1/fire", "gengfu/v1/yunhe/UTD/command", "x/v1/y/u/command"])
def test_other_topics_command_nobody(topic: str) -> None:
    with pytest.raises(BadTopic):
        commanded_source(topic)
