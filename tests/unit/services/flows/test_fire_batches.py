"""However signals are cut into batches and repeated, the same is left: that of replaying what was stored."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenario.blaze import CALL, FLAT, HALL, LOBBY, PANEL, UTD, blaze_site
from scenario.conftest import quicken
from scenario.site import with_changes
from sqlalchemy import func, select

from gateway.contract.heard import Heard
from gateway.contract.times import from_ms
from gateway.site.model import Site
from services.fire import incidents, signals
from services.fire.incident import replay as replay_incident
from services.fire.model import replay
from services.fire.tables import FireComponent, FireIncident, FireSignal
from services.flows.fire.desk import FireDesk
from services.kernel.db import Database

NOW_MS = 1_795_200_000_000
ADDRESSES = (LOBBY, HALL, FLAT, CALL)
LINE = "self"
STATES = st.lists(st.sampled_from(["fire", "fault", "shield", "start"]), max_size=2, unique=True)
SIGNALS = st.lists(
    st.tuples(
        st.one_of(st.tuples(st.sampled_from(ADDRESSES), STATES), st.just((None, ["reset"])), st.just((LINE, ["fire"]))),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)
"""(address, states) of a report, a reset, or a line that names no place; does it end a batch; does it come twice."""


@pytest.fixture
def sites(one_db: Database) -> Iterator[int]:
    """A site of its own for every telling: they share one database."""
    quicken(one_db)
    return itertools.count()


def tell(db: Database, number: int, stream: list[Any], *, cut: bool) -> dict[str, Any]:
    config = with_changes(blaze_site(), site=Site(id=f"site-{number}", name="小区", timezone="Asia/Shanghai"))
    site, ids = config.site.id, itertools.count(1)
    desk = FireDesk({site: config}, timedelta(minutes=5))
    batch: list[Heard] = []

    def settle() -> None:
        with db.begin() as session:
            for event in batch:
                desk.hear(session, event)
            desk.settle(session, from_ms(NOW_MS + 60_000))
        batch.clear()

    for place, ((address, states), ends, twice) in enumerate(stream):
        body: dict[str, Any] = {"panel": PANEL, "address": address, "key": f"k{place}"}
        body |= (
            {"state": states, "complete": address != LINE} if address else {"scope": "operation", "operations": states}
        )
        for _ in range(2 if cut and twice and address else 1):
            at_ms = NOW_MS + place
            seq = next(ids)
            batch.append(Heard(site, UTD, "fire", f"b-{seq}", "b", seq, NOW_MS + 60_000, body=body, at_ms=at_ms))
        if cut and ends:
            settle()
    settle()
    return left(db, site)


def left(db: Database, site: str) -> dict[str, Any]:
    """What the tables say of a site, checked against what its stored signals and history say."""
    with db.read() as session:
        said = signals.of_panel(session, site, PANEL)
        held = {}
        for address in (*ADDRESSES, LINE):
            row = session.get(FireComponent, f"{site}/{PANEL}/{address}")
            held[address] = dict(row.states) if row is not None else {}
            assert replay(f"{site}/{PANEL}/{address}", said).states.keys() == held[address].keys()
        rows = session.scalars(select(FireIncident).where(FireIncident.site == site)).all()
        for row in rows:
            events = incidents.events_of(incidents.history(session, row.id))
            assert replay_incident(events) == incidents.state_of(row)
        return {
            "held": held,
            "signals": session.scalar(select(func.count()).where(FireSignal.site == site)),
            "incidents": [(one.stage, one.reason, one.signals, list(one.zones)) for one in rows],
        }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIGNALS)
def test_any_batching_with_repetitions_leaves_the_same(one_db: Database, sites: Iterator[int], drawn: Any) -> None:
    whole = tell(one_db, next(sites), drawn, cut=False)
    assert tell(one_db, next(sites), drawn, cut=True) == whole
