"""One process per role on SQLite: a file lock that the kernel frees when the process dies."""

import fcntl
import os
from pathlib import Path
from typing import IO

from services.kernel.errors import RoleTaken


class RoleLock:
    """Holds a role on a SQLite database for as long as the process lives."""

    def __init__(self, database: Path, role: str) -> None:
        self._path = database.with_name(f"{database.name}.{role}.lock")
        self._role = role
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the role; raises RoleTaken with the other process's id."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = self._path.open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            handle.close()
            raise RoleTaken(
                f"Another {self._role} (process {holder}) already works on {self._path.name.split('.')[0]!r}",
                hint="SQLite allows one per role: stop the other one, or use PostgreSQL (GENGFU_DATABASE_URL)",
            ) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._file = handle

    def release(self) -> None:
        """Give the role back."""
        if self._file is not None:
            self._file.close()
            self._file = None
