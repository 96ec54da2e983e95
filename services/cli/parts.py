"""The single processes: what `gengfu up` starts, and what a large installation runs one by one."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Annotated
from zoneinfo import ZoneInfo

import httpx
import typer

from gateway.broker import EmbeddedBroker, PortTaken
from gateway.contract.times import to_ms
from gateway.ingest import Ingest
from gateway.mqtt import BrokerAddress
from gateway.outbox import Outbox
from gateway.publish import Publisher
from gateway.readers import Readers
from gateway.registry import Registry
from gateway.simulator.rota import Drawn
from gateway.simulator.run import Simulator
from gateway.site.model import SiteConfig
from gateway.site.patrol import Schedule
from gateway.timeseries.sqlite import open_sqlite_store
from services.cli.doors import Doors
from services.cli.wiring import (
    broker_of,
    configs_of,
    open_database,
    port_is_free,
    seed_accounts,
    sites_of,
    stop_event,
    take_role,
)
from services.flows.judge import SiteJudge
from services.flows.learning import Learner
from services.kernel.clock import Clock, SystemClock
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings
from services.notify.model import Channel
from services.notify.senders import Sender, build_sender
from services.patrol.planning.starts import schedule_seed, starts
from services.patrol.sun.keys import installation_secret
from services.worker import Worker

GATEWAY_INTERVAL_S = 10.0
_DAY_MS = 86_400_000


def broker() -> None:
    """Run the embedded MQTT broker (loopback only, no passwords, nothing on disk)."""
    settings, stop = Settings(), stop_event()
    with EmbeddedBroker(settings.data_dir, settings.broker_port, settings.broker_host) as running:
        while not stop.wait(0.2):
            if not running.is_running:
                raise SettingsError("The embedded broker ended unexpectedly", hint="Its output is above")


def ingest() -> None:
    """Hear the broker: store, judge, commit, acknowledge."""
    settings, stop, clock = Settings(), stop_event(), SystemClock()
    configs = configs_of(settings)
    sites = sites_of(settings, configs)
    db = open_database(settings)
    role = take_role(db, "ingest")
    store = open_sqlite_store(settings.timeseries_path)
    judge = SiteJudge(
        db,
        configs,
        sites,
        holder=f"{socket.gethostname()}:{settings.ingest_group}",
        late_after=settings.late_after,
        loss_settle=settings.loss_settle,
        secret=installation_secret(settings),
    )
    learner = Learner(judge, store, [configs.site(site) for site in sites], settings.raw_days)
    running = Ingest(
        broker_of(settings),
        Registry.of(configs.site(site) for site in sites),
        store,
        judge,
        group=settings.ingest_group,
        sites=sites,
        now_ms=lambda: to_ms(clock.now()),
    )
    learner.start(stop, clock)
    try:
        running.run(stop)
    finally:
        stop.set()
        learner.join()
        store.close()
        db.dispose()
        if role is not None:
            role.release()


def worker() -> None:
    """Fire due timers, deliver messages, watch the other processes."""
    settings, stop = Settings(), stop_event()
    configs = configs_of(settings)
    db = open_database(settings)
    role = take_role(db, "worker")
    with httpx.Client() as client:

        def sender_for(channel: Channel) -> Sender:
            return build_sender(channel, os.environ, client, write=lambda text: print(text, flush=True))

        Worker(
            db,
            configs,
            SystemClock(),
            sender_for,
            late_after=settings.late_after,
            holder=f"{socket.gethostname()}:{os.getpid()}" if role is None else "worker",
            seed=schedule_seed(installation_secret(settings)),
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
    store = open_sqlite_store(settings.timeseries_path, read_only=True)
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
        readers: Readers | None = None
        try:
            readers = _start_readers(config, publisher, broker_of(settings), device, clock)
            while True:
                if readers is not None:
                    readers.retry()
                at = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
                stats = publisher.stats()
                if "gateway-backlog" in points:
                    body = {"at": at, "point": "gateway-backlog", "value": float(stats.queued), "unit": "1"}
                    publisher.put(device, "reading", body)
                if stop.wait(GATEWAY_INTERVAL_S):
                    break
        finally:
            if readers is not None:
                readers.close()
            publisher.close()


def _start_readers(
    config: SiteConfig, publisher: Publisher, address: BrokerAddress, device: str, clock: Clock
) -> Readers | None:
    """The site's ready-made readers, if it has any."""
    if not config.patrol.readers:
        return None
    name = f"gengfu-readers-{config.site.id}-{device}"
    return Readers(config, publisher, address, name=name, clock_ms=lambda: to_ms(clock.now())).start()


def simulate(
    scenario: Annotated[
        str, typer.Argument(help="demo, calm, patrol, storm, night_leak, backlog, clock_skew, or a file.")
    ],
    site: Annotated[str, typer.Option(help="Site to play; needed when there are several.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.")] = 1,
    english: Annotated[bool, typer.Option("--english", help="Tell in English what happens.")] = False,
) -> None:
    """Play a virtual site that speaks MQTT like real devices."""
    settings, stop = Settings(), stop_event()
    configs = configs_of(settings)
    config = configs.site(site or next(iter(configs.sites)))

    def tell(text: str, text_en: str) -> None:
        print(text_en if english else text, flush=True)

    drawn = _drawn(config, schedule_seed(installation_secret(settings)))
    Simulator(config, broker_of(settings), scenario, seed=seed, clock=SystemClock(), on_event=tell, drawn=drawn).run(
        stop
    )


def _drawn(config: SiteConfig, seed: str) -> Drawn:
    """What guards are told of random rounds: when each one starts."""

    def drawn(schedule: Schedule, since_ms: int) -> Iterator[int]:
        shift = config.patrol.shift(schedule.shift) if schedule.shift else None
        for day in range(366):
            begin_ms = since_ms + day * _DAY_MS
            yield from starts(schedule, shift, ZoneInfo(config.site.timezone), begin_ms, begin_ms + _DAY_MS, seed)

    return drawn


COMMANDS: dict[str, Callable[..., None]] = {
    "broker": broker,
    "gateway": gateway,
    "ingest": ingest,
    "worker": worker,
    "web": web,
    "simulate": simulate,
}
