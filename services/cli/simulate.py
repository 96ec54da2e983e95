"""`gengfu simulate`: a virtual site that speaks MQTT, or a virtual fire transmission device for anybody's centre."""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from gateway.contract.times import to_ms
from gateway.drivers.gb26875.profile import Profile
from gateway.simulator.fire_days import Stage, steps
from gateway.simulator.fire_panel import Panel
from gateway.simulator.fire_points import chosen
from gateway.simulator.rota import Drawn
from gateway.simulator.run import Simulator
from gateway.simulator.scenario import STORM_SIZE, FireAct
from gateway.simulator.utd import Settings as DeviceSettings
from gateway.simulator.utd import Utd
from gateway.simulator.utd_link import UtdLink, play
from gateway.site.model import SiteConfig
from gateway.site.patrol import Schedule
from services.cli.utd_watch import Watcher
from services.cli.wiring import broker_of, configs_of, stop_event
from services.kernel.clock import SystemClock
from services.kernel.settings import Settings
from services.patrol.planning.starts import schedule_seed, starts
from services.patrol.sun.keys import installation_secret

_DAY_MS = 86_400_000
_SOON = timedelta(seconds=10)


class Acts(StrEnum):
    """What a virtual panel says of its own accord."""

    QUIET = "quiet"
    DAY = "day"
    FIRE = "fire"
    STORM = "storm"


class Beats(StrEnum):
    """Forms of heartbeat."""

    EMPTY = "empty"
    BYTE = "byte"


app = typer.Typer(no_args_is_help=True, help="Simulated devices: for the demo, for tests, for other people's centres.")


@app.command("site")
def site(
    scenario: Annotated[
        str,
        typer.Argument(
            help="demo, calm, patrol, fire, fire_storm, fire_days, storm, night_leak, backlog, clock_skew, or a file."
        ),
    ],
    site: Annotated[str, typer.Option(help="Site to play; needed when there are several.")] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.")] = 1,
    english: Annotated[bool, typer.Option("--english", help="Tell in English what happens.")] = False,
) -> None:
    """Play a virtual site that speaks MQTT, and GB/T 26875.3 to the gateway, like real devices."""
    settings, stop = Settings(), stop_event()
    configs = configs_of(settings)
    config = configs.site(site or next(iter(configs.sites)))

    def tell(text: str, text_en: str) -> None:
        print(text_en if english else text, flush=True)

    drawn = _drawn(config, schedule_seed(installation_secret(settings)))
    Simulator(
        config, broker_of(settings), scenario, seed=seed, clock=SystemClock(), on_event=tell, drawn=drawn,
        centre=(settings.fire_host, settings.fire_port), profiles=configs.profiles, buses=settings.bus_addresses,
    ).run(stop)  # fmt: skip


@app.command("utd")
def utd(
    centre: Annotated[str, typer.Option(help="HOST:PORT of the centre; the gateway of the settings by default.")] = "",
    address: Annotated[str, typer.Option(help="Its address: 12 hex digits, as on the wire.")] = "790300000000",
    centre_address: Annotated[str, typer.Option(help="The centre's address, likewise.")] = "000000000000",
    points: Annotated[str, typer.Option(help="So many components, or a YAML file with `points:`.")] = "60",
    scenario: Annotated[Acts, typer.Option(help="What happens at the panel.")] = Acts.QUIET,
    size: Annotated[
        int, typer.Option(min=1, max=10_000, help="storm: how many alarms within two seconds.")
    ] = STORM_SIZE,
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.")] = 1,
    heartbeat: Annotated[float, typer.Option(min=0.1, help="Seconds of silence after which it gives one.")] = 30.0,
    beat_form: Annotated[Beats, typer.Option(help="Its form: no application data, or the byte 0x16.")] = Beats.EMPTY,
    duty_answer: Annotated[str, typer.Option(help="Seconds until a duty check is answered, or `never`.")] = "5",
    clock_off: Annotated[int, typer.Option(help="Seconds its clock is ahead, until the centre sets it.")] = 0,
    per_frame: Annotated[int, typer.Option(min=1, max=22, help="Signals that wait are sent together, so many.")] = 1,
    zone: Annotated[str, typer.Option(help="Time zone of its clock.")] = "Asia/Shanghai",
    show_hex: Annotated[bool, typer.Option("--hex", help="Show the bytes of every frame too.")] = False,
    english: Annotated[bool, typer.Option("--english", help="Tell in English what happens.")] = False,
) -> None:
    """Be a fire transmission device 用户信息传输装置 (GB/T 26875.3) and try a centre with it; Ctrl-C ends it."""
    settings, stop, clock = Settings(), stop_event(), SystemClock()
    host, port = _centre(centre, settings)
    where, started_ms = _zone(zone), to_ms(clock.now())
    components = chosen(points)
    watcher = Watcher(lambda: clock.now().astimezone(where), english=english, show_hex=show_hex)
    device = Utd(
        DeviceSettings(
            address=_six_bytes(address, "--address"),
            centre=_six_bytes(centre_address, "--centre-address"),
            heartbeat_ms=int(heartbeat * 1_000),
            heartbeat="byte" if beat_form is Beats.BYTE else "empty",
            per_frame=per_frame,
            duty_after_ms=_duty_after_ms(duty_answer),
            clock_off_ms=clock_off * 1_000,
        ),
        Panel(components, started_ms),
        steps(_acts(scenario, size), Stage(components, seed, where), started_ms),
        Profile(where),
        watch=watcher.passed,
        on_step=watcher.step,
    )
    link = UtdLink(device, host, port, on_lost=watcher.lost, on_found=watcher.found)
    play(link, lambda: to_ms(clock.now()), stop)
    watcher.sum_up(device)


def _drawn(config: SiteConfig, seed: str) -> Drawn:
    """What guards are told of random rounds: when each one starts."""

    def drawn(schedule: Schedule, since_ms: int) -> Iterator[int]:
        shift = config.patrol.shift(schedule.shift) if schedule.shift else None
        for day in range(366):
            begin_ms = since_ms + day * _DAY_MS
            yield from starts(schedule, shift, ZoneInfo(config.site.timezone), begin_ms, begin_ms + _DAY_MS, seed)

    return drawn


def _acts(scenario: Acts, size: int) -> list[FireAct]:
    match scenario:
        case Acts.DAY:
            return [FireAct(kind="day", start=timedelta(0))]
        case Acts.FIRE:
            return [FireAct(kind="fire", start=_SOON)]
        case Acts.STORM:
            return [FireAct(kind="storm", start=_SOON, size=size)]
        case _:
            return []


def _centre(text: str, settings: Settings) -> tuple[str, int]:
    if not text:
        return settings.fire_host, settings.fire_port
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65_536):
        raise typer.BadParameter(f"--centre {text!r} is not HOST:PORT, e.g. 192.168.1.10:26875")
    return host.strip("[]"), int(port)


def _six_bytes(text: str, option: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 6:
        raise typer.BadParameter(f"{option} {text!r} is not 12 hex digits, e.g. 790300000000")
    return found


def _duty_after_ms(text: str) -> int | None:
    if text == "never":
        return None
    try:
        return int(max(0.0, float(text)) * 1_000)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"--duty-answer {text!r} is neither seconds nor `never`") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter(f"--zone {name!r} is no time zone, e.g. Asia/Shanghai") from None
