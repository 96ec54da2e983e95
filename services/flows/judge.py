"""The judge that ingest is handed: one transaction per batch, each event exactly once."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy.exc import IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from gateway.contract.errors import NotNow
from gateway.contract.heard import Heard, Rejected, Sample
from gateway.contract.times import from_ms
from gateway.site.limit import Limit
from gateway.site.model import Configs, SiteConfig
from gateway.timeseries.store import StoreBroken, StoreBusy, TimeSeriesStore
from services.device.ledger import DeviceLedger
from services.device.quarantine import forget as forget_quarantine
from services.device.quarantine import keep
from services.device.sessions import note_dropped, note_session
from services.flows import devices, measurements, system
from services.flows.breach import Reactions, withdraw_orphans
from services.flows.derived import DerivedDesk
from services.flows.fire import orphans as fire_orphans
from services.flows.fire.desk import FireDesk
from services.flows.maintenance import MaintenanceBoard
from services.flows.patrol.desk import PatrolDesk
from services.kernel.db import Database
from services.kernel.heartbeat import beat
from services.kernel.ids import new_id
from services.measurement.store import forget_deliveries
from services.rules.engine import Engine, Finding
from services.rules.tables import Excursion

log = logging.getLogger(__name__)

BOARD_REFRESH_MS = 500
"""How long a maintenance mode switched on by a person may take to be seen here."""
MOST_UNSTORED = 10_000
"""Derived values kept for a store that does not answer; beyond that the oldest have no place in charts."""


class SiteJudge:
    """Judges the sites of one ingest group. State lives in rows; what memory holds is only read ahead."""

    def __init__(
        self,
        db: Database,
        configs: Configs,
        sites: Sequence[str],
        *,
        holder: str = "ingest",
        late_after: timedelta = timedelta(minutes=5),
        loss_settle: timedelta = timedelta(seconds=10),
        secret: bytes = b"",
        fence: Callable[[Session], None] | None = None,
        store: TimeSeriesStore | None = None,
    ) -> None:
        """`secret`: opens the keys of signed tags. `store`: keeps derived values for charts and reports.

        `fence`: called at the end of every transaction; raises NotOurs when another process judges these sites now.
        """
        self._db = db
        self._sites: dict[str, SiteConfig] = {site: configs.site(site) for site in sites}
        self._holder = holder
        self._loss_settle_ms = loss_settle // timedelta(milliseconds=1)
        limits: dict[str, Sequence[Limit]] = {}
        for config in self._sites.values():
            limits.update(config.limits_by_point)
        points = [config.key(point.id) for config in self._sites.values() for point in config.points]
        self.engine = Engine(limits, points)
        self._ledger = DeviceLedger(frozenset(self._sites))
        self._board = MaintenanceBoard(self._sites)
        self._devices = devices.DeviceWatch(self._sites, self.engine, self._ledger, self._board)
        self._reactions = Reactions(self._sites, late_after)
        self._patrol = PatrolDesk(self._sites, secret, late_after)
        self._fire = FireDesk(self._sites, late_after)
        self._derived = DerivedDesk(self._sites, self._board, self.engine)
        self._store = store
        self._worked_out: list[Sample] = []
        self._unstored: deque[Sample] = deque(maxlen=MOST_UNSTORED)
        self._fence = fence
        self._turn = threading.Lock()
        self._loaded = False
        self._collided = False
        self._swept = False
        self._board_read_ms = 0

    @contextmanager
    def _transaction(self, now_ms: int) -> Iterator[Session]:
        """One lane at a time; when the transaction fails, memory is thrown away with it."""
        with self._turn:
            self._worked_out.clear()
            try:
                with self._db.begin() as session:
                    self._refresh(session, now_ms)
                    yield session
                    if self._fence is not None:
                        session.flush()  # last: nobody waits for the lease's row while we write
                        self._fence(session)
                self._collided, self._swept = False, True
                self._unstored.extend(self._worked_out)
            except IntegrityError as error:
                # Another process wrote the same row at this moment: seen again, it is there. Twice is no accident.
                self._loaded = False
                if self._collided:
                    raise
                self._collided = True
                raise NotNow("Another process was faster", hint="It is tried again; nothing is lost") from error
            except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
                self._loaded = False
                if isinstance(error, InternalError) and not error.connection_invalidated:
                    raise
                reason = getattr(error, "orig", error)
                raise NotNow(
                    f"The state database did not commit ({reason})", hint="It is tried again; nothing is lost"
                ) from error
            except BaseException:
                self._loaded = False
                raise

    def _refresh(self, session: Session, now_ms: int) -> None:
        if not self._loaded:
            self.engine.load(session)
            self._ledger.load(session)
            self._devices.load(session, now_ms)
            self._derived.stations.load(session)
            self._fire.forget()
            self._loaded = True
            self._board_read_ms = 0
            if not self._swept:
                for config in self._sites.values():
                    for sweep in (withdraw_orphans, fire_orphans.withdraw, devices.withdraw_orphans):
                        _in_passing(session, "withdrawing", partial(sweep, session, config, from_ms(now_ms)))
        if not 0 <= now_ms - self._board_read_ms < BOARD_REFRESH_MS:
            self._board.load(session)
            self._board_read_ms = now_ms

    def hear(self, heard: Sequence[Heard], rejected: Sequence[Rejected], now_ms: int) -> None:
        """Judge what was heard, in order, each event once."""
        with self._transaction(now_ms) as session:
            for event in heard:
                if not self._ledger.note(session, event):
                    continue
                if event.kind == "fire" and event.body is not None:
                    self._fire.hear(session, event)
                if event.kind == "tap" and event.body is not None:
                    if self._fire.waits:  # whoever taps may have come to the fire that was heard just before
                        self._fire.settle(session, from_ms(now_ms))
                    self._patrol.hear(session, event)
                if event.kind == "reading" and event.body is not None:
                    self._hear_typed(session, event)
                    continue
                if not event.fault:
                    self._derived.stations.note(event.samples)
                samples = list(event.samples) if event.fault else self.engine.take(event.samples)
                while samples:
                    self._judge(session, samples[0], fault=event.fault)
                    samples = self.engine.take(samples[1:])
            self._fire.settle(session, from_ms(now_ms))
            if self._derived.stations.waits:
                self._work_out(session, partial(self._derived.hear, session, now_ms))
            self._devices.heard(session, now_ms)
            if rejected:
                keep(session, rejected)
                self._tell_unreadable_fires(session, rejected, from_ms(now_ms))
            self.engine.save(session)
            self._derived.stations.save(session)
            self._ledger.save(session)

    def _work_out(self, session: Session, say: Callable[[], Iterable[Sample]]) -> None:
        """Judge derived values like heard ones. What fails there says nothing, and stops nothing."""
        samples: list[Sample] = []
        if not _in_passing(session, "working out derived signals", lambda: samples.extend(say())):
            self._derived.stations.load(session)
            return
        for sample in samples:
            if self.engine.take([sample]):
                self._judge(session, sample)
        self._worked_out.extend(samples)

    def _tell_unreadable_fires(self, session: Session, rejected: Sequence[Rejected], now: datetime) -> None:
        """What may have been a fire alarm does not only lie in quarantine."""
        refused = {
            (one.site, one.device): one.code
            for one in rejected
            if one.site in self._sites and one.topic.rpartition("/")[2] == "fire"
        }
        for (site, device), code in refused.items():
            act = partial(system.fire_unreadable, session, self._sites[site], device, code, now)
            _in_passing(session, "telling of an unreadable fire message", act)

    def _hear_typed(self, session: Session, event: Heard) -> None:
        """A reading that a person measured: once, and by the worst of what was measured at its point."""
        config = self._sites[event.site]
        taken = measurements.hear(session, config, event)
        if taken is None:
            return
        for sample in taken.samples:
            findings = self._judge(session, sample, {"typed": measurements.facts(taken.standing)})
            measurements.follow(session, config, taken, findings, from_ms(event.received_ms))

    def _judge(
        self, session: Session, sample: Sample, detail: Mapping[str, Any] = MappingProxyType({}), *, fault: str = ""
    ) -> list[Finding]:
        point, at_ms, *_, received_ms = sample
        suspended = self._board.suspended(point, at_ms, self.engine)
        findings = self.engine.judge(sample, suspended, fault)
        for finding in findings:
            self._act(session, finding, received_ms, suspended=suspended.get(finding.limit.rule, False), detail=detail)
        return findings

    def _act(
        self,
        session: Session,
        finding: Finding,
        now_ms: int,
        *,
        suspended: bool = False,
        detail: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        limit, effect = finding
        if effect.kind == "excursion_ended":
            session.add(
                Excursion(
                    id=new_id(),
                    point=limit.point,
                    rule=limit.rule,
                    started_at=from_ms(effect.since_ms),
                    ended_at=from_ms(effect.at_ms),
                    worst=effect.value,
                    alerted=effect.alerted,
                    suspended=suspended,
                )
            )
            return
        hidden_by = self._board.reason(limit.point, now_ms) if limit.kind == "stale" else None
        if hidden_by is not None:  # the mode may have ended since the board was read
            self._board.load(session)
            hidden_by = self._board.reason(limit.point, now_ms)
        provisional = self.engine.tracks[limit.point].provisional_set
        self._reactions.react(
            session, finding, from_ms(now_ms), hidden_by=hidden_by, provisional=provisional, detail=detail
        )

    def tick(self, now_ms: int, hearing_since_ms: int, figures: dict[str, float]) -> None:
        """Judge silence and losses; write the heartbeat."""
        with self._transaction(now_ms) as session:
            if hearing_since_ms:
                for finding in self.engine.tick(now_ms, hearing_since_ms):
                    if not self._devices.hides(session, finding, now_ms, hearing_since_ms):
                        self._act(session, finding, now_ms)
                for finding in self._devices.tick(session, now_ms):
                    self._act(session, finding, now_ms)
                if self._derived.has_any:
                    self._work_out(session, partial(self._derived.tick, session, now_ms, hearing_since_ms))
            # A lane that catches up still brings what the other one passed over.
            if hearing_since_ms and now_ms - hearing_since_ms >= self._loss_settle_ms:
                self._report_losses(session, now_ms)
            self.engine.save(session)
            self._derived.stations.save(session)
            self._ledger.save(session)
            if self.engine.clock_moved_back:
                self.engine.clock_moved_back = False
                for config in self._sites.values():
                    system.clock_moved_back(session, config, from_ms(now_ms))
            figures = figures | {"hearing_s": (now_ms - hearing_since_ms) / 1000 if hearing_since_ms else 0.0}
            beat(session, "ingest", self._holder, from_ms(now_ms), sites=sorted(self._sites), **figures)
        self._keep_derived()

    def _keep_derived(self) -> None:
        """Put derived values where charts look for them, outside the transaction: a locked store holds nothing up."""
        if self._store is None or not self._unstored:
            return
        with self._turn:
            rows, self._unstored = list(self._unstored), deque(maxlen=MOST_UNSTORED)
        try:
            self._store.write(rows)
        except (StoreBusy, StoreBroken) as error:
            log.debug("derived values wait for the store: %s", error)
            with self._turn:
                self._unstored = deque([*rows, *self._unstored], maxlen=MOST_UNSTORED)

    def _report_losses(self, session: Session, now_ms: int) -> None:
        lost = {loss.site for loss in self._ledger.losses(now_ms, self._loss_settle_ms)}
        for site in sorted(lost):
            system.events_missing(session, self._sites[site], self._ledger.missing(site), from_ms(now_ms))
        for site in sorted(self._ledger.take_found() - lost):
            system.events_found(session, self._sites[site], self._ledger.missing(site), from_ms(now_ms))

    def lost_session(self, client_id: str, broker: str, now_ms: int) -> None:
        """Raise a system alert when the broker forgot a session that we had before."""
        with self._transaction(now_ms) as session:
            if note_session(session, client_id, broker, from_ms(now_ms)):
                for config in self._sites.values():
                    system.session_lost(session, config, client_id, broker, from_ms(now_ms))

    def broker_dropped(self, broker: str, total: int, now_ms: int) -> None:
        """Raise a system alert when the broker's own counter of dropped messages rose."""
        with self._transaction(now_ms) as session:
            dropped = note_dropped(session, broker, total, from_ms(now_ms))
            if dropped:
                for config in self._sites.values():
                    system.broker_dropped(session, config, broker, dropped, from_ms(now_ms))

    def learn_set_value(self, point: str, value: float, now_ms: int) -> None:
        """Use a measured median as a point's provisional set value (AMB-01)."""
        with self._transaction(now_ms) as session:
            self.engine.learn_set_value(point, value)
            self.engine.save(session)

    def forget(self, before_ms: int, now_ms: int) -> None:
        """Drop what is only needed to recognise repetitions, and is too old to be repeated."""
        with self._transaction(now_ms) as session:
            self._ledger.forget(session, before_ms)
            forget_quarantine(session, from_ms(before_ms))
            forget_deliveries(session, from_ms(before_ms) - measurements.KEEP_DELIVERIES)


def _in_passing(session: Session, what: str, act: Callable[[], object]) -> bool:
    """Do what must not stop the stream: a failure undoes only itself and is logged; False then."""
    try:
        with session.begin_nested():
            act()
    except (OperationalError, InterfaceError, IntegrityError):
        raise
    except Exception:
        log.exception("%s failed; the stream goes on without it", what)
        return False
    return True
