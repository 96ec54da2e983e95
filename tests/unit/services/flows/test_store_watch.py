"""The alerts that readings wait for the time-series server, or are lost."""

from datetime import timedelta

from scenario.site import Night, yunhe
from sqlalchemy import update

from services import worker as module
from services.alert.tables import Alert
from services.kernel.db import Database
from services.kernel.heartbeat import beat

POINT = "high-zone-pressure"


class Watched:
    """A site whose ingest says how its spool stands."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.night = Night(db, yunhe(POINT))
        self.night.worker.turn()

    def hear(self, holder: str = "here", **figures: float) -> None:
        self.night.clock.advance(module.BEAT_EVERY)
        with self.db.begin() as session:
            beat(session, "ingest", holder, self.night.now, sites=["yunhe"], **figures)
        self.night.worker.turn()

    def open(self) -> list[tuple[str, bool, int, str]]:
        return [
            (one.rule, one.active, one.occurrence, one.severity) for one in self.night.alerts() if not one.closed_at
        ]

    def everybody_has_seen_them(self) -> None:
        with self.db.begin() as session:
            session.execute(update(Alert).values(acked_occurrence=Alert.occurrence))
        self.night.clock.advance(timedelta(seconds=1))


def test_readings_that_wait_for_long_are_an_alert_until_they_do_not(one_db: Database) -> None:
    site = Watched(one_db)
    site.hear(spool_age_s=300.0, spool_rows=10.0)
    assert site.open() == []
    site.hear(spool_age_s=301.0)
    assert site.open() == [("SYS-STORE", True, 1, "medium")]
    site.hear(spool_age_s=660.0)
    (alert,) = site.night.alerts()
    assert "暂存 11 分钟，报警不受影响" in alert.title
    assert "waited on disk for 11 min; alarms go on" in alert.title_en
    site.hear(spool_age_s=100.0)
    assert site.open() == [("SYS-STORE", True, 1, "medium")]
    site.hear(spool_age_s=0.2)
    assert not any(active for _, active, _, _ in site.open())


def test_a_server_that_refuses_us_is_told_at_once(one_db: Database) -> None:
    site = Watched(one_db)
    site.hear(spool_age_s=2.0, store_denied=1.0)
    assert site.open() == [("SYS-STORE", True, 1, "high")]
    assert "请检查令牌" in site.night.alerts()[0].title
    site.hear(spool_age_s=2.0, store_denied=0.0)
    assert not any(active for _, active, _, _ in site.open())


def test_a_store_without_a_spool_is_never_behind(one_db: Database) -> None:
    site = Watched(one_db)
    site.hear(messages=5.0)
    assert site.night.alerts() == []


def test_what_is_lost_is_told_once_and_again_when_it_grows(one_db: Database) -> None:
    site = Watched(one_db)
    site.hear(spool_dropped=40.0, store_refused=2.0)
    assert [(rule, active) for rule, active, *_ in site.open()] == [("SYS-UNSTORED", True)]
    assert "丢弃 40 条，服务器拒收 2 条" in site.night.alerts()[0].title
    site.hear(spool_dropped=50.0, store_refused=2.0)
    assert [(rule, active) for rule, active, *_ in site.open()] == [("SYS-UNSTORED", True)]
    site.everybody_has_seen_them()
    site.hear(spool_dropped=50.0, store_refused=2.0)
    site.hear(spool_dropped=50.0, store_refused=2.0)
    assert site.open() == [], "nothing new"
    site.hear(spool_dropped=50.0, store_refused=3.0)
    assert [(rule, active) for rule, active, *_ in site.open()] == [("SYS-UNSTORED", True)]


def test_old_words_of_a_silent_ingest_are_no_news(one_db: Database) -> None:
    site = Watched(one_db)
    site.hear(spool_age_s=10.0)
    with one_db.begin() as session:
        beat(session, "ingest", "here", site.night.now, sites=["yunhe"], spool_age_s=999.0)
    site.night.clock.advance(timedelta(minutes=2))
    site.night.worker.turn()
    assert [one.rule for one in site.night.alerts()] == ["SYS-SILENT"]
