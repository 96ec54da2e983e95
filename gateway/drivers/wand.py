"""Patrol wands that hand over their memory as lines of text, each a record: when, which tag, perhaps whose badge.

A dump is over when the wand has been quiet for a second. A line that holds only a time is the wand's own clock: with it
every record of the dump is dated exactly, in whatever zone the wand was set. `--` in its place: it has no clock.
"""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from gateway.contract.errors import GengfuError
from gateway.contract.times import to_ms
from gateway.drivers.lines import Lines
from gateway.drivers.read import Read, undecodable
from gateway.drivers.uid_line import is_text_with_digit

BAUD: Final = 9600
DEFAULT_PATTERN: Final = (
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\W+(?P<tag>[0-9A-Fa-f]{6,20})(?:\W+(?P<badge>[0-9A-Fa-f]{4,20}))?"
)
DEFAULT_TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_QUIET_MS: Final = 1000
_CLOCK = re.compile(r"[A-Za-z>#]{0,16}[ :=]*(?P<at>\S.*)")
_MS: Final = timedelta(milliseconds=1)
_TIMES: Final = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S"),
    (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "%Y/%m/%d %H:%M:%S"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "%Y-%m-%dT%H:%M:%S"),
    (r"\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "%y-%m-%d %H:%M:%S"),
    (r"(?<!\d)20\d{12}(?!\d)", "%Y%m%d%H%M%S"),
    (r"(?<!\d)\d{12}(?!\d)", "%y%m%d%H%M%S"),
)


class BadPattern(GengfuError):
    """The pattern of a wand's records is no regular expression with the groups `at` and `tag`."""


class Guess(NamedTuple):
    """How a wand's records could be read."""

    pattern: str
    time_format: str


class _Record(NamedTuple):
    """One record with its time as the wand shows it."""

    shown: datetime
    tag: str
    badge: str
    line: str


class Wand:
    """One wand: a driver as in gateway.drivers.read. Raises BadPattern."""

    def __init__(self, zone: tzinfo, pattern: str = "", time_format: str = "") -> None:
        self._zone = zone
        self._time_format = time_format or DEFAULT_TIME_FORMAT
        self._pattern = _compiled(pattern or DEFAULT_PATTERN)
        self._lines = Lines(_QUIET_MS)
        self._held: list[_Record] = []
        self._bad: list[Read] = []
        self._clock: tuple[datetime, int] | None = None

    def feed(self, data: bytes, now_ms: int) -> list[Read]:
        """Take bytes from the wand; the records come when the dump is over."""
        for line in self._lines.feed(data, now_ms):
            self._take(line, now_ms)
        if now_ms - self._lines.heard_ms < _QUIET_MS:
            return []
        return self._dump(now_ms)

    def poll(self, now_ms: int) -> bytes:
        """Nothing is asked of it."""
        return b""

    def close(self, now_ms: int) -> list[Read]:
        """The wand was pulled off: what it had told."""
        for line in self._lines.flush():
            self._take(line, now_ms)
        return self._dump(now_ms)

    def is_well(self, now_ms: int) -> bool:
        """Nobody can know: it is silent between dumps."""
        return True

    def _take(self, line: str, now_ms: int) -> None:
        record = self._record(line)
        if record is not None:
            self._held.append(record)
            return
        clock = _CLOCK.fullmatch(line)
        shown = self._time(clock["at"]) if clock else None
        if shown is not None:
            self._clock = (shown, now_ms)
        elif is_text_with_digit(line):
            self._bad.append(undecodable(line, "no record", now_ms, record=line))

    def _record(self, line: str) -> _Record | None:
        match = self._pattern.search(line)
        if match is None:
            return None
        groups = match.groupdict()
        shown = self._time(groups["at"] or "")
        return _Record(shown, groups["tag"], groups.get("badge") or "", line) if shown and groups["tag"] else None

    def _time(self, text: str) -> datetime | None:
        try:
            return datetime.strptime(text.strip(), self._time_format).replace(tzinfo=None)  # noqa: DTZ007 -- no zone
        except ValueError:
            return None

    def _dump(self, now_ms: int) -> list[Read]:
        reads = [*(self._dated(record, now_ms) for record in self._held), *self._bad]
        self._held, self._bad, self._clock = [], [], None
        return reads

    def _dated(self, record: _Record, now_ms: int) -> Read:
        first = record.shown.replace(tzinfo=self._zone, fold=0)
        claimed_ms = to_ms(first)
        if self._clock is not None and record.shown <= self._clock[0]:
            clock, heard_ms = self._clock
            at_ms = heard_ms - (clock - record.shown) // _MS
            return Read(
                record.tag, at_ms, badge=record.badge, claimed_ms=claimed_ms, clock="offset", record=record.line
            )
        twice_ms = abs(to_ms(record.shown.replace(tzinfo=self._zone, fold=1)) - claimed_ms)  # the hour DST repeats
        return Read(
            record.tag,
            now_ms,
            badge=record.badge,
            claimed_ms=claimed_ms,
            clock="claimed",
            uncertain_ms=twice_ms,
            record=record.line,
        )


def guess(line: str) -> Guess | None:
    """How a line could be read as a record: a time in one of the usual forms, then or before it a tag."""
    for times, time_format in _TIMES:
        at = re.search(times, line)
        if at is None:
            continue
        tag = r"(?P<tag>[0-9A-Fa-f]{6,20})"
        after, before = rf"(?P<at>{times})\W+{tag}", rf"(?<![0-9A-Fa-f]){tag}\W+(?P<at>{times})"
        for pattern in (after, before):
            if re.search(pattern, line):
                return Guess(pattern, time_format)
    return None


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError) as error:
        raise BadPattern(f"The wand's pattern {pattern!r} is no regular expression: {error}") from error
    if not {"at", "tag"} <= compiled.groupindex.keys():
        raise BadPattern(f"The wand's pattern {pattern!r} has no groups at and tag", hint="Write (?P<at>…) (?P<tag>…)")
    return compiled
