"""`gengfu report` as a person types it: a month, its files, a figure, the check of what was signed."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from reports import Records, assemble
from typer.testing import CliRunner

from gateway.contract.errors import GengfuError
from services.cli import report as module
from services.cli.main import app
from services.kernel.clock import FakeClock
from services.kernel.db import Database
from services.kernel.errors import AppError
from services.report import store
from services.report.draft import Drafter


class Terminal:
    """Types commands at a data directory of its own; it is the third of November."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.records = Records()
        clock = FakeClock(datetime(2026, 11, 3, 1, 0, tzinfo=UTC))
        monkeypatch.setattr(module, "SystemClock", lambda: clock)
        monkeypatch.setattr(module, "Drafter", partial(Drafter, chapters=self.records.chapters, assemble=assemble))
        monkeypatch.setenv("GENGFU_DATA_DIR", str(directory))
        monkeypatch.setenv("COLUMNS", "200")

    def type(self, *words: str) -> str:
        """What is printed; a refusal is raised."""
        done = CliRunner().invoke(app, ["report", *words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output + f"\n[{done.exit_code}]"

    def database(self) -> Database:
        """The state."""
        return Database(f"sqlite:///{self.directory / 'gengfu.db'}")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal."""
    return Terminal(tmp_path, monkeypatch)


def test_a_month_from_the_terminal(terminal: Terminal, tmp_path: Path) -> None:
    assert "还没有月报" in terminal.type("list")
    out = tmp_path / "files"
    said = terminal.type("monthly", "--site", "yunhe", "--out", str(out), "--format", "html,xlsx")
    assert "XJ-202610-yunhe-1  已封存，待签" in said
    assert sorted(file.suffix for file in out.iterdir()) == [".html", ".xlsx"]
    first = {file.name: file.read_bytes() for file in out.iterdir()}
    again = terminal.type("monthly", "--month", "2026-10", "--out", str(out), "--format", "html,xlsx")
    assert "没有变化" in again
    assert {file.name: file.read_bytes() for file in out.iterdir()} == first
    assert "XJ-202610-yunhe-1" in terminal.type("list", "--lang", "en")

    terminal.records.orders = [True]
    with pytest.raises(AppError, match="something else now"):
        terminal.type("monthly", "--month", "2026-10")
    said = terminal.type("monthly", "--month", "2026-10", "--reason", "补录", "--out", str(out), "--format", "html")
    assert "XJ-202610-yunhe-2" in said
    assert "→" in said

    said = terminal.type("explain", "xj-202610-yunhe-1", "order.timely")
    assert "2 / 3" in said
    assert said.index("WO-2") < said.index("WO-0")
    with pytest.raises(AppError, match="no figure"):
        terminal.type("explain", "XJ-202610-yunhe-1", "order.rework")

    assert "✓" in terminal.type("verify", "XJ-202610-yunhe-2")
    with terminal.database() as db, db.begin() as session:
        store.get(session, "XJ-202610-yunhe-2").sha256 = "0" * 64
    said = terminal.type("verify", "XJ-202610-yunhe-2", "--lang", "en")
    assert "content: its hash" in said
    assert said.endswith("[1]")


def test_of_the_running_month_there_is_a_draft(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.type("monthly", "--month", "2026-11", "--out", str(tmp_path), "--format", "html", "--lang", "en")
    assert "frozen nowhere" in said
    assert (tmp_path / "XJ-202611-yunhe-草稿_设备设施巡检月报_2026-11.html").exists()
    assert "1 / 3" not in terminal.type("explain", "--live", "order.timely")
    assert "There is no report yet" in terminal.type("list", "--lang", "en")


def test_weights_from_the_terminal(terminal: Terminal) -> None:
    assert "没有设置权重" in terminal.type("weights")
    with pytest.raises(AppError, match="60 together"):
        terminal.type("weights", "--set", "order.timely=60")
    said = terminal.type("weights", "--set", "order.timely=60", "--set", "patrol.completion=40", "--reason", "阶段")
    assert "2026-11-01 ← 现行" in said


@pytest.mark.parametrize(
    "words",
    [
        ("monthly", "--month", "2026-13"),
        ("monthly", "--format", "odt"),
        ("monthly", "--site", "nowhere"),
        ("explain", "order.timely"),
        ("files", "XJ-202610-yunhe-7"),
        ("weights", "--set", "order.timely"),
        ("weights", "--set", "order.timely=100", "--from", "tomorrow"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(terminal: Terminal, words: tuple[str, ...]) -> None:

    with pytest.raises(GengfuError) as refused:
        terminal.type(*words)
    assert refused.value.message
