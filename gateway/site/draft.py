"""What has been read but not yet been found consistent: valid entries with their places."""

from dataclasses import dataclass, field
from typing import Any, cast

from gateway.site.approvals import ApprovalBand
from gateway.site.catalogue import LimitSpec, SlaRow
from gateway.site.cctv import Cctv, Coverage, ViewPoint
from gateway.site.equipment import Equipment
from gateway.site.files import (
    FORMAT_SECTIONS,
    LIMIT_SECTIONS,
    PACK_SECTIONS,
    POLICY_SECTIONS,
    PROFILE_SECTIONS,
    SITE_FILES,
    UPKEEP_SECTIONS,
    LimitOverride,
    PolicySpec,
)
from gateway.site.fire import BUILDING_KINDS, Appliance, Fire, FirePoint, FireSettings, Panel, Response, Source, Zone
from gateway.site.fire_formats import TextFormat
from gateway.site.model import Area, Channel, Device, Person, Point, Site
from gateway.site.patrol import Checkpoint, PatrolSettings, Reader, Route, Schedule, Shift
from gateway.site.patrol_specs import PackSpec, RuleSpec
from gateway.site.problems import Problems, Spot
from gateway.site.profile import Profile
from gateway.site.pumps import Station
from gateway.site.sections import Entries, Item
from gateway.site.sensors import Bus, Sensor
from gateway.site.upkeep import Checklist, Contract, Plan, PlanChange, WorkCalendar

_NAMES = {
    "areas": ("区域", "area"),
    "equipment": ("设备台账条目", "equipment"),
    "devices": ("设备", "device"),
    "points": ("点", "point"),
    "people": ("人员", "person"),
    "limits": ("限值", "limit"),
    "policies": ("策略", "policy"),
    "sla": ("服务时限", "SLA row"),
    "approvals": ("审批金额段", "approval band"),
    "packs": ("巡更规则", "rule pack"),
    "checkpoints": ("巡更点", "checkpoint"),
    "routes": ("巡更路线", "route"),
    "shifts": ("班次", "shift"),
    "schedules": ("巡更计划", "schedule"),
    "readers": ("读卡器", "reader"),
    "fire.sources": ("消防信号来源", "fire source"),
    "fire.panels": ("火灾报警控制器", "fire panel"),
    "fire.zones": ("报警区域", "fire zone"),
    "fire.points": ("消防点位", "fire point"),
    "fire.formats": ("打印格式", "printer format"),
    "profiles": ("设备型谱", "device profile"),
    "buses": ("总线", "bus"),
    "sensors": ("传感器", "sensor"),
    "stations": ("泵组", "pump station"),
    "view_points": ("视点", "view point"),
    "upkeep.checklists": ("检查表", "checklist"),
    "upkeep.plans": ("保养计划", "maintenance plan"),
    "upkeep.contracts": ("分承包合同", "contract"),
}


class _Draft:
    entries: dict[str, Entries[Any]]

    def refer(self, section: str, word: str, spot: Spot, problems: Problems) -> bool:
        """Whether `word` is declared in a section; notes a problem when it certainly is not."""
        entries = self.entries[section]
        if word in entries.ids:
            return True
        if entries.complete and word not in entries.miswritten:
            what, what_en = _NAMES[section]
            problems.add_unknown(spot, "unknown_reference", word, entries.ids, what=what, what_en=what_en)
        return False

    @property
    def checklists(self) -> Entries[Checklist]:
        """Checklists: shipped, or of the site."""
        return cast("Entries[Checklist]", self.entries["upkeep.checklists"])

    @property
    def plans(self) -> Entries[Plan]:
        """Plans of maintenance: shipped, or of the site."""
        return cast("Entries[Plan]", self.entries["upkeep.plans"])


@dataclass(slots=True)
class SharedDraft(_Draft):
    """Limits and policies, common to all sites."""

    entries: dict[str, Entries[Any]] = field(
        default_factory=lambda: {
            section.key: Entries()
            for section in (
                *LIMIT_SECTIONS,
                *POLICY_SECTIONS,
                *PACK_SECTIONS,
                *FORMAT_SECTIONS,
                *UPKEEP_SECTIONS,
                *PROFILE_SECTIONS,
            )
        }
    )

    @property
    def limits(self) -> Entries[LimitSpec]:
        """The catalogue."""
        return cast("Entries[LimitSpec]", self.entries["limits"])

    @property
    def policies(self) -> Entries[PolicySpec]:
        """Policies as written."""
        return cast("Entries[PolicySpec]", self.entries["policies"])

    @property
    def sla(self) -> Entries[SlaRow]:
        """The service table."""
        return cast("Entries[SlaRow]", self.entries["sla"])

    @property
    def approvals(self) -> Entries[ApprovalBand]:
        """Chains of approval by amount."""
        return cast("Entries[ApprovalBand]", self.entries["approvals"])

    @property
    def packs(self) -> Entries[PackSpec]:
        """Patrol rules with their sources, as shipped."""
        return cast("Entries[PackSpec]", self.entries["packs"])

    @property
    def formats(self) -> Entries[TextFormat]:
        """What fire panels print."""
        return cast("Entries[TextFormat]", self.entries["fire.formats"])

    @property
    def profiles(self) -> Entries[Profile]:
        """Families of devices."""
        return cast("Entries[Profile]", self.entries["profiles"])


@dataclass(slots=True)
class SiteDraft(_Draft):
    """One directory under `sites/`."""

    directory: str
    site: Item[Site] | None = None
    entries: dict[str, Entries[Any]] = field(
        default_factory=lambda: {section.key: Entries() for sections in SITE_FILES.values() for section in sections}
    )

    @property
    def areas(self) -> Entries[Area]:
        """Areas."""
        return cast("Entries[Area]", self.entries["areas"])

    @property
    def equipment(self) -> Entries[Equipment]:
        """The ledger."""
        return cast("Entries[Equipment]", self.entries["equipment"])

    @property
    def devices(self) -> Entries[Device]:
        """Devices."""
        return cast("Entries[Device]", self.entries["devices"])

    @property
    def points(self) -> Entries[Point]:
        """Points."""
        return cast("Entries[Point]", self.entries["points"])

    @property
    def people(self) -> Entries[Person]:
        """Accounts."""
        return cast("Entries[Person]", self.entries["people"])

    @property
    def channels(self) -> Entries[Channel]:
        """Channels."""
        return cast("Entries[Channel]", self.entries["channels"])

    @property
    def overrides(self) -> Entries[LimitOverride]:
        """What the site changes about limits."""
        return cast("Entries[LimitOverride]", self.entries["limits"])

    @property
    def checkpoints(self) -> Entries[Checkpoint]:
        """Checkpoints."""
        return cast("Entries[Checkpoint]", self.entries["checkpoints"])

    @property
    def routes(self) -> Entries[Route]:
        """Patrol routes."""
        return cast("Entries[Route]", self.entries["routes"])

    @property
    def shifts(self) -> Entries[Shift]:
        """Shifts and their rosters."""
        return cast("Entries[Shift]", self.entries["shifts"])

    @property
    def schedules(self) -> Entries[Schedule]:
        """When routes are walked."""
        return cast("Entries[Schedule]", self.entries["schedules"])

    @property
    def rules(self) -> Entries[RuleSpec]:
        """Which packs hold for what."""
        return cast("Entries[RuleSpec]", self.entries["rules"])

    @property
    def readers(self) -> Entries[Reader]:
        """Ready-made readers."""
        return cast("Entries[Reader]", self.entries["readers"])

    @property
    def patrol_settings(self) -> PatrolSettings:
        """Numbers for the whole site; the defaults where the file has none."""
        items = self.entries["settings"].items
        return cast("PatrolSettings", items[0].value) if items else PatrolSettings()

    @property
    def fire_sources(self) -> Entries[Source]:
        """What talks to us about fire."""
        return cast("Entries[Source]", self.entries["fire.sources"])

    @property
    def fire_panels(self) -> Entries[Panel]:
        """Fire alarm panels."""
        return cast("Entries[Panel]", self.entries["fire.panels"])

    @property
    def fire_zones(self) -> Entries[Zone]:
        """Fire zones."""
        return cast("Entries[Zone]", self.entries["fire.zones"])

    @property
    def fire_points(self) -> Entries[FirePoint]:
        """Components of the panels."""
        return cast("Entries[FirePoint]", self.entries["fire.points"])

    @property
    def appliances(self) -> Entries[Appliance]:
        """What is tested but reports nothing."""
        return cast("Entries[Appliance]", self.entries["fire.appliances"])

    @property
    def fire_response(self) -> Entries[Response]:
        """The graded response: one entry or none."""
        return cast("Entries[Response]", self.entries["fire.response"])

    @property
    def fire_settings(self) -> Entries[FireSettings]:
        """Numbers about fire: one entry or none."""
        return cast("Entries[FireSettings]", self.entries["fire.settings"])

    @property
    def contracts(self) -> Entries[Contract]:
        """Contracts with contractors."""
        return cast("Entries[Contract]", self.entries["upkeep.contracts"])

    @property
    def plan_changes(self) -> Entries[PlanChange]:
        """What the site changes about shipped plans."""
        return cast("Entries[PlanChange]", self.entries["upkeep.changes"])

    @property
    def calendar(self) -> WorkCalendar:
        """Which days nobody works: one entry or none."""
        items = self.entries["upkeep.calendar"].items
        return cast("WorkCalendar", items[0].value) if items else WorkCalendar()

    @property
    def buses(self) -> Entries[Bus]:
        """Modbus lines."""
        return cast("Entries[Bus]", self.entries["buses"])

    @property
    def sensors(self) -> Entries[Sensor]:
        """Devices of known families."""
        return cast("Entries[Sensor]", self.entries["sensors"])

    @property
    def stations(self) -> Entries[Station]:
        """Pump stations."""
        return cast("Entries[Station]", self.entries["stations"])

    @property
    def view_points(self) -> Entries[ViewPoint]:
        """What cameras have to see."""
        return cast("Entries[ViewPoint]", self.entries["view_points"])

    @property
    def coverage(self) -> Entries[Coverage]:
        """The point that coverage becomes: one entry or none."""
        return cast("Entries[Coverage]", self.entries["coverage"])

    def cctv(self) -> Cctv:
        """All of `cctv.yaml`."""
        return Cctv(view_points=self.view_points.values(), coverage=next(iter(self.coverage.values()), None))

    def fire(self) -> Fire:
        """All of `fire.yaml`; the defaults where the file has nothing."""
        return Fire(
            sources=self.fire_sources.values(),
            panels=self.fire_panels.values(),
            zones=self.fire_zones.values(),
            points=self.fire_points.values(),
            appliances=self.appliances.values(),
            response=next(iter(self.fire_response.values()), Response()),
            settings=next(iter(self.fire_settings.values()), FireSettings()),
        )

    def building(self, area: str) -> str | None:
        """The outermost building or garage an area lies in."""
        kinds = {item.value.id: item.value.kind for item in self.areas.items}
        return next((one for one in reversed(self.area_path(area)) if kinds.get(one) in BUILDING_KINDS), None)

    def area_path(self, area: str) -> list[str]:
        """The area and what it lies in, innermost first; ends where a circle or a gap begins."""
        parents = {item.value.id: item.value.parent for item in self.areas.items}
        path: list[str] = []
        at: str | None = area
        while at is not None and at not in path:
            path.append(at)
            at = parents.get(at)
        return path
