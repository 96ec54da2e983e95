"""Thirty days of rounds, phones off line for hours, wrong clocks and reboots: nobody is accused, nothing is lost."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from scenario.beat import Beat, Handset, beat_site
from scenario.conftest import quicken

from gateway.site.patrol import PatrolSettings, Route, Schedule, Shift, Span, Stop, Tolerance
from services.kernel.db import Database
from services.patrol.tables import Anomaly, Round, RoundStop, TapRow

DAYS = 30
STOPS = 3
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PATIENT = PatrolSettings(lone_grace=12 * HOUR)
TOLERANCE = Tolerance(
    on_time_before=5 * MINUTE,
    on_time_after=5 * MINUTE,
    extended_before=10 * MINUTE,
    extended_after=20 * MINUTE,
    grace=5 * MINUTE,
    second_grace=7 * HOUR,
)
GUARDS = ("guard", "guard-2", "guard-3")
NIGHT = Shift(id="night", name="夜班", start="22:00", duration=8 * HOUR, people=GUARDS, handover=False)
DAY = Shift(id="day", name="白班", start="06:00", duration=16 * HOUR, people=GUARDS, handover=False)


def schedule(number: int, **how: object) -> Schedule:
    return Schedule.model_validate(
        {"id": f"s{number}", "route": f"r{number}", "duration": 20 * MINUTE, "tolerance": TOLERANCE} | how
    )


SCHEDULES = (
    schedule(1, every=4 * HOUR, shift="night"),
    schedule(2, at=("01:30", "02:30", "05:00")),
    schedule(3, at=("09:00", "15:00")),
    schedule(4, every=6 * HOUR, window=Span(start="08:00", end="20:00")),
    schedule(5, at=("23:50",)),
    schedule(6, at=("12:00",), suspended=(Span(start="11:45", end="13:00", weekdays=("sat", "sun")),)),
)


class Due(NamedTuple):
    """A round that has to be walked, worked out without the product."""

    start: datetime
    route: int
    shift_day: date
    counts: bool


def wall(zone: ZoneInfo, day: date, at: str) -> datetime:
    """The moment at which a clock on the wall first shows a time or, where it jumps over it, the jump."""
    naive = datetime.combine(day, time.fromisoformat(at))
    moment = naive.replace(tzinfo=zone).astimezone(UTC)
    while moment.astimezone(zone).replace(tzinfo=None) > naive and (
        (moment - MINUTE).astimezone(zone).replace(tzinfo=None) >= naive
    ):
        moment -= MINUTE
    return moment


def due(zone: ZoneInfo, first: date) -> Iterator[Due]:
    """Every round by hand: what the schedules above say, day by day."""
    for number in range(-1, DAYS + 1):
        day = first + timedelta(days=number)
        begin, end = wall(zone, day, "22:00"), wall(zone, day + timedelta(days=1), "06:00")
        while begin < end:
            yield Due(begin, 1, day, True)
            begin += 4 * HOUR
        for at in ("01:30", "02:30", "05:00"):
            yield Due(wall(zone, day, at), 2, day - timedelta(days=1), True)
        for at in ("09:00", "15:00"):
            yield Due(wall(zone, day, at), 3, day, True)
        begin, end = wall(zone, day, "08:00"), wall(zone, day, "20:00")
        while begin < end:
            yield Due(begin, 4, day, True)
            begin += 6 * HOUR
        yield Due(wall(zone, day, "23:50"), 5, day, True)
        yield Due(wall(zone, day, "12:00"), 6, day, day.weekday() < 5)


class Walk(NamedTuple):
    """What a guard really does at one moment."""

    at: datetime
    kind: str
    """tap, offline, back or reboot."""
    guard: str
    stop: tuple[datetime, int, int] | tuple[()] = ()
    """(round start, route, index) of a tap."""


def walks(rounds: list[Due], rng: random.Random, end: datetime) -> tuple[list[Walk], set[tuple[datetime, int, int]]]:
    """The true story: who taps when, who is off line when; and the stops that nobody came to."""
    story: list[Walk] = []
    missed: set[tuple[datetime, int, int]] = set()
    back: dict[str, datetime] = {}
    for one in rounds:
        guard = GUARDS[one.route % 3]
        if rng.random() < 0.32 and back.get(guard, one.start) <= one.start:
            back[guard] = one.start + rng.uniform(0.5, 6) * HOUR
            story += [Walk(one.start, "offline", guard), Walk(min(back[guard], end), "back", guard)]
        for index in range(STOPS):
            if rng.random() < 0.05:
                missed.add((one.start, one.route, index))
            else:
                story.append(Walk(one.start + (2 + 5 * index) * MINUTE, "tap", guard, (one.start, one.route, index)))
    for guard in GUARDS:
        story.append(Walk(rounds[rng.randrange(len(rounds))].start + 41 * MINUTE, "reboot", guard))
    return sorted(story), missed


def play(beat: Beat, story: list[Walk]) -> None:
    offs = dict(zip(GUARDS, (3 * HOUR, -HOUR, timedelta(0)), strict=True))
    phones: dict[str, Handset] = {guard: beat.handset(guard) for guard in GUARDS}
    for guard, phone in phones.items():
        phone.wall_off = offs[guard]
        phone.sync()
    for step in story:
        beat.skip_to(step.at)
        phone = phones[step.guard]
        if step.stop:
            _, route, index = step.stop
            phone.tap(f"p{(route - 1) * STOPS + index + 1}")
        elif step.kind == "offline":
            phone.offline()
        elif step.kind == "back":
            phone.back()
        else:
            phone.reboot()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("zone", "first"),
    [("Asia/Shanghai", "2026-11-01"), ("Europe/Berlin", "2026-03-10"), ("Europe/Berlin", "2026-10-05")],
)
def test_thirty_days_end_with_the_truth(one_db: Database, zone: str, first: str) -> None:
    quicken(one_db)
    routes = [
        Route(
            id=f"r{number}",
            name=f"路线{number}",
            stops=tuple(Stop(checkpoint=f"p{(number - 1) * STOPS + index + 1}") for index in range(STOPS)),
        )
        for number in range(1, 7)
    ]
    config = beat_site(
        zone=zone,
        stops=6 * STOPS,
        routes=routes,
        schedules=SCHEDULES,
        shifts=(NIGHT, DAY),
        people=GUARDS,
        settings=PATIENT,
    )
    beat = Beat(one_db, config, f"{first} 11:00")
    begin = date.fromisoformat(first)
    end = datetime.combine(begin + timedelta(days=DAYS), time(11), tzinfo=beat.zone)
    rounds = sorted(one for one in due(beat.zone, begin) if beat.now <= one.start < end)
    story, missed = walks(rounds, random.Random(f"{zone} {first}"), end)
    play(beat, story)
    for _ in range(3):
        beat.until(beat.now + 12 * HOUR, closely=False)

    kept = {one.id: one for one in beat.rows(Round, Round.starts_at < end)}
    assert Counter((one.starts_at, int(one.route[1:])) for one in kept.values()) == Counter(
        (one.start, one.route) for one in rounds
    ), "every round is planned once"
    shifts = {(one.start, one.route): one.shift_day for one in rounds}
    assert all(
        one.shift.endswith(f"@{shifts[one.starts_at, int(one.route[1:])]}")
        for one in kept.values()
        if one.route == "r1"
    ), "a night belongs to the day on which it starts"

    counting = {(one.start, one.route): one.counts for one in rounds}
    stops = [one for one in beat.rows(RoundStop) if one.round_id in kept]
    told = {
        (kept[one.round_id].starts_at, int(kept[one.round_id].route[1:]), one.index)
        for one in stops
        if one.verdict == "missed"
    }
    truly = {key for key in missed if counting[key[:2]]}
    assert told - truly == set(), "nobody is accused wrongly"
    assert truly - told == set(), "no miss is lost"
    assert all(one.certainty == "confirmed" for one in stops if one.verdict == "missed")
    verdicts = Counter(one.verdict for one in stops)
    taps = [one for one in story if one.kind == "tap"]
    walked = sum(counting[one.stop[:2]] for one in taps)
    unpatrolled = sum(not one.counts for one in rounds) * STOPS
    assert verdicts["missed"] + verdicts["suspended"] + verdicts["on_time"] == len(rounds) * STOPS
    assert verdicts["missed"] == len(truly)
    assert walked <= verdicts["on_time"] <= walked + unpatrolled, "every visit was in time, and is said to have been"
    heard = beat.rows(TapRow)
    assert len(heard) == len(taps)
    late = sum(one.received_at - one.at > MINUTE for one in heard)
    assert 0.3 < late / len(heard) < 0.5, "about two taps of five were delivered late"
    waiting = (Anomaly.kind == "missed", Anomaly.withdrawn_at.is_(None), Anomaly.round_id.in_(kept))
    open_missed = beat.rows(Anomaly, *waiting)
    assert len(open_missed) == len(truly)
    skewed = {one.guard for one in heard if "clock_skew" in one.marks}
    assert skewed == {"guard", "guard-2"}
    alerts = [one for one in beat.alerts("PATROL-MISSED") if one.closed_at is None and one.target in kept]
    assert {one.target for one in alerts} == {key for key, one in kept.items() if one.missed}
