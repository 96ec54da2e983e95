"""What every collector looks up: names of people, places and kinds, orders behind alerts, readings before a moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.site.equipment_kinds import KINDS
from gateway.site.model import Point, SiteConfig
from gateway.timeseries.store import TimeSeriesStore
from services.alert.tables import Alert
from services.report.model import Month
from services.work_order.tables import WorkOrder

AT_ONCE = 500
"""Ids in one query."""
_LATELY, _EVER, _HOUR = timedelta(days=2), timedelta(days=400), timedelta(hours=1)
T = TypeVar("T")


def chunks(ids: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """As many as one query takes at a time."""
    rest = iter(ids)
    while some := tuple(islice(rest, AT_ONCE)):
        yield some


def person(config: SiteConfig, username: str | None) -> str:
    """What somebody is called at the site; the username of one who left its files."""
    if username == "system":
        return "系统"
    found = config.person_by_username.get(username or "")
    return found.name if found is not None else username or ""


def area(config: SiteConfig, area_id: str) -> str:
    """An area with what it lies in, outermost first."""
    return " ".join(one.name for one in config.area_path(area_id)) if area_id in config.area_by_id else area_id


def kind(kind_id: str) -> str:
    """A kind of equipment."""
    found = next((name for one, name in KINDS.items() if one == kind_id), None)
    return found.name if found is not None else kind_id


def place_of(config: SiteConfig, point: Point) -> str:
    """Where a point is."""
    return area(config, config.area_of(point).id)


def orders_of_alerts(session: Session, alert_ids: Sequence[str]) -> Mapping[str, WorkOrder]:
    """The work order of each alert that has one: the first of several."""
    found: dict[str, WorkOrder] = {}
    for some in chunks(alert_ids):
        query = select(WorkOrder).where(WorkOrder.alert_id.in_(some)).order_by(WorkOrder.created_at, WorkOrder.id)
        for one in session.scalars(query):
            found.setdefault(one.alert_id or "", one)
    return found


def alerts_of_month(session: Session, config: SiteConfig, month: Month, *rules: str) -> list[Alert]:
    """Alerts of these rules that were open at some time of the month."""
    query = select(Alert).where(
        Alert.site == config.site.id,
        Alert.rule.in_(rules),
        Alert.opened_at < month.ends_at,
        (Alert.closed_at.is_(None)) | (Alert.closed_at >= month.since_at),
    )
    return list(session.scalars(query.order_by(Alert.opened_at, Alert.id)))


def alert_at(alerts: Iterable[Alert], target: str, started_at: datetime, ended_at: datetime) -> Alert | None:
    """The alert of a target that was open at some moment between two."""
    return next(
        (one for one in alerts if one.target == target and one.opened_at <= ended_at
         and (one.closed_at is None or one.closed_at >= started_at)),
        None,
    )  # fmt: skip


def last_before(store: TimeSeriesStore, key: str, until: datetime) -> tuple[datetime, float] | None:
    """The newest good value before a moment, and its time (of rolled-up ones the hour it fell in)."""
    newest = store.latest([key]).get(key)
    if newest is None:
        return None
    if newest.at < until and newest.quality < 2:
        return newest.at, newest.value
    for back in (_LATELY, _EVER):
        buckets = store.range(key, until - back, until, _HOUR)
        if buckets:
            return buckets[-1].at, buckets[-1].last
    return None
