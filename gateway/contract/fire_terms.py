"""What the numbers of GB/T 26875.3 tables 4 and 5 are called: systems and components, Chinese and English."""

from typing import NamedTuple


class Term(NamedTuple):
    """One number's names."""

    zh: str
    en: str


SYSTEM_TYPES: dict[int, Term] = {
    0: Term("通用", "General"),
    1: Term("火灾报警系统", "Fire alarm system"),
    10: Term("消防联动控制器", "Linkage controller"),
    11: Term("消火栓系统", "Hydrant system"),
    12: Term("自动喷水灭火系统", "Sprinkler system"),
    13: Term("气体灭火系统", "Gas extinguishing system"),
    14: Term("水喷雾灭火系统（泵启动）", "Water spray system, pump"),
    15: Term("水喷雾灭火系统（压力容器启动）", "Water spray system, pressure vessel"),
    16: Term("泡沫灭火系统", "Foam extinguishing system"),
    17: Term("干粉灭火系统", "Dry powder system"),
    18: Term("防烟排烟系统", "Smoke control system"),
    19: Term("防火门及卷帘系统", "Fire doors and shutters"),
    20: Term("消防电梯", "Firefighters' lift"),
    21: Term("消防应急广播", "Emergency public address"),
    22: Term("消防应急照明和疏散指示系统", "Emergency lighting and exit signs"),
    23: Term("消防电源", "Fire power supply"),
    24: Term("消防电话", "Fire telephone"),
}
"""Table 4. Numbers not named are reserved; 128 and above belong to the maker."""

COMPONENT_TYPES: dict[int, Term] = {
    0: Term("通用", "General"),
    1: Term("火灾报警控制器", "Fire alarm panel"),
    10: Term("可燃气体探测器", "Gas detector"),
    11: Term("点型可燃气体探测器", "Point gas detector"),
    12: Term("独立式可燃气体探测器", "Stand-alone gas detector"),
    13: Term("线型可燃气体探测器", "Line gas detector"),
    16: Term("电气火灾监控报警器", "Electrical fire monitor"),
    17: Term("剩余电流式电气火灾监控探测器", "Residual current detector"),
    18: Term("测温式电气火灾监控探测器", "Electrical temperature detector"),
    21: Term("探测回路", "Detection loop"),
    22: Term("火灾显示盘", "Floor display"),
    23: Term("手动火灾报警按钮", "Manual call point"),
    24: Term("消火栓按钮", "Hydrant button"),
    25: Term("火灾探测器", "Fire detector"),
    30: Term("感温火灾探测器", "Heat detector"),
    31: Term("点型感温火灾探测器", "Point heat detector"),
    32: Term("点型感温火灾探测器（S型）", "Point heat detector (S)"),
    33: Term("点型感温火灾探测器（R型）", "Point heat detector (R)"),
    34: Term("线型感温火灾探测器", "Line heat detector"),
    35: Term("线型感温火灾探测器（S型）", "Line heat detector (S)"),
    36: Term("线型感温火灾探测器（R型）", "Line heat detector (R)"),
    37: Term("光纤感温火灾探测器", "Fibre heat detector"),
    40: Term("感烟火灾探测器", "Smoke detector"),
    41: Term("点型离子感烟火灾探测器", "Ionisation smoke detector"),
    42: Term("点型光电感烟火灾探测器", "Optical smoke detector"),
    43: Term("线型光束感烟火灾探测器", "Beam smoke detector"),
    44: Term("吸气式感烟火灾探测器", "Aspirating smoke detector"),
    50: Term("复合式火灾探测器", "Combined detector"),
    51: Term("复合式感烟感温火灾探测器", "Smoke and heat detector"),
    52: Term("复合式感光感温火灾探测器", "Flame and heat detector"),
    53: Term("复合式感光感烟火灾探测器", "Flame and smoke detector"),
    61: Term("紫外火焰探测器", "Ultraviolet flame detector"),
    62: Term("红外火焰探测器", "Infrared flame detector"),
    69: Term("感光火灾探测器", "Flame detector"),
    74: Term("气体探测器", "Gas detector"),
    78: Term("图像摄像方式火灾探测器", "Video fire detector"),
    79: Term("感声火灾探测器", "Acoustic fire detector"),
    81: Term("气体灭火控制器", "Gas extinguishing controller"),
    82: Term("消防电气控制装置", "Fire control gear"),
    83: Term("消防控制室图形显示装置", "Graphic display"),
    84: Term("模块", "Module"),
    85: Term("输入模块", "Input module"),
    86: Term("输出模块", "Output module"),
    87: Term("输入/输出模块", "Input and output module"),
    88: Term("中继模块", "Relay module"),
    91: Term("消防水泵", "Fire pump"),
    92: Term("消防水箱", "Fire water tank"),
    95: Term("喷淋泵", "Sprinkler pump"),
    96: Term("水流指示器", "Water flow indicator"),
    97: Term("信号阀", "Signal valve"),
    98: Term("报警阀", "Alarm valve"),
    99: Term("压力开关", "Pressure switch"),
    101: Term("阀驱动装置", "Valve actuator"),
    102: Term("防火门", "Fire door"),
    103: Term("防火阀", "Fire damper"),
    104: Term("通风空调", "Ventilation"),
    105: Term("泡沫液泵", "Foam pump"),
    106: Term("管网电磁阀", "Solenoid valve"),
    111: Term("防烟排烟风机", "Smoke fan"),
    113: Term("排烟防火阀", "Smoke damper"),
    114: Term("常闭送风口", "Air inlet"),
    115: Term("排烟口", "Smoke outlet"),
    116: Term("电控挡烟垂壁", "Smoke curtain"),
    117: Term("防火卷帘控制器", "Shutter controller"),
    118: Term("防火门监控器", "Fire door monitor"),
    121: Term("警报装置", "Sounder"),
}
"""Table 5. Numbers not named are reserved; 128 and above belong to the maker."""

RESERVED = Term("预留", "Reserved")
MAKERS_OWN = Term("用户自定义", "Maker's own")


def term(names: dict[int, Term], number: int) -> Term:
    """The names of a number; of one that the standard leaves open, which kind of open it is, with the number."""
    found = names.get(number)
    if found is not None:
        return found
    kind = MAKERS_OWN if number >= 128 else RESERVED
    return Term(f"{kind.zh} {number}", f"{kind.en} {number}")
