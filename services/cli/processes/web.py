"""`gengfu web`: the duty console."""

from contextlib import closing

from gateway.broker import PortTaken
from services.cli.doors import Doors
from services.cli.wiring import (
    broker_of,
    configs_of,
    open_database,
    open_store,
    port_is_free,
    seed_accounts,
    seed_first_admin,
    stop_event,
)
from services.kernel.settings import Settings


def web() -> None:
    """Serve the duty console and its API."""
    from services.cli.serving import serve  # a third of a process's start, and nobody else's need

    settings, stop = Settings(), stop_event()
    configs = configs_of(settings)
    if not port_is_free(settings.web_host, settings.web_port):
        raise PortTaken(f"Port {settings.web_port} is taken", hint="Set GENGFU_WEB_PORT to another one")
    db = open_database(settings)
    seed_accounts(db, configs)
    seed_first_admin(db, settings)
    store = open_store(settings, read_only=True)
    with closing(Doors(configs, broker_of(settings), settings.web_outbox_path)) as doors:
        serve(settings, db, store, configs, stop.is_set, doors)
    store.close()
    db.dispose()
