"""Commands to sources of fire signals: published by the worker, heard and carried out by the site's gateway."""

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import paho.mqtt.client as paho

from gateway.contract.commands import LONGEST_MS, CommandBody, parse_command
from gateway.contract.errors import ContractError, NotNow
from gateway.contract.topics import command_topic, commanded_source
from gateway.fire.conversation import outcome_event
from gateway.mqtt import KEEPALIVE_S, BrokerAddress, client_options, failure, prepare
from gateway.outlet import Event
from gateway.subscribe import Message, Subscriber

log = logging.getLogger(__name__)

_TAKEN_S: Final = 5.0
_REMEMBERED: Final = 1000
_BATCH, _BATCH_BYTES, _WAIT_S = 32, 1 << 18, 0.25

CarryOut = Callable[[str, CommandBody], None]
"""Puts a command to a source; what becomes of it is said in an event."""


class CommandSender:
    """Publishes commands; a connection is made at the first one and kept."""

    def __init__(self, broker: BrokerAddress, client_id: str) -> None:
        self._broker = broker
        self._client_id = client_id
        self._lock = threading.Lock()
        self._client: paho.Client | None = None

    def send(self, site: str, source: str, body: Mapping[str, Any]) -> None:
        """Publish one command and wait until the broker has it; raises NotNow, and ContractError for a bad one."""
        payload = json.dumps(dict(body), ensure_ascii=False).encode()
        parse_command(payload)
        with self._lock:
            try:
                client = self._client or self._connect()
                sent = client.publish(command_topic(site, source), payload, qos=1)
                sent.wait_for_publish(_TAKEN_S)
                is_taken = sent.is_published()
            except (OSError, ValueError, RuntimeError) as error:
                self._drop()
                why = failure(error, self._broker)
                raise NotNow(f"The command to {site}/{source} could not be sent: {why}") from error
            if not is_taken:
                self._drop()
                raise NotNow(f"The broker at {self._broker} did not take the command to {site}/{source}")

    def close(self) -> None:
        """Leave the broker."""
        with self._lock:
            self._drop()

    def _connect(self) -> paho.Client:
        client = paho.Client(**client_options(self._client_id, clean_session=True), reconnect_on_failure=False)
        prepare(client, self._broker)
        client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
        client.loop_start()
        self._client = client
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()


class CommandDesk:
    """Decides which commands are carried out: each once, and in its time. Not for several threads."""

    def __init__(
        self,
        carry_out: CarryOut,
        keep: Callable[[Sequence[Event]], object],
        sources: frozenset[str],
        clock_ms: Callable[[], int],
    ) -> None:
        self._carry_out = carry_out
        self._keep = keep
        self._sources = sources
        self._clock_ms = clock_ms
        self._seen: OrderedDict[str, None] = OrderedDict()

    def take(self, topic: str, payload: bytes) -> None:
        """Hear one command; what is none is logged, since nobody waits for an answer that names no command."""
        try:
            source, command = commanded_source(topic), parse_command(payload)
        except ContractError as error:
            log.warning("A command on %s is refused: %s", topic, error)
            return
        if command.id in self._seen:
            return
        self._seen[command.id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        now_ms = self._clock_ms()
        if source not in self._sources:
            log.warning("A command on %s is for no source of this gateway", topic)
        elif now_ms > command.expires_ms:
            self._keep([outcome_event(source, command.id, "expired", now_ms, {})])
        elif command.expires_ms - now_ms > LONGEST_MS:
            reason = {"reason": "expires_at is more than 10 minutes ahead"}
            self._keep([outcome_event(source, command.id, "denied", now_ms, reason)])
        else:
            self._carry_out(source, command)


class CommandReceiver:
    """Hears the commands to a site's sources in one persistent session on one thread."""

    def __init__(self, broker: BrokerAddress, name: str, site: str, desk: CommandDesk) -> None:
        """`name`: the client id of the session."""
        self._desk = desk
        self._closing = threading.Event()
        self._subscriber = Subscriber(broker, name, [(command_topic(site, "+"), 1)])
        self._thread = threading.Thread(target=self._run, name="fire-commands", daemon=True)

    def start(self) -> None:
        """Begin to hear."""
        self._thread.start()

    def close(self) -> None:
        """Leave; what comes meanwhile waits at the broker, and expires."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            messages = self._subscriber.gather(_BATCH, _BATCH_BYTES, 0.0, _WAIT_S)
            if messages:
                self._hear(messages)
                self._subscriber.acknowledge(messages, self._subscriber.generation)
        self._subscriber.close()

    def _hear(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.retain:  # it would come again with every connection
                continue
            try:
                self._desk.take(message.topic, bytes(message.payload))
            except Exception:  # a fault in one must not make us deaf for the next
                log.exception("A command on %s could not be carried out", message.topic)
