import fcntl
import threading
from pathlib import Path

import pytest

from services.kernel.turnstile import Turnstile

PATIENT_S = 20.0


def is_taken(path: Path) -> bool:
    """Whether somebody holds a lock file."""
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_who_has_just_written_comes_after_who_waits(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    busy, quiet = Turnstile(database, PATIENT_S), Turnstile(database, PATIENT_S)
    order: list[str] = []

    def write_once() -> None:
        with quiet.turn():
            order.append("quiet")

    with busy.turn():
        waiting = threading.Thread(target=write_once)
        waiting.start()
        while not is_taken(tmp_path / "state.db.queue.lock"):
            pass
        order.append("busy")
    for _ in range(3):
        with busy.turn():
            order.append("busy again")
    waiting.join()
    assert order == ["busy", "quiet", *["busy again"] * 3]
    busy.close()
    quiet.close()


def test_a_turn_ends_with_an_error_too(tmp_path: Path) -> None:
    one, other = Turnstile(tmp_path / "state.db", PATIENT_S), Turnstile(tmp_path / "state.db", 0.0)
    with pytest.raises(ZeroDivisionError), one.turn():
        _ = 1 / 0
    with other.turn():
        assert is_taken(tmp_path / "state.db.turn.lock")
    one.close()
    other.close()


def test_who_has_no_patience_left_goes_on(tmp_path: Path) -> None:
    holder, other = Turnstile(tmp_path / "state.db", PATIENT_S), Turnstile(tmp_path / "state.db", 0.0)
    with holder.turn(), other.turn():
        pass
    assert not is_taken(tmp_path / "state.db.turn.lock")
    holder.close()
    other.close()


def test_where_there_can_be_no_lock_files_nobody_waits(tmp_path: Path) -> None:
    nowhere = Turnstile(tmp_path / "missing" / "state.db", PATIENT_S)
    with nowhere.turn():
        pass
    nowhere.close()
