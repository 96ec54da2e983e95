"""A persistent MQTT session read in batches by one thread: nothing is acknowledged before it is safe.

paho spends most of its time in system calls (one select and three recv per packet), so its socket is wrapped: reads
come from a buffer, writes are collected and leave together. The thread that reads is the thread that works: while a
batch is being stored nobody reads the socket, which is the back-pressure that the broker feels.
"""

import logging
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from gateway.mqtt import KEEPALIVE_S, BrokerAddress, client_options, failure, prepare

log = logging.getLogger(__name__)

_CHUNK = 1 << 18
_PUBACK = b"\x40\x02"
_RECONNECT_FIRST_S = 0.2
_RECONNECT_MAX_S = 15.0


class Message(NamedTuple):
    """One MQTT message, as it came."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    retain: bool


_NOT_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BufferedSocket:
    """A socket that reads ahead and writes late; paho takes it for the real one."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._in = b""
        self._at = 0
        self._out = bytearray()

    def recv(self, size: int) -> bytes:
        """Bytes from the buffer, filled from the socket when it is empty."""
        start = self._at
        if start == len(self._in):
            self._in, self._at = b"", 0
            self._in = self._sock.recv(_CHUNK)
            if self._tls is not None and self._in:
                self._in += self._more_records(self._tls)
            start = 0
        data = self._in[start : start + size]
        self._at = start + len(data)
        return data

    @staticmethod
    def _more_records(tls: ssl.SSLSocket) -> bytes:
        """What else is there: one read gives one record, which for most brokers is one message.

        Afterwards nothing is left in the TLS layer, where select would not see it.
        """
        records, size = [], 0
        while size < _CHUNK or tls.pending():
            try:
                record = tls.recv(_CHUNK)
            except OSError:  # nothing more now, or broken: then the next read says so
                break
            if not record:
                break
            records.append(record)
            size += len(record)
        return b"".join(records)

    def publishes(self, max_messages: int, max_bytes: int) -> "list[Message]":
        """Whole QoS 0 and 1 PUBLISH packets from the front of the buffer; stops before anything else.

        paho takes 14 µs to read one packet, this 1 µs; all other packets are left to paho.
        """
        data, at, end = self._in, self._at, len(self._in)
        found: list[Message] = []
        size = 0
        while len(found) < max_messages and size < max_bytes and end - at >= 2:
            header = data[at]
            if header & 0xF4 != 0x30:  # not a PUBLISH, or QoS 2
                break
            length = data[at + 1]
            body = at + 2
            if length & 0x80:
                length, body = _long_length(data, at + 1, end)
                if body == 0:
                    break
            stop = body + length
            if stop > end or length < 2:  # shorter than a topic's length: malformed, paho's to refuse
                break
            topic_end = body + 2 + (data[body] << 8 | data[body + 1])
            qos = header >> 1 & 1
            payload_at = topic_end + 2 * qos
            if payload_at > stop:
                break  # malformed: paho says so and disconnects
            mid = data[topic_end] << 8 | data[topic_end + 1] if qos else 0
            topic = data[body + 2 : topic_end].decode("utf-8", "replace")
            found.append(Message(topic, data[payload_at:stop], mid, qos, bool(header & 1)))
            size += stop - payload_at
            at = stop
        self._at = at
        return found

    def send(self, data: bytes) -> int:
        """Keep for the next flush."""
        self._out += data
        return len(data)

    def pending(self) -> int:
        """Bytes read ahead and not yet consumed."""
        return len(self._in) - self._at

    def flush(self) -> bool:
        """Write what was collected; False while the kernel does not take it all."""
        while self._out:
            try:
                sent = self._sock.send(self._out)
            except _NOT_NOW:
                return False
            del self._out[:sent]
        return True

    def close(self) -> None:
        """Let go, after what was collected (a DISCONNECT) has left if it can at once."""
        with suppress(OSError, ValueError):
            self.flush()
        self._sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _long_length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(remaining length, where the body starts) of a packet whose length has more than one byte; (0, 0): incomplete."""
    length = 0
    for shift in range(4):
        if at + shift >= end:
            return 0, 0
        digit = data[at + shift]
        length |= (digit & 0x7F) << 7 * shift
        if digit < 0x80:
            return length, at + shift + 1
    return 0, 0


class _Client(paho.Client):
    """paho with the buffered socket under it."""

    buffered: BufferedSocket | None = None

    @property
    def between_packets(self) -> bool:
        """Whether paho has not begun to read a packet."""
        return not self._in_packet["command"]

    def _create_socket(self) -> Any:
        sock: Any = super()._create_socket()
        # Without this an acknowledgement waits up to 40 ms for the one before it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffered = BufferedSocket(sock)
        return self.buffered


class Subscriber:
    """One persistent session (clean_session off, manual acknowledgement) on one thread."""

    def __init__(
        self,
        broker: BrokerAddress,
        client_id: str,
        filters: Sequence[tuple[str, int]],
        *,
        on_session: Callable[[bool], None] = lambda present: None,
    ) -> None:
        self.broker = broker
        self.client_id = client_id
        self._filters = list(filters)
        self.on_session = on_session
        self._batch: list[Message] = []
        self._batch_bytes = 0
        self._subscribed = False
        self._session_present = False
        self._backoff_s = _RECONNECT_FIRST_S
        self._retry_at = 0.0
        self._warned = False
        self.generation = 0
        """Counts connections: a message can only be acknowledged on the one it came over."""
        self._client = _Client(**client_options(client_id, clean_session=False), manual_ack=True)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._confirmed
        self._client.on_message = self._received
        self._client.on_disconnect = self._disconnected
        prepare(self._client, broker)

    @property
    def connected(self) -> bool:
        """Whether the session is subscribed and alive."""
        return self._subscribed

    def gather(self, max_messages: int, max_bytes: int, linger_s: float, wait_s: float) -> list[Message]:
        """The next batch: whatever is there now, up to the bounds; waits at most `wait_s` for the first message."""
        self._batch = []
        self._batch_bytes = 0
        if not self._ensure_connection(wait_s):
            return self._batch
        deadline = time.monotonic() + wait_s
        while True:
            self._read_pending(max_messages, max_bytes)
            now = time.monotonic()
            if len(self._batch) >= max_messages or self._batch_bytes >= max_bytes:
                return self._batch
            if self._batch and now >= deadline:
                return self._batch
            timeout = 0.0 if self._batch else max(0.0, deadline - now)
            if not self._wait_for_socket(timeout):
                return self._batch
            if self._batch and deadline > now + linger_s:
                deadline = now + linger_s

    def _read_pending(self, max_messages: int, max_bytes: int) -> None:
        client, sock = self._client, self._client.buffered
        read = client.loop_read
        while sock is not None and sock.pending():
            if client.between_packets:
                messages = sock.publishes(max_messages - len(self._batch), max_bytes - self._batch_bytes)
                if messages:
                    self._batch += messages
                    self._batch_bytes += sum(len(message.payload) for message in messages)
                    continue
            if len(self._batch) >= max_messages or self._batch_bytes >= max_bytes:
                return
            if read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            sock = client.buffered

    def _wait_for_socket(self, timeout: float) -> bool:
        """Let bytes arrive; False when nothing (more) came in time or the connection is gone."""
        sock = self._client.buffered
        if sock is None:
            return False
        flushed = self._flush()
        try:
            readable, writable, _ = select.select([sock], [] if flushed else [sock], [], min(timeout, 1.0))
        except (OSError, ValueError):
            self._client.loop_read()  # lets paho find out that the socket is gone
            return False
        if writable:
            self._flush()
        if readable:
            return self._client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS
        self._client.loop_misc()
        self._flush()
        return timeout > 1.0 and self._client.buffered is not None

    def acknowledge(self, messages: Sequence[Message], generation: int) -> None:
        """PUBACK in the order received, in one write; over another connection the broker will send them again."""
        sock = self._client.buffered
        # Not only when subscribed: a resumed session fills its window at once and waits for these.
        if sock is None or generation != self.generation:
            return
        sock.send(b"".join([_PUBACK + message.mid.to_bytes(2) for message in messages if message.qos]))
        self._flush()
        self._client.loop_misc()

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        """Send something back over this session; lost when there is no connection."""
        if self._subscribed:
            self._client.publish(topic, payload, qos=qos, retain=retain)
            self._flush()

    def keep_alive(self) -> None:
        """Stay in touch with the broker while no batch can be taken."""
        self._client.loop_misc()
        self._flush()

    def close(self) -> None:
        """Leave without ending the session: the broker keeps what arrives meanwhile."""
        self._subscribed = False
        self._client.disconnect()
        self._flush()
        self._client.loop_misc()

    def _flush(self) -> bool:
        sock = self._client.buffered
        if sock is None:
            return True
        if self._client.want_write():
            self._client.loop_write()
        try:
            return sock.flush()
        except OSError:
            self._client.loop_read()
            return True

    def _ensure_connection(self, wait_s: float) -> bool:
        if self._client.buffered is not None:
            return True
        pause = self._retry_at - time.monotonic()
        if pause > 0:
            time.sleep(min(pause, wait_s))
            return False
        self.generation += 1
        try:
            self._client.connect(self.broker.host, self.broker.port, keepalive=KEEPALIVE_S)
        except (OSError, ValueError) as error:  # ValueError: a host that cannot be
            self._fail(f"cannot reach the broker at {self.broker}: {failure(error, self.broker)}")
            return False
        self._flush()
        return True

    def _fail(self, what: str) -> None:
        log.log(logging.DEBUG if self._warned else logging.WARNING, "%s: %s; trying again", self.client_id, what)
        self._warned = True
        self._retry_at = time.monotonic() + self._backoff_s
        self._backoff_s = min(self._backoff_s * 2, _RECONNECT_MAX_S)

    def _plain_hint(self) -> str:
        return "is it a broker?" if self.broker.ca else "does this port want TLS? Then set GENGFU_BROKER_CA"

    def _connected(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._fail(f"the broker at {self.broker} refused the connection: {reason}")
            return
        self._session_present = bool(flags.session_present)
        client.subscribe(self._filters)

    def _confirmed(self, client: paho.Client, userdata: Any, mid: int, reasons: Any, properties: Any) -> None:
        refused = [text for (text, _), reason in zip(self._filters, reasons, strict=False) if reason.is_failure]
        if refused:
            self._fail(f"the broker refused the subscription to {', '.join(refused)}")
            client.disconnect()
            return
        self._subscribed = True
        self._warned = False
        self._backoff_s = _RECONNECT_FIRST_S
        log.info("%s: hears %s", self.client_id, self.broker)
        self.on_session(self._session_present)

    def _received(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        payload = message.payload
        try:
            topic = message.topic
        except UnicodeDecodeError as error:
            topic = error.object.decode("utf-8", "replace")
        self._batch.append(Message(topic, payload, message.mid, message.qos, message.retain))  # type: ignore[arg-type]
        self._batch_bytes += len(payload)

    def _disconnected(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self._subscribed:
            self._fail(f"lost the broker at {self.broker} ({reason})")
        elif reason.is_failure and time.monotonic() >= self._retry_at:
            self._fail(f"the broker at {self.broker} closed the connection without an answer: {self._plain_hint()}")
        self._subscribed = False
        self._client.buffered = None
        # What was read but not handed out is not acknowledged: the broker delivers it again.
        self._batch = []
        self._batch_bytes = 0
