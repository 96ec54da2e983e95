"""A year at a site with 600 pieces of equipment: every figure of its reports is counted once more by plain loops."""

import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
import year_counts
from pypdf import PdfReader
from scenario.site import shipped
from year import large_site

from gateway.timeseries.sqlite import open_sqlite_store
from services.cli.history.load import load
from services.cli.history.past import Past
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.report import wording
from services.report.draft import Drafter
from services.report.files import render
from services.report.model import Snapshot
from services.report.service import Press

SINCE, UNTIL = datetime(2025, 10, 31, 16, tzinfo=UTC), datetime(2026, 10, 31, 16, tzinfo=UTC)
LAST_MONTH_SINCE = datetime(2026, 9, 30, 16, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_figure_is_what_truly_happened_and_every_file_says_so(one_db: Database, tmp_path: Path) -> None:
    site = large_site()
    configs = shipped().model_copy(update={"sites": {"yunhe": site}})
    store = open_sqlite_store(tmp_path / "timeseries.db")
    past = Past(site, SINCE, UNTIL)
    planted = load(one_db, store, past, configs.approvals, readings_since=LAST_MONTH_SINCE)
    press = Press(one_db, FakeClock(UNTIL), Drafter(configs, store))
    wrong = []
    for month in year_counts.months(planted):
        snapshot = press.make("yunhe", "facilities", f"{month:%Y-%m}", "manager").snapshot
        for figure_id, want in year_counts.Count(planted, month).figures().items():
            figure = snapshot.figure(figure_id)
            assert figure is not None, figure_id
            got = (figure.numerator, figure.denominator) if isinstance(want, tuple) else figure.value
            if got != (pytest.approx(want) if want is not None else None):
                wrong.append(f"{month:%Y-%m} {figure_id}: {got}, but {want}")
    assert wrong == []
    assert len(list(year_counts.months(planted))) == 12
    files_agree(snapshot)
    store.close()


def files_agree(snapshot: Snapshot) -> None:
    """The three files print every figure of the first table as the snapshot has it."""
    figures = [one for one in map(snapshot.figure, snapshot.key_figures) if one is not None]
    texts = {one.id: wording.figure_value(one, "zh") for one in figures}
    assert list(texts) == list(snapshot.key_figures)
    not_found, seen = texts, ""
    for page in PdfReader(BytesIO(render(snapshot, "pdf"))).pages:  # the table is at the front, and reading is slow
        seen += re.sub(r"\s", "", page.extract_text())
        not_found = {key: text for key, text in not_found.items() if re.sub(r"\s", "", text) not in seen}
        if not not_found:
            break
    assert not not_found
    with ZipFile(BytesIO(render(snapshot, "docx"))) as archive:
        word = set(re.findall(r"<w:t[^>]*>([^<]*)</w:t>", archive.read("word/document.xml").decode()))
    assert [key for key, text in texts.items() if not any(text in one for one in word)] == []
    book = openpyxl.load_workbook(BytesIO(render(snapshot, "xlsx")), read_only=True)
    cells = {value for sheet in book for row in sheet.iter_rows(values_only=True) for value in row}
    numbers = {round(one, 9) for one in cells if isinstance(one, int | float)}
    valued = {one.id: one.value for one in figures if one.value is not None}
    assert [key for key, value in valued.items() if not numbers & {round(value, 9), round(value / 100, 9)}] == []
