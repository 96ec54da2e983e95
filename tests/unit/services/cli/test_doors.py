import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from console import SITE, shipped

from gateway.mqtt import BrokerAddress
from gateway.outbox import Outbox
from gateway.publish import Publisher
from services.cli.doors import Doors
from services.kernel.clock import FakeClock
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


def test_a_flood_of_typed_readings_waits_and_takes_no_taps_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Publisher, "put", lambda *_: None)
    typed = {"by": "engineer-power", "client_id": "read-0001"}
    body = {"at": "2026-11-21T02:00:00.000Z", "point": "box-1-insulation", "value": 0.4, "unit": "MΩ", "typed": typed}
    clock = FakeClock(datetime(2026, 11, 21, 2, 30, tzinfo=UTC))
    doors = Doors(shipped(), BrokerAddress("127.0.0.1", 1), lambda site: tmp_path / f"{site}.db", clock)
    try:
        for _ in range(PER_HOUR):
            doors.put_reading(SITE, "meter-electrical", body)
        with pytest.raises(DoorClosed):
            doors.put_reading(SITE, "meter-electrical", body)
        doors.put_reading(SITE, "meter-electrical", body | {"at": "2026-11-21T01:00:00.000Z"})
        doors.put_reading(SITE, "meter-electrical", body | {"typed": typed | {"by": "duty"}})
        doors.put(SITE, TAP)
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


def test_a_typed_reading_outlives_the_process_and_counts_as_its_own_device(tmp_path: Path) -> None:
    typed = {"by": "engineer-power", "client_id": "read-0001", "circuit": "WL1", "instrument": "2500-3317"}
    body = {"at": "2026-11-21T02:00:00.000Z", "point": "box-1-insulation", "value": 0.4, "unit": "MΩ", "typed": typed}
    for number in range(2):
        doors = Doors(shipped(), BrokerAddress("127.0.0.1", 1), lambda site: tmp_path / f"{site}.db")
        try:
            doors.put(SITE, TAP)
            doors.put_reading(SITE, "meter-electrical", body | {"value": 0.4 + number})
            with pytest.raises(Invalid):
                doors.put_reading(SITE, "meter-electrical", body | {"value": "much"})
            with pytest.raises(DoorClosed):
                doors.put_reading("elsewhere", "meter-electrical", body)
        finally:
            doors.close()
    outbox = Outbox(tmp_path / f"{SITE}.db", via="yunhe-patrol-app")
    rows = [one for one in outbox.pending() if one.kind == "reading"]
    outbox.close()
    assert [(one.device, one.seq, one.topic) for one in rows] == [
        ("meter-electrical", number, "gengfu/v1/yunhe/meter-electrical/reading") for number in (1, 2)
    ], "numbers of the meter's own: a gap would be a loss"
    assert json.loads(rows[0].payload)["typed"] == typed
