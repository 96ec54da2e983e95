"""The judge's transactions: all or nothing, and memory that goes with what was rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from builders import make_limit
from scenario.site import Night, yunhe
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from gateway.contract.errors import NotNow
from gateway.contract.heard import Rejected
from gateway.contract.times import to_ms
from services.device.tables import Quarantine
from services.flows.breach import limit_text
from services.flows.judge import SiteJudge
from services.kernel.db import Database

POINT = "high-zone-pressure"
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


@contextmanager
def broken(db: Database, error: Exception) -> Iterator[None]:
    """Commits of this database fail."""
    begin = db.begin

    @contextmanager
    def failing() -> Iterator[object]:
        with begin() as session:
            yield session
            raise error

    db.begin = failing  # type: ignore[method-assign, assignment]
    yield
    db.begin = begin  # type: ignore[method-assign]


@pytest.mark.parametrize("error", [OperationalError("COMMIT", {}, Exception("database is locked")), KeyError("bug")])
def test_what_was_not_committed_was_never_heard(db: Database, error: Exception) -> None:
    night = Night(db, yunhe(POINT))
    night.shows(POINT, 0.65)
    night.wait("6s")
    night.reading(POINT, 0.66)
    (wire,) = night.held
    batch = night.decode([wire])
    with broken(db, error), pytest.raises(NotNow if isinstance(error, OperationalError) else KeyError):
        night.judge.hear(batch.heard, batch.rejected, to_ms(night.now))
    assert night.judge.engine.tracks[f"yunhe/{POINT}"].value == 0.66, "memory has run ahead until the next transaction"
    night.judge.tick(to_ms(night.now), 0, {})
    assert night.judge.engine.tracks[f"yunhe/{POINT}"].value == 0.65
    night.hear()
    assert night.judge.engine.tracks[f"yunhe/{POINT}"].value == 0.66
    night.wait("10s")
    assert night.alert().occurrence == 1


def test_what_could_not_be_decoded_goes_to_quarantine_in_the_same_transaction(db: Database) -> None:
    night = Night(db, yunhe(POINT))
    refused = Rejected("gengfu/v1/yunhe/p/reading", b"\x00{", "not_json", "not JSON", "", to_ms(night.now))
    night.judge.hear([], [refused], to_ms(night.now))
    with db.read() as session:
        assert [one.code for one in session.scalars(select(Quarantine))] == ["not_json"]


def test_a_judge_takes_only_the_points_of_its_own_sites(one_db: Database) -> None:
    config = yunhe(POINT)
    night = Night(one_db, config)
    night.shows(POINT, 0.65)
    night.wait("10s")
    other = SiteJudge(one_db, night.configs, [])
    other.tick(to_ms(night.now), to_ms(night.now), {})
    assert other.engine.tracks == {}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "0.450 ± 0.100 MPa"),
        ({"set_value": None}, "? ± 0.100 MPa"),
        ({"kind": "low"}, "≥ 0.100 MPa"),
        ({"kind": "high"}, "≤ 0.100 MPa"),
        ({"kind": "high", "unit": "1"}, "≤ 0.100"),
        ({"kind": "range", "valid_min": 0.0, "valid_max": 1.6}, "0.000…1.600 MPa"),
        ({"kind": "range", "valid_min": 0.0}, "0.000… MPa"),
        ({"kind": "stale", "stale_after_ms": 30_000}, "≤ 30 s"),
        ({"kind": "stale", "stale_after_ms": 300_000}, "≤ 5 min"),
    ],
)
def test_a_limit_reads_like_this(changes: dict[str, object], text: str) -> None:
    point = yunhe(POINT).points[0]
    assert limit_text(make_limit(**changes), point) == text


def test_a_provisional_set_value_is_marked() -> None:
    point = yunhe(POINT).points[0]
    assert limit_text(make_limit(set_value=None), point, 0.4471) == "≈ 0.447 ± 0.100 MPa"
    assert limit_text(make_limit(), point, 0.4471) == "0.450 ± 0.100 MPa"


def test_an_alert_whose_point_was_removed_is_withdrawn_at_the_next_start(one_db: Database) -> None:
    night = Night(one_db, yunhe(POINT))
    night.shows(POINT, 0.65)
    night.wait("1min")
    night.heard()
    assert night.alert().active
    other = Night(one_db, yunhe("low-zone-pressure"))
    other.shows("low-zone-pressure", 0.45)
    other.wait("5s")
    assert night.state() == "closed"
    assert any("withdrawn" in line for line in night.history(night.alert()))


@pytest.mark.parametrize("at_commit", [False, True])
def test_what_a_start_withdraws_stops_no_stream_and_is_not_forgotten(
    one_db: Database, monkeypatch: pytest.MonkeyPatch, at_commit: bool
) -> None:
    night = Night(one_db, yunhe(POINT))
    swept: list[str] = []

    def sweep(*_: object) -> None:
        swept.append("swept")
        if not at_commit:
            raise KeyError("yard")

    monkeypatch.setattr("services.flows.fire.orphans.withdraw", sweep)
    if at_commit:
        with broken(one_db, OperationalError("COMMIT", {}, Exception("locked"))), pytest.raises(NotNow):
            night.judge.tick(to_ms(night.now), 0, {})
    for _ in range(2):
        night.judge.tick(to_ms(night.now), 0, {})
    assert len(swept) == 1 + at_commit
