"""Which device may say what: the site files turned into the look-ups that ingest needs for every message."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.contract.errors import ContractError
from gateway.site.model import SiteConfig


class UnknownDevice(ContractError):
    """The topic names a device that no site file declares."""

    code = "unknown_device"


class UnknownPoint(ContractError):
    """The event names a point that its device does not have."""

    code = "unknown_point"


class WrongUnit(ContractError):
    """The event states another unit than the point's."""

    code = "wrong_unit"


@dataclass(frozen=True, slots=True)
class KnownPoint:
    """What ingest must know of a point."""

    key: str
    """`{site}/{point}`: series name and alert target."""
    unit: str


@dataclass(slots=True)
class Registry:
    """Points by (site, device) and point id."""

    devices: dict[tuple[str, str], Mapping[str, KnownPoint]] = field(default_factory=dict)

    @classmethod
    def of(cls, sites: Iterable[SiteConfig]) -> "Registry":
        """Build from loaded site files."""
        registry = cls()
        for config in sites:
            site = config.site.id
            for device in config.devices:
                registry.devices[site, device.id] = {
                    point.id: KnownPoint(f"{site}/{point.id}", point.unit)
                    for point in config.points
                    if point.device == device.id and not point.derived
                }
        return registry

    def points_of(self, site: str, device: str) -> Mapping[str, KnownPoint]:
        """The points a device may report; raises UnknownDevice."""
        points = self.devices.get((site, device))
        if points is None:
            raise UnknownDevice(f"Site {site!r} has no device {device!r}", hint=self._suggest_device(site, device))
        return points

    def unknown_point(self, site: str, device: str, point: str) -> UnknownPoint:
        """The error for a point that the device does not have."""
        names = tuple(sorted(self.devices.get((site, device), ())))
        return UnknownPoint(f"Device {device!r} of site {site!r} has no point {point!r}", hint=_suggest(point, names))

    def wrong_unit(self, known: KnownPoint, unit: str) -> WrongUnit:
        """The error for a reading in another unit than its point's."""
        return WrongUnit(f"Point {known.key!r} is in {known.unit}, the event says {unit!r}", hint=f"Send {known.unit}")

    def _suggest_device(self, site: str, device: str) -> str:
        names = tuple(sorted(name for at, name in self.devices if at == site))
        if not names:
            sites = tuple(sorted({at for at, _ in self.devices}))
            return _suggest(site, sites) if sites else "Declare the site in device_configs/sites"
        return _suggest(device, names)


@lru_cache(maxsize=4096)
def _suggest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(known[:8])}" if known else "Declare it in the site's devices.yaml"
