"""`gengfu demo` and `gengfu up` as a person meets them, and the mistakes a person makes."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import free_port
from processes import Process, Stand, children_of, copy_configs, edit_yaml, is_alive, until


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path, free_port()) as group:
        yield group
        for process in group.processes:  # what a supervisor that was killed left behind
            for pid in children_of(process.pid):
                os.kill(pid, signal.SIGKILL)


def part(process: Process, name: str) -> int:
    """Process id of one part of a supervisor."""
    for pid in children_of(process.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may have ended just now
            if name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
    return 0


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_the_demo_shows_everything_within_a_minute_mends_itself_and_stops_on_ctrl_c(stand: Stand) -> None:
    demo = stand.start("demo")
    until(lambda: "值班台" in demo.output, "the demo does not come up", 60)
    assert "duty / " in demo.output
    until(lambda: all(word in demo.output for word in ("报警  ", "工单生成 WO-", "通知")), demo.output, 60)
    assert "现场" in demo.output

    worker = part(demo, "worker")
    assert worker
    os.kill(worker, signal.SIGKILL)
    until(lambda: part(demo, "worker") not in (0, worker), "the worker was not started again")
    until(lambda: "worker: ended with code -9; starting again" in demo.output, demo.output)

    everyone = children_of(demo.pid)
    assert len(everyone) >= 6
    demo.signal(signal.SIGINT)
    assert demo.wait() == 0, demo.output + demo.errors
    assert "已全部停止" in demo.output
    assert not [pid for pid in everyone if is_alive(pid)]
    assert "Traceback" not in demo.output + demo.errors


@pytest.mark.timeout(120)
def test_a_second_demo_leaves_the_first_ones_data_alone(stand: Stand) -> None:
    first = stand.start("demo", "--lang", "en")
    until(lambda: "Console" in first.output, "the demo does not come up", 60)
    marker = stand.data_dir / "demo" / "gengfu.db"
    inode = marker.stat().st_ino
    second = stand.run("demo")
    assert second.code == 3
    assert f"process {first.pid}" in second.errors
    assert marker.stat().st_ino == inode
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    assert "Everything has stopped" in first.output


@pytest.mark.timeout(120)
def test_nothing_is_left_when_the_supervisor_is_killed(stand: Stand) -> None:
    up = stand.start("up")
    until(lambda: "admin / " in up.output, "it does not come up", 60)
    everyone = children_of(up.pid)
    assert len(everyone) >= 5
    up.kill()
    until(lambda: not [pid for pid in everyone if is_alive(pid)], "a part lives on without its supervisor", 15)


def test_up_with_wrong_site_files_names_every_problem(stand: Stand, tmp_path: Path) -> None:
    configs = copy_configs(tmp_path)
    edit_yaml(configs / "sites/yunhe/devices.yaml", lambda document: document["points"][0].update(unit="psi"))
    edit_yaml(configs / "sites/yunhe/site.yaml", lambda document: document.update(timezone="Asia/Shanghaii"))
    up = stand.run("up", configs=str(configs))
    assert up.code == 1
    shown = up.output + up.errors
    assert "psi" in shown
    assert "Asia/Shanghaii" in shown
    assert "Traceback" not in shown


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("command", ["up", "broker", "web"])
def test_a_port_that_is_taken_is_named(stand: Stand, taken: int, command: str) -> None:
    name = "web_port" if command == "web" else "broker_port"
    process = stand.run(command, **{name: str(taken)})
    assert process.code == 3
    assert str(taken) in process.errors
    assert "Traceback" not in process.errors


def spoil(stand: Stand, how: str) -> dict[str, str]:
    """Settings with one mistake."""
    if how == "a data directory that is a file":
        path = stand.directory / "file"
        path.touch()
        return {"data_dir": str(path)}
    if how == "a database that is none":
        (stand.data_dir / "gengfu.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    if how == "a time series that is none":
        (stand.data_dir / "timeseries.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    return {
        "a database nobody answers at": {"database_url": f"postgresql+psycopg://u:secret@127.0.0.1:{free_port()}/x"},
        "a database address that is none": {"database_url": "gengfu.db"},
        "a database of a kind we lack": {"database_url": "oracle://u:secret@localhost/x"},
        "missing site files": {"configs": str(stand.directory / "nowhere")},
        "a port in words": {"broker_port": "mqtt"},
        "a site nobody declared": {"ingest_sites": "yunhe,nowhere"},
        "a log level nobody knows": {"log_level": "LOUD"},
        "a duration nobody understands": {"late_after": "soon"},
    }.get(how, {})


@pytest.mark.parametrize(
    "how",
    [
        "a data directory that is a file",
        "a database that is none",
        "a time series that is none",
        "a database nobody answers at",
        "a database address that is none",
        "a database of a kind we lack",
        "missing site files",
        "a port in words",
        "a site nobody declared",
        "a log level nobody knows",
        "a duration nobody understands",
    ],
)
def test_a_wrong_setting_is_a_sentence_and_a_code(stand: Stand, how: str) -> None:
    process = stand.run("ingest", **spoil(stand, how))
    assert process.code in (1, 2)
    assert "Traceback" not in process.errors
    assert process.errors.strip(), "nothing was said"
    assert "secret" not in process.errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingets",), "No such command"),
        (("ingest", "--loud"), "No such option"),
        (("check", "nowhere"), "nowhere"),
        (("limits", "--site", "nowhere"), "nowhere"),
        (("limits", "--lang", "fr"), "fr"),
        (("account", "password", "nobody"), "nobody"),
        (("simulate", "site", "no-such-scenario"), "no-such-scenario"),
        (("simulate", "site", "calm", "--site", "nowhere"), "nowhere"),
        (("gateway", "--device", "nowhere"), "nowhere"),
    ],
)
def test_a_slip_of_the_fingers_is_answered_in_words(stand: Stand, arguments: tuple[str, ...], words: str) -> None:
    process = stand.run(*arguments)
    assert process.code in (1, 2)
    assert words in process.output + process.errors
    assert "Traceback" not in process.errors


@pytest.mark.parametrize("role", ["ingest", "worker"])
def test_a_second_process_of_a_role_is_refused_on_sqlite(stand: Stand, role: str) -> None:
    first = stand.start(role)
    lock = stand.data_dir / f"gengfu.db.{role}.lock"
    until(lambda: lock.exists() and lock.read_text() == str(first.pid), f"{role} does not take its role")
    second = stand.run(role)
    assert second.code == 3
    assert f"Another {role} (process {first.pid})" in second.errors
    assert "PostgreSQL" in second.errors
    assert "Traceback" not in second.errors
    first.kill()
    third = stand.start(role)
    until(lambda: lock.read_text() == str(third.pid), "the role of a dead process stays taken")
    assert third.stop() == 0


def test_every_command_has_help(stand: Stand) -> None:
    listing = stand.run("--help")
    assert listing.code == 0
    for command in ("demo", "up", "check", "limits", "account", "broker", "gateway", "ingest", "worker", "web"):
        assert command in listing.output
