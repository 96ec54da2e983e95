"""Natural months of a site's zone (AMB-28)."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from services.kernel.errors import Invalid
from services.report.model import Month


def month_of(text: str, timezone: str, now: datetime) -> Month:
    """The month written as `2026-10`; raises Invalid."""
    try:
        first = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a local month, no moment
    except ValueError as error:
        raise Invalid(f"{text!r} is no month", hint="Write it like 2026-10", field="month") from error
    if not 1970 < first.year < 9999:
        raise Invalid(f"{text!r} is no month of a site", hint="Write it like 2026-10", field="month")
    return month_from(first, timezone, now)


def month_from(first_on: date, timezone: str, now: datetime) -> Month:
    """The month that begins on a day, counted up to `now`."""
    zone = ZoneInfo(timezone)
    return Month(
        first_on=first_on,
        timezone=timezone,
        since_at=datetime.combine(first_on, time(), zone).astimezone(UTC),
        until_at=datetime.combine(next_first(first_on), time(), zone).astimezone(UTC),
        now=now,
    )


def next_first(first_on: date) -> date:
    """First day of the month after."""
    return date(first_on.year + first_on.month // 12, first_on.month % 12 + 1, 1)


def previous_first(first_on: date) -> date:
    """First day of the month before."""
    return date(first_on.year - (first_on.month == 1), (first_on.month - 2) % 12 + 1, 1)
