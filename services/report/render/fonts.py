"""The one font of printed reports, and which characters it can draw. A missing font is an error, never boxes."""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unicodedata import category

from services.report.render.errors import FontMissing

FAMILY = "Noto Sans CJK SC"
HINT = "Install it again: pip install --force-reinstall noto-cjk-sans-otc"
_WINDOWS, _FULL, _ENGLISH, _NAME_OF_FAMILY, _SEGMENTS = 3, 10, 0x409, 1, 12
_INVISIBLE = {"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0e", "\ufe0f"}


@cache
def folder() -> Path:
    """Where the font lies; raises FontMissing."""
    return _file().parent


@cache
def drawn() -> frozenset[int]:
    """Code points the font has a picture for; raises FontMissing."""
    data = _file().read_bytes()
    try:
        for offset in _faces(data):
            tables = _tables(data, offset)
            if _family(data, tables["name"]) == FAMILY:
                return frozenset(_code_points(data, tables["cmap"]))
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise FontMissing(f"{_file().name} is not a font collection", hint=HINT) from error
    raise FontMissing(f"{_file().name} has no face {FAMILY}", hint=HINT)


def printable(text: str) -> str:
    """The text with what no paper shows left out, and what the font cannot draw as its code, e.g. `[U+1F600]`."""
    known = drawn()
    if known.issuperset(map(ord, text)) and text.isprintable():
        return text
    return "".join(_printed(one, known) for one in text)


def _printed(one: str, known: frozenset[int]) -> str:
    if one == "\n" or (ord(one) in known and category(one) not in ("Cc", "Cf")):
        return one
    if one in "\t\u00a0\u3000\u2009\u202f":
        return " "
    return "" if one in _INVISIBLE or category(one) in ("Cc", "Cf") else f"[U+{ord(one):04X}]"


def _file() -> Path:
    try:
        from noto_cjk_sans_otc import FONT_PATH
    except ImportError as error:
        raise FontMissing("The package noto-cjk-sans-otc with the report's font is missing", hint=HINT) from error
    path = Path(FONT_PATH)
    if not path.is_file():
        raise FontMissing(f"The report's font {path.name} is missing", hint=HINT)
    return path


def _faces(data: bytes) -> tuple[int, ...]:
    if data[:4] != b"ttcf":
        return (0,)
    (count,) = struct.unpack_from(">I", data, 8)
    return struct.unpack_from(f">{count}I", data, 12)


def _tables(data: bytes, offset: int) -> dict[str, int]:
    (count,) = struct.unpack_from(">H", data, offset + 4)
    rows = (struct.unpack_from(">4sIII", data, offset + 12 + 16 * index) for index in range(count))
    return {tag.decode("ascii"): start for tag, _, start, _ in rows}


def _family(data: bytes, start: int) -> str:
    _, count, words = struct.unpack_from(">HHH", data, start)
    for index in range(count):
        platform, _, language, name, length, at = struct.unpack_from(">6H", data, start + 6 + 12 * index)
        if (platform, language, name) == (_WINDOWS, _ENGLISH, _NAME_OF_FAMILY):
            return data[start + words + at : start + words + at + length].decode("utf-16-be")
    return ""


def _code_points(data: bytes, start: int) -> Iterator[int]:
    _, count = struct.unpack_from(">HH", data, start)
    for index in range(count):
        platform, encoding, at = struct.unpack_from(">HHI", data, start + 4 + 8 * index)
        if (platform, encoding) != (_WINDOWS, _FULL):
            continue
        form, _, _, _, groups = struct.unpack_from(">HHIII", data, start + at)
        if form != _SEGMENTS:
            continue
        for group in range(groups):
            first, last, _ = struct.unpack_from(">III", data, start + at + 16 + 12 * group)
            yield from range(first, last + 1)
