"""One process per role on SQLite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.kernel.errors import RoleTaken
from services.kernel.roles import RoleLock

HOLD = """
import sys
from pathlib import Path
from services.kernel.roles import RoleLock
lock = RoleLock(Path(sys.argv[1]), "worker")
lock.take()
print("held", flush=True)
sys.stdin.read()
"""


def test_another_process_is_named_and_its_death_frees_the_role(tmp_path: Path) -> None:
    database = tmp_path / "gengfu.db"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RoleTaken, match=rf"Another worker \(process {holder.pid}\)") as refused:
            RoleLock(database, "worker").take()
        assert "PostgreSQL" in refused.value.hint
        other_role = RoleLock(database, "ingest")
        other_role.take()
        other_role.release()
        holder.kill()
    lock = RoleLock(database, "worker")
    lock.take()
    assert database.with_name("gengfu.db.worker.lock").read_text() == str(os.getpid())
    lock.release()


def test_released_it_is_free_again(tmp_path: Path) -> None:
    first, second = (RoleLock(tmp_path / "new" / "gengfu.db", "ingest") for _ in range(2))
    first.take()
    first.release()
    first.release()
    second.take()
    second.release()
