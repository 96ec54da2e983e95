from datetime import UTC, datetime, timedelta

from services.kernel.db import Database
from services.measurement import service, store
from services.measurement.model import Entry
from services.measurement.tables import TypedDelivery

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = service.key_of("yunhe", "engineer-power", "read-0001")


def test_the_first_time_that_was_worked_out_stands_until_the_door_has_it(db: Database) -> None:
    with db.begin() as s:
        assert service.announced(s, KEY, NOW) == (NOW, False)
    with db.begin() as s:
        assert service.announced(s, KEY, NOW + MINUTE) == (NOW, False)
        service.put(s, KEY, NOW + MINUTE)
    with db.begin() as s:
        assert service.announced(s, KEY, NOW + 2 * MINUTE) == (NOW, True)


def test_a_reading_is_kept_once_and_never_sent_again(db: Database) -> None:
    entry = Entry("read-0001", "box-1-insulation", 0.4, "2500-3317", "WL1", photos=("yunhe/p1",))
    with db.begin() as s:
        found = service.keep(s, "yunhe", "engineer-power", entry, "valid", NOW, NOW + MINUTE)
        assert found is not None
        assert (found.client_id, found.value, found.photos, found.calibration) == (KEY, 0.4, ["yunhe/p1"], "valid")
        assert service.keep(s, "yunhe", "engineer-power", entry, "valid", NOW + MINUTE, NOW + MINUTE) is None
    with db.begin() as s:
        assert service.announced(s, KEY, NOW + MINUTE) == (NOW, True)
        assert service.keep(s, "yunhe", "engineer-water", entry, "valid", NOW, NOW) is not None


def test_what_cannot_be_delivered_again_is_forgotten(db: Database) -> None:
    with db.begin() as s:
        service.announced(s, KEY, NOW)
        service.announced(s, f"{KEY}x", NOW + MINUTE)
        store.forget_deliveries(s, NOW + MINUTE)
        assert s.get(TypedDelivery, KEY) is None
        assert s.get(TypedDelivery, f"{KEY}x") is not None


def test_of_years_of_readings_only_the_newest_of_each_spot_is_read(db: Database) -> None:
    said = [("WL1", 400, 0.1), ("WL1", 3, 0.9), ("WL1", 30, 0.2), ("wl-1", 2, 0.8), ("WL2", 5, 0.7), ("WL3", 900, 0.1)]
    with db.begin() as s:
        for number, (circuit, days, value) in enumerate(said):
            entry = Entry(f"read-{number:04d}", "box-1", value, circuit=circuit)
            service.keep(s, "yunhe", "engineer", entry, "", NOW - timedelta(days=days), NOW)
        service.keep(s, "yunhe", "engineer", Entry("read-0009", "box-2", 0.4, circuit="WL1"), "", NOW, NOW)
    with db.read() as s:
        found = store.newest(s, "yunhe", NOW - store.STANDS_FOR)
        assert [(one.circuit, one.value) for one in found["box-1"]] == [("WL2", 0.7), ("WL1", 0.9), ("wl-1", 0.8)]
        assert [one.value for one in found["box-2"]] == [0.4]
        assert list(store.newest(s, "yunhe", NOW - store.STANDS_FOR, "box-2")) == ["box-2"]
        assert [one.value for one in store.of_point(s, "yunhe", "box-1", NOW - store.STANDS_FOR, 2)] == [0.8, 0.9]
