"""The single processes: what `gengfu up` starts, and what a large installation runs one by one."""

import os
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Annotated

import httpx
import typer

from gateway.broker import EmbeddedBroker, PortTaken
from gateway.contract.times import to_ms
from gateway.fire.commands import CommandSender
from gateway.fire.sources import FireSources
from gateway.outbox import Outbox
from gateway.publish import Publisher
from gateway.readers import Readers
from gateway.site.model import Configs, SiteConfig
from services.cli.doors import Doors
from services.cli.health import sign
from services.cli.ingest_groups import hear, hear_groups
from services.cli.marking import marking
from services.cli.wiring import (
    broker_of,
    configs_of,
    open_database,
    open_store,
    port_is_free,
    seed_accounts,
    seed_first_admin,
    sites_of,
    stop_event,
    take_role,
)
from services.flows import catalog
from services.kernel.clock import Clock, SystemClock
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings
from services.notify.model import Channel
from services.notify.senders import Sender, build_sender
from services.patrol.planning.starts import schedule_seed
from services.patrol.sun.keys import installation_secret
from services.worker import Worker

GATEWAY_INTERVAL_S = 10.0


def broker() -> None:
    """Run the embedded MQTT broker (loopback only, no passwords, nothing on disk)."""
    settings, stop = Settings(), stop_event()
    with EmbeddedBroker(settings.data_dir, settings.broker_port, settings.broker_host) as running:
        while not stop.wait(0.2):
            if not running.is_running:
                raise SettingsError("The embedded broker ended unexpectedly", hint="Its output is above")


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
                hear(settings, configs, db, store, settings.ingest_group, sites, stop, holder=holder)
    finally:
        db.dispose()
        if role is not None:
            role.release()


def worker() -> None:
    """Fire due timers, deliver messages, watch the other processes."""
    settings, stop = Settings(), stop_event()
    configs = configs_of(settings)
    db = open_database(settings)
    role = take_role(db, "worker")
    with db.begin() as session:
        catalog.sync(session, configs, SystemClock().now())
    holder = f"{socket.gethostname()}:{os.getpid()}" if role is None else "worker"
    commands = CommandSender(broker_of(settings), f"gengfu-commands-{socket.gethostname()}-{os.getpid()}")
    with httpx.Client() as client, closing(commands), marking(settings, db, configs, stop):

        def sender_for(channel: Channel) -> Sender:
            return build_sender(channel, os.environ, client, write=lambda text: print(text, flush=True))

        Worker(
            db,
            configs,
            SystemClock(),
            sender_for,
            late_after=settings.late_after,
            holder=holder,
            seed=schedule_seed(installation_secret(settings)),
            send_command=commands.send,
            ingest_groups=settings.ingest_groups,
        ).run(stop)
    db.dispose()
    if role is not None:
        role.release()


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


def gateway(
    site: Annotated[str, typer.Option(help="Site this gateway belongs to; needed when there are several.")] = "",
    device: Annotated[str, typer.Option(help="Its device id in the site files.")] = "gateway-1",
) -> None:
    """Run the site's gateway: the durable outbox, its publisher, and the drivers' own health as readings."""
    settings, stop, clock = Settings(), stop_event(), SystemClock()
    configs = configs_of(settings)
    site = site or (next(iter(configs.sites)) if len(configs.sites) == 1 else "")
    config = configs.site(site)
    config.device(device)
    points = {point.id for point in config.points_of(device)}
    with closing(Outbox(settings.outbox_path, via=f"{site}-{device}"[:64])) as outbox:
        publisher = Publisher(outbox, broker_of(settings), site, will_device=device).start()
        drivers: list[Readers | FireSources] = []
        try:
            drivers += _start_readers(settings, config, publisher, device, clock)
            drivers += _start_fire(settings, configs, config, publisher, device, clock)
            while True:
                for driver in drivers:
                    driver.retry()
                at = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
                stats = publisher.stats()
                sign(settings.data_dir, clock.now(), stats.queued, stats.oldest_age)
                if "gateway-backlog" in points:
                    body = {"at": at, "point": "gateway-backlog", "value": float(stats.queued), "unit": "1"}
                    publisher.put(device, "reading", body)
                if stop.wait(GATEWAY_INTERVAL_S):
                    break
        finally:
            for driver in drivers:
                driver.close()
            publisher.close()


def _start_readers(
    settings: Settings, config: SiteConfig, publisher: Publisher, device: str, clock: Clock
) -> list[Readers]:
    """The site's ready-made readers, if it has any."""
    if not config.patrol.readers:
        return []
    name = f"gengfu-readers-{config.site.id}-{device}"
    return [Readers(config, publisher, broker_of(settings), name=name, clock_ms=lambda: to_ms(clock.now())).start()]


def _start_fire(
    settings: Settings, configs: Configs, config: SiteConfig, publisher: Publisher, device: str, clock: Clock
) -> list[FireSources]:
    """What speaks of fire at the site, if anything does."""
    if not config.fire.sources:
        return []
    sources = FireSources(
        config,
        publisher,
        broker_of(settings),
        gateway=device,
        name=f"gengfu-fire-{config.site.id}-{device}",
        clock_ms=lambda: to_ms(clock.now()),
        host=settings.fire_host,
        port=settings.fire_port,
        formats=configs.fire_formats,
        per_address=settings.fire_per_address,
    )
    return [sources.start()]


COMMANDS: dict[str, Callable[..., None]] = {
    "broker": broker,
    "gateway": gateway,
    "ingest": ingest,
    "worker": worker,
    "web": web,
}
