"""The web server of the duty console."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import uvicorn

from gateway.site.model import Configs
from gateway.timeseries.store import TimeSeriesStore
from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.kernel.settings import Settings
from services.patrol.phone.items import TapDoor
from services.web.app import create_app


def serve(
    settings: Settings,
    db: Database,
    store: TimeSeriesStore,
    configs: Configs,
    stopped: Callable[[], bool],
    door: TapDoor | None = None,
) -> None:
    """Serve until `stopped` says so; taps of phones leave by `door`."""
    app = create_app(settings, db, store, configs, SystemClock(), door=door)
    _Server(
        uvicorn.Config(
            app,
            host=settings.web_host,
            port=settings.web_port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        ),
        stopped,
        app.state.watch.stop,
    ).run()


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to us."""

    def __init__(self, config: uvicorn.Config, stopped: Callable[[], bool], end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopped = stopped
        self._end_streams = end_streams

    def capture_signals(self) -> Any:
        """Signals set our stop event instead."""
        return nullcontext()

    async def on_tick(self, counter: int) -> bool:
        """Leave when told to."""
        if self._stopped():
            self._end_streams()
            return True
        return await super().on_tick(counter)
