"""A device that is gone, comes and goes, or runs out of battery: one alert of its own, in front of all its points'.

What a point that fell silent with its device would tell is not told; when the device is back and the point is not,
it is. Stretches are rows, so a restart changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from gateway.contract.times import from_ms, to_ms
from gateway.site.limit import SEVERITIES, Limit, Severity
from gateway.site.model import Device, SiteConfig
from gateway.site.policies import DATA_POLICY
from gateway.site.pumps import pumps_of
from services.alert import service as alerts
from services.device import presence, silence
from services.device.ledger import DeviceLedger
from services.device.presence import BATTERY, FLAP, RULES, SILENT
from services.device.tables import DeviceSilence
from services.flows.maintenance import MaintenanceBoard
from services.flows.telling import announce_again, clear_and_tell, raise_and_tell
from services.rules.engine import Engine, Finding
from services.rules.memory import Effect, Phase

_SOURCE = "Gengfu"
_LATELY = timedelta(hours=1)
Key = tuple[str, str]


@dataclass(slots=True)
class Absence:
    """A device that is not there, or lately was not."""

    row: str = ""
    """The running stretch; empty: the device is there."""
    kind: str = ""
    """silent or offline."""
    since_ms: int = 0
    excused: bool = False
    back_ms: int = 0
    """When it was heard again; its points still have their time to follow. 0: nothing to wait for."""
    starts: tuple[int, ...] = ()
    """When it lately went away."""
    changed_ms: int = 0
    flapping: str = ""
    """The stretch in which it comes and goes; empty: it does not."""
    told: bool = False
    """Its alert is up."""


class DeviceWatch:
    """Watches the devices of an ingest group; driven by the judge, in its transactions."""

    def __init__(
        self, sites: Mapping[str, SiteConfig], engine: Engine, ledger: DeviceLedger, board: MaintenanceBoard
    ) -> None:
        self._sites = sites
        self._engine = engine
        self._ledger = ledger
        self._board = board
        self._absent: dict[Key, Absence] = {}
        self._watched: dict[Key, list[tuple[str, Limit, int]]] = {}
        """Device → (point, its limit on silence, its interval in ms)."""
        self._device_of: dict[str, Key] = {}
        self._fire_pumps = {
            (config.site.id, config.point(name).device)
            for config in sites.values()
            for station in config.stations
            if station.kind == "fire"
            for name in (station.pressure, *(pump.run for pump in pumps_of(station)))
            if name in config.point_by_id
        }
        """What tells of the pressure and the contacts of fire pumps."""
        for config in sites.values():
            for point in config.points:
                key, name = config.key(point.id), (config.site.id, point.device)
                self._device_of[key] = name
                stale = next((one for one in config.limits_by_point.get(key, ()) if one.kind == "stale"), None)
                if stale is not None and point.interval is not None:
                    interval_ms = point.interval // timedelta(milliseconds=1)
                    self._watched.setdefault(name, []).append((key, stale, interval_ms))

    def load(self, session: Session, now_ms: int) -> None:
        """Take what is known from the database; what memory held before is forgotten."""
        self._absent = {}
        for row in silence.lately(session, from_ms(now_ms) - _LATELY):
            site, _, device = row.device.partition("/")
            if site not in self._sites:
                continue
            one = self._absent.setdefault((site, device), Absence())
            if row.kind == silence.FLAPPING:
                one.flapping = row.id if row.ended_at is None else one.flapping
                continue
            one.starts = (*one.starts, to_ms(row.started_at))
            one.since_ms, one.kind, one.excused = to_ms(row.started_at), row.kind, row.excused
            one.row = row.id if row.ended_at is None else ""
            one.back_ms = 0 if row.ended_at is None else to_ms(row.ended_at)
            one.changed_ms = max(one.since_ms, one.back_ms)
        for site in self._sites:
            for alert in alerts.open_alerts(session, site):
                if alert.rule == SILENT and alert.active:
                    device = alert.target.partition("/")[2]
                    one = self._absent.setdefault((site, device), Absence())
                    one.told = True
                    if not one.row and not one.back_ms:
                        one.back_ms = to_ms(alert.last_active_at)

    def heard(self, session: Session, now_ms: int) -> None:
        """Take in what devices said about themselves: there or not there, and their batteries."""
        for flip in self._ledger.take_flips():
            key = (flip.site, flip.device)
            if flip.device not in self._sites[flip.site].device_by_id:
                continue
            one = self._absent.setdefault(key, Absence())
            if not flip.online and not one.row:
                self._begin(session, key, "offline", flip.at_ms, now_ms)
            elif flip.online and one.row and one.kind == "offline":
                self._end(session, key, flip.at_ms)
        for site, device in self._ledger.take_batteries():
            known = self._ledger.device(site, device)
            if known is not None and known.battery is not None and device in self._sites[site].device_by_id:
                self._tell_battery(session, (site, device), known.battery, from_ms(now_ms))

    def hides(self, session: Session, finding: Finding, now_ms: int, hearing_since_ms: int) -> bool:
        """Whether a point's silence is its device's, which is told instead; notes that the device is silent."""
        limit, effect = finding
        if limit.kind != "stale" or effect.kind != "breached":
            return False
        key = self._device_of[limit.point]
        one = self._absent.get(key)
        if one is None or not one.row:
            since_ms = self._silent_since(key, limit, now_ms, hearing_since_ms)
            if since_ms is None:  # while its alert is up, what is left is told when its points had their time
                return one is not None and (bool(one.flapping) or (one.told and one.back_ms > 0))
            one = self._begin(session, key, "silent", since_ms, now_ms)
        return bool(one.flapping) or self._speaks_for_points(key, one)

    def tick(self, session: Session, now_ms: int) -> list[Finding]:
        """Let time pass for devices that are gone or lately were; returns silences of points left to be told."""
        left: list[Finding] = []
        for key in list(self._absent):
            one = self._absent[key]
            if one.row and self._is_back(key, one):
                self._end(session, key, now_ms)
            self._look_at_flapping(session, key, now_ms)
            if one.row and not one.told and not one.flapping and self._is_due(key, one, now_ms):
                self._tell(session, key, now_ms)
            if one.back_ms and not one.row and not one.flapping:
                left += self._settle(session, key, now_ms)
            if not (one.row or one.back_ms or one.flapping or one.told):
                one.starts = tuple(t for t in one.starts if now_ms - t < presence.FLAP_WINDOW_MS)
                if not one.starts:
                    del self._absent[key]
        return left

    def _silent_since(self, key: Key, limit: Limit, now_ms: int, hearing_since_ms: int) -> int | None:
        """When the device was last heard, if its point's silence is its own; None: it is the point's."""
        known = self._ledger.device(*key)
        heard_ms = max(known.heard_ms if known is not None else 0, hearing_since_ms)
        quiet_ms = now_ms - heard_ms
        points = self._watched[key]
        breached = sum(1 for _ in self._silent_points(key))
        overdue = sum(quiet_ms >= presence.OVERDUE * interval_ms for _, _, interval_ms in points)
        silent = presence.is_silent(
            quiet_ms=quiet_ms,
            stale_after_ms=limit.stale_after_ms,
            breached=breached,
            overdue=overdue,
            points=len(points),
        )
        return heard_ms if silent else None

    def _silent_points(self, key: Key) -> Iterator[tuple[Limit, int]]:
        """Limits on silence of the device's points that are broken, and since when."""
        for point, limit, _ in self._watched.get(key, ()):
            track = self._engine.tracks[point]
            for (one, _), state in zip(track.rules, track.states, strict=True):
                if one.rule == limit.rule and state.phase is Phase.BREACHED:
                    yield limit, state.last_ms or state.since_ms

    def _is_back(self, key: Key, one: Absence) -> bool:
        points = self._watched.get(key, ())
        known = self._ledger.device(*key)
        if known is None:
            return False
        if one.kind == "offline":
            said_ms = max((self._engine.tracks[point].received_ms for point, *_ in points), default=0)
            return known.online is True or said_ms > one.since_ms + presence.STILL_THERE_MS
        silent = sum(1 for _ in self._silent_points(key))
        return known.heard_ms > one.since_ms and (not points or silent < presence.MOST * len(points))

    def _begin(self, session: Session, key: Key, kind: str, since_ms: int, now_ms: int) -> Absence:
        one = self._absent.setdefault(key, Absence())
        one.excused = self._is_worked_on(key, now_ms)
        one.row = silence.begin(session, _name(key), kind, from_ms(since_ms), excused=one.excused)
        one.kind, one.since_ms, one.back_ms, one.changed_ms = kind, since_ms, 0, now_ms
        one.starts = (*(t for t in one.starts if now_ms - t < presence.FLAP_WINDOW_MS), since_ms)
        return one

    def _is_worked_on(self, key: Key, now_ms: int) -> bool:
        """Whether a maintenance mode covers all of it."""
        names = [point for point, *_ in self._watched.get(key, ())] or [_name(key)]
        return all(self._board.reason(name, now_ms) for name in names)

    def _end(self, session: Session, key: Key, at_ms: int) -> None:
        one = self._absent[key]
        silence.end(session, one.row, from_ms(at_ms))
        one.row, one.back_ms, one.changed_ms = "", max(at_ms, one.since_ms), at_ms

    def _speaks_for_points(self, key: Key, one: Absence) -> bool:
        """One point alone speaks for itself, as long as its device does not say that it is off line."""
        return len(self._watched.get(key, ())) >= presence.SOME or one.kind == "offline"

    def _is_due(self, key: Key, one: Absence, now_ms: int) -> bool:
        config = self._sites[key[0]]
        if any(source.id == key[1] for source in config.fire.sources):
            return False  # FIRE-LINK speaks for it
        watched = self._watched.get(key, ())
        if not (watched or config.device(key[1]).heartbeat is not None) or not self._speaks_for_points(key, one):
            return False
        if self._is_worked_on(key, now_ms):
            return False
        waited = now_ms - one.since_ms >= presence.OFFLINE_GRACE_MS
        return one.kind == "silent" or waited or any(True for _ in self._silent_points(key))

    def _tell(self, session: Session, key: Key, now_ms: int) -> None:
        """Raise the device's alert, and put what its points told already behind it."""
        one, now = self._absent[key], from_ms(now_ms)
        points = [limit for _, limit, _ in self._watched.get(key, ())]
        worst = max(points, key=lambda limit: SEVERITIES.index(limit.severity), default=None)
        name, name_en = _words(self._sites[key[0]].device(key[1]))
        count, count_en = (f"（{len(points)} 个测点无数据）", f" ({len(points)} points)") if points else ("", "")
        self._raise(
            session,
            key,
            SILENT,
            f"{name}：设备失联{count}",
            f"{name_en}: device silent{count_en}",
            self._severity(key, worst),
            worst.policy if worst is not None else DATA_POLICY,
            now,
            {
                "since": from_ms(one.since_ms).isoformat(),
                "why": one.kind,
                "points": [limit.point.partition("/")[2] for limit in points],
            }
            | ({"stands_for": worst.point} if worst is not None else {}),
        )
        one.told = True
        for limit in points:
            alert = alerts.find_open(session, limit.rule, limit.point)
            if alert is not None and alert.active and alert.suppressed is None:
                alerts.suppress(session, alert.id, reason=presence.BEHIND, now=now)

    def _severity(self, key: Key, worst: Limit | None) -> Severity:
        """That of the gravest silence it stands for; nobody sees whether the fire pumps start: high at least."""
        severity: Severity = worst.severity if worst is not None else "medium"
        return max(severity, "high", key=SEVERITIES.index) if key in self._fire_pumps else severity

    def _settle(self, session: Session, key: Key, now_ms: int) -> list[Finding]:
        """Its points had their time to follow: all clear, and what is left is told."""
        one, now = self._absent[key], from_ms(now_ms)
        silent = list(self._silent_points(key))
        if any(now_ms - one.back_ms <= limit.stale_after_ms for limit, _ in silent):
            return []
        config = self._sites[key[0]]
        if one.told:
            clear_and_tell(session, config, SILENT, _name(key), from_ms(one.back_ms), now)
        one.told, one.back_ms = False, 0
        left: list[Finding] = []
        for limit, since_ms in silent:
            alert = alerts.find_open(session, limit.rule, limit.point)
            if alert is None or not alert.active:
                left.append(Finding(limit, Effect("breached", now_ms, 0.0, since_ms=since_ms)))
        for _, limit, _ in self._watched.get(key, ()):
            alert = alerts.find_open(session, limit.rule, limit.point)
            if alert is not None and alert.suppressed == presence.BEHIND:
                worked_on = self._board.reason(limit.point, now_ms)
                shown = alerts.unsuppress(session, alert.id, now=now)
                if worked_on is None:
                    announce_again(session, config, shown, now)
                else:
                    alerts.suppress(session, alert.id, reason=worked_on, now=now)
        return left

    def _look_at_flapping(self, session: Session, key: Key, now_ms: int) -> None:
        one, now = self._absent[key], from_ms(now_ms)
        config = self._sites[key[0]]
        if not one.flapping and not one.excused and presence.flaps(one.starts, now_ms):
            one.flapping = silence.begin(session, _name(key), silence.FLAPPING, from_ms(one.starts[0]), excused=False)
            name, name_en = _words(config.device(key[1]))
            count = len(one.starts)
            self._raise(
                session, key, FLAP, f"{name}：设备时断时续（30 分钟内 {count} 次）",
                f"{name_en}: comes and goes ({count} times in 30 min)", self._severity(key, None), DATA_POLICY, now,
                {"count": count},
            )  # fmt: skip
            if one.told:  # the new alert stands for it; nobody is told that it is over, because it is not
                alerts.clear_alert(session, SILENT, _name(key), now, None, now)
                one.told = False
        elif one.flapping and presence.is_calm(one.changed_ms, now_ms):
            silence.end(session, one.flapping, now)
            clear_and_tell(session, config, FLAP, _name(key), now, now)
            one.flapping, one.starts = "", ()

    def _tell_battery(self, session: Session, key: Key, battery: float, now: datetime) -> None:
        if battery >= presence.BATTERY_BACK:
            clear_and_tell(session, self._sites[key[0]], BATTERY, _name(key), now, now)
        elif battery <= presence.BATTERY_LOW:
            name, name_en = _words(self._sites[key[0]].device(key[1]))
            title, title_en = f"{name}：电池电量低（{battery:.0f}%）", f"{name_en}: battery low ({battery:.0f}%)"
            self._raise(session, key, BATTERY, title, title_en, "low", DATA_POLICY, now, {"battery": battery})

    def _raise(
        self, session: Session, key: Key, rule: str, title: str, title_en: str, severity: Severity, policy: str,
        now: datetime, detail: Mapping[str, object],
    ) -> None:  # fmt: skip
        config = self._sites[key[0]]
        device = config.device(key[1])
        found = config.policy_by_id.get(policy) or next(iter(config.policies), None)
        about = str(detail.get("stands_for", ""))
        engineers = config.responsible("engineer", about) if about else config.people_with("engineer", device.area)
        owner = next(iter(engineers), None)
        whose = {"assignee": owner.username} if owner is not None else {}
        raise_and_tell(
            session,
            config,
            alerts.Activation(
                site=key[0],
                rule=rule,
                target=_name(key),
                title=title,
                title_en=title_en,
                severity=severity,
                event_at=now,
                source=_SOURCE,
                requirement=rule,
                policy=found.model_dump(mode="json") if found is not None else {},
                detail={"area": device.area, "device": device.id, **whose, **detail},
            ),
            now,
        )


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _words(device: Device) -> tuple[str, str]:
    return device.name, device.name_en or device.name


def withdraw_orphans(session: Session, config: SiteConfig, now: datetime) -> None:
    """End alerts and stretches of devices that the site files do not have any more."""
    for alert in alerts.open_alerts(session, config.site.id):
        if alert.rule in RULES and str(alert.detail.get("device", "")) not in config.device_by_id:
            alerts.withdraw(session, alert.id, "target_removed", now)
    known = [f"{config.site.id}/{one.id}" for one in config.devices]
    session.execute(
        update(DeviceSilence)
        .where(
            DeviceSilence.device.startswith(f"{config.site.id}/", autoescape=True),
            DeviceSilence.device.not_in(known),
            DeviceSilence.ended_at.is_(None),
        )
        .values(ended_at=now)
        .execution_options(synchronize_session=False)
    )
