"""Fire signals are heard: stored once, replayed into components, told on to incidents, alerts and upkeep.

One batch costs a handful of statements however many signals it has: a storm of five hundred is one incident.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.contract.heard import Heard
from gateway.site.model import SiteConfig
from services.fire import incidents, modes, signals
from services.fire.model import FIRE, Change, Component, Signal, apply, is_device, order_of, settle
from services.fire.signals import Places
from services.fire.tables import FireIncident, FireTestMode
from services.flows import fire_care, fire_incident, fire_trouble

NO_NEWS = frozenset({"reply"})
"""Marks of what was said because we asked."""


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
        open_now = incidents.find_open(session, config.site.id, sorted({one.building for one in heard}))
        batch = _replay(session, config.site.id, heard, now, on_fire=frozenset(open_now))
        if not batch.kept:
            return
        self._hear_fires(session, config, batch, open_now, now)
        _note_resets(session, batch, open_now, now)
        signals.save_components(session, (batch.components[name] for name in batch.touched))
        signals.save_signals(session, _with_incidents(batch, open_now))
        fire_trouble.settle(session, config, batch.changes, now)
        fire_care.take(session, config, batch.changes, now)

    def _hear_fires(
        self, session: Session, config: SiteConfig, batch: _Batch, open_now: dict[str, FireIncident], now: datetime
    ) -> None:
        fires: dict[str, list[Change]] = {}
        closed = _ClosedAt(session, config.site.id)
        for change in batch.changes:
            building = change.component.building
            again = building not in open_now and _says_again(change, closed)
            if not change.signal.test and (FIRE in change.began or again):
                fires.setdefault(building, []).append(change)
        for building, changes in list(fires.items()):
            if building not in open_now and all(self._past(one, batch, now) for one in changes):
                fire_incident.note_past(session, config, fires.pop(building), now)
        if fires:
            fire_incident.hear(session, config, fires, open_now, now, self._late_after)

    def _past(self, change: Change, batch: _Batch, now: datetime) -> bool:
        """It was over before it was heard, and that was long ago."""
        return now - change.signal.at > self._late_after and FIRE not in batch.now(change).states


class _ClosedAt(dict[str, datetime | None]):
    """When the newest closed incident of a building was closed; asked for once."""

    def __init__(self, session: Session, site: str) -> None:
        super().__init__()
        self._session, self._site = session, site

    def __missing__(self, building: str) -> datetime | None:
        self[building] = incidents.last_closed(self._session, self._site, building)
        return self[building]


def _says_again(change: Change, closed: Mapping[str, datetime | None]) -> bool:
    """What was known to burn reports fire after its incident was closed: the reset between was perhaps not heard.

    Answers to our own questions say nothing new.
    """
    signal = change.signal
    if not signal.says_fire or signal.id != change.component.signal_id or not NO_NEWS.isdisjoint(signal.marks):
        return False
    closed_at = closed[change.component.building]
    return closed_at is not None and signal.at > closed_at


def _replay(session: Session, site: str, heard: Sequence[Signal], now: datetime, *, on_fire: frozenset[str]) -> _Batch:
    ending = {one.panel for one in heard if one.resets or one.all_normal}
    batch = _Batch(signals.load(session, site, (one.component for one in heard), ending))
    stored = signals.repeated(session, site, heard)
    running = modes.active(session, site, now)
    for told in heard:
        # Where something burns already, what spreads must not be taken for a test.
        signal = replace(told, test=True) if told.building not in on_fire and _is_test(running, told) else told
        if signal.key:
            if (signal.device, signal.key) in stored and not _begins_again(batch, signal):
                continue
            stored.add((signal.device, signal.key))
        _take(batch, signal)
    return batch


def _is_test(running: Iterable[FireTestMode], signal: Signal) -> bool:
    """Heard in a test mode that had begun when it was said."""
    return any(modes.covers(one, signal.panel, signal.zone) and one.begun_at <= signal.at for one in running)


def _begins_again(batch: _Batch, signal: Signal) -> bool:
    """Senders that do not count repeat themselves word for word: what burns again is no retransmission."""
    known = batch.components.get(signal.component)
    return signal.says_fire and (known is None or FIRE not in known.states)


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
        if component.panel != signal.panel:
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
