"""Where things are and what they are called, from the site files; tolerant of ids that have left them."""

from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from gateway.site.equipment import Equipment
from gateway.site.model import Configs, Point, SiteConfig


@dataclass(frozen=True, slots=True)
class Place:
    """A target in the site: its point when it is one, and the way to it."""

    site: str
    site_name: str
    point: Point | None
    equipment: Equipment | None
    path: str
    """Areas from the outermost to the innermost, then the equipment."""


class Places:
    """Looks targets up, in one language."""

    def __init__(self, configs: Configs, language: str) -> None:
        self._configs = configs
        self._english = language == "en"

    def of(self, target: str, area: object = None) -> Place:
        """The place of a global key `{site}/{point}`; of anything else the `area` it is known to be in."""
        site_id, _, rest = target.partition("/")
        config = self._configs.sites.get(site_id)
        if config is None:
            return Place(site_id, site_id, None, None, "")
        site_name = self.name(config.site)
        point = config.point_by_id.get(rest)
        if point is None:
            device = config.device_by_id.get(rest)
            known = device.area if device else str(area or "")
            path = self._path(config, known) if known in config.area_by_id else site_name
            return Place(site_id, site_name, None, None, path)
        equipment = config.equipment_by_id.get(point.equipment or "")
        path = self._path(config, config.area_of(point).id)
        if equipment is not None:
            path = f"{path} · {self.name(equipment)}"
        return Place(site_id, site_name, point, equipment, path)

    def name(self, thing: object) -> str:
        """A thing's name in the language, when it has one there."""
        english = str(getattr(thing, "name_en", "") or "")
        return english if self._english and english else str(getattr(thing, "name", ""))

    def area_path(self, site: str, area: str) -> str:
        """An area and what it lies in, as text."""
        config = self._configs.sites.get(site)
        return self._path(config, area) if config and area in config.area_by_id else area

    def person(self, username: str | None) -> str:
        """What a person is called; the username of one who left the files."""
        for config in self._configs.sites.values():
            person = config.person_by_username.get(username or "")
            if person is not None:
                return self.name(person)
        return username or ""

    def zone(self, site: str) -> tzinfo:
        """The time zone of a site."""
        config = self._configs.sites.get(site)
        return ZoneInfo(config.site.timezone if config else "UTC")

    def _path(self, config: SiteConfig, area: str) -> str:
        return " › ".join(self.name(one) for one in config.area_path(area))
