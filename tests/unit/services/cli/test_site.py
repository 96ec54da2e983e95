"""`gengfu check` shows the month's rounds and what they leave out."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.cli.patrol_check import month_days

SHIPPED = Path(__file__).parents[4] / "device_configs"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return shutil.copytree(SHIPPED, tmp_path / "configs")


def check(root: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["check", str(root), *options])


def change(root: Path, old: str, new: str) -> None:
    file = root / "sites/yunhe/patrol.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_the_demo_site_has_no_gaps() -> None:
    result = check(SHIPPED, "--month", "2026-12", "--strict")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line.split()[1:] for line in result.output.splitlines() if line.strip()}
    assert lines["防火巡查"] == ["248", "8", "09:00", "19:30"]
    assert lines["周界外圈"][2] == "随机"
    assert "夜间周界：每晚都有人到" in result.output
    assert "⚠" not in result.output


def test_what_is_left_out_is_said_and_strict_fails(copied: Path) -> None:
    change(copied, "    ring: outer\n", "")
    change(copied, "people: [guard-3]", "people: []")
    shown = check(copied, "--month", "2026-12", "--lang", "en")
    assert shown.exit_code == 0
    assert "outer ring: no route has rounds (PER-57)" in shown.output
    assert "roster: 32 gaps (TIM-26, TIM-30): 12-01 00:00–07:00" in shown.output
    assert check(copied, "--month", "2026-12", "--strict").exit_code == 1


def test_nights_without_the_garage_are_named(copied: Path) -> None:
    change(copied, "window: {start: 00:30, end: 00:30}", "window: {start: 08:00, end: 20:00}")
    change(copied, "window: {start: 00:00, end: 00:00}", "window: {start: 08:00, end: 20:00}")
    shown = check(copied, "--month", "2026-12", "--lang", "en").output
    assert "night, garage: nobody on 27 nights (PER-18): 12-01, 12-02, 12-03, 12-05, 12-06 …" in shown


def test_random_rounds_that_can_be_guessed_are_named(copied: Path) -> None:
    change(copied, "min_gap: 50min", "min_gap: 1h")
    shown = check(copied, "--month", "2026-12", "--lang", "en").output
    assert "schedule perimeter-night: its random starts can be guessed" in shown


def test_a_month_that_is_none_is_refused() -> None:
    assert check(SHIPPED, "--month", "2026-13").exit_code == 2


def test_the_month_is_the_current_one_by_default() -> None:
    assert month_days(None, datetime(2028, 2, 9, tzinfo=UTC)) == (date(2028, 2, 1), date(2028, 2, 29))
