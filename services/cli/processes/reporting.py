"""Reports that are due are made by a process of their own: counting a month would hold up the worker's messages."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import date

from services.cli.wiring import PARENT_ENV
from services.kernel.errors import AppError

COMMAND = (sys.executable, "-m", "services.cli", "report", "missing")
HALT_S = 5.0


class ReportsFailed(AppError):
    """The process that makes reports ended without having made all of them."""

    status = 500


class Beside:
    """Starts that process, one at a time, and waits for it in the caller's thread."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None
        self._halted = False

    def make(self, site: str, since_on: date) -> None:
        """Have made what a site misses since a month; raises ReportsFailed with what was wrong."""
        with self._lock:
            if self._halted:
                return
            asked = [*self._command, "--site", site, "--since", since_on.isoformat()]
            # It ends with us, however we end; its standard error is ours: the log.
            environment = {**os.environ, PARENT_ENV: str(os.getpid()), "PYTHONIOENCODING": "utf-8"}
            running = self._running = subprocess.Popen(  # noqa: S603 - our own program
                asked, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", env=environment
            )
        said, _ = running.communicate()
        if running.returncode and not self._halted:
            lines = said.strip().splitlines()
            raise ReportsFailed(lines[-1] if lines else f"it ended with {running.returncode}")

    def halt(self) -> None:
        """End it; nothing is started any more. What is frozen is frozen, the rest is made after the next start."""
        with self._lock:
            self._halted = True
            running = self._running
        if running is None or running.poll() is not None:
            return
        running.terminate()
        try:
            running.wait(HALT_S)
        except subprocess.TimeoutExpired:
            running.kill()
