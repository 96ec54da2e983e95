"""Readers that print lines, and wands that hand over their memory."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.drivers.uid_line import UidLine, uid_in
from gateway.drivers.wand import BadPattern, Wand, guess

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
DUMP = b"2026-11-20 22:05:10,14008EC793,0040856634\r\n2026-11-20 22:15:40,14008EC794\r\n"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("line", "uid"),
    [
        ("04:de:5f:1e:ac:c0:40", "04:de:5f:1e:ac:c0:40"),
        ("74-10-37-94", "74-10-37-94"),
        ("9D 44 A3 46", "9D 44 A3 46"),
        ("0x9D44A346", "0x9D44A346"),
        ("0040856634", "0040856634"),
        ("00040856634000000001", "00040856634000000001"),
        ("111,27706", "111,27706"),
        ("Card UID: 9D 44 A3 46", "9D 44 A3 46"),
        ("ID=14008EC793", "14008EC793"),
        ("READY", None),
        ("firmware 1.2", None),
    ],
)
def test_a_line_is_a_uid_or_not(line: str, uid: str | None) -> None:
    assert uid_in(line) == uid


def test_lines_in_any_portions_with_control_characters() -> None:
    driver = UidLine()
    stream = b"READY\r\n\x0214008EC793\r\n\x03\x02\x8f\xff\x81\r\nE 42 what\n9D44A346"
    reads = [read for number, byte in enumerate(stream) for read in driver.feed(bytes([byte]), number)]
    reads += driver.feed(b"", 1000)  # the last line has no end
    assert [(read.uid, read.note) for read in reads] == [
        ("14008EC793", ""),
        ("E 42 what", "undecodable: no UID: E 42 what"),
        ("9D44A346", ""),
    ]
    assert driver.noise == 2


def test_a_line_said_again_and_again_is_one_read() -> None:
    driver = UidLine()
    reads = [read for now in (0, 400, 1300, 5000) for read in driver.feed(b"14008EC793\r\n", now)]
    assert [read.at_ms for read in reads] == [0, 5000]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_line_drivers(data: bytes) -> None:
    for driver in (UidLine(), Wand(SHANGHAI)):
        driver.feed(data, 0)
        driver.close(1)
        assert driver.poll(2) == b""


def test_a_dump_comes_when_it_is_over_dated_by_the_site_zone() -> None:
    wand = Wand(SHANGHAI)
    assert [read for byte in DUMP for read in wand.feed(bytes([byte]), 5)] == []
    first, second = wand.feed(b"", 1005)
    assert (first.uid, first.badge, first.clock) == ("14008EC793", "0040856634", "claimed")
    assert (first.claimed_ms, second.claimed_ms) == (ms("2026-11-20T14:05:10"), ms("2026-11-20T14:15:40"))
    assert (second.uid, second.badge, second.at_ms) == ("14008EC794", "", 1005)
    assert wand.feed(b"", 9000) == []


@pytest.mark.parametrize("clock", [b"CLOCK 2026-11-21 08:00:00\r\n", b"2026-11-21 08:00:00\r\n"])
@pytest.mark.parametrize("comes_first", [True, False])
def test_the_wands_own_time_dates_records_whatever_it_shows(clock: bytes, comes_first: bool) -> None:
    wand, heard_ms = Wand(BERLIN), ms("2026-11-21T02:00:00")
    wand.feed(clock + DUMP if comes_first else DUMP + clock, heard_ms)
    first, second = wand.close(heard_ms + 1)
    assert (first.clock, second.clock) == ("offset", "offset")
    assert heard_ms - first.at_ms == ms("2026-11-21T08:00:00") - ms("2026-11-20T22:05:10")
    assert second.at_ms - first.at_ms == 630_000


def test_a_wand_without_a_clock_and_records_after_its_clock_are_claims() -> None:
    wand = Wand(SHANGHAI)
    wand.feed(b"CLOCK --\n" + DUMP, 0)
    assert {read.clock for read in wand.close(1)} == {"claimed"}
    wand.feed(b"2020-01-01 00:00:00\n" + DUMP, 0)
    assert {read.clock for read in wand.close(1)} == {"claimed"}


def test_lines_that_are_no_records_are_told_and_not_lost() -> None:
    wand = Wand(SHANGHAI)
    wand.feed(DUMP + b"2026-13-45 22:05:10,14008EC793\r\nEND\r\n", 0)
    *_, bad = wand.close(1)
    assert bad.note == "undecodable: no record: 2026-13-45 22:05:10,14008EC793"
    assert bad.record == "2026-13-45 22:05:10,14008EC793"


def test_the_hour_that_comes_twice_is_uncertain() -> None:
    wand = Wand(BERLIN)
    wand.feed(b"2026-10-25 02:30:00,14008EC793\n", 0)
    (read,) = wand.close(1)
    assert read.uncertain_ms == 3_600_000


def test_a_pattern_of_ones_own() -> None:
    wand = Wand(SHANGHAI, r"^\d+;(?P<tag>\w+);(?P<at>\d{12})$", "%y%m%d%H%M%S")
    wand.feed(b"0001;8EC793AA;261120220510\n", 0)
    (read,) = wand.close(1)
    assert (read.uid, read.claimed_ms) == ("8EC793AA", ms("2026-11-20T14:05:10"))
    with pytest.raises(BadPattern):
        Wand(SHANGHAI, "(?P<at>.*)")
    with pytest.raises(BadPattern):
        Wand(SHANGHAI, "(")


@pytest.mark.parametrize(
    "line",
    ["0007 2026/11/20 22:05:10 14008EC793", "14008EC793;2026-11-20T22:05:10", "26-11-20 22:05:10 14008EC793"],
)
def test_a_guess_reads_the_line_it_was_made_from(line: str) -> None:
    guessed = guess(line)
    assert guessed is not None
    wand = Wand(SHANGHAI, guessed.pattern, guessed.time_format)
    wand.feed(line.encode() + b"\n", 0)
    (read,) = wand.close(1)
    assert (read.uid, read.claimed_ms) == ("14008EC793", ms("2026-11-20T14:05:10"))


def test_nothing_is_guessed_from_a_bare_uid() -> None:
    assert guess("14008EC793") is None
