"""How long something was heard and online, against a plain count; gaps by hand."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.timeseries.store import Bucket
from services.report.chapters.availability import DAY, HOUR, MINUTE, availability, by_days, by_hours, doubtful, gaps
from services.report.spans import Span

START = datetime(2026, 10, 1, tzinfo=UTC)
MINUTES = 360


def hours(heard: set[int], online: set[int]) -> list[Bucket]:
    found = []
    for slot in range(MINUTES // 60):
        own = [float(minute in online) for minute in sorted(heard) if minute // 60 == slot]
        if own:
            found.append(Bucket(START + slot * HOUR, len(own), sum(own) / len(own), min(own), max(own), own[-1]))
    return found


def minute(number: int) -> datetime:
    return START + number * MINUTE


SILENCES = st.lists(st.tuples(st.integers(0, MINUTES), st.integers(1, 150)), max_size=3)


@settings(deadline=None, max_examples=60)
@given(SILENCES, SILENCES, st.integers(0, MINUTES))
def test_parts_are_those_of_a_plain_count(
    silences: list[tuple[int, int]], downs: list[tuple[int, int]], first: int
) -> None:
    def outside(spans: list[tuple[int, int]]) -> set[int]:
        return {one for one in range(MINUTES) if not any(start <= one < start + size for start, size in spans)}

    heard = {one for one in outside(silences) if one >= first}
    online = heard & outside(downs)
    whole = Span(minute(first), minute(MINUTES))
    found = availability(by_hours(hours(heard, online), whole, START), MINUTE)
    assert found.due == timedelta(minutes=MINUTES - first)
    for counted, wanted in ((found.heard, heard), (found.online, online)):
        assert abs(counted - timedelta(minutes=len(wanted))) < timedelta(milliseconds=1)


@settings(deadline=None, max_examples=60)
@given(SILENCES)
def test_no_gap_is_overlooked(silences: list[tuple[int, int]]) -> None:
    heard = {one for one in range(MINUTES) if not any(start <= one < start + size for start, size in silences)}
    whole = Span(minute(0), minute(MINUTES))
    plain = gaps((minute(one) for one in sorted(heard)), whole, MINUTE)
    looked = [
        gap
        for span in doubtful(by_hours(hours(heard, set()), whole, START), MINUTE, whole)
        for gap in gaps((minute(one) for one in sorted(heard) if span.start <= minute(one) < span.end), span, MINUTE)
    ]
    assert looked == plain


def test_an_hour_of_announced_work_counts_nowhere() -> None:
    heard = set(range(60))
    excused = [Span(minute(70), minute(80))]
    slots = by_hours(hours(heard, heard), Span(minute(0), minute(180)), START)
    found = availability(slots, MINUTE, excused)
    assert (found.due, found.online, found.excused) == (2 * HOUR, HOUR, HOUR)


def test_ten_minutes_are_no_gap_and_eleven_are() -> None:
    span = Span(minute(0), minute(60))
    assert gaps([minute(0), minute(11), *(minute(one) for one in range(12, 60))], span, MINUTE) == []
    assert gaps([minute(0), *(minute(one) for one in range(12, 60))], span, MINUTE) == [Span(minute(1), minute(12))]
    assert gaps([], span, MINUTE) == [span]
    assert gaps([minute(0)], span, timedelta(minutes=40)) == []


def test_only_days_that_lack_something_are_looked_at_by_the_hour() -> None:
    def day(number: int, count: int, mean: float = 1.0) -> Bucket:
        return Bucket(START + number * DAY, count, mean, mean, mean, mean)

    whole = Span(START + HOUR, START + 5 * DAY)
    excused = [Span(START + 3 * DAY, START + 3 * DAY + MINUTE)]
    settled, others = by_days([day(0, 1380), day(1, 1435), day(2, 1434), day(3, 1440)], MINUTE, whole, START, excused)
    assert [one.span.start for one in settled] == [START + HOUR, START + DAY]
    assert others == [Span(START + 2 * DAY, START + 5 * DAY)]
    found = availability(settled, MINUTE)
    assert (found.due, found.heard) == (47 * HOUR, 47 * HOUR - 5 * MINUTE)
