import json
from pathlib import Path

import pytest
from console import SITE, shipped

from gateway.mqtt import BrokerAddress
from gateway.outbox import Outbox
from gateway.publish import Publisher
from services.cli.doors import Doors
from services.kernel.errors import Invalid
from services.patrol.phone.allowance import PER_HOUR
from services.patrol.phone.items import DoorClosed

TAP = {"at": "2026-11-21T02:00:00.000Z", "tag": "04aabbccddee80", "guard": "guard", "client_id": "item-0001"}


def test_what_is_too_much_for_an_hour_stays_on_the_phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "put", lambda *_: None)
    body = TAP | {"phone": "phone-1", "received_at": "2026-11-21T02:30:00.000Z"}
    doors = Doors(shipped(), BrokerAddress("127.0.0.1", 1), lambda site: tmp_path / f"{site}.db")
    try:
        for _ in range(PER_HOUR):
            doors.put(SITE, body)
        with pytest.raises(DoorClosed):
            doors.put(SITE, body)
        with pytest.raises(DoorClosed):
            doors.put(SITE, body | {"phone": "phone-2"})
        doors.put(SITE, body | {"at": "2026-11-21T01:00:00.000Z"})
        doors.put(SITE, body | {"received_at": "2026-11-21T03:30:00.000Z"})
    finally:
        doors.close()


def test_a_tap_is_on_disk_when_the_door_has_it(tmp_path: Path) -> None:
    doors = Doors(shipped(), BrokerAddress("127.0.0.1", 1), lambda site: tmp_path / f"{site}.db")
    try:
        doors.put(SITE, TAP)
        with pytest.raises(Invalid):  # ingest could never take it: it must not come again for ever
            doors.put(SITE, TAP | {"at": "yesterday"})
        with pytest.raises(DoorClosed):
            doors.put("elsewhere", TAP)
    finally:
        doors.close()
    outbox = Outbox(tmp_path / f"{SITE}.db", via="yunhe-patrol-app")
    (row,) = [one for one in outbox.pending() if one.kind == "tap"]
    outbox.close()
    assert (row.device, json.loads(row.payload)["client_id"]) == ("patrol-app", "item-0001")
