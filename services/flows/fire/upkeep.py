"""What people write down about upkeep: functional tests, drills, what was done about an outage."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from gateway.site.fire import TestKind
from gateway.site.model import SiteConfig
from services.fire import upkeep
from services.fire.tables import FireDrill, FireOutage, FireTest
from services.flows.fire import duties as fire_duties
from services.flows.fire import outage as fire_outage
from services.kernel import audit
from services.kernel.errors import Invalid, NotFound
from services.kernel.ids import new_id

BACKDATED = timedelta(days=31)
"""Entries may be made so long afterwards; the record shows when each was made."""
TEST_KINDS: tuple[str, ...] = get_args(TestKind)
MOST_ITEMS, MOST_PEOPLE = 20, 100_000


def record_test(
    session: Session,
    config: SiteConfig,
    *,
    device: str,
    kind: str,
    passed: bool,
    tested_on: date,
    actor: str,
    now: datetime,
    note: str = "",
) -> FireTest:
    """Enter one test of one device into the ledger, for good (PER-13); raises NotFound, Invalid."""
    found = next((one for one in upkeep.devices_of(config.fire) if one.id == device), None)
    if found is None:
        raise NotFound(f"There is no device {device!r} to test", hint="Choose one from the list", field="device")
    if kind not in TEST_KINDS:
        raise Invalid(f"There is no kind of test {kind!r}", hint=f"Use one of: {', '.join(TEST_KINDS)}", field="kind")
    methods = upkeep.methods_of(found.kind)
    if kind not in methods:
        raise Invalid(
            f"A device of kind {found.kind} is not tested by {kind!r}",
            hint=f"Use one of: {', '.join(methods)}",
            field="kind",
            device=device,
            methods=list(methods),
        )
    _check_day(config, tested_on, now, "tested_on")
    fire_duties.look_soon(session, config.site.id, now)
    row = enter_test(
        session, config.site.id, device, kind,
        passed=passed, tested_on=tested_on, actor=actor, now=now, note=_words(note, "note"),
    )  # fmt: skip
    session.flush()
    return row


def enter_test(
    session: Session,
    site: str,
    device: str,
    kind: str,
    *,
    passed: bool,
    tested_on: date,
    actor: str,
    now: datetime,
    note: str = "",
    signal_id: str | None = None,
) -> FireTest:
    """Write a test down as it is given, with the next flush; `signal_id`: the signal that proves it."""
    row = FireTest(
        id=new_id(),
        site=site,
        device=device,
        kind=kind,
        passed=passed,
        tested_on=tested_on,
        at=now,
        by=actor,
        note=note,
        signal_id=signal_id,
    )
    session.add(row)
    audit.record(
        session, now, actor, "fire.test", f"{site}/{device}",
        test=row.id, kind=kind, passed=passed, tested_on=tested_on.isoformat(), signal_id=signal_id,
    )  # fmt: skip
    return row


def record_drill(
    session: Session,
    config: SiteConfig,
    *,
    held_on: date,
    owners: int,
    staff: int,
    items: Iterable[str],
    actor: str,
    now: datetime,
    place: str = "",
    note: str = "",
) -> FireDrill:
    """Enter a drill (PER-14), also one that lacks something: upkeep.Drill.lacks says what; raises Invalid."""
    _check_day(config, held_on, now, "held_on")
    for field, count in (("owners", owners), ("staff", staff)):
        if not 0 <= count <= MOST_PEOPLE:
            raise Invalid(f"{count} {field} cannot be", hint="Count those who took part", field=field)
    done = [one.strip() for one in dict.fromkeys(items) if one.strip()]
    if not done or len(done) > MOST_ITEMS or any(len(one) > 100 for one in done):
        raise Invalid("A drill has 1 to 20 items of up to 100 characters", hint="Say what was done", field="items")
    row = FireDrill(
        id=new_id(),
        site=config.site.id,
        held_on=held_on,
        owners=owners,
        staff=staff,
        items=done,
        place=_words(place, "place"),
        note=_words(note, "note"),
        by=actor,
        at=now,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, now, actor, "fire.drill", f"{config.site.id}/{row.id}",
        held_on=held_on.isoformat(), owners=owners, staff=staff, items=done,
    )  # fmt: skip
    fire_duties.look_soon(session, config.site.id, now)
    return row


def note_outage(
    session: Session,
    config: SiteConfig,
    outage_id: str,
    *,
    filed: bool,
    measures: str,
    actor: str,
    now: datetime,
) -> FireOutage:
    """Fill in form B.1's columns 是否报消防部门备案 and 安全保护措施; both end the prompt. Raises NotFound, Invalid.

    What was noted before is replaced; the audit keeps every answer.
    """
    row = session.get(FireOutage, outage_id, with_for_update=True)
    if row is None or row.site != config.site.id:
        raise NotFound(f"There is no outage {outage_id}", hint="Open the fire page again", outage=outage_id)
    words = _words(measures, "measures")
    if not words:
        raise Invalid("Protective measures are missing", hint="Say what protects the place meanwhile", field="measures")
    row.filed, row.measures, row.noted_by, row.noted_at = filed, words, actor, now
    session.flush()
    audit.record(session, now, actor, "fire.outage.note", row.id, filed=filed, measures=words)
    fire_outage.settle_prompt(session, config, row, now)
    return row


def _check_day(config: SiteConfig, day: date, now: datetime, field: str) -> None:
    today = now.astimezone(ZoneInfo(config.site.timezone)).date()
    if not today - BACKDATED <= day <= today:
        raise Invalid(
            f"{day.isoformat()} is not within the last {BACKDATED.days} days", hint="Check the date", field=field
        )


def _words(text: str, field: str) -> str:
    cut = text.strip()
    if len(cut) > 2000:
        raise Invalid(f"{len(cut)} characters are too many", hint="Use at most 2000", field=field)
    return cut
