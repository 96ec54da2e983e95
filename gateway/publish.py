"""The durable publisher: an event leaves the outbox when ingest says that it is stored, and not before."""

import json
import logging
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import paho.mqtt.client as paho
from ulid import ULID

from gateway.contract.receipts import Receipt, parse_receipt
from gateway.contract.times import format_at, to_ms
from gateway.contract.topics import Kind, ready_topic, receipt_topic, topic
from gateway.mqtt import BrokerAddress, client_options, failure, prepare
from gateway.outbox import Drop, Lane, Outbox, OutboxError, Row
from gateway.pacing import Overdue, Pace, Pacing, Send, Stuck

__all__ = ["BrokerAddress", "Pace", "Publisher", "PublisherStats"]

log = logging.getLogger(__name__)

_KEEPALIVE_S: Final = 20
_CONNACK_S: Final = 10.0
_RETRY_FIRST_S: Final = 0.5
_RETRY_MAX_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """How a publisher is doing."""

    queued: int
    queued_bytes: int
    in_flight: int
    oldest_age: timedelta | None
    dropped: Sequence[Drop]
    connected: bool
    ready: bool
    """Connected, and ingest has its sessions at this broker."""


class _Connected(NamedTuple):
    pass


class _Lost(NamedTuple):
    reason: str


class _Ready(NamedTuple):
    is_ready: bool


class _Acknowledged(NamedTuple):
    mid: int


class _CalledOffline(NamedTuple):
    pass


_News = _Connected | _Lost | _Ready | _Acknowledged | _CalledOffline | Receipt


def _now_ms() -> int:
    return to_ms(datetime.now(UTC))


class Publisher:
    """Carries one outbox to one broker from a thread of its own; `put` may be called from any thread.

    The name by which ingest receipts is the outbox's `via`; publishers with outboxes of their own may share it, since
    receipts name boots. With `will_device` the device's status says online while ingest can hear us and offline, as
    last will, when not; with `shares_device` others speak as it too, and the end of one of them is answered.
    """

    def __init__(
        self,
        outbox: Outbox,
        broker: BrokerAddress,
        site: str,
        *,
        client_id: str = "",
        will_device: str = "",
        shares_device: bool = False,
        pace: Pace | None = None,
        clock_ms: Callable[[], int] = _now_ms,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self.site = site
        self._outbox = outbox
        self._broker = broker
        self._client_id = client_id or f"gengfu-publish-{outbox.via}"
        self._will_device = will_device
        self._shares_device = shares_device
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._rng = rng or random.Random()  # noqa: S311 -- jitter
        self._pacing = Pacing({lane: outbox.boot(lane) for lane in Lane}, pace)
        self._client: paho.Client | None = None
        self._mids: dict[int, tuple[Lane, str, int]] = {}
        self._news: deque[tuple[paho.Client, _News]] = deque()
        self._wake = threading.Event()
        self._put_seen = threading.Event()
        self._settled = threading.Condition()
        self._closing = threading.Event()
        self._connected = False
        self._failures = 0
        self._troubles = 0
        self._connect_at = 0.0
        self._connack_by = 0.0
        self._thread = threading.Thread(target=self._run, name=f"publish-{outbox.via}", daemon=True)
        outbox.listen(self._on_put)

    def start(self) -> "Publisher":
        """Begin to connect and send."""
        self._thread.start()
        return self

    def put(self, device: str, kind: Kind, body: Mapping[str, Any]) -> str:
        """Keep one event durably and send it as soon as it may go; raises as `Outbox.put` does."""
        return self._outbox.put(self.site, device, kind, body)

    def put_many(self, events: Sequence[tuple[str, Kind, Mapping[str, Any]]]) -> list[str]:
        """The same for many events with one commit."""
        return self._outbox.put_many(self.site, events)

    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until everything put is receipted; whether it is."""
        with self._settled:
            return self._settled.wait_for(lambda: self._outbox.is_empty, timeout)

    def close(self) -> None:
        """Say goodbye to the broker and end; what has no receipt stays in the outbox, which stays open."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def stats(self) -> PublisherStats:
        """What waits, what is on the way, what was lost to the size bound."""
        held = self._outbox.stats()
        age = None
        if held.oldest_put_ms is not None:
            age = timedelta(milliseconds=max(0, self._clock_ms() - held.oldest_put_ms))
        return PublisherStats(
            held.events,
            held.bytes,
            self._pacing.in_flight,
            age,
            held.dropped,
            self._connected,
            self._pacing.may_send,
        )

    def _on_put(self) -> None:
        self._put_seen.set()
        self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                wait = self._turn()
                self._troubles = 0
            except OutboxError as error:
                # A full disk passes: what was not settled is sent and receipted again.
                self._troubles += 1
                log.log(logging.ERROR if self._troubles == 1 else logging.DEBUG, "Publisher %s: %s", self._name, error)
                self._pacing.rewind()
                self._closing.wait(self._back_off(self._troubles))
                continue
            if wait is None or wait > 0:
                self._wake.wait(wait)
        self._say_goodbye()

    def _turn(self) -> float | None:
        """One step; returns how many seconds there is nothing to do (None: until woken)."""
        self._take_news()
        now = self._monotonic()
        if self._client is None:
            if now < self._connect_at:
                return self._connect_at - now
            self._connect()
            return 0.0
        if not self._connected:
            if now < self._connack_by:
                return self._connack_by - now
            self._lost("no answer to CONNECT")
            return 0.0
        if self._put_seen.is_set():
            self._put_seen.clear()
            self._pacing.put()
        decision = self._pacing.next(now)
        if isinstance(decision, Send):
            self._send(self._client, decision)
        elif isinstance(decision, Overdue):
            if self._outbox.holds(decision.pos):
                log.info("Publisher %s: no receipt in time, sending again", self._name)
                self._pacing.rewind_overdue()
            else:
                self._pacing.forget(decision.pos)
        elif isinstance(decision, Stuck):
            self._lost("the broker acknowledges nothing any more")
        else:
            return None if decision.until is None else max(0.0, decision.until - now)
        return 0.0

    def _send(self, client: paho.Client, send: Send) -> None:
        rows = self._outbox.pending_in(send.lane, send.after, send.limit)
        for row in rows:
            if not self._pacing.fits(send.lane):
                return
            self._publish(client, row)
        if len(rows) < send.limit:
            self._pacing.drained(send.lane)

    def _publish(self, client: paho.Client, row: Row) -> None:
        info = client.publish(row.topic, row.payload, qos=1, retain=row.kind == "status")
        self._mids[info.mid] = (row.lane, row.device, row.seq)
        self._pacing.sent(row, self._monotonic())

    def _take_news(self) -> None:
        receipts: list[Receipt] = []
        while self._news:
            client, news = self._news.popleft()
            if client is not self._client:
                continue
            if isinstance(news, Receipt):
                receipts.append(news)
            elif isinstance(news, _Acknowledged):
                sent = self._mids.pop(news.mid, None)
                if sent is not None:
                    self._pacing.acknowledged(*sent, self._monotonic())
            elif isinstance(news, _Connected):
                self._connected = True
                self._pacing.connected()
            elif isinstance(news, _Ready):
                self._take_ready(news.is_ready)
            elif isinstance(news, _CalledOffline):
                self._say_online()
            else:
                self._lost(news.reason)
        if receipts:
            self._pacing.receipted(receipts)
            if self._outbox.settle(receipts):
                with self._settled:
                    self._settled.notify_all()

    def _take_ready(self, is_ready: bool) -> None:
        first = not self._pacing.may_send
        self._pacing.ready(is_ready)
        if not is_ready or not first:
            return
        log.log(
            logging.INFO if self._failures else logging.DEBUG,
            "Publisher %s: connected to %s, ingest is ready",
            self._name,
            self._broker,
        )
        self._failures = 0
        self._say_online()

    def _say_online(self) -> None:
        if self._will_device and self._pacing.may_send and not self._closing.is_set():
            self.put(self._will_device, "status", {"at": format_at(self._clock_ms()), "online": True})

    def _connect(self) -> None:
        client = paho.Client(**client_options(self._client_id, clean_session=True), reconnect_on_failure=False)
        try:
            prepare(client, self._broker)
            client.max_inflight_messages_set(0)  # the window of `Pacing` is the only one
            if self._will_device:
                client.will_set(topic(self.site, self._will_device, "status"), self._offline(), qos=1, retain=True)
            self._listen(client)
            client.connect(self._broker.host, self._broker.port, _KEEPALIVE_S)
        except (OSError, ValueError) as error:  # ValueError: a host or a certificate that can not be
            self._lost(failure(error, self._broker))
            return
        self._client = client
        self._connack_by = self._monotonic() + _CONNACK_S
        client.loop_start()

    def _listen(self, client: paho.Client) -> None:
        """Callbacks run in paho's thread: they only pass on what they hear."""
        ready, receipts = ready_topic(self.site), receipt_topic(self._outbox.via)
        status = topic(self.site, self._will_device, "status") if self._shares_device else ""

        def tell(news: _News) -> None:
            self._news.append((client, news))
            self._wake.set()

        def on_connect(_c: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            if reason.is_failure:
                tell(_Lost(str(reason)))
                return
            tell(_Connected())
            client.subscribe([(one, 1) for one in (receipts, ready, status) if one])

        def on_message(_c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
            if message.topic == ready:
                tell(_Ready(bool(message.payload)))
                return
            if message.topic == status:
                if not message.retain and b'"online": false' in message.payload:  # as `_offline` writes it
                    tell(_CalledOffline())
                return
            try:
                tell(parse_receipt(bytes(message.payload)))
            except (ValueError, TypeError) as error:
                log.warning("Publisher %s: a message on %s is no receipt: %s", self._name, receipts, error)

        def on_publish(_c: paho.Client, _u: Any, mid: int, _r: Any, _p: Any) -> None:
            tell(_Acknowledged(mid))

        def on_disconnect(_c: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            tell(_Lost(str(reason)))

        client.on_connect = on_connect
        client.on_message = on_message
        client.on_publish = on_publish
        client.on_disconnect = on_disconnect
        client.on_socket_open = _send_at_once

    def _lost(self, reason: str) -> None:
        """The connection failed or ended: forget it and try again later."""
        self._drop_client()
        self._failures += 1
        pause = self._back_off(self._failures)
        self._connect_at = self._monotonic() + pause
        log.log(
            logging.WARNING if self._failures == 1 else logging.DEBUG,
            "Publisher %s: no connection to %s (%s), events wait in %s; next try in %.1f s",
            self._name,
            self._broker,
            reason,
            self._outbox.path,
            pause,
        )

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        self._connected = False
        self._mids.clear()
        self._pacing.disconnected()
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _say_goodbye(self) -> None:
        if self._client is not None and self._connected and self._will_device:
            where = topic(self.site, self._will_device, "status")
            goodbye = self._client.publish(where, self._offline(), qos=1, retain=True)
            try:
                goodbye.wait_for_publish(1.0)
            except (RuntimeError, ValueError) as error:
                log.debug("Publisher %s: goodbye not said: %s", self._name, error)
        self._drop_client()

    def _offline(self) -> bytes:
        """The last will. Its `at` is when the connection was made: `will` says that receiving it is the news."""
        at = format_at(self._clock_ms())
        return json.dumps({"id": str(ULID()), "at": at, "online": False, "will": True}).encode()

    def _back_off(self, failures: int) -> float:
        return min(_RETRY_MAX_S, _RETRY_FIRST_S * 2.0 ** min(failures - 1, 10)) * self._rng.uniform(0.5, 1.0)

    @property
    def _name(self) -> str:
        return self._outbox.via


def _send_at_once(_client: paho.Client, _userdata: Any, sock: Any) -> None:
    # A tap must not wait for the acknowledgement of the packet before it (Nagle).
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
