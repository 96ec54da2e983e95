"""A hydrant pump station as a physical model: EPANET (by wntr) for the water, a pressure switch for the control.

Pool, jockey pump, main pump with its outlet valve, riser and ring, a seeping joint, a drain valve, and a metered test
line. The air vessel and the compressed pipes are one small tank node: its cross-section is water taken in per metre of
head, made linear (150 L between start and stop of the jockey, the least of GB 50974). EPANET solves flows and heads at
every step; steps are 2 s while something moves and 30 s at rest.
"""

import logging
import math
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any, Literal, NamedTuple

from gateway.contract.heard import Sample
from gateway.site.load import load_configs
from gateway.site.model import SiteConfig

SITE = "rig"
MPA_PER_M = 0.00980665
START, STOP, MAIN_START = 0.60, 0.67, 0.50
"""Jockey on, jockey off, main on; MPa."""
USUAL_LEAK = 0.006
"""Emitter coefficient of the seeping joint, L/s per √m: one start in about an hour and a half."""
AMPERES = 56.0
FAST_S, SLOW_S = 2, 30
STEP_MS = 2_000
CONTACT_EVERY, LEVEL_EVERY = 5, 10
"""A contact is told when it changes and every 10 s, level, flow and current every 20 s (flow, current: 4 s)."""
METER_EVERY = 2

_PATTERN = """[TITLE]
[JUNCTIONS]
 OUT 0 0
 HDR 0 0
 TOP 40 0
 R1 40 0
 R2 40 0
 DRN 0 0
 TST 0 0
[TANKS]
 POOL 0 {level} 0 5 7.14 0
 VES 0 {head} 1 250 {diameter} 0
[PIPES]
 VALVE OUT HDR 3 150 120 0 Open
 NECK HDR VES 3 80 120 0 Open
 RISER HDR TOP 80 150 120 0 Open
 RING1 TOP R1 120 100 120 0 Open
 RING2 R1 R2 120 100 120 0 Open
 RING3 R2 TOP 120 100 120 0 Open
 DRAIN HDR DRN 5 65 120 0 Open
 TEST HDR TST 10 100 120 0 Open
[PUMPS]
 JOCKEY POOL HDR HEAD CJ
 MAIN POOL OUT HEAD CM
[CURVES]
 CJ 0 100
 CJ 1 78
 CJ 1.8 30
 CM 0 84
 CM 30 70
 CM 45 50
[EMITTERS]
 R1 {leak}
[OPTIONS]
 Units LPS
 Headloss H-W
 Accuracy 0.0001
[TIMES]
 Duration 10000:00
 Hydraulic Timestep 0:00:30
 Pattern Timestep 10000:00
 Report Timestep 10000:00
[REPORT]
 Status No
[END]
"""
_EN_EMITTER, _EN_PRESSURE, _EN_FLOW, _EN_STATUS, _EN_HYDSTEP = 3, 11, 8, 11, 1

Action = Literal["leak", "drain", "test_line", "valve", "main", "auto", "trip", "jockey_works", "air"]


class Event(NamedTuple):
    """What somebody, or something, does to the station at a second of the simulation."""

    at_s: int
    action: Action
    value: float
    """leak, drain, test_line: emitter coefficient; valve, auto, jockey_works, air: 0 or 1; main: start or stop by hand;
    trip: the main's protection opens so many seconds after each start."""


class Row(NamedTuple):
    """The true state at a second."""

    at_s: int
    pressure: float
    jockey: bool
    main: bool
    flow: float
    amperes: float
    level: float
    auto: bool


_FILES = {
    "site.yaml": "id: rig\nname: 试验台\nname_en: Rig\ntimezone: Asia/Shanghai\n",
    "areas.yaml": "areas:\n  - {id: room, name: 泵房, name_en: Pump room, kind: pump_room}\n",
    "people.yaml": """people:
  - {username: duty, name: 值班, role: duty}
  - {username: engineer, name: 责任人, role: engineer}
  - {username: supervisor, name: 主管, role: supervisor}
  - {username: manager, name: 经理, role: manager}
""",
    "channels.yaml": "channels:\n  - {name: console, kind: console}\n",
    "equipment.yaml": """equipment:
  - {id: rig-jockey, name: 稳压泵, kind: jockey_pump, area: room}
  - {id: rig-main, name: 消火栓泵, kind: fire_pump, area: room}
""",
    "devices.yaml": """devices:
  - {id: plc, name: 采集器, area: room, kind: plc}
points:
  - {id: rig-pressure, device: plc, name: 压力, unit: MPa, quantity: pressure, set_value: 0.635, interval: 2s,
     valid_min: 0, valid_max: 1.6}
  - {id: rig-jockey-run, device: plc, equipment: rig-jockey, name: 稳压泵运行, unit: "1", quantity: run_state,
     interval: 10s}
  - {id: rig-main-run, device: plc, equipment: rig-main, name: 主泵运行, unit: "1", quantity: run_state, interval: 10s}
  - {id: rig-main-current, device: plc, equipment: rig-main, name: 主泵电流, unit: A, quantity: current, interval: 20s}
  - {id: rig-main-auto, device: plc, equipment: rig-main, name: 主泵自动, unit: "1", quantity: run_state, interval: 20s}
  - {id: rig-level, device: plc, name: 水池水位, unit: m, quantity: level, interval: 20s}
  - {id: rig-flow, device: plc, name: 试水流量, unit: L/s, quantity: flow, interval: 20s}
""",
    "pumps.yaml": """stations:
  - id: hydrant
    name: 消火栓泵组
    name_en: Hydrant pumps
    pressure: rig-pressure
    jockeys: [{equipment: rig-jockey, run: rig-jockey-run}]
    mains: [{equipment: rig-main, run: rig-main-run, current: rig-main-current, auto: rig-main-auto}]
    level: rig-level
    level_minimum: 0.5
    flow: rig-flow
    start_pressure: 0.60
    stop_pressure: 0.67
    main_start_pressure: 0.50
""",
}


@cache
def rig() -> SiteConfig:
    """A site with this station, read like any other, with the limits and policies that are shipped."""
    shipped = Path(__file__).parents[1] / "device_configs"
    with tempfile.TemporaryDirectory() as folder:
        for part in ("limits", "policies"):
            copytree(shipped / part, Path(folder) / part)
        site = Path(folder) / "sites" / SITE
        site.mkdir(parents=True)
        for name, text in _FILES.items():
            (site / name).write_text(text, "utf-8")
        return load_configs(Path(folder)).site(SITE)


def simulate(
    seconds: int, events: Sequence[Event] = (), *, level: float = 3.0, pressure: float = 0.65, vessel_l: float = 150
) -> list[Row]:
    """The station for so many seconds, with what happens to it; `vessel_l`: taken in between start and stop."""
    from wntr.epanet.toolkit import ENepanet  # three seconds: only for who simulates

    logging.getLogger("wntr").setLevel(logging.ERROR)  # a pump at its shut-off head is no news here
    area = vessel_l / 1000 / ((STOP - START) / MPA_PER_M)
    text = _PATTERN.format(
        level=level, head=pressure / MPA_PER_M, diameter=2 * math.sqrt(area / math.pi), leak=USUAL_LEAK
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "station.inp").write_text(text, "utf-8")
        water = ENepanet()
        water.ENopen(f"{folder}/station.inp", f"{folder}/station.rpt", f"{folder}/station.bin")
        try:
            return _steps(water, seconds, sorted(events))
        finally:
            water.ENcloseH()
            water.ENclose()


def _steps(water: Any, seconds: int, events: list[Event]) -> list[Row]:
    node = {name: water.ENgetnodeindex(name) for name in ("HDR", "R1", "DRN", "TST", "POOL")}
    link = {name: water.ENgetlinkindex(name) for name in ("JOCKEY", "MAIN", "VALVE", "TEST")}
    rows: list[Row] = []
    jockey = main = by_hand = False
    auto = works = True
    air = False
    trip_s, main_since, low_since = 0.0, 0, -1
    waiting = list(events)
    set_pumps: tuple[bool, bool] | None = None
    water.ENopenH()
    water.ENinitH(0)
    while True:
        while waiting and waiting[0].at_s <= (rows[-1].at_s if rows else 0):
            _, action, value = waiting.pop(0)
            match action:
                case "leak" | "drain" | "test_line":
                    name = {"leak": "R1", "drain": "DRN", "test_line": "TST"}[action]
                    water.ENsetnodevalue(node[name], _EN_EMITTER, value)
                case "valve":
                    water.ENsetlinkvalue(link["VALVE"], _EN_STATUS, value)
                case "main":
                    by_hand = value > 0
                    main = by_hand
                    main_since = rows[-1].at_s if rows else 0
                case "auto":
                    auto = value > 0
                case "trip":
                    trip_s = value
                case "jockey_works":
                    works = value > 0
                case "air":
                    air = value > 0
        lifting = main and not air
        if set_pumps != (jockey, lifting):
            water.ENsetlinkvalue(link["JOCKEY"], _EN_STATUS, float(jockey))
            water.ENsetlinkvalue(link["MAIN"], _EN_STATUS, float(lifting))
            set_pumps = (jockey, lifting)
        at_s = water.ENrunH()
        pressure = water.ENgetnodevalue(node["HDR"], _EN_PRESSURE) * MPA_PER_M
        level = water.ENgetnodevalue(node["POOL"], _EN_PRESSURE)
        flow = max(0.0, water.ENgetlinkvalue(link["TEST"], _EN_FLOW))
        pumped = water.ENgetlinkvalue(link["MAIN"], _EN_FLOW)
        amperes = 0.0 if not main else AMPERES * (0.35 if air else 0.62 + 0.38 * min(1.0, pumped / 30))
        rows.append(Row(at_s, pressure, jockey, main, flow, amperes, level, auto))
        if at_s >= seconds:
            return rows
        if pressure <= START and works and not main:
            jockey = True
        elif pressure >= STOP or main or not works:
            jockey = False
        if pressure <= MAIN_START and auto and not main:
            low_since = at_s if low_since < 0 else low_since
            if at_s - low_since >= 4 and (trip_s == 0 or main_since == 0):
                main, main_since = True, at_s
        else:
            low_since = -1
        if main and trip_s and at_s - main_since >= trip_s:
            main = False
        busy = (
            jockey or main or pressure < START + 0.003 or (len(rows) > 1 and abs(pressure - rows[-2].pressure) > 0.003)
        )
        dt = FAST_S if busy else SLOW_S
        if waiting:
            dt = max(FAST_S, min(dt, waiting[0].at_s - at_s))
        water.ENsettimeparam(_EN_HYDSTEP, dt)
        if water.ENnextH() <= 0:
            return rows


def samples(rows: Sequence[Row], start_ms: int, seed: int, noise: float = 0.001) -> Iterator[Sample]:
    """What the station's instruments say of it, in order of time: noisy (MPa), in whole kPa, every 2 s."""
    random = Random(seed)
    gauss = random.gauss
    times = [row.at_s for row in rows]
    told: tuple[bool, bool] | None = None
    index, last = 0, len(rows) - 1
    for count in range(times[-1] // 2 + 1):
        second = 2 * count
        while index < last and times[index + 1] <= second:
            index += 1
        row = rows[index]
        pressure = row.pressure
        if index < last and times[index + 1] > times[index]:
            after = rows[index + 1]
            pressure += (after.pressure - row.pressure) * (second - row.at_s) / (after.at_s - row.at_s)
        at_ms = start_ms + second * 1000
        if (row.jockey, row.main) != told or count % CONTACT_EVERY == 0:
            told = (row.jockey, row.main)
            yield (f"{SITE}/rig-jockey-run", at_ms, 0, float(row.jockey), 0, at_ms)
            yield (f"{SITE}/rig-main-run", at_ms, 0, float(row.main), 0, at_ms)
        yield (f"{SITE}/rig-pressure", at_ms, 0, round(pressure + gauss(0.0, noise), 3), 0, at_ms)
        if count % METER_EVERY == 0 and (row.main or count % LEVEL_EVERY == 0):
            yield (f"{SITE}/rig-main-current", at_ms, 0, round(max(0.0, row.amperes + gauss(0.0, 0.5)), 1), 0, at_ms)
            yield (f"{SITE}/rig-flow", at_ms, 0, round(max(0.0, row.flow + gauss(0.0, 0.05)), 2), 0, at_ms)
        if count % LEVEL_EVERY == 0:
            yield (f"{SITE}/rig-level", at_ms, 0, round(row.level + gauss(0.0, 0.005), 3), 0, at_ms)
            yield (f"{SITE}/rig-main-auto", at_ms, 0, float(row.auto), 0, at_ms)


def weekly(at_s: int) -> list[Event]:
    """周自动: the drain is opened until the main starts by itself; stopped by hand some minutes later."""
    return [Event(at_s, "drain", 0.5), Event(at_s + 240, "drain", 0.0), Event(at_s + 420, "main", 0)]


def monthly(at_s: int) -> list[Event]:
    """月手动: started by hand, stopped after five minutes."""
    return [Event(at_s, "main", 1), Event(at_s + 300, "main", 0)]


def quarterly(at_s: int) -> list[Event]:
    """季流量: started by hand, then water through the metered line for five minutes."""
    return [
        Event(at_s, "main", 1),
        Event(at_s + 40, "test_line", 2.5),
        Event(at_s + 340, "test_line", 0.0),
        Event(at_s + 400, "main", 0),
    ]
