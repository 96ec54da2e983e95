"""Weights of key figures and from when they hold (KPI-13): together 100; a month keeps the weights it began with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.kernel import audit
from services.kernel.errors import Conflict, Invalid
from services.report.model import Figure, Target
from services.report.tables import KpiWeights

TOTAL = 100.0
MOST = 30
"""Figures that can have a weight at a time."""


@dataclass(frozen=True, slots=True)
class Score:
    """The weighted figures of a month."""

    points: float
    """Of `of`."""
    of: float
    """Weights of the figures that have data; 100 when all have."""
    parts: tuple[tuple[str, float, float | None], ...]
    """Figure, weight, and what it earned; None without data."""


def checked(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights, when they can be used; raises Invalid. Pure."""
    if not weights or len(weights) > MOST:
        raise Invalid(f"{len(weights)} figures have a weight", hint=f"Give 1 to {MOST}", field="weights")
    wrong = sorted(name for name, weight in weights.items() if not 0 < weight <= TOTAL)
    if wrong:
        raise Invalid(f"The weight of {wrong[0]} is not above 0 and up to 100", field="weights", figure=wrong[0])
    total = sum(weights.values())
    if abs(total - TOTAL) > 1e-6:
        raise Invalid(f"The weights give {total:g} together, not 100", hint="Change one of them", field="weights")
    return {name: float(weights[name]) for name in sorted(weights)}


def of_site(session: Session, site: str) -> list[KpiWeights]:
    """Every set of weights of a site, the newest first."""
    query = select(KpiWeights).where(KpiWeights.site == site).order_by(KpiWeights.from_on.desc())
    return list(session.scalars(query))


def valid_on(sets: Sequence[KpiWeights], day: date) -> KpiWeights | None:
    """The set that holds on a day; for a month, ask for its first day."""
    return max((one for one in sets if one.from_on <= day), key=lambda one: one.from_on, default=None)


def put(
    session: Session,
    site: str,
    from_on: date,
    weights: Mapping[str, float],
    now: datetime,
    *,
    today: date,
    actor: str,
    reason: str = "",
) -> KpiWeights:
    """Weights from a day on; raises Invalid, Conflict for a day whose month may have been reported."""
    good = checked(weights)
    if from_on.day != 1:
        raise Invalid("Weights hold from the first of a month", hint="Give the first day", field="weights_from")
    if from_on < today.replace(day=1):
        raise Conflict(
            f"Weights from {from_on} would change months that are over",
            hint="Older months keep theirs: give the first of this month or a later one",
            field="from_on",
        )
    row = session.get(KpiWeights, (site, from_on))
    before = dict(row.weights) if row is not None else None
    if row is None:
        row = KpiWeights(site=site, from_on=from_on, weights=good, set_at=now, set_by=actor, reason=reason[:400])
        session.add(row)
    else:
        row.weights, row.set_at, row.set_by, row.reason = good, now, actor, reason[:400]
    audit.record(session, now, actor, "report.weights", site, from_on=str(from_on), weights=good, before=before)
    return row


def score(figures: Sequence[Figure], weights: Mapping[str, float]) -> Score:
    """Points of a month: a figure earns its weight when it meets its target, else in proportion. Pure.

    A figure without data earns nothing and is taken out of the whole, so that silence is no success and no failure.
    """
    by_id = {one.id: one for one in figures}
    parts = []
    for name, weight in weights.items():
        figure = by_id.get(name)
        share = None if figure is None or figure.value is None else _share(figure.value, figure.target)
        parts.append((name, weight, None if share is None else weight * share))
    counted = [(weight, earned) for _, weight, earned in parts if earned is not None]
    return Score(sum(earned for _, earned in counted), sum(weight for weight, _ in counted), tuple(parts))


def _share(value: float, target: Target | None) -> float:
    if target is None:
        return max(0.0, min(value / 100.0, 1.0))
    met = {"ge": value >= target.value, "le": value <= target.value, "eq": value == target.value}[target.op]
    if met:
        return 1.0
    if target.op == "ge" and target.value > 0:
        return max(0.0, value / target.value)
    return target.value / value if target.op == "le" and value > 0 else 0.0
