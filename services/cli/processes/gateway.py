"""`gengfu gateway`: what speaks to one site."""

from contextlib import closing
from typing import Annotated

import typer

from gateway.contract.times import to_ms
from gateway.fire.sources import FireSources
from gateway.outbox import Outbox
from gateway.publish import Publisher
from gateway.readers import Readers
from gateway.sensors.buses import Buses
from gateway.sensors.topics import Topics
from gateway.site.model import Configs, SiteConfig
from services.cli.health import sign
from services.cli.wiring import broker_of, configs_of, stop_event
from services.kernel.clock import Clock, SystemClock
from services.kernel.settings import Settings

GATEWAY_INTERVAL_S = 10.0


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
        drivers: list[Readers | FireSources | Topics | Buses] = []
        try:
            drivers += _start_readers(settings, config, publisher, device, clock)
            drivers += _start_fire(settings, configs, config, publisher, device, clock)
            drivers += _start_sensors(settings, configs, config, publisher, device, clock)
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


def _start_sensors(
    settings: Settings, configs: Configs, config: SiteConfig, publisher: Publisher, device: str, clock: Clock
) -> list[Topics | Buses]:
    """The site's ready-made sensors, on topics of their own and on Modbus buses, if it has any."""
    started: list[Topics | Buses] = []
    if any(sensor.bus is None for sensor in config.sensors.sensors):
        topics = Topics(
            config,
            configs.profiles,
            publisher,
            broker_of(settings),
            f"gengfu-sensors-{config.site.id}-{device}",
            lambda: to_ms(clock.now()),
            gateway=device,
        )
        started.append(topics.start())
    if any(sensor.bus is not None for sensor in config.sensors.sensors):
        buses = Buses(config, configs.profiles, publisher, lambda: to_ms(clock.now()), settings.bus_addresses)
        buses.start()
        started.append(buses)
    return started
