"""Which area a component or panel belongs to, and the policy of what is only supervised."""

from collections.abc import Mapping
from typing import Any

from gateway.site.model import SiteConfig

CARE_POLICY = "fire_care"


def care_policy(config: SiteConfig) -> Mapping[str, Any]:
    """The policy of supervision: links, outages, test mode, tests, drills; else the site's first."""
    found = config.policy_by_id.get(CARE_POLICY) or next(iter(config.policies), None)
    return found.model_dump(mode="json") if found is not None else {}


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
