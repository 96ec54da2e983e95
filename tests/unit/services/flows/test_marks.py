"""Which alerts and excursions become marks, and what the marks say."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from console import LOW_ZONE, SITE, START, Console, shipped
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from services.alert.tables import Alert
from services.annotation import store
from services.annotation.model import LOOK_BACK, Mark
from services.annotation.tables import Annotation
from services.flows.marks import Wanted, of_alert, of_excursion
from services.flows.patrol.emergency import DURESS_RULE
from services.kernel.db import Database
from services.kernel.ids import new_id
from services.rules.tables import Excursion

CONSOLE = "https://gengfu.example.com"


@pytest.fixture
def both(db: Database, tmp_path: Path) -> Iterator[Console]:
    console = Console(db, tmp_path)
    yield console
    console.close()


@pytest.fixture
def console(one_db: Database, tmp_path: Path) -> Iterator[Console]:
    console = Console(one_db, tmp_path)
    yield console
    console.close()


def wanted(console: Console, most: int = 50) -> list[Mark]:
    with console.db.read() as session:
        return Wanted(console.configs, CONSOLE)(session, console.now, most)


def tell(console: Console, marks: list[Mark]) -> None:
    """As the pusher does once Grafana has them."""
    with console.db.begin() as session:
        for number, claim in enumerate(store.claim(session, marks, console.now), 1):
            assert store.told(session, claim, number)


def add(session: Session, point: str, minutes_ago: int, **more: object) -> str:
    excursion = Excursion(
        id=new_id(),
        point=f"{SITE}/{point}",
        rule="NUM-01",
        started_at=START - timedelta(minutes=minutes_ago),
        ended_at=START - timedelta(minutes=minutes_ago - 2),
        worst=0.31,
        **{"alerted": False, **more},
    )
    session.add(excursion)
    return excursion.id


def test_an_alert_is_marked_and_marked_again_when_it_changes(both: Console) -> None:
    alert_id = both.breach()
    [mark] = wanted(both)
    alert = both.alert(LOW_ZONE, "NUM-01")
    assert mark.key == f"alert:{alert_id}"
    assert mark.start_ms == mark.end_ms == to_ms(alert.opened_at)
    assert {"gengfu", "pushed", "alert", SITE, "pump-room-domestic"} <= set(mark.tags)
    assert alert.title in mark.text
    assert f"{CONSOLE}/alerts/{alert_id}" in mark.text
    tell(both, [mark])
    assert wanted(both) == []
    both.hear(LOW_ZONE, 0.45, 200)
    changed = next(one for one in wanted(both) if one.key == mark.key)
    assert changed.told != mark.told
    assert changed.end_ms > changed.start_ms


def test_excursions_are_marked_too(both: Console) -> None:
    with both.db.begin() as session:
        excursion_id = add(session, LOW_ZONE, 60)
        add(session, LOW_ZONE, 50, suspended=True)
    [mark] = wanted(both)
    assert mark.key == f"excursion:{excursion_id}"
    assert mark.end_ms - mark.start_ms == 120_000
    assert {"excursion", SITE, "pump-room-domestic", LOW_ZONE} <= set(mark.tags)
    assert "低区出口压力" in mark.text
    assert "极值 0.31 MPa" in mark.text
    tell(both, [mark])
    assert wanted(both) == []


def test_what_a_worker_is_at_or_waits_with_is_left_to_it(console: Console) -> None:
    console.breach()
    marks = wanted(console)
    with console.db.begin() as session:
        [claim] = store.claim(session, marks, console.now)
        assert store.claim(session, marks, console.now) == []
    assert wanted(console) == []
    with console.db.begin() as session:
        store.failed(session, claim, "no", console.now + timedelta(minutes=1))
    assert wanted(console) == []
    console.clock.advance(timedelta(minutes=1))
    assert [one.key for one in wanted(console)] == [claim.mark.key]


def test_the_past_and_what_was_raised_under_duress_are_not_shown(console: Console) -> None:
    console.breach()
    with console.db.begin() as session:
        session.execute(update(Alert).values(rule=DURESS_RULE))
    assert wanted(console) == []
    with console.db.begin() as session:
        session.execute(update(Alert).values(rule="NUM-01"))
    console.clock.advance(LOOK_BACK + timedelta(hours=1))
    assert wanted(console) == []


def test_an_old_alert_that_grafana_knows_still_gets_its_end(console: Console) -> None:
    console.breach()
    tell(console, wanted(console))
    console.clock.advance(LOOK_BACK + timedelta(days=9))
    with console.db.begin() as session:
        Wanted.forget(session, console.now)
    console.hear(LOW_ZONE, 0.45, 200)
    assert any(one.key.startswith("alert:") and one.end_ms > one.start_ms for one in wanted(console))


def test_rows_of_what_is_over_are_forgotten_and_not_made_again(both: Console) -> None:
    with both.db.begin() as session:
        add(session, LOW_ZONE, 60)
    tell(both, wanted(both))
    both.clock.advance(timedelta(days=9))
    with both.db.begin() as session:
        Wanted.forget(session, both.now)
        assert session.scalars(select(Annotation)).all() == []
    assert wanted(both) == []


def test_no_more_than_asked(console: Console) -> None:
    console.breach()
    with console.db.begin() as session:
        for minutes in range(10, 30):
            add(session, LOW_ZONE, minutes)
    assert len(wanted(console, 5)) == 5


def test_marks_know_nothing_of_what_left_the_files() -> None:
    excursion = Excursion(
        id="1", point="gone/p", rule="NUM-01", started_at=START, ended_at=START, worst=1.0, alerted=False
    )
    mark = of_excursion(shipped(), excursion, "")
    assert "<a " not in mark.text
    assert "gone" in mark.tags
    alert = Alert(
        id="2", site="gone", rule="FIRE-ALARM", target="gone/x", title="t", max_severity="critical", active=True,
        opened_at=START, version=1, detail={"area": "b1"}, unit="", limit_text="", value=None,
    )  # fmt: skip
    assert {"fire", "severe", "critical"} <= set(of_alert(shipped(), alert, "").tags)
