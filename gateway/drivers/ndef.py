"""The address in a tag's NDEF message, and the commands that read the message from a type 4 tag (NTAG 424 DNA)."""

from collections.abc import Iterator

SELECT_APPLICATION = bytes.fromhex("00A4040007D276000085010100")
SELECT_FILE = bytes.fromhex("00A4000C02E104")
MAX_MESSAGE = 1024
"""Longer messages are not read: an address has at most 1024 characters in an event."""
_CHUNK = 0x70
_PREFIXES = {
    0x00: "", 0x01: "http://www.", 0x02: "https://www.", 0x03: "http://", 0x04: "https://",
}  # fmt: skip
_WELL_KNOWN, _ABSOLUTE = 1, 3


def read_binary(offset: int, length: int) -> bytes:
    """The command that reads `length` bytes of the selected file, at most a chunk."""
    return bytes([0x00, 0xB0, offset >> 8, offset & 0xFF, min(length, _CHUNK)])


def url_of(message: bytes) -> str:
    """The first web address in an NDEF message; empty when it has none or is damaged."""
    for format_, type_, payload in _records(message):
        url = ""
        if format_ == _WELL_KNOWN and type_ == b"U" and payload:
            prefix = _PREFIXES.get(payload[0])
            url = "" if prefix is None else prefix + payload[1:].decode("utf-8", "replace")
        elif format_ == _ABSOLUTE:
            url = type_.decode("utf-8", "replace")
        if url.startswith(("http://", "https://")):
            return url
    return ""


def _records(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(type name format, type, payload) of each whole record."""
    at = 0
    while at + 3 <= len(message):
        flags, type_length = message[at], message[at + 1]
        short, has_id = flags & 0x10, flags & 0x08
        width = 1 if short else 4
        payload_length = int.from_bytes(message[at + 2 : at + 2 + width], "big")
        at += 2 + width
        id_length = message[at] if has_id and at < len(message) else 0
        at += 1 if has_id else 0
        type_end = at + type_length
        payload_at = type_end + id_length
        end = payload_at + payload_length
        if end > len(message):
            return
        yield flags & 0x07, message[at:type_end], message[payload_at:end]
        at = end
