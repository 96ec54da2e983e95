from datetime import date, datetime, timedelta

import pytest

from gateway.site.model import SiteConfig
from services.equipment import service, store
from services.equipment.commands import Refused, edit, enter, relabel
from services.equipment.tables import Equipment
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid, NotFound


def faults(refused: pytest.ExceptionInfo[Refused]) -> set[tuple[str, str]]:
    """What is wrong with which column."""
    return {(one.column, one.fault) for one in refused.value.problems}


def test_the_status_machine_and_its_history(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
    later = now + timedelta(hours=3)
    with db.begin() as s:
        row = service.by_eid(s, "hill", "pump-1")
        assert row is not None
        service.set_status(s, row, "repair", later, actor="eng", reason="轴承响", event_at=now + timedelta(hours=1))
        service.set_status(s, row, "repair", later, actor="eng", reason="again")
        with pytest.raises(Invalid, match="cannot have become"):
            service.set_status(s, row, "in_use", later, actor="eng", reason="x", event_at=now)
        with pytest.raises(Invalid, match="reason"):
            service.set_status(s, row, "in_use", later, actor="eng", reason="  ")
        service.set_status(s, row, "scrapped", later, actor="sup", reason="泵体裂")
        with pytest.raises(Conflict, match="scrapped"):
            service.set_status(s, row, "in_use", later, actor="sup", reason="还能用")
        lines = store.history(s, row.id)
        assert [(one.data["old"], one.data["new"]) for one in lines if one.kind == "status"] == [
            ("repair", "scrapped"), ("in_use", "repair"),
        ]  # fmt: skip
        assert lines[1].event_at == now + timedelta(hours=1)
        assert lines[1].at == later
        assert [one.seq for one in lines] == [3, 2, 1]
        assert row not in service.of_site(s, "hill", live=True)


def test_entering_gives_an_id_and_refuses_what_cannot_be(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        first = enter(s, config, {"name": "梯子", "kind": "tool", "code": "GJ 1"}, now, actor="eng")
        second = enter(s, config, {"name": "摇表", "kind": "instrument"}, now, actor="eng")
        assert (first.eid, second.eid) == ("gj-1", "instrument-1")
        with pytest.raises(Refused) as refused:
            enter(
                s, config,
                {"name": "", "kind": "rocket", "area": "moon", "code": "GJ 1", "responsible": "sup", "serial": "a\x00",
                 "made_on": date(2024, 2, 2), "installed_on": date(2024, 1, 1), "bindings": [["point", "none"]]},
                now, actor="eng", eid="Not An Id",
            )  # fmt: skip
    assert faults(refused) == {
        ("name", "required"), ("kind", "unknown_kind"), ("area", "unknown_area"), ("code", "code_taken"),
        ("responsible", "wrong_role"), ("serial", "control"), ("installed_on", "date_order"),
        ("bindings", "unknown_binding"), ("eid", "bad_eid"),
    }  # fmt: skip


def test_an_id_of_the_site_files_is_taken(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s, pytest.raises(Refused) as refused:
        enter(s, config, {"name": "泵", "kind": "pump_set"}, now, actor="eng", eid="pump-1")
    assert faults(refused) == {("eid", "eid_taken")}


def test_what_the_site_files_say_cannot_be_edited(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        row = service.by_eid(s, "hill", "pump-1")
        assert row is not None
        with pytest.raises(Refused) as refused:
            edit(s, config, row.id, {"name": "别名", "maker": "别家", "model": "X"}, now, actor="eng")
        assert faults(refused) == {("name", "declared"), ("maker", "declared")}
        assert row.model == ""


def test_an_edit_needs_the_version_that_was_seen(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        row = service.by_eid(s, "hill", "pump-1")
        assert row is not None
        edit(s, config, row.id, {"model": "X", "manager": "man"}, now, actor="eng", version=0)
        assert row.version == 1
        with pytest.raises(Conflict, match="version 1, you saw 0"):
            edit(s, config, row.id, {"model": "Y"}, now, actor="eng", version=0)
        edit(s, config, row.id, {"model": "X"}, now, actor="eng", version=1)
        assert row.version == 1, "nothing changed"
        assert [one.kind for one in store.history(s, row.id)] == ["changed", "person", "registered"]


def test_a_new_label_makes_the_old_one_useless(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        row = service.by_eid(s, "hill", "pump-1")
        assert row is not None
        old = row.tag
        assert service.by_tag(s, f" {old.lower()} ") is row
        relabel(s, row.id, now, actor="eng", tag="NEWLABEL2345")
        assert service.by_tag(s, old) is None
        assert service.by_tag(s, "NEWLABEL2345") is row


def test_meters_keep_every_reading_once(db: Database, config: SiteConfig, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        pump, lift = (service.by_eid(s, "hill", eid) for eid in ("pump-1", "lift-1"))
        assert isinstance(pump, Equipment)
        assert isinstance(lift, Equipment)
        assert service.note_meter(s, pump, "run_hours", 10.0, now, unit="h") is not None
        assert service.note_meter(s, pump, "run_hours", 99.0, now, unit="h") is None
        service.note_meter(s, pump, "run_hours", 12.0, now + timedelta(days=1), unit="h")
        service.note_meter(s, pump, "run_hours", 11.0, now - timedelta(days=1), unit="h")
        service.note_meter(s, pump, "starts", 3.0, now)
        found = service.last_meters(s, [pump.id, lift.id])
    assert {key: one.value for key, one in found.items()} == {(pump.id, "run_hours"): 12.0, (pump.id, "starts"): 3.0}


def test_what_is_not_there_is_not_found(db: Database) -> None:
    with db.begin() as s:
        with pytest.raises(NotFound, match="nobody"):
            service.get(s, "nobody")
        with pytest.raises(NotFound, match="nobody"):
            service.lock(s, "nobody")
