"""A row has one digest wherever it came from, and what PostgreSQL refuses is found beforehand."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from database import PostgresServer
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
)
from sqlalchemy.engine import Engine

from services.kernel.db import UtcDateTime
from services.tables import METADATA
from services.transfer.rows import Shape, Tally, Unfit, shape_of
from services.transfer.source import Stored
from services.transfer.target import Target, address

TABLE = Table(
    "kinds",
    MetaData(),
    Column("id", String(26), primary_key=True),
    Column("at", UtcDateTime),
    Column("day", Date),
    Column("more", JSON),
    Column("yes", Boolean),
    Column("small", Integer),
    Column("great", BigInteger),
    Column("value", Float),
    Column("content", LargeBinary),
    Column("words", Text),
)
GOOD: tuple[Any, ...] = (
    "k",
    "2026-11-21 02:00:00.000001",
    "2026-11-21",
    '{"b": 1, "a": [null]}',
    1,
    7,
    1 << 40,
    0.1,
    b"\0\xff",
    "价",
)


def changed(**cells: Any) -> tuple[Any, ...]:
    names = [column.name for column in TABLE.columns]
    return tuple(cells.get(name, cell) for name, cell in zip(names, GOOD, strict=True))


def test_what_is_stored_is_understood() -> None:
    row = shape_of(TABLE).read(GOOD)
    assert row[1:5] == (datetime(2026, 11, 21, 2, 0, 0, 1, tzinfo=UTC), date(2026, 11, 21), GOOD[3], True)
    assert shape_of(TABLE).read(("k", *[None] * 9)) == ("k", *[None] * 9)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"id": "x" * 27}, "id has 27 characters, 26 fit"),
        ({"id": 5}, "id is no text"),
        ({"at": "yesterday"}, "at is no date and time"),
        ({"at": 17.5}, "at is no date and time"),
        ({"day": "2026-13-01"}, "day is no date"),
        ({"more": '{"n": NaN}'}, "NaN is no number"),
        ({"more": "{"}, "more is no JSON"),
        ({"yes": 2}, "yes is neither true nor false"),
        ({"small": 1 << 31}, "small does not fit 32 bits"),
        ({"small": "7"}, "small is no whole number"),
        ({"great": 1 << 63}, "great does not fit 64 bits"),
        ({"value": "much"}, "value is no number"),
        ({"content": "text"}, "content is text"),
        ({"words": "a\0b"}, "words contains a NUL"),
        ({"words": "\udcff"}, "words is not UTF-8"),
    ],
)
def test_what_postgresql_refuses_is_named_by_its_column(cells: dict[str, Any], said: str) -> None:
    with pytest.raises(Unfit, match=said):
        shape_of(TABLE).read(changed(**cells))


def digest(*row: Any) -> int:
    return shape_of(TABLE).digest(row)


def test_a_digest_is_of_what_is_meant_not_of_how_it_is_written() -> None:
    row = shape_of(TABLE).read(GOOD)
    shanghai = row[1].astimezone(timezone(timedelta(hours=8)))
    assert digest(row[0], shanghai, row[2], '{"a":[null],"b":1}', *row[4:]) == digest(*row)
    others = [
        changed(at="2026-11-21 02:00:00.000002"),
        changed(more="null"),
        changed(more=None),
        changed(yes=0),
        changed(small=8),
        changed(value=0.1 + 1e-17 * 2),
        changed(content=b"\0\xfe"),
        changed(words=""),
        changed(words=None),
    ]
    digests = {digest(*shape_of(TABLE).read(one)) for one in [GOOD, *others]}
    assert len(digests) == len(others) + 1


def test_a_tally_knows_no_order_but_every_row() -> None:
    one = Tally().plus([1, 2]).plus([3])
    assert one == Tally().plus([3, 2, 1]) == Tally(3, 6)
    assert one != Tally().plus([1, 2, 3, 0])
    assert len(Tally().plus([(1 << 128) - 1, 2]).checksum) == 32


def test_every_table_of_ours_is_understood() -> None:
    for table in METADATA.sorted_tables:
        assert shape_of(table).keys, table.name


def test_a_kind_of_column_nobody_thought_of_is_an_error() -> None:
    with pytest.raises(TypeError, match="not copied"):
        shape_of(Table("odd", MetaData(), Column("id", Interval, primary_key=True)))


@pytest.fixture(scope="module")
def kinds(postgres_server: PostgresServer) -> Any:
    """The table in PostgreSQL, and a target to write through."""
    name = postgres_server.fresh()
    engine = create_engine(postgres_server.url(name))
    with engine.begin() as connection:
        TABLE.create(connection)
        connection.exec_driver_sql("CREATE TABLE gengfu_transfer (name text, place text, copied bigint)")
    target = Target(address(postgres_server.url(name), ""))
    yield engine, target
    target.close()
    engine.dispose()
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
stored = st.tuples(
    text.map(lambda one: one[:20]),
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(str) | st.none(),  # noqa: DTZ001 - as SQLite keeps them
    st.dates(date(1970, 1, 1)).map(str) | st.none(),
    json_values.map(json.dumps) | st.none(),
    st.sampled_from([0, 1, None]),
    st.integers(-(1 << 31), (1 << 31) - 1) | st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1) | st.none(),
    st.floats(allow_nan=False) | st.none(),
    st.binary(max_size=40) | st.none(),
    text | st.none(),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(stored, min_size=1, max_size=6, unique_by=lambda row: row[0]))
def test_whatever_is_stored_comes_back_from_postgresql_with_the_same_digest(
    kinds: tuple[Engine, Target], rows: list[Any]
) -> None:
    engine, target = kinds
    shape: Shape = shape_of(TABLE)
    read = [Stored("", shape.read(row)) for row in rows]
    with engine.begin() as connection:
        connection.execute(TABLE.delete())
    target.append(TABLE, read)
    assert sorted(target.digests(TABLE)) == sorted(shape.digest(one.row) for one in read)
    assert target.by_key(TABLE, read) == {(one.row[0],): shape.digest(one.row) for one in read}
