"""What things of fire protection are called, in one language; tolerant of ids that have left the site files."""

from gateway.contract.fire_terms import COMPONENT_TYPES, SYSTEM_TYPES, Term, term
from gateway.site.fire import Fire, FirePoint
from gateway.site.model import Configs, SiteConfig
from services.fire.names import sender_of, undeclared
from services.fire.tables import FireComponent, FireSignal
from services.kernel.errors import NotFound
from services.web import i18n, labels
from services.web.i18n import N_
from services.web.queries.places import Places

SYSTEM = N_("System %(address)s")
NOWHERE = N_("No zone")
_SYSTEM_ADDRESS = "system:"
_SELF = "self"


class FireNames:
    """Looks names up."""

    def __init__(self, configs: Configs, language: str) -> None:
        self.configs = configs
        self.places = Places(configs, language)
        self.english = language == "en"
        self.comma = ", " if self.english else "、"
        self._ = i18n.catalogue(language).gettext

    def fire(self, site: str) -> Fire:
        """The fire protection of a site; empty for one that left the files."""
        config = self.configs.sites.get(site)
        return config.fire if config else Fire()

    def building(self, site: str, building: str) -> str:
        """A building's name."""
        config = self.configs.sites.get(site)
        found = config.area_by_id.get(building) if config else None
        if found is not None:
            return self.places.name(found)
        return building or (self.places.name(config.site) if config else site)

    def zone(self, site: str, zone: str) -> str:
        """A zone's name."""
        found = self.fire(site).zone_by_id.get(zone)
        return self.places.name(found) if found else zone or self._(NOWHERE)

    def device(self, site: str, device: str) -> str:
        """The name of a panel or a source, both of which are devices."""
        config = self.configs.sites.get(site)
        found = config.device_by_id.get(device) if config else None
        if found is None or config is None:
            return device
        fire = config.fire
        # Only a gateway is neither: it speaks for senders nobody declared.
        declared = device in fire.panel_by_id or device in fire.source_by_id
        return self.places.name(found) if declared else self.undeclared("")

    def undeclared(self, sender: str) -> str:
        """What a sender is called that nobody declared."""
        return undeclared(sender)[self.english]

    def owner(self, one: FireComponent | FireSignal) -> str:
        """The panel of a component, else the sender nobody declared."""
        sender, _ = sender_of(address_of(one))
        return self.undeclared(sender) if sender else self.device(one.site, one.panel)

    def point(self, site: str, point: str) -> FirePoint | None:
        """A point of the ledger."""
        return self.fire(site).point_by_id.get(point)

    def term(self, names: dict[int, Term], number: int | None) -> str:
        """What a number of the standard's tables is called; empty for none."""
        if number is None:
            return ""
        found = term(names, number)
        return found.en if self.english else found.zh

    def system_type(self, number: int | None) -> str:
        """A kind of system."""
        return self.term(SYSTEM_TYPES, number)

    def kind(self, one: FireComponent | FireSignal) -> str:
        """What sort of thing it is: by the ledger, else by what the panel says."""
        point = self.point(one.site, one.point)
        if point is not None:
            return labels.word("fire_point", point.kind, self._)
        return self.term(COMPONENT_TYPES, one.component_type)

    def component(self, one: FireComponent | FireSignal) -> str:
        """What a component is called: by the ledger, else as the panel names it, else its address."""
        point = self.point(one.site, one.point)
        if point is not None:
            return self.places.name(point)
        address = address_of(one)
        text = one.text.strip()
        if sender_of(address)[0]:
            return f"{self.address(one.site, one.panel, address)} {text}".strip()
        return text or self.address(one.site, one.panel, address)

    def address(self, site: str, panel: str, address: str) -> str:
        """An address as text: a component's as it is, a system's and the panel's own by name."""
        sender, within = sender_of(address)
        if sender:
            shown = "" if within == _SELF else self.address(site, panel, within)
            return f"{self.undeclared(sender)} {shown}".strip()
        if address == _SELF:
            return self.device(site, panel)
        if address.startswith(_SYSTEM_ADDRESS):
            return self._(SYSTEM) % {"address": address.removeprefix(_SYSTEM_ADDRESS)}
        return address

    def loop(self, one: FireComponent) -> str:
        """The loop a component hangs on, as its panel counts; empty: its address does not say."""
        fire = self.fire(one.site)
        panel = fire.panel_by_id.get(one.panel)
        source = fire.source_by_id.get(panel.source) if panel else None
        return loop_of(one.address, point_first=source is not None and source.point_first)

    def person(self, username: str | None) -> str:
        """Somebody's name."""
        return self.places.person(username)


def address_of(one: FireComponent | FireSignal) -> str:
    """The address within its panel."""
    if isinstance(one, FireComponent):
        return one.address
    return one.component.removeprefix(f"{one.site}/{one.panel}/")


def is_component(address: str) -> bool:
    """Whether an address is a component's, and not a system's or the panel's own."""
    _, address = sender_of(address)
    return address != _SELF and not address.startswith(_SYSTEM_ADDRESS)


def is_bytes(address: str) -> bool:
    """Whether an address is the four bytes of GB/T 26875.3."""
    return len(address) == 8 and set(address) <= set("0123456789abcdef")


def loop_of(address: str, *, point_first: bool = False) -> str:
    """The loop or zone half of an address, for grouping: `4` of `4-12`, `10` of `0a000200`; empty: it has none."""
    loop, dash, _ = address.rpartition("-")
    if dash:
        return loop
    if not is_bytes(address):
        return ""
    half = bytes.fromhex(address)[2:] if point_first else bytes.fromhex(address)[:2]
    return str(int.from_bytes(half, "little"))


def fire_site(configs: Configs, site: str) -> SiteConfig:
    """The site asked for, else the first one with fire protection; raises NotFound."""
    if site and site not in configs.sites:
        raise NotFound(f"There is no site {site}", hint="Choose one from the list", site=site)
    if site:
        return configs.sites[site]
    found = sorted(configs.sites.values(), key=lambda one: not one.fire.sources)
    if not found:
        raise NotFound("There is no site", hint="Add one to device_configs/sites")
    return found[0]
