"""The installer's list: every device, its account, and the passwords back from an earlier list."""

import csv
import io

import pytest
from installations import KINDS, site

from services.install import device_list
from services.kernel.errors import SettingsError

CONFIG = site()
WORDS = {device: f"word-{device}" for device in device_list.devices_with_account(CONFIG)}


def text() -> str:
    return device_list.render(CONFIG, device_list.entries(CONFIG, WORDS, {}), "gengfu.example:8883")


def test_every_device_is_listed_with_its_account_or_with_who_speaks_for_it() -> None:
    rows = {row["device"]: row for row in csv.DictReader(io.StringIO(text().removeprefix("\ufeff")))}
    assert list(rows) == list(KINDS)
    assert rows["plc-1"]["user"] == "jingan-plc-1"
    assert rows["plc-1"]["name"] == "设备,plc-1"
    assert rows["plc-1"]["server"] == "gengfu.example:8883"
    assert "gengfu/v1/jingan/plc-1/reading" in rows["plc-1"]["publishes"].split()
    for device in ("phones", "panel-1", "reader-serial"):
        assert not rows[device]["user"] + rows[device]["password"] + rows[device]["server"]
        assert "不需要账号" in rows[device]["note"]


def test_the_passwords_come_back_also_when_a_person_has_added_columns_and_sorted() -> None:
    assert device_list.passwords_in(text().encode(), "list") == WORDS
    head, *lines = text().removeprefix("\ufeff").splitlines()
    edited = "\n".join([f"seen,{head}", *(f"yes,{line}" for line in reversed(lines))])
    assert device_list.passwords_in(edited.encode(), "list") == WORDS


def test_a_list_of_no_devices_is_one() -> None:
    assert device_list.passwords_in(device_list.render(CONFIG, [], "h:8883").encode(), "list") == {}


def test_the_passwords_come_back_from_a_list_that_a_spreadsheet_saved() -> None:
    saved = text().removeprefix("\ufeff").replace("\n", "\r\n").encode("gbk")
    assert device_list.passwords_in(saved, "list") == WORDS


@pytest.mark.parametrize("content", ["设备;密码\n".encode(), text().encode("utf-16"), b"\xff\xfe"])
def test_a_list_without_passwords_is_refused_instead_of_replaced(content: bytes) -> None:
    with pytest.raises(SettingsError, match=r"devices/jingan\.csv has no columns device and password"):
        device_list.passwords_in(content, "devices/jingan.csv")
