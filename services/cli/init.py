"""`gengfu init`: writes what docker compose needs, once; run again it adds what is new and touches nothing else."""

import ipaddress
import json
import os
import secrets as random
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from dashboards.files import models, text_of, with_constants
from gateway.site.load import load_configs
from gateway.site.model import Configs
from services.cli.site import Language
from services.cli.wiring import configs_path, shipped_configs
from services.install import certificates, environment, files, mosquitto, plan
from services.install.apply import apply
from services.install.certificates import Pair
from services.install.files import Owner
from services.install.plan import OwnCertificate, Shipped, Step, Wish
from services.kernel.clock import SystemClock
from services.kernel.errors import SettingsError
from services.kernel.settings import Settings

CONTAINER_ID: Final = 10_001
"""Owner of the files when root makes them: nobody's account on the host."""
out = Console(highlight=False, soft_wrap=True)

_CHANGES: Final = {
    "new": ("新建", "new", "green"),
    "changed": ("更新", "changed", "yellow"),
    "removed": ("删除", "removed", "yellow"),
    "kept": ("人工改过，未动（--force 覆盖）", "changed by hand, left alone (--force overwrites)", "magenta"),
}
_FEW: Final = 8
_BUS_PORT: Final = 5020
_PORTS: Final = {"DEPLOY_WEB_PORT": "8443", "DEPLOY_GRAFANA_PORT": "3443", "DEPLOY_MQTT_PORT": "8883"}


def init(
    directory: Annotated[Path, typer.Option("--dir", help="Where to write; .env goes beside it.")] = Path("deploy"),
    host: Annotated[
        list[str] | None, typer.Option(help="Name or address by which devices and people reach the server; repeatable.")
    ] = None,
    configs: Annotated[
        Path | None, typer.Option(help="The site files. Default: those of the run before, else of the settings.")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="The company's certificate and its intermediates, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key, PEM without a password.")] = None,
    ca: Annotated[Path | None, typer.Option(help="The authority that devices are to trust, PEM.")] = None,
    public_url: Annotated[str, typer.Option(help="The console as people reach it, behind a proxy of your own.")] = "",
    rotate: Annotated[
        list[str] | None, typer.Option(help="What to make anew: a secret, SITE/DEVICE, certificate or ca; repeatable.")
    ] = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="With users for simulated devices.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that a person has changed.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only show what would change; exit code 1 if anything.")
    ] = False,
    lang: Language = "zh",
) -> None:
    """Write what docker compose needs: secrets, certificates, the broker's users and rules, Grafana's data sources.

    Every device gets a user of the broker that may publish its own topics only. Run it again when the site files have
    changed: what is there stays, new devices get their passwords, and files that you changed are left alone.
    """
    zh, now = lang == "zh", SystemClock().now()
    env_path = directory.absolute().parent / ".env"
    env_text = env_path.read_text("utf-8") if env_path.exists() else ""
    env = environment.values_in(env_text)
    source = configs or _configs_before(env, env_path.parent) or configs_path(Settings())
    loaded = load_configs(source)
    defaults = _defaults(directory, source, loaded)
    found = files.read(directory)
    own = _own_certificate(cert, key, ca)
    server = _server(host, env, own)
    ports = {name: env.get(name, port) for name, port in _PORTS.items()}
    has_certificate = own is not None or plan.CERTIFICATE in found
    wish = Wish(
        server=f"{server}:{ports['DEPLOY_MQTT_PORT']}",
        hosts=tuple(host or ()) or (() if has_certificate else (server,)),
        own=own,
        rotate=frozenset(rotate or ()),
        demo=env.get("DEPLOY_DEMO") == "true" if demo is None else demo,
    )
    console = public_url or env.get("DEPLOY_PUBLIC_URL") or f"https://{_bracketed(server)}:{ports['DEPLOY_WEB_PORT']}"
    wanted = plan.wanted(loaded, wish, _shipped(console), found, now, random.token_bytes)
    written = files.manifest_in(found)
    todo = plan.steps(wanted, found, written, force=force)
    owner = _owner(env)
    certificate = wanted[plan.CERTIFICATE].content
    decided = {
        "DEPLOY_HOST": server,
        "DEPLOY_BROKER_NAME": _broker_name(server, certificate),
        "DEPLOY_DEMO": str(wish.demo).lower(),
        "DEPLOY_UID": str(owner.uid),
        "DEPLOY_GID": str(owner.gid),
    } | ({"DEPLOY_PUBLIC_URL": public_url} if public_url else {})
    outdated = {"DEPLOY_CONFIGS"} if configs else set()
    outdated |= {"DEPLOY_SITE", "DEPLOY_GATEWAY"} if env.get("DEPLOY_SITE") not in loaded.sites else set()
    decided |= {name: value for name, value in defaults.items() if name in outdated}
    simulated = _simulated_buses(loaded)
    if wish.demo:
        decided["DEPLOY_BUS_ADDRESSES"] = simulated
    elif env.get("DEPLOY_BUS_ADDRESSES") == simulated.strip("'"):
        decided["DEPLOY_BUS_ADDRESSES"] = ""
    new_env = environment.merged(env_text, defaults | ports, decided)
    is_news = new_env != env_text
    _show(todo, directory, zh=zh)
    if is_news:
        out.print(f"  {escape(str(env_path))}")
    if check:
        raise typer.Exit(1 if is_news or any(step.change != "same" for step in todo) else 0)
    apply(directory, todo, written, owner)
    if is_news:
        files.put(env_path, new_env.encode(), Owner(os.geteuid(), os.getegid()), 0o644)
    _say_next(directory, loaded, todo, wish, console, certificates.valid_until(certificate), now, zh=zh)


def _server(host: Sequence[str] | None, env: Mapping[str, str], own: OwnCertificate | None) -> str:
    """The name people and devices use first."""
    if host:
        return host[0]
    if own is not None:
        return next((name for name in certificates.hosts_of(own.pair.certificate) if "*" not in name), "")
    return env.get("DEPLOY_HOST") or socket.gethostname()


def _broker_name(server: str, certificate: bytes) -> str:
    """By which of the certificate's names Gengfu's own containers reach the broker; it must be no address."""
    names = ["mosquitto", *([] if _is_address(server) else [server]), *certificates.hosts_of(certificate)]
    for name in names:
        if not _is_address(name) and "*" not in name and certificates.is_for(certificate, name):
            return name
    raise SettingsError(
        "The certificate is for addresses only: Gengfu's containers reach the broker by a name",
        hint="Ask for one with a host name in it, or let `gengfu init` make one (without --cert)",
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _own_certificate(cert: Path | None, key: Path | None, ca: Path | None) -> OwnCertificate | None:
    if cert is None and key is None and ca is None:
        return None
    if cert is None or key is None or ca is None:
        raise typer.BadParameter("--cert, --key and --ca belong together")
    return OwnCertificate(Pair(_bytes(cert), _bytes(key)), _bytes(ca))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="Give the path of a PEM file") from error


def _shipped(console: str) -> Shipped:
    boards = {f"{uid}.json": text_of(with_constants(model, {"console": console})) for uid, model in models().items()}
    return Shipped((shipped_configs() / "broker" / "mosquitto.conf").read_text("utf-8"), boards)


def _owner(env: Mapping[str, str]) -> Owner:
    """Whom the files belong to: whoever runs this; for root, whom they belonged to before."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid())
    return Owner(int(env.get("DEPLOY_UID", CONTAINER_ID)), int(env.get("DEPLOY_GID", CONTAINER_ID)))


def _defaults(directory: Path, source: Path, configs: Configs) -> dict[str, str]:
    """What `.env` says of this installation; the gateway in the deployment is that of the first site with one."""
    root = directory.absolute().parent
    site = next((site for site, config in configs.sites.items() if mosquitto.gateways(config)), "")
    return {
        "DEPLOY_DIR": f"./{directory.name}",
        "DEPLOY_CONFIGS": _relative(source.absolute(), root),
        "DEPLOY_SITE": site or next(iter(configs.sites)),
        **({"DEPLOY_GATEWAY": mosquitto.gateways(configs.site(site))[0].id} if site else {}),
    }


def _simulated_buses(configs: Configs) -> str:
    """Where the demo's simulator answers for the Modbus lines; quoted, as it stands in `.env`."""
    lines = [f"{site}/{bus.id}" for site, config in configs.sites.items() for bus in config.sensors.buses]
    return f"'{json.dumps({line: f'simulator:{_BUS_PORT + number}' for number, line in enumerate(lines)})}'"


def _configs_before(env: Mapping[str, str], root: Path) -> Path | None:
    """What the containers read: others would take the users of all its devices away."""
    named = env.get("DEPLOY_CONFIGS")
    return root / named if named else None


def _relative(path: Path, root: Path) -> str:
    return f"./{path.relative_to(root)}" if path.is_relative_to(root) else str(path)


def _show(todo: Sequence[Step], directory: Path, *, zh: bool) -> None:
    """What happens to which file; many of one kind by their directory."""
    for change, (chinese, english, colour) in _CHANGES.items():
        paths = [directory / step.name for step in todo if step.change == change]
        shown = [str(path) for path in paths]
        if len(paths) > _FEW:
            counted = Counter(path.parent for path in paths)
            shown = [f"{where}/  {many} " + ("个文件" if zh else "files") for where, many in sorted(counted.items())]
        for one in shown:
            out.print(f"  [{colour}]{chinese if zh else english}[/]  {escape(one)}")
    if all(step.change == "same" for step in todo):
        out.print("没有变化" if zh else "Nothing has changed")


def _say_next(
    directory: Path,
    configs: Configs,
    todo: Sequence[Step],
    wish: Wish,
    console: str,
    valid_until: datetime,
    now: datetime,
    *,
    zh: bool,
) -> None:
    changes = Counter(step.change for step in todo)
    fresh = {step.name for step in todo if step.change in ("new", "changed")}
    is_first = changes["new"] > 1 and not changes["same"]
    lists = directory / "devices"
    admin = directory / "secrets" / "admin_password"
    days = (valid_until - now).days
    until = f"{valid_until:%Y-%m-%d}"
    lines = [
        (f"服务器证书有效期至 {until}（{days} 天）", f"The certificate is valid until {until} ({days} days)"),
        (
            f"设备的 MQTT 用户名和密码：{lists}/（{len(configs.sites)} 个项目），服务器 {wish.server}",
            f"Users and passwords of the devices: {lists}/ ({len(configs.sites)} sites), server {wish.server}",
        ),
    ]
    if is_first:
        lines += [
            ("启动：docker compose up -d --wait", "Start it: docker compose up -d --wait"),
            (
                f"值班台 {console}，用户名 admin，首次密码在 {admin}，登录后必须修改",
                f"Console {console}, user admin, first password in {admin}, to be changed at the first sign-in",
            ),
        ]
    elif {"mosquitto/passwd", "mosquitto/acl"} & fresh:
        reread = "docker compose kill -s HUP mosquitto"
        lines.append((f"让消息服务器重新读取：{reread}", f"Tell the broker: {reread}"))
    if not is_first and plan.CA in fresh:
        every = "docker compose up -d --force-recreate"
        lines.append(
            (
                f"{every}，再把新的 ca.crt 装进每台设备、网关和浏览器",
                f"{every}, and the new ca.crt into every device, gateway and browser",
            )
        )
    elif not is_first and plan.CERTIFICATE in fresh:
        again = "docker compose restart mosquitto proxy"
        lines.append((f"让服务使用新证书：{again}", f"Take the new certificate up: {again}"))
    lines += [_after(name) for name in sorted(wish.rotate)]
    out.print()
    for chinese, english in lines:
        out.print(escape(chinese if zh else english))


def _after(name: str) -> tuple[str, str]:
    """What has to be done when something was made anew."""
    if "/" in name:
        return f"{name}：把新密码填进设备", f"{name}: type the new password into the device"
    return (
        f"{name} 已更换，接下来的步骤见 docs/operations/security.md",
        f"{name} is new; how it gets to where it is used: docs/operations/security.md",
    )
