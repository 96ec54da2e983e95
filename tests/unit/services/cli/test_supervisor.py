"""Parts are started, watched, started again and stopped in order."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli import supervisor as module
from services.cli.supervisor import Part, Supervisor

PROGRAM = """
import os, signal, sys, time
what = sys.argv[1:]
print("hello from", what[0], os.environ["GENGFU_PARENT_PID"], flush=True)
if what[0] == "exit":
    print("cannot", file=sys.stderr, flush=True)
    sys.exit(int(what[1]))
if what[0] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    def leave(*_):
        with open(what[1], "a") as log:
            log.write(what[0] + "\\n")
        sys.exit(0)
    signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
while True:
    time.sleep(0.02)
"""


class Said:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, bool]] = []

    def __call__(self, part: str, text: str, is_error: bool) -> None:
        self.lines.append((part, text, is_error))

    def wait(self, line: tuple[str, str, bool], times: int = 1) -> None:
        deadline = time.monotonic() + 20
        while self.lines.count(line) < times:
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def supervisor(said: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Supervisor]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    interpreter = tmp_path / "python"  # drops `-m services.cli` and runs the program above
    interpreter.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" "{program}" "$@"\n')
    interpreter.chmod(0o755)
    monkeypatch.setattr(module.sys, "executable", str(interpreter))
    monkeypatch.setattr(module, "STOP_S", 3.0)
    found = Supervisor(os.environ, said)
    yield found
    found.stop()


def process_of(part: Part) -> int:
    assert part.process is not None
    return part.process.pid


def test_every_line_is_passed_on_with_its_part(supervisor: Supervisor, said: Said, tmp_path: Path) -> None:
    supervisor.start("one", "one", str(tmp_path / "log"))
    said.wait(("one", f"hello from one {os.getpid()}", False))
    assert supervisor.check() is None


def test_parts_are_stopped_last_started_first_and_the_stubborn_by_force(
    supervisor: Supervisor, said: Said, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    for name in ("first", "second"):
        supervisor.start(name, name, str(log))
    supervisor.start("stubborn", "stubborn")
    for name in ("first", "second", "stubborn"):
        said.wait((name, "ready", False))
    supervisor.stop()
    assert log.read_text() == "second\nfirst\n"
    assert [part.process.returncode for part in supervisor.parts if part.process] == [0, 0, -9]
    supervisor.stop()


def test_what_dies_is_started_again_after_a_pause(
    supervisor: Supervisor, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = supervisor.start("one", "one", str(tmp_path / "log"))
    said.wait(("one", "ready", False))
    first = process_of(part)
    assert part.process is not None
    part.process.kill()
    part.process.wait()
    assert supervisor.check() is None
    assert ("one", "ended with code -9; starting again", True) in said.lines
    assert supervisor.check() is None
    assert process_of(part) == first, "not at once"
    assert part.restart_at is not None
    part.restart_at = 0.0
    supervisor.check()
    said.wait(("one", "ready", False), times=2)
    assert process_of(part) != first


@pytest.mark.parametrize("code", [1, 3])
def test_a_mistake_that_a_restart_cannot_mend_is_handed_back(supervisor: Supervisor, said: Said, code: int) -> None:
    part = supervisor.start("bad", "exit", str(code))
    assert part.process is not None
    part.process.wait(20)
    assert supervisor.check(starting=True) is part
    assert ("bad", "cannot", True) in said.lines, "why it cannot run is shown before we end"


def test_once_everything_runs_no_part_takes_the_others_down(supervisor: Supervisor) -> None:
    part = supervisor.start("bad", "exit", "1")
    assert part.process is not None
    part.process.wait(20)
    assert supervisor.check() is None
    assert part.restart_at is not None


def test_a_crash_at_the_start_is_tried_again_with_growing_patience(supervisor: Supervisor) -> None:
    part = supervisor.start("bad", "exit", "2")
    pauses = []
    for _ in range(6):
        assert part.process is not None
        part.process.wait(20)
        before = time.monotonic()
        assert supervisor.check() is None
        assert part.restart_at is not None
        pauses.append(round(part.restart_at - before))
        part.restart_at = 0.0
        supervisor.check()
    assert pauses == [2, 4, 8, 15, 15, 15]
