"""docs/report/figures.md has a row for every figure of the shipped site, with the words of the code."""

from datetime import UTC, datetime
from pathlib import Path

from scenario.site import shipped

from gateway.timeseries.sqlite import open_sqlite_store
from services.equipment import service as equipment
from services.kernel.db import Database
from services.report.assemble import KEY_FIGURES, SCORE
from services.report.collect.source import Source
from services.report.draft import chapters
from services.report.model import Figure
from services.report.months import month_of

PAGE = Path(__file__).parents[4] / "docs" / "report" / "figures.md"
OPS = {"ge": "≥", "le": "≤", "eq": "="}


def row(figure: Figure) -> str:
    """The figure's row of the page."""
    target = f"{OPS[figure.target.op]} {figure.target.value:g}" if figure.target else ""
    ids = ", ".join(figure.requirements)
    how = figure.how_en or figure.how
    return f"| `{figure.id}` | {figure.name} | {figure.unit} | {how.rstrip('.。')} | {target} | {ids} |"


def test_every_figure_has_its_row(one_db: Database, tmp_path: Path) -> None:
    config = shipped().site("yunhe")
    now = datetime(2026, 11, 1, 20, tzinfo=UTC)
    with one_db.begin() as session:
        equipment.sync(session, config, datetime(2026, 9, 1, tzinfo=UTC))
        source = Source(session, open_sqlite_store(tmp_path / "readings.db"), config, shipped())
        parts = chapters(source, month_of("2026-10", config.site.timezone, now), "facilities")
    figures = [one.figure for part in parts for one in part.figures]
    lines = PAGE.read_text("utf-8").splitlines()
    missing = [line for one in figures if (line := row(one)) not in lines]
    assert not missing, "put into docs/report/figures.md:\n" + "\n".join(missing)
    written = {name for line in lines if line.startswith("| `") and not (name := line.split("`")[1]).endswith(".")}
    assert written == {one.id for one in figures} | {SCORE}
    assert set(KEY_FIGURES) <= written
