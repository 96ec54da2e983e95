"""The buffered socket over TLS: every record that is there is read, and a write that must wait is not lost."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.mqtt import BrokerAddress, failure
from gateway.subscribe import BufferedSocket
from services.install.certificates import make_authority, make_server

NOW = datetime.now(UTC)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[BufferedSocket, ssl.SSLSocket]]:
    """Our end, not blocking and wrapped as for paho, and the broker's."""
    authority = make_authority(NOW, 1)
    server = make_server(authority, ["127.0.0.1"], NOW)
    (tmp_path / "both.pem").write_bytes(server.certificate + server.key)
    theirs_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs_context.load_cert_chain(tmp_path / "both.pem")
    ours_context = ssl.create_default_context(cadata=authority.certificate.decode())
    one, other = socket.socketpair()
    theirs = theirs_context.wrap_socket(other, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=theirs.do_handshake)
    thread.start()
    ours = ours_context.wrap_socket(one, server_hostname="127.0.0.1")
    thread.join()
    ours.setblocking(False)
    yield BufferedSocket(ours), theirs
    ours.close()
    theirs.close()


def readable(buffered: BufferedSocket) -> bool:
    return bool(select.select([buffered], [], [], 0)[0])


def drain_tickets(buffered: BufferedSocket) -> None:
    """TLS 1.3 sends session tickets after the handshake: bytes for select, and none for us."""
    with pytest.raises(ssl.SSLWantReadError):
        buffered.recv(1)


def test_one_read_takes_every_record_that_is_there(pair: tuple[BufferedSocket, ssl.SSLSocket]) -> None:
    buffered, theirs = pair
    drain_tickets(buffered)
    for number in range(200):
        theirs.sendall(b"%03d" % number)  # a record each, as a broker sends messages
    assert buffered.recv(1) == b"0"
    assert buffered.pending() == 599
    assert not readable(buffered), "nothing is left where select would see it"


def test_nothing_stays_in_the_tls_layer_where_select_is_blind(pair: tuple[BufferedSocket, ssl.SSLSocket]) -> None:
    buffered, theirs = pair
    drain_tickets(buffered)
    whole = b"x" * 3_000_000
    writer = threading.Thread(target=theirs.sendall, args=(whole,))
    writer.start()
    got = 0
    while got < len(whole):
        assert select.select([buffered], [], [], 10)[0], f"{got} bytes came, and select is silent"
        got += len(buffered.recv(1)) + buffered.pending()
        buffered.recv(buffered.pending())
    writer.join()
    assert got == len(whole)


def test_a_write_that_has_to_wait_goes_on_where_it_stopped(pair: tuple[BufferedSocket, ssl.SSLSocket]) -> None:
    buffered, theirs = pair
    sent = b""
    for number in range(100_000):  # until the other side's buffers are full
        piece = b"%06d" % number * 100
        buffered.send(piece)
        sent += piece
        if not buffered.flush():
            break
    assert not buffered.flush()
    buffered.send(b"more, collected while it waits")
    sent += b"more, collected while it waits"
    theirs.settimeout(10)
    heard = b""
    while len(heard) < len(sent):
        heard += theirs.recv(1 << 16)
        buffered.flush()
    assert heard == sent


def test_what_was_collected_leaves_before_the_socket_is_closed(pair: tuple[BufferedSocket, ssl.SSLSocket]) -> None:
    buffered, theirs = pair
    buffered.send(b"\xe0\x00")  # DISCONNECT
    buffered.close()
    assert theirs.recv(10) == b"\xe0\x00"


def test_a_broken_connection_shows_after_what_was_received(pair: tuple[BufferedSocket, ssl.SSLSocket]) -> None:
    buffered, theirs = pair
    drain_tickets(buffered)
    theirs.sendall(b"last words")
    theirs.close()
    assert buffered.recv(100) == b"last words"
    assert buffered.recv(100) == b""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "does not speak TLS"),
        (ssl.SSLEOFError(8, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF"), "does this port speak TLS"),
        (ConnectionResetError(104, "Connection reset by peer"), "does this port speak TLS"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
    ],
)
def test_a_failed_connection_is_explained(error: Exception, said: str) -> None:
    assert said in failure(error, BrokerAddress(ca=Path("ca.crt")))
