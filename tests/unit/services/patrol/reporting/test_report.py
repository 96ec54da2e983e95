from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest
from patrol_rows import MINUTE, START, anomaly, patrol_round, stop, tap

from services.patrol.reporting import report
from services.patrol.reporting.report import Share, count_rounds, count_stops, daily, monthly
from services.patrol.tables import Round, RoundStop

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT, DAY = "night@2026-11-20", "day@2026-11-21"


def test_a_share_shows_both_numbers() -> None:
    assert Share(7, 8).text == "7/8 (87.5 %)"
    assert (Share(0, 0).text, Share(0, 0).percent) == ("0/0", None)


def test_every_round_counts_in_exactly_one_place() -> None:
    rows = [
        patrol_round("a", state="complete"),
        patrol_round("b", state="incomplete"),
        patrol_round("c", state="missed"),
        patrol_round("d", state="missed", unconfirmed=True),
        patrol_round("e", state="incomplete", unconfirmed=True),
        patrol_round("f", state="running"),
        patrol_round("g", state="open"),
        patrol_round("h", state="planned"),
        patrol_round("i", state="suspended"),
    ]
    count = count_rounds(rows)
    assert (count.complete, count.incomplete, count.missed, count.unconfirmed) == (1, 1, 1, 2)
    assert (count.running, count.suspended) == (3, 1)
    assert count.due + count.running + count.suspended == len(rows)
    assert count.completion == Share(1, 5)


def test_on_time_is_about_time_alone() -> None:
    row = patrol_round("a", checkpoints=[f"p{number}" for number in range(8)])
    stops = [
        stop(row, 0, "on_time"),
        stop(row, 1, "out_of_order", marks=["out_of_order", "late"]),
        stop(row, 2, "too_fast", marks=["too_fast"]),
        stop(row, 3, "early", marks=["early"]),
        stop(row, 4, "missed"),
        stop(row, 5, "missed", certainty="unconfirmed"),
        stop(row, 6, "suspended"),
        stop(row, 7, "pending"),
    ]
    count = count_stops(stops)
    assert count.completion == Share(4, 6)
    assert count.on_time == Share(2, 6)
    assert (count.flagged, count.missed, count.unconfirmed) == (3, 1, 1)
    assert count.marks == {"out_of_order": 1, "late": 1, "too_fast": 1, "early": 1}


def two_shifts() -> tuple[list[Round], list[RoundStop]]:
    """A night that crosses midnight and the day after it."""
    rounds = [
        patrol_round("n1", start=START - timedelta(hours=1), shift=NIGHT, state="complete", guards=["li"]),
        patrol_round("n2", start=START + timedelta(hours=2), shift=NIGHT, state="missed"),
        patrol_round("d1", start=START + timedelta(hours=8), shift=DAY, state="incomplete", guards=["li", "wang"]),
    ]
    verdicts = (("on_time", "late"), ("missed", "missed"), ("on_time", "missed"))
    marks = {"late": ["late"]}
    stops = [
        stop(row, index, verdict, marks=marks.get(verdict, []))
        for row, both in zip(rounds, verdicts, strict=True)
        for index, verdict in enumerate(both)
    ]
    return rounds, stops


def test_a_report_is_about_shift_instances() -> None:
    rounds, stops = two_shifts()
    taps = [
        tap("1", "lobby-1", START - timedelta(hours=1), "li", rounds=[rounds[0].id], evidence="sun"),
        tap("2", "stairs-1", START, "li", rounds=[rounds[0].id]),
        tap("3", "lobby-1", START + timedelta(hours=8), "wang", rounds=[rounds[2].id], evidence="qr"),
        tap("4", None, START, "li"),
    ]
    found = [
        anomaly("1", "late", "x", round_id=rounds[0].id, at=START),
        anomaly("2", "gap", "y", shift=NIGHT, at=START - MINUTE),
        anomaly("3", "missed", "z", round_id=rounds[2].id, shift=NIGHT),
    ]
    night, day = daily(rounds, stops, taps, found)
    assert (night.shift, day.shift) == (NIGHT, DAY)
    assert night.rounds.completion == Share(1, 2)
    assert night.stops.on_time == Share(1, 4)
    assert night.evidence == {"sun": 1, "uid": 1}
    assert [one.id for one in night.anomalies] == ["2", "1"]
    assert [one.id for one in day.anomalies] == ["3"], "what belongs to a round belongs to the round's shift"
    assert [row.id for row in night.lines] == [rounds[0].id, rounds[1].id]


def test_points_and_rounds_of_a_guard_are_counted_separately() -> None:
    rounds, stops = two_shifts()
    taps = [tap("1", "lobby-1", START, "li"), tap("2", "lobby-1", START, "wang"), tap("3", "lobby-1", START, "li")]
    lines = {line.guard: line for line in report.guard_lines(rounds, stops, taps)}
    assert list(lines) == ["li", "wang", report.NOBODY]
    assert (lines["li"].rounds.completion, lines["li"].stops.completion) == (Share(1, 2), Share(3, 4))
    assert (lines["wang"].rounds.completion, lines["wang"].stops.completion) == (Share(0, 1), Share(1, 2))
    assert lines[report.NOBODY].stops.missed == 2
    assert [line.taps for line in lines.values()] == [2, 1, 0]


def test_a_round_that_has_not_begun_is_nobodys_fault() -> None:
    assert report.guard_lines([patrol_round("a", state="planned")], [], []) == []


@pytest.mark.parametrize(
    ("shift", "zone", "day"),
    [
        (NIGHT, SHANGHAI, date(2026, 11, 20)),
        ("", SHANGHAI, date(2026, 11, 21)),
        ("", UTC, date(2026, 11, 20)),
    ],
)
def test_a_round_belongs_to_the_day_its_shift_starts_on(shift: str, zone: ZoneInfo, day: date) -> None:
    assert report.shift_day(patrol_round("a", shift=shift), zone) == day


def test_a_month_has_a_line_per_kind_and_per_route() -> None:
    rounds, _ = two_shifts()
    rounds.append(patrol_round("p", route="perimeter", state="complete", shift=DAY))
    kinds = {"buildings": "building", "perimeter": "perimeter"}
    lines = monthly(rounds, lambda row: kinds[row.route], lambda row: SHANGHAI)
    assert [(line.kind, line.route) for line in lines] == [
        ("building", ""),
        ("building", "yunhe/buildings"),
        ("perimeter", ""),
        ("perimeter", "yunhe/perimeter"),
    ]
    assert lines[0].rounds.completion == Share(1, 3)
    assert lines[0].days == {date(2026, 11, 20): Share(1, 2), date(2026, 11, 21): Share(0, 1)}
