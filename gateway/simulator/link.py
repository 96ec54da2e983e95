"""One virtual device on a real broker: a thin paho edge around its script, driven by one thread."""

import contextlib
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from gateway.contract.topics import ready_topic
from gateway.mqtt import KEEPALIVE_S, BrokerAddress, client_options, prepare
from gateway.simulator.device import BACKLOG
from gateway.simulator.messages import Message

_WINDOW = 100
"""Messages on their way to the broker and not yet acknowledged."""
_CONNECT_TIMEOUT_S = 2.0
_RETRY_FIRST_S = 0.2
_RETRY_MAX_S = 5.0


class Script(Protocol):
    """What a device sends of its own accord, and what it says of itself; None: nothing."""

    device: str

    def messages(self) -> Iterator[Message]:
        """In order of sending."""

    def birth(self, at_ms: int) -> Message | None:
        """When it has connected."""

    def will(self, connected_ms: int) -> Message | None:
        """What the broker says when it loses the device."""

    def farewell(self, at_ms: int) -> Message | None:
        """Before it leaves on purpose."""


class Link:
    """Connects, sends what is due, keeps what cannot be sent, comes back. Call `step` often; wait on `fileno`."""

    def __init__(
        self, script: Script, broker: BrokerAddress, site: str, *, wait_ready: bool, on_lost: Callable[[], None]
    ) -> None:
        """`wait_ready`: readings wait until ingest has said that it hears the site."""
        self._script = script
        self._broker = broker
        self._ready_topic = ready_topic(site)
        self._wait_ready = wait_ready
        self._on_lost = on_lost
        self._messages: Iterator[Message] = script.messages()
        self._next: Message | None = next(self._messages, None)
        self._queue: deque[Message] = deque()
        self._in_flight = 0
        self._now_ms = 0
        self._away = False
        self._ready = False
        self._retry_at = 0.0
        self._retry_s = _RETRY_FIRST_S
        self.connected = False
        self.sent = 0
        self.acknowledged = 0
        self.dropped = 0
        self._client = paho.Client(**client_options(f"sim-{site}-{script.device}", clean_session=True))
        self._client.connect_timeout = _CONNECT_TIMEOUT_S
        self._client.max_inflight_messages_set(_WINDOW)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = self._published
        self._client.on_message = self._received
        prepare(self._client, broker)

    @property
    def due_ms(self) -> int | None:
        """When the next message is due."""
        return self._next.send_at_ms if self._next is not None else None

    @property
    def waiting(self) -> int:
        """Messages kept in memory."""
        return len(self._queue) + self._in_flight

    @property
    def away(self) -> bool:
        """The scenario keeps this device off the broker."""
        return self._away

    def fileno(self) -> int | None:
        """The socket to wait on; None without one."""
        sock = self._client.socket()
        return sock.fileno() if sock is not None else None

    @property
    def wants_write(self) -> bool:
        """Something is to be written."""
        return self._client.want_write()

    def step(self, now_ms: int) -> None:
        """Take what is due, (re)connect, send, stay in touch."""
        self._now_ms = now_ms
        while self._next is not None and self._next.send_at_ms <= now_ms:
            self._take(self._next)
            self._next = next(self._messages, None)
        if self._away:
            return
        if self._client.socket() is None:
            self._connect()
        self._send()
        self._client.loop_misc()
        if self._client.want_write():
            self._client.loop_write()

    def read(self) -> None:
        """Handle what the broker sent."""
        self._client.loop_read()
        sock: object = self._client.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.fileno() >= 0 and sock.pending():  # where poll does not see it
            self._client.loop_read()

    def close(self, now_ms: int) -> None:
        """Say goodbye; call `read` and `step_out` until it is done."""
        self._queue.clear()
        self._next = None
        self._now_ms = now_ms
        farewell = self._script.farewell(now_ms)
        if self.connected and farewell is not None:
            self._publish(farewell)

    def step_out(self, *, force: bool) -> bool:
        """Disconnect once everything is acknowledged (`force`: now); True when nothing is left to do."""
        if self._client.socket() is None:
            return True
        if self._client.want_write():
            self._client.loop_write()
        if force or not self._in_flight or not self.connected:
            self._client.disconnect()
            self._client.loop_write()
            return True
        return False

    def _take(self, message: Message) -> None:
        if message.role == "will":
            # The broker says it: the connection breaks without goodbye.
            self._away = True
            self._break()
        elif message.role == "birth":
            self._away = False
            self._retry_at = 0.0
        else:
            self._queue.append(message)
            if len(self._queue) > BACKLOG:
                self._queue.popleft()
                self.dropped += 1

    def _connect(self) -> None:
        if time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(self._retry_s * 2, _RETRY_MAX_S)
        will = self._script.will(self._now_ms)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=will.qos, retain=will.retain)
        try:
            self._client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        except OSError:
            self._on_lost()

    def _break(self) -> None:
        sock = self._client.socket()
        if sock is None:
            return
        with contextlib.suppress(OSError):
            cast(socket.socket, sock).shutdown(socket.SHUT_RDWR)
        while self._client.socket() is not None and self._client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            pass

    def _send(self) -> None:
        if not self.connected or (self._wait_ready and not self._ready):
            return
        while self._queue and self._in_flight < _WINDOW and self.connected:
            self._publish(self._queue.popleft())

    def _publish(self, message: Message) -> None:
        # paho sends again by itself what was not acknowledged before a connection broke.
        self._client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        self._in_flight += 1
        self.sent += 1

    def _connected(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._on_lost()
            return
        self.connected = True
        self._retry_s = _RETRY_FIRST_S
        if self._wait_ready:
            client.subscribe(self._ready_topic, qos=1)
        birth = self._script.birth(self._now_ms)
        if birth is not None:
            self._publish(birth)

    def _disconnected(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        was_connected, self.connected, self._ready = self.connected, False, False
        if was_connected and not self._away and reason.is_failure:
            self._on_lost()

    def _published(self, client: paho.Client, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        self._in_flight -= 1
        self.acknowledged += 1

    def _received(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        if message.topic == self._ready_topic and message.payload:
            self._ready = True
