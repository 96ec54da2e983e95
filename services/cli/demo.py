"""`gengfu demo` and `gengfu up`: everything on this machine, in one group of processes."""

import json
import os
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import httpx
import typer
from rich.cells import set_cell_size
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from sqlalchemy.exc import InterfaceError, OperationalError

from gateway.broker import PortTaken
from gateway.site.model import Configs
from services.cli.narrator import Narrator
from services.cli.site import Language
from services.cli.supervisor import Part, Supervisor
from services.cli.wiring import (
    configs_of,
    free_port,
    open_database,
    open_store,
    port_is_free,
    seed_accounts,
    shipped_configs,
)
from services.kernel.clock import SystemClock
from services.kernel.db import Database
from services.kernel.errors import SettingsError
from services.kernel.roles import RoleLock
from services.kernel.settings import Settings
from services.people import service as people
from services.people.roles import Actor, Role

READY_S = 90.0
"""A machine may be busy; who fails says so at once."""
BROKER_S = 30.0
_MARK = ".gengfu-demo"
_BUS_PORT = 5020
_PART_ZH = {
    "broker": "消息服务器",
    "ingest": "接收",
    "worker": "任务",
    "web": "值班台",
    "gateway": "网关",
    "simulator": "模拟现场",
}

out = Console(highlight=False)


def demo(
    scenario: Annotated[
        str,
        typer.Option(help="demo, patrol, fire, fire_storm, fire_days, calm, storm, night_leak, backlog, clock_skew."),
    ] = "demo",
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the data of the last demo.")] = False,
    lang: Language = "zh",
) -> None:
    """Run everything on this machine with a simulated site; Ctrl-C ends it."""
    data_dir = Path(os.environ.get("GENGFU_DATA_DIR", "var")) / "demo"
    lock = _prepare(data_dir, keep=keep)
    os.environ["GENGFU_DATA_DIR"] = str(data_dir)
    os.environ.setdefault("GENGFU_CONFIGS", str(shipped_configs()))
    os.environ.pop("GENGFU_DATABASE_URL", None)
    defaults = Settings()
    os.environ["GENGFU_DEMO"] = "true"
    os.environ["GENGFU_BROKER_HOST"] = "127.0.0.1"
    os.environ["GENGFU_BROKER_PORT"] = str(free_port("127.0.0.1", defaults.broker_port))
    os.environ["GENGFU_WEB_PORT"] = str(free_port(defaults.web_host, defaults.web_port))
    os.environ["GENGFU_FIRE_PORT"] = str(free_port(defaults.fire_host, defaults.fire_port))
    configs = configs_of(Settings())
    os.environ["GENGFU_BUS_ADDRESSES"] = json.dumps(_bus_addresses(configs))
    settings = Settings()
    db = open_database(settings)
    seed_accounts(db, configs)
    past = None if keep else partial(_write_past, settings, configs, db, seed, zh=lang == "zh")
    password = _demo_password(db, configs)
    sign_in = f"duty / {password}"
    others = ", ".join(
        name for config in configs.sites.values() for name in config.person_by_username if name != "duty"
    )
    try:
        _run(settings, configs, db, lang, sign_in, others=others, simulate=(scenario, seed), past=past)
    finally:
        lock.release()


def up(
    lang: Language = "zh",
) -> None:
    """Run everything on this machine with your own site files (GENGFU_CONFIGS); Ctrl-C ends it."""
    settings = Settings()
    configs = configs_of(settings)
    if settings.embedded_broker and not port_is_free(settings.broker_host, settings.broker_port):
        raise PortTaken(
            f"Port {settings.broker_port} is taken",
            hint="Set GENGFU_BROKER_PORT, or GENGFU_EMBEDDED_BROKER=false to use the broker that listens there",
        )
    if not port_is_free(settings.web_host, settings.web_port):
        raise PortTaken(f"Port {settings.web_port} is taken", hint="Set GENGFU_WEB_PORT to another one")
    db = open_database(settings)
    seed_accounts(db, configs)
    with db.begin() as session:
        first = settings.first_admin_password.get_secret_value()
        admin = people.first_run_admin(session, SystemClock().now(), password=first)
    sign_in = f"admin / {admin}" if admin and not first else ""
    _run(settings, configs, db, lang, sign_in, others="", simulate=None)


def _prepare(data_dir: Path, *, keep: bool) -> RoleLock:
    """A demo starts fresh; only a directory that an earlier demo made, and none works in now, is ever removed."""
    lock = RoleLock(data_dir, "demo")  # lies beside the directory
    lock.take()
    if data_dir.exists() and not keep:
        if any(data_dir.iterdir()) and not (data_dir / _MARK).exists():
            raise SettingsError(
                f"{data_dir} holds something that no demo made", hint="Choose another place with --data-dir"
            )
        shutil.rmtree(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / _MARK).touch()
    return lock


def _bus_addresses(configs: Configs) -> dict[str, str]:
    """A port of this machine for each Modbus line, on which the simulated slaves answer."""
    addresses: dict[str, str] = {}
    wanted = _BUS_PORT
    for site, config in configs.sites.items():
        for bus in config.sensors.buses:
            port = free_port("127.0.0.1", wanted)
            addresses[f"{site}/{bus.id}"] = f"127.0.0.1:{port}"
            wanted = port + 1
    return addresses


def _write_past(settings: Settings, configs: Configs, db: Database, seed: int, *, zh: bool) -> None:
    """Ledger, plans, orders and rounds since last month, so that there is a month to report."""
    from services.cli.history.demo import write_past  # while broker and console start beside it

    out.print("[dim]" + ("正在写入上月以来的演示记录…" if zh else "Writing the records since last month …") + "[/]")
    store = open_store(settings)
    try:
        write_past(db, store, configs, SystemClock().now(), seed)
    finally:
        store.close()


def _demo_password(db: Database, configs: Configs) -> str:
    """One fresh password for every account of the demo site."""
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    now = SystemClock().now()
    demo_admin = Actor(username="demo", display_name="demo", role=Role.ADMIN)
    with db.begin() as session:
        for config in configs.sites.values():
            for person in config.people:
                people.set_password(session, demo_admin, person.username, password, now, must_change=False)
    return password


def _run(
    settings: Settings,
    configs: Configs,
    db: Database,
    lang: str,
    sign_in: str,
    *,
    others: str,
    simulate: tuple[str, int] | None,
    past: Callable[[], None] | None = None,
) -> None:
    zh = lang == "zh"
    stop = threading.Event()
    os.environ.setdefault("GENGFU_LOG_LEVEL", "WARNING")
    supervisor = Supervisor(os.environ, _Lines(zh).show)
    url = f"http://{settings.web_host}:{settings.web_port}/"
    try:
        if settings.embedded_broker or simulate is not None:
            supervisor.start("broker", "broker")
        supervisor.start("web", "web")
        if past is not None:  # before anybody works on what it writes
            past()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        _start(supervisor, settings, configs, simulate, lang)
        failed = _wait_for_console(supervisor, url, stop)
        if failed is None and not stop.is_set():
            _welcome(settings, configs, url, sign_in, others, zh=zh, simulated=simulate is not None)
            _watch(supervisor, Narrator(db, _zone(configs), english=not zh), stop)
        if failed is not None:
            out.print(
                f"[bold red]✗[/] {_PART_ZH[failed.name] if zh else failed.name} " + ("无法运行" if zh else "cannot run")
            )
            raise typer.Exit(1)
    finally:
        out.print("\n" + ("正在停止…" if zh else "Stopping…"))
        supervisor.stop()
        db.dispose()
        out.print("已全部停止。" if zh else "Everything has stopped.")


def _start(
    supervisor: Supervisor, settings: Settings, configs: Configs, simulate: tuple[str, int] | None, lang: str
) -> None:
    if settings.embedded_broker or simulate is not None:
        _wait_for_port(settings.broker_host, settings.broker_port)
    supervisor.start("ingest", "ingest")
    supervisor.start("worker", "worker")
    for site, config in configs.sites.items():
        for device in config.devices:
            if device.kind == "gateway":
                supervisor.start("gateway", "gateway", "--site", site, "--device", device.id)
        if simulate is not None:
            scenario, seed = simulate
            words = ("--english",) if lang == "en" else ()
            supervisor.start("simulator", "simulate", "site", scenario, "--site", site, "--seed", str(seed), *words)


def _wait_for_port(host: str, port: int) -> None:
    """Give the broker the time it needs to listen; whoever comes too early would try again anyway."""
    deadline = time.monotonic() + BROKER_S
    while port_is_free(host, port) and time.monotonic() < deadline:
        time.sleep(0.1)


def _wait_for_console(supervisor: Supervisor, url: str, stop: threading.Event) -> Part | None:
    deadline = time.monotonic() + READY_S
    with httpx.Client(trust_env=False, timeout=2) as client:
        while not stop.wait(0.2):
            failed = supervisor.check(starting=True)
            if failed is not None:
                return failed
            try:
                client.get(f"{url}healthz")
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise SettingsError(f"The console did not answer at {url}", hint="Its output is above") from None
            else:
                return None
    return None


def _welcome(
    settings: Settings, configs: Configs, url: str, sign_in: str, others: str, *, zh: bool, simulated: bool
) -> None:
    site = next(iter(configs.sites.values())).site
    lines = [
        f"{'值班台' if zh else 'Console'}    [bold cyan]{url}[/]",
    ]
    if sign_in:
        lines.append(f"{'登录' if zh else 'Sign in'}      [bold]{sign_in}[/]")
    if others:
        lines.append(f"{'其他账号' if zh else 'Others'}  [dim]{others}（{'同一密码' if zh else 'same password'}）[/]")
    lines.append(f"MQTT      {settings.broker_host}:{settings.broker_port}")
    if any(config.fire.sources for config in configs.sites.values()):
        lines.append(f"{'消防' if zh else 'Fire'}      {settings.fire_host}:{settings.fire_port}  [dim]GB/T 26875.3[/]")
    if simulated:
        lines.append(f"{'月报' if zh else 'Report'}      [cyan]{url}reports[/]")
        lines.append(
            "[dim]"
            + (
                "模拟现场已启动，一分钟内会出现第一条报警，两分钟后起火。Ctrl-C 结束。"
                if zh
                else "The first alert comes within a minute, the fire after two. Ctrl-C ends it."
            )
            + "[/]"
        )
    title = f"Gengfu 更夫 · {site.name if zh else site.name_en or site.name}"
    out.print(Panel("\n".join(lines), title=title, border_style="cyan", expand=False, padding=(1, 3)))


def _watch(supervisor: Supervisor, narrator: Narrator, stop: threading.Event) -> None:
    while not stop.wait(0.5):
        supervisor.check()
        try:
            news = narrator.news()
        except (OperationalError, InterfaceError):  # the parts say so themselves, and wait for it
            continue
        for line in news:
            out.print(escape(line), soft_wrap=True)


def _zone(configs: Configs) -> ZoneInfo:
    return ZoneInfo(next(iter(configs.sites.values())).site.timezone)


class _Lines:
    """Shows what the parts write: messages and the simulator's story as they are, the rest dimmed with its part."""

    def __init__(self, zh: bool) -> None:
        self._zh = zh

    def show(self, part: str, text: str, is_error: bool) -> None:
        """One line of one part."""
        if not text.strip():
            return
        if is_error:
            out.print(f"[dim]{part}: {escape(text)}[/]", soft_wrap=True)
        elif part == "simulator":
            self._labelled("现场" if self._zh else "site", "magenta", text)
        elif part == "worker":
            first = text.startswith(("【", "["))
            label = ("通知" if self._zh else "told") if first and not text.startswith("[#") else ""
            self._labelled(label, "yellow", text)
        else:
            out.print(f"[dim]{part}: {escape(text)}[/]", soft_wrap=True)

    @staticmethod
    def _labelled(label: str, colour: str, text: str) -> None:
        """A Chinese character is two columns wide: the label is padded to what the terminal shows."""
        out.print(f"[{colour}]{set_cell_size(label, 10)}[/]{escape(text)}", soft_wrap=True)
