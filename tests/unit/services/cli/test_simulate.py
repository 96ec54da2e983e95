from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from gateway.drivers.gb26875.frame import Frame
from gateway.drivers.gb26875.profile import Profile
from gateway.simulator.fire_days import Step
from gateway.simulator.fire_panel import Panel
from gateway.simulator.utd import Passed, Settings, Utd
from services.cli.simulate import app
from services.cli.utd_watch import Watcher


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--centre", "somewhere", "HOST:PORT"),
        ("--centre", "host:99999", "HOST:PORT"),
        ("--address", "0102", "12 hex digits"),
        ("--centre-address", "xyz", "12 hex digits"),
        ("--duty-answer", "soon", "neither seconds nor"),
        ("--zone", "Mars/Base", "no time zone"),
        ("--scenario", "flood", "quiet"),
        ("--per-frame", "23", "22"),
    ],
)
def test_a_slip_is_answered_in_words(option: str, value: str, words: str) -> None:
    result = CliRunner().invoke(app, ["utd", option, value])
    assert result.exit_code == 2
    assert words in result.output.replace("\n", " ")


@pytest.mark.parametrize("scenario", ["quiet", "day", "fire", "storm"])
def test_every_scenario_is_ready_to_play(monkeypatch: pytest.MonkeyPatch, scenario: str) -> None:
    monkeypatch.setattr("services.cli.simulate.play", lambda link, now_ms, stop: None)
    monkeypatch.setattr("services.cli.simulate.stop_event", lambda: None)  # it takes the signals of the process
    arguments = ["utd", "--centre", "127.0.0.1:1", "--scenario", scenario, "--points", "20", "--english"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "Signals: 0 confirmed, 0 waiting, 0 denied, 0 dropped; 0 commands answered" in result.output


def test_what_passes_is_shown_with_time_direction_and_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    now = datetime(2026, 11, 21, 2, 0, 0, 250_000, tzinfo=UTC)
    frame = Frame(7, 2, bytes(6), bytes(6))
    zh = Watcher(lambda: now.astimezone(zone), english=False, show_hex=True)
    en = Watcher(lambda: now.astimezone(zone), english=True, show_hex=False)
    zh.passed(Passed("sent", frame))
    en.passed(Passed("heard", frame))
    zh.step(Step(0, "operate", word="reset", text="复位", text_en="reset"))
    zh.step(Step(0, "state"))
    zh.lost("no answer")
    en.found(True)
    zh.sum_up(Utd(Settings(bytes(6)), Panel((), 0), iter(()), Profile(zone)))
    assert capsys.readouterr().out.splitlines() == [
        "10:00:00.250 → #7 心跳",
        f"            {frame.encode().hex()}",
        "10:00:00.250 ← #7 heartbeat",
        "10:00:00.250 · 复位",
        "10:00:00.250 × 没有连接（no answer），继续重试",
        "10:00:00.250 = connected again",
        "10:00:00.250 信号已确认 0，待确认 0，被否认 0，丢弃 0；已应答命令 0",
    ]
