"""What collectors of the site's own chapters read from rows and readings, on both kinds of database."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fire_rows
import patrol_rows
import pytest
from scenario.site import shipped, with_changes
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.model import SiteConfig
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import Row, TimeSeriesStore
from services.alert.tables import Alert
from services.derived.tables import PumpRun
from services.device.tables import DeviceSequence, Quarantine
from services.equipment.tables import Certificate
from services.fire.tables import FireDrill, FireTest
from services.kernel.db import Database
from services.kernel.timers import Timer
from services.patrol.rounds import PLANNED_UNTIL
from services.patrol.tables import Handover, Incident, PatrolWatermark, RoundEvent
from services.report.chapters import duty as duty_chapter
from services.report.chapters import fire as fire_chapter
from services.report.chapters import patrol as patrol_chapter
from services.report.chapters import pump_room as pump_chapter
from services.report.collect import duty, electrical, fire, incidents, patrol, pump_room, quality
from services.report.collect.source import Source
from services.report.collect.windows import by_point, windows
from services.report.model import Chapter
from services.report.months import month_of
from services.rules.tables import Excursion, MaintenanceMode, PointState

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OCTOBER = month_of("2026-10", "Asia/Shanghai", NOW)
SINCE, UNTIL = OCTOBER.since_at, OCTOBER.until_at
LOW, HIGH, BOX = "yunhe/low-zone-pressure", "yunhe/high-zone-pressure", "yunhe/box-1-insulation"
ONLINE = "yunhe/nvr-1-online"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def session(db: Database) -> Iterator[Session]:
    with db.begin() as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TimeSeriesStore]:
    opened = open_sqlite_store(tmp_path / "readings.db")
    yield opened
    opened.close()


@pytest.fixture
def source(session: Session, store: TimeSeriesStore) -> Source:
    return Source(session, store, site(), shipped())


def site() -> SiteConfig:
    return shipped().site("yunhe")


def value(made: Chapter, name: str) -> float | None:
    return next(one.figure.value for one in made.figures if one.figure.id == name)


def readings(key: str, start: datetime, every: timedelta, *values: float) -> list[Row]:
    rows = []
    for place, one in enumerate(values):
        at_ms = to_ms(start + place * every)
        rows.append((key, at_ms, 0, one, 0, at_ms))
    return rows


def heard(key: str, since: datetime) -> PointState:
    return PointState(
        point=key, last_ms=to_ms(NOW), received_ms=to_ms(NOW), value=1.0, quality=0, recent=b"", first_ms=to_ms(since),
        provisional_set=None,
    )  # fmt: skip


def excursion(name: str, start: datetime, lasted: timedelta, key: str = LOW, **more: object) -> Excursion:
    fields = {"rule": "NUM-01", "worst": 0.3, "alerted": False, "suspended": False} | more
    return Excursion(id=name, point=key, started_at=start, ended_at=start + lasted, **fields)


def mode(name: str, target: str, start: datetime, lasted: timedelta) -> MaintenanceMode:
    return MaintenanceMode(
        id=name, target=target, reason="换阀", by="guard", started_at=start, until=start + lasted, ended_at=None,
        ended_by=None,
    )  # fmt: skip


def alert(name: str, rule: str, target: str, at: datetime, **more: object) -> Alert:
    fields = {"title": name, "severity": "high", "max_severity": "high", "active": True, "occurrence": 1} | more
    return Alert(
        id=name, site="yunhe", rule=rule, target=target, opened_at=at, last_active_at=at, cleared_at=None,
        closed_at=None, announced_at=None, value=None, shelved_until=None, shelved_by=None, shelve_reason=None,
        suppressed=None, out_of_service=None, **fields,
    )  # fmt: skip


def test_a_night_belongs_to_the_month_its_shift_began_in(session: Session, source: Source) -> None:
    """The round at 01:00 on 1 November is of 31 October's night; the one at 01:00 on 1 October is of September's."""
    patrol_rows.walked(session, "first", start=SINCE + HOUR, shift="night@2026-09-30")
    patrol_rows.walked(session, "last", start=UNTIL + HOUR, shift="night@2026-10-31")
    patrol_rows.walked(session, "next", start=UNTIL + 2 * HOUR)
    patrol_rows.missed(session, "gone", start=SINCE + 30 * HOUR)
    patrol_rows.missed(session, "maybe", start=SINCE + 32 * HOUR, unconfirmed=True)
    session.flush()
    facts = patrol.collect(source, OCTOBER)
    assert [one.id for one in facts.walks] == ["yunhe/gone", "yunhe/maybe", "yunhe/last"]
    assert facts.walks[2].on == date(2026, 10, 31)
    assert [(one.state, one.punctual) for one in facts.walks[2].stops] == [("visited", True), ("visited", True)]
    assert [one.state for one in facts.walks[1].stops] == ["unconfirmed", "unconfirmed"]
    assert facts.walks[0].stops[0].due_at == SINCE + 30 * HOUR + 30 * MINUTE
    made = patrol_chapter.chapter(OCTOBER, facts)
    assert value(made, "patrol.completion") == pytest.approx(100 / 3)
    assert value(made, "patrol.missed") == 4


def test_findings_name_their_question_and_reports_are_no_cries_for_help(session: Session, source: Source) -> None:
    point = next(one for one in site().patrol.checkpoints if one.questions)
    question = point.questions[0]
    session.add_all([
        patrol_rows.tap("a", point.id, SINCE + HOUR, findings=[question.id], answers={question.id: False}),
        patrol_rows.tap("b", point.id, SINCE + 2 * HOUR),
        patrol_rows.tap("c", point.id, UNTIL, findings=[question.id], answers={question.id: False}),
        *(Incident(id=f"yunhe/{kind}", site="yunhe", kind=kind, by="guard", at=SINCE + 3 * HOUR, received_at=NOW,
                   checkpoint=point.id, category="漏水", note="楼道", photos=["p"], alert_id=None)
          for kind in ("incident", "sos")),
    ])  # fmt: skip
    session.flush()
    found = patrol.collect(source, OCTOBER).found
    assert [one.item for one in found] == [f"{question.text}：否", "漏水：楼道"]
    assert found[1].photos == 1
    events = incidents.collect(source, OCTOBER).events
    assert [one.name for one in events] == ["紧急求助"]


def test_weeks_of_a_vacant_unit_and_of_spot_checks(session: Session, source: Source) -> None:
    """October 2026 has four weeks that end in it (4, 11, 18, 25); the one from the 26th ends in November."""
    rule = next(one for one in site().patrol.rules if one.kind == "weekly")
    spot = next(one for one in site().patrol.rules if one.kind == "spot_check")
    unit = next(one for one in site().patrol.checkpoints if one.id in rule.checkpoints)
    for what in (f"rule:{rule.id}:{unit.id}", f"rule:{spot.id}:"):
        session.add(PatrolWatermark(site="yunhe", what=what, since=SINCE - 30 * DAY, until=NOW, raised_at=None))
    post = spot.checkpoints[0]
    session.add_all([
        patrol_rows.tap("v1", unit.id, SINCE + 6 * DAY, role="engineer"),
        patrol_rows.tap("s1", post, SINCE + 13 * DAY + 23 * HOUR, role="supervisor"),
        patrol_rows.tap("s2", post, SINCE + 20 * DAY + 12 * HOUR, role="supervisor"),
    ])  # fmt: skip
    session.flush()
    row = next(one for one in patrol.collect(source, OCTOBER).duties if one.rule == rule.id)
    weeks = duty.collect(source, OCTOBER).weeks
    assert (row.due, row.breaches) == (4, 3)
    assert [one.done for one in weeks] == [False, False, True, False]


def test_pressures_excursions_and_what_was_worked_on(session: Session, source: Source, store: TimeSeriesStore) -> None:
    start = SINCE + 5 * HOUR
    values = [0.45] * 60 + [0.56] * 3 + [0.45] * 57
    store.write(readings(LOW, start, MINUTE, *values))
    store.write(readings(HIGH, start, 2 * timedelta(seconds=1), *([0.8] * 1800)))
    session.add_all([
        excursion("x1", start + HOUR, 3 * MINUTE, alerted=True),
        excursion("x2", start + 90 * MINUTE, MINUTE, suspended=True),
        excursion("old", SINCE - HOUR, MINUTE),
        excursion("other", start, MINUTE, rule="DATA-RANGE"),
        mode("m", LOW, start, 10 * MINUTE),
        alert("al", "NUM-01", LOW, start + HOUR),
    ])  # fmt: skip
    session.flush()
    facts = pump_room.collect(source, OCTOBER)
    gauges = {one.key: one for one in facts.gauges}
    assert [one.id for one in gauges[LOW].excursions] == ["x1", "x2"]
    assert gauges[LOW].tally == (120 - 10 - 1, 120 - 10 - 1 - 3)
    assert gauges[HIGH].tally == (60, 60)
    assert (gauges[LOW].low, gauges[LOW].high) == (0.35, 0.55)
    assert facts.open_excursions == ("低区出口压力",)
    made = pump_chapter.chapter(OCTOBER, facts)
    assert (value(made, "pump.excursions"), value(made, "pump.minutes_out")) == (1, 3.0)
    assert value(made, "pump.pass_rate") == pytest.approx(100 * 166 / 169)


def test_starts_hours_and_pressures_of_a_pump(session: Session, source: Source, store: TimeSeriesStore) -> None:
    """Half an hour on, five minutes off, twenty-five minutes on; then silence."""
    for begins, began, stopped in ((-1, 0.1, 0.2), (2, 0.64, 0.75), (3, 0.66, 0.76), (4, 0.65, None), (5, 0.9, 0.9)):
        session.add(
            PumpRun(id=str(begins), site="yunhe", station="hydrant", equipment="hydrant-jockey", role="jockey",
                    cause="manual" if begins == 5 else "automatic", started_at=SINCE + begins * HOUR,
                    start_pressure=began, stop_pressure=stopped)
        )  # fmt: skip
    session.flush()
    every = timedelta(seconds=10)
    key = "yunhe/hydrant-jockey-run"
    store.write(readings(key, SINCE + HOUR, every, *([0.0] * 360)))
    store.write(readings(key, SINCE + 2 * HOUR, every, *([1.0] * 180 + [0.0] * 30 + [1.0] * 150)))
    store.write(readings(key, SINCE + 3 * HOUR, every, *([1.0] * 90)))
    pump = next(one for one in pump_room.collect(source, OCTOBER).pumps if one.key == key)
    assert pump.starts == ((date(2026, 10, 1), 2),)
    assert pump.running == 70 * MINUTE
    assert (pump.start_pressure, pump.stop_pressure) == (0.65, 0.755)


def test_a_second_sensor_of_the_same_place_is_not_counted_again(source: Source) -> None:
    names = {one.key for one in pump_room.collect(source, OCTOBER).gauges}
    assert "yunhe/hydrant-main-pressure" in names
    assert "yunhe/hydrant-main-pressure-2" not in names


def test_work_on_a_pump_station_excuses_its_points_but_not_the_tank_it_shares(session: Session, source: Source) -> None:
    session.add(mode("m", "yunhe/hydrant", SINCE + HOUR, HOUR))
    session.flush()
    (window,) = windows(source, OCTOBER)
    assert window.name == "消火栓系统"
    excused = by_point(source, (window,))
    assert excused["yunhe/hydrant-main-pressure"] == excused["yunhe/hydrant-jockey-run"] == (window.span,)
    assert not {"yunhe/fire-tank-level", "yunhe/sprinkler-main-pressure"} & excused.keys()


def test_a_provisional_centre_is_marked(session: Session, store: TimeSeriesStore) -> None:
    whole = site()
    points = tuple(one.model_copy(update={"set_value": None}) if one.id == LOW[6:] else one for one in whole.points)
    limits = tuple(
        one
        if one.point != LOW
        else type(one)(**{name: getattr(one, name) for name in one.__slots__} | {"set_value": None})
        for one in whole.limits
    )
    learned = heard(LOW, SINCE)
    learned.provisional_set = 0.5
    session.add(learned)
    session.flush()
    source = Source(session, store, with_changes(whole, points=points, limits=limits), shipped())
    gauge = next(one for one in pump_room.collect(source, OCTOBER).gauges if one.key == LOW)
    assert (gauge.provisional, gauge.set_value, gauge.low, gauge.high) == (True, 0.5, 0.4, 0.6)


def test_fire_of_a_month(session: Session, source: Source) -> None:
    config = source.config
    at = SINCE + 10 * DAY
    session.add_all([
        Timer(id="w", kind="fire.care_watch", ref="yunhe", due_at=NOW, done_at=None, outcome=None,
              data={"since": (SINCE - 90 * DAY).isoformat()}),
        fire_rows.signal("before", SINCE - DAY, "02000300", "fault", point="", body={"complete": True}),
        fire_rows.signal("again", at, "02000300", "fault", point="", body={"complete": True}),
        fire_rows.signal("new", at, "02000400", "fault", point="", body={"complete": True}),
        fire_rows.signal("test", at, "02000500", "fault", point="", test=True),
        fire_rows.outage("o1", SINCE - DAY, ended_at=SINCE + DAY),
        fire_rows.outage("o2", SINCE - 9 * DAY, "01000200", ended_at=SINCE - DAY),
        fire_rows.command("c1", at, answered_at=at + 3 * MINUTE),
        fire_rows.command("c2", at, answer_by=at + 10 * MINUTE),
        Certificate(id="p", site="yunhe", equipment_id=None, kind="person", subject="engineer-fire", number="ZS-9",
                    expires_on=date(2027, 3, 1), created_at=SINCE, created_by="duty", valid_from_on=None,
                    document_id=None, ended_at=None),
        *(FireTest(id=f"t{kind}", site="yunhe", device=device, kind=kind, passed=True, tested_on=day, at=at,
                   by="engineer-fire", note="", signal_id=None)
          for device, kind, day in (("b1-f3-smoke", "smoke", date(2026, 10, 31)),
                                    ("garage-fan", "function", date(2026, 10, 30)),
                                    ("ext-b1-f1", "visual", date(2026, 11, 1)))),
        *(FireDrill(id=f"d{on}", site="yunhe", held_on=on, owners=3, staff=2, items=["evacuation", "extinguisher"],
                    place="", note="", by="duty", at=at) for on in (date(2026, 10, 31), date(2026, 11, 1))),
    ])  # fmt: skip
    incident = fire_rows.incident(session, config, at)
    incident.verdict, incident.closed_at, incident.cause = "false", at + HOUR, "蒸汽"
    session.add(fire_rows.signal("f1", at, fire_rows.SMOKE, "fire", incident_id=incident.id))
    session.flush()
    facts = fire.collect(source, OCTOBER)
    made = fire_chapter.chapter(OCTOBER, facts)
    assert value(made, "fire.alarms_false") == 1
    assert value(made, "fire.faults") == 1
    assert value(made, "fire.shields") == 0
    assert [one.id for one in facts.outages] == ["o1"]
    assert facts.tests is not None
    devices = len(facts.tests.devices)
    assert devices > 10
    assert value(made, "fire.tested") == pytest.approx(100 / devices)
    assert [(one.name, one.certificate) for one in facts.testers] == [("消防责任人", "ZS-9")]
    assert [one.outcome for one in facts.checks] == ["answered", "missed"]
    assert "garage-fan" not in [one.name for one in facts.entries]
    assert facts.quarter is not None
    assert [one.held_on for one in facts.quarter.drills] == [date(2026, 10, 31)]
    assert {one.state for one in facts.began if one.group == "false"} == {"fire"}
    told = incidents.collect(source, OCTOBER).events
    assert [(one.name, one.over_at) for one in told] == [("火警（误报）", at + HOUR)]


def test_a_verdict_given_after_the_cut_off_is_pending(session: Session, source: Source) -> None:
    incident = fire_rows.incident(session, source.config, UNTIL - HOUR)
    incident.verdict, incident.closed_at = "real", NOW + HOUR
    session.add(fire_rows.signal("f1", UNTIL - HOUR, fire_rows.SMOKE, "fire", incident_id=incident.id))
    session.flush()
    facts = fire.collect(source, OCTOBER)
    assert [one.verdict for one in facts.alarms] == [""]
    assert [one.group for one in facts.began] == ["pending"]


def test_handovers_are_due_since_there_is_a_plan(session: Session, source: Source) -> None:
    """Planned since the 30th, 07:00: three shifts on the 30th, three on the 31st, none of them before."""
    since = SINCE + 29 * DAY + 7 * HOUR
    session.add(PatrolWatermark(site="yunhe", what=PLANNED_UNTIL, since=since, until=NOW, raised_at=None))
    for shift, at in (("day@2026-10-30", since + 15 * MINUTE), ("evening@2026-10-30", since + 9 * HOUR)):
        session.add(Handover(id=f"yunhe/{shift}", site="yunhe", shift=shift, at=at, given_by="guard",
                             taken_by="guard-2", open_alerts=[], hazards="", keys="", kit={}, note=""))  # fmt: skip
    session.flush()
    facts = duty.collect(source, OCTOBER)
    assert [(one.id.partition("/")[2], one.in_time) for one in facts.changes] == [
        ("day@2026-10-30", True), ("evening@2026-10-30", False), ("night@2026-10-30", False),
        ("day@2026-10-31", False), ("evening@2026-10-31", False), ("night@2026-10-31", False),
    ]  # fmt: skip
    assert value(duty_chapter.chapter(OCTOBER, facts), "duty.handover") == pytest.approx(100 / 6)


def test_insulation_and_availability(session: Session, source: Source, store: TimeSeriesStore) -> None:
    start = SINCE + DAY
    store.write(readings(BOX, start, DAY, 2.0, 0.4))
    store.write(readings(ONLINE, start, MINUTE, *([1.0] * 60 + [0.0] * 60 + [1.0] * 60)))
    session.add_all([heard(ONLINE, UNTIL - 4 * HOUR), mode("m", "yunhe/nvr-1", UNTIL - HOUR, 5 * MINUTE)])
    store.write(readings(ONLINE, UNTIL - 4 * HOUR, MINUTE, *([1.0] * 90)))
    session.flush()
    facts = electrical.collect(source, OCTOBER)
    assert [(one.value, one.passed) for one in facts.measured] == [(2.0, True), (0.4, False)]
    assert [(one.due, one.excused) for one in facts.online] == [(3 * HOUR, HOUR)]
    assert facts.online[0].online == 90 * MINUTE


def test_what_was_entered_by_hand_lost_or_taken_back(session: Session, source: Source, store: TimeSeriesStore) -> None:
    start = UNTIL - 3 * HOUR
    store.write(readings(ONLINE, start, MINUTE, *([1.0] * 60)))
    store.write(readings(ONLINE, start + 72 * MINUTE, MINUTE, *([1.0] * 108)))
    session.add_all([heard(ONLINE, start), mode("m", "yunhe", SINCE - DAY, 2 * DAY)])
    row = patrol_rows.missed(session, "r", start=SINCE + HOUR)
    session.add_all([
        patrol_rows.tap("a", "lobby-1", SINCE + HOUR, evidence="manual", clock="claimed"),
        patrol_rows.tap("b", "lobby-1", SINCE + 2 * HOUR),
        RoundEvent(round_id=row.id, seq=1, at=SINCE + 2 * HOUR, stop=0, was="missed", now="late", rule="", taps=[]),
        RoundEvent(round_id=row.id, seq=2, at=SINCE + 2 * HOUR, stop=1, was="pending", now="missed", rule="", taps=[]),
        Quarantine(id="q", received_at=SINCE + HOUR, site="yunhe", device="nvr-1", topic="t", payload=b"x", code="c",
                   reason="r", count=4, dismissed_at=None, dismissed_by=None),
        DeviceSequence(device="yunhe/nvr-1", boot="b", high=9,
                       gaps=[[1, 3, to_ms(SINCE + HOUR), 1], [5, 5, to_ms(SINCE - HOUR), 1]]),
    ])  # fmt: skip
    session.flush()
    facts = quality.collect(source, OCTOBER)
    assert (facts.taps, facts.by_hand, facts.doubtful_time, facts.retracted) == (2, 1, 1, 1)
    assert (facts.quarantine, facts.lost) == ((("1号硬盘录像机", 4),), (("1号硬盘录像机", 3),))
    sensor = facts.sensors[0]
    assert (sensor.due, sensor.heard) == (3 * HOUR, 168 * MINUTE)
    assert [(one.start - start, one.lasted) for one in sensor.gaps] == [(HOUR, 12 * MINUTE)]
    assert len(facts.never_heard) > 5
    assert [one.span.end for one in facts.windows] == [SINCE + DAY]


@pytest.mark.parametrize("topic", [patrol, pump_room, fire, electrical, incidents, duty, quality])
def test_an_empty_month_is_read_without_a_row(topic: object, source: Source) -> None:
    assert topic.collect(source, OCTOBER) is not None  # type: ignore[attr-defined]
