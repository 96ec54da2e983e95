"""Readers that print one line of text per tag: hex with or without separators, decimal digits, facility,card."""

import re
from typing import Final

from gateway.drivers.lines import Lines
from gateway.drivers.read import Presence, Read, undecodable

BAUD: Final = 9600
_QUIET_MS: Final = 200
_LEFT_MS: Final = 1000
_LABEL = re.compile(r"[^:=]*?(?:uid|id|tag|card|serial|卡号)[^:=]*[:=]\s*(.+)", re.IGNORECASE)
_FORMS = re.compile(
    r"(?:0x)?[0-9A-F]{2}(?:[:\- ]?[0-9A-F]{2}){3,9}"  # 4 to 10 bytes
    r"|[0-9]{4,20}|[0-9]{1,5},[0-9]{1,5}|[0-9]{8,12}[ /]+[0-9]{1,5},[0-9]{1,5}",  # as cards are printed
    re.IGNORECASE,
)


def uid_in(line: str) -> str | None:
    """The UID that a line is, with its label taken off; None when it is something else."""
    text = line.strip()
    if _FORMS.fullmatch(text) is None:
        label = _LABEL.fullmatch(text)
        text = label[1].strip() if label else ""
    return text if _FORMS.fullmatch(text) else None


class UidLine:
    """One such reader: a driver as in gateway.drivers.read."""

    def __init__(self) -> None:
        self.noise = 0
        """Lines that are no text: the wrong speed, or a bad cable."""
        self._lines = Lines(_QUIET_MS)
        self._presence = Presence(_LEFT_MS)

    def feed(self, data: bytes, now_ms: int) -> list[Read]:
        """Take bytes from the reader; what is text with a digit and no UID is told as undecodable."""
        return self._reads(self._lines.feed(data, now_ms), now_ms)

    def poll(self, now_ms: int) -> bytes:
        """It hears nothing."""
        return b""

    def close(self, now_ms: int) -> list[Read]:
        """A line without an end."""
        return self._reads(self._lines.flush(), now_ms)

    def is_well(self, now_ms: int) -> bool:
        """Nobody can know: it is silent without a tag."""
        return True

    def _reads(self, lines: list[str], now_ms: int) -> list[Read]:
        reads = []
        for line in lines:
            uid = uid_in(line)
            if uid is None and not is_text_with_digit(line):
                self.noise += 1
            elif self._presence.is_new(uid or line, now_ms):
                reads.append(undecodable(line, "no UID", now_ms) if uid is None else Read(uid, now_ms))
        return reads


def is_text_with_digit(line: str) -> bool:
    """Whether a line could be a record: banners without a number and noise could not."""
    return line.isprintable() and "\ufffd" not in line and any(character.isdigit() for character in line)
