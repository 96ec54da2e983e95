"""One tag, many prints: hex in either byte order, decimal, truncated. Whatever a reader prints leads to one owner."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LONGEST_PRINT = 64
_NOISE = " \t\r\n\x00\x02\x03"
_SEPARATED = re.compile(r"(?:[0-9A-F]{2})+(?:[:\- ](?:[0-9A-F]{2})+)+")
_HEX = re.compile(r"[0-9A-F]+")
_DECIMAL = re.compile(r"[0-9]{5,25}")
_PAIR = re.compile(r"([0-9]{1,5}),([0-9]{1,5})")
_CARD = re.compile(r"([0-9]{8,12})[ /]+([0-9]{1,5},[0-9]{1,5})")
_HEX_BITS = {digits: 4 * digits for digits in (6, 8, 10, 14, 16, 20)}
_DECIMAL_BITS = (32, 40, 56, 64, 80)
_TRUNCATED = 24
_EM4100 = frozenset({24, 32, 40})
_BITS_OF_KIND = {"nfc": frozenset({24, 32, 56, 64, 80}), "sun": frozenset({56}), "rfid125": _EM4100}


class Number(NamedTuple):
    """A tag's number as far as a print gives it: its lowest `bits` bits."""

    bits: int
    value: int

    @property
    def hex(self) -> str:
        """Upper case, without separators."""
        return f"{self.value:0{self.bits // 4}X}"

    def reversed(self) -> "Number":
        """The same bytes in the other order."""
        return Number(self.bits, int.from_bytes(self.value.to_bytes(self.bits // 8, "big"), "little"))

    def low(self, bits: int) -> "Number":
        """Its lowest bits."""
        return Number(bits, self.value & ((1 << bits) - 1))


class Collision(NamedTuple):
    """Two owners whom one print could mean."""

    first: str
    second: str
    text: str


def canonical(text: str) -> str:
    """The print as plain upper-case hex in the order it was read; text that is no tag's number, tidied. Never raises.

    Digits alone are taken as hex where that is usual (8, 14, 16 or 20 of them), else as decimal.
    """
    tidy = _tidy(text)
    numbers = _numbers(tidy)
    if not numbers:
        return tidy
    if _DECIMAL.fullmatch(tidy) and len(tidy) in (8, 14, 16, 20):
        return tidy
    return numbers[0].hex


def readable(text: str, kind: str = "") -> bool:
    """Whether a print is the number of a tag of this kind (`nfc`, `sun`, `rfid125`; empty: of any)."""
    return bool(_numbers_of(text, kind))


def prints(text: str, kind: str = "") -> frozenset[str]:
    """What readers usually print of a declared tag: in capitals, without separators or blanks, whole or truncated.

    A truncated one may mean other tags as well: TagIndex.find knows.
    """
    found: set[str] = set()
    for number in _numbers_of(text, kind):
        found.update(_prints(number))
        if number.bits in _EM4100:
            found.update(_prints(number.low(_TRUNCATED)))
    return frozenset(found)


def _tidy(text: str) -> str:
    return text[: 2 * _LONGEST_PRINT].strip(_NOISE).upper().removeprefix("0X")[:_LONGEST_PRINT]


def _numbers(tidy: str) -> tuple[Number, ...]:
    """Every number a print may mean, the likeliest first; none for zero, which readers print when they fail."""
    card = _CARD.fullmatch(tidy)
    if card:
        printed, pair = _decimal(card[1]), _pair(card[2])
        found = [one for one in printed if pair and one.low(pair[0].bits) == pair[0]]
    elif _PAIR.fullmatch(tidy):
        found = _pair(tidy)
    elif _SEPARATED.fullmatch(tidy):
        found = _hex(re.sub(r"[:\- ]", "", tidy))
    elif _DECIMAL.fullmatch(tidy):
        found = [*_decimal(tidy), *_hex(tidy)]
    else:
        found = _hex(tidy)
    return tuple(one for one in found if one.value)


def _hex(digits: str) -> list[Number]:
    bits = _HEX_BITS.get(len(digits))
    return [Number(bits, int(digits, 16))] if bits and _HEX.fullmatch(digits) else []


def _decimal(digits: str) -> list[Number]:
    """8H-10D, 10H-12D, 6H-8D and the same without leading zeros; more than ten digits carry the version byte."""
    value = int(digits)
    found = [Number(bits, value) for bits in _DECIMAL_BITS if value < 1 << bits and (bits > 32 or len(digits) <= 10)]
    if value < 1 << _TRUNCATED and len(digits) <= 8:
        found.append(Number(_TRUNCATED, value))
    return found


def _pair(text: str) -> list[Number]:
    """2H+4H `111,27706` and 4H+4H `00623,27706`."""
    left, _, right = text.partition(",")
    high, low = int(left), int(right)
    if high > 0xFFFF or low > 0xFFFF:
        return []
    return [Number(_TRUNCATED if len(left) <= 3 and high <= 0xFF else 32, high << 16 | low)]


def _numbers_of(text: str, kind: str) -> list[Number]:
    """The numbers a declared tag may have, in both byte orders where readers differ about it."""
    allowed = _BITS_OF_KIND.get(kind)
    numbers = [one for one in _numbers(_tidy(text)) if allowed is None or one.bits in allowed]
    if kind != "rfid125":
        numbers += [one.reversed() for one in numbers if one.bits not in (_TRUNCATED, 40)]
    return list(dict.fromkeys(numbers))


def _prints(number: Number) -> Iterator[str]:
    """The usual prints that give a number in full."""
    yield number.hex
    yield str(number.value)
    if number.bits == _TRUNCATED:
        yield f"{number.value:08d}"
        yield f"{number.value >> 16},{number.value & 0xFFFF:05d}"
    elif number.bits == 32:
        yield f"{number.value:010d}"
        yield f"{number.value >> 16:05d},{number.value & 0xFFFF:05d}"
    elif number.bits == 40:
        yield f"{number.value:012d}"
        yield from _prints(number.low(32))


class TagIndex:
    """Finds whose tag a print means. Truncated prints (6H-8D, 2H+4H) count only while they mean one owner."""

    def __init__(self, entries: Iterable[tuple[str, str, str]]) -> None:
        """`entries`: owner, what any reader prints of the tag, kind (`nfc`, `sun`, `rfid125`, empty: unknown)."""
        self._owners: dict[Number, set[str]] = {}
        self._headless: dict[Number, set[str]] = {}
        self._declared: list[tuple[str, Number]] = []
        for owner, text, kind in entries:
            for number in _numbers_of(text, kind):
                self._declared.append((owner, number))
                self._note(owner, number, kind)
        self.collisions = list(self._collisions())
        """Pairs that one full print could mean; the files of a site with any are refused."""

    def find(self, text: str) -> str | None:
        """Whose tag it is; None for an unknown, an ambiguous or a malformed print. Never raises."""
        owners = self._meant(text)
        return next(iter(owners)) if len(owners) == 1 else None

    def _note(self, owner: str, number: Number, kind: str) -> None:
        self._owners.setdefault(number, set()).add(owner)
        if number.bits not in _EM4100:
            return
        for bits in _EM4100:
            if bits < number.bits:
                self._owners.setdefault(number.low(bits), set()).add(owner)
        if kind == "nfc" and number.bits == 32:
            # It has no version byte: a print with one means it only when that is zero.
            self._owners.setdefault(Number(40, number.value), set()).add(owner)
        elif number.bits < 40:
            self._headless.setdefault(number, set()).add(owner)

    def _meant(self, text: str) -> set[str]:
        owners: set[str] = set()
        for number in _numbers(_tidy(text)):
            owners |= self._owners.get(number, frozenset())
            if number.bits in _EM4100:
                for bits in _EM4100:
                    if bits < number.bits:
                        owners |= self._headless.get(number.low(bits), frozenset())
        return owners

    def _collisions(self) -> Iterator[Collision]:
        told: set[frozenset[str]] = set()
        for owner, number in self._declared:
            for text in _prints(number):
                for other in self._meant(text) - {owner}:
                    pair = frozenset({owner, other})
                    if pair not in told:
                        told.add(pair)
                        yield Collision(owner, other, text)
