"""Reading the socket in batches: the same messages as paho's own parser, and acknowledgements that reach the broker."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt import BrokerAddress, client_options
from gateway.subscribe import BufferedSocket, Message, Subscriber

PATIENT = 10.0


def length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(out)


def publish(topic: bytes, payload: bytes, *, mid: int = 0, retain: bool = False, dup: bool = False) -> bytes:
    """A PUBLISH packet: QoS 1 with a message id, QoS 0 without."""
    body = struct.pack("!H", len(topic)) + topic + (struct.pack("!H", mid) if mid else b"") + payload
    return bytes([0x30 | (0x02 if mid else 0) | (0x08 if dup else 0) | retain]) + length(len(body)) + body


PINGRESP = b"\xd0\x00"
sizes = st.sampled_from([0, 1, 2, 60, 125, 126, 127, 128, 129, 300, 16_370, 16_400])
packets = st.one_of(
    st.builds(
        lambda topic, size, mid, retain, dup: publish(topic, b"x" * size, mid=mid, retain=retain, dup=dup),
        st.sampled_from([b"a", b"gengfu/v1/s/d/reading", "点".encode(), b"t" * 130]),
        sizes,
        st.integers(0, 65_535),
        st.booleans(),
        st.booleans(),
    ),
    st.just(PINGRESP),
    st.integers(1, 65_535).map(lambda mid: b"\x40\x02" + struct.pack("!H", mid)),
)


class Chunks:
    """A socket that has these bytes to give, in these pieces, and then nothing yet."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def recv(self, size: int) -> bytes:
        if not self._pieces:
            raise BlockingIOError
        piece = self._pieces.pop(0)
        if len(piece) > size:
            self._pieces.insert(0, piece[size:])
        return piece[:size]

    def close(self) -> None:
        pass

    def __bool__(self) -> bool:
        return bool(self._pieces)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def by_paho(pieces: Sequence[bytes]) -> list[Message]:
    found: list[Message] = []
    client = paho.Client(**client_options("theirs", clean_session=False), manual_ack=True)
    client.on_message = lambda _c, _u, one: found.append(
        Message(one.topic, one.payload, one.mid, one.qos, one.retain)  # type: ignore[arg-type]
    )
    source = Chunks(pieces)
    client._sock = source  # type: ignore[assignment]
    while source:
        assert client.loop_read() == paho.MQTT_ERR_SUCCESS
    return found


def by_us(pieces: Sequence[bytes], most: int, most_bytes: int) -> list[Message]:
    subscriber = Subscriber(BrokerAddress(), "ours", [])
    client, source = subscriber._client, Chunks(pieces)
    client.buffered = BufferedSocket(source)  # type: ignore[arg-type]
    client._sock = client.buffered  # type: ignore[assignment]
    found: list[Message] = []
    while source or client.buffered.pending():
        subscriber._batch, subscriber._batch_bytes = [], 0
        if not client.buffered.pending():
            assert client.loop_read() == paho.MQTT_ERR_SUCCESS  # as after select says so
        subscriber._read_pending(most, most_bytes)
        assert len(subscriber._batch) <= most + 1
        found += subscriber._batch
    return found


@given(
    st.lists(packets, max_size=12),
    st.lists(st.integers(0, 1 << 20), max_size=12),
    st.integers(1, 5),
    st.sampled_from([1, 200, 1 << 20]),
)
def test_any_cut_of_a_stream_gives_the_messages_that_paho_reads(
    stream: list[bytes], places: list[int], most: int, most_bytes: int
) -> None:
    pieces = cut(b"".join(stream), places)
    assert by_us(pieces, most, most_bytes) == by_paho(pieces)


@given(st.lists(packets, max_size=4), st.binary(min_size=1, max_size=40))
def test_garbage_behind_whole_packets_never_raises(stream: list[bytes], rest: bytes) -> None:
    data = b"".join(stream) + rest
    buffered = BufferedSocket(Chunks([data]))  # type: ignore[arg-type]
    buffered.recv(0)  # reads ahead
    buffered.publishes(1000, 1 << 30)
    assert buffered.pending() <= len(data)


@pytest.mark.parametrize(
    "packet", [b"\x30\x00", b"\x32\x01\x00", b"\x32\x04\x00\x03a\x00", b"\x30\xff\xff\xff\xff\x01"]
)
def test_a_malformed_packet_is_no_message(packet: bytes) -> None:
    buffered = BufferedSocket(Chunks([packet]))  # type: ignore[arg-type]
    buffered.recv(0)
    assert buffered.publishes(1000, 1 << 30) == []
    assert buffered.pending() == len(packet)


class FakeBroker:
    """Answers one client at a time, packet by packet, as the test says."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENT)
        self.address = BrokerAddress(port=self._listener.getsockname()[1])
        self._sock: socket.socket | None = None

    @property
    def sock(self) -> socket.socket:
        assert self._sock is not None
        return self._sock

    def accept(self, *, present: bool = True) -> None:
        self.drop()
        self._sock, _ = self._listener.accept()
        self._sock.settimeout(PATIENT)
        assert self.packet()[0] >> 4 == 1
        self.sock.sendall(bytes([0x20, 2, present, 0]))

    def packet(self) -> bytes:
        head = self._exactly(2)
        assert head[1] < 0x80
        return head + self._exactly(head[1])

    def confirm(self, code: int = 1) -> None:
        """Answer the SUBSCRIBE."""
        packet = self.packet()
        assert packet[0] == 0x82
        self.sock.sendall(b"\x90\x03" + packet[2:4] + bytes([code]))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            assert more, "the client closed the connection"
            data += more
        return data

    def drop(self) -> None:
        if self._sock is not None:
            self._sock.close()

    def close(self) -> None:
        self._listener.close()
        self.drop()


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    fake = FakeBroker()
    yield fake
    fake.close()


class Reading:
    """A subscriber whose thread gathers; acknowledging is up to the test."""

    def __init__(self, broker: FakeBroker) -> None:
        self.sessions: list[bool] = []
        self.subscriber = Subscriber(broker.address, "us", [("a/#", 1)], on_session=self.sessions.append)
        self.messages: list[Message] = []

    def gather(self, count: int) -> list[Message]:
        """Gather until so many messages came."""
        found = self.subscriber.gather(100, 1 << 20, 0.01, 0.05)
        for _ in range(200):
            if len(found) >= count:
                break
            found += self.subscriber.gather(100, 1 << 20, 0.01, 0.05)
        return found


def connected(broker: FakeBroker, **options: Any) -> Reading:
    reading = Reading(broker)
    answering = threading.Thread(target=lambda: (broker.accept(**options), broker.confirm()))
    answering.start()
    while not reading.subscriber.connected:
        reading.subscriber.gather(100, 1 << 20, 0.01, 0.05)
    answering.join()
    return reading


def test_what_comes_before_the_subscription_is_confirmed_is_acknowledged_too(broker: FakeBroker) -> None:
    # A resumed session: the broker sends what it kept at once, as much as its window allows, and waits.
    reading = Reading(broker)
    thread = threading.Thread(target=broker.accept)
    thread.start()
    reading.subscriber.gather(100, 1 << 20, 0.01, 0.05)
    thread.join()
    broker.sock.sendall(publish(b"a/1", b"kept", mid=7))
    (message,) = reading.gather(1)
    assert not reading.subscriber.connected
    reading.subscriber.acknowledge([message], reading.subscriber.generation)
    assert broker.packet()[0] == 0x82
    assert broker.packet() == b"\x40\x02\x00\x07"


def test_acknowledgements_leave_in_the_order_of_arrival(broker: FakeBroker) -> None:
    reading = connected(broker)
    broker.sock.sendall(b"".join(publish(b"a/1", b"%d" % mid, mid=mid) for mid in (3, 1, 2)) + publish(b"a/1", b"q0"))
    messages = reading.gather(4)
    assert [message.mid for message in messages] == [3, 1, 2, 0]
    reading.subscriber.acknowledge(messages, reading.subscriber.generation)
    assert [broker.packet()[3] for _ in range(3)] == [3, 1, 2]


def test_an_acknowledgement_never_goes_over_another_connection(broker: FakeBroker) -> None:
    reading = connected(broker)
    broker.sock.sendall(publish(b"a/1", b"x", mid=9))
    messages = reading.gather(1)
    generation = reading.subscriber.generation
    broker.drop()
    thread = threading.Thread(target=lambda: (broker.accept(present=False), broker.confirm()))
    thread.start()
    while reading.sessions != [True, False]:
        reading.subscriber.gather(100, 1 << 20, 0.01, 0.05)
        reading.subscriber.acknowledge(messages, generation)
    thread.join()
    assert [message.payload for message in messages] == [b"x"], "what was handed out stays as it is"
    reading.subscriber.acknowledge([Message("a/1", b"", 4, 1, False)], reading.subscriber.generation)
    assert broker.packet() == b"\x40\x02\x00\x04"


def test_what_was_handed_out_survives_the_connection_it_came_over(broker: FakeBroker) -> None:
    reading = connected(broker)
    broker.sock.sendall(publish(b"a/1", b"x", mid=9))
    messages = reading.gather(1)
    broker.drop()
    while reading.subscriber.connected:
        reading.subscriber._client.loop_read()
    assert [message.payload for message in messages] == [b"x"]


def test_a_refused_subscription_is_told_and_tried_again(broker: FakeBroker, caplog: pytest.LogCaptureFixture) -> None:
    reading = Reading(broker)
    thread = threading.Thread(target=lambda: (broker.accept(), broker.confirm(0x80)))
    thread.start()
    while "refused the subscription to a/#" not in caplog.text:
        reading.subscriber.gather(100, 1 << 20, 0.01, 0.05)
    thread.join()
    assert not reading.subscriber.connected
    thread = threading.Thread(target=lambda: (broker.accept(), broker.confirm()))
    thread.start()
    while not reading.subscriber.connected:
        reading.subscriber.gather(100, 1 << 20, 0.01, 0.05)
    thread.join()
    assert reading.sessions == [True]


def test_an_unreachable_broker_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    subscriber = Subscriber(BrokerAddress(port=port), "us", [("a/#", 1)])
    for _ in range(30):
        assert subscriber.gather(100, 1 << 20, 0.01, 0.05) == []
    assert caplog.text.count("cannot reach the broker") == 1
