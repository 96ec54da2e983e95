from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patrol_rows import MINUTE, START, missed, patrol_round, stop, tap, walked

from services.kernel.db import Database
from services.patrol.reporting.exceptions import exceptions, gaps
from services.patrol.tables import Round, RoundStop, TapRow

DAY = timedelta(days=1)
END = START + DAY
minutes = st.integers(-600, 1600).map(lambda number: START + number * MINUTE)


def covered(visits: list[datetime], start: datetime, end: datetime) -> timedelta:
    """The longest stretch without anybody, found minute by minute; all times are whole minutes."""
    present = set(visits)
    before = [one for one in visits if one < start]
    clock, longest = max(before, default=start), timedelta()
    since = clock
    while clock < end:
        clock += MINUTE
        longest = max(longest, clock - since)
        if clock in present:
            since = clock
    return longest


@given(st.lists(minutes, max_size=12), st.integers(1, 1440))
def test_gaps_equal_a_count_minute_by_minute(visits: list[datetime], length: int) -> None:
    end = START + length * MINUTE
    found = gaps(visits, START, end)
    assert found.longest == covered([one for one in visits if one <= end], START, end)
    known = sorted(
        {one for one in visits if START <= one <= end} | set(sorted(one for one in visits if one < START)[-1:])
    )
    between = [known[index + 1] - known[index] for index in range(len(known) - 1)]
    assert found.visits == len({one for one in visits if START <= one <= end})
    assert found.shortest == (min(between) if between else None)
    assert found.average == (sum(between, timedelta()) / len(between) if between else None)
    assert found.open == end - (known[-1] if known else START)
    assert found.longest_until - found.longest_from == found.longest
    assert found.longest >= found.open


def test_the_gap_still_open_is_the_longest_when_it_is() -> None:
    found = gaps([START + 10 * MINUTE, START + 20 * MINUTE], START, END)
    assert (found.longest_from, found.longest_until) == (START + 20 * MINUTE, END)
    assert (found.shortest, found.average) == (10 * MINUTE, 10 * MINUTE)


def test_without_a_visit_the_whole_period_is_the_gap() -> None:
    found = gaps([], START, END)
    assert (found.longest, found.open, found.last, found.shortest) == (DAY, DAY, None, None)


def test_a_period_does_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="ends before"):
        exceptions(END, START, [], [], [], [])


def story() -> tuple[list[Round], list[RoundStop], list[TapRow]]:
    night = patrol_round("n", shift="night@2026-11-20", state="incomplete", guards=["li"])
    day = patrol_round("d", start=START + 8 * 60 * MINUTE, shift="day@2026-11-21", state="missed")
    taps = [
        tap("1", "lobby-1", START + MINUTE, "li", rounds=[night.id], marks=["desk"]),
        tap("2", "lobby-1", START + 2 * MINUTE, "li", rounds=[night.id], verdict="duplicate"),
        tap("3", "lobby-1", START + 3 * MINUTE, "li", verdict="refused", marks=["replay"]),
        tap("4", None, START + 4 * MINUTE, "wang", verdict="extra", marks=["unknown_tag"]),
    ]
    stops = [
        stop(night, 0, "late", marks=["late", "too_fast"], tap_id=taps[0].id),
        stop(night, 1, "missed"),
        stop(day, 0, "missed"),
        stop(day, 1, "missed", certainty="unconfirmed"),
    ]
    return [night, day], stops, taps


def test_who_where_and_when_things_went_wrong() -> None:
    rounds, stops, taps = story()
    keys = [("yunhe", "lobby-1"), ("yunhe", "stairs-1"), ("yunhe", "gate-east")]
    found = exceptions(START, END, keys, rounds, stops, taps)
    lobby, stairs, gate = found.checkpoints
    assert lobby.gaps.visits == 1, "neither the duplicate nor the refused tap is a visit"
    assert (lobby.stops.missed, lobby.stops.marks) == (1, {"late": 1, "too_fast": 1})
    assert (stairs.stops.missed, stairs.stops.unconfirmed, stairs.gaps.visits) == (1, 1, 0)
    assert gate.stops.due == 0
    guards = {line.name: line for line in found.guards}
    assert list(guards) == ["li", "wang", ""]
    assert (guards["li"].stops.missed, guards["li"].detected) == (1, {"desk": 1, "replay": 1})
    assert (guards[""].stops.missed, guards[""].stops.unconfirmed) == (1, 1)
    assert guards["wang"].detected == {"unknown_tag": 1}
    shifts = {line.name: line for line in found.shifts}
    assert list(shifts) == ["yunhe/day", "yunhe/night"]
    assert shifts["yunhe/night"].detected == {"desk": 1}
    assert [line.checkpoint for line in found.longest_unvisited] == ["gate-east", "stairs-1", "lobby-1"]


def test_stored_rows_give_the_same_counts(db: Database) -> None:
    with db.begin() as s:
        rounds = [walked(s, "a"), missed(s, "b", start=START + 60 * MINUTE)]
    with db.read() as s:
        stops, taps = s.query(RoundStop).all(), s.query(TapRow).all()
        found = exceptions(START, END, [("yunhe", "stairs-1")], rounds, stops, taps)
    assert found.checkpoints[0].stops.marks == {"too_fast": 1}
    assert found.checkpoints[0].stops.missed == 1
