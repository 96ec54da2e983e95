"""The worker's marks on Grafana's boards, when a Grafana is configured."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from gateway.site.model import Configs
from services.annotation.grafana import Grafana
from services.annotation.pusher import MarkPusher
from services.flows.marks import Wanted
from services.kernel.clock import Clock
from services.kernel.db import Database
from services.kernel.settings import Settings


def grafana_of(settings: Settings) -> Grafana | None:
    """The Grafana of the settings as this process reaches it; None: address or token is missing."""
    url, token = settings.grafana_api_url or settings.grafana_url, settings.grafana_token.get_secret_value()
    return Grafana(url, token) if url and token else None


def console_of(settings: Settings) -> str:
    """The console as people reach it from a board."""
    return (settings.public_url or f"http://{settings.web_host}:{settings.web_port}").rstrip("/")


@contextmanager
def marking(
    settings: Settings, db: Database, configs: Configs, clock: Clock, stop: threading.Event
) -> Iterator[MarkPusher | None]:
    """While the block lasts Grafana is told of alerts and excursions; nothing at all without a Grafana."""
    grafana = grafana_of(settings)
    if grafana is None:
        yield None
        return
    wanted = Wanted(configs, console_of(settings))
    with closing(grafana):
        pusher = MarkPusher(db, clock, grafana, wanted, wanted.forget).start(stop)
        try:
            yield pusher
        finally:
            stop.set()
            pusher.join()
