"""Rules that exist twice, in Python and in a view, on made-up rows: they must say the same."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from services.alert.store import shown
from services.alert.tables import Alert
from services.catalog.tables import CatalogEntry
from services.fire import signals as fire_signals
from services.fire.model import FAULTS, Signal, order_of, replay
from services.fire.tables import FireCommand
from services.kernel.db import Database
from services.web.queries.fire import shown_outcome
from services.work_order.model import is_overdue
from services.work_order.store import state_of
from services.work_order.tables import WorkOrder

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
SITE = "yunhe"


def rows(db: Database, sql: str) -> list[dict[str, Any]]:
    with db.connection() as connection:
        return [dict(row) for row in connection.execute(text(sql)).mappings()]


def maybe(pick: random.Random, make: Callable[[], Any]) -> Any:
    return make() if pick.random() < 0.5 else None


def moment(pick: random.Random) -> datetime:
    """Well past or well to come: the view and the test look at their clocks one after the other."""
    return NOW + timedelta(minutes=pick.choice((-1, 1)) * pick.randint(60, 600))


def test_the_shown_state_of_alerts(postgres_db: Database) -> None:
    pick = random.Random(1)
    made = []
    for number in range(300):
        occurrence = pick.randint(0, 3)
        closed = pick.random() < 0.2
        made.append(
            Alert(
                id=f"a{number}", site=SITE, rule="NUM-01", target=f"yunhe/p{number}", title="t", severity="high",
                max_severity=pick.choice(["low", "medium", "high", "critical"]),
                active=not closed and pick.random() < 0.5, occurrence=occurrence,
                acked_occurrence=pick.randint(0, occurrence), latched=pick.random() < 0.3,
                shelved_until=maybe(pick, lambda: moment(pick)), suppressed=pick.choice([None, None, "why"]),
                out_of_service=pick.choice([None, None, None, "permit"]), opened_at=NOW - HOUR, last_active_at=NOW,
                closed_at=NOW if closed else None,
            )
        )  # fmt: skip
    with postgres_db.begin() as session:
        session.add_all(made)
    found = {row["id"]: row["state"] for row in rows(postgres_db, "SELECT id, state FROM grafana.alert")}
    wanted = {one.id: shown(one, datetime.now(UTC)) for one in made}
    assert len(set(wanted.values())) >= 7
    assert found == wanted


def test_overdue_orders(postgres_db: Database) -> None:
    pick = random.Random(2)
    made = []
    for number in range(300):
        state = pick.choice(["dispatched", "in_progress", "submitted", "closed", "cancelled"])
        over = state in ("closed", "cancelled")
        made.append(
            WorkOrder(
                id=f"o{number}", number=f"WO-{number}", site=SITE, title="t", state=state, created_at=NOW - 10 * HOUR,
                respond_due_at=maybe(pick, lambda: moment(pick)), finish_due_at=maybe(pick, lambda: moment(pick)),
                responded_at=maybe(pick, lambda: moment(pick)),
                finished_at=moment(pick) if state in ("submitted", "closed") else None,
                closed_at=moment(pick) if over else None,
            )
        )  # fmt: skip
    with postgres_db.begin() as session:
        session.add_all(made)
    sql = "SELECT id, respond_overdue, finish_overdue, timely, counted_at FROM grafana.work_order"
    found = {row["id"]: row for row in rows(postgres_db, sql)}
    for order in made:
        late = [is_overdue(state_of(order), clock, datetime.now(UTC)) for clock in ("respond", "finish")]
        row = found[order.id]
        assert [row["respond_overdue"], row["finish_overdue"]] == late
        decided = order.state != "cancelled" and (any(late) or order.finished_at is not None)
        assert row["timely"] == ((not any(late)) if decided else None)
        assert (row["counted_at"] is not None) == decided


def test_duty_checks(postgres_db: Database) -> None:
    pick = random.Random(3)
    made = [
        FireCommand(
            id=f"c{number}", site=SITE, source="utd", kind="duty_check", params={"minutes": 10}, asked_at=NOW - HOUR,
            asked_by="duty", expires_at=moment(pick), outcome=pick.choice(["", "confirmed", "timeout", "denied"]),
            answer_by=maybe(pick, lambda: moment(pick)), answered_at=maybe(pick, lambda: moment(pick)),
        )
        for number in range(300)
    ]  # fmt: skip
    with postgres_db.begin() as session:
        session.add_all(made)
    found = {row["id"]: row["state"] for row in rows(postgres_db, "SELECT id, state FROM grafana.duty_check")}
    said = {"late": "answered", "waiting": "", "expired": ""}
    for command in made:
        if command.outcome in ("timeout", "denied") and command.answered_at is not None:
            continue  # it did not arrive and was answered: devices do not do that
        assert said.get(found[command.id], found[command.id]) == shown_outcome(command, datetime.now(UTC))


# What held at a panel, when


WORDS = ("fire", "fault", "shield", "supervisory", "feedback", "mains_fault", "alarm", "start", "manual")
ZONES = {"8-1": "low", "8-2": "low", "9-1": "high"}
LEVELS = (("fire",), tuple(FAULTS), ("feedback", "start", "delay"), ("supervisory", "alarm"), ("shield",))


def story(pick: random.Random, count: int) -> list[Signal]:
    """What a panel may say in an evening: whole reports, single lines, resets, tests, in order."""
    found = []
    for number in range(count):
        at = NOW - 2 * HOUR + timedelta(seconds=20 * number)
        address = pick.choice(list(ZONES))
        common: dict[str, Any] = {
            "id": f"{SITE}/utd/b-{number}", "site": SITE, "device": "utd", "panel": "panel", "at": at,
            "received_at": at, "test": pick.random() < 0.15,
        }  # fmt: skip
        turn = pick.random()
        if turn < 0.12:
            operation = pick.choice(["reset", "normal", "manual_alarm", "cleared"])
            component, scope = f"{SITE}/panel/self", "operation"
            found.append(Signal(component=component, scope=scope, operations=(operation,), **common))
            continue
        states = tuple(pick.sample(WORDS, pick.randint(0, 2)))
        complete = turn < 0.7
        ended = () if complete else tuple(one for one in pick.sample(WORDS, 1) if one not in states)
        body = {"complete": complete}
        component = f"{SITE}/panel/{address}"
        found.append(
            Signal(
                component=component, scope="component", states=states, ended=ended, complete=complete, body=body,
                zone=ZONES[address], **common,
            )
        )  # fmt: skip
    return found


def level(said: list[Signal], components: list[str]) -> int:
    """The worst that holds at some components after these signals."""
    worst = 0
    for component in components:
        holding = replay(component, said)
        for name in holding.states:
            found = next((6 - place for place, group in enumerate(LEVELS) if name in group), 0)
            worst = max(worst, 1 if found and name in holding.tests else found)
    return worst


@pytest.mark.parametrize("seed", range(6))
def test_what_held_at_panels_and_zones(postgres_db: Database, seed: int) -> None:
    said = sorted(story(random.Random(seed), 120), key=order_of)
    components = [f"{SITE}/panel/{address}" for address in (*ZONES, "self")]
    of_zone = {zone: [f"{SITE}/panel/{one}" for one, own in ZONES.items() if own == zone] for zone in ("low", "high")}
    with postgres_db.begin() as session:
        fire_signals.save_signals(session, [(one, None) for one in said])
        held = [(component, replay(component, said)) for component in components]
        fire_signals.save_components(
            session,
            [
                fire_signals.Component(
                    component, SITE, "panel", zone=ZONES.get(component.rpartition("/")[2], ""), holding=holding
                )
                for component, holding in held
                if holding.heard_at is not None
            ],
        )
        session.add_all(
            CatalogEntry(site=SITE, kind=kind, id=name, position=0, name=name, name_en="", detail={})
            for kind, name in (("fire_panel", "panel"), ("fire_zone", "low"), ("fire_zone", "high"))
        )
    sql = "SELECT id, at, until_at, level FROM grafana.fire_state WHERE site = 'yunhe' ORDER BY id, at"
    shown_rows = rows(postgres_db, sql)
    for place, own in {"panel": components, **of_zone}.items():
        lines = [row for row in shown_rows if row["id"] == place]
        assert all(a["until_at"] == b["at"] and a["level"] != b["level"] for a, b in pairwise(lines))
        for number, signal in enumerate(said):
            (row,) = [row for row in lines if row["at"] <= signal.at < row["until_at"]]
            assert row["level"] == level(said[: number + 1], own), (place, number)
