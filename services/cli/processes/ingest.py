"""`gengfu ingest`: what devices say becomes rows and alerts."""

import socket
from contextlib import closing

from services.cli.ingest_groups import hear, hear_groups, send_leftovers
from services.cli.wiring import (
    configs_of,
    open_database,
    open_store,
    sites_of,
    stop_event,
    take_role,
)
from services.kernel.settings import Settings


def ingest() -> None:
    """Hear the broker: store, judge, commit, acknowledge."""
    settings, stop = Settings(), stop_event()
    configs = configs_of(settings)
    sites = sites_of(settings, configs)
    db = open_database(settings)
    role = take_role(db, "ingest")
    try:
        if settings.ingest_groups:
            hear_groups(settings, configs, db, sites, stop)
        else:
            holder = f"{socket.gethostname()}:{settings.ingest_group}"
            with closing(open_store(settings)) as store:
                send_leftovers(settings, stop)
                hear(settings, configs, db, store, settings.ingest_group, sites, stop, holder=holder)
    finally:
        db.dispose()
        if role is not None:
            role.release()
