"""The loop from broker to committed: decode → store → judge → commit → acknowledge, in order, in two lanes.

The urgent lane (taps, fire, status) and the bulk lane (readings) are two persistent MQTT sessions on two threads, so a
flood of readings or a locked time-series store never delays a fire. Every message ends as stored, duplicate or
quarantined, and only then is it acknowledged and named in a receipt.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing

from gateway.contract.errors import NotNow
from gateway.contract.heard import Judge, Rejected
from gateway.contract.times import from_ms, to_ms
from gateway.contract.topics import BULK_KINDS, URGENT_KINDS, Kind, ready_topic, subscription
from gateway.decoder import Decoder
from gateway.dropwatch import DropWatch
from gateway.lane import MAX_MESSAGES, MAX_URGENT_MESSAGES, Lane, NowMs
from gateway.mqtt import BrokerAddress
from gateway.registry import Registry
from gateway.subscribe import Subscriber
from gateway.timeseries.store import StoreBroken, StoreBusy, TimeSeriesStore

log = logging.getLogger(__name__)

SESSIONS: dict[str, tuple[Kind, ...]] = {"urgent": URGENT_KINDS, "bulk": BULK_KINDS}
"""The two persistent sessions of a group: lane, and the kinds it hears."""
TICK_INTERVAL_S = 1.0
WELL_S = 5.0
"""A lane that waits longer than this for the store or the database is not well."""
REFUSED_HINT = "Alarms were judged; the reading itself is only here. Look at the server's reason"


def session_name(group: str, lane: str, tag: str = "") -> str:
    """The client id by which the broker knows a session; `tag`: what nobody else can guess, lest he takes it over."""
    return "-".join(part for part in ("gengfu-ingest", group, lane, tag) if part)


def session_filters(sites: Sequence[str], lane: str) -> list[tuple[str, int]]:
    """What a session subscribes to: (filter, QoS)."""
    return [(subscription(site, kind), 1) for site in sites for kind in SESSIONS[lane]]


class Ingest:
    """Both lanes of one ingest group."""

    def __init__(
        self,
        broker: BrokerAddress,
        registry: Registry,
        store: TimeSeriesStore,
        judge: Judge,
        *,
        group: str = "main",
        sites: Sequence[str] = (),
        tag: str = "",
        now_ms: NowMs,
    ) -> None:
        """`tag`: of the installation; see `session_name`."""
        self._judge = judge
        self._store = store
        self._now_ms = now_ms
        self._sites = list(sites) or sorted({site for site, _ in registry.devices})
        self._tag = tag
        self._announced: set[str] = set()
        decoder = Decoder(registry, store.settle_all_ahead)
        self.urgent = self._lane("urgent", broker, group, decoder)
        self.bulk = self._lane("bulk", broker, group, decoder)
        self._drops = DropWatch(broker, session_name(group, "drops", tag))
        self._dropped_seen: int | None = None
        self._failure: BaseException | None = None
        self._well_at = time.monotonic()
        self._ticked_at = 0.0
        self._maintained_at = time.monotonic()

    def _lane(self, name: str, broker: BrokerAddress, group: str, decoder: Decoder) -> Lane:
        subscriber = Subscriber(broker, session_name(group, name, self._tag), session_filters(self._sites, name))
        most = MAX_URGENT_MESSAGES if name == "urgent" else MAX_MESSAGES
        return Lane(name, subscriber, decoder, self._judge, self._store, self._now_ms, self._note_session, most)

    def _note_session(self, lane: Lane, present: bool) -> bool:
        if not present:
            subscriber = lane.subscriber
            self._judge.lost_session(subscriber.client_id, str(subscriber.broker), self._now_ms())
            self._announced.discard(lane.name)
        self._announce(lane)
        return True

    def _announce(self, lane: Lane) -> None:
        """Tell publishers that both sessions exist: what they send from now on is kept for us."""
        self._announced.add(lane.name)
        if len(self._announced) == 2:
            for site in self._sites:
                lane.subscriber.publish(
                    ready_topic(site),
                    f'{{"since":"{from_ms(self._now_ms()).isoformat()}"}}'.encode(),
                    qos=1,
                    retain=True,
                )

    def run(self, stop: threading.Event) -> None:
        """Serve both lanes until told to stop; raises what broke a lane."""
        urgent = threading.Thread(target=self._guard, args=(self._run_urgent, stop), name="urgent", daemon=True)
        bulk = threading.Thread(target=self._guard, args=(self._run_bulk, stop), name="bulk", daemon=True)
        self._drops.start()
        urgent.start()
        bulk.start()
        try:
            while not stop.wait(0.2):
                self._tick()
                if not (urgent.is_alive() and bulk.is_alive()):
                    stop.set()
        finally:
            stop.set()
            self._drops.close()
            urgent.join(timeout=10)
            bulk.join(timeout=10)
        if self._failure is not None:
            raise self._failure

    def _guard(self, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        try:
            work(stop)
        except BaseException as error:  # noqa: BLE001 - carried to the main thread, which raises it
            self._failure = error
            stop.set()

    def _run_urgent(self, stop: threading.Event) -> None:
        with closing(self.urgent):
            while not stop.is_set():
                self.urgent.turn(stop)

    def _run_bulk(self, stop: threading.Event) -> None:
        with closing(self.bulk):
            while not stop.is_set():
                self.bulk.turn(stop)

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._ticked_at < TICK_INTERVAL_S:
            return
        self._ticked_at = now
        now_ms = self._now_ms()
        since = (self.urgent.hearing_since_ms, self.bulk.hearing_since_ms)
        since_ms = max(since) if all(since) else 0
        try:
            self._judge.tick(now_ms, since_ms, self.figures())
            self._quarantine_refused(now_ms)
            if self._drops.total is not None and self._drops.total != self._dropped_seen:
                self._judge.broker_dropped(str(self._drops.broker), self._drops.total, now_ms)
                self._dropped_seen = self._drops.total
            self._store.maintain(from_ms(now_ms))
        except (StoreBusy, NotNow) as error:
            log.debug("tick waits: %s", error)
        except StoreBroken as error:
            log.warning("housekeeping waits: %s", error)

    def _quarantine_refused(self, now_ms: int) -> None:
        """What the server behind the store will not keep is shown to people, not thrown away."""
        refused = self._store.refused()
        if refused:
            rejected = [
                Rejected("timeseries", one.line, "store_refused", one.reason, REFUSED_HINT, to_ms(one.refused_at))
                for one in refused
            ]
            self._judge.hear([], rejected, now_ms)
            self._store.forget_refused(refused[-1].number)

    def figures(self) -> dict[str, float]:
        """Numbers for the heartbeat: totals of both lanes, the bulk lane's lag, and the store's own."""
        lanes = (self.urgent, self.bulk)
        stalled_s = max(lane.figures.stalled_s for lane in lanes)
        connected = sum(lane.subscriber.connected for lane in lanes)
        if connected == len(lanes) and stalled_s < WELL_S:
            self._well_at = time.monotonic()
        return {
            "messages": sum(lane.figures.messages for lane in lanes),
            "readings": self.bulk.figures.readings,
            "rejected": sum(lane.figures.rejected for lane in lanes),
            "lag_ms": self.bulk.figures.lag_ms,
            "urgent_lag_ms": self.urgent.figures.lag_ms,
            "stalled_s": stalled_s,
            "connected": connected,
            "deaf_s": time.monotonic() - self._well_at,
        } | self._store_figures()

    def _store_figures(self) -> dict[str, float]:
        try:
            return self._store.figures()
        except (StoreBusy, StoreBroken) as error:  # silence is judged, and our heartbeat written, all the same
            log.debug("no figures of the store: %s", error)
            return {}
