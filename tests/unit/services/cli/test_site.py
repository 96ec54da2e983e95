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
    change(copied, "min_gap: 45min", "min_gap: 1h")
    shown = check(copied, "--month", "2026-12", "--lang", "en").output
    assert "schedule perimeter-night: its random starts can be guessed" in shown


def test_a_month_that_is_none_is_refused() -> None:
    assert check(SHIPPED, "--month", "2026-13").exit_code == 2


def test_the_month_is_the_current_one_by_default() -> None:
    assert month_days(None, datetime(2028, 2, 9, tzinfo=UTC)) == (date(2028, 2, 1), date(2028, 2, 29))


def test_fire_protection_by_building_and_what_is_missing(copied: Path) -> None:
    shown = check(copied, "--month", "2026-12").output
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert rows["地下车库北区"] == ["2", "24", "8", "5", "9", "2", "6"]
    assert "每个报警区域都有手动报警按钮" in shown
    assert "种打印格式" in shown
    assert "每月测试 65 件" in shown
    file = copied / "sites/yunhe/fire.yaml"
    text = file.read_text("utf-8")
    file.write_text(
        text.replace("kind: manual_call_point, zone: control-room", "kind: other, zone: control-room"), "utf-8"
    )
    assert "⚠ zones without a manual call point: Control room" in check(copied, "--lang", "en").output


def test_a_printer_format_that_its_samples_disprove_is_an_error(copied: Path) -> None:
    (copied / "fire/wrong.yaml").write_text(
        "formats:\n"
        "  - id: wrong\n"
        "    name: 错\n"
        "    name_en: Wrong\n"
        "    source: 样例\n"
        "    patterns: ['(?P<event>火警) (?P<loop>[0-9]{1,3})-(?P<point>[0-9]{1,3})']\n"
        "    events: [{words: [火警], state: [fault]}]\n"
        '    samples: [{text: "火警 4-12\\r\\n", gives: [{state: [fire], address: 4-12}]}]\n',
        "utf-8",
    )
    shown = check(copied, "--lang", "en")
    assert shown.exit_code == 1
    assert "the format wrong does not do what its samples say" in shown.output
    assert "✓" not in shown.output
    assert "样例 1 第 1 条信号：state 给出 fault，应为 fire" in check(copied).output


def test_pump_stations_and_what_no_camera_sees(copied: Path) -> None:
    assert "泵组 4，视点 6" in check(copied).output
    cctv, pumps = copied / "sites/yunhe/cctv.yaml", copied / "sites/yunhe/pumps.yaml"
    cctv.write_text(cctv.read_text("utf-8").replace("cameras: [camera-lobby-1-online]", "cameras: []"), "utf-8")
    pumps.write_text(pumps.read_text("utf-8").replace("    start_pressure: 0.65\n", ""), "utf-8")
    shown = check(copied, "--lang", "en")
    assert shown.exit_code == 0
    assert "⚠ seen by no camera (NUM-05): Lobby and lift hall of building 1" in shown.output
    assert "⚠ Hydrant system: without start pressures no automatic test is seen" in shown.output
