"""The catalogue follows the site files: new, changed, gone, back; and nothing is written when nothing changed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, select

from services.catalog import service
from services.catalog.service import Entry
from services.catalog.tables import CatalogEntry
from services.kernel.db import Database

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def area(name: str, **more: Any) -> Entry:
    return Entry("yunhe", "area", name, more.pop("position", 0), f"{name} 区", detail={"kind": "garage"}, **more)


def sync(db: Database, *entries: Entry, now: datetime = NOW) -> int:
    with db.begin() as session:
        return service.sync(session, entries, now)


def rows(db: Database) -> dict[str, CatalogEntry]:
    with db.read() as session:
        return {row.id: row for row in session.scalars(select(CatalogEntry))}


def test_new_things_are_written_with_all_they_say(db: Database) -> None:
    place = ("room", "车库 / 泵房", "plc")
    point = Entry("yunhe", "point", "p", 3, "压力", "Pressure", *place, "MPa", 0.7, 0.6, None, {"decimals": 2})
    assert sync(db, point) == 1
    (row,) = rows(db).values()
    assert [getattr(row, name) for name in Entry.__dataclass_fields__] == [
        getattr(point, name) for name in Entry.__dataclass_fields__
    ]
    assert row.gone_at is None


def test_nothing_is_written_when_nothing_changed(db: Database) -> None:
    sync(db, area("a"), area("b"))
    written: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _k, sql, *_: written.append(sql))
    assert sync(db, area("b"), area("a"), now=LATER) == 0
    assert not [sql for sql in written if sql.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_only_what_changed_is_written(db: Database) -> None:
    sync(db, area("a"), area("b"))
    assert sync(db, area("a"), area("b", area_path="车库 / b")) == 1
    assert {name: row.area_path for name, row in rows(db).items()} == {"a": "", "b": "车库 / b"}


def test_what_is_gone_keeps_its_name_and_its_moment(db: Database) -> None:
    sync(db, area("a"), area("b"))
    assert sync(db, area("a"), now=LATER) == 1
    assert sync(db, area("a"), now=LATER + timedelta(days=1)) == 0
    gone = rows(db)["b"]
    assert (gone.name, gone.gone_at) == ("b 区", LATER)


def test_what_is_back_is_there_again(db: Database) -> None:
    sync(db, area("a"))
    sync(db, now=LATER)
    assert sync(db, area("a"), now=LATER) == 1
    assert rows(db)["a"].gone_at is None


def test_a_site_that_nobody_declares_any_more_is_gone(db: Database) -> None:
    sync(db, area("a"), Entry("qinghe", "area", "a", 0, "清河"))
    assert sync(db, area("a"), now=LATER) == 1
    with db.read() as session:
        assert session.get_one(CatalogEntry, ("qinghe", "area", "a")).gone_at == LATER


def test_several_processes_may_start_at_once(postgres_db: Database) -> None:
    entries = [area(f"a{number}", position=number) for number in range(50)]
    barrier = threading.Barrier(4)

    def start(mine: list[Entry]) -> int:
        barrier.wait(5)
        return sync(postgres_db, *mine)

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(start, (entries[::step] for step in (1, -1, 1, -1))))
    assert max(written) == len(entries)
    assert sorted(rows(postgres_db)) == sorted(one.id for one in entries)
    assert sync(postgres_db, *entries) == 0
