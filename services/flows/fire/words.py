"""Names of fire components and devices as people know them, and the policy of what is only supervised."""

from collections.abc import Mapping
from typing import Any

from gateway.site.model import SiteConfig
from services.fire import names

CARE_POLICY = "fire_care"


def care_policy(config: SiteConfig) -> Mapping[str, Any]:
    """The policy of supervision: links, outages, test mode, tests, drills; else the site's first."""
    found = config.policy_by_id.get(CARE_POLICY) or next(iter(config.policies), None)
    return found.model_dump(mode="json") if found is not None else {}


def device_name(config: SiteConfig, device: str) -> tuple[str, str]:
    """A source or panel in both languages; its id where nobody declared it."""
    found = config.device_by_id.get(device)
    return (found.name, found.name_en or found.name) if found is not None else (device, device)


def zone_name(config: SiteConfig, zone: str) -> tuple[str, str]:
    """A zone in both languages."""
    found = config.fire.zone_by_id.get(zone)
    return (found.name, found.name_en or found.name) if found is not None else (zone, zone)


def component_name(config: SiteConfig, component: str) -> tuple[str, str]:
    """`{site}/{panel}/{address}` in both languages: the declared point, else panel or unknown sender, and address."""
    return names.component(config, component)


def component_area(config: SiteConfig, component: str) -> str | None:
    """The area of a component: its zone's, else its panel's building; None: nobody declared the panel."""
    _, panel, address = component.split("/", 2)
    point = config.fire.point_by_address.get((panel, address))
    zone = config.fire.zone_by_id.get(point.zone) if point is not None else None
    return zone.area if zone is not None else building_of(config, panel)


def building_of(config: SiteConfig, panel: str) -> str | None:
    """The area that a panel protects; None: nobody declared it."""
    found = config.fire.panel_by_id.get(panel)
    return found.building if found is not None else None
