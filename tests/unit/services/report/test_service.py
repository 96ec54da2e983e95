"""A report's life on both kinds of databases: versions, corrections, signatures, what a change of the content does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from console import shipped
from reports import Records, assemble, compare
from sqlalchemy import select, update

from gateway.timeseries.sqlite import open_sqlite_store
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from services.notify.tables import Message
from services.people import service as people
from services.people.roles import Actor, Role
from services.report import signing, store
from services.report.draft import Drafter
from services.report.model import Slot
from services.report.service import Press
from services.report.tables import ReportEvidence, ReportSignature, ReportSnapshot
from services.report.telling import tell_waits

SITE = "yunhe"
NOW = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)
CONFIG = shipped().site(SITE)
ENGINEER = Actor("engineer-water", "给排水责任人", Role.ENGINEER)
SUPERVISOR = Actor("supervisor", "设备主管", Role.SUPERVISOR)
MANAGER = Actor("manager", "物业经理", Role.MANAGER)


class Desk:
    """A press over records that the test sets."""

    def __init__(self, db: Database, directory: Path) -> None:
        self.db = db
        self.clock = FakeClock(NOW)
        self.records = Records()
        self.store = open_sqlite_store(directory / "readings.db")
        drafter = Drafter(shipped(), self.store, self.records.chapters, assemble)
        self.press = Press(db, self.clock, drafter, tell_waits, compare)
        with db.begin() as session:
            people.seed_people(session, CONFIG.people, NOW)

    def make(self, month: str = "2026-10", **words: object):
        """Make the month."""
        return self.press.make(SITE, "facilities", month, "manager", **words)

    def sign(self, report: str, slot: Slot, actor: Actor, **words: str) -> ReportSnapshot:
        """Sign what is stored."""
        with self.db.begin() as session:
            seen = words.pop("seen", store.get(session, report).sha256)
            row = signing.sign(session, CONFIG, report, slot, actor, self.clock.now(), seen=seen, **words)
            tell_waits(session, CONFIG, row, self.clock.now())
            return row

    def state(self, report: str) -> str:
        """The state of a version now."""
        with self.db.read() as session:
            return store.get(session, report).state


@pytest.fixture
def desk(db: Database, tmp_path: Path) -> Iterator[Desk]:
    """A press on each kind of database."""
    found = Desk(db, tmp_path)
    yield found
    found.store.close()


def test_a_month_is_frozen_with_its_records(desk: Desk) -> None:
    made = desk.make()
    assert made.is_new
    assert made.row.number == "XJ-202610-yunhe-1"
    with desk.db.read() as session:
        row = store.get(session, "xj-202610-yunhe-1")
        snapshot = store.read(row)
        refs = store.evidence(session, row.id, "order.timely")
        assert store.evidence(session, row.id, "order.rework") is None
    assert (row.state, row.version, row.made_by) == ("waiting", 1, "manager")
    assert row.sha256 == store.digest(store.canonical(snapshot))
    figure = snapshot.figure("order.timely")
    assert figure is not None
    assert refs is not None
    assert (figure.numerator, figure.denominator) == (sum(one.counted for one in refs), len(refs)) == (2, 3)
    assert not snapshot.meta.running
    assert [one.username for one in snapshot.signers] == ["engineer-power", "supervisor", "manager", "", ""]


def test_the_same_records_make_no_new_version(desk: Desk) -> None:
    first = desk.make()
    desk.clock.advance(timedelta(days=1))
    again = desk.make(reason="nobody needs it")
    assert not again.is_new
    assert again.row.id == first.row.id
    forced = desk.make(reason="the paper was lost", force=True)
    assert forced.is_new
    assert forced.row.version == 2
    assert forced.snapshot.changes == ()


def test_a_correction_needs_a_reason_and_says_what_changed(desk: Desk) -> None:
    first = desk.make()
    desk.records.orders = [True, True, True]
    with pytest.raises(Invalid) as refused:
        desk.make(reason="   ")
    assert refused.value.detail["field"] == "correction"
    second = desk.make(reason="工单补录")
    assert (second.row.version, second.row.number) == (2, "XJ-202610-yunhe-2")
    assert second.snapshot.reason == "工单补录"
    assert [one.what for one in second.snapshot.changes] == ["order.timely"]
    assert desk.state(first.row.id) == "replaced"
    with desk.db.read() as session:
        old = store.read(store.get(session, first.row.id))
        assert [one.version for one in store.versions(session, SITE, "facilities", first.row.month_on)] == [2, 1]
    assert old == first.snapshot


def test_the_month_before_is_what_was_frozen_else_counted_once(desk: Desk) -> None:
    desk.make("2026-09")
    assert desk.records.asked == ["facilities 2026-09", "facilities 2026-08"]
    desk.records.orders = [True]
    october = desk.make()
    assert desk.records.asked[2:] == ["facilities 2026-10"]
    figure = october.snapshot.figure("order.timely")
    assert figure is not None
    assert figure.value == 100
    assert figure.previous == pytest.approx(200 / 3)


@pytest.mark.parametrize(("month", "words"), [("2026-11", "not over"), ("2026-12", "not begun"), ("Oct", "no month")])
def test_a_month_that_cannot_be_reported(desk: Desk, month: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        desk.make(month)


def test_a_draft_of_the_running_month_freezes_nothing(desk: Desk) -> None:
    draft = desk.press.draft(SITE, "facilities", "2026-11")
    assert draft.snapshot.meta.running
    assert draft.snapshot.meta.version == 0
    with desk.db.read() as session:
        assert session.scalars(select(ReportSnapshot)).all() == []


def test_somebody_else_may_make_the_same_version_at_the_same_moment(desk: Desk) -> None:
    chapters = desk.records.chapters
    other = Press(desk.db, desk.clock, Drafter(shipped(), desk.store, chapters, assemble), compare=compare)

    def slow(*given):
        found = chapters(*given)
        if len(desk.records.asked) == 1:
            other.make(SITE, "facilities", "2026-10", "supervisor")
        return found

    mine = Press(desk.db, desk.clock, Drafter(shipped(), desk.store, slow, assemble), compare=compare)
    with pytest.raises(Conflict, match="somebody else"):
        mine.make(SITE, "facilities", "2026-10", "manager")
    with desk.db.read() as session:
        assert [row.made_by for row in session.scalars(select(ReportSnapshot))] == ["supervisor"]


def test_three_people_sign_in_order_and_then_it_is_locked(desk: Desk) -> None:
    report = desk.make().row.id
    with pytest.raises(Conflict, match="«prepared» is signed before «approved»"):
        desk.sign(report, "approved", MANAGER)
    with pytest.raises(Forbidden, match="role engineer"):
        desk.sign(report, "prepared", MANAGER)
    desk.sign(report, "prepared", ENGINEER)
    with pytest.raises(Conflict, match="already"):
        desk.sign(report, "prepared", ENGINEER)
    desk.sign(report, "reviewed", SUPERVISOR, comment="已核对")
    assert desk.state(report) == "waiting"
    with pytest.raises(Conflict, match="after the approval"):
        desk.sign(report, "client", MANAGER, paper="2026-17", paper_name="业主委员会")
    row = desk.sign(report, "approved", MANAGER)
    assert (row.state, row.locked_at) == ("signed", NOW)
    with pytest.raises(Invalid, match="number of the paper"):
        desk.sign(report, "quality", MANAGER)
    with pytest.raises(Forbidden, match="by a manager"):
        desk.sign(report, "quality", SUPERVISOR, paper="7", paper_name="品质部")
    desk.sign(report, "quality", MANAGER, paper="PZ-7", paper_name="品质部")
    with desk.db.read() as session:
        found = signing.verify(session, report)
        told = {
            (one.kind, one.recipient)
            for one in session.scalars(select(Message).where(Message.recipient_role != ""))
            if one.decision != "skip"
        }
    assert [one.slot for one in found.signatures] == ["prepared", "reviewed", "approved", "quality"]
    assert {one.sha256 for one in found.signatures} == {found.sha256} == {row.sha256}
    assert found.problems == ()
    asked = ("engineer-power", "supervisor", "manager")
    assert told == {("report.made", asked[0]), ("report.waits", asked[1]), ("report.waits", asked[2])} | {
        ("report.signed", name) for name in asked
    }


def test_a_correction_of_a_signed_report_is_signed_anew(desk: Desk) -> None:
    first = desk.make().row.id
    desk.sign(first, "prepared", ENGINEER)
    desk.records.orders = [False]
    second = desk.make(reason="更正").row.id
    with pytest.raises(Conflict, match="replaced"):
        desk.sign(first, "reviewed", SUPERVISOR)
    with desk.db.read() as session:
        assert signing.signatures(session, second) == {}
        assert list(signing.signatures(session, first)) == ["prepared"]
    assert desk.state(second) == "waiting"


def test_what_was_not_shown_is_not_signed(desk: Desk) -> None:
    report = desk.make().row.id
    with pytest.raises(Conflict, match="not the one that was shown"):
        desk.sign(report, "prepared", ENGINEER, seen="0" * 64)


@pytest.mark.parametrize("what", ["content", "evidence", "signature"])
def test_a_change_behind_the_back_is_found(desk: Desk, what: str) -> None:
    row = desk.make().row
    desk.sign(row.id, "prepared", ENGINEER)
    with desk.db.begin() as session:
        stored = store.get(session, row.id)
        if what == "content":
            snapshot = store.read(stored)
            better = snapshot.figures[0].model_copy(update={"value": 100.0})
            raw = store.canonical(snapshot.model_copy(update={"figures": (better,)}))
            # Whoever changes the content may change the hash beside it: the signature has it too.
            stored.content, stored.sha256 = store.pack(raw), store.digest(raw)
        elif what == "evidence":
            refs = store.evidence(session, row.id, "order.timely") or ()
            content = store.pack(store.refs_json([one.model_copy(update={"counted": True}) for one in refs]))
            session.execute(update(ReportEvidence).values(content=content))
        else:
            session.execute(update(ReportSignature).values(sha256="f" * 64))
    with desk.db.read() as session:
        found = signing.verify(session, row.number)
    assert found.problems
    assert what in found.problems[0]


def test_content_that_was_damaged_is_not_signed(desk: Desk) -> None:
    row = desk.make().row
    with desk.db.begin() as session:
        session.execute(update(ReportSnapshot).values(content=store.pack(b"{}")))
    with pytest.raises(Conflict, match="changed after it was made"):
        desk.sign(row.id, "prepared", ENGINEER)


def test_nobody_finds_a_report_that_is_not_there(desk: Desk) -> None:
    with desk.db.read() as session, pytest.raises(NotFound):
        store.get(session, "XJ-202610-yunhe-9")


def test_canonical_json_is_always_the_same_bytes(desk: Desk) -> None:
    draft = desk.press.draft(SITE, "facilities", "2026-10")
    raw = store.canonical(draft.snapshot)
    assert store.pack(raw) == store.pack(store.canonical(draft.snapshot.model_copy(deep=True)))
    assert '"按时完成 ÷ 应完成"'.encode() in raw
