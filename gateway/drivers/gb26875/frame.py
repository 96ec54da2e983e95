"""One frame of GB/T 26875.3-2011 §6.6: building it, and reading one that is whole."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, Literal, Self

from gateway.contract.errors import GengfuError

START: Final = b"@@"
END: Final = b"##"
HEAD: Final = 27
"""Bytes up to and with the command: what must be there to know the length."""
OVERHEAD: Final = 30
"""Bytes of a frame without application data."""
MAX_APP: Final = 1024
"""Most bytes of an application data unit (§6.6, table 1)."""

_CONTROL: Final = Struct("<HBB6s6s6sHB")
Kind = Literal["bad_start", "truncated", "too_long", "trailing", "bad_end", "bad_checksum", "bad_field"]


class Command(IntEnum):
    """The command byte (§6.6, table 2); 128–255 are the makers' own."""

    CONTROL = 1
    SEND_DATA = 2
    CONFIRM = 3
    REQUEST = 4
    REPLY = 5
    DENY = 6


ANSWERS: Final = frozenset({Command.CONFIRM, Command.REPLY, Command.DENY})
"""What ends an exchange; denying it would never end."""


class BadFrame(GengfuError):
    """Bytes that are no frame, or a frame that cannot be sent; `kind` names the reason."""

    def __init__(self, kind: Kind, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind: Kind = kind


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it is on the wire. Addresses and time label are kept as bytes: nothing about them is promised."""

    serial: int
    """Of the exchange: its initiator counts, answers echo it."""
    command: int
    source: bytes
    destination: bytes
    app: bytes = b""
    """The application data unit; see gateway.drivers.gb26875.units."""
    version: tuple[int, int] = (1, 1)
    """Main (fixed 1 by the standard, not by the makers) and user version."""
    label: bytes = bytes(6)
    """When it was sent, by the sender's clock; see gateway.drivers.gb26875.labels."""

    def encode(self) -> bytes:
        """The bytes to send; raises BadFrame for a field that does not fit."""
        if len(self.app) > MAX_APP:
            raise BadFrame("too_long", f"{len(self.app)} bytes of application data", hint=f"At most {MAX_APP}")
        if not len(self.source) == len(self.destination) == len(self.label) == 6:
            raise BadFrame("bad_field", f"Addresses and time label of frame {self.serial} must have six bytes each")
        numbers = (self.serial >> 8, self.serial & 0xFF, *self.version, self.command)
        if not all(0 <= number <= 0xFF for number in numbers):
            raise BadFrame("bad_field", f"A number of frame {self.serial} (command {self.command}) is out of range")
        control = _CONTROL.pack(
            self.serial, *self.version, self.label, self.source, self.destination, len(self.app), self.command
        )
        body = control + self.app
        return START + body + bytes([sum(body) & 0xFF]) + END

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The one frame that `data` is; raises BadFrame. Any command and version is let through."""
        if not data.startswith(START[: len(data)]) or not data:
            raise BadFrame("bad_start", f"{len(data)} bytes do not begin with @@")
        if len(data) < HEAD:
            raise BadFrame("truncated", f"{len(data)} bytes are no whole header")
        size = OVERHEAD + int.from_bytes(data[24:26], "little")
        if size > OVERHEAD + MAX_APP:
            raise BadFrame("too_long", f"The frame declares {size - OVERHEAD} bytes", hint=f"At most {MAX_APP}")
        if len(data) < size:
            raise BadFrame("truncated", f"{len(data)} of {size} bytes are there")
        if len(data) > size:
            raise BadFrame("trailing", f"{len(data) - size} bytes follow the frame", hint="Use a FrameReader")
        if data[-2:] != END:
            raise BadFrame("bad_end", f"The frame ends with {data[-2:].hex()}, not 2323")
        if sum(data[2:-3]) & 0xFF != data[-3]:
            raise BadFrame("bad_checksum", f"Checksum {data[-3]:02x} should be {sum(data[2:-3]) & 0xFF:02x}")
        return cls.of_sound(data)

    @classmethod
    def of_sound(cls, data: bytes) -> Self:
        """The frame of bytes whose start, length, checksum and end have been checked."""
        serial, major, minor, label, source, destination, _, command = _CONTROL.unpack_from(data, 2)
        return cls(serial, command, source, destination, data[HEAD:-3], (major, minor), label)

    def answer(self, command: int, label: bytes, app: bytes = b"") -> "Frame":
        """What answers this frame: same serial, addresses swapped, version echoed."""
        return Frame(self.serial, command, self.destination, self.source, app, self.version, label)
