"""The error table of sending, against a server played by the test: nothing lost, order kept, bounded."""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from gateway.contract.times import from_ms
from gateway.timeseries.influx import sender as sending
from gateway.timeseries.influx.http import Outcome
from gateway.timeseries.influx.lines import compressed, lines_of
from gateway.timeseries.influx.sender import Pace, Sender
from gateway.timeseries.influx.spool import Part, Spool
from gateway.timeseries.store import StoreBusy

T0 = 1_795_262_400_000
STORED = Outcome("stored")
QUICK = Pace(first_s=0.001, most_s=0.002, denied_s=0.001)


class Server:
    """Stores lines but the bad ones, and answers what it was told to."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []
        self._known: set[bytes] = set()
        self.bodies: list[int] = []
        self.told: list[Outcome] = []
        self.bad: set[bytes] = set()
        self.keeps_good_ones = False
        """As 1.6.7 does with a body that has a bad line."""
        self.most_lines = 1 << 30
        self.reason = "HTTP 400: unable to parse"
        self.gate = threading.Event()
        self.gate.set()

    def write(self, bucket: str, body: bytes) -> Outcome:
        self.gate.wait(10)
        lines = lines_of(body)
        self.bodies.append(len(lines))
        if self.told:
            return self.told.pop(0)
        if len(lines) > self.most_lines:
            return Outcome("long", "HTTP 413")
        if self.bad.intersection(lines):
            if self.keeps_good_ones:
                self.keep([line for line in lines if line not in self.bad])
            return Outcome("bad", self.reason)
        self.keep(lines)
        return STORED

    def keep(self, lines: Sequence[bytes]) -> None:
        self.stored += [line for line in lines if line not in self._known]
        self._known.update(lines)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool-main.db", 1 << 30)
    yield opened
    opened.close()


Start = Callable[..., Sender]


@pytest.fixture
def start(spool: Spool, server: Server) -> Iterator[Start]:
    started: list[Sender] = []

    def begin(
        pace: Pace = QUICK, work: Callable[[datetime], None] = lambda _: None, jitter: Callable[[], float] = lambda: 0
    ) -> Sender:
        started.append(Sender(spool, server, "raw", work, pace, jitter=jitter))
        return started[-1]

    yield begin
    server.gate.set()
    for one in started:
        assert one.close(10)


def put(spool: Spool, count: int, first: int = 0, size: int = 10) -> list[bytes]:
    lines = [f"line-{number}".encode() for number in range(first, first + count)]
    for at in range(0, count, size):
        piece = lines[at : at + size]
        spool.put([Part(compressed(piece), len(piece), None)], [], T0)
    return lines


def test_rows_are_joined_up_to_the_bound_and_sent_in_order(spool: Spool, server: Server, start: Start) -> None:
    server.gate.clear()
    lines = put(spool, 12_000, size=100)
    sender = start()
    server.gate.set()
    assert sender.flush(20)
    assert b"\n".join(server.stored) == b"\n".join(lines)
    assert server.bodies == [5000, 5000, 2000]
    assert sender.most_held == 5000
    assert (spool.waiting, spool.refused(1)) == (0, [])


@pytest.mark.parametrize("keeps_good_ones", [False, True], ids=["2.x", "1.6.7"])
@pytest.mark.parametrize("bad", [[0], [499], [7, 8], [0, 250, 499]])
def test_bad_lines_become_dead_letters_alone(
    spool: Spool, server: Server, start: Start, bad: list[int], keeps_good_ones: bool
) -> None:
    server.bad, server.keeps_good_ones = {f"line-{number}".encode() for number in bad}, keeps_good_ones
    lines = put(spool, 500)
    sender = start()
    assert sender.flush(20)
    assert sorted(server.stored) == sorted(set(lines) - server.bad)
    refused = spool.refused(1000)
    assert [one.line for one in refused] == [f"line-{number}".encode() for number in bad]
    assert refused[0].reason == "HTTP 400: unable to parse"
    assert len(server.bodies) <= 1 + 2 * 9 * len(bad), "found by halving"


def test_when_the_server_says_that_all_were_dropped_nobody_searches(spool: Spool, server: Server, start: Start) -> None:
    lines = put(spool, 50)
    server.told = [Outcome("bad", "HTTP 422: partial write: points beyond retention policy dropped=50", dropped=50)]
    assert start().flush(10)
    assert [one.line for one in spool.refused(99)] == lines
    assert server.bodies == [50]


def test_too_long_a_body_is_halved(spool: Spool, server: Server, start: Start) -> None:
    server.most_lines = 30
    lines = put(spool, 100)
    assert start().flush(10)
    assert server.stored == lines
    assert spool.refused(1) == []


def test_a_single_line_too_long_is_a_dead_letter(spool: Spool, server: Server, start: Start) -> None:
    server.most_lines = 0
    put(spool, 2)
    assert start().flush(10)
    assert [one.line for one in spool.refused(9)] == [b"line-0", b"line-1"]


def test_a_server_that_likes_nothing_is_no_reason_to_throw_things_away(
    spool: Spool, server: Server, start: Start
) -> None:
    lines = put(spool, 100)
    server.bad, server.reason = set(lines), "HTTP 400: Bad Request"
    sender = start()
    wait_until(spool, lambda: len(server.bodies) > 60)
    assert (spool.refused(1), spool.waiting, sender.state.denied) == ([], 100, True)
    server.bad = {lines[3]}
    assert sender.flush(10)
    assert sorted(server.stored) == sorted(line for line in lines if line != lines[3])
    assert [one.line for one in spool.refused(9)] == [lines[3]], "among lines that are taken it is the line"
    assert sender.state == (0.0, False)


@pytest.mark.parametrize(
    "answer",
    [
        Outcome("later", "HTTP 503", 0.001),
        Outcome("later", "HTTP 429", 0.001),
        Outcome("later", "HTTP 500"),
        Outcome("later", "ConnectError: refused"),
        Outcome("later", "ReadTimeout"),
        Outcome("denied", "HTTP 401: unauthorized"),
    ],
    ids=lambda one: one.reason,
)
def test_trouble_is_waited_for_however_long_it_takes(
    spool: Spool, server: Server, start: Start, answer: Outcome
) -> None:
    server.told = [answer] * 50
    lines = put(spool, 100)
    sender = start()
    wait_until(spool, lambda: len(server.told) < 25)
    assert spool.waiting == 100
    assert sender.state.away_s > 0
    assert sender.state.denied == (answer.what == "denied")
    assert sender.flush(20)
    assert (server.stored, spool.refused(1), sender.state) == (lines, [], (0.0, False))


def test_trouble_in_the_middle_of_a_search_loses_nothing(spool: Spool, server: Server, start: Start) -> None:
    lines = put(spool, 40)
    server.bad = {lines[13]}
    server.told = [Outcome("bad", server.reason), Outcome("later", "HTTP 500"), Outcome("denied", "HTTP 403")]
    assert start().flush(10)
    assert server.stored == [line for line in lines if line != lines[13]]
    assert [one.line for one in spool.refused(9)] == [lines[13]]


def test_pauses_grow_up_to_a_bound_with_jitter_and_obey_retry_after(
    spool: Spool, server: Server, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(sending.Sender, "_pause", lambda _self, seconds: pauses.append(seconds))
    server.told = [Outcome("later", "HTTP 500")] * 8 + [
        Outcome("later", "HTTP 503", 7.0),
        Outcome("denied", "HTTP 401"),
    ]
    put(spool, 1)
    sender = start(Pace(0.5, 30.0, 31.0), jitter=lambda: 1.0)
    assert sender.flush(10)
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 7.0, 31.0]


def test_what_comes_meanwhile_waits_in_the_file_not_in_memory(spool: Spool, server: Server, start: Start) -> None:
    server.gate.clear()
    sender = start()
    lines = put(spool, 10)
    more = put(spool, 30_000, first=10, size=1000)
    assert sender.most_held <= 5000
    server.gate.set()
    assert sender.flush(30)
    assert b"\n".join(server.stored) == b"\n".join(lines + more)
    assert sender.most_held <= 5000


def test_told_to_stop_it_leaves_what_is_under_way(spool: Spool, server: Server, start: Start) -> None:
    server.told = [Outcome("later", "HTTP 503", 600.0)]
    put(spool, 10)
    sender = start()
    wait_until(spool, lambda: not server.told)
    assert sender.close(5)
    assert spool.waiting == 10


def test_housekeeping_has_its_turn_between_batches_and_may_fail(spool: Spool, server: Server, start: Start) -> None:
    turns: list[datetime] = []

    def work(now: datetime) -> None:
        turns.append(now)
        if len(turns) == 1:
            raise StoreBusy("away")

    sender = start(work=work)
    for number in range(3):
        put(spool, 10, first=10 * number)
        sender.ask(from_ms(T0 + number))
        assert sender.flush(10)
    assert turns == [from_ms(T0 + number) for number in range(3)]
    assert len(server.stored) == 30


def wait_until(spool: Spool, condition: Callable[[], bool]) -> None:
    """The sender is another thread and says nothing while it fails."""
    pause = threading.Event()
    for _ in itertools.repeat(None, 5000):
        if condition():
            return
        pause.wait(0.002)
    raise AssertionError("it did not happen")


def reading(at_ms: int, site: str = "yunhe") -> bytes:
    return f"reading,point=p,site={site} value=1.0,quality=0,delay_ms=0,tie=0 {at_ms * 1_000_000}".encode()


def test_what_an_earlier_holder_left_makes_its_minutes_dirty(spool: Spool, start: Start) -> None:
    """Whoever had the group meanwhile may have rolled them up without these readings."""
    late, on_time = reading(T0 - 3_600_000), reading(T0 + 61_000)
    spool.put([Part(compressed([late]), 1, None), Part(compressed([reading(T0), on_time]), 2, T0)], [], T0)
    sender = start()
    assert sender.flush(10)
    assert spool.dirty("yunhe", 0, 1 << 60) == [T0, T0 + 60_000]
    assert spool.to_mend("yunhe", 0, 1 << 60, 9) == [(T0, 2), (T0 + 60_000, 2)]
    spool.put([Part(compressed([reading(T0 + 120_000)]), 1, T0 + 120_000)], [], T0)
    assert sender.flush(10)
    assert len(spool.dirty("yunhe", 0, 1 << 60)) == 2, "our own are rolled up by ourselves, once"


def test_what_took_long_to_be_sent_makes_its_minutes_dirty(
    spool: Spool, server: Server, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LONG_S", -1.0)
    sender = start()
    spool.put([Part(compressed([reading(T0)]), 1, T0)], [], T0)
    assert sender.flush(10)
    assert spool.dirty("yunhe", 0, 1 << 60) == [T0]
