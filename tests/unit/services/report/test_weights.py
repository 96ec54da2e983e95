"""Weights of key figures: together 100, valid from a month on, and what they make of a month."""

from datetime import UTC, date, datetime

import pytest

from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid
from services.report import weights
from services.report.model import Figure, Target, verdict_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def figure(name: str, value: float | None, target: Target | None = None) -> Figure:
    return Figure(
        id=name, name=name, name_en=name, unit="percent", value=value, target=target,
        verdict=verdict_of(value, target), how="",
    )  # fmt: skip


@pytest.mark.parametrize(
    "given", [{}, {"a.b": 99.9}, {"a.b": 60.0, "c.d": 60.0}, {"a.b": 100.0, "c.d": 0.0}, {"a.b": float("nan")}]
)
def test_weights_that_are_none(given: dict[str, float]) -> None:
    with pytest.raises(Invalid):
        weights.checked(given)


def test_weights_may_be_fractions() -> None:
    assert sum(weights.checked({"a.b": 33.3, "c.d": 33.3, "e.f": 33.4}).values()) == pytest.approx(100)


def test_older_months_keep_theirs(db: Database) -> None:
    with db.begin() as session:
        for first, given in ((date(2026, 11, 1), {"a.b": 100.0}), (date(2027, 2, 1), {"c.d": 100.0})):
            weights.put(session, "yunhe", first, given, NOW, today=TODAY, actor="manager", reason="节能")
        with pytest.raises(Conflict):
            weights.put(session, "yunhe", date(2026, 10, 1), {"a.b": 100.0}, NOW, today=TODAY, actor="manager")
        with pytest.raises(Invalid):
            weights.put(session, "yunhe", date(2026, 12, 2), {"a.b": 100.0}, NOW, today=TODAY, actor="manager")
    with db.read() as session:
        sets = weights.of_site(session, "yunhe")
    months = {day: weights.valid_on(sets, day) for day in (date(2026, 10, 1), date(2026, 12, 1), date(2027, 2, 1))}
    assert [one.weights if one else None for one in months.values()] == [None, {"a.b": 100.0}, {"c.d": 100.0}]


def test_a_figure_earns_its_weight_or_its_share_of_it() -> None:
    at_least, at_most = Target(op="ge", value=90.0), Target(op="le", value=5.0)
    figures = [figure("a.met", 95.0, at_least), figure("b.half", 45.0, at_least), figure("c.over", 10.0, at_most)]
    found = weights.score(
        [*figures, figure("d.none", None, at_least)], {"a.met": 40, "b.half": 20, "c.over": 20, "d.none": 20}
    )
    assert [earned for _, _, earned in found.parts] == [40, pytest.approx(10), pytest.approx(10), None]
    assert (found.points, found.of) == (pytest.approx(60), 80)
