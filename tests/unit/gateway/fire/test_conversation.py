"""From bytes to events and answers: strict sources, replies, commands."""

import json

import pytest
from fire_gateway import NOW_MS, OURS, UTD, alarm, site, source
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.commands import CommandBody
from gateway.contract.decode import decode
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.repeats import Repeats
from gateway.drivers.gb26875.stream import FrameReader
from gateway.fire import conversation as module
from gateway.fire.book import Book, peer_address
from gateway.fire.conversation import Conversation, Heard
from gateway.site.fire import Source

LABEL = bytes([40, 6, 19, 18, 11, 26])
"""NOW_MS in Shanghai, as a time label."""


def talk(*sources: Source) -> Conversation:
    return talks(*sources, peers=[""])[0]


def talks(*sources: Source, peers: list[str]) -> list[Conversation]:
    """Connections from these addresses to one server."""
    book, repeats = Book(site(*(sources or (source(),))), "gateway-1"), Repeats()
    return [
        Conversation(book, lambda: NOW_MS, repeats=repeats, connection=number, peer=peer_address(peer))
        for number, peer in enumerate(peers, 1)
    ]


def hear(one: Conversation, frame: Frame, now_ms: int = 0) -> list[tuple[str, dict[str, object]]]:
    """Events of a frame, by device, which are then on disk."""
    items = one.feed(frame.encode(), now_ms).items
    for item in items:
        one.kept(item)
    return [(device, dict(body)) for item in items for device, _, body in item.events]


def answers(one: Conversation) -> list[Frame]:
    return [frame for frame in FrameReader().feed(one.take(), 0) if isinstance(frame, Frame)]


def bodies(heard: Heard) -> list[dict[str, object]]:
    return [dict(body) for item in heard.items for _, _, body in item.events]


def command(kind: str = "utd_state", **params: object) -> CommandBody:
    return CommandBody(id="c-1", kind=kind, params=params, expires_at="2026-11-18T12:00:00Z")  # type: ignore[arg-type]


def test_a_frame_is_confirmed_by_our_clock_when_its_events_are_kept() -> None:
    one = talk()
    heard = one.feed(alarm(7, 10, 11).encode(), 0)
    assert (len(bodies(heard)), heard.devices, heard.frames) == (2, {"utd-1"}, 1)
    assert one.take() == b""
    (item,) = heard.items
    one.kept(item)
    (confirmation,) = answers(one)
    assert (confirmation.serial, confirmation.command, confirmation.label) == (7, Command.CONFIRM, LABEL)


def test_what_cannot_be_understood_is_kept_marked_and_confirmed() -> None:
    one = talk()
    unknown = Frame(1, Command.SEND_DATA, UTD, OURS, bytes([99, 1, 5]))
    heard = one.feed(unknown.encode(), 0)
    (body,) = bodies(heard)
    assert (body["scope"], body["raw"]) == ("unparsed", unknown.encode().hex())
    one.kept(heard.items[0])
    assert [frame.command for frame in answers(one)] == [Command.CONFIRM]


def test_a_strict_source_is_denied_but_what_could_be_read_is_kept() -> None:
    one = talk(source(strict=True))
    cut = alarm(1, 10)
    cut = Frame(1, cut.command, UTD, OURS, bytes([2, 2]) + cut.app[2:])  # announces two, brings one
    heard = one.feed(cut.encode(), 0)
    fire, rest = bodies(heard)
    assert (fire["state"], rest["scope"]) == (["fire"], "unparsed")
    one.kept(heard.items[0])
    assert [frame.command for frame in answers(one)] == [Command.DENY]
    again = one.feed(cut.encode(), 10_000)
    assert (again.items, again.frames) == ([], 1)
    assert [frame.command for frame in answers(one)] == [Command.DENY]


def test_a_fault_of_our_own_costs_no_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("fault")

    monkeypatch.setattr(module, "signals_of", broken)
    (body,) = bodies(talk().feed(alarm(1).encode(), 0))
    assert (body["scope"], body["raw"]) == ("unparsed", alarm(1).encode().hex())


def test_a_reply_is_answered_and_heard() -> None:
    one = talk()
    one.feed(alarm(7).encode(), 0)
    assert one.ask("utd-1", command(), 0) is None
    (request,) = answers(one)
    assert (request.source, request.destination, request.app) == (OURS, UTD, bytes([81, 1, 0]))
    reply = request.answer(Command.REPLY, LABEL, bytes([21, 1, 0b11]) + LABEL)
    state, outcome = bodies(one.feed(reply.encode(), 0))
    assert state["scope"] == "transmitter"
    assert "reply" in state["marks"]  # type: ignore[operator]
    assert (outcome["scope"], outcome["command"], outcome["outcome"]) == ("command", "c-1", "answered")
    (told,) = outcome["answer"]["objects"]  # type: ignore[index]
    assert told["state"] == ["fire"]
    assert "raw" not in told


def test_a_clock_is_set_by_the_sites_time_and_in_the_devices_way() -> None:
    for bcd, label in ((False, LABEL), (True, bytes.fromhex("400619181126"))):
        one = talk(source(bcd_time=bcd))
        one.feed(alarm(7).encode(), 0)
        one.ask("utd-1", command("sync_clock"), 0)
        (control,) = answers(one)
        assert (control.command, control.app) == (Command.CONTROL, bytes([90, 1]) + label)
        (outcome,) = bodies(one.feed(control.answer(Command.CONFIRM, LABEL).encode(), 0))
        assert outcome["outcome"] == "confirmed"


def test_a_command_without_an_answer_times_out() -> None:
    one = talk()
    one.feed(alarm(7).encode(), 0)
    one.ask("utd-1", command("duty_check", minutes=3), 0)
    outcomes = []
    while one.due_ms is not None:
        outcomes += bodies(one.tick(one.due_ms))
    assert [(body["command"], body["outcome"]) for body in outcomes] == [("c-1", "timeout")]
    assert [frame.app for frame in answers(one)] == [bytes([91, 1, 3])] * 4


def test_a_command_that_cannot_be_is_denied() -> None:
    one = talk()
    one.feed(alarm(7).encode(), 0)
    event = one.ask("utd-1", command("read_component_state", component="?"), 0)
    assert event is not None
    assert event[2]["outcome"] == "denied"
    assert "eight hex digits" in event[2]["answer"]["reason"]
    while (event := one.ask("utd-1", command(), 0)) is None:
        pass
    assert event[2]["answer"] == {"reason": "too many commands wait"}


def test_commands_on_the_way_are_unreachable_when_the_connection_ends() -> None:
    one = talk()
    one.feed(alarm(7).encode(), 0)
    one.ask("utd-1", command(), 0)
    ((device, kind, body),) = one.end()
    assert (device, kind, body["outcome"]) == ("utd-1", "fire", "unreachable")
    assert one.end() == []


def test_a_second_fire_under_the_same_serial_has_a_key_of_its_own() -> None:
    one = talk()
    keys = []
    for app in (alarm(0, 1).app, alarm(0, 2).app, alarm(0, 1).app):
        heard = one.feed(Frame(0, Command.SEND_DATA, UTD, OURS, app).encode(), 0)
        keys += [body["key"] for body in bodies(heard)]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("first", "devices"),
    [("10.0.0.1", ["utd-1", "utd-2"]), ("10.0.0.9", ["gateway-1", "utd-2"])],
    ids=["two devices with the same factory address", "a stranger who sends it first"],
)
def test_an_equal_frame_of_somebody_else_is_no_repetition(first: str, devices: list[str]) -> None:
    near, far = source(peers=["10.0.0.1/32"]), source("utd-2", peers=["10.0.0.2/32"])
    fire = alarm(0, 1, sender=bytes(6))
    heard = [name for one in talks(near, far, peers=[first, "10.0.0.2"]) for name, _ in hear(one, fire)]
    assert heard == devices


def test_what_a_stranger_invents_is_one_flood_and_its_fire_is_told() -> None:
    (one,) = talks(source(address="01" * 6), peers=["10.0.0.9"])
    floods = []
    for serial in range(30):
        floods += hear(one, alarm(serial, *range(20 * serial, 20 * serial + 20), state=2 + 2 * (serial < 20)), serial)
    beyond = [body for _, body in floods if "flood" in body["marks"]]  # type: ignore[operator]
    assert len(floods) - len(beyond) == 200
    assert [(body["scope"], body.get("state")) for body in beyond] == [("unparsed", None), ("transmitter", ["fire"])]
    assert {body["address"] for body in beyond} == {f"{UTD.hex()}:self"}
    assert [command.command for command in answers(one)] == [Command.CONFIRM] * 30


def test_a_declared_source_has_as_many_components_as_it_likes() -> None:
    one = talk(source())
    heard = [event for serial in range(20) for event in hear(one, alarm(serial, *range(20 * serial, 20 * serial + 20)))]
    assert len(heard) == 400


@settings(max_examples=200, deadline=None)
@given(
    app=st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda kind, count, rest: bytes([kind, count]) + rest, *[st.integers(0, 130)] * 2, st.binary(max_size=80)
        ),
    ),
    command=st.sampled_from([2, 2, 2, 5]),
    sender=st.binary(min_size=6, max_size=6),
)
def test_whatever_a_sound_frame_brings_is_an_event_by_the_contract(app: bytes, command: int, sender: bytes) -> None:
    for declared in (source(), source(address=UTD.hex())):
        one = talk(declared)
        heard = one.feed(Frame(1, command, sender, OURS, app).encode(), 0)
        assert heard.frames == 1
        assert bodies(heard) or len(app) < 2
        for body in bodies(heard):
            decoded = decode("fire", json.dumps({"id": "b-1", **body}).encode())
            assert not decoded.refused
