"""What fire protection consists of, as frozen models: sources, panels, zones, points, the response (`fire.yaml`)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.site.duration import Duration
from gateway.site.terms import AreaKind, AsTuple, Finite, Frozen, Id, Role, Text

SourceProtocol = Literal["gb26875", "jbf293k", "gst_modbus", "text"]
PointKind = Literal[
    "smoke", "heat", "flame", "gas", "manual_call_point", "hydrant_button", "water_flow", "pressure_switch", "valve",
    "alarm_bell", "module", "fire_door", "shutter", "fan", "pump", "electrical", "panel", "other",
]  # fmt: skip
FIRE_POLICIES = ("fire", "fire_fault", "fire_care")
"""Policies that a site with fire protection needs: alarms; faults; what has to be looked after."""
BUILDING_KINDS: frozenset[AreaKind] = frozenset({"building", "garage"})
"""Areas that count as one building on fire pages."""
DETECTORS: frozenset[PointKind] = frozenset({"smoke", "heat", "flame", "gas"})
ApplianceKind = Literal["extinguisher", "hydrant", "hose", "emergency_light", "exit_sign", "other"]
"""What PER-13 tests that no panel reports: 灭火器、消火栓 and the like."""
TestKind = Literal["visual", "pressure", "smoke", "button", "function"]
"""外观、压力、加烟、按下、联动功能 (AMB-18: real smoke tests are told from a look)."""


class AnalogScale(Frozen):
    """The smallest unit of an analog type where a maker deviates from GB/T 26875.3 table 6."""

    type: Annotated[int, Field(ge=0, le=255)]
    scale: Finite


class Source(Frozen):
    """What talks to us: a transmission device 用户信息传输装置, or a panel on a port of its own."""

    id: Id
    """Its device id: it must be declared in devices.yaml."""
    protocol: SourceProtocol
    address: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")] | None = None
    """gb26875: its source address, six bytes in hex as on the wire; None: whichever no other source claims."""
    peers: Annotated[tuple[str, ...], AsTuple] = ()
    """gb26875 over TCP: networks it may connect from, e.g. `192.168.1.0/24`; empty: any."""
    bcd_time: bool = False
    """gb26875: this maker writes times in BCD."""
    point_first: bool = False
    """gb26875: the low half of a component's address is the point, the high half the loop or zone."""
    strict: bool = False
    """gb26875: deny frames whose content cannot be understood, instead of confirming and keeping them."""
    scales: Annotated[tuple[AnalogScale, ...], AsTuple] = ()
    port: str | None = None
    """The serial port, e.g. `/dev/ttyUSB0`; gb26875 without port and host: it connects to our TCP port."""
    host: Annotated[str, StringConstraints(pattern=r"^[^\s:/]+:[0-9]{1,5}$")] | None = None
    """A serial server's address `host:port` in place of a port."""
    baud: Annotated[int, Field(ge=300, le=921_600)] | None = None
    framing: Literal["8N1", "7E1", "8E1"] = "8N1"
    format: Id | None = None
    """text: which format of `device_configs/fire/` its lines have."""
    slave: Annotated[int, Field(ge=1, le=247)] = 1
    """gst_modbus: the controller's number."""
    model: Literal["gst200", "gst500", "gst5000"] = "gst200"
    """gst_modbus: where the power registers are."""
    registers: Annotated[int, Field(ge=1, le=10_000)] = 242
    """gst_modbus: so many point registers are read."""
    poll_every: Duration = timedelta(seconds=2)
    poll_card: bool = False
    """jbf293k: ask the card every second; without it we only listen."""
    offline_after: Duration = timedelta(minutes=3)
    """Not a byte or frame for so long is no connection: silence is not «all quiet»."""
    zone: str = ""
    """IANA zone of its clock; empty: the site's."""


class Panel(Frozen):
    """火灾报警控制器: reports through a source, or is one."""

    id: Id
    """Its device id; the same as its source's when it has a port of its own."""
    source: Id
    system_address: Annotated[int, Field(ge=0, le=255)] | None = None
    """gb26875: which system of the source it is; None: all that no other panel claims."""
    building: Id
    """The area it protects: what no zone names belongs there."""
    equipment: Id | None = None


class Zone(Frozen):
    """防火分区、报警区域: where a second signal means that it burns."""

    id: Id
    name: Text
    name_en: str = ""
    area: Id
    checkpoints: Annotated[tuple[Id, ...], AsTuple] = ()
    """Patrol checkpoints at which a tap proves that somebody has arrived; empty: those of its area."""


class FirePoint(Frozen):
    """One component of a panel, from the ledger."""

    id: Id
    panel: Id
    address: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    """As the panel names it: eight hex digits on the wire (gb26875), or `loop-point`, e.g. `4-12`."""
    name: Text
    name_en: str = ""
    kind: PointKind
    zone: Id
    equipment: Id | None = None


class Appliance(Frozen):
    """灭火器、消火栓: tested every month (PER-13), reported by nobody."""

    id: Id
    name: Text
    name_en: str = ""
    kind: ApplianceKind
    area: Id


class ResponseStep(Frozen):
    """One line of a plan 预案. What it names is done by people; nothing here switches anything."""

    id: Id
    text: Text
    text_en: str = ""
    role: Role | None = None
    """Whose it usually is."""


class CallTier(Frozen):
    """One step of the reinforcement (ROU-35): when nobody of the earlier ones has accepted, these are called."""

    after: Duration
    roles: Annotated[tuple[Role, ...], AsTuple] = ()
    people: Annotated[tuple[Id, ...], AsTuple] = ()


def _steps(*lines: tuple[str, str, str]) -> tuple[ResponseStep, ...]:
    return tuple(ResponseStep(id=name, text=text, text_en=text_en) for name, text, text_en in lines)


class Response(Frozen):
    """The graded response (ROU-30, ROU-31, AMB-24)."""

    confirm_within: Duration = timedelta(minutes=3)
    """Our default: the documents give no time."""
    squad: Annotated[tuple[Id, ...], AsTuple] = ()
    """Usernames of 消防安全应急分队, called with the guards on duty."""
    tiers: Annotated[tuple[CallTier, ...], AsTuple] = (
        CallTier(after=timedelta(seconds=60), roles=("supervisor",)),
        CallTier(after=timedelta(seconds=120), roles=("manager",)),
    )
    small: Annotated[tuple[ResponseStep, ...], AsTuple] = _steps(
        ("extinguish", "使用就近灭火器扑灭", "Put it out with the nearest extinguisher"),
        ("watch", "留人看守，防止复燃", "Leave somebody there in case it flares up again"),
        ("report", "查明起火原因，拍照记录", "Find the cause and take photographs"),
    )
    large: Annotated[tuple[ResponseStep, ...], AsTuple] = _steps(
        ("call-119", "拨打119：说明地址、部位、燃烧物、有无人员被困", "Call 119: where, what burns, who is trapped"),
        ("evacuate", "启动疏散预案，逐层引导人员撤离", "Start the evacuation plan and guide people out floor by floor"),
        ("broadcast", "消防广播播放疏散通知", "Read the evacuation text over the public address"),
        ("lifts", "确认电梯已迫降首层并停用", "Make sure that the lifts have come down and are out of use"),
        ("gas", "关闭燃气总阀", "Close the main gas valve"),
        ("power", "切断起火部位非消防电源", "Cut the ordinary power of the place"),
        ("fire-lane", "清空消防车通道，派人到路口引导", "Clear the fire lane and post somebody to guide the engines"),
        ("count", "集合点清点人数", "Count the people at the assembly point"),
    )  # fmt: skip
    broadcast: str = "各位业主请注意：{place}发生火情，请不要乘坐电梯，从最近的安全出口有序撤离到楼外集合点。"
    broadcast_en: str = (
        "Attention please: there is a fire at {place}. Do not use the lifts. "
        "Leave by the nearest exit and go to the assembly point."
    )


class FireSettings(Frozen):
    """Numbers that hold for the whole site."""

    prompt_after: Duration = timedelta(hours=24)
    """Shielded or stopped for longer: filing and protective measures are asked for (GB 25201 form B.1 note 2)."""
    digest_every: Duration = timedelta(seconds=60)
    """While an incident goes on, new signals are told together this often."""
    faults_together: Annotated[int, Field(ge=2, le=1000)] = 10
    """More open faults of one panel than this are one alert."""
    false_within: Duration = timedelta(days=90)
    false_count: Annotated[int, Field(ge=2, le=20)] = 2
    """So many false alarms within that time make a point a repeated one."""
    test_mode_max: Duration = timedelta(hours=8)
    drill_lead: Duration = timedelta(days=15)
    """So long before a quarter ends without a drill somebody is told (PER-14)."""
    tests_lead: Duration = timedelta(days=5)
    """So long before a month ends with untested devices somebody is told (PER-13)."""


class Fire(Frozen):
    """Everything about fire protection at one site; empty when it has no `fire.yaml`."""

    sources: tuple[Source, ...] = ()
    panels: tuple[Panel, ...] = ()
    zones: tuple[Zone, ...] = ()
    points: tuple[FirePoint, ...] = ()
    appliances: tuple[Appliance, ...] = ()
    response: Response = Response()
    settings: FireSettings = FireSettings()

    @cached_property
    def source_by_id(self) -> Mapping[str, Source]:
        """Sources by device id."""
        return {one.id: one for one in self.sources}

    @cached_property
    def panel_by_id(self) -> Mapping[str, Panel]:
        """Panels by device id."""
        return {one.id: one for one in self.panels}

    @cached_property
    def zone_by_id(self) -> Mapping[str, Zone]:
        """Zones by id."""
        return {one.id: one for one in self.zones}

    @cached_property
    def point_by_id(self) -> Mapping[str, FirePoint]:
        """Points by id."""
        return {one.id: one for one in self.points}

    @cached_property
    def point_by_address(self) -> Mapping[tuple[str, str], FirePoint]:
        """Points by (panel, address)."""
        return {(one.panel, one.address): one for one in self.points}

    def panel_of(self, source: str, system_address: int | None) -> Panel | None:
        """The panel behind a system of a source."""
        mine = [one for one in self.panels if one.source == source]
        exact = next(
            (one for one in mine if one.system_address is not None and one.system_address == system_address), None
        )
        return exact or next((one for one in mine if one.system_address is None), None)

    def points_in(self, zone: str) -> Iterator[FirePoint]:
        """The points of a zone."""
        return (one for one in self.points if one.zone == zone)
