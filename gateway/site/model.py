"""What a site consists of, as frozen models. Built by gateway.site.load; no clock, no I/O."""

import difflib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, TypeVar

from pydantic import Field

from gateway.contract.errors import GengfuError
from gateway.contract.units import UNITS
from gateway.site.approvals import ApprovalBand, Titles
from gateway.site.catalogue import LimitSpec, SlaRow
from gateway.site.cctv import Cctv
from gateway.site.duration import Duration, Interval
from gateway.site.equipment import Equipment, LedgerEntry, ledger_entries
from gateway.site.fire import BUILDING_KINDS, Fire
from gateway.site.fire_formats import TextFormat
from gateway.site.limit import Limit, Severity
from gateway.site.patrol import Patrol
from gateway.site.profile import Profile
from gateway.site.pumps import Station
from gateway.site.sensors import Sensors
from gateway.site.terms import (
    AreaKind,
    AsTuple,
    ChannelKind,
    DeviceKind,
    EscalationRole,
    Finite,
    Frozen,
    Id,
    Origin,
    PolicyId,
    Priority,
    Quantity,
    Role,
    Text,
)
from gateway.site.upkeep import Upkeep

T = TypeVar("T")


class Site(Frozen):
    """One property: `site.yaml`."""

    id: Id
    name: Text
    name_en: str = ""
    timezone: str
    """IANA name; days, weeks and months of reports follow it."""
    console_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+)?$", max_length=200)] = ""
    """Where people reach the duty console, e.g. `https://gengfu.example`: messages link to it; empty: no links."""


class Area(Frozen):
    """A place that people are responsible for; areas nest."""

    id: Id
    name: Text
    name_en: str = ""
    kind: AreaKind
    parent: Id | None = None
    key: bool = False
    """A key area 重点部位: a scheduled route has to have a checkpoint in it (PER-21)."""


class Device(Frozen):
    """Something that publishes: the `{device}` of a topic."""

    id: Id
    name: Text
    name_en: str = ""
    area: Id
    kind: DeviceKind
    heartbeat: Duration | None = None
    """It says something at least this often."""


def _stale_default(data: dict[str, Any]) -> timedelta | None:
    interval = data.get("interval")
    return 3 * interval if isinstance(interval, timedelta) else None


def _decimals_default(data: dict[str, Any]) -> int:
    unit = UNITS.get(data.get("unit", ""))
    return unit.decimals if unit else 2


class Point(Frozen):
    """One measured value of a device."""

    id: Id
    device: Id
    equipment: Id | None = None
    name: Text
    name_en: str = ""
    unit: str
    quantity: Quantity
    set_value: Finite | None = None
    """Set pressure and the like; what a deviation is measured from."""
    interval: Interval
    """How often a value comes; None (`none`): only when somebody measures."""
    stale_after: Duration | None = Field(default_factory=_stale_default)
    """Silence longer than this is no data; three intervals by default, None without an interval."""
    valid_min: Finite | None = None
    valid_max: Finite | None = None
    """Outside [valid_min, valid_max] the sensor is wrong, not the water."""
    decimals: int = Field(default_factory=_decimals_default, ge=0, le=6)
    stuck_after: Duration | None = None
    """A value that has not moved at all for so long is a stuck sensor; None: not looked for."""
    max_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The steepest change that can be real, in `unit` per second; None: not looked for."""
    twin: Id | None = None
    """Another point that measures the same: they must agree …"""
    twin_within: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """… within so much, in `unit`."""
    derived: bool = False
    """Worked out by Gengfu from other points, sent by nobody. Made from `pumps.yaml` and `cctv.yaml`, never written."""


class Person(Frozen):
    """An account of the site. `name` is a role label such as 给排水责任人, never a personal name."""

    username: Id
    name: Text
    name_en: str = ""
    role: Role
    areas: Annotated[tuple[Id, ...], AsTuple] = ()
    """Areas (with everything inside them) this person answers for; empty: the whole site."""
    phone: str | None = None
    titles: Titles = ()
    """Titles in the chains of approval, e.g. 物业总经理."""
    badges: Annotated[tuple[Text, ...], AsTuple] = ()
    """Badges 工卡 that stand for this person at a reader, as any reader prints them."""


class Channel(Frozen):
    """A way to reach people. Secrets live in the environment; here is only the variable's name."""

    name: Id
    kind: ChannelKind
    url_env: str | None = None
    """webhook: the environment variable that holds the address."""
    key_env: str | None = None
    """wecom: the environment variable that holds the robot's key."""
    roles: Annotated[tuple[Role, ...], AsTuple] = ()
    """Serves messages to these roles; empty: all."""
    areas: Annotated[tuple[Id, ...], AsTuple] = ()
    """Serves messages about these areas and what is inside them; empty: all."""
    min_severity: Severity = "low"
    per_minute: int = Field(default=18, ge=1, le=600)
    """Messages it carries in a minute before the rest become a digest; group robots refuse more than 20."""


class EscalationStep(Frozen):
    """When nobody has acknowledged `after` the alert opened, tell `role` too."""

    after: Duration
    role: EscalationRole


class Policy(Frozen):
    """What happens when a limit is broken: whom to tell, when to tell the next, which clocks run."""

    id: PolicyId
    name: Text
    name_en: str = ""
    ack_within: Duration
    escalation: Annotated[tuple[EscalationStep, ...], AsTuple]
    channels: Annotated[tuple[Id, ...], AsTuple]
    work_order: bool
    priority: Priority
    respond_within: Duration
    respond_origin: Origin
    finish_within: Duration
    finish_origin: Origin
    rate_within: Duration | None = None
    reopen_window: Duration = timedelta(minutes=10)
    shelve_max: Duration = timedelta(hours=8)
    latching: bool = False
    review: bool = False
    """Its P1 and P2 orders stay open until the emergency repair report is approved (ROU-33)."""
    source: str = ""
    """The SLA row behind the clocks, e.g. `泵房压力越限（默认）`."""


class UnknownId(GengfuError):
    """An id that the site files do not declare."""


class UnknownSite(UnknownId):
    """A site that the site files do not declare."""


class SiteConfig(Frozen):
    """One site, complete and consistent: every reference in it resolves."""

    site: Site
    areas: tuple[Area, ...] = ()
    equipment: tuple[Equipment, ...] = ()
    devices: tuple[Device, ...] = ()
    points: tuple[Point, ...] = ()
    people: tuple[Person, ...] = ()
    channels: tuple[Channel, ...] = ()
    policies: tuple[Policy, ...] = ()
    limits: tuple[Limit, ...] = ()
    patrol: Patrol = Patrol()
    fire: Fire = Fire()
    upkeep: Upkeep = Upkeep()
    sensors: Sensors = Sensors()
    stations: tuple[Station, ...] = ()
    cctv: Cctv = Cctv()

    @cached_property
    def area_by_id(self) -> Mapping[str, Area]:
        """Areas by id."""
        return {area.id: area for area in self.areas}

    @cached_property
    def equipment_by_id(self) -> Mapping[str, Equipment]:
        """Equipment by id."""
        return {equipment.id: equipment for equipment in self.equipment}

    @cached_property
    def ledger(self) -> Mapping[str, LedgerEntry]:
        """Everything that belongs in the equipment ledger, by short id: equipment, fire points, appliances."""
        return ledger_entries(self.equipment, self.fire)

    @cached_property
    def device_by_id(self) -> Mapping[str, Device]:
        """Devices by id."""
        return {device.id: device for device in self.devices}

    @cached_property
    def point_by_id(self) -> Mapping[str, Point]:
        """Points by their id within the site."""
        return {point.id: point for point in self.points}

    @cached_property
    def point_by_key(self) -> Mapping[str, Point]:
        """Points by global key `{site}/{point}`."""
        return {self.key(point.id): point for point in self.points}

    @cached_property
    def policy_by_id(self) -> Mapping[str, Policy]:
        """Policies by id."""
        return {policy.id: policy for policy in self.policies}

    @cached_property
    def person_by_username(self) -> Mapping[str, Person]:
        """People by username."""
        return {person.username: person for person in self.people}

    @cached_property
    def limits_by_point(self) -> Mapping[str, tuple[Limit, ...]]:
        """Limits by the global key of their point."""
        return _grouped((limit.point, limit) for limit in self.limits)

    @cached_property
    def _points_by_device(self) -> Mapping[str, tuple[Point, ...]]:
        return _grouped((point.device, point) for point in self.points)

    def key(self, point: str) -> str:
        """The global key of a point of this site."""
        return f"{self.site.id}/{point}"

    def point(self, key: str) -> Point:
        """The point with this global key or id; raises UnknownId."""
        return _known(self.point_by_id, key.removeprefix(f"{self.site.id}/"), "point", self.site.id)

    def device(self, device: str) -> Device:
        """The device with this id; raises UnknownId."""
        return _known(self.device_by_id, device, "device", self.site.id)

    def area(self, area: str) -> Area:
        """The area with this id; raises UnknownId."""
        return _known(self.area_by_id, area, "area", self.site.id)

    def policy(self, policy: str) -> Policy:
        """The policy with this id; raises UnknownId."""
        return _known(self.policy_by_id, policy, "policy", self.site.id)

    def points_of(self, device: str) -> tuple[Point, ...]:
        """The points of a device, as declared; empty for an unknown device."""
        return self._points_by_device.get(device, ())

    def limits_of(self, key: str) -> tuple[Limit, ...]:
        """The limits on the point with this global key or id."""
        return self.limits_by_point.get(self.key(key.removeprefix(f"{self.site.id}/")), ())

    def area_of(self, point: Point) -> Area:
        """Where a point is: the area of its equipment, else of its device."""
        if point.equipment is not None:
            return self.area(self.equipment_by_id[point.equipment].area)
        return self.area(self.device(point.device).area)

    def area_path(self, area: str) -> tuple[Area, ...]:
        """The area and everything it lies in, outermost first."""
        path = [self.area(area)]
        while path[-1].parent is not None:
            path.append(self.area(path[-1].parent))
        return tuple(reversed(path))

    def building_of(self, area: str) -> Area | None:
        """The outermost building or garage an area lies in; None outside of all."""
        return next((one for one in self.area_path(area) if one.kind in BUILDING_KINDS), None)

    def within(self, area: str, areas: tuple[str, ...]) -> bool:
        """Whether `area` is one of `areas` or lies inside one; always true for empty `areas`."""
        return not areas or any(outer.id in areas for outer in self.area_path(area))

    def people_with(self, role: Role, area: str | None = None) -> tuple[Person, ...]:
        """Who has `role`; with an area, those who answer for the innermost area that anybody answers for."""
        having = tuple(person for person in self.people if person.role == role)
        if area is None:
            return having
        for outer in reversed(self.area_path(area)):
            near = tuple(person for person in having if outer.id in person.areas)
            if near:
                return near
        return tuple(person for person in having if not person.areas)

    def responsible(self, role: Role, key: str) -> tuple[Person, ...]:
        """Whom a message of level `role` about a point goes to: the named owner of its equipment first."""
        point = self.point(key)
        equipment = self.equipment_by_id.get(point.equipment or "")
        if equipment is not None and equipment.owner is not None:
            owner = self.person_by_username[equipment.owner]
            if owner.role == role:
                return (owner,)
        return self.people_with(role, self.area_of(point).id)


class Configs(Frozen):
    """Everything under `device_configs/`."""

    sites: Mapping[str, SiteConfig]
    limits: tuple[LimitSpec, ...] = ()
    """The catalogue of documented limits, whether or not a site has points for them."""
    sla: tuple[SlaRow, ...] = ()
    fire_formats: Mapping[str, TextFormat] = {}
    """What fire panels print, by id."""
    approvals: tuple[ApprovalBand, ...] = ()
    """Bands of cost with their chains, the lowest first."""
    profiles: Mapping[str, Profile] = {}
    """Families of devices, by id."""

    def without_demo(self) -> "Configs":
        """The same without what is only there for `gengfu demo`."""
        sites = {}
        for name, config in self.sites.items():
            kept = tuple(one for one in config.patrol.schedules if not one.demo_only)
            sites[name] = config.model_copy(update={"patrol": config.patrol.model_copy(update={"schedules": kept})})
        return self.model_copy(update={"sites": sites})

    def site(self, site: str) -> SiteConfig:
        """The site with this id; raises UnknownSite."""
        try:
            return _known(self.sites, site, "site", "device_configs")
        except UnknownId as error:
            raise UnknownSite(error.message, hint=error.hint) from error

    def point(self, key: str) -> Point:
        """The point with this global key `{site}/{point}`; raises UnknownId."""
        site, _, point = key.partition("/")
        return self.site(site).point(point)

    def limits_of(self, key: str) -> tuple[Limit, ...]:
        """The limits on the point with this global key; empty for an unknown one."""
        site = self.sites.get(key.partition("/")[0])
        return site.limits_by_point.get(key, ()) if site else ()


def _grouped(pairs: Iterable[tuple[str, T]]) -> Mapping[str, tuple[T, ...]]:
    groups: dict[str, list[T]] = {}
    for key, one in pairs:
        groups.setdefault(key, []).append(one)
    return {key: tuple(group) for key, group in groups.items()}


def _known(index: Mapping[str, T], key: str, what: str, site: str) -> T:
    found = index.get(key)
    if found is None:
        near = difflib.get_close_matches(key, index, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Declare it in device_configs/sites/{site}"
        raise UnknownId(f"Site {site} has no {what} {key!r}", hint=hint)
    return found
