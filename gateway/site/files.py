"""What each YAML file holds: its sections, the model of one entry, and what makes an entry unique."""

from datetime import timedelta
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from gateway.site.approvals import ApprovalBand
from gateway.site.catalogue import LimitSpec, SlaRow, Variant
from gateway.site.cctv import Coverage, ViewPoint
from gateway.site.duration import Duration
from gateway.site.equipment import Equipment
from gateway.site.fire import Appliance, FirePoint, FireSettings, Panel, Response, Source, Zone
from gateway.site.fire_formats import TextFormat
from gateway.site.limit import Severity
from gateway.site.model import Area, Channel, Device, EscalationStep, Person, Point, Site
from gateway.site.patrol import Checkpoint, PatrolSettings, Reader, Route, Schedule, Shift
from gateway.site.patrol_specs import PackSpec, RuleSpec
from gateway.site.profile import Profile
from gateway.site.pumps import Station
from gateway.site.sensors import Bus, Sensor
from gateway.site.terms import AsTuple, Finite, Frozen, Id, PolicyId, Priority, Role, Text
from gateway.site.upkeep import Checklist, Contract, Plan, PlanChange, WorkCalendar


class SuspendSpec(Frozen):
    """Suspend while `point` reads more than `above`."""

    point: Id
    above: Finite = 0.5


class LimitOverride(Frozen):
    """What a site changes about a limit. Looser than documented needs `reason` and `approved_by`."""

    limit: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,8}-[0-9A-Z]{1,8}$")]
    variant: Variant = ""
    points: Annotated[tuple[Id, ...], AsTuple] = ()
    """Default: every point of the site the limit applies to."""
    enabled: bool = True
    title: Text | None = None
    title_en: Text | None = None
    threshold: Finite | None = None
    return_threshold: Finite | None = None
    severe_threshold: Finite | None = None
    on_delay: Duration | None = None
    off_delay: Duration | None = None
    min_count: int | None = Field(default=None, ge=1, le=10_000)
    window: Duration | None = None
    median_of: int | None = Field(default=None, ge=1, le=99)
    stale_after: Duration | None = None
    severity: Severity | None = None
    severe_severity: Severity | None = None
    latching: bool | None = None
    policy: PolicyId | None = None
    suspend_while: Annotated[tuple[SuspendSpec, ...], AsTuple] = ()
    reason: Text | None = None
    approved_by: Role | None = None

    @property
    def rule(self) -> str:
        """`id` or `id/variant` of the limit that is changed or added."""
        return f"{self.limit}/{self.variant}" if self.variant else self.limit


class PolicySpec(Frozen):
    """A policy as written: priority and clocks come from its SLA row unless tighter ones stand here."""

    id: PolicyId
    name: Text
    name_en: str = ""
    sla: PolicyId
    ack_within: Duration
    escalation: Annotated[tuple[EscalationStep, ...], Field(min_length=1, strict=False)]
    channels: Annotated[tuple[Id, ...], AsTuple] = ()
    """Names of channels; empty: every channel the site has (each still serves only its roles and areas)."""
    work_order: bool = True
    priority: Priority | None = None
    respond_within: Duration | None = None
    finish_within: Duration | None = None
    rate_within: Duration | None = None
    reopen_window: Duration = timedelta(minutes=10)
    shelve_max: Duration = timedelta(hours=8)
    latching: bool = False
    review: bool = False
    """Its P1 and P2 orders stay open until the emergency repair report is approved (ROU-33)."""


class Section(NamedTuple):
    """A top-level key of a file: a list of entries, or one mapping."""

    name: str
    model: type[Frozen]
    identity: tuple[str, ...] = ("id",)
    """The keys that make an entry unique; empty: nothing to refer to."""
    required: bool = True
    many: bool = True
    within: str = ""
    """Tells sections of the same name in different files apart."""

    @property
    def key(self) -> str:
        """The name of its entries in a draft, e.g. `fire.points`."""
        return f"{self.within}.{self.name}" if self.within else self.name


SITE_FILES: dict[str, tuple[Section, ...]] = {
    "areas.yaml": (Section("areas", Area),),
    "equipment.yaml": (Section("equipment", Equipment),),
    "devices.yaml": (Section("devices", Device), Section("points", Point)),
    "people.yaml": (Section("people", Person, ("username",)),),
    "channels.yaml": (Section("channels", Channel, ("name",)),),
    "limits.yaml": (Section("limits", LimitOverride, ()),),
    "patrol.yaml": (
        Section("checkpoints", Checkpoint),
        Section("routes", Route),
        Section("shifts", Shift, required=False),
        Section("schedules", Schedule, required=False),
        Section("rules", RuleSpec, required=False),
        Section("readers", Reader, required=False),
        Section("settings", PatrolSettings, (), required=False, many=False),
    ),
    "fire.yaml": (
        Section("sources", Source, within="fire"),
        Section("panels", Panel, within="fire"),
        Section("zones", Zone, within="fire"),
        Section("points", FirePoint, required=False, within="fire"),
        Section("appliances", Appliance, required=False, within="fire"),
        Section("response", Response, (), required=False, many=False, within="fire"),
        Section("settings", FireSettings, (), required=False, many=False, within="fire"),
    ),
    "maintenance.yaml": (
        Section("checklists", Checklist, required=False, within="upkeep"),
        Section("plans", Plan, required=False, within="upkeep"),
        Section("contracts", Contract, required=False, within="upkeep"),
        Section("changes", PlanChange, ("plan",), required=False, within="upkeep"),
        Section("calendar", WorkCalendar, (), required=False, many=False, within="upkeep"),
    ),
    "sensors.yaml": (
        Section("buses", Bus, required=False),
        Section("sensors", Sensor, ("device",)),
    ),
    "pumps.yaml": (Section("stations", Station),),
    "cctv.yaml": (
        Section("view_points", ViewPoint),
        Section("coverage", Coverage, (), many=False),
    ),
}
"""Files of a site besides `site.yaml`, which is one Site."""
SITE_FILE, SITE_MODEL = "site.yaml", Site
OPTIONAL_FILES = frozenset(
    {
        "equipment.yaml",
        "limits.yaml",
        "patrol.yaml",
        "fire.yaml",
        "maintenance.yaml",
        "sensors.yaml",
        "pumps.yaml",
        "cctv.yaml",
    }
)
LIMIT_SECTIONS = (Section("limits", LimitSpec, ("id", "variant")),)
POLICY_SECTIONS = (
    Section("sla", SlaRow, required=False),
    Section("policies", PolicySpec),
    Section("approvals", ApprovalBand, required=False),
)
FORMAT_SECTIONS = (Section("formats", TextFormat, within="fire"),)
PROFILE_SECTIONS = (Section("profiles", Profile),)
PACK_SECTIONS = (Section("packs", PackSpec),)
UPKEEP_SECTIONS = (
    Section("checklists", Checklist, required=False, within="upkeep"),
    Section("plans", Plan, required=False, within="upkeep"),
)
