"""Texts in GB 18030 (§8.2.1.2): fixed 31 bytes for a name, padded with NUL or spaces, or NUL and then rubbish."""

import codecs

from gateway.drivers.gb26875.objects import NAME_BYTES

_DECODER = codecs.getincrementaldecoder("gb18030")
_BLANK = " \t\r\n\u3000"


def read_text(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """(text, marks): `cut_text` when its last character lost a part, `bad_text` when bytes are no GB 18030."""
    kept = raw.split(b"\0", 1)[0]
    decoder = _DECODER(errors="replace")
    text = decoder.decode(kept, final=False)
    marks: tuple[str, ...] = ("cut_text",) if decoder.getstate()[0] else ()
    if "\ufffd" in text:
        marks += ("bad_text",)
    return "".join(one if one.isprintable() else " " for one in text).strip(_BLANK), marks


def write_text(text: str, most: int) -> bytes:
    """The longest beginning of `text` that fits into `most` bytes: no character is cut."""
    written = b""
    for one in text:
        encoded = one.encode("gb18030", errors="replace")
        if len(written) + len(encoded) > most:
            break
        written += encoded
    return written


def name_field(text: str) -> bytes:
    """A component's name as it is sent: 31 bytes, padded with NUL."""
    return write_text(text, NAME_BYTES).ljust(NAME_BYTES, b"\0")
