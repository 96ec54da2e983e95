"""The colours of states: one meaning, one colour, on every board and in the console (whose dark theme these are)."""

from typing import NamedTuple

CRITICAL = "#ff6159"
HIGH = "#ff9550"
MEDIUM = "#eec03e"
LOW = "#86b4da"
OK = "#6fbd93"
FAULT = "#e3b341"
SHIELD = "#b3a4e0"
SUPERVISORY = "#6bbdd4"
START = "#f0a262"
NEUTRAL = "#87939a"
QUIET = "#3a464c"
ACCENT = "#8fc0d4"
FIRE = CRITICAL

ALL = frozenset(
    {CRITICAL, HIGH, MEDIUM, LOW, OK, FAULT, SHIELD, SUPERVISORY, START, NEUTRAL, QUIET, ACCENT, "transparent"}
)


class State(NamedTuple):
    """A stored value, what a person reads instead, and its colour."""

    value: str
    text: str
    colour: str


LEVELS = (
    State("critical", "紧急", CRITICAL),
    State("high", "高", HIGH),
    State("medium", "中", MEDIUM),
    State("low", "低", LOW),
)
"""Levels of alerts and work orders."""

ALERTS = (
    State("active_unack", "未确认", CRITICAL),
    State("active_ack", "已确认", MEDIUM),
    State("rtn_unack", "已恢复，未确认", LOW),
    State("latched", "已锁存，待复位", MEDIUM),
    State("shelved", "已搁置", NEUTRAL),
    State("suppressed", "设计抑制", NEUTRAL),
    State("out_of_service", "停用", NEUTRAL),
    State("normal", "正常", OK),
    State("closed", "已关闭", QUIET),
)
"""Shown states of alerts."""

FIRE_LEVELS = (
    State("6", "火警", FIRE),
    State("5", "故障", FAULT),
    State("4", "启动/反馈", START),
    State("3", "监管", SUPERVISORY),
    State("2", "屏蔽", SHIELD),
    State("1", "测试", LOW),
    State("0", "正常", OK),
)
"""What holds at fire panels, zones and components, as numbers."""

ROUND_LEVELS = (
    State("7", "漏检", CRITICAL),
    State("6", "待确认", MEDIUM),
    State("5", "未完成", HIGH),
    State("4", "不计", NEUTRAL),
    State("3", "完成", OK),
    State("2", "巡更中", ACCENT),
    State("1", "应巡", LOW),
    State("0", "计划", QUIET),
    State("-1", "", "transparent"),
)
"""What became of rounds, as numbers; -1 ends a bar."""

DEVICES = (
    State("offline", "离线", CRITICAL),
    State("silent", "无数据", HIGH),
    State("never", "从未上报", NEUTRAL),
    State("online", "在线", OK),
)
"""Whether a device is heard."""

HEARD = (State("1", "无数据", HIGH), State("0", "有数据", OK))
"""The same as numbers, for timelines."""

POINTS = (
    State("outside", "越限", CRITICAL),
    State("nodata", "无数据", HIGH),
    State("normal", "正常", OK),
)
"""What a measured value says now."""

RUNNING = (State("1", "运转", ACCENT), State("0", "停止", QUIET))
"""Pumps."""

YES_NO = (State("true", "是", HIGH), State("false", "否", OK))
"""Is something wrong?"""

ORDER_LEVELS = (
    State("4", "紧急", CRITICAL),
    State("3", "高", HIGH),
    State("2", "中", MEDIUM),
    State("1", "低", LOW),
    State("0", "–", NEUTRAL),
)
"""`level` of work orders: that of their alert; 0: there is none."""

CHECKS = (
    State("missed", "无人应答", CRITICAL),
    State("late", "迟到应答", HIGH),
    State("answered", "已应答", OK),
    State("waiting", "等待应答", ACCENT),
    State("denied", "被拒绝", NEUTRAL),
    State("timeout", "超时", NEUTRAL),
    State("unreachable", "未连接", NEUTRAL),
    State("expired", "已过期", NEUTRAL),
)
"""What became of duty checks."""

PROCESSES = (State("silent", "无心跳", CRITICAL), State("alive", "运行", OK))
"""Whether one of Gengfu's own processes gives a sign of life."""
