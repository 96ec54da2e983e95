"""The ledger of devices: what is new, what is repeated, what is missing; the same after every restart."""

import pytest

from gateway.contract.heard import Heard
from services.device.ledger import DeviceLedger, Loss
from services.device.tables import DeviceState, HeardEvent
from services.kernel.db import Database

NOW_MS = 1_795_200_000_000
ULIDS = ("01KACP8W3M0000000000000001", "01KACP8W3M0000000000000002")


def reading(seq: int, *, boot: str = "b1", device: str = "plc", at_ms: int = NOW_MS, site: str = "yunhe") -> Heard:
    return Heard(site, device, "reading", f"{boot}-{seq}", boot, seq, at_ms, at_ms=at_ms)


def status(event_id: str, *, online: bool, at_ms: int = NOW_MS, boot: str = "", seq: int = 0) -> Heard:
    body = {"id": event_id, "online": online, "text": "\x00 ☃"}
    return Heard("yunhe", "plc", "status", event_id, boot, seq, at_ms, body=body, at_ms=at_ms)


class Desk:
    """A ledger that is put away and taken out again between any two events, or not."""

    def __init__(self, db: Database, *, restarts: bool) -> None:
        self.db, self.restarts = db, restarts
        self.ledger = DeviceLedger(frozenset({"yunhe"}))
        with db.begin() as session:
            self.ledger.load(session)

    def hear(self, *events: Heard) -> list[bool]:
        new = []
        for event in events:
            with self.db.begin() as session:
                if self.restarts:
                    self.ledger = DeviceLedger(frozenset({"yunhe"}))
                    self.ledger.load(session)
                new.append(self.ledger.note(session, event))
                self.ledger.save(session)
        return new

    def losses(self, now_ms: int) -> list[Loss]:
        with self.db.begin() as session:
            found = self.ledger.losses(now_ms, 10_000)
            self.ledger.save(session)
        return found


@pytest.fixture(params=[False, True], ids=["running", "restarted"])
def desk(db: Database, request: pytest.FixtureRequest) -> Desk:
    return Desk(db, restarts=request.param)


def test_a_number_counts_once_per_boot(desk: Desk) -> None:
    assert desk.hear(reading(1), reading(2), reading(2), reading(1)) == [True, True, False, False]
    assert desk.hear(reading(1, boot="b2"), reading(1, device="other"), reading(3)) == [True, True, True]


def test_a_ulid_counts_once_per_device(desk: Desk) -> None:
    first, second = (status(ulid, online=True) for ulid in ULIDS)
    assert desk.hear(first, first, second, first) == [True, False, True, False]
    with desk.db.read() as session:
        kept = session.get_one(HeardEvent, ("yunhe/plc", ULIDS[0]))
        assert kept.body == first.body


def test_losses_are_named_exactly_and_reported_once(desk: Desk) -> None:
    desk.hear(reading(1), reading(4), reading(8))
    assert desk.losses(NOW_MS + 9_999) == []
    assert desk.losses(NOW_MS + 10_000) == [Loss("yunhe", "plc", "b1", 2, 3), Loss("yunhe", "plc", "b1", 5, 7)]
    assert desk.losses(NOW_MS + 99_000) == []
    assert desk.ledger.missing("yunhe") == {"plc": {"b1": [[2, 3], [5, 7]]}}
    assert desk.ledger.missing("elsewhere") == {}


def test_what_arrives_late_is_new_and_no_longer_missing(desk: Desk) -> None:
    desk.hear(reading(1), reading(6))
    desk.losses(NOW_MS + 10_000)
    desk.ledger.take_found()
    assert desk.hear(reading(3), reading(3)) == [True, False]
    assert desk.ledger.missing("yunhe") == {"plc": {"b1": [[2, 2], [4, 5]]}}
    assert desk.ledger.take_found() == {"yunhe"}
    assert desk.ledger.take_found() == set()
    desk.hear(reading(2), reading(4), reading(5))
    assert desk.ledger.missing("yunhe") == {}
    assert desk.losses(NOW_MS + 99_000) == []


def test_a_new_boot_of_a_known_device_begins_at_one(desk: Desk) -> None:
    desk.hear(reading(500), reading(3, boot="b2"))
    assert desk.losses(NOW_MS + 10_000) == [Loss("yunhe", "plc", "b2", 1, 2)]


def test_state_follows_arrival_and_clocks_that_run_ahead_are_flagged(desk: Desk) -> None:
    ahead = reading(1)
    ahead.ahead_ms = 600_000
    desk.hear(ahead)
    with desk.db.read() as session:
        assert session.get_one(DeviceState, "yunhe/plc").ahead_ms == 600_000
        assert session.get_one(DeviceState, "yunhe/plc").online is None
    will = status("b1-3", online=False, at_ms=NOW_MS - 60_000, boot="b1", seq=3)
    desk.hear(status("b1-2", online=True, boot="b1", seq=2), will)
    with desk.db.read() as session:
        state = session.get_one(DeviceState, "yunhe/plc")
        assert (state.online, state.ahead_ms, state.event_ms) == (False, 0, NOW_MS)


def test_other_groups_sites_are_not_ours(db: Database) -> None:
    Desk(db, restarts=False).hear(reading(1), reading(5, site="qinghe"))
    with db.begin() as session:
        ledger = DeviceLedger(frozenset({"jinghe"}))
        ledger.load(session)
        assert ledger.losses(NOW_MS + 99_000, 0) == []


def test_what_a_device_says_of_itself_is_kept(desk: Desk) -> None:
    first = status("b1-1", online=True, boot="b1", seq=1)
    first.body = {"id": "b1-1", "online": True, "battery": 64, "rssi_dbm": -70.5, "snr_db": 4, "firmware": "1.2"}
    first.at_ms = NOW_MS + 3_000
    desk.hear(first, status("b1-2", online=True, boot="b1", seq=2, at_ms=NOW_MS))
    with desk.db.read() as session:
        state = session.get_one(DeviceState, "yunhe/plc")
        assert (state.battery, state.rssi_dbm, state.snr_db, state.firmware) == (64, -70.5, 4, "1.2")
        assert state.online_ms == NOW_MS
        assert state.offset_s == pytest.approx(2.4), "one message that was long on its way changes little"
    told = status("b1-3", online=True, boot="b1", seq=3)
    told.body = {"id": "b1-3", "online": True, "clock_offset_s": -12.5}
    desk.hear(told)
    with desk.db.read() as session:
        assert session.get_one(DeviceState, "yunhe/plc").offset_s == -12.5
        assert session.get_one(DeviceState, "yunhe/plc").battery == 64


def test_only_changes_between_there_and_not_there_are_news(db: Database) -> None:
    desk = Desk(db, restarts=False)
    for seq, online in enumerate((True, True, False, False, True), start=1):
        desk.hear(status(f"b1-{seq}", online=online, boot="b1", seq=seq, at_ms=NOW_MS + seq))
    assert [(one.online, one.at_ms - NOW_MS) for one in desk.ledger.take_flips()] == [(False, 3), (True, 5)]
    assert desk.ledger.take_flips() == []
