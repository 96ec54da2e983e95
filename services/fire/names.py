"""What the ids of a site's fire protection are called, each as (Chinese, English); an unknown id is its own name."""

from gateway.site.model import SiteConfig

Words = tuple[str, str]


def device(config: SiteConfig, name: str) -> Words:
    """A panel or source."""
    found = config.device_by_id.get(name)
    return (found.name, found.name_en or found.name) if found is not None else (name, name)


def zone(config: SiteConfig, name: str) -> Words:
    """A zone."""
    found = config.fire.zone_by_id.get(name)
    return (found.name, found.name_en or found.name) if found is not None else (name, name)


def component(config: SiteConfig, key: str) -> Words:
    """`{site}/{panel}/{address}`: the declared point, else panel and address."""
    _, panel, address = key.split("/", 2)
    point = config.fire.point_by_address.get((panel, address))
    if point is not None:
        return point.name, point.name_en or point.name
    name, name_en = device(config, panel)
    return (name, name_en) if address == "self" else (f"{name} {address}", f"{name_en} {address}")


def person(config: SiteConfig, username: str) -> Words:
    """Somebody of the site."""
    found = config.person_by_username.get(username)
    return (found.name, found.name_en or found.name) if found is not None else (username, username)


def building(config: SiteConfig, name: str) -> Words:
    """A building; the site where none is known."""
    area = config.area_by_id.get(name)
    named = area if area is not None else config.site
    return named.name, named.name_en or named.name
