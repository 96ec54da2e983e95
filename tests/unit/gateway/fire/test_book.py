"""Who a sender is, which panel its systems are, and what their events say."""

import json
from ipaddress import ip_address

import pytest
from fire_gateway import NOW_MS, UTD, alarm, site, source

from gateway.contract.decode import decode
from gateway.drivers.gb26875.signals import signals_of
from gateway.fire.book import Book, peer_address
from gateway.site.fire import Panel
from gateway.site.model import SiteConfig

OTHER = bytes.fromhex("0a0b0c0d0e0f")
LAN, ELSEWHERE = ip_address("192.168.1.7"), ip_address("10.0.0.1")


def bodies(config: SiteConfig, sender: bytes, **more: bool) -> list[dict[str, object]]:
    """The events of an alarm of two components."""
    book = Book(config, "gateway-1")
    speaker = book.speaker(sender)
    signals = signals_of(alarm(1, 10, 11, sender=sender), speaker.profile)
    events = book.events(speaker, signals, NOW_MS, **more)
    assert {kind for _, kind, _ in events} == {"fire"}
    return [{"device": device, **body} for device, _, body in events]


def test_a_source_is_known_by_its_address() -> None:
    book = Book(site(source("utd-1", address=UTD.hex()), source("utd-2", address=OTHER.hex())), "gateway-1")
    assert (book.speaker(UTD).device, book.speaker(OTHER).device) == ("utd-1", "utd-2")


def test_one_without_an_address_is_whoever_no_other_claims() -> None:
    book = Book(site(source("utd-1", address=UTD.hex()), source("utd-2")), "gateway-1")
    assert book.speaker(OTHER).device == "utd-2"
    book = Book(site(source("near", peers=["192.168.1.0/24"]), source("far", peers=["10.0.0.0/8"])), "gateway-1")
    assert (book.speaker(UTD, LAN).device, book.speaker(UTD, ELSEWHERE).device) == ("near", "far")


def test_an_address_from_a_network_that_its_source_is_not_in_is_a_strangers() -> None:
    book = Book(site(source(address=UTD.hex(), peers=["192.168.1.0/24"]), source("open")), "gateway-1")
    assert book.speaker(UTD, LAN).device == "utd-1"
    assert book.speaker(UTD, ELSEWHERE).source is None


def test_a_line_is_its_source() -> None:
    line, addressed = source(port="/dev/x"), source("utd-2", port="/dev/y", address=UTD.hex())
    book = Book(site(line, addressed), "gateway-1")
    assert book.speaker(OTHER, line=line).device == "utd-1"
    assert book.speaker(UTD, line=addressed).device == "utd-2"
    assert book.speaker(OTHER, line=addressed).source is None
    assert book.speaker(UTD, line=line).source is None, "another line's device"
    assert (book.on_line(), book.over_tcp()) == ([line, addressed], [])


@pytest.mark.parametrize(
    ("peers", "allowed", "refused"),
    [((), ["192.168.1.7", "10.0.0.1"], []), (("192.168.1.0/24", "::1"), ["192.168.1.7", "::1"], ["10.0.0.1", "::2"])],
)
def test_who_may_connect(peers: tuple[str, ...], allowed: list[str], refused: list[str]) -> None:
    book = Book(site(source(peers=peers)), "gateway-1")
    assert all(book.admits(peer_address(one)) for one in allowed)
    assert not any(book.admits(peer_address(one)) for one in refused)
    assert book.admits(None) == (not peers)


def test_addresses_of_connections() -> None:
    assert peer_address("::ffff:192.168.1.7") == LAN
    assert peer_address("fe80::1%eth0") == ip_address("fe80::1")
    assert peer_address("") is None


def test_an_event_names_the_panel_of_the_system() -> None:
    panels = [Panel(id="panel-1", source="utd-1", system_address=1, building="a")]
    panels.append(Panel(id="panel-2", source="utd-1", building="a"))
    first, _ = bodies(site(source(), panels=panels), UTD)
    assert (first["device"], first["panel"], first["address"]) == ("utd-1", "panel-1", "0a000000")
    assert first["state"] == ["fire"]
    assert "marks" not in first or "unknown_source" not in str(first["marks"])
    first, _ = bodies(site(source(), panels=panels[1:]), UTD)
    assert first["panel"] == "panel-2"


def test_an_unknown_sender_is_heard_all_the_same() -> None:
    first, second = bodies(site(source(address=OTHER.hex())), UTD)
    assert (first["device"], first["sender"], first["address"]) == ("gateway-1", UTD.hex(), f"{UTD.hex()}:0a000000")
    assert first["state"] == ["fire"]
    assert "unknown_source" in first["marks"]  # type: ignore[operator]
    assert "panel" not in first
    assert second["address"] == f"{UTD.hex()}:0b000000"


def test_the_key_of_a_retransmission_is_the_same_and_that_of_a_reused_serial_is_not() -> None:
    config = site(source())
    keys = [[body["key"] for body in bodies(config, UTD, is_reused=reused)] for reused in (False, False, True)]
    assert keys[0] == keys[1]
    assert len({*keys[0], *keys[2]}) == 4


def test_every_event_is_one_by_the_contract() -> None:
    for body in bodies(site(source()), UTD, is_reply=True):
        decoded = decode("fire", json.dumps({"id": "b-1", **body}).encode())
        assert decoded.body is not None
        assert "reply" in decoded.body["marks"]
