"""What kinds, states, topics and records of reports are called, in both languages. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from services.report.wording import pick, report_title

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})")
Words = Mapping[str, tuple[str, str]]
STATES: Words = {
    "waiting": ("待签", "waiting for signatures"),
    "signed": ("已签", "signed"),
    "replaced": ("已被更正版取代", "replaced"),
}
TOPICS: Words = {
    "patrol": ("巡检与巡更", "Patrol"),
    "pump_room": ("泵房与给排水", "Pump rooms"),
    "fire": ("消防系统", "Fire protection"),
    "electrical": ("供配电与其他设备", "Power supply"),
    "elevator": ("电梯", "Lifts"),
    "maintenance": ("维护保养", "Maintenance"),
    "orders": ("工单与维修", "Work orders"),
    "call_backs": ("回访", "Call-backs"),
    "incidents": ("应急事件", "Incidents"),
    "findings": ("隐患与整改", "Findings"),
    "ledger": ("台账变更与证照", "Ledger"),
    "duty": ("值守与查岗", "Duty"),
    "costs": ("费用与审批", "Costs"),
    "quality": ("数据质量与口径", "Data quality"),
}
RECORDS: Words = {
    "work_order": ("工单", "work order"),
    "task": ("保养任务", "maintenance task"),
    "inspection": ("检查记录", "inspection"),
    "round": ("巡更轮次", "round"),
    "visit": ("巡查点次", "checkpoint visit"),
    "stop": ("巡查点次", "checkpoint visit"),
    "tap": ("打点", "tap"),
    "reading": ("读数", "reading"),
    "fire_signal": ("消防信号", "fire signal"),
    "fire_device": ("消防设备", "fire device"),
    "fire_command": ("查岗指令", "duty check"),
    "rule_week": ("每周要求", "weekly requirement"),
    "alert": ("报警", "alert"),
    "excursion": ("越限事件", "excursion"),
    "fire_incident": ("火警事件", "fire incident"),
    "fire_test": ("消防测试", "fire test"),
    "fire_outage": ("消防停用", "fire outage"),
    "call_back": ("回访", "call-back"),
    "equipment": ("设备", "equipment"),
    "point": ("测点", "point"),
    "handover": ("交接班", "handover"),
    "certificate": ("证照", "certificate"),
    "finding": ("隐患", "finding"),
    "approval": ("审批", "approval"),
    "meter": ("表计", "meter"),
}


def kind_word(kind: str, language: str = "zh") -> str:
    """设备设施巡检月报, 消防设施月检报告."""
    return report_title("fire" if kind == "fire" else "facilities", language)


def state_word(state: str, language: str = "zh") -> str:
    """待签, 已签, 已被更正版取代."""
    return _word(STATES, state, language)


def topic_word(topic: str, language: str = "zh") -> str:
    """What a chapter is about."""
    return _word(TOPICS, topic, language)


def record_word(kind: str, language: str = "zh") -> str:
    """What sort of record it is; its own name where nobody knows it."""
    return _word(RECORDS, kind, language)


def said(words: str, timezone: str) -> str:
    """What a record says, its moments as the site's clocks show them."""
    zone = ZoneInfo(timezone)
    return _MOMENT.sub(lambda found: f"{datetime.fromisoformat(found[0]).astimezone(zone):%m-%d %H:%M}", words)


def _word(words: Words, key: str, language: str) -> str:
    found = words.get(key)
    return key if found is None else pick(*found, language)
