"""Carries commands to the gateway beside the worker: a broker that does not answer holds up no timer and no message."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any

from gateway.contract.errors import GengfuError
from services.flows.fire import commands as fire_commands
from services.flows.fire.commands import Send
from services.kernel.clock import Clock
from services.kernel.db import Database

log = logging.getLogger(__name__)

PATIENCE_S = 0.25
"""So long a turn waits for what goes out; what takes longer is looked after by a later one."""


class CommandPost:
    """One thread that sends, one command at a time; what did not go out is due again by its timer."""

    def __init__(self, db: Database, clock: Clock, send: Send) -> None:
        self._db = db
        self._clock = clock
        self._send = send
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fire-commands")
        self._waiting: dict[str, tuple[str, str, Mapping[str, Any]]] = {}
        self._going: dict[str, Future[datetime]] = {}

    def put(self, site: str, source: str, body: Mapping[str, Any]) -> None:
        """Take a command within the transaction that found it due; it goes with `carry`, after the commit."""
        if body["id"] not in self._going:
            self._waiting[body["id"]] = (site, source, body)

    def drop(self) -> None:
        """That transaction was not committed: its commands come again."""
        self._waiting.clear()

    def carry(self) -> None:
        """Send what was put, and write down what went out."""
        for command, (site, source, body) in self._waiting.items():
            self._going[command] = self._thread.submit(self._send_one, site, source, dict(body))
        self._waiting.clear()
        if not self._going:
            return
        wait(self._going.values(), timeout=PATIENCE_S)
        done = {command: future for command, future in self._going.items() if future.done()}
        for command, future in done.items():
            del self._going[command]
            error = future.exception()
            if error is None:
                with self._db.begin() as session:
                    fire_commands.note_sent(session, command, future.result())
            elif isinstance(error, GengfuError | OSError):
                log.warning("command %s did not go out, it is tried again: %s", command, error)
            else:
                raise error

    def close(self) -> None:
        """Wait for nothing any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _send_one(self, site: str, source: str, body: dict[str, Any]) -> datetime:
        self._send(site, source, body)
        return self._clock.now()
