"""Commands on reports, as console and API give them: permission first, then the slice's verb."""

import threading
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.kernel import audit
from services.kernel.errors import AppError, Invalid, Unauthenticated
from services.people import service as people
from services.people.roles import Actor, require
from services.report import signing, store, weights
from services.report.files import Format, edition_of, render
from services.report.model import ReportKind, Slot, Snapshot
from services.report.service import Made, Press
from services.report.tables import KpiWeights, ReportSnapshot
from services.report.telling import tell_waits
from services.web.deps import Services
from services.web.queries import reports as queries

AT_ONCE = 2
"""Files made at the same time: one of a large month takes seconds and hundreds of megabytes."""
PRESS_WITHIN_S = 20.0
PRESSES = threading.BoundedSemaphore(AT_ONCE)


class Busy(AppError):
    """As many files as this machine can bear are being made."""

    status = 503
    code = "busy"


def make(svc: Services, actor: Actor, site: str, kind: ReportKind, month: str, reason: str) -> Made:
    """Freeze a month, or correct it for a reason."""
    require(actor, "report.make")
    plain = queries.press(svc)
    press = Press(plain.db, plain.clock, plain.drafter, tell_waits)
    return press.make(queries.site_of(svc.configs, site).site.id, kind, month, actor.username, reason=reason)


def sign(
    svc: Services,
    actor: Actor,
    report: str,
    slot: Slot,
    password: str,
    seen: str,
    now: datetime,
    *,
    ip: str = "",
    comment: str = "",
    paper: str = "",
    paper_name: str = "",
) -> ReportSnapshot:
    """Sign with the password entered again: who is signed in need not be who sits there."""
    require(actor, "report.sign")
    try:
        signer = people.confirm(svc.db, actor.username, password, now, svc.hasher, ip=ip)
    except Unauthenticated as error:  # signed in all the same: not to be sent to the sign-in page
        raise Invalid("The password is wrong", hint=error.hint, field="sign_password") from error
    with svc.db.begin() as session:
        config = svc.configs.site(store.get(session, report).site)
        row = signing.sign(
            session, config, report, slot, signer, now,
            seen=seen, comment=comment.strip(), paper=paper, paper_name=paper_name,
        )  # fmt: skip
        if slot in signing.ORDER:
            tell_waits(session, config, row, now)
        return row


def file(
    svc: Services, actor: Actor, report: str, kind: Format, now: datetime, *, full: bool
) -> tuple[bytes, Snapshot]:
    """A report's file and what it was made from; `full` with personal data, which is written down."""
    require(actor, "report.unmasked" if full else "report.read")
    with svc.db.read() as session:
        row = store.get(session, report)
        snapshot = store.read(row)
        edition = edition_of(row, signing.signatures(session, row.id).values(), names=full)
    if not PRESSES.acquire(timeout=PRESS_WITHIN_S):
        raise Busy("Other files of reports are being made", hint="Try again in a minute", retry_after_s=60)
    try:
        content = render(snapshot, kind, edition, svc.settings.report_template)
    finally:
        PRESSES.release()
    if full:
        with svc.db.begin() as session:
            audit.record(session, now, actor.username, "report.unmasked", row.number, format=kind)
    return content, snapshot


def weigh(
    svc: Services, actor: Actor, site: str, from_on: date, given: dict[str, float], reason: str, now: datetime
) -> KpiWeights:
    """Weights of key figures from a day on (KPI-13)."""
    require(actor, "report.weigh")
    config = queries.site_of(svc.configs, site)
    today = now.astimezone(ZoneInfo(config.site.timezone)).date()
    with svc.db.begin() as session:
        return weights.put(
            session, config.site.id, from_on, given, now, today=today, actor=actor.username, reason=reason.strip()
        )
