"""Readers played for tests: a PN532 with a tag in its field, and the bytes of the others."""

import os
import select
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path

ACK = bytes.fromhex("0000ff00ff00")


@dataclass
class Card:
    """A tag: its UID, whether it speaks ISO-DEP, and its NDEF file."""

    uid: bytes
    iso_dep: bool = False
    ndef: bytes = b""


def uri_message(url: str) -> bytes:
    """An NDEF message of one URI record with the prefix https://."""
    rest = url.removeprefix("https://").encode()
    return bytes([0xD1, 0x01, len(rest) + 1]) + b"U\x04" + rest


def rdm_frame(number: str) -> bytes:
    """What an RDM6300 says of a tag."""
    check = reduce(xor, bytes.fromhex(number))
    return b"\x02" + f"{number}{check:02X}".encode() + b"\x03"


class PlayedPn532:
    """Hears frames as the chip would and answers; `card` is what lies on it, None: nothing."""

    def __init__(self) -> None:
        self.card: Card | None = None
        self.commands: list[int] = []
        self.mute = False
        self.lost_exchanges = 0
        """So many exchanges with the tag fail."""
        self._heard = b""
        self._file = b""

    def hear(self, data: bytes) -> bytes:
        """Bytes from the host; bytes for the host."""
        self._heard += data
        said = b""
        while (start := self._heard.find(b"\x00\xff")) >= 0 and len(self._heard) >= start + 4:
            length = self._heard[start + 2]
            end = start + 4 + length + 2
            if len(self._heard) < end:
                break
            body, check = self._heard[start + 4 : end - 2], self._heard[end - 2]
            self._heard = self._heard[end:]
            assert (sum(body) + check) & 0xFF == 0
            assert body[0] == 0xD4
            self.commands.append(body[1])
            if not self.mute:
                said += ACK + self._framed(bytes([0xD5, body[1] + 1]) + self._answer(body[1], body[2:]))
        return said

    @staticmethod
    def _framed(body: bytes) -> bytes:
        return b"\x00\x00\xff" + bytes([len(body), -len(body) & 0xFF]) + body + bytes([-sum(body) & 0xFF, 0])

    def _answer(self, code: int, data: bytes) -> bytes:
        if code == 0x02:
            return bytes.fromhex("32010607")
        if code == 0x4A:
            return self._target()
        if code == 0x40:
            return self._exchange(data[1:])
        return b"\x00" if code == 0x52 else b""

    def _target(self) -> bytes:
        if self.card is None:
            return b"\x00"
        sak, ats = (0x20, bytes.fromhex("067577710280")) if self.card.iso_dep else (0x08, b"")
        return bytes([1, 1, 0, 4, sak, len(self.card.uid)]) + self.card.uid + ats

    def _exchange(self, apdu: bytes) -> bytes:
        if self.card is None or self.lost_exchanges:
            self.lost_exchanges = max(0, self.lost_exchanges - 1)
            return b"\x01"
        if apdu[1] == 0xA4:
            knows = bool(self.card.ndef) and (apdu[5:12].hex() == "d2760000850101" or apdu[5:7].hex() == "e104")
            self._file = len(self.card.ndef).to_bytes(2, "big") + self.card.ndef
            return b"\x00" + (b"\x90\x00" if knows else b"\x6a\x82")
        offset = apdu[2] << 8 | apdu[3]
        return b"\x00" + self._file[offset : offset + apdu[4]] + b"\x90\x00"


class Plug:
    """A played reader on a pty, under a path that stays when it is pulled out and plugged in again."""

    def __init__(self, path: Path, hear: Callable[[bytes], bytes] = lambda data: b"") -> None:
        self.path = path
        self._hear = hear
        self._lock = threading.Lock()
        self._ends: tuple[int, int] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self.plug_in()
        self._thread.start()

    def plug_in(self) -> None:
        """The port is there."""
        with self._lock:
            self._ends = os.openpty()
            tty.setraw(self._ends[1])
            self.path.symlink_to(os.ttyname(self._ends[1]))

    def pull_out(self) -> None:
        """The port is gone, and whoever has it open finds out."""
        with self._lock:
            if self._ends is not None:
                self.path.unlink()
                for end in self._ends:
                    os.close(end)
                self._ends = None

    def say(self, data: bytes) -> None:
        """The reader says something."""
        with self._lock:
            if self._ends is not None:
                os.write(self._ends[0], data)

    def close(self) -> None:
        """The end of the play."""
        self._ended.set()
        self._thread.join()
        self.pull_out()

    def _play(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                if self._ends is not None and select.select([self._ends[0]], [], [], 0)[0]:
                    answer = self._hear(os.read(self._ends[0], 4096))
                    if answer:
                        os.write(self._ends[0], answer)
            self._ended.wait(0.005)
