"""PN532: frames of real captures in any portions and noise, and the conversation with a played chip."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tag_readers import Card, PlayedPn532, uri_message

from gateway.drivers.pn532 import Pn532, parse_target
from gateway.drivers.pn532_frames import FrameDecoder, Reply, Signal, command, reply
from gateway.drivers.read import Read

CLASSIC = bytes.fromhex("0000FF0CF4D54B0101000408049D44A3460400")
NTAG = bytes.fromhex("0000FF0FF1D54B010100440007041F9B020052810000")
NTAG_2 = bytes.fromhex("0000FF0FF1D54B0101004400070463F80A4F53810700")
ACK = bytes.fromhex("0000FF00FF00")
ERROR = bytes.fromhex("0000FF01FF7F8100")
CAPTURES = {CLASSIC: "9D44A346", NTAG: "041F9B02005281", NTAG_2: "0463F80A4F5381"}
URL = "https://ntag.nxp.com/424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"


def uids(frames: list[Reply | Signal]) -> list[str]:
    targets = [parse_target(frame.data) for frame in frames if isinstance(frame, Reply)]
    return [target.uid.hex().upper() for target in targets if target is not None]


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (command(0x02), "0000FF02FED4022A00"),
        (command(0x14, b"\x01\x14\x00"), "0000FF05FBD4140114000300"),
        (command(0x32, b"\x05\xff\x01\xff"), "0000FF06FAD43205FF01FFF600"),
        (command(0x4A, b"\x01\x00"), "0000FF04FCD44A0100E100"),
        (command(0x52, b"\x01"), "0000FF03FDD45201D900"),
    ],
)
def test_commands_are_the_published_ones(built: bytes, expected: str) -> None:
    assert built.hex().upper() == expected


def test_real_captures_byte_by_byte() -> None:
    decoder = FrameDecoder()
    frames = [frame for byte in ACK + CLASSIC + ACK + NTAG + NTAG_2 for frame in decoder.feed(bytes([byte]))]
    assert [frame for frame in frames if frame is Signal.ACK] == [Signal.ACK] * 2
    assert uids(frames) == list(CAPTURES.values())
    assert decoder.checksum_errors == 0


@given(
    st.lists(st.tuples(st.binary(max_size=12), st.sampled_from(list(CAPTURES))), max_size=6),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_noise_between_split_and_glued_frames_loses_none(parts: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    # Noise without a start code: with one, a frame may be swallowed, and the chip is simply asked again.
    stream = b"".join(noise.replace(b"\xff", b"\x7f") + frame for noise, frame in parts)
    decoder = FrameDecoder()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    frames = [frame for start, end in pairwise(edges) for frame in decoder.feed(stream[start:end])]
    assert uids(frames) == [CAPTURES[frame] for _, frame in parts]


@given(st.binary(max_size=64))
def test_no_noise_breaks_the_decoder(noise: bytes) -> None:
    decoder = FrameDecoder()
    decoder.feed(noise)
    for _ in range(len(noise)):
        decoder.give_up()
    assert uids(decoder.feed(bytes(2) + NTAG)) == ["041F9B02005281"]


@pytest.mark.parametrize("place", range(5, len(NTAG) - 1))
def test_a_flipped_bit_is_counted_and_the_next_frame_is_found(place: int) -> None:
    damaged = bytearray(NTAG)
    damaged[place] ^= 0x10
    decoder = FrameDecoder()
    assert uids(decoder.feed(bytes(damaged) + CLASSIC)) == ["9D44A346"]
    assert decoder.checksum_errors >= 1


def test_a_cut_frame_hides_the_next_only_until_it_is_given_up() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(bytes.fromhex("0000FF40C0D54B01") + CLASSIC) == []
    assert uids(decoder.give_up()) == ["9D44A346"]


def test_error_nack_and_extended_frames() -> None:
    body = bytes([0xD5, 0x41]) + bytes(300)[:254]
    extended = b"\x00\x00\xff\xff\xff\x01\x00\xff" + body + bytes([-sum(body) & 0xFF, 0])
    frames = FrameDecoder().feed(ERROR + bytes.fromhex("0000FFFF0000") + extended + reply(0x03, b"2"))
    assert frames == [Signal.ERROR, Signal.NACK, Reply(0x41, bytes(254)), Reply(0x03, b"2")]


class Bench:
    """A driver and a chip on one line, with a clock of their own."""

    def __init__(self) -> None:
        self.driver, self.chip, self.now_ms = Pn532(), PlayedPn532(), 1_000_000

    def run(self, ms: int, step_ms: int = 10, damage: bytes = b"") -> list[Read]:
        reads: list[Read] = []
        for _ in range(ms // step_ms):
            self.now_ms += step_ms
            said = self.chip.hear(self.driver.poll(self.now_ms))
            if said and damage:
                said, damage = damage, b""
            for byte in said or b"":
                reads += self.driver.feed(bytes([byte]), self.now_ms)
            reads += self.driver.feed(b"", self.now_ms)
        return reads


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_wakes_configures_polls_and_reads_a_tag_once_while_it_stays(bench: Bench) -> None:
    assert bench.run(500) == []
    assert bench.chip.commands[:4] == [0x14, 0x02, 0x32, 0x4A]
    assert bench.driver.firmware == "1.6"
    bench.chip.card = Card(bytes.fromhex("9D44A346"))
    (read,) = bench.run(5000)
    assert (read.uid, read.url, read.retries) == ("9D44A346", "", 0)
    bench.chip.card = None
    assert bench.run(1500) == []
    bench.chip.card = Card(bytes.fromhex("9D44A346"))
    assert len(bench.run(500)) == 1
    bench.chip.card = Card(bytes.fromhex("041F9B02005281"))
    assert [read.uid for read in bench.run(500)] == ["041F9B02005281"]


def test_a_sun_tag_gives_its_address(bench: Bench) -> None:
    bench.chip.card = Card(bytes.fromhex("04DE5F1EACC040"), iso_dep=True, ndef=uri_message(URL))
    (read,) = bench.run(3000)
    assert (read.uid, read.url) == ("04DE5F1EACC040", URL)


def test_a_long_address_comes_in_chunks(bench: Bench) -> None:
    url = "https://example.com/" + "a" * 200
    bench.chip.card = Card(bytes.fromhex("04DE5F1EACC040"), iso_dep=True, ndef=uri_message(url))
    assert [read.url for read in bench.run(3000)] == [url]


def test_a_tag_whose_address_takes_long_to_read_is_one_read(bench: Bench) -> None:
    bench.chip.card = Card(bytes.fromhex("04DE5F1EACC040"), iso_dep=True, ndef=uri_message(URL))
    assert len(bench.run(9000, step_ms=300)) == 1


def test_failed_exchanges_are_tried_again_and_counted(bench: Bench) -> None:
    bench.chip.card = Card(bytes.fromhex("04DE5F1EACC040"), iso_dep=True, ndef=uri_message(URL))
    bench.chip.lost_exchanges = 2
    (read,) = bench.run(3000)
    assert (read.url, read.retries) == (URL, 2)


@pytest.mark.parametrize("lost", [0, 99])
def test_a_tag_that_gives_no_address_still_counts(bench: Bench, lost: int) -> None:
    bench.chip.card = Card(bytes.fromhex("04DE5F1EACC040"), iso_dep=True)
    bench.chip.lost_exchanges = lost
    (read,) = bench.run(900)
    assert (read.uid, read.url) == ("04DE5F1EACC040", "")


def test_a_tag_that_hides_its_uid_is_read_once_while_it_stays(bench: Bench) -> None:
    reads = []
    for number in range(20):
        bench.chip.card = Card(bytes([0x08, number, 2, 3]))
        reads += bench.run(200)
    assert len(reads) == 1


def test_a_silent_chip_is_woken_again_and_known_to_be_gone(bench: Bench) -> None:
    bench.run(500)
    assert bench.driver.is_well(bench.now_ms)
    bench.chip.mute = True
    bench.run(8000)
    assert not bench.driver.is_well(bench.now_ms)
    assert bench.chip.commands[-1] == 0x14
    bench.chip.mute = False
    bench.chip.card = Card(bytes.fromhex("9D44A346"))
    assert [read.uid for read in bench.run(3000)] == ["9D44A346"]


@pytest.mark.parametrize("damage", [ERROR, bytes.fromhex("0000FFFF0000"), ACK + NTAG[:-4], b"\xff" * 9])
def test_damaged_answers_are_got_over(bench: Bench, damage: bytes) -> None:
    bench.run(500)
    bench.chip.card = Card(bytes.fromhex("041F9B02005281"))
    assert [read.uid for read in bench.run(4000, damage=damage)] == ["041F9B02005281"]
