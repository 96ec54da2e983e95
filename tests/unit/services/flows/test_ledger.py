"""Which entry of the ledger is meant; what is told of endings, and how often; lifts without a valid certificate."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from console import SITE, shipped
from sqlalchemy import func, select

from gateway.site.model import Configs, SiteConfig
from services.alert import service as alerts
from services.alert.tables import Alert
from services.equipment import certificates, service
from services.equipment.certificates import NewCertificate
from services.equipment.commands import edit
from services.flows import ledger, ledger_watch
from services.kernel import timers
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.notify.tables import Message
from services.work_order.tables import WorkOrder

CONFIG: SiteConfig = shipped().site(SITE)
TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def config() -> SiteConfig:
    """The shipped site without contracts, whose ends would be told of too."""
    bare = CONFIG.upkeep.model_copy(update={"contracts": ()})
    values = {name: getattr(CONFIG, name) for name in SiteConfig.model_fields}
    return SiteConfig.model_construct(**{**values, "upkeep": bare})


def lift(db: Database, config: SiteConfig, days: int) -> str:
    """A site whose first lift has a certificate that ends in so many days; the entry's id."""
    with db.begin() as s:
        service.sync(s, config, NOON)
        row = service.by_eid(s, SITE, "lift-1")
        assert row is not None
        paper = NewCertificate("elevator_inspection", TODAY + days * DAY, "A-1")
        certificates.add(s, SITE, row, paper, NOON, actor="supervisor")
        return row.id


def told(db: Database, username: str) -> list[str]:
    """First lines of what somebody was told of endings, in order."""
    query = select(Message.text).where(Message.kind == "ledger.expiring", Message.recipient == username)
    with db.read() as s:
        return [
            text.splitlines()[1] for text in s.scalars(query.where(Message.decision != "skip").order_by(Message.id))
        ]


def look(db: Database, config: SiteConfig, memory: dict[str, Any], at: datetime) -> dict[str, Any]:
    """One look of the watch."""
    with db.begin() as s:
        return ledger_watch.look(s, config, memory, at)


def open_alert(db: Database) -> Alert | None:
    """The alert about the first lift."""
    with db.read() as s:
        return alerts.find_open(s, "LED-20", f"{SITE}/equipment/lift-1")


def test_each_warning_is_told_once_to_those_it_concerns(db: Database, config: SiteConfig) -> None:
    lift(db, config, 65)
    memory: dict[str, Any] = {}
    for day in (0, 4, 5, 6, 20, 34, 35, 36, 57, 58, 59, 64, 65, 66, 90):
        for hour in (0, 5):
            memory = look(db, config, memory, NOON + day * DAY + timedelta(hours=hour))
    lines = [
        "2027-01-26 到期，还有 60 天",
        "2027-01-26 到期，还有 30 天",
        "2027-01-26 到期，还有 7 天",
        "2027-01-26 到期，今天是最后一天",
    ]
    assert told(db, "engineer-power") == lines
    assert told(db, "supervisor") == lines
    assert told(db, "manager") == lines[2:]
    assert told(db, "guard") == []


def test_after_an_outage_only_the_nearest_warning_is_told(one_db: Database, config: SiteConfig) -> None:
    lift(one_db, config, 61)
    memory = look(one_db, config, {}, NOON)
    look(one_db, config, memory, NOON + 55 * DAY)
    assert told(one_db, "supervisor") == ["2027-01-22 到期，还有 6 天"]


def test_what_was_forgotten_is_not_told_twice(one_db: Database, config: SiteConfig) -> None:
    lift(one_db, config, 20)
    for _ in range(3):
        look(one_db, config, {}, NOON)
    assert len(told(one_db, "supervisor")) == 1


def test_nobody_is_woken_by_a_date(one_db: Database, config: SiteConfig) -> None:
    lift(one_db, config, 31)
    memory = look(one_db, config, {}, NOON)
    early = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)  # 07:59 of the next day there
    memory = look(one_db, config, memory, early)
    assert [line[-7:] for line in told(one_db, "supervisor")] == ["还有 31 天"]
    look(one_db, config, memory, early + timedelta(minutes=1))
    assert len(told(one_db, "supervisor")) == 2


def test_many_endings_at_once_are_one_message(one_db: Database, config: SiteConfig) -> None:
    with one_db.begin() as s:
        service.sync(s, config, NOON)
        for row in service.of_site(s, SITE):
            if row.kind == "extinguisher":
                edit(s, config, row.id, {"scrap_due_on": TODAY + 30 * DAY}, NOON, actor="engineer-fire")
    look(one_db, config, {}, NOON)
    with one_db.read() as s:
        texts = list(s.scalars(select(Message.text).where(Message.recipient == "supervisor")))
    assert len(texts) == 1
    assert texts[0].startswith("【报废期限】共 8 项\n· ")


def test_the_end_of_a_warranty_is_told_too(one_db: Database, config: SiteConfig) -> None:
    with one_db.begin() as s:
        service.sync(s, config, NOON)
        row = service.by_eid(s, SITE, "parking-1")
        assert row is not None
        edit(s, config, row.id, {"warranty_until_on": TODAY + 30 * DAY}, NOON, actor="engineer-power")
        ledger_watch.look(s, config, {}, NOON)
        texts = list(s.scalars(select(Message.text).where(Message.recipient == "supervisor")))
    assert [one.splitlines()[0] for one in texts] == ["【质保到期】车场道闸系统 · 地下车库北区"]


def test_an_expired_lift_certificate_holds_an_alert_until_it_is_renewed(db: Database, config: SiteConfig) -> None:
    row_id = lift(db, config, 0)
    memory = look(db, config, {}, NOON)
    assert open_alert(db) is None, "its last day is valid"
    night = datetime(2026, 11, 22, 16, 1, tzinfo=UTC)  # one minute past midnight there
    memory = look(db, config, memory, night)
    alert = open_alert(db)
    assert alert is not None
    assert alert.active
    with db.read() as s:
        order = s.scalars(select(WorkOrder).where(WorkOrder.alert_id == alert.id)).one()
        assert (order.priority, order.equipment_id, order.assignee) == ("P1", row_id, "engineer-power")
        found = ledger.equipment_of_alert(s, config, alert)
        assert found is not None
        assert found.id == row_id
    memory = look(db, config, memory, night + DAY)
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(Alert).where(Alert.rule == "LED-20")) == 1
    with db.begin() as s:
        row = service.get(s, row_id)
        old = certificates.of_equipment(s, row_id)[0]
        fresh = NewCertificate("elevator_inspection", TODAY + 365 * DAY, "A-2", replaces=old.id)
        certificates.add(s, SITE, row, fresh, night + DAY, actor="supervisor")
        ledger_watch.settle_lifts(s, config, night + DAY)
    after = open_alert(db)
    assert after is None or not after.active


def test_a_lift_that_is_stopped_is_not_flagged(one_db: Database, config: SiteConfig) -> None:
    row_id = lift(one_db, config, -5)
    look(one_db, config, {}, NOON)
    with one_db.begin() as s:
        service.set_status(s, service.get(s, row_id), "stopped", NOON, actor="supervisor", reason="等待年检")
        ledger_watch.settle_lifts(s, config, NOON)
    alert = open_alert(one_db)
    assert alert is None or not alert.active


def test_the_watch_begins_with_the_ledger_and_never_ends(one_db: Database, config: SiteConfig) -> None:
    watch = ledger_watch.LedgerTimers(Configs(sites={SITE: config}))
    with one_db.begin() as s:
        watch.begin(s, NOON)
        assert service.by_eid(s, SITE, "lift-1") is not None
        (timer,) = timers.claim_due(s, NOON)
        assert watch.handlers()[timer.kind](s, timer, NOON) == ""
        assert (timer.done_at, timer.due_at) == (None, NOON + ledger_watch.LOOK_EVERY)
    with one_db.begin() as s:
        ledger_watch.look_soon(s, SITE, NOON)
        assert s.scalar(select(Timer.due_at).where(Timer.kind == ledger_watch.WATCH_TIMER)) == NOON


@pytest.mark.parametrize(
    ("target", "eid"),
    [
        ("yunhe/low-zone-pressure", "domestic-low-set"),
        ("yunhe/fire-panel-1/01000100", "b1-f1-smoke"),
        ("yunhe/fire-panel-1/99999999", "fire-panel"),
        ("yunhe/fire-panel-1", "fire-panel"),
        ("yunhe/equipment/lift-2", "lift-2"),
        ("yunhe/nothing-of-ours", None),
        ("other/low-zone-pressure", None),
    ],
)
def test_what_an_alert_is_about(one_db: Database, config: SiteConfig, target: str, eid: str | None) -> None:
    with one_db.begin() as s:
        service.sync(s, config, NOON)
        found = ledger.equipment_of_alert(s, config, Alert(target=target))
        assert (found.eid if found is not None else None) == eid


def test_what_people_bound_counts_where_the_files_say_nothing(one_db: Database, config: SiteConfig) -> None:
    with one_db.begin() as s:
        service.sync(s, config, NOON)
        row = service.by_eid(s, SITE, "generator-1")
        assert row is not None
        edit(s, config, row.id, {"bindings": [["device", "domestic-plc"]]}, NOON, actor="engineer-power")
        found = ledger.equipment_of_alert(s, config, Alert(target=f"{SITE}/domestic-plc"))
        assert found is row
