"""The list an installer works from: every device of a site with its account at the broker; it keeps the passwords."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gateway.site.model import SiteConfig
from gateway.site.profile import Profile
from services.install.mosquitto import User, device_user, speaker_of
from services.kernel.errors import SettingsError

COLUMNS: Final = ("device", "name", "area", "kind", "user", "password", "publishes", "hears", "server", "note")
_BOM: Final = "\ufeff"
"""Spreadsheet programs take a file without it for GBK."""
_NOTES: Final = {
    "gengfu": "不需要账号：值班台代为发送 / no account: the console speaks for it",
    "gateway": "不需要账号：由网关代为发送 / no account: the gateway speaks for it",
    None: "",
}


class Entry(NamedTuple):
    """A device of the list; without a user another one speaks for it."""

    device: str
    user: User | None
    password: str


def entries(config: SiteConfig, words: Mapping[str, str], profiles: Mapping[str, Profile]) -> list[Entry]:
    """The devices of a site; `words`: password by device, `profiles`: families of ready-made devices."""
    users = ((device, device_user(config, device, profiles)) for device in config.devices)
    return [Entry(one.id, user, words[one.id] if user else "") for one, user in users]


def devices_with_account(config: SiteConfig) -> list[str]:
    """The devices that sign in at the broker themselves."""
    return [device.id for device in config.devices if speaker_of(config, device) is None]


def render(config: SiteConfig, listed: Sequence[Entry], server: str) -> str:
    """The list as CSV; `server`: host and port the devices connect to."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in listed:
        device = config.device(entry.device)
        user = entry.user
        account = ("", "", "", "", "") if user is None else (
            user.name, entry.password, " ".join(user.publishes), " ".join(user.hears), server,
        )  # fmt: skip
        area = config.area(device.area)
        note = _NOTES[speaker_of(config, device)]
        writer.writerow([device.id, device.name, area.name, device.kind, *account, note])
    return _BOM + out.getvalue()


def passwords_in(content: bytes, where: str) -> dict[str, str]:
    """Passwords by device from an earlier list, whatever columns have been added; raises SettingsError."""
    # Spreadsheet programs save as GBK; the two columns read here are ASCII in both.
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
    try:
        rows, columns = list(reader), reader.fieldnames or ()
    except csv.Error:  # as of UTF-16
        rows, columns = [], ()
    if not {"device", "password"} <= set(columns):
        raise SettingsError(
            f"{where} has no columns device and password: the devices' passwords cannot be read",
            hint="Restore the file from the backup, or remove it: every device of the site then gets a new password",
        )
    return {row["device"]: row["password"] for row in rows if row["device"] and row["password"]}
