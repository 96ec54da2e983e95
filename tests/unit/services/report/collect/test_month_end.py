"""What a month's collectors see is what stood at its end: later steps are told from history, not from today's row."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from plan_rows import at, entry, plan, site
from scenario.site import shipped
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from gateway.timeseries.store import TimeSeriesStore
from services.alert.tables import Alert
from services.equipment import certificates
from services.equipment import service as equipment
from services.kernel.db import Database
from services.kernel.ids import new_id
from services.maintenance.tables import Inspection, MaintenanceTask, PlanMark
from services.report.chapters.costs import by_band
from services.report.chapters.ledger import intact, intact_time
from services.report.chapters.maintenance import overdue_work
from services.report.chapters.orders import chapter as orders_chapter
from services.report.collect import call_backs, costs, findings, ledger, maintenance, orders
from services.report.collect.source import Source
from services.report.model import Month
from services.report.months import month_of
from services.work_order import service as work_orders
from services.work_order.model import (
    Accepted,
    Cancelled,
    Dispatched,
    Event,
    Rated,
    ReworkOrdered,
    Started,
    Submitted,
    Verified,
)
from services.work_order.store import change, lock
from services.work_order.tables import CallBack, CallBackSample, WorkOrder, WorkOrderApproval, WorkOrderCost

ZONE = ZoneInfo("Asia/Shanghai")
END = at("2026-11-01", "00:00")
DAY = timedelta(days=1)


def october(now: datetime = END + DAY) -> Month:
    return month_of("2026-10", "Asia/Shanghai", now)


def november() -> Month:
    return month_of("2026-11", "Asia/Shanghai", at("2026-12-02"))


@pytest.fixture
def session(db: Database) -> Iterator[Session]:
    with db.begin() as opened:
        yield opened


@pytest.fixture
def config() -> SiteConfig:
    return site(plan(), plan("lift", kinds=("elevator",), window_from="00:00", window_until="05:00"))


def source(session: Session, config: SiteConfig) -> Source:
    return Source(session, cast("TimeSeriesStore", None), config, shipped())  # none of these reads readings


def reported(session: Session, when: datetime, **more: Any) -> WorkOrder:
    policy = {"respond_within": timedelta(hours=1), "finish_within": timedelta(days=2)}
    new = work_orders.NewOrder(site="yunhe", title="漏水", policy=policy, **{"origin": "request"} | more)
    return work_orders.report(session, new, ZONE, when, actor="duty")


def go(session: Session, order: WorkOrder, *steps: tuple[datetime, Event]) -> None:
    for when, event in steps:
        change(session, lock(session, order.id), event, when, actor="engineer-water")


def begun(session: Session, when: datetime, **more: Any) -> WorkOrder:
    order = reported(session, when, **more)
    minute = timedelta(minutes=1)
    go(
        session, order, (when + 5 * minute, Accepted()), (when + 9 * minute, Dispatched("engineer-water", None)),
        (when + 30 * minute, Started("engineer-water", when + 30 * minute)),
    )  # fmt: skip
    return order


def test_an_order_is_seen_as_it_stood_when_the_month_ended(session: Session, config: SiteConfig) -> None:
    after = END + timedelta(hours=3)
    sent_back = begun(session, at("2026-10-30"))
    go(session, sent_back, (at("2026-10-31"), Submitted("engineer-water", at("2026-10-31"))))
    go(session, sent_back, (after, ReworkOrdered("supervisor", "仍漏水")))
    go(session, sent_back, (after + DAY, Submitted("engineer-water", after + DAY)))
    late = begun(session, at("2026-10-20"))
    go(session, late, (after, Submitted("engineer-water", after)))
    dropped = reported(session, at("2026-10-21"))
    go(session, dropped, (after, Cancelled("重复", after)))
    reported(session, END + DAY)

    seen = {one.id: one for one in orders.collect(source(session, config), october(END + timedelta(hours=1))).orders}
    assert set(seen) == {sent_back.id, late.id, dropped.id}
    assert seen[sent_back.id].finished_at == at("2026-10-31")
    assert not seen[sent_back.id].reworked
    assert (seen[late.id].finished_at, seen[dropped.id].cancelled) == (None, False)
    assert seen[late.id].executors == ("给排水责任人",)

    corrected = orders.collect(source(session, config), october(END + 5 * DAY))
    again = next(one for one in corrected.orders if one.id == sent_back.id)
    assert again.finished_at == at("2026-10-31")
    assert (again.reworked, again.rework_why) == (True, "仍漏水")
    rate = next(one for one in orders_chapter(october(), corrected).figures if one.figure.id == "order.timely")
    assert (rate.figure.numerator, rate.figure.denominator) == (1, 3)

    next_month = {one.id: one for one in orders.collect(source(session, config), november()).orders}
    assert next_month[late.id].finished_at == after
    assert next_month[dropped.id].cancelled


def test_a_later_order_of_the_same_fault_makes_the_first_one_rework(session: Session, config: SiteConfig) -> None:
    first = begun(session, at("2026-10-10"))
    go(session, first, (at("2026-10-11"), Submitted("engineer-water", at("2026-10-11"))))
    reported(session, END + timedelta(hours=2), rework_of=first.id)

    def seen(now: datetime) -> bool:
        return next(one.reworked for one in orders.collect(source(session, config), october(now)).orders)

    assert not seen(END + timedelta(hours=1))
    assert seen(END + DAY)


def test_who_asked_is_in_no_record(session: Session, config: SiteConfig) -> None:
    begun(session, at("2026-10-10"), requester="3 栋 1203 室住户")
    facts = orders.collect(source(session, config), october())
    made = orders_chapter(october(), facts)
    assert facts.orders
    assert "1203" not in made.model_dump_json()


def test_call_backs_are_about_requests_closed_in_the_month(session: Session, config: SiteConfig) -> None:
    def closed(when: datetime, rated: datetime, origin: str = "request") -> WorkOrder:
        order = begun(session, when, origin=origin)
        go(
            session, order, (rated - DAY, Submitted("engineer-water", rated - DAY)),
            (rated - DAY, Verified("supervisor")), (rated, Rated(4, rated)),
        )  # fmt: skip
        return order

    ours = closed(at("2026-09-25"), at("2026-10-02"))
    closed(at("2026-10-29"), END + DAY)
    closed(at("2026-10-05"), at("2026-10-08"), origin="alert")
    for level, when in (("service", END + DAY / 2), ("quality", END + 2 * DAY)):
        session.add(
            CallBack(
                id=new_id(), site="yunhe", work_order_id=ours.id, level=level, at=when, by="duty", satisfied=True
            )
        )  # fmt: skip
    session.add(
        CallBackSample(
            work_order_id=ours.id, level="quality", site="yunhe", month_on=october().first_on, drawn_at=at("2026-10-03")
        )
    )  # fmt: skip
    session.flush()
    found = call_backs.collect(source(session, config), october())
    assert [one.id for one in found.closed] == [ours.id]
    assert found.closed[0].drawn == {"quality"}
    assert [one.level for one in found.calls] == ["service"]  # the other was made after the cut-off


def test_the_ledger_is_seen_as_it_stood(session: Session, config: SiteConfig) -> None:
    down, later = entry(session, 1), entry(session, 2)
    entry(session, 3, created_at=END + DAY)
    gone = entry(session, 4, declared=False)
    equipment.set_status(session, down, "repair", at("2026-10-17"), actor="supervisor", reason="轴承")
    equipment.set_status(session, down, "in_use", END + DAY, actor="supervisor", reason="修好")
    equipment.set_status(session, later, "scrapped", END + 2 * DAY, actor="supervisor", reason="到期")
    equipment.record(session, gone, "undeclared", at("2026-10-11", "00:00"), actor="system")

    facts = ledger.collect(source(session, config), october(END + 3 * DAY))
    assert {one.name: one.state for one in facts.entries} == {"设备1": "repair", "设备2": "in_use"}
    assert (intact(facts).figure.numerator, intact(facts).figure.denominator) == (1, 2)
    hours = intact_time(facts).figure
    assert hours.denominator == (31 + 31 + 10) * 24
    assert hours.numerator == (31 + 31 + 10) * 24 - 14.5 * 24
    assert [(one.kind, one.equipment) for one in facts.changes] == [("gone", "设备4"), ("repair", "设备1")]


def test_whose_certificate_it_is_stays_out_of_reports(session: Session, config: SiteConfig) -> None:
    for subject in ("王小明", "消防值班员"):
        new = certificates.NewCertificate("person", date(2026, 11, 9), "ZS-1", subject=subject)
        certificates.add(session, config.site.id, None, new, END - DAY, actor="duty")
    facts = ledger.collect(source(session, config), october())
    assert {one.subject for one in facts.expiries} == {"王**", "消防值班员"}


def test_occurrences_are_seen_as_they_stood(session: Session, config: SiteConfig) -> None:
    row, lift = entry(session), entry(session, 2, kind="elevator")

    def task(key: str, due_on: str, **more: Any) -> None:
        base: dict[str, Any] = {
            "id": new_id(), "site": "yunhe", "plan": "pump", "equipment_id": row.id, "occurrence": key, "level": 2,
            "checklist": "look", "opens_at": at("2026-09-01"), "due_at": at(due_on, "00:00") + DAY,
            "due_on": datetime.fromisoformat(due_on).date(), "created_at": at("2026-09-01"),
        }  # fmt: skip
        session.add(MaintenanceTask(**base | more))

    good = {"state": "done", "on_time": True, "passed": True}
    called_off = {"state": "cancelled", "cancelled_why": "不需要"}
    task("done", "2026-10-05", **good, done_at=at("2026-10-05"))
    task("done after the end", "2026-10-06", **good | {"on_time": False}, done_at=END + DAY)
    task("called off early", "2026-10-20", **called_off, cancelled_at=at("2026-10-19"))
    task("called off when overdue", "2026-10-21", **called_off, cancelled_at=at("2026-10-23"))
    task("retired", "2026-10-22", state="cancelled", cancelled_why="retired", cancelled_at=at("2026-10-25"))
    task("called off after the end", "2026-10-23", **called_off, cancelled_at=END + DAY)
    task("september", "2026-09-30")
    task("called off in September", "2026-09-29", **called_off, cancelled_at=at("2026-10-02"))
    task("next", "2026-11-30")
    night = {"plan": "lift", "equipment_id": lift.id, "outside_window": True}
    task("last night", "2026-10-31", **good, **night, done_at=END + timedelta(hours=2), due_at=END + DAY / 4)
    session.add(PlanMark(site="yunhe", plan="lift", equipment_id=lift.id, since_on=october().first_on,
                         until_on=october().first_on))  # fmt: skip
    session.flush()
    facts = maintenance.collect(source(session, config), october(END + 2 * DAY))
    assert [(one.due_on.day, one.good) for one in facts.tasks] == [
        (5, True), (6, False), (21, False), (23, False), (31, True),
    ]  # fmt: skip
    assert facts.late_before == ()  # of September: one of October was done
    assert [[one.due_on.day for one in own] for own in overdue_work(october(), facts)] == [[6, 23]]
    assert [one.plan for one in facts.started] == ["pump"]
    assert {one.equipment_id: one.planned for one in facts.live} == {row.id: True, lift.id: True}
    assert [(one.plan, one.count) for one in facts.coming] == [("pump", 1), ("lift", 1)]
    running = maintenance.collect(source(session, config), october(at("2026-10-06")))
    assert [one.due_on.day for one in running.tasks] == [5]


def test_costs_and_approvals_are_those_of_the_month_end(session: Session, config: SiteConfig) -> None:
    order = reported(session, at("2026-09-20"))

    def line(cents: int, when: datetime, removed_at: datetime | None = None) -> None:
        session.add(
            WorkOrderCost(
                id=new_id(), work_order_id=order.id, kind="material", name="阀门", quantity=1, unit="个",
                price_cents=cents, amount_cents=cents, at=when, by="engineer-water", removed_at=removed_at,
            )
        )  # fmt: skip

    line(150_000, at("2026-09-21"))
    line(100_000, at("2026-10-02"))
    line(50_000, at("2026-10-03"), removed_at=at("2026-10-04"))
    line(300_000, END + DAY)
    for position, decided in enumerate((at("2026-10-05"), END + DAY)):
        session.add(
            WorkOrderApproval(
                id=new_id(), work_order_id=order.id, request=1, position=position, band="up-to-5000",
                amount_cents=250_000, title=f"第 {position + 1} 级", asked_at=at("2026-10-04"), asked_by="duty",
                state="approved", decided_at=decided, decided_by="supervisor",
            )
        )  # fmt: skip
    session.flush()
    facts = costs.collect(source(session, config), october(END + 3 * DAY))
    assert [(one.spent_cents, one.whole_cents, one.approved_cents) for one in facts.spent] == [(100_000, 250_000, 0)]
    assert [(one.cents, one.hand) for one in facts.waiting] == [(250_000, "第 2 级")]
    assert [row[2] for row in by_band(facts).rows] == [0, 1, 0]
    assert not costs.collect(source(session, config), november()).waiting


def test_findings_come_from_orders_rounds_and_inspections(session: Session, config: SiteConfig) -> None:
    thing = entry(session)
    order = begun(session, at("2026-10-10"), origin="inspection")
    go(session, order, (at("2026-10-11"), Submitted("engineer-water", at("2026-10-11"))))
    go(session, order, (END + DAY, Verified("supervisor")))
    begun(session, at("2026-10-12"))

    def inspected(when: datetime, *, passed: bool, **more: Any) -> None:
        session.add(
            Inspection(
                id=f"yunhe/{new_id()}", site="yunhe", equipment_id=thing.id, checklist="look", passed=passed,
                items=[{"id": "ok", "text": "正常"}], findings=[] if passed else ["ok"], by="engineer-water",
                started_at=when, at=when, received_at=when, **more,
            )
        )  # fmt: skip

    inspected(at("2026-10-15"), passed=False)
    inspected(at("2026-10-16"), passed=False)
    inspected(at("2026-10-17"), passed=True)
    inspected(at("2026-10-18"), passed=False, order_ids=[order.id])
    for target, cleared in (("yunhe/a:q", None), ("yunhe/b:q", at("2026-09-20"))):
        session.add(
            Alert(
                id=new_id(), site="yunhe", rule="PATROL-FINDING", target=target, title="通道堵塞", severity="medium",
                max_severity="medium", active=cleared is None, occurrence=1, opened_at=at("2026-09-10"),
                last_active_at=at("2026-09-10"), cleared_at=cleared, detail={},
            )
        )  # fmt: skip
    session.flush()
    found = {one.ref: one for one in findings.collect(source(session, config), october()).findings}
    assert len(found) == len(findings.collect(source(session, config), october()).findings) == 3
    assert (found["work_order"].fixed_at, found["work_order"].rechecked_at) == (at("2026-10-11"), None)
    assert (found["inspection"].found_at, found["inspection"].fixed_at) == (at("2026-10-15"), at("2026-10-17"))
    assert (found["alert"].source, found["alert"].fixed_at) == ("patrol", None)


def test_a_month_without_records_has_no_data(session: Session, config: SiteConfig) -> None:
    where = source(session, config)
    assert orders.collect(where, october()).orders == ()
    assert ledger.collect(where, october()).entries == ()
    assert maintenance.collect(where, october()).tasks == ()
    assert findings.collect(where, october()).findings == ()
    assert costs.collect(where, october()).spent == ()


def test_february_of_a_leap_year_in_a_zone_with_summer_time_is_cut_at_local_midnight() -> None:
    month = month_of("2028-02", "Europe/Berlin", datetime(2028, 3, 2, tzinfo=UTC))
    assert (month.until_at - month.since_at) == 29 * DAY
    march = month_of("2028-03", "Europe/Berlin", datetime(2028, 4, 2, tzinfo=UTC))
    assert march.until_at - march.since_at == 31 * DAY - timedelta(hours=1)
