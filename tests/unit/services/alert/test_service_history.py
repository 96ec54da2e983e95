"""Whatever is done to alerts in whatever order, every history replays to its row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.alert import service as alerts
from services.alert.model import replay
from services.alert.service import Activation
from services.alert.tables import Alert
from services.kernel.db import Database
from services.kernel.errors import Conflict, Forbidden, Invalid

NOW = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
PRESSURE = Activation(
    site="yunhe", rule="NUM-01", target="yunhe/dom-low-outlet", title="压力偏离", severity="high", event_at=NOW
)


def _opened(db: Database) -> str:
    with db.begin() as s:
        return alerts.raise_alert(s, PRESSURE, NOW).alert.id


def _verbs() -> st.SearchStrategy[list[tuple[str, int]]]:
    names = ("raise", "worse", "clear", "ack", "shelve", "unshelve", "suppress", "unsuppress", "reset", "oos", "back")
    return st.lists(
        st.tuples(st.sampled_from((*names, "withdraw", "announce", "comment")), st.integers(0, 3)), max_size=14
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verbs=_verbs())
def test_every_history_replays_to_its_row(db: Database, verbs: list[tuple[str, int]]) -> None:
    now = NOW
    with db.begin() as s:
        s.execute(text("DELETE FROM alert_event"))
        s.execute(text("DELETE FROM alert"))
    alert_id = _opened(db)
    for verb, number in verbs:
        now += number * 4 * MINUTE
        try:
            with db.begin() as s:
                _perform(s, verb, alert_id, number, now)
        except (Conflict, Invalid, Forbidden):
            continue
    with db.read() as s:
        rows = list(s.scalars(select(Alert)))
        assert sum(one.closed_at is None for one in rows) <= 1
        for one in rows:
            history = alerts.history(s, one.id)
            assert replay(alerts.events_of(history)) == alerts.state_of(one)
            assert [event.seq for event in history] == list(range(1, one.version + 1))


def _perform(s: Session, verb: str, alert_id: str, number: int, now: datetime) -> None:
    match verb:
        case "raise":
            alerts.raise_alert(s, PRESSURE, now)
        case "worse":
            alerts.raise_alert(s, replace(PRESSURE, severity="critical"), now)
        case "clear":
            alerts.clear_alert(s, PRESSURE.rule, PRESSURE.target, now, None, now)
        case "ack":
            alerts.acknowledge(s, alert_id, occurrence=number + 1, actor="li", now=now)
        case "shelve":
            until = now + (number + 1) * HOUR
            alerts.shelve(s, alert_id, until=until, reason="x", actor="li", now=now, second_actor="wang")
        case "unshelve":
            alerts.unshelve(s, alert_id, reason="expired" if number else "by hand", now=now)
        case "suppress":
            alerts.suppress(s, alert_id, reason="offline", now=now)
        case "unsuppress":
            alerts.unsuppress(s, alert_id, now=now)
        case "reset":
            alerts.reset(s, alert_id, actor="li", now=now)
        case "oos":
            alerts.take_out_of_service(s, alert_id, reason="permit", actor="li", now=now, second_actor="wang")
        case "back":
            alerts.return_to_service(s, alert_id, actor="li", now=now)
        case "withdraw":
            alerts.withdraw(s, alert_id, "removed", now)
        case "announce":
            alerts.mark_announced(s, alert_id, now)
        case "comment":
            alerts.comment(s, alert_id, text="x", actor="li", now=now)
