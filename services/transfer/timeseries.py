"""The whole way of the time series from the SQLite file to InfluxDB, with Gengfu running or stopped."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gateway.contract.times import from_ms
from gateway.timeseries.export import Export
from gateway.timeseries.influx.http import Client
from gateway.timeseries.influx.server import InfluxServer
from gateway.timeseries.influx.spool import Spool
from gateway.timeseries.rollup import SETTLE
from gateway.timeseries.schema import LAST_MS, RAW, Marks
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import StoreBusy
from services.transfer.errors import SourceInUse
from services.transfer.mark import Mark
from services.transfer.readings import Report, Step, Transfer, kept

CONNECT_S, ANSWER_S = 5.0, 120.0
_CLAIMS_AT_ONCE = 1_000


class Keep(NamedTuple):
    """How long InfluxDB keeps what."""

    raw: timedelta
    minutes: timedelta


def copy_running(
    path: Path, server: InfluxServer, keep: Keep, now: datetime, begin: Callable[[int], None], step: Step, mark: Mark
) -> int:
    """Copy what is closed while Gengfu goes on writing; the number of rows."""
    with closing(_client(server)) as client, Export(path) as export:
        marks = export.marks()
        closed_ms = marks.minutes_done // RAW.bucket_ms * RAW.bucket_ms
        transfer = Transfer(export, client, server, step)
        transfer.refuse_if_ahead(marks)
        pieces = list(transfer.slices(kept(marks, now, *keep, closed_ms), marks))
        begin(sum(piece.rows for piece in pieces))
        return transfer.copy(pieces, mark)


def copy_stopped(
    path: Path,
    server: InfluxServer,
    keep: Keep,
    now: datetime,
    begin: Callable[[int], None],
    step: Step,
    mark: Mark,
    *,
    only_verify: bool = False,
) -> Report:
    """Copy the rest, compare everything and hand over the marks; raises SourceInUse while Gengfu runs."""
    mend(path)
    with closing(_client(server)) as client, alone(path) as export:
        marks = export.marks()
        span = kept(marks, now, *keep, LAST_MS)
        transfer = Transfer(export, client, server, step)
        transfer.refuse_if_ahead(marks)
        pieces = list(transfer.slices(span, marks))
        begin(sum(piece.rows for piece in pieces))
        rows = 0 if only_verify else transfer.copy(pieces, mark)
        again = transfer.compare(pieces, repair=not only_verify)
        if not only_verify:
            transfer.finish(marks, span, now)
        return transfer.report(rows, again)


def alone(path: Path) -> Export:
    """The store with nobody beside; raises SourceInUse."""
    try:
        return Export(path, alone=True)
    except StoreBusy as error:
        raise SourceInUse(
            f"Another process has {path} open", hint="Stop Gengfu (ingest and the console), then run this again"
        ) from error


def mend(path: Path) -> None:
    """Let the file finish its own housekeeping: minutes that late readings made out of date are rolled up again."""
    with alone(path) as export:
        left, marks = export.dirty(), export.marks()
    if not left:
        return
    store = open_sqlite_store(path)
    try:
        before: tuple[int, Marks] | None = None
        while left and before != (left, marks):
            before = (left, marks)
            store.maintain(from_ms(marks.late_before) + SETTLE)
            with Export(path) as export:
                left, marks = export.dirty(), export.marks()
    finally:
        store.close()


def hand_over_claims(path: Path, spool: Path, most_bytes: int) -> None:
    """Remember in the spool which times were used for readings from clocks that ran ahead."""
    with Export(path) as export:
        claims = export.claims()
        first = list(islice(claims, _CLAIMS_AT_ONCE))
        if not first:
            return
        kept_there = Spool(spool, most_bytes)
        try:
            while first:
                kept_there.settle_ahead(first)
                first = list(islice(claims, _CLAIMS_AT_ONCE))
        finally:
            kept_there.close()


def _client(server: InfluxServer) -> Client:
    return Client(server, connect_s=CONNECT_S, answer_s=ANSWER_S)
