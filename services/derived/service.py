"""What is known of pumps: their runs and tests, for pages, reports and plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.derived.tables import PumpRun, PumpTest
from services.kernel.ids import new_id

MOST = 2000


def runs(
    session: Session, site: str, since: datetime, until: datetime, *, station: str = "", equipment: str = ""
) -> list[PumpRun]:
    """Runs that touch [since, until), oldest first, those under way too; `MOST` of them at most, the newest."""
    query = select(PumpRun).where(
        PumpRun.site == site,
        PumpRun.started_at < until,
        or_(PumpRun.ended_at.is_(None), PumpRun.ended_at > since, PumpRun.started_at >= since),
    )
    if station:
        query = query.where(PumpRun.station == station)
    if equipment:
        query = query.where(PumpRun.equipment == equipment)
    newest = session.scalars(query.order_by(PumpRun.started_at.desc(), PumpRun.id.desc()).limit(MOST))
    return list(reversed(list(newest)))


def pressures(
    session: Session, site: str, equipment: str, since: datetime, until: datetime
) -> tuple[float | None, float | None]:
    """At which pressures a pump started and stopped, MPa: the medians of its runs that began in [since, until).

    Where a hand switched it on, the pressure says nothing about its switch.
    """
    query = select(PumpRun.start_pressure, PumpRun.stop_pressure).where(
        PumpRun.site == site,
        PumpRun.equipment == equipment,
        PumpRun.started_at >= since,
        PumpRun.started_at < until,
        PumpRun.cause != "manual",
    )
    found = session.execute(query).all()
    return _median(row[0] for row in found), _median(row[1] for row in found)


def pump_tests(session: Session, site: str, since: datetime, until: datetime, *, station: str = "") -> list[PumpTest]:
    """Tests within [since, until), newest first, failed ones too; the days of jockey pumps are not among them."""
    query = select(PumpTest).where(
        PumpTest.site == site, PumpTest.at >= since, PumpTest.at < until, PumpTest.kind != "jockey_day"
    )
    if station:
        query = query.where(PumpTest.station == station)
    return list(session.scalars(query.order_by(PumpTest.at.desc(), PumpTest.id.desc()).limit(MOST)))


@dataclass(frozen=True, slots=True)
class JockeyDay:
    """What GB 50974 ch. 14 wants written down of a jockey pump every day. Pressures in MPa."""

    starts: int
    start_pressure: float | None
    """The median of those that were measured."""
    stop_pressure: float | None
    seconds: float
    """Running time of the runs that ended."""

    def facts(self) -> dict[str, Any]:
        """As they are kept."""
        return {
            "starts": self.starts,
            "start_pressure": self.start_pressure,
            "stop_pressure": self.stop_pressure,
            "seconds": self.seconds,
        }


def jockey_day(rows: Sequence[PumpRun], since: datetime, until: datetime) -> JockeyDay:
    """The summary of a jockey pump's runs: those that began in [since, until)."""
    begun = [row for row in rows if since <= row.started_at < until]
    return JockeyDay(
        starts=len(begun),
        start_pressure=_median(row.start_pressure for row in begun),
        stop_pressure=_median(row.stop_pressure for row in begun),
        seconds=sum((row.ended_at - row.started_at).total_seconds() for row in begun if row.ended_at is not None),
    )


def keep_test(
    session: Session,
    *,
    site: str,
    station: str,
    equipment: str,
    kind: str,
    at: datetime,
    passed: bool,
    by: str = "",
    note: str = "",
    facts: Mapping[str, Any],
) -> PumpTest:
    """Write a test down; `by`: who entered it, empty: nobody had to."""
    row = PumpTest(
        id=new_id(),
        site=site,
        station=station,
        equipment=equipment,
        kind=kind,
        at=at,
        passed=passed,
        by=by,
        run_id=None,
        note=note,
        facts=dict(facts),
    )
    session.add(row)
    session.flush()
    return row


def _median(values: Any) -> float | None:
    known = [one for one in values if one is not None]
    return round(median(known), 4) if known else None
