"""Runs the parts as child processes: starts them in order, restarts what dies, stops all of it cleanly."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.cli.wiring import PARENT_ENV

FATAL_CODES = frozenset({1, 3})
"""Exit codes of mistakes a restart cannot mend: wrong settings or site files, a role or port that is taken."""
QUICK_S = 5.0
"""A part that ends sooner than this after its start counts as failing to start."""
RESTART_MAX_S = 15.0
STOP_S = 12.0


@dataclass(slots=True)
class Part:
    """One child process and how to start it again."""

    name: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    backoff_s: float = 1.0
    readers: list[threading.Thread] = field(default_factory=list)


class Supervisor:
    """Children live in their own process groups, so Ctrl-C reaches us alone and we stop them in order."""

    def __init__(self, environment: Mapping[str, str], on_line: Callable[[str, str, bool], None]) -> None:
        """`on_line(part, text, is_error)` hears every line a child writes."""
        self._environment = {**environment, PARENT_ENV: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
        self._on_line = on_line
        self.parts: list[Part] = []

    def start(self, name: str, *arguments: str) -> Part:
        """Start a part."""
        part = Part(name, arguments)
        self.parts.append(part)
        self._spawn(part)
        return part

    def _spawn(self, part: Part) -> None:
        part.process = subprocess.Popen(  # noqa: S603 - our own program with arguments of our own
            [sys.executable, "-m", "services.cli", *part.arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            process_group=0,
        )
        part.started_at = time.monotonic()
        part.restart_at = None
        part.readers = [self._read(part, is_error=False), self._read(part, is_error=True)]

    def _read(self, part: Part, *, is_error: bool) -> threading.Thread:
        process = part.process
        stream = None if process is None else process.stderr if is_error else process.stdout

        def work() -> None:
            if stream is None:
                return
            with stream:
                for line in stream:
                    self._on_line(part.name, line.rstrip("\n"), is_error)

        thread = threading.Thread(target=work, daemon=True, name=f"{part.name}-output")
        thread.start()
        return thread

    def check(self, *, starting: bool = False) -> Part | None:
        """Restart what died. While `starting`, returns a part that cannot run at all; later nothing ends the others."""
        now = time.monotonic()
        for part in self.parts:
            if part.process is None or part.process.poll() is None:
                continue
            if part.restart_at is None:
                quick = now - part.started_at < QUICK_S
                if starting and quick and part.process.returncode in FATAL_CODES:
                    for reader in part.readers:
                        reader.join(timeout=1)
                    return part
                part.backoff_s = min(part.backoff_s * 2, RESTART_MAX_S) if quick else 1.0
                part.restart_at = now + part.backoff_s
                self._on_line(part.name, f"ended with code {part.process.returncode}; starting again", True)
            elif now >= part.restart_at:
                self._spawn(part)
        return None

    def stop(self) -> None:
        """Stop every part, last started first: devices before ingest, ingest before the broker."""
        for part in reversed(self.parts):
            process = part.process
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for reader in part.readers:
                reader.join(timeout=1)
