from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.site.load import load_configs
from gateway.site.problems import Problem, SiteInvalid

FILES = {
    "limits/documented.yaml": """\
limits:
  - id: NUM-01
    title: 泵房压力偏离设定值
    title_en: Pressure off its set value
    requirement: 压力在设定值上下 0.1 MPa 之内。
    source: {document: 维护管理流程, section: 给排水设施评估指标}
    applies_to: {quantity: pressure, area_kinds: [pump_room]}
    kind: deviation
    unit: MPa
    threshold: 0.1
    return_threshold: 0.09
    severe_threshold: 0.2
    resolution: 0.001
    on_delay: 10s
    off_delay: 60s
    median_of: 5
    policy: pump_pressure
    may_suspend: [fire_pump]
  - id: NUM-02
    title: 绝缘电阻过低
    title_en: Insulation too low
    requirement: 绝缘电阻不低于 0.5 MΩ。
    source: {document: 维护管理流程, section: 电气系统检测规范}
    applies_to: {quantity: insulation}
    kind: low
    unit: MΩ
    threshold: 0.5
    policy: pump_pressure
""",
    "policies/default.yaml": """\
sla:
  - {id: facility_alarm, priority: P2, event: 越限, event_en: Off, respond_within: 1h, finish_within: 4h, source: 默认}
policies:
  - id: pump_pressure
    name: 泵房压力
    sla: facility_alarm
    ack_within: 5min
    escalation:
      - {after: 0s, role: engineer}
      - {after: 5min, role: supervisor}
      - {after: 15min, role: manager}
  - id: data
    name: 数据
    sla: facility_alarm
    ack_within: 30min
    escalation: [{after: 0s, role: engineer}]
    work_order: false
  - id: system
    name: 系统
    sla: facility_alarm
    ack_within: 30min
    escalation: [{after: 0s, role: engineer}]
    work_order: false
""",
    "sites/demo/site.yaml": "id: demo\nname: 样例小区\nname_en: Demo\ntimezone: Asia/Shanghai\n",
    "sites/demo/areas.yaml": """\
areas:
  - {id: garage, name: 车库, kind: garage}
  - {id: pump-room, name: 泵房, kind: pump_room, parent: garage}
  - {id: building-1, name: 1号楼, kind: building}
""",
    "sites/demo/equipment.yaml": """\
equipment:
  - {id: main, name: 管网, kind: fire_main, area: pump-room, owner: engineer-water}
  - {id: pump, name: 消防泵, kind: fire_pump, area: pump-room}
  - {id: jockey, name: 稳压泵, kind: jockey_pump, area: pump-room}
""",
    "sites/demo/devices.yaml": """\
devices:
  - {id: plc, name: 采集器, area: pump-room, kind: plc}
  - {id: meter, name: 仪表, area: building-1, kind: handheld}
points:
  - id: pressure
    device: plc
    equipment: main
    name: 管网压力
    quantity: pressure
    unit: MPa
    set_value: 0.45
    interval: 2s
    valid_min: 0
    valid_max: 1.6
  - {id: pump-run, device: plc, equipment: pump, name: 泵运行, quantity: run_state, unit: "1", interval: 10s}
  - {id: jockey-run, device: plc, equipment: jockey, name: 稳压泵运行, quantity: run_state, unit: "1", interval: 10s}
  - {id: insulation, device: meter, name: 绝缘电阻, quantity: insulation, unit: MΩ, interval: none, valid_min: 0}
""",
    "sites/demo/people.yaml": """\
people:
  - {username: duty, name: 值班, role: duty}
  - {username: engineer-water, name: 给排水责任人, role: engineer, areas: [pump-room]}
  - {username: engineer-power, name: 供配电责任人, role: engineer, areas: [building-1, garage]}
  - {username: supervisor, name: 设备主管, role: supervisor}
  - {username: manager, name: 经理, role: manager}
""",
    "sites/demo/channels.yaml": "channels:\n  - {name: console, kind: console}\n",
    "sites/demo/limits.yaml": """\
limits:
  - limit: NUM-01
    points: [pressure]
    suspend_while: [{point: pump-run}]
""",
}

_PATROL_POLICIES = "".join(
    f"  - {{id: {name}, name: 巡更, sla: facility_alarm, ack_within: 5min,\n"
    "     escalation: [{after: 0s, role: supervisor}]}\n"
    for name in ("patrol", "patrol_sos", "patrol_finding", "patrol_handover")
)
_PACKS = """\
packs:
  - id: two-hours
    name: 每2小时
    name_en: Every 2 hours
    requirement: PER-20
    text: 每 2 小时一次。
    source: {document: 服务等级, section: 巡查频次}
    our_defaults: [severity]
    kind: max_gap
    max_gap: 2h
    people: 2
  - id: night-check
    name: 查岗
    name_en: Spot check
    requirement: PER-17
    text: 每周查岗。
    source: {document: 服务方案, section: 保安}
    kind: spot_check
    within: {start: 22:00, end: 06:00}
    roles: [supervisor, manager]
"""
_PATROL = """\
checkpoints:
  - id: gate
    name: 大门
    area: garage
    tags: [{uid: "04:DE:5F:1E:AC:C0:40"}]
    code: DEMO-01
    labels: [key]
    active_from: 2026-11-01
    active_until: 2026-12-31
    questions:
      - {id: closed, text: 已关, expect: true}
      - {id: pressure, text: 压力, kind: number, unit: MPa, minimum: 0.2, maximum: 0.4}
      - {id: lamp, text: 照明, kind: choice, choices: [好, 坏], good: [好]}
  - {id: pump, name: 泵房, area: pump-room, code: DEMO-02, tags: [{uid: 01026F6C3A, kind: rfid125}]}
  - {id: lobby, name: 大堂, area: building-1, tags: [{uid: 04AABBCCDDEE80, kind: sun, keys: set-1}]}
routes:
  - id: round
    name: 一圈
    stops: [{checkpoint: gate, due: 0s}, {checkpoint: pump, due: 5min, not_before: 1min}, {checkpoint: lobby}]
    legs: [{start: gate, end: pump, minimum: 1min, maximum: 9min}]
  - {id: old, name: 旧路线, order: any, stops: [{checkpoint: gate}, {checkpoint: lobby}], retired: true}
shifts:
  - {id: night, name: 夜班, start: 23:00, duration: 8h, people: [duty]}
schedules:
  - {id: hourly, route: round, every: 1h, window: {start: 08:00, end: 22:00}, duration: 30min}
  - {id: nightly, route: round, shift: night, at: [23:30, 02:00], duration: 30min}
  - id: drawn
    route: round
    shift: night
    random: {max_gap: 2h, min_gap: 30min}
    duration: 30min
    tolerance: {on_time_after: 10min, extended_after: 20min}
rules:
  - {pack: two-hours, labels: [key]}
  - {pack: night-check, checkpoints: [gate], routes: [round]}
readers:
  - {id: meter, protocol: wand, port: /dev/ttyUSB0, pattern: '(?P<at>.{19}),(?P<tag>\\w+)'}
  - {id: plc, protocol: tasmota, topic: tele/x/SENSOR, place: gate}
settings: {skew_after: 2min}
"""
PATROL_FILES = {
    "policies/default.yaml": FILES["policies/default.yaml"] + _PATROL_POLICIES,
    "patrol/packs.yaml": _PACKS,
    "sites/demo/patrol.yaml": _PATROL,
}

_FIRE = """\
sources:
  - {id: utd-1, protocol: gb26875, address: "790300000000", peers: [10.1.0.0/24], scales: [{type: 3, scale: 0.1}]}
  - {id: panel-1, protocol: jbf293k, port: /dev/ttyUSB5, baud: 9600}
  - {id: panel-2, protocol: text, host: "10.1.0.9:4001", format: lines}
panels:
  - {id: panel-3, source: utd-1, system_address: 1, building: building-1}
  - {id: panel-4, source: utd-1, building: garage, equipment: main}
  - {id: panel-1, source: panel-1, building: building-1}
  - {id: panel-2, source: panel-2, building: building-1}
zones:
  - {id: b1, name: 1号楼, area: building-1, checkpoints: [lobby]}
  - {id: pumps, name: 泵房, area: pump-room}
points:
  - {id: smoke-1, panel: panel-3, address: "01000100", name: 烟感, kind: smoke, zone: b1}
  - {id: smoke-2, panel: panel-1, address: 8-155, name: 烟感, kind: smoke, zone: b1}
  - {id: flow, panel: panel-4, address: "01000200", name: 水流, kind: water_flow, zone: pumps, equipment: main}
appliances:
  - {id: ext-1, name: 灭火器, kind: extinguisher, area: building-1}
response:
  squad: [engineer-power]
  tiers: [{after: 60s, roles: [supervisor]}, {after: 2min, people: [manager]}]
  small: [{id: out, text: 扑灭}, {id: watch, text: 看守}]
  broadcast: "{place}着火"
settings: {prompt_after: 12h, digest_every: 30s}
"""
_FORMATS = """\
formats:
  - id: lines
    name: 样例
    name_en: Sample
    source: 样例
    patterns: ['(?P<event>火警) (?P<loop>[0-9]{1,3})-(?P<point>[0-9]{1,3})']
    events: [{words: [火警], state: [fire]}]
"""
_FIRE_DEVICES = "".join(
    f"  - {{id: {name}, name: 消防, area: building-1, kind: {kind}}}\n"
    for name, kind in (("utd-1", "utd"), *((f"panel-{number}", "fire-panel") for number in (1, 2, 3, 4)))
)
_FIRE_POLICIES = "".join(
    f"  - {{id: {name}, name: 消防, sla: facility_alarm, ack_within: 1min,\n"
    "     escalation: [{after: 0s, role: supervisor}]}\n"
    for name in ("fire", "fire_fault", "fire_care")
)
FIRE_FILES = PATROL_FILES | {
    "policies/default.yaml": PATROL_FILES["policies/default.yaml"] + _FIRE_POLICIES,
    "sites/demo/devices.yaml": FILES["sites/demo/devices.yaml"].replace("points:\n", _FIRE_DEVICES + "points:\n", 1),
    "fire/lines.yaml": _FORMATS,
    "sites/demo/fire.yaml": _FIRE,
}


class SiteFiles:
    """A small valid device_configs that a test spoils."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))

    def problems(self) -> list[Problem]:
        with pytest.raises(SiteInvalid) as caught:
            load_configs(self.root)
        return caught.value.problems


@pytest.fixture
def site_files(tmp_path: Path) -> SiteFiles:
    return SiteFiles(tmp_path)


@pytest.fixture
def patrol_files(site_files: SiteFiles) -> SiteFiles:
    """The small site with a patrol."""
    for name, text in PATROL_FILES.items():
        site_files.write(name, text)
    return site_files


@pytest.fixture
def fire_files(site_files: SiteFiles) -> SiteFiles:
    """The small site with a patrol and fire protection."""
    for name, text in FIRE_FILES.items():
        site_files.write(name, text)
    return site_files


@pytest.fixture
def shipped() -> Path:
    return Path(__file__).parents[4] / "device_configs"


@pytest.fixture
def override(site_files: SiteFiles) -> Callable[[str], SiteFiles]:
    """Replace the site's limits.yaml by one entry."""

    def write(entry: str) -> SiteFiles:
        site_files.write("sites/demo/limits.yaml", "limits:\n  - " + entry.strip().replace("\n", "\n    ") + "\n")
        return site_files

    return write
