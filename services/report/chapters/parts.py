"""What chapters are written with: columns, moments, and figures whose parts are no counts of records. Pure."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from services.report.model import Column, Evidenced, Figure, Ref, Target, Unit, verdict_of

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


def col(key: str, title: str, title_en: str = "", kind: Any = "text", width: float = 1.0, decimals: int = 1) -> Column:
    """A column of a table."""
    return Column(key=key, title=title, title_en=title_en, kind=kind, width=width, decimals=decimals)


def empty(words: str, words_en: str, *, known: bool) -> dict[str, str]:
    """What a table without rows says: that all is well only where there was something to look at."""
    return {"empty": words, "empty_en": words_en} if known else {}


def moment(at: datetime | None) -> str | None:
    """A moment as a raw cell."""
    return at.isoformat() if at is not None else None


def day(on: date | None) -> str | None:
    """A day as a raw cell."""
    return on.isoformat() if on is not None else None


def minutes(lasted: timedelta | None) -> float | None:
    """A duration in minutes."""
    return lasted / _MINUTE if lasted is not None else None


def hours(lasted: timedelta | None) -> float | None:
    """A duration in hours."""
    return lasted / _HOUR if lasted is not None else None


def share(part: float, whole: float) -> float | None:
    """Percent; None of nothing."""
    return 100.0 * (part / whole) if whole else None  # equal ones give 100 exactly


def portion(
    figure_id: str,
    name: str,
    name_en: str,
    part: float,
    whole: float,
    evidence: Iterable[Ref] = (),
    *,
    how: str,
    how_en: str = "",
    target: Target | None = None,
    requirements: tuple[str, ...] = (),
    unit: Unit = "percent",
) -> Evidenced:
    """A share of two amounts, in percent; a whole of nothing is no data."""
    value = share(part, whole)
    figure = Figure(
        id=figure_id, name=name, name_en=name_en, unit=unit, value=value,
        numerator=part if whole else None, denominator=whole if whole else None,
        target=target, verdict=verdict_of(value, target), requirements=requirements, how=how, how_en=how_en,
    )  # fmt: skip
    return Evidenced(figure=figure, evidence=tuple(evidence))


def at_least(value: float) -> Target:
    """A target that is a floor."""
    return Target(op="ge", value=value)


def nothing_but() -> Target:
    """A target of zero."""
    return Target(op="eq", value=0)
