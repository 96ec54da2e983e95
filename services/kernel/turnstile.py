"""Whose turn it is to write to a SQLite file.

SQLite lets in whoever asks at the right moment: a process that writes all the time starves one that seldom does, whose
busy handler sleeps longer and longer.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAUSE_S = 0.001


class Turnstile:
    """A queue between processes, in front of SQLite's own lock; one thread of a process may be in it at a time.

    Two file locks: who holds the first is next, who holds the second writes. So whoever has just written comes after
    whoever waits. The locks of a process that dies are gone with it. It is a courtesy: after `patience_s` the caller
    goes on without its turn, and where there can be no lock files it never waits.
    """

    def __init__(self, database: Path, patience_s: float) -> None:
        self._paths = (Path(f"{database}.queue.lock"), Path(f"{database}.turn.lock"))
        self._patience_s = patience_s
        self._files: tuple[int, ...] | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the others that came before."""
        files = self._open()
        if not files:
            yield
            return
        queue, turn = files
        deadline = time.monotonic() + self._patience_s
        is_next = _take(queue, deadline)
        is_mine = _take(turn, deadline)
        if is_next:
            fcntl.flock(queue, fcntl.LOCK_UN)
        try:
            yield
        finally:
            if is_mine:
                fcntl.flock(turn, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave it."""
        for file in self._files or ():
            os.close(file)
        self._files = None

    def _open(self) -> tuple[int, ...]:
        if self._files is None:
            opened: list[int] = []
            with suppress(OSError):  # then SQLite's own lock has to do
                for path in self._paths:
                    opened.append(os.open(path, os.O_CREAT | os.O_RDWR, 0o644))
            if len(opened) < len(self._paths):
                for file in opened:
                    os.close(file)
                opened.clear()
            self._files = tuple(opened)
        return self._files


def _take(file: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True
