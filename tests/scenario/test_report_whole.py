"""The whole report from real records: a breach and its order, made in the console, each record one click away."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from console import LOW_ZONE, Console

from services.equipment import service as equipment
from services.kernel.db import Database
from services.report import store
from services.report.draft import Drafter
from services.report.service import Press
from services.report.words import RECORDS
from services.web.queries.reports import LISTS, PAGES, WITHIN


@pytest.fixture
def console(one_db: Database, tmp_path: Path):
    """A console with the shipped site and its ledger."""
    found = Console(one_db, tmp_path)
    with found.db.begin() as session:
        equipment.sync(session, found.configs.site("yunhe"), found.now)
    yield found
    found.close()


def test_a_breach_is_in_the_report_and_leads_to_its_order(console: Console) -> None:
    alert = console.breach()
    order = console.order(alert)
    console.hear(LOW_ZONE, 0.45, 60)  # an excursion is written when it is over
    console.clock.set(datetime(2026, 12, 3, 1, 0, tzinfo=UTC))
    press = Press(console.db, console.clock, Drafter(console.configs, console.store))
    made = press.make("yunhe", "facilities", "2026-11", "manager")
    timely = made.snapshot.figure("order.timely")
    assert timely is not None
    assert (timely.numerator, timely.denominator) == (0, 1)  # it is open and overdue: AMB-12 counts it
    assert not press.make("yunhe", "facilities", "2026-11", "manager").is_new
    with console.db.read() as session:
        kept = {figure: store.evidence(session, made.row.id, figure) or () for figure in store.values_of(made.snapshot)}
    kinds = {ref.kind for refs in kept.values() for ref in refs}
    assert kinds <= RECORDS.keys()
    assert kinds - {"excursion"} <= PAGES.keys() | LISTS.keys() | WITHIN.keys()
    with console.browser("manager") as browser:
        page = browser.get(f"/reports/{made.row.id}/figures/order.timely").text
        assert f'href="/work-orders/{order.id}"' in page
        assert browser.get(f"/reports/{made.row.id}").status_code == 200
        for figure, refs in kept.items():
            if refs:
                assert browser.get(f"/reports/{made.row.id}/figures/{figure}").status_code == 200
        shown = browser.get(f"/reports/{made.row.id}/figures/pump.excursions").text
        assert 'href="/points/yunhe/low-zone-pressure"' in shown


def test_the_fire_report_and_a_month_without_anything(console: Console) -> None:
    console.clock.set(datetime(2026, 12, 3, 1, 0, tzinfo=UTC))
    press = Press(console.db, console.clock, Drafter(console.configs, console.store))
    fire = press.make("yunhe", "fire", "2026-11", "manager")
    assert fire.row.number == "XF-202611-yunhe-1"
    empty = press.make("yunhe", "facilities", "2026-02", "manager")
    assert {one.verdict for one in empty.snapshot.figures if one.value is None} <= {"no_data"}
