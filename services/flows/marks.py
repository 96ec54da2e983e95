"""Which alerts and excursions Grafana should have as marks on its boards, and what the marks say."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from gateway.contract.times import to_ms
from gateway.site.model import Configs, SiteConfig
from services.alert.tables import Alert
from services.annotation import store
from services.annotation.model import Mark, horizon, tags_of, text_of
from services.annotation.tables import Annotation
from services.flows.patrol.emergency import DURESS_RULE
from services.rules.tables import Excursion

LEVELS = {"critical": "紧急", "high": "高", "medium": "中", "low": "低"}
SEVERE = frozenset({"critical", "high"})
_ROWS_KEPT = timedelta(days=8)
"""Longer than marks are made: a row that is forgotten too early would be made again."""


class Wanted:
    """What Grafana does not have as it is; `console`: the address people open it by, empty: no links."""

    def __init__(self, configs: Configs, console: str) -> None:
        self._configs = configs
        self._console = console.rstrip("/")

    def __call__(self, session: Session, now: datetime, most: int) -> list[Mark]:
        """At most so many marks, the newest first."""
        found: list[Mark] = []
        for select_alerts in (self._new_alerts, self._changed_alerts):
            alerts = session.scalars(select_alerts(now).limit(most - len(found)))
            found += [of_alert(self._configs, alert, self._console) for alert in alerts]
        excursions = session.scalars(self._excursions(now).limit(most - len(found)))
        return found + [of_excursion(self._configs, one, self._console) for one in excursions]

    def _new_alerts(self, now: datetime) -> Select[Alert]:
        """What was raised under duress never hangs on a wall."""
        return (
            select(Alert)
            .outerjoin(Annotation, Annotation.key == literal("alert:").concat(Alert.id))
            .where(
                Alert.site.in_(sorted(self._configs.sites)),
                Alert.rule != DURESS_RULE,
                Alert.opened_at >= horizon(now),
                Annotation.key.is_(None),
            )
            .order_by(Alert.opened_at.desc())
        )

    @staticmethod
    def _changed_alerts(now: datetime) -> Select[Alert]:
        return (
            select(Alert)
            .join(Annotation, Alert.id == _id_of("alert"))
            .where(_told("alert"), _free(now), Annotation.told != cast(Alert.version, String))
            .order_by(Alert.opened_at.desc())
        )

    def _excursions(self, now: datetime) -> Select[Excursion]:
        return (
            select(Excursion)
            .outerjoin(Annotation, Annotation.key == literal("excursion:").concat(Excursion.id))
            .where(
                Excursion.ended_at >= horizon(now),
                Excursion.suspended.is_(False),
                or_(Annotation.key.is_(None), _free(now) & (Annotation.told == "")),
            )
            .order_by(Excursion.ended_at.desc())
        )

    @staticmethod
    def forget(session: Session, now: datetime) -> None:
        """Drop the rows of what nobody will change any more."""
        old = now - _ROWS_KEPT
        closed = exists().where(Alert.id == _id_of("alert"), Alert.opened_at < old, Alert.closed_at < old)
        ended = exists().where(Excursion.id == _id_of("excursion"), Excursion.ended_at < old)
        store.forget(session, _told("alert") & closed, _told("excursion") & ended)


def _told(kind: str) -> ColumnElement[bool]:
    return Annotation.key.startswith(f"{kind}:")


def _id_of(kind: str) -> ColumnElement[str]:
    """Of what a row is about: told this way round, a database walks the few rows and not all alerts ever."""
    return func.substr(Annotation.key, len(kind) + 2)


def of_alert(configs: Configs, alert: Alert, console: str) -> Mark:
    """An alert from its first activation to its return to normal."""
    config = configs.sites.get(alert.site)
    key = f"alert:{alert.id}"
    start_ms = to_ms(alert.opened_at)
    over_at = None if alert.active else alert.cleared_at or alert.closed_at
    family = alert.rule.partition("-")[0].lower()
    area = _area(config, alert.target, str(alert.detail.get("area") or ""))
    severe = "severe" if alert.max_severity in SEVERE else ""
    value = "" if alert.value is None else f"{alert.value:g} {'' if alert.unit == '1' else alert.unit}".rstrip()
    return Mark(
        key=key,
        told=str(alert.version),
        start_ms=start_ms,
        end_ms=max(start_ms, to_ms(over_at)) if over_at is not None else start_ms,
        tags=tags_of(key, ("alert", alert.site, area, family, alert.max_severity, severe)),
        text=text_of(
            (f"{LEVELS.get(alert.max_severity, alert.max_severity)} · {alert.title}", _both(value, alert.limit_text)),
            f"{console}/alerts/{alert.id}" if console else "",
            "打开报警",
        ),
    )


def of_excursion(configs: Configs, excursion: Excursion, console: str) -> Mark:
    """A time outside a limit."""
    site, _, point_id = excursion.point.partition("/")
    config = configs.sites.get(site)
    point = config.point_by_id.get(point_id) if config is not None else None
    key = f"excursion:{excursion.id}"
    start_ms = to_ms(excursion.started_at)
    unit = "" if point is None or point.unit == "1" else f" {point.unit}"
    name = point.name if point is not None else point_id
    return Mark(
        key=key,
        told="1",
        start_ms=start_ms,
        end_ms=max(start_ms, to_ms(excursion.ended_at)),
        tags=tags_of(key, ("excursion", site, _area(config, excursion.point, ""), point_id)),
        text=text_of(
            (f"{name} 越限（{excursion.rule}）", f"极值 {excursion.worst:g}{unit}"),
            f"{console}/points/{site}/{point_id}" if console else "",
            "打开测点",
        ),
    )


def _free(now: datetime) -> ColumnElement[bool]:
    """Nobody is at it, and it is not waiting after a failure."""
    return or_(Annotation.next_at.is_(None), Annotation.next_at <= now)


def _both(value: str, limit: str) -> str:
    return "，".join(part for part in (value, limit) if part)


def _area(config: SiteConfig | None, target: str, known: str) -> str:
    """The area a board filters by; empty: it has none."""
    if config is None:
        return ""
    rest = target.partition("/")[2]
    point, device = config.point_by_id.get(rest), config.device_by_id.get(rest)
    if point is not None:
        return config.area_of(point).id
    return device.area if device is not None else known
