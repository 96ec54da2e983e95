"""A row whatever keeps it: its values, one text for all of them, a checksum of many, and what PostgreSQL refuses."""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Float, Integer, LargeBinary, String, Table

from services.kernel.db import UtcDateTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MODULUS = 1 << 128


class Unfit(ValueError):
    """A stored value that PostgreSQL cannot keep; says why."""


class Kind(NamedTuple):
    """How the values of one column are understood."""

    read: Callable[[Any], Any]
    """From what SQLite's driver gives, never None, to what PostgreSQL's driver takes and gives; raises Unfit."""
    tell: Callable[[Any], Any] | None
    """To what JSON can say, the same for the same value wherever it came from; None: as it is."""


class Tally(NamedTuple):
    """How many rows, and the sum of their digests: two sets of rows agree in both, in whatever order they are read."""

    rows: int = 0
    total: int = 0

    def plus(self, digests: Iterable[int]) -> "Tally":
        """With more rows."""
        rows, total = self
        for one in digests:
            rows += 1
            total += one
        return Tally(rows, total % _MODULUS)

    @property
    def checksum(self) -> str:
        """The sum in hex."""
        return f"{self.total:032x}"


class Shape(NamedTuple):
    """A table's columns by what they hold."""

    table: Table
    kinds: tuple[Kind, ...]
    keys: tuple[int, ...]
    """Places of the primary key."""

    def read(self, cells: Sequence[Any]) -> tuple[Any, ...]:
        """A row from SQLite's; raises Unfit with the column's name."""
        found = []
        for column, kind, cell in zip(self.table.columns, self.kinds, cells, strict=True):
            try:
                found.append(None if cell is None else kind.read(cell))
            except Unfit as error:
                raise Unfit(f"{column.name} {error}") from None
        return tuple(found)

    def digest(self, row: Sequence[Any]) -> int:
        """128 bits that stand for the row."""
        told = [
            cell if cell is None or kind.tell is None else kind.tell(cell)
            for kind, cell in zip(self.kinds, row, strict=True)
        ]
        return int.from_bytes(blake2b(json.dumps(told).encode(), digest_size=16).digest())

    def key(self, cells: Sequence[Any]) -> str:
        """The row's key, for a person."""
        return ", ".join(str(cells[place]) for place in self.keys)


@lru_cache
def shape_of(table: Table) -> Shape:
    """How a table's rows are understood."""
    columns = list(table.columns)
    keys = tuple(columns.index(column) for column in table.primary_key.columns)
    return Shape(table, tuple(_kind(column) for column in columns), keys)


def _kind(column: Column[Any]) -> Kind:
    kind = column.type
    match kind:
        case UtcDateTime():
            return Kind(_datetime, _micros)
        case JSON():
            return Kind(_json, lambda text: json.dumps(json.loads(text), sort_keys=True))
        case Boolean():
            return Kind(_boolean, None)
        case Date():
            return Kind(_date, date.isoformat)
        case LargeBinary():
            return Kind(_bytes, lambda content: blake2b(content, digest_size=16).hexdigest())
        case BigInteger():
            return Kind(lambda value: _integer(value, 64), None)
        case Integer():
            return Kind(lambda value: _integer(value, 32), None)
        case Float():
            return Kind(_float, lambda value: value.hex() if math.isfinite(value) else str(value))
        case String():
            return Kind(lambda value: _text(value, kind.length), None)
    raise TypeError(f"{column} has a type that is not copied: {kind!r}")


def _micros(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _datetime(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unfit(f"is no date and time: {_shown(value)}") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unfit(f"is no date: {_shown(value)}") from None


def _json(value: Any) -> str:
    try:
        json.loads(value, parse_constant=_no_number)
    except (TypeError, ValueError) as error:
        raise Unfit(f"is no JSON that PostgreSQL takes ({error}): {_shown(value)}") from None
    return _text(value, None)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _boolean(value: Any) -> bool:
    if value not in (0, 1):
        raise Unfit(f"is neither true nor false: {_shown(value)}")
    return bool(value)


def _integer(value: Any, bits: int) -> int:
    if not isinstance(value, int):
        raise Unfit(f"is no whole number: {_shown(value)}")
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise Unfit(f"does not fit {bits} bits: {value}")
    return value


def _float(value: Any) -> float:
    if not isinstance(value, (float, int)):
        raise Unfit(f"is no number: {_shown(value)}")
    return float(value)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise Unfit(f"is text, not bytes: {_shown(value)}")
    return value


def _text(value: Any, length: int | None) -> str:
    if not isinstance(value, str):
        raise Unfit(f"is no text: {_shown(value)}")
    if "\0" in value:
        raise Unfit(f"contains a NUL character: {_shown(value)}")
    if length is not None and len(value) > length:
        raise Unfit(f"has {len(value)} characters, {length} fit: {_shown(value)}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unfit(f"is not UTF-8: {_shown(value)}") from None
    return value


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
