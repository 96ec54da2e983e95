"""Wording that means fire, and wording that only looks like it."""

import pytest

from gateway.drivers.fire_words import FireWords, component_type

WORDS = FireWords()


@pytest.mark.parametrize(
    "text",
    [
        "首次火警",
        "火警 8-155",
        "火灾报警 一楼",
        "二层着火",
        "手动火灾报警按钮 动作",
        "感烟探测器 003 动作",
        "烟感报警",
        "火警确认",
        "3号火灾报警控制器 火警",
        "火警清除 后又 火警",
        "FIRE",
        "FIRE ALARM",
        "ALARM: SMOKE",
        "1ALARM",
        "ACKNOWLEDGED FIRE ALARM",
        "fire in the fire pump room",
        "SMOKE DETECTOR ACTIVE",
        "模拟火警",
        "气体报警",
    ],
)
def test_it_burns(text: str) -> None:
    assert WORDS.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "火警清除",
        "火警已清除",
        "清除火警",
        "火警消除",
        "无火警",
        "火警故障已清除",
        "火警测试",
        "火灾报警控制器自检",
        "火灾自动报警系统 开机",
        "光电感烟火灾探测器 故障",
        "手动火灾报警按钮 屏蔽",
        "报警消音",
        "监管报警",
        "预报警已解除",
        "电气火灾监控设备",
        "消防电话",
        "FIRE DOOR OPEN",
        "CLEARED FIRE ALARM",
        "FIRE ALARM CLEARED",
        "PREALARM",
        "PRE-ALARM",
        "NO ALARMS",
        "NONFIRE",
        "ALARM SILENCED",
        "FIRE ALARM SYSTEM V2",
        "SECURITY ALARM",
        "TROUBL",
        "SYSTEM NORMAL",
        "",
    ],
)
def test_it_does_not_burn(text: str) -> None:
    assert not WORDS.found_in(text)


def test_a_format_adds_words_of_either_sort() -> None:
    words = FireWords(["SMK ACT"], ["火警箱"])
    assert words.found_in("SMK ACT 1")
    assert not words.found_in("火警箱")


def test_component_types_by_the_longest_word_of_the_first_text_that_tells() -> None:
    assert component_type("手动火灾报警按钮") == 23
    assert component_type("", "输入输出模块") == 87
    assert component_type("smoke(photo)") == 40
    assert component_type("whatever") is None
    assert component_type("MAIN CONTROL ROOM", at_start=True) is None
    assert component_type("MONITOR PUMP ROOM", at_start=True) == 85
