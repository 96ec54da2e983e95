"""Fire signals are heard: stored once, replayed into components, told on to incidents, alerts and upkeep.

One batch costs a handful of statements however many signals it has: a storm of five hundred is one incident.
"""

import itertools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from gateway.contract.errors import NotNow
from gateway.contract.heard import Heard
from gateway.contract.times import from_ms
from gateway.site.model import SiteConfig
from services.device.tables import DeviceState
from services.fire import incidents, modes, signals
from services.fire.model import FIRE, Change, Component, Holding, Signal, apply, is_device, order_of, settle
from services.fire.signals import Places
from services.fire.tables import FireIncident, FireTestMode
from services.flows import system
from services.flows.fire import care as fire_care
from services.flows.fire import incident as fire_incident
from services.flows.fire import trouble as fire_trouble

log = logging.getLogger(__name__)

NO_NEWS = frozenset({"reply"})
"""Marks of what was said because we asked."""
_PASSING = (OperationalError, InterfaceError, IntegrityError, NotNow)
"""Nothing can be committed now: the whole batch is tried again."""
_Follow = Callable[[Session, SiteConfig, Sequence[Change], datetime], None]


@dataclass(slots=True)
class _Batch:
    """The signals of one site, and what they did."""

    components: dict[str, Component]
    touched: dict[str, None] = field(default_factory=dict)
    kept: list[Signal] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def now(self, change: Change) -> Component:
        """A change's component as the whole batch leaves it."""
        return self.components[change.component.id]


class FireDesk:
    """Judges the fire signals of the sites of one ingest group; state lives in rows."""

    def __init__(self, sites: Mapping[str, SiteConfig], late_after: timedelta) -> None:
        self._sites = sites
        self._late_after = late_after
        self._places = {site: Places(config) for site, config in sites.items()}
        self._waiting: dict[str, list[Signal]] = {}

    @property
    def waits(self) -> bool:
        """Something was heard and not yet settled."""
        return bool(self._waiting)

    def hear(self, session: Session, event: Heard) -> None:
        """Take one fire event; `settle` judges it before the transaction ends."""
        self._waiting.setdefault(event.site, []).append(signals.signal_of(self._places[event.site], event))

    def forget(self) -> None:
        """The transaction is gone, and what was heard in it comes again."""
        self._waiting.clear()

    def settle(self, session: Session, now: datetime) -> None:
        """Judge what was heard since the last time."""
        waiting, self._waiting = self._waiting, {}
        for site, heard in waiting.items():
            self._settle_site(session, self._sites[site], sorted(heard, key=order_of), now)

    def _settle_site(self, session: Session, config: SiteConfig, heard: Sequence[Signal], now: datetime) -> None:
        site = config.site.id
        open_now = incidents.find_open(session, site, sorted({one.building for one in heard}))
        news = _News(session, site, open_now, self._late_after)
        batch = _replay(session, site, heard, now, news)
        if not batch.kept:
            return
        self._hear_fires(session, config, batch, news, open_now, now)
        _note_resets(session, batch, open_now, now)
        signals.save_components(session, (batch.components[name] for name in batch.touched))
        signals.save_signals(session, _with_incidents(batch, open_now))
        _follow_up(session, config, "fire.trouble", fire_trouble.settle, batch.changes, now)
        _follow_up(session, config, "fire.care", fire_care.take, batch.changes, now)

    def _hear_fires(
        self,
        session: Session,
        config: SiteConfig,
        batch: _Batch,
        news: "_News",
        open_now: dict[str, FireIncident],
        now: datetime,
    ) -> None:
        fires = dict(news.fires)
        for building, changes in news.fires.items():
            if building not in open_now and all(_is_past(one, batch, news) for one in changes):
                fire_incident.note_past(session, config, fires.pop(building), now)
        if fires:
            fire_incident.hear(session, config, fires, open_now, now, self._late_after)


class _News:
    """Which reports of fire are news to the incidents, signal by signal as a batch is replayed."""

    def __init__(
        self, session: Session, site: str, open_now: Mapping[str, FireIncident], late_after: timedelta
    ) -> None:
        self._session, self._site, self._late_after = session, site, late_after
        self._since = {building: row.opened_at for building, row in open_now.items()}
        self._joined = {building: _components_of(row) for building, row in open_now.items()}
        self._elsewhere: set[str] | None = None
        self._closed: dict[str, datetime | None] = {}
        self._slow: dict[str, bool] = {}
        self.fires: dict[str, list[Change]] = {}
        """What opens an incident or joins one, by building."""

    def is_on_fire(self, building: str) -> bool:
        """An incident of it is open, or the batch has opened one."""
        return building in self._since

    def closed_at(self, building: str) -> datetime | None:
        """When its newest closed incident was closed."""
        if building not in self._closed:
            self._closed[building] = incidents.last_closed(self._session, self._site, building)
        return self._closed[building]

    def note(self, change: Change) -> None:
        """The next change; a test is no news."""
        if change.signal.test or not (FIRE in change.began or self._says_again(change)):
            return
        building = change.component.building
        self.fires.setdefault(building, []).append(change)
        self._joined.setdefault(building, set()).add(change.component.id)
        self._since.setdefault(building, self._said_at(change.signal))

    def is_backlog(self, signal: Signal) -> bool:
        """It arrived late, and not only by the word of a clock that is slow."""
        late = signal.received_at - signal.at > self._late_after
        return late and not self._is_slow(signal.device)

    def _says_again(self, change: Change) -> bool:
        """What was known to burn reports fire once more, and its building's incident does not know of it.

        The reset between was perhaps not heard. Answers to our own questions say nothing new.
        """
        signal, component = change.signal, change.component
        if not signal.says_fire or signal.id != component.signal_id or not NO_NEWS.isdisjoint(signal.marks):
            return False
        since = self._since.get(component.building)
        if since is not None:
            known = component.id in self._joined[component.building]
            return signal.is_line or (not known and self._said_at(signal) >= since)
        closed_at = self.closed_at(component.building)
        if closed_at is not None and self._said_at(signal) <= closed_at:
            return False
        return signal.is_line or component.id not in self._open_elsewhere()

    def _said_at(self, signal: Signal) -> datetime:
        """By our own clock: when it arrived, unless it had been waiting somewhere."""
        return signal.at if self.is_backlog(signal) else signal.received_at

    def _is_slow(self, device: str) -> bool:
        """Its clock is behind, or nobody knows: what it said last before this batch seemed late already."""
        if device not in self._slow:
            row = self._session.get(DeviceState, f"{self._site}/{device}")
            self._slow[device] = row is None or from_ms(row.heard_ms) - from_ms(row.event_ms) > self._late_after
        return self._slow[device]

    def _open_elsewhere(self) -> set[str]:
        """Components of incidents that are open, those of buildings that have another name now among them."""
        if self._elsewhere is None:
            rows = incidents.open_at(self._session, self._site)
            self._elsewhere = {one for row in rows for one in _components_of(row)}
        return self._elsewhere


def _components_of(row: FireIncident) -> set[str]:
    return {one for components in row.zones.values() for one in components}


def _is_past(change: Change, batch: _Batch, news: _News) -> bool:
    """It was over before it was heard, and that was long ago."""
    return FIRE not in batch.now(change).states and news.is_backlog(change.signal)


def _follow_up(
    session: Session, config: SiteConfig, kind: str, follow: _Follow, changes: Sequence[Change], now: datetime
) -> None:
    """What else signals mean: whatever of it fails takes neither the fire nor the other signals with it."""
    try:
        with session.begin_nested():
            follow(session, config, changes, now)
        return
    except _PASSING:
        raise
    except Exception as error:
        said = [list(group) for _, group in itertools.groupby(changes, key=lambda one: one.signal.id)]
        if len(said) == 1:
            log.exception("%s of signal %s failed", kind, changes[0].signal.id)
            _tell_failed(session, config, kind, f"{changes[0].signal.id}: {error}", now)
            return
    half = len(said) // 2
    for part in (said[:half], said[half:]):
        _follow_up(session, config, kind, follow, [one for group in part for one in group], now)


def _tell_failed(session: Session, config: SiteConfig, kind: str, error: str, now: datetime) -> None:
    try:
        with session.begin_nested():
            system.timer_failed(session, config, kind, error, now)
    except _PASSING:
        raise
    except Exception:
        log.exception("nobody could be told that %s failed", kind)


def _replay(session: Session, site: str, heard: Sequence[Signal], now: datetime, news: _News) -> _Batch:
    ending = {one.panel for one in heard if one.resets or one.all_normal}
    batch = _Batch(signals.load(session, site, (one.component for one in heard), ending))
    stored = signals.repeated(session, site, heard)
    running = modes.active(session, site, now)
    for told in heard:
        # Where something burns already, what spreads must not be taken for a test.
        is_test = not news.is_on_fire(told.building) and _is_test(running, told)
        signal = replace(told, test=True) if is_test else told
        if signal.key:
            before = stored.get((signal.device, signal.key))
            if before is not None and _is_repeated(batch, news, signal, before):
                continue
            stored[signal.device, signal.key] = signal.received_at
        done = len(batch.changes)
        _take(batch, signal)
        for change in batch.changes[done:]:
            news.note(change)
    return batch


def _is_test(running: Iterable[FireTestMode], signal: Signal) -> bool:
    """Heard in a test mode that had begun when it was said."""
    return any(modes.covers(one, signal.panel, signal.zone) and one.begun_at <= signal.at for one in running)


def _is_repeated(batch: _Batch, news: _News, signal: Signal, before: datetime) -> bool:
    """It is a retransmission of what was stored at `before`.

    Senders that do not count repeat themselves word for word: what changes something is none, nor is a fire that is
    said again after its building's incident was closed.
    """
    known = batch.components.get(signal.component)
    _, began, ended = apply(known.holding if known is not None else Holding(), signal)
    if began or ended:
        return False
    closed_at = news.closed_at(signal.building) if signal.says_fire else None
    return closed_at is None or closed_at < before


def _take(batch: _Batch, signal: Signal) -> None:
    batch.kept.append(signal)
    if signal.resets or signal.all_normal:
        _end_others(batch, signal)
    known = batch.components.get(signal.component)
    component = known or Component(id=signal.component, site=signal.site, panel=signal.panel)
    holding, began, ended = apply(component.holding, signal)
    component = replace(
        component,
        building=signal.building,
        zone=signal.zone,
        point=signal.point,
        system_type=signal.system_type if signal.system_type is not None else component.system_type,
        component_type=signal.component_type if signal.component_type is not None else component.component_type,
        text=signal.text or component.text,
        holding=holding,
        values=tuple(signal.body.get("values") or component.values),
        signal_id=signal.id,
    )
    batch.changes.append(Change(component, signal, began, ended))
    batch.components[component.id] = component
    if known is not None or holding.states or is_device(component.id) or component.values or signal.complete:
        batch.touched[component.id] = None


def _end_others(batch: _Batch, signal: Signal) -> None:
    """A reset ends what the panel's components latched; an all-clear everything."""
    for component in list(batch.components.values()):
        if not signal.reaches(component.id):
            continue
        holding, ended = settle(component.holding, signal)
        if ended:
            left = replace(component, holding=holding)
            batch.components[left.id] = left
            batch.touched[left.id] = None
            batch.changes.append(Change(left, signal, (), ended))


def _note_resets(session: Session, batch: _Batch, open_now: Mapping[str, FireIncident], now: datetime) -> None:
    ended: dict[tuple[str, str], int] = {}
    by_id: dict[str, Signal] = {}
    for change in batch.changes:
        if change.signal.resets and not change.signal.test and change.component.building in open_now:
            key = (change.component.building, change.signal.id)
            ended[key] = ended.get(key, 0) + (FIRE in change.ended)
            by_id[change.signal.id] = change.signal
    for (building, name), count in ended.items():
        fire_incident.note_reset(session, open_now[building], by_id[name], count, now)


def _with_incidents(batch: _Batch, open_now: Mapping[str, FireIncident]) -> Iterable[tuple[Signal, str | None]]:
    """Each signal with the incident it is part of: whatever the building's panels say while it is open."""
    telling = {
        one.signal.id for one in batch.changes
        if one.began
        or one.ended
        or one.signal.operations
        or one.signal.says_fire
        or one.signal.scope == fire_trouble.UNPARSED
    }  # fmt: skip
    for signal in batch.kept:
        row = open_now.get(signal.building)
        joins = row is not None and not signal.test and signal.id in telling
        yield signal, row.id if row is not None and joins else None
