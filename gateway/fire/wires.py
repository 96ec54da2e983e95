"""Where the bytes of a panel come from: a serial port, or a serial server over TCP. Thin; raises WIRE_ERRORS."""

import select
import socket
import termios
from typing import Final, Protocol

import serial

WIRE_ERRORS: Final = (OSError, ValueError, termios.error)
"""What opening, reading and writing raise; pyserial's own errors are OSErrors."""
_TURN_S: Final = 0.05
_CONNECT_S: Final = 5.0
_CHUNK: Final = 4096
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
"""A dead peer is found within a minute although nothing is ever sent to it."""


class Wire(Protocol):
    """An open line."""

    def read(self) -> bytes:
        """What has come; empty after a moment in which nothing did."""
        ...

    def write(self, data: bytes) -> None:
        """Send."""
        ...

    def close(self) -> None:
        """Leave it."""
        ...


class SerialWire:
    """A serial port, ours alone."""

    def __init__(self, port: str, baud: int, framing: str) -> None:
        """`framing`: data bits, parity, stop bits, e.g. `8N1`."""
        self._port = serial.Serial(
            port,
            baud,
            bytesize=int(framing[0]),
            parity=framing[1],
            stopbits=int(framing[2]),
            timeout=_TURN_S,
            write_timeout=1.0,
            exclusive=True,
        )

    def read(self) -> bytes:
        """What has come."""
        return self._port.read(max(1, min(self._port.in_waiting, _CHUNK)))

    def write(self, data: bytes) -> None:
        """Send."""
        self._port.write(data)

    def close(self) -> None:
        """Leave the port."""
        self._port.close()


class TcpWire:
    """A serial server that passes bytes on as they are."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=_CONNECT_S)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def read(self) -> bytes:
        """What has come; raises ConnectionResetError when the server has closed."""
        if not select.select([self._socket], [], [], _TURN_S)[0]:
            return b""
        data = self._socket.recv(_CHUNK)
        if not data:
            raise ConnectionResetError("The serial server has closed the connection")
        return data

    def write(self, data: bytes) -> None:
        """Send."""
        self._socket.sendall(data)

    def close(self) -> None:
        """Leave the connection."""
        self._socket.close()


def host_and_port(address: str) -> tuple[str, int]:
    """`host:port` in two."""
    host, _, port = address.rpartition(":")
    return host, int(port)
