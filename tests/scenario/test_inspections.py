"""Checklists filled at the equipment: what is found becomes one job, what is due is done, late is late."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from inspected import BOX_GOOD, PUMP_GOOD, entry, filled, task, with_upkeep
from scenario.site import Night, shipped, yunhe
from sqlalchemy import func, select

from services.equipment import service as equipment
from services.equipment.tables import Equipment, EquipmentEvent
from services.fire.tables import FireTest
from services.flows import inspections
from services.kernel.db import Database
from services.kernel.errors import Invalid, NotFound
from services.maintenance.tables import Inspection, MaintenanceTask
from services.work_order import pictures
from services.work_order import service as work_orders
from services.work_order.tables import WorkOrder

Nights = Callable[..., Night]
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DISPATCHED = "work_order.dispatched"


class Site:
    """People with checklists."""

    def __init__(self, db: Database, config: Any = None) -> None:
        self.db, self.config = db, config or with_upkeep(yunhe())

    def inspect(
        self, eid: str, checklist: str, answers: dict[str, Any], now: datetime = NOW, **more: Any
    ) -> Inspection:
        """Somebody fills it."""
        with self.db.begin() as s:
            row = entry(s, self.config, eid, now)
            return inspections.record(s, self.config, filled(row, checklist, answers, more.pop("at", now), **more), now)

    def due(self, eid: str, checklist: str, opens_at: datetime, **more: Any) -> MaintenanceTask:
        """It is due."""
        with self.db.begin() as s:
            return task(s, entry(s, self.config, eid, NOW), checklist, opens_at, **more)

    def entry(self, eid: str) -> Equipment:
        """As it is now."""
        with self.db.read() as s:
            row = equipment.by_eid(s, "yunhe", eid)
            assert row is not None
            return row

    def tasks(self) -> list[MaintenanceTask]:
        """All of them, as they are now."""
        with self.db.read() as s:
            return list(s.scalars(select(MaintenanceTask).order_by(MaintenanceTask.opens_at)))

    def orders(self) -> list[WorkOrder]:
        """All of them."""
        with self.db.read() as s:
            return list(s.scalars(select(WorkOrder).order_by(WorkOrder.created_at, WorkOrder.id)))

    def history(self, order: WorkOrder) -> list[Any]:
        """What happened to an order."""
        with self.db.read() as s:
            return work_orders.history(s, order.id)


@pytest.fixture
def site(db: Database) -> Site:
    return Site(db)


@pytest.fixture
def own_site(one_db: Database) -> Site:
    return Site(one_db)


def test_an_inspection_does_what_is_due_and_keeps_the_checklist_as_it_stood(site: Site) -> None:
    due = site.due("domestic-low-set", "pump-daily", NOW - 2 * HOUR)
    done = site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD | {"hours": 1200}, task_id=due.id)
    assert (done.passed, done.findings, done.order_ids) == (True, [], [])
    assert [(one["id"], one["verdict"]) for one in done.items][:3] == [
        ("leak", "good"), ("noise", "good"), ("pressure", "good"),
    ]  # fmt: skip
    assert (done.items[2]["minimum"], done.items[2]["unit"], done.started_at) == (0.35, "MPa", NOW - HOUR / 12)
    (kept,) = site.tasks()
    assert (kept.state, kept.on_time, kept.passed, kept.inspection_id) == ("done", True, True, done.id)
    assert (kept.done_by, kept.done_at) == ("engineer-water", NOW)
    row = site.entry("domestic-low-set")
    with site.db.read() as s:
        meters = equipment.last_meters(s, [row.id])
        lines = s.scalars(select(EquipmentEvent.kind).where(EquipmentEvent.equipment_id == row.id)).all()
    assert meters[row.id, "run-hours"].value == 1200
    assert lines.count("inspected") == 1


def test_delivered_twice_it_is_one(site: Site) -> None:
    for _ in range(2):
        site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD | {"leak": False}, client_id="twice-0001")
    with site.db.read() as s:
        assert s.scalar(select(func.count()).select_from(Inspection)) == 1
    assert len(site.orders()) == 1


def test_what_is_found_is_one_job_for_whoever_answers_for_the_equipment(nights: Nights) -> None:
    night = nights(config=with_upkeep(yunhe()))
    site = Site(night.db, night.config)
    found = site.inspect(
        "domestic-low-set", "pump-daily", PUMP_GOOD | {"leak": False, "pressure": 0.61}, night.now, by="supervisor",
        item_notes={"leak": "滴水成线"}, item_photos={"leak": ("yunhe/p1",)}, photos=("yunhe/p2",),
    )  # fmt: skip
    night.wait("2s")
    assert f"{DISPATCHED}: engineer-water" in night.heard()
    order = night.order()
    assert (order.id, order.origin, order.category) == (found.order_ids[0], "inspection", "water_pressure")
    assert order.title == "低区生活变频泵组：机械密封无渗漏 不合格等2项"
    assert order.place == "云和苑 生活水泵房 地下一层生活水泵房东侧"
    assert (order.state, order.assignee, order.priority) == ("dispatched", "engineer-water", "P3")
    assert order.equipment_id == found.equipment_id
    detail = night_detail(site, order)
    assert detail["findings"] == ["leak", "pressure"]
    assert (detail["readings"][1]["answer"], detail["readings"][1]["limit"]) == (0.61, "0.35 … 0.55 MPa")
    with site.db.read() as s:
        shown = [(one.photo_id, one.kind) for one in pictures.of_order(s, order.id)]
    assert shown == [("yunhe/p1", "before"), ("yunhe/p2", "before")]
    assert (detail["readings"][0]["note"], detail["photos"]) == ("滴水成线", ["yunhe/p1", "yunhe/p2"])
    assert detail["title_en"].startswith("Low-zone pump set: No leak at the seal: fail and 1 more")


def night_detail(site: Site, order: WorkOrder) -> dict[str, Any]:
    detail: dict[str, Any] = site.history(order)[0].data["detail"]
    return detail


def test_the_same_again_is_a_remark_on_the_open_job_and_something_new_is_a_job_of_its_own(site: Site) -> None:
    first = site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD | {"leak": False})
    again = site.inspect(
        "domestic-low-set", "pump-daily", PUMP_GOOD | {"leak": False, "noise": False}, NOW + HOUR,
        item_notes={"leak": "更严重"},
    )  # fmt: skip
    assert again.order_ids[0] == first.order_ids[0]
    assert len(again.order_ids) == len(site.orders()) == 2
    old, new = site.orders()
    (remark,) = [one.data["text"] for one in site.history(old) if one.kind == "commented"]
    assert "更严重" in remark
    assert night_detail(site, new)["findings"] == ["noise"]
    with site.db.begin() as s:
        work_orders.cancel(s, old.id, version=old.version, actor="duty", reason="已更换密封", now=NOW + 2 * HOUR)
    later = site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD | {"leak": False}, NOW + 3 * HOUR)
    assert later.order_ids not in ([old.id], [new.id]), "what was repaired and is back is a new job"


def test_a_box_whose_insulation_fails_is_out_of_use_and_its_job_is_urgent(site: Site) -> None:
    found = site.inspect(
        "box-1", "box-yearly", BOX_GOOD | {"insulation": 0.32}, instrument="ZC-25-07", by="engineer-power"
    )
    (order,) = site.orders()
    assert (order.priority, order.category, order.policy["id"]) == ("P2", "electrical", "electrical")
    assert order.title == "1号楼配电箱：绝缘电阻 0.32 MΩ（≥ 0.5 MΩ）"
    row = site.entry("box-1")
    assert (row.status, row.status_at) == ("repair", found.at)
    site.inspect("box-1", "box-yearly", BOX_GOOD, NOW + HOUR, instrument="ZC-25-07")
    assert site.entry("box-1").status == "repair", "a person puts it back into use"


def test_exactly_half_a_megohm_is_enough_and_a_loose_label_is_an_ordinary_job(site: Site) -> None:
    site.inspect("box-1", "box-yearly", BOX_GOOD | {"insulation": 0.5, "label": False}, instrument="ZC-25-07")
    (order,) = site.orders()
    assert (order.priority, order.policy["id"]) == ("P3", "patrol_finding")
    assert site.entry("box-1").status == "in_use"


def test_heard_of_hours_later_it_keeps_its_time_and_its_job_begins_now(site: Site) -> None:
    due = site.due("box-1", "box-yearly", NOW - 30 * HOUR)
    at = NOW - 8 * HOUR
    late = site.inspect("box-1", "box-yearly", BOX_GOOD | {"insulation": 0.2}, at=at, instrument="ZC-25-07")
    assert (late.at, late.received_at) == (at, NOW)
    assert (site.tasks()[0].id, site.tasks()[0].done_at, site.tasks()[0].on_time) == (due.id, at, True)
    (order,) = site.orders()
    assert order.respond_due_at is not None
    assert order.respond_due_at > NOW, "nobody is late for what nobody knew of"
    assert night_detail(site, order)["found_at"].startswith("2026-11-20T18:00")


def test_somebody_put_it_back_into_use_before_the_old_inspection_was_heard_of(site: Site) -> None:
    row = site.inspect("box-1", "box-yearly", BOX_GOOD, instrument="1", at=NOW - 9 * HOUR)
    with site.db.begin() as s:
        live = equipment.get(s, row.equipment_id)
        equipment.set_status(s, live, "stopped", NOW + HOUR, actor="supervisor", reason="检修")
        equipment.set_status(s, live, "in_use", NOW + 2 * HOUR, actor="supervisor", reason="修复")
    bad = BOX_GOOD | {"insulation": 0.2}
    site.inspect("box-1", "box-yearly", bad, NOW + 3 * HOUR, at=NOW, instrument="1", client_id="old-00001")
    assert site.entry("box-1").status == "in_use"


def test_todays_check_does_not_do_yesterdays(site: Site) -> None:
    for days in (2, 1):
        site.due("domestic-low-set", "pump-daily", NOW - timedelta(days=days, hours=1))
    site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD)
    assert [one.on_time for one in site.tasks()] == [None, False], "done late it is done late"
    site.due("domestic-low-set", "pump-daily", NOW - HOUR)
    for minutes in range(2):  # the same from two phones
        site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD, NOW + timedelta(minutes=minutes))
    assert [one.on_time for one in site.tasks()] == [None, False, True]


def test_a_task_that_somebody_else_did_meanwhile_takes_nothing_away_from_the_inspection(own_site: Site) -> None:
    due = own_site.due("domestic-low-set", "pump-daily", NOW - HOUR)
    first = own_site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD, task_id=due.id)
    own_site.inspect("domestic-low-set", "pump-daily", PUMP_GOOD | {"noise": False}, NOW + HOUR, task_id=due.id)
    assert own_site.tasks()[0].inspection_id == first.id
    assert len(own_site.orders()) == 1


def test_a_checklist_that_was_changed_while_the_phone_was_away_loses_no_answer(own_site: Site) -> None:
    answers = {"leak": "dry", "gone": False, "fine": True, "pressure": 0.9}
    found = own_site.inspect("domestic-low-set", "pump-daily", answers, version="older", findings=("gone",))
    assert found.answers == answers
    assert found.findings == ["pressure", "gone"]
    verdicts = {one["id"]: one["verdict"] for one in found.items}
    assert (verdicts["leak"], verdicts["noise"], verdicts["fine"]) == ("good", "open", "good")
    nothing = own_site.inspect("domestic-low-set", "no-such-list", {"x": 3}, version="older")
    assert (nothing.passed, nothing.answers) == (True, {"x": 3})


@pytest.mark.parametrize(
    ("answers", "more", "field"),
    [
        ({"terminals": True, "label": True}, {}, "insulation"),
        (BOX_GOOD | {"insulation": "0.6"}, {"instrument": "1"}, "insulation"),
        (BOX_GOOD | {"what": True}, {"instrument": "1"}, "what"),
        (BOX_GOOD, {}, "instrument"),
        (BOX_GOOD | {"terminals": False}, {"instrument": "1", "item_notes": {"terminals": "A 相松动"}}, "terminals"),
    ],
)
def test_what_nobody_could_have_answered_is_refused(
    own_site: Site, answers: dict[str, Any], more: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        own_site.inspect("box-1", "box-yearly", answers, **more)
    assert refused.value.detail["field"] == field
    with own_site.db.read() as s:
        assert s.scalar(select(func.count()).select_from(Inspection)) == 0


def test_where_the_checklist_asks_for_a_photo_of_what_is_wrong_one_is_enough(own_site: Site) -> None:
    bad = BOX_GOOD | {"terminals": False, "label": False}
    photos = {"terminals": ("yunhe/photo-0001",)}
    row = own_site.inspect("box-1", "box-yearly", bad, instrument="1", item_photos=photos)
    assert row.findings == ["terminals", "label"], "the label may do with words"


def test_equipment_of_nobody_is_refused(own_site: Site) -> None:
    with own_site.db.begin() as s:
        row = entry(s, own_site.config, "box-1", NOW)
        wrong = replace(filled(row, "box-yearly", BOX_GOOD, NOW), equipment_id="01NOBODY")
        with pytest.raises(NotFound):
            inspections.record(s, own_site.config, wrong, NOW)


def test_the_monthly_check_of_an_extinguisher_is_its_monthly_test(db: Database) -> None:
    site = Site(db, with_upkeep(shipped().site("yunhe")))
    device = next(one for one in site.config.fire.appliances if one.kind == "extinguisher")
    at = datetime(2026, 10, 31, 17, 0, tzinfo=UTC)  # the first of November on the site's wall
    site.inspect(device.id, "extinguisher-monthly", {"needle": True, "seal": True}, at=at)
    site.inspect(device.id, "extinguisher-monthly", {"needle": False, "seal": True}, NOW, client_id="second-001")
    with db.read() as s:
        rows = list(s.scalars(select(FireTest).order_by(FireTest.tested_on)))
    assert [(one.device, one.kind, one.passed, one.tested_on) for one in rows] == [
        (device.id, "pressure", True, date(2026, 11, 1)),
        (device.id, "pressure", False, date(2026, 11, 21)),
    ]
    assert site.orders()[0].priority == "P2"


def test_lift_work_outside_its_window_is_kept_as_such_unless_it_is_an_emergency(own_site: Site) -> None:
    for number, emergency in enumerate((False, True)):
        own_site.due("lift-1", "lift-monthly", NOW - timedelta(days=number, hours=1), plan="lift-month", days=20)
        own_site.inspect("lift-1", "lift-monthly", {"brake": True}, NOW + number * HOUR, emergency=emergency)
    assert sorted(one.outside_window for one in own_site.tasks()) == [False, True]
