"""Classes and kinds of equipment that the documents name (LED-01 to LED-13): the ledger's vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

EquipmentClass = Literal[
    "power", "water", "sewage", "fire_water", "fire_alarm", "fire_gear", "elevator", "tools", "smart", "recreation",
    "facility", "metering", "civil_defence", "hvac", "other",
]  # fmt: skip
EquipmentKind = Literal[
    "switchgear", "distribution_box", "generator", "generator_fuel", "shaft_equipment",
    "pump_set", "water_tank", "buried_pipe",
    "sewage_system",
    "fire_pump", "hydrant_pump", "sprinkler_pump", "fire_main", "alarm_valve", "pressure_switch", "flow_indicator",
    "jockey_pump", "hydrant", "sprinkler_head", "pressure_gauge",
    "fire_panel", "smoke_detector", "heat_detector", "call_point", "hydrant_button", "alarm_bell", "fire_device",
    "extinguisher", "hose", "emergency_light", "exit_sign", "fire_door",
    "elevator",
    "tool", "instrument",
    "access_control", "parking_system", "cctv", "camera", "recorder", "intercom",
    "fitness", "playground", "pool",
    "drain", "pipeline", "signage", "walkway", "floor", "handrail", "lighting", "manhole", "mailbox", "lightning",
    "meter", "civil_defence_gear", "air_conditioner", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClassName:
    """A class as people call it, and the requirement that names it."""

    name: str
    name_en: str
    requirement: str


@dataclass(frozen=True, slots=True)
class KindName:
    """A kind as people call it, and its class."""

    name: str
    name_en: str
    of: EquipmentClass


CLASSES: Mapping[EquipmentClass, ClassName] = {
    "power": ClassName("供配电系统", "Power supply", "LED-01"),
    "water": ClassName("给排水系统", "Water supply and drainage", "LED-02"),
    "sewage": ClassName("污水处理系统", "Sewage treatment", "LED-02"),
    "fire_water": ClassName("消防给水系统", "Fire water supply", "LED-03"),
    "fire_alarm": ClassName("消防电系统", "Fire alarm", "LED-04"),
    "fire_gear": ClassName("消防器材", "Fire-fighting gear", "LED-13"),
    "elevator": ClassName("电梯", "Lifts", "LED-05"),
    "tools": ClassName("维修工具及设备", "Repair tools", "LED-06"),
    "smart": ClassName("智能化系统", "Building intelligence", "LED-07"),
    "recreation": ClassName("公共娱乐设施", "Recreation", "LED-08"),
    "facility": ClassName("其它公用设施", "Other public facilities", "LED-09"),
    "metering": ClassName("计量设备", "Metering", "LED-11"),
    "civil_defence": ClassName("人防设施", "Civil defence", "LED-11"),
    "hvac": ClassName("空调系统", "Air conditioning", "LED-12"),
    "other": ClassName("其他", "Other", ""),
}
KINDS: Mapping[EquipmentKind, KindName] = {
    "switchgear": KindName("低压供配电柜", "Low-voltage switchgear", "power"),
    "distribution_box": KindName("配电箱", "Distribution box", "power"),
    "generator": KindName("发电机", "Generator", "power"),
    "generator_fuel": KindName("备用发电机燃料", "Generator fuel store", "power"),
    "shaft_equipment": KindName("电井内设施", "Shaft equipment", "power"),
    "pump_set": KindName("生活水泵", "Domestic pump set", "water"),
    "water_tank": KindName("水箱", "Water tank", "water"),
    "buried_pipe": KindName("地下管道", "Buried pipe", "water"),
    "sewage_system": KindName("污水处理设备", "Sewage treatment plant", "sewage"),
    "fire_pump": KindName("消防泵", "Fire pump", "fire_water"),
    "hydrant_pump": KindName("消火栓泵", "Hydrant pump", "fire_water"),
    "sprinkler_pump": KindName("消防喷淋泵", "Sprinkler pump", "fire_water"),
    "fire_main": KindName("消防管网", "Fire main", "fire_water"),
    "alarm_valve": KindName("报警阀组", "Alarm valve", "fire_water"),
    "pressure_switch": KindName("压力开关", "Pressure switch", "fire_water"),
    "flow_indicator": KindName("水流指示器", "Flow indicator", "fire_water"),
    "jockey_pump": KindName("稳压装置", "Jockey pump", "fire_water"),
    "hydrant": KindName("消火栓", "Hydrant", "fire_water"),
    "sprinkler_head": KindName("喷淋头", "Sprinkler head", "fire_water"),
    "pressure_gauge": KindName("压力表", "Pressure gauge", "fire_water"),
    "fire_panel": KindName("消防主机", "Fire alarm panel", "fire_alarm"),
    "smoke_detector": KindName("烟感", "Smoke detector", "fire_alarm"),
    "heat_detector": KindName("温感", "Heat detector", "fire_alarm"),
    "call_point": KindName("手动报警按钮", "Manual call point", "fire_alarm"),
    "hydrant_button": KindName("消火栓按钮", "Hydrant button", "fire_alarm"),
    "alarm_bell": KindName("警铃", "Alarm bell", "fire_alarm"),
    "fire_device": KindName("其他消防部件", "Other fire component", "fire_alarm"),
    "extinguisher": KindName("灭火器", "Fire extinguisher", "fire_gear"),
    "hose": KindName("消防水带", "Fire hose", "fire_gear"),
    "emergency_light": KindName("消防应急照明", "Emergency light", "fire_gear"),
    "exit_sign": KindName("疏散指示标志", "Exit sign", "fire_gear"),
    "fire_door": KindName("防火门", "Fire door", "fire_gear"),
    "elevator": KindName("电梯", "Lift", "elevator"),
    "tool": KindName("维修工具", "Repair tool", "tools"),
    "instrument": KindName("检测仪表", "Measuring instrument", "tools"),
    "access_control": KindName("门禁", "Access control", "smart"),
    "parking_system": KindName("车场系统", "Parking system", "smart"),
    "cctv": KindName("监控系统", "CCTV system", "smart"),
    "camera": KindName("监控摄像头", "Camera", "smart"),
    "recorder": KindName("硬盘录像机", "Video recorder", "smart"),
    "intercom": KindName("住户门禁对讲", "Intercom", "smart"),
    "fitness": KindName("成人健身装置", "Fitness equipment", "recreation"),
    "playground": KindName("儿童游乐设施", "Playground", "recreation"),
    "pool": KindName("泳池", "Swimming pool", "recreation"),
    "drain": KindName("沟渠", "Drain", "facility"),
    "pipeline": KindName("管线", "Pipeline", "facility"),
    "signage": KindName("标牌", "Signage", "facility"),
    "walkway": KindName("公共通道", "Public walkway", "facility"),
    "floor": KindName("公共区域地砖", "Public floor tiles", "facility"),
    "handrail": KindName("楼梯扶手", "Stair handrail", "facility"),
    "lighting": KindName("公共照明", "Public lighting", "facility"),
    "manhole": KindName("井盖", "Manhole cover", "facility"),
    "mailbox": KindName("信箱", "Mailboxes", "facility"),
    "lightning": KindName("避雷系统", "Lightning protection", "facility"),
    "meter": KindName("计量表计", "Meter", "metering"),
    "civil_defence_gear": KindName("人防设备", "Civil-defence gear", "civil_defence"),
    "air_conditioner": KindName("空调机组", "Air conditioner", "hvac"),
    "other": KindName("其他设备", "Other", "other"),
}
ALL_KINDS: tuple[EquipmentKind, ...] = get_args(EquipmentKind)


def kinds_of(wanted: EquipmentClass) -> tuple[EquipmentKind, ...]:
    """The kinds of a class."""
    return tuple(kind for kind, name in KINDS.items() if name.of == wanted)
