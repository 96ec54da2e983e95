"""Half-hourly rounds whose windows overlap: whoever is early for the next one is not late for the one before."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from scenario.beat import Beat, Handset, beat_site
from scenario.conftest import quicken

from gateway.site.patrol import PatrolSettings, Schedule, Shift, Tolerance
from services.kernel.db import Database
from services.patrol.tables import TapRow

NIGHT = Shift(id="night", name="夜班", start="23:00", duration=timedelta(hours=2), people=("guard",), handover=False)
HALF_HOURLY = Schedule(
    id="often",
    route="yard",
    shift="night",
    every=timedelta(minutes=30),
    duration=timedelta(0),
    tolerance=Tolerance(
        on_time_before=timedelta(minutes=5),
        on_time_after=timedelta(minutes=10),
        extended_before=timedelta(minutes=15),
        extended_after=timedelta(minutes=30),
        grace=timedelta(minutes=5),
        second_grace=timedelta(hours=4),
    ),
)
STARTS = ("2026-11-21 23:00", "2026-11-21 23:30", "2026-11-22 00:00", "2026-11-22 00:30")
EARLY = timedelta(minutes=13)


@pytest.fixture
def beat(db: Database) -> Beat:
    """A site of two checkpoints with four rounds in a night."""
    quicken(db)
    site = beat_site(
        stops=2,
        schedules=[HALF_HOURLY],
        shifts=[NIGHT],
        settings=PatrolSettings(lone_grace=timedelta(hours=12)),
    )
    return Beat(db, site, "2026-11-21 22:30")


def walk(beat: Beat, starts: Iterable[str], phone: Handset) -> None:
    """Both points of every round, 13 minutes early."""
    for start in starts:
        beat.until(beat.at(start) - EARLY)
        phone.tap("p1")
        beat.wait("1min")
        phone.tap("p2")


def counted(beat: Beat) -> list[str]:
    """The rounds that the taps count in, by time."""
    rows: list[TapRow] = beat.taps()
    assert all(len(row.rounds) == 1 for row in rows)
    return [row.rounds[0].partition(".")[2] for row in rows]


def assert_all_early(beat: Beat) -> None:
    assert [beat.verdicts(start) for start in STARTS] == [["early", "early"]] * len(STARTS)
    expected = ["20261121T1500Z", "20261121T1530Z", "20261121T1600Z", "20261121T1630Z"]
    assert counted(beat) == [name for name in expected for _ in range(2)]
    assert beat.anomalies() == ["early p1"] * len(STARTS) + ["early p2"] * len(STARTS)


def test_thirteen_minutes_early_every_time_misses_nothing(beat: Beat) -> None:
    walk(beat, STARTS, beat.handset())
    beat.until("2026-11-22 02:00")
    assert_all_early(beat)
    assert beat.alerts("PATROL-MISSED") == []


@pytest.mark.parametrize("order", [(7, 6, 5, 4, 3, 2, 1, 0), (3, 0, 5, 2, 7, 4, 1, 6)], ids=["backwards", "mixed"])
def test_whatever_is_delivered_first(beat: Beat, order: tuple[int, ...]) -> None:
    phone = beat.handset()
    phone.offline()
    walk(beat, STARTS, phone)
    beat.until("2026-11-22 02:00")
    queued = list(phone.queue)
    for place in order:
        phone.queue = [queued[place]]
        phone.sync()
        beat.wait("1min")
    assert_all_early(beat)
    assert [one for one in beat.alerts("PATROL-MISSED") if one.closed_at is None] == []
    beat.texts()


def test_a_better_tap_frees_an_older_one_for_the_next_round(beat: Beat) -> None:
    phone = beat.handset(name="forgotten-phone")
    beat.until("2026-11-21 23:14")
    phone.offline()
    phone.tap("p1")
    other = beat.handset()
    beat.until("2026-11-21 23:17")
    other.tap("p1")
    assert counted(beat) == ["20261121T1500Z"]
    beat.until("2026-11-22 00:40")
    assert beat.verdicts(STARTS[1])[0].startswith("missed")
    phone.back()
    assert counted(beat) == ["20261121T1500Z", "20261121T1530Z"]
    assert (beat.verdicts(STARTS[0])[0], beat.verdicts(STARTS[1])[0]) == ("late", "early")
    assert beat.round(STARTS[1]).visited == 1
    beat.texts()
