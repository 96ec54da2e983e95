import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.contract.times import to_ms
from gateway.drivers.gb26875.frame import Command, Frame
from gateway.drivers.gb26875.profile import Profile
from gateway.drivers.gb26875.stream import FrameReader
from gateway.simulator.fire_days import Step
from gateway.simulator.fire_panel import Panel
from gateway.simulator.fire_points import numbered
from gateway.simulator.plan import Plan
from gateway.simulator.scenario import load_scenario
from gateway.simulator.utd import Settings, Utd
from gateway.simulator.utd_link import UtdLink, site_links
from gateway.site.load import load_configs

START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
START_MS = to_ms(START)
SMOKE = numbered(1)[0]


@pytest.fixture
def centre() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        yield listening


def link_to(centre: socket.socket, told: list[str]) -> UtdLink:
    script = iter([Step(START_MS, "begin", SMOKE, "fire")])
    utd = Utd(
        Settings(bytes.fromhex("790300000000")), Panel((SMOKE,), START_MS), script, Profile(ZoneInfo("Asia/Shanghai"))
    )
    return UtdLink(
        utd,
        *centre.getsockname(),
        on_lost=lambda why: told.append(f"lost: {why}"),
        on_found=lambda again: told.append(f"found: {again}"),
    )


def hear(peer: socket.socket) -> Frame:
    reader = FrameReader()
    while True:
        for found in reader.feed(peer.recv(4096), 0):
            assert isinstance(found, Frame)
            return found


def test_it_connects_reports_and_takes_the_confirmation(centre: socket.socket) -> None:
    told: list[str] = []
    link = link_to(centre, told)
    link.step(START_MS)
    peer, _ = centre.accept()
    with peer:
        frame = hear(peer)
        peer.sendall(frame.answer(Command.CONFIRM, bytes(6)).encode())
        while not link.utd.confirmed:
            link.read()
        assert (link.connected, link.wants_write, link.due_ms) == (True, False, None)
        link.close()
        assert peer.recv(1) == b""
    assert told == ["found: False"]


def test_a_centre_that_hangs_up_gets_the_same_frame_when_it_is_back(
    centre: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.simulator.utd_link._RETRY_FIRST_S", 0.0)
    told: list[str] = []
    link = link_to(centre, told)
    link.step(START_MS)
    peer, _ = centre.accept()
    first = hear(peer)
    peer.close()
    while link.connected:
        link.read()
    link.step(START_MS + 1)
    peer, _ = centre.accept()
    with peer:
        again = hear(peer)
        assert (again.serial, again.app) == (first.serial, first.app)
        link.close()
    assert told[0] == "found: False"
    assert told[1].startswith("lost: ")
    assert told[2:] == ["found: True"]


def test_without_a_centre_it_says_so_once_and_keeps_its_reports(centre: socket.socket) -> None:
    told: list[str] = []
    link = link_to(centre, told)
    centre.close()
    link.step(START_MS)
    link.step(START_MS + 5_000)
    link.read()
    assert told == ["lost: Connection refused"]
    assert (link.utd.waiting, link.fileno()) == (1, None)


def test_a_site_has_its_transmission_devices_with_what_the_scenario_says() -> None:
    yunhe = load_configs(Path(__file__).parents[4] / "device_configs").sites["yunhe"]
    told: list[tuple[str, str]] = []
    plan = Plan(yunhe, load_scenario("demo"), 1, START)
    (link,) = site_links(plan, ("127.0.0.1", 1), lambda zh, en: told.append((zh, en)))
    assert link.utd.settings.address.hex() == "790300000000"
    link.utd.turn(START_MS + 130_000, 0)
    assert told == [("1号楼3层走廊烟感：火警（模拟）", "Building 1, floor 3, smoke detector: fire (simulated)")]
    link.step(START_MS + 130_000)
    assert "连不上网关的消防端口 127.0.0.1:1" in told[-1][0]
