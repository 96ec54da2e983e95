"""Mosquitto for a network: who its users are, what each may say and hear, and the configuration that holds them to it.

The queues and the rest of the configuration are those of `device_configs/broker/mosquitto.conf`.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.contract.topics import KINDS, command_topic, ready_topic, receipt_topic, subscription, topic
from gateway.dropwatch import DROP_COUNTER
from gateway.site.model import Configs, Device, SiteConfig
from gateway.site.profile import Profile
from services.install import foreign
from services.install.secrets import is_line_of, passwd_line
from services.kernel.errors import SettingsError
from services.measurement.model import is_typed

PATROL_APP: Final = "patrol_app"
GATEWAY: Final = "gateway"
_NONE: Final[Mapping[str, Profile]] = {}
_SHARED: Final = re.compile(r"(?ms)^# --- Queues of sessions .*?(?=^# --- Devices on a network )")
_HEAD: Final = """\
# Made by `gengfu init`: TLS, passwords and rules (passwd, acl) on every connection.

per_listener_settings false
listener 8883
certfile /mosquitto/config/certs/server.crt
keyfile /mosquitto/config/certs/server.key
# This and anything newer.
tls_version tlsv1.2
allow_anonymous false
password_file /mosquitto/config/passwd
acl_file /mosquitto/config/acl

"""


class User(NamedTuple):
    """Who signs in at the broker."""

    name: str
    publishes: tuple[str, ...]
    """Topics, with `+` for any one level."""
    hears: tuple[str, ...]
    why: str
    """Who that is."""


def configuration(shipped: str) -> str:
    """mosquitto.conf for the container, from the shipped one."""
    shared = _SHARED.search(shipped)
    located = None if shared is None else re.subn(r"(?m)^persistence_location .*", _LOCATION, shared[0])
    if located is None or located[1] != 1:
        raise SettingsError(
            "The shipped mosquitto.conf has no longer the sections that `gengfu init` copies",
            hint="Install this version of Gengfu anew",
        )
    return _HEAD + located[0].rstrip() + "\n"


_LOCATION: Final = "persistence_location /mosquitto/data/"


def gengfu_users(configs: Configs) -> dict[str, User]:
    """Gengfu's own processes on the server, by the file of their password."""
    web_says: list[str] = []
    web_hears: list[str] = []
    for site, config in configs.sites.items():
        for device in _of_kind(config, PATROL_APP)[:1]:
            web_says += [topic(site, device.id, "tap"), topic(site, device.id, "status")]
            web_hears += [topic(site, device.id, "status"), ready_topic(site), receipt_topic(via(site, device.id))]
            web_says += [topic(site, one, "reading") for one in _typed_in(config)]
    return {
        "mqtt_ingest": User(
            "gengfu-ingest",
            (receipt_topic("+"), ready_topic("+")),
            (*(subscription("+", kind) for kind in KINDS), DROP_COUNTER),
            "hears every event, says what is stored",
        ),
        "mqtt_worker": User("gengfu-worker", (command_topic("+", "+"),), (), "asks the sources of fire signals"),
        "mqtt_web": User("gengfu-web", tuple(web_says), tuple(web_hears), "brings taps and what people type in"),
    }


def device_user(config: SiteConfig, device: Device, profiles: Mapping[str, Profile] = _NONE) -> User | None:
    """A device's own account; None when another one speaks for it. `profiles`: families of ready-made devices."""
    site = config.site.id
    name = f"{site}-{device.id}"
    if speaker_of(config, device) is not None:
        return None
    if device.kind == GATEWAY:
        read = sorted({one.topic for one in config.patrol.readers if one.topic})
        sensors = [one for one in foreign.heard(config, profiles) if one not in read] if profiles else []
        heard = (ready_topic(site), receipt_topic(via(site, device.id)), command_topic(site, "+"), *read, *sensors)
        said = (*(topic(site, "+", kind) for kind in KINDS), *foreign.asked(config, profiles))
        return User(name, said, heard, f"gateway of {site}")
    own = next((one.topic for one in config.patrol.readers if one.id == device.id), None)
    if own is not None:
        return User(name, (own,), (), f"ready-made reader of {site}")
    ready_made = foreign.said(config, profiles, device.id)
    if ready_made is not None:
        return User(name, ready_made, (), f"ready-made device of {site}")
    answers = (ready_topic(site), receipt_topic(via(site, device.id)))
    return User(name, tuple(topic(site, device.id, kind) for kind in KINDS), answers, f"device of {site}")


def speaker_of(config: SiteConfig, device: Device) -> str | None:
    """Who speaks for a device that needs no account: `gengfu` (the console) or `gateway`."""
    if device.kind == PATROL_APP:
        return "gengfu"
    wired = {one.id for one in config.patrol.readers if one.port is not None}
    wired |= {one.device for one in config.sensors.sensors if one.bus is not None}
    return GATEWAY if device.id in {*config.fire.source_by_id, *config.fire.panel_by_id, *wired} else None


def simulator_user(config: SiteConfig, profiles: Mapping[str, Profile] = _NONE) -> User:
    """Who plays all devices of a site in a demo."""
    site = config.site.id
    said = (*(topic(site, "+", kind) for kind in KINDS), *foreign.all_said(config, profiles))
    return User(f"{site}-simulator", said, (ready_topic(site),), f"simulated devices of {site}")


def gateways(config: SiteConfig) -> Sequence[Device]:
    """The site's gateways, as declared."""
    return _of_kind(config, GATEWAY)


def via(site: str, device: str) -> str:
    """The name by which ingest receipts what a device or gateway has sent."""
    return f"{site}-{device}"[:64]


def check_names(users: Iterable[User]) -> None:
    """No two users may be one; raises SettingsError."""
    seen: dict[str, User] = {}
    for user in users:
        other = seen.setdefault(user.name, user)
        if other is not user:
            raise SettingsError(
                f"Two users of the broker would have the name {user.name}: {other.why}, {user.why}",
                hint="Rename the device or the site in the site files",
            )


def check_readers(configs: Configs) -> None:
    """No reader says what is ours, or what the gateway of another site hears; raises SettingsError."""
    found = [
        (site, one.id, one.topic)
        for site, config in configs.sites.items()
        for one in config.patrol.readers
        if one.topic
    ]
    for site, reader, said in found:
        if said.startswith(("+", "gengfu/")) or not said.isprintable():
            raise SettingsError(
                f"The topic {said!r} of reader {site}/{reader} may hold messages of others",
                hint="Name its first level, e.g. tele/reader-1/SENSOR",
            )
    for (site, reader, said), (other, twin, again) in itertools.combinations(found, 2):
        if site != other and foreign.overlap(said, again):
            raise SettingsError(
                f"Readers {site}/{reader} and {other}/{twin} share the topic {said}: each site would count both",
                hint="Give every reader of the installation a topic of its own",
            )


def rules(users: Iterable[User]) -> str:
    """The ACL file: a user may do what stands below the name, and nothing else."""
    blocks = ["# Made by `gengfu init` from the site files: what is not allowed here is refused without a word.\n"]
    for user in users:
        said = [f"topic write {one}\n" for one in user.publishes if one not in user.hears]
        both = [f"topic readwrite {one}\n" for one in user.publishes if one in user.hears]
        heard = [f"topic read {one}\n" for one in user.hears if one not in user.publishes]
        blocks.append("".join([f"\n# {user.why}\nuser {user.name}\n", *said, *both, *heard]))
    return "".join(blocks)


def passwords(words: Mapping[str, str], existing: str, rng: Callable[[int], bytes]) -> str:
    """The password file for users and their passwords; lines that still hold stay as they are."""
    lines = {line.partition(":")[0]: line for line in existing.splitlines()}
    kept = (
        lines[user] if user in lines and is_line_of(lines[user], user, word) else passwd_line(user, word, rng)
        for user, word in words.items()
    )
    return "".join(f"{line}\n" for line in kept)


def _typed_in(config: SiteConfig) -> list[str]:
    """Devices with points that people measure and type in."""
    return sorted({one.device for one in config.points if is_typed(one)})


def _of_kind(config: SiteConfig, kind: str) -> list[Device]:
    return [device for device in config.devices if device.kind == kind]
