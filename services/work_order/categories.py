"""Fault classes 故障类别: what rework is told by (AMB-12) and which policy a request follows."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """A fault class as people call it."""

    name: str
    name_en: str
    policy: str = "repair"
    """The policy whose clocks a request of this class gets (TIM-07 unless the documents say more)."""
    repair: bool = True
    """False: the same again is no rework, as a round that was missed twice."""


CATEGORIES: Mapping[str, Category] = {
    "water_pressure": Category("水压异常", "Water pressure"),
    "leak": Category("渗漏水", "Leak"),
    "burst_pipe": Category("水管爆裂", "Burst pipe", "burst_pipe"),
    "drainage": Category("排水堵塞", "Blocked drain"),
    "electrical": Category("电气故障", "Electrical fault"),
    "short_circuit": Category("电路短路", "Short circuit", "electrical"),
    "lighting": Category("照明", "Lighting"),
    "elevator": Category("电梯故障", "Lift fault"),
    "entrapment": Category("电梯困人", "People trapped in a lift", "entrapment"),
    "fire_equipment": Category("消防设施", "Fire protection"),
    "access": Category("门禁对讲", "Access and intercom"),
    "cctv": Category("监控系统", "CCTV"),
    "fabric": Category("土建", "Building fabric"),
    "hvac": Category("暖通空调", "Heating and air conditioning"),
    "patrol": Category("巡更", "Patrol", repair=False),
    "recreation": Category("公共娱乐设施", "Recreation"),
    "other": Category("其他", "Other"),
}


def name_of(category: str, language: str = "zh") -> str:
    """The class in words; an unknown one as it is."""
    known = CATEGORIES.get(category)
    if known is None:
        return category
    return known.name_en if language == "en" else known.name
