"""A report's life: made from one view of the records, frozen as a version, replaced only by a newer one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.site.model import SiteConfig
from services.kernel import audit
from services.kernel.clock import Clock
from services.kernel.db import Database
from services.kernel.errors import Conflict, Invalid
from services.kernel.ids import new_id
from services.report import store
from services.report.changes import changes
from services.report.draft import Drafter, Progress, silent
from services.report.model import Change, Month, ReportKind, Snapshot
from services.report.months import month_of
from services.report.store import Draft
from services.report.tables import ReportEvidence, ReportSnapshot

SYSTEM = "system"
"""Who makes a report when nobody asked."""
OTHERS, OTHERS_CHANGED = "文字、图表或依据记录", "有改动，数值未变"
"""What a correction changed when no figure and no table did."""
Told = Callable[[Session, SiteConfig, ReportSnapshot, datetime], None]
"""Tells people, within the transaction that froze the version."""


class Made(NamedTuple):
    """What came of it."""

    row: ReportSnapshot
    snapshot: Snapshot
    is_new: bool
    """False: the records say what the newest version says."""


def nobody(_session: Session, _config: SiteConfig, _row: ReportSnapshot, _now: datetime) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Press:
    """Makes reports."""

    db: Database
    clock: Clock
    drafter: Drafter
    tell: Told = nobody
    compare: Callable[[Snapshot, Snapshot], tuple[Change, ...]] = changes

    def draft(self, site: str, kind: ReportKind, month: str, *, progress: Progress = silent) -> Draft:
        """The month as the records say it now, frozen nowhere; the running month up to this moment."""
        now = self.clock.now()
        config = self.drafter.configs.site(site)
        asked = begun(month_of(month, config.site.timezone, now))
        with one_view(self.db) as session:
            return self.drafter.draft(session, config, kind, asked, version=0, progress=progress)

    def make(
        self,
        site: str,
        kind: ReportKind,
        month: str,
        by: str,
        *,
        reason: str = "",
        force: bool = False,
        progress: Progress = silent,
    ) -> Made:
        """Freeze a month that is over as its first or next version. `force`: even when nothing changed.

        Raises UnknownSite, Invalid (no such month, not over, no reason), Conflict (somebody else was faster).
        """
        now = self.clock.now()
        config = self.drafter.configs.site(site)
        asked = begun(month_of(month, config.site.timezone, now))
        if not asked.over:
            raise Invalid(
                f"The month {month} is not over", hint="Until then /reports/live shows its figures", field="month"
            )
        with one_view(self.db) as session:
            last = store.newest(session, site, kind, asked.first_on)
            before = store.read(last) if last is not None else None
            version = last.version + 1 if last is not None else 1
            draft = self.drafter.draft(session, config, kind, asked, version=version, progress=progress)
        if last is not None and before is not None:
            if store.same(before, draft.snapshot) and not force:
                return Made(last, before, is_new=False)
            if not reason.strip():
                raise Invalid(
                    f"Report {last.number} exists and the records say something else now",
                    hint="Say why it is corrected (--reason): it becomes a new version that is signed anew",
                    field="correction",
                )
        snapshot = draft.snapshot
        if before is not None:
            found = self.compare(before, snapshot)
            if not found and not store.same(before, snapshot):
                found = (Change(what="records", name=OTHERS, was="", now=OTHERS_CHANGED),)
            update = {"changes": found, "reason": reason.strip()[:400]}
            snapshot = snapshot.model_copy(update=update)
        return Made(self._freeze(config, snapshot, draft, by, asked, last, now), snapshot, is_new=True)

    def _freeze(
        self,
        config: SiteConfig,
        snapshot: Snapshot,
        draft: Draft,
        by: str,
        month: Month,
        last: ReportSnapshot | None,
        now: datetime,
    ) -> ReportSnapshot:
        raw = store.canonical(snapshot)
        meta = snapshot.meta
        row = ReportSnapshot(
            id=new_id(), site=meta.site, kind=meta.kind, month_on=month.first_on, version=meta.version,
            number=meta.number, state="waiting", content=store.pack(raw), sha256=store.digest(raw),
            made_at=now, made_by=by, reason=snapshot.reason,
        )  # fmt: skip
        # Packed before the transaction: on SQLite everybody else waits for it.
        kept = [(figure, store.pack(store.refs_json(refs))) for figure, refs in draft.evidence.items()]
        try:
            with self.db.begin() as session:
                session.add(row)
                session.flush()
                session.add_all(
                    ReportEvidence(snapshot_id=row.id, figure=figure, content=content) for figure, content in kept
                )
                if last is not None:
                    old = session.scalars(
                        select(ReportSnapshot).where(ReportSnapshot.id == last.id).with_for_update()
                    ).one()
                    old.state = "replaced"
                audit.record(session, now, by, "report.make", row.number, sha256=row.sha256, reason=row.reason)
                self.tell(session, config, row, now)
        except IntegrityError as error:
            raise Conflict(
                f"Version {meta.version} of this report was made by somebody else at this moment",
                hint="Reload the page: it is there",
                report=meta.number,
            ) from error
        return row


def begun(month: Month) -> Month:
    """The month; raises Invalid when it lies ahead."""
    if month.since_at >= month.now:
        raise Invalid(f"The month {month.first_on:%Y-%m} has not begun", hint="Choose an earlier one", field="month")
    return month


@contextmanager
def one_view(db: Database) -> Iterator[Session]:
    """A read session that sees one moment only, however long it reads."""
    with db.read() as session:
        if not db.is_sqlite:  # SQLite's readers do so anyway
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session
