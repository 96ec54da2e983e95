"""What an installation's directory should hold, decided from the site files and from what it holds now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from gateway.site.model import Configs, SiteConfig
from services.install import certificates, device_list, foreign, grafana, mosquitto, postgres, secrets
from services.install.certificates import Pair
from services.install.files import digest
from services.kernel.errors import SettingsError

Change = Literal["new", "changed", "same", "kept", "removed"]
"""`kept`: a person has changed it, and init leaves it alone."""

CA: Final = "mosquitto/certs/ca.crt"
CA_KEY: Final = "secrets/ca.key"
CERTIFICATE: Final = "mosquitto/certs/server.crt"
CERTIFICATE_KEY: Final = "mosquitto/certs/server.key"
PASSWORDS: Final = "mosquitto/passwd"
ALWAYS_NAMED: Final = ("mosquitto", "localhost", "127.0.0.1")
"""Names of the server inside the deployment."""
ROTATE_CERTIFICATE: Final = "certificate"
ROTATE_AUTHORITY: Final = "ca"
_PRIVATE: Final = 0o600
_SHARED: Final = 0o640


class OwnCertificate(NamedTuple):
    """The company's certificate, key and authority."""

    pair: Pair
    ca: bytes


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person at the terminal asks for."""

    server: str
    """Host and port by which devices reach the broker."""
    hosts: tuple[str, ...] = ()
    """Names and addresses of the server; empty: those its certificate has."""
    own: OwnCertificate | None = None
    rotate: frozenset[str] = frozenset()
    """Secrets by name, devices by `site/device`, `certificate`, `ca`."""
    demo: bool = False
    """With users for simulated sites."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One file as it should be."""

    content: bytes
    mode: int = _SHARED
    is_generated: bool = True
    """Rendered from the site files, and so to be left alone once a person has changed it."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What comes with the program."""

    broker: str
    """device_configs/broker/mosquitto.conf"""
    boards: Mapping[str, str] = field(default_factory=dict)
    """File name → board, with the console's address in it."""


class Step(NamedTuple):
    """What is to be done with one file."""

    name: str
    change: Change
    planned: Planned | None


def wanted(
    configs: Configs, wish: Wish, shipped: Shipped, found: Mapping[str, bytes], now: datetime, rng: secrets.Rng
) -> dict[str, Planned]:
    """Every file as it should be, by its path; raises SettingsError for a wish that cannot be."""
    files = {
        name: Planned(content, is_generated=False) for name, content in _secrets(configs, wish, found, rng).items()
    }
    lists = {site: _entries(configs, config, wish, found, rng) for site, config in configs.sites.items()}
    for site, config in configs.sites.items():
        words = {entry.device: entry.password for entry in lists[site] if entry.user}
        for device in mosquitto.gateways(config)[:1]:
            files[f"secrets/mqtt_gateway_{site}"] = Planned(words[device.id].encode(), is_generated=False)
    files |= _certificates(wish, found, now)
    for site, config in configs.sites.items():
        text = device_list.render(config, lists[site], wish.server)
        files[list_name(site)] = Planned(text.encode(), _PRIVATE, is_generated=False)
    mosquitto.check_readers(configs)
    foreign.check_sensors(configs)
    accounts = _accounts(configs, wish, lists, files)
    mosquitto.check_names(accounts)
    words = {user.name: word for user, word in accounts.items()}
    lines = mosquitto.passwords(words, found.get(PASSWORDS, b"").decode(), rng)
    texts = {
        "mosquitto/mosquitto.conf": mosquitto.configuration(shipped.broker),
        "mosquitto/acl": mosquitto.rules(accounts),
        PASSWORDS: lines,
        "postgres/init/10-roles.sh": postgres.ROLES,
        "grafana/provisioning/datasources/gengfu.yaml": grafana.data_sources(),
        "grafana/provisioning/dashboards/gengfu.yaml": grafana.board_provider(),
        **{f"grafana/boards/{name}": text for name, text in shipped.boards.items()},
    }
    return files | {name: Planned(text.encode()) for name, text in texts.items()}


def steps(
    files: Mapping[str, Planned], found: Mapping[str, bytes], written: Mapping[str, Sequence[str]], *, force: bool
) -> list[Step]:
    """What has to be done, in the order of doing it; files that init made and nobody needs any more go."""
    done = [Step(name, _change(name, one, found, written, force=force), one) for name, one in files.items()]
    gone = [name for name in written if name not in files and digest(found.get(name, b"")) in written[name]]
    return [*done, *(Step(name, "removed", None) for name in sorted(gone))]


def list_name(site: str) -> str:
    """The list of a site's devices."""
    return f"devices/{site}.csv"


def _change(
    name: str, one: Planned, found: Mapping[str, bytes], written: Mapping[str, Sequence[str]], *, force: bool
) -> Change:
    there = found.get(name)
    if there is None:
        return "new"
    if there == one.content:
        return "same"
    is_ours = digest(there) in written.get(name, ())
    return "changed" if is_ours or force or not one.is_generated else "kept"


def _secrets(configs: Configs, wish: Wish, found: Mapping[str, bytes], rng: secrets.Rng) -> dict[str, bytes]:
    simulators = [f"mqtt_simulator_{site}" for site in configs.sites] if wish.demo else []
    _check_rotation(configs, wish, simulators)
    made = {}
    for name in (*secrets.MADE_ONCE, *simulators):
        there = found.get(secrets.place(name))
        made[secrets.place(name)] = there if there and name not in wish.rotate else secrets.make(name, rng)
    later = map(secrets.place, secrets.GIVEN_LATER)
    return made | {place: found.get(place, b"") for place in later}


def _check_rotation(configs: Configs, wish: Wish, simulators: Sequence[str]) -> None:
    devices = {
        f"{site}/{device}"
        for site, config in configs.sites.items()
        for device in device_list.devices_with_account(config)
    }
    names = {*secrets.MADE_ONCE, *simulators, ROTATE_CERTIFICATE, ROTATE_AUTHORITY} - {*secrets.NEVER_ROTATED}
    for name in sorted(wish.rotate - names - devices):
        hint = f"Known: {', '.join(sorted(names))}; a device: SITE/DEVICE"
        if name in secrets.NEVER_ROTATED:
            hint = secrets.NEVER_ROTATED[name]
        elif name in secrets.GIVEN_LATER:
            hint = "InfluxDB chooses it: gengfu influx setup --rotate"
        raise SettingsError(f"{name} cannot be rotated", hint=hint)


def _entries(
    configs: Configs, config: SiteConfig, wish: Wish, found: Mapping[str, bytes], rng: secrets.Rng
) -> list[device_list.Entry]:
    site = config.site.id
    listed = found.get(list_name(site))
    kept = device_list.passwords_in(listed, list_name(site)) if listed else {}
    words = {
        device: kept[device] if device in kept and f"{site}/{device}" not in wish.rotate else secrets.password(rng)
        for device in device_list.devices_with_account(config)
    }
    return device_list.entries(config, words, configs.profiles)


def _accounts(
    configs: Configs, wish: Wish, lists: Mapping[str, Sequence[device_list.Entry]], files: Mapping[str, Planned]
) -> dict[mosquitto.User, str]:
    """Every user of the broker with the password."""
    accounts = {
        user: files[f"secrets/{name}"].content.decode() for name, user in mosquitto.gengfu_users(configs).items()
    }
    for site, config in configs.sites.items():
        if wish.demo:
            simulator = files[f"secrets/mqtt_simulator_{site}"].content.decode()
            accounts[mosquitto.simulator_user(config, configs.profiles)] = simulator
        accounts |= {entry.user: entry.password for entry in lists[site] if entry.user}
    return accounts


def _certificates(wish: Wish, found: Mapping[str, bytes], now: datetime) -> dict[str, Planned]:
    """Authority and server certificate: those that are there while they fit, else new ones."""
    there = Pair(found[CERTIFICATE], found[CERTIFICATE_KEY]) if {CERTIFICATE, CERTIFICATE_KEY} <= set(found) else None
    authority = Pair(found[CA], found[CA_KEY]) if {CA, CA_KEY} <= set(found) else None
    if wish.own is not None:
        certificates.check_own(wish.own.pair, wish.own.ca, wish.hosts, now)
        return _laid_out(wish.own.pair, wish.own.ca, None)
    if authority is None and there is not None and CA in found and not wish.rotate & {ROTATE_AUTHORITY}:
        if wish.hosts or ROTATE_CERTIFICATE in wish.rotate:
            certificates.check_own(there, found[CA], wish.hosts, now)
        return _laid_out(there, found[CA], None)  # the company's, from an earlier run
    names = _names(wish, there)
    if authority is None or ROTATE_AUTHORITY in wish.rotate:
        serial = int(digest(now.isoformat().encode())[:8], 16)
        authority, there = certificates.make_authority(now, serial), None
    if there is None or ROTATE_CERTIFICATE in wish.rotate or _is_outdated(there.certificate, names, now):
        there = certificates.make_server(authority, names, now)
    return _laid_out(there, authority.certificate, authority.key)


def _is_outdated(certificate: bytes, names: Sequence[str], now: datetime) -> bool:
    return set(certificates.hosts_of(certificate)) != set(names) or certificates.needs_renewal(certificate, now)


def _names(wish: Wish, there: Pair | None) -> tuple[str, ...]:
    hosts = wish.hosts or (certificates.hosts_of(there.certificate) if there else ())
    hosts = tuple(host for host in hosts if "*" not in host)
    if not hosts:
        raise SettingsError("The server has no name yet", hint="Give --host with what devices and people reach it by")
    return tuple(dict.fromkeys([*hosts, *ALWAYS_NAMED]))


def _laid_out(server: Pair, ca: bytes, ca_key: bytes | None) -> dict[str, Planned]:
    files = {CA: ca, CERTIFICATE: server.certificate, CERTIFICATE_KEY: server.key}
    if ca_key is not None:
        files[CA_KEY] = ca_key
    return {
        name: Planned(content, _PRIVATE if name == CA_KEY else _SHARED, is_generated=False)
        for name, content in files.items()
    }
