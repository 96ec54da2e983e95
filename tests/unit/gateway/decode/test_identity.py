"""One physical tag is one identity through every source that Gengfu hears."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from tag_readers import Card, PlayedPn532, rdm_frame

from gateway.contract.tags import TagIndex
from gateway.decode.tags import decode
from gateway.drivers.pn532 import Pn532
from gateway.drivers.rdm6300 import Rdm6300
from gateway.drivers.read import Read
from gateway.drivers.uid_line import UidLine
from gateway.drivers.wand import Wand
from gateway.site.patrol import ReaderProtocol

ZONE = ZoneInfo("Asia/Shanghai")
NFC, EM4100 = bytes.fromhex("041F9B02005281"), "01026F6C3A"
INDEX = TagIndex(
    [
        ("gate", "04:1f:9b:02:00:52:81", "nfc"),
        ("roof", "0040856634", "rfid125"),
        ("other", "04:1f:9b:02:00:52:82", "nfc"),
        ("another", "14008EC793", "rfid125"),
        ("four", "9D44A346", "nfc"),
    ]
)
Source = Callable[[], list[Read]]


def mqtt(protocol: ReaderProtocol, payload: str) -> Source:
    return lambda: decode(protocol, payload.encode(), 0, ZONE)


def serial(driver: Rdm6300 | UidLine | Wand, data: bytes) -> Source:
    return lambda: driver.feed(data, 0) + driver.close(1)


def pn532() -> list[Read]:
    driver, chip = Pn532(), PlayedPn532()
    chip.card = Card(NFC)
    return [read for now in range(0, 500, 50) for read in driver.feed(chip.hear(driver.poll(now)), now)]


def phone(serial_number: str) -> Source:
    """Web NFC, WeChat and keyboard wedges: the page sends what was read, as it was read."""
    return lambda: [Read(serial_number, 0)]


@pytest.mark.parametrize(
    "source",
    [
        pn532,
        serial(UidLine(), b"Card UID: 04 1F 9B 02 00 52 81\r\n"),
        serial(UidLine(), b"041F9B02005281\r\n"),
        serial(UidLine(), b"815200029B1F04\r\n"),  # the other byte order
        serial(Wand(ZONE), b"2026-11-20 22:05:10,041F9B02005281\n"),
        mqtt("tasmota", '{"Time":"2026-01-10T18:23:24","PN532":{"UID":"041F9B02005281"}}'),
        mqtt("tasmota", '{"Time":"2026-01-10T18:23:24","RC522":{"UID":"041F9B02005281"}}'),
        mqtt("esphome", "04-1F-9B-02-00-52-81"),
        mqtt("esphome_json", '{"tag_id":"04-1F-9B-02-00-52-81"}'),
        mqtt("home_assistant", '{"Time":"2020-09-28T17:02:10","PN532":{"UID":"041F9B02005281", "DATA":""}}'),
        phone("04:1f:9b:02:00:52:81"),
        phone(NFC.hex()),
    ],
)
def test_a_13_mhz_tag(source: Source) -> None:
    assert [INDEX.find(read.uid) for read in source()] == ["gate"]


@pytest.mark.parametrize(
    "source",
    [
        serial(Rdm6300(), rdm_frame(EM4100)),
        serial(UidLine(), b"01026F6C3A\r\n"),
        serial(UidLine(), b"0040856634 623,27706\r\n"),
        serial(Wand(ZONE), b"2026-11-20 22:05:10,01026F6C3A\n"),
        *(
            phone(text)  # typed by a keyboard wedge
            for text in (EM4100, "004335823930", "0040856634", "07302202", "111,27706", "00623,27706")
        ),
        mqtt("tasmota", '{"Time":"2026-01-10T18:23:24","RDM6300":{"UID":"026F6C3A"}}'),
        mqtt("esphome", "40856634"),
        mqtt("esphome_json", '{"x":40856634}'),
        mqtt("home_assistant", '{"RDM6300":{"UID":"026F6C3A"}}'),
    ],
)
def test_a_125_khz_tag(source: Source) -> None:
    assert [INDEX.find(read.uid) for read in source()] == ["roof"]


def test_no_source_takes_a_tag_for_another() -> None:
    assert INDEX.collisions == []
    assert INDEX.find("041F9B02005283") is None
