"""Words on printers of fire panels: which mean fire wherever they stand, and which kind of component they name.

Used for lines that no pattern explains. Raising once too often is an annoyance, once too rarely a disaster: phrases
that hold such a word without meaning fire (火警清除, FIRE DOOR) are taken out one by one, and what is left decides.
"""

import re
from collections.abc import Iterable
from typing import Final

_OVER: Final = "清除|消除|解除|恢复|撤销|撤消|取消|复位|结束|排除"
_CALM: Final = (
    rf"(?:{_OVER}|无|没有|未发现) ?(?:首次)?(?:火警|火灾报警|火灾|报警)",
    rf"(?:首次)?(?:火警|火灾报警|火灾|报警) ?(?:信号)?(?:已|被)?(?:{_OVER})",
    "(?:火警|报警)(?:测试|试验|自检|消音|静音|总数|记录|历史|电话|打印|设备)",
    "火警故障",
    "火灾(?:自动)?报警(?:控制器|控制|主机|系统|联动|按钮|显示盘|设备|装置)",
    "(?:电气)?火灾(?:监控|探测器|显示盘|声光?警报器|光警报器|警报器|应急)",
    "(?:手动|紧急)?(?:报警|警报)(?:按钮|控制器|主机|系统|阀|器|音响|扬声器)",
    "(?:预|监管|故障|漏电|防盗|入侵|超温|低压|缺水|电源|掉电|低电)报警",
    r"\b(?:NON?|NOT|WITHOUT)[ -]?(?:FIRE|ALARMS?)\b(?: ALARMS?\b)?",
    r"\b(?:CLEARED|CLEAR|CLR|RESTORED?|CANCELLED|END OF|PRE|SECURITY|BURGLAR|TEST|SILENCED?) ?-?"
    r"(?:FIRE ALARMS?|ALARMS?|FIRE)\b",
    r"\b(?:FIRE ALARMS?|ALARMS?|FIRE)[ :-]{1,3}"
    r"(?:CLEARED|CLEAR|RESTORED?|CANCELLED|SILENCED?|RESET|NORMAL|TEST|OFF|HISTORY)\b",
    r"\bFIRE ?(?:DOOR|PUMP|PANEL|DAMPER|DRILL|LIFT|ELEVATOR|MAN|PHONE|TELEPHONE|SYSTEM|TROUBLE|FAULT|SUPERVISORY)S?\b",
    r"\bFIRE ?FIGHT\w{0,8}+",
    r"\bFIRE ALARM (?:SYSTEM|CONTROL\w{0,5}+|PANEL|TROUBLE|FAULT)\b",
    r"\bALARM (?:VALVE|BELL|RELAY|COUNT|BUZZER|HISTORY|OUTPUT|SYSTEM|PANEL)S?\b",
)  # fmt: skip
_FIRE: Final = ("火警", "火灾", "着火", "起火", "失火", "报警", "FIRE", "ALARM")
_ACTED: Final = re.compile(
    "(?:手报|报警按钮|感烟|感温|烟感|温感|火焰|探测器).{0,12}?(?:动作|按下)|(?:SMOKE|HEAT|PULL STATION).{0,12}?ACTI",
    re.IGNORECASE,
)
_MAX_TEXT: Final = 4096

_TYPES: Final = (
    ("手动报警按钮", 23), ("手动火灾报警按钮", 23), ("手报", 23), ("PULL", 23), ("消火栓", 24), ("感烟", 40),
    ("烟感", 40), ("SMOKE", 40), ("感温", 30), ("温感", 30), ("HEAT", 30), ("烟温复合", 51), ("可燃气体", 10),
    ("红外", 62),
    ("剩余电流", 17), ("压力开关", 99), ("水流指示器", 96), ("WATERFLOW", 96), ("信号阀", 97), ("TAMPER", 97),
    ("防火阀", 103), ("消防泵", 91), ("喷淋泵", 95), ("卷帘", 117), ("防火门", 102), ("排烟风机", 111), ("排烟口", 115),
    ("声光警报", 121), ("输入输出模块", 87), ("输入模块", 85), ("输出模块", 86), ("MONITOR", 85), ("CONTROL", 86),
)  # fmt: skip


class FireWords:
    """Finds fire wording; a format may add words of either sort."""

    def __init__(self, fire: Iterable[str] = (), calm: Iterable[str] = ()) -> None:
        self._fire = _any([*(re.escape(word) for word in fire), *_FIRE])
        self._calm = _any([*(re.escape(word) for word in calm), *_CALM])

    def found_in(self, text: str) -> bool:
        """Whether the text says that something burns."""
        text = text[:_MAX_TEXT]
        return _ACTED.search(text) is not None or self._fire.search(self._calm.sub(" ", text)) is not None


def component_type(*texts: str, at_start: bool = False) -> int | None:
    """The component type of GB/T 26875.3 table 5 that the first telling text names; longer words win."""
    for text in texts:
        upper = text.upper()
        found = [
            (len(word), number) for word, number in _TYPES if (upper.startswith if at_start else upper.count)(word)
        ]
        if found:
            return max(found)[1]
    return None


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)
