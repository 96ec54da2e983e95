"""Copying the state database from SQLite to PostgreSQL, and proving that the copy is one."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Table

from services.kernel.errors import SchemaMismatch
from services.tables import METADATA
from services.transfer.errors import NotEqual, ValuesRefused
from services.transfer.rows import Tally, shape_of
from services.transfer.source import Source, Stored
from services.transfer.target import Mark, Target

BATCH_ROWS = 2_000
BATCH_BYTES = 4 << 20
_NAMED = 10
"""Rows that are named when something is wrong with many."""

Step = Callable[[str, str, int], None]
"""Told about (phase `check`, `copy` or `verify`; table; rows of it done since the last call)."""


def sizes(source: Source) -> dict[str, int]:
    """Rows of each table, in the order in which they are copied: what is referred to comes first."""
    return {table.name: source.count(table) for table in METADATA.sorted_tables}


def transfer(source: Source, target: Target, step: Step, *, start_over: bool = False) -> dict[str, Tally]:
    """Copy what is not copied yet and compare everything; raises SchemaMismatch, ValuesRefused, NotEqual and others.

    May be interrupted anywhere: the next call goes on behind the last batch that was committed.
    """
    revision = source.revision()
    target.prepare(_known(revision))
    with target.alone():
        if start_over:
            target.start_over()
        tallies = check(source, step)
        marks = target.begin(tallies)
        for table in METADATA.sorted_tables:
            copy(source, target, table, marks[table.name], step)
        compare(source, target, tallies, step)
        target.finish()
    return tallies


def check(source: Source, step: Step) -> dict[str, Tally]:
    """Read everything once, before anything is written; raises ValuesRefused with what PostgreSQL would not take."""
    wrong = source.orphans()
    tallies = {}
    for table in METADATA.sorted_tables:
        digest = shape_of(table).digest
        tally = Tally()
        for batch in _batches(source.rows(table, unfit=wrong)):
            tally = tally.plus(digest(one.row) for one in batch)
            step("check", table.name, len(batch))
        tallies[table.name] = tally
    if wrong:
        more = "\n…" if len(wrong) > _NAMED else ""
        raise ValuesRefused(
            "PostgreSQL does not take some of the stored values; nothing was written",
            hint="\n".join(wrong[:_NAMED]) + more + "\nMend them in the SQLite file, with a copy of it at hand",
        )
    return tallies


def copy(source: Source, target: Target, table: Table, mark: Mark, step: Step) -> None:
    """Copy the rows of a table behind a mark."""
    step("copy", table.name, mark.copied)
    for batch in _batches(source.rows(table, mark.place)):
        target.append(table, batch)
        step("copy", table.name, len(batch))


def compare(source: Source, target: Target, tallies: dict[str, Tally], step: Step) -> None:
    """Read the copy back; raises NotEqual with the rows that differ."""
    wrong: list[str] = []
    for table in METADATA.sorted_tables:
        tally = Tally()
        for digests in _chunks(target.digests(table)):
            tally = tally.plus(digests)
            step("verify", table.name, len(digests))
        if tally != tallies[table.name]:
            wrong += differences(source, target, table, tallies[table.name].rows, tally.rows)
    if wrong:
        raise NotEqual(
            "The copy differs from the source; go on with the source",
            hint="\n".join(wrong[:_NAMED]) + "\nEmpty the target and begin again with --start-over",
        )


def differences(source: Source, target: Target, table: Table, rows: int, copied: int) -> list[str]:
    """Which rows of a table are missing or different; the number of those that only the target has."""
    shape = shape_of(table)
    found: list[str] = []
    missing = 0
    for batch in _batches(source.rows(table)):
        there = target.by_key(table, batch)
        for one in batch:
            key = tuple(one.row[place] for place in shape.keys)
            if there.get(key) != shape.digest(one.row):
                missing += key not in there
                found.append(f"{table.name} ({shape.key(one.row)}): " + ("differs" if key in there else "is missing"))
    surplus = copied - (rows - missing)
    return found + ([f"{table.name}: {surplus} rows that the source does not have"] if surplus else [])


def _known(revision: str | None) -> str:
    if revision is None:
        raise SchemaMismatch("The source is no state database of Gengfu", hint="Name the right one with --data-dir")
    return revision


def _batches(rows: Iterator[Stored]) -> Iterator[list[Stored]]:
    """Bounded in number and in bytes: a row may hold a picture."""
    batch: list[Stored] = []
    size = 0
    for one in rows:
        batch.append(one)
        size += sum(len(cell) for cell in one.row if isinstance(cell, (bytes, str)))
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _chunks(digests: Iterator[int]) -> Iterator[Sequence[Any]]:
    chunk: list[int] = []
    for one in digests:
        chunk.append(one)
        if len(chunk) == BATCH_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
