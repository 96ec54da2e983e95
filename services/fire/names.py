"""What the ids of a site's fire protection are called, each as (Chinese, English); an unknown id is its own name."""

import re

from gateway.site.model import SiteConfig

Words = tuple[str, str]
UNDECLARED: Words = ("未登记传输装置", "Unknown transmission device")
OTHERS: Words = ("其余各台", "others")
"""More senders than the gateway tells apart (gateway/fire/strangers.py)."""
_SENDER = re.compile(r"([0-9a-f]{12}|others):(.*)", re.DOTALL)


def device(config: SiteConfig, name: str) -> Words:
    """A panel or source."""
    found = config.device_by_id.get(name)
    return (found.name, found.name_en or found.name) if found is not None else (name, name)


def zone(config: SiteConfig, name: str) -> Words:
    """A zone."""
    found = config.fire.zone_by_id.get(name)
    return (found.name, found.name_en or found.name) if found is not None else (name, name)


def undeclared(sender: str) -> Words:
    """A sender that nobody declared; with an empty one, such senders at all."""
    shown = OTHERS if sender == OTHERS[1] else (sender, sender)
    zh, en = (f"{word} {one}".strip() for word, one in zip(UNDECLARED, shown, strict=True))
    return zh, en


def sender_of(address: str) -> tuple[str, str]:
    """(sender, address there) of a component's address; the sender is empty where somebody declared it."""
    found = _SENDER.fullmatch(address)
    return (found[1], found[2]) if found else ("", address)


def component(config: SiteConfig, key: str, text: str = "") -> Words:
    """`{site}/{panel}/{address}`: the declared point, else panel or unknown sender, address, and its own `text`."""
    _, panel, address = key.split("/", 2)
    point = config.fire.point_by_address.get((panel, address))
    if point is not None:
        return point.name, point.name_en or point.name
    sender, within = sender_of(address)
    shown = "" if within == "self" else within
    owners = undeclared(sender) if sender else device(config, panel)
    name, name_en = (" ".join(part for part in (owner, shown, text.strip()) if part) for owner in owners)
    return name, name_en


def person(config: SiteConfig, username: str) -> Words:
    """Somebody of the site."""
    found = config.person_by_username.get(username)
    return (found.name, found.name_en or found.name) if found is not None else (username, username)


def building(config: SiteConfig, name: str) -> Words:
    """A building; the site where none is known."""
    area = config.area_by_id.get(name)
    named = area if area is not None else config.site
    return named.name, named.name_en or named.name
