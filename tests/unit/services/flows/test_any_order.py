"""Whatever comes in whatever order: the promises about alerts hold, and restarts change nothing."""

from collections import Counter
from datetime import timedelta
from typing import Any

from database import Databases
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scenario.conftest import quicken
from scenario.site import Night, yunhe

from services.alert import service as alerts
from services.alert.model import replay
from services.kernel.db import Database

POINT = "high-zone-pressure"
VALUES = [0.80, 0.80, 0.80, 0.75, 0.71, 0.70, 0.69, 0.65, 0.60, 0.55, 0.91, 9.9]

moves = st.one_of(
    st.tuples(
        st.just("data"),
        st.sampled_from([1, 2, 2, 5, 10, 11, 60]),
        st.sampled_from(VALUES),
        st.sampled_from([None, None, None, None, "uncertain", "bad"]),
    ),
    st.tuples(st.just("steady"), st.integers(3, 12), st.sampled_from(VALUES[:9])),
    st.tuples(st.just("late"), st.sampled_from([1, 3, 20, 400]), st.sampled_from(VALUES)),
    st.tuples(st.just("repeat"), st.integers(1, 5)),
    st.tuples(st.just("silence"), st.sampled_from([5, 12, 70, 400])),
    st.tuples(st.just("deaf"), st.sampled_from([30, 700])),
    st.tuples(st.just("acknowledge")),
    st.tuples(st.just("restart")),
)


class Play:
    """One telling of a story; `restarts`: whether those in it happen."""

    def __init__(self, db: Database, *, restarts: bool) -> None:
        self.db = db
        quicken(self.db)
        self.night = Night(self.db, yunhe(POINT))
        self.good: set[float] = set()
        self.spoken: set[float] = set()
        """When the sensor said something at all: silence ends with that, however odd the value."""
        self._restarts = restarts
        self._sent: list[Any] = []

    def go(self, move: tuple[Any, ...]) -> None:
        """Make one move, then look whether all is well."""
        kind, *rest = move
        getattr(self, f"_{kind}")(*rest)
        open_keys = Counter((one.rule, one.target) for one in self.night.alerts() if one.closed_at is None)
        assert not [key for key, count in open_keys.items() if count > 1]

    def _send(self, value: float, quality: str | None, late: int) -> None:
        night = self.night
        at = night.now - timedelta(seconds=late)
        night.reading(POINT, value, at=at, quality=quality)
        self._sent.append(night.held[-1])
        if quality != "bad":
            self.spoken.add(at.timestamp())
            if value <= 1.6:
                self.good.add(at.timestamp())
        night.turn()

    def _data(self, seconds: int, value: float, quality: str | None) -> None:
        self.night.wait(f"{seconds}s")
        self._send(value, quality, 0)

    def _steady(self, count: int, value: float) -> None:
        for _ in range(count):
            self._data(8, value, None)

    def _late(self, seconds: int, value: float) -> None:
        self._send(value, None, seconds)

    def _repeat(self, back: int) -> None:
        self.night.resend(self._sent[-back:])
        self.night.turn()

    def _silence(self, seconds: int) -> None:
        self.night.wait(f"{seconds}s")

    def _deaf(self, seconds: int) -> None:
        self.night.broker_down()
        self.night.reading(POINT, 0.6)
        self._sent.append(self.night.held[-1])
        self.good.add(self.night.now.timestamp())
        self.spoken.add(self.night.now.timestamp())
        self.night.wait(f"{seconds}s", step=f"{seconds}s")
        self.night.broker_back()
        self.night.turn()

    def _acknowledge(self) -> None:
        for one in self.night.alerts():
            if one.closed_at is None:
                self.night.acknowledge(alert=one)

    def _restart(self) -> None:
        if self._restarts:
            self.night.restart()

    def check_histories(self) -> None:
        """Every alert is what its history makes of it, and nothing was cleared by anything but good data."""
        with self.db.read() as session:
            for alert in self.night.alerts():
                rows = alerts.history(session, alert.id)
                assert replay(alerts.events_of(rows)) == alerts.state_of(alert)
                for row in rows:
                    if row.kind == "cleared":
                        assert row.event_at.timestamp() in (self.spoken if alert.rule == "DATA-STALE" else self.good)


@settings(
    deadline=None,
    max_examples=20,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a story takes longer than reading it
)
@given(story=st.lists(moves, min_size=5, max_size=30))
def test_promises_hold_and_restarts_change_nothing(databases: Databases, story: list[tuple[Any, ...]]) -> None:
    with databases.one() as calm, databases.one() as restless:
        plays = [Play(calm, restarts=False), Play(restless, restarts=True)]
        for play in plays:
            for move in story:
                play.go(move)
            play.check_histories()
        undisturbed, disturbed = (play.night.outcome() for play in plays)
    assert disturbed == undisturbed
