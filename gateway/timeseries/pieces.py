"""How a range is put together: which part of it is read from which table, and how the parts become buckets."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.contract.times import from_ms
from gateway.timeseries.schema import HOUR_MS, HOURS, MINUTE_MS, MINUTES, RAW, Level, Marks
from gateway.timeseries.store import Bucket

Part = tuple[int, int, float, float, float, int, float]
"""(slot, rows, total, low, high, time of the newest, its value) of a slot, or of the piece of it in one table."""


class Piece(NamedTuple):
    """A part of a range to be read from one table: [start_ms, end_ms)."""

    level: Level
    start_ms: int
    end_ms: int


def plan(start_ms: int, end_ms: int, marks: Marks, dirty: Iterable[int], *, minutes: bool, hours: bool) -> list[Piece]:
    """Cut a range into pieces that together hold every row once.

    `dirty`: starts of the minutes in the range whose rollup is out of date, ascending; `minutes`, `hours`: whether the
    steps end on minutes, on hours. What retention dropped is left out.
    """
    pieces: list[Piece] = []

    def add(level: Level, from_ms: int, since_ms: int, until_ms: int) -> None:
        if max(since_ms, from_ms) < until_ms:
            pieces.append(Piece(level, max(since_ms, from_ms), until_ms))

    def add_clean(since_ms: int, until_ms: int) -> None:
        first_hour, end_hour = _up(since_ms, HOUR_MS), _down(min(until_ms, marks.hours_done), HOUR_MS)
        if hours and first_hour < end_hour:
            add(MINUTES, marks.minutes_from, since_ms, first_hour)
            add(HOURS, marks.hours_from, first_hour, end_hour)
            add(MINUTES, marks.minutes_from, end_hour, until_ms)
        else:
            add(MINUTES, marks.minutes_from, since_ms, until_ms)

    clean_from = _up(start_ms, MINUTE_MS)
    clean_end = min(_down(end_ms, MINUTE_MS), marks.minutes_done) if minutes else clean_from
    if clean_from >= clean_end:
        add(RAW, marks.raw_from, start_ms, end_ms)
        return pieces
    raw_since = start_ms
    cursor = clean_from
    for minute in (*(one for one in dirty if clean_from <= one < clean_end), clean_end):
        if cursor < minute:
            add(RAW, marks.raw_from, raw_since, cursor)
            add_clean(cursor, minute)
            raw_since = minute
        cursor = minute + MINUTE_MS
    add(RAW, marks.raw_from, raw_since, end_ms)
    return pieces


def merged(parts: Iterable[Part], step_ms: int, shift_ms: int) -> list[Bucket]:
    """Buckets of the parts, oldest first; slot 0 starts `shift_ms` before the epoch."""
    found: dict[int, Part] = {}
    for part in parts:
        slot = part[0]
        found[slot] = _merge(found[slot], part) if slot in found else part
    return [_bucket(slot * step_ms - shift_ms, found[slot]) for slot in sorted(found)]


def _up(at_ms: int, unit_ms: int) -> int:
    return -(-at_ms // unit_ms) * unit_ms


def _down(at_ms: int, unit_ms: int) -> int:
    return at_ms // unit_ms * unit_ms


def _merge(one: Part, other: Part) -> Part:
    slot, rows, total, low, high, newest, last = one
    _, more_rows, more_total, lower, higher, newer, newer_last = other
    if newer > newest:
        newest, last = newer, newer_last
    return slot, rows + more_rows, total + more_total, min(low, lower), max(high, higher), newest, last


def _bucket(at_ms: int, part: Part) -> Bucket:
    _, rows, total, low, high, _, last = part
    mean = total / rows
    if not low <= mean <= high:  # by rounding; or a sum beyond the greatest double, which may be no number at all
        mean = low if mean < low else high if mean > high else min(max(0.0, low), high)
    return Bucket(from_ms(at_ms), rows, mean, low, high, last)
