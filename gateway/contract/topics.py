"""MQTT topics: `gengfu/v1/{site}/{device}/{kind}`, the two that ingest answers on, and the one commands come on."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from gateway.contract.errors import BadTopic

ROOT = "gengfu/v1"
Kind = Literal["reading", "tap", "fire", "status"]
KINDS: tuple[Kind, ...] = get_args(Kind)
URGENT_KINDS: tuple[Kind, ...] = ("tap", "fire", "status")
BULK_KINDS: tuple[Kind, ...] = ("reading",)

ID_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"
_TOPIC = re.compile(rf"{ROOT}/({ID_PATTERN})/({ID_PATTERN})/([a-z]+)")


class Topic(NamedTuple):
    """A parsed event topic."""

    site: str
    device: str
    kind: Kind


def topic(site: str, device: str, kind: Kind) -> str:
    """The topic on which `device` of `site` publishes events of `kind`."""
    return f"{ROOT}/{site}/{device}/{kind}"


@lru_cache(maxsize=65536)
def parse_topic(text: str) -> Topic:
    """Split an event topic; raises BadTopic."""
    match = _TOPIC.fullmatch(text)
    if match is None:
        raise BadTopic(
            f"Topic {text[:200]!r} is not {ROOT}/<site>/<device>/<kind>",
            hint="Ids are lower-case letters, digits and inner hyphens, at most 64 characters",
        )
    site, device, kind = match.groups()
    for known in KINDS:
        if kind == known:
            return Topic(site, device, known)
    raise BadTopic(f"Topic {text[:200]!r} has the unknown kind {kind!r}", hint=f"Use one of {', '.join(KINDS)}")


def subscription(site: str, kind: Kind) -> str:
    """The filter that hears `kind` from every device of a site (`+` hears every site)."""
    return f"{ROOT}/{site}/+/{kind}"


def receipt_topic(publisher: str) -> str:
    """Where ingest tells a publisher what is stored."""
    return f"{ROOT}/receipt/{publisher}"


def ready_topic(site: str) -> str:
    """Retained by ingest once its persistent sessions exist: publishers of a site wait for it."""
    return f"{ROOT}/ready/{site}"


def command_topic(site: str, source: str) -> str:
    """Where the gateway of a site hears what to ask a source of fire signals; `+`: of every one."""
    return f"{ROOT}/{site}/{source}/command"


def commanded_source(text: str) -> str:
    """The source that a command topic names; raises BadTopic."""
    parts = text.split("/")
    if len(parts) == 5 and re.fullmatch(ID_PATTERN, parts[3]) and text == command_topic(parts[2], parts[3]):
        return parts[3]
    raise BadTopic(f"Topic {text[:200]!r} is not {ROOT}/<site>/<source>/command", hint="Name the source's device id")
