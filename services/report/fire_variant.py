"""What only 消防设施月检报告 has before its chapters: the building, and what the inspection goes by. Pure."""

from collections.abc import Mapping

from services.report.chapters.parts import col
from services.report.model import Cell, Meta, Section, Slot, Table, Text

BUILDING = (
    "建筑类别", "建筑面积（m²）", "占地面积（m²）", "建筑高度（m）", "地上层数", "地下层数", "使用性质", "耐火等级",
    "安全出口数", "疏散楼梯数", "消防电梯数", "避难层（间）", "消防控制室位置", "竣工验收日期", "维保单位",
)  # fmt: skip
"""Fields of 建筑物情况表 that the product does not know: left for the pen."""
SIGNATURES: Mapping[Slot, str] = {
    "prepared": "测试人（证书编号）",
    "approved": "消防安全管理人",
    "client": "消防安全责任人",
}
"""Whose lines differ from those of the report on facilities."""
BASIS = (
    "《建筑消防设施的维护管理》GB 25201-2010",
    "《消防给水及消火栓系统技术规范》GB 50974-2014",
    "《消防设施通用规范》GB 55036-2022",
    "本项目文件：每月对灭火器、消防栓、烟感报警器等设备进行功能性测试（PER-13）",
)


def sections(meta: Meta) -> tuple[Section, ...]:
    """建筑物情况 and 检测依据."""
    rows: tuple[tuple[Cell, ...], ...] = (("项目名称", meta.site_name), ("物业管理单位", meta.company or " "))
    table = Table(
        id="building", caption="建筑物情况表", caption_en="The building",
        columns=(col("field", "项目", "Field", width=1.2), col("value", "内容", "Value", width=3)),
        rows=(*rows, *((name, " ") for name in BUILDING)), note="空白项由项目填写。",
    )  # fmt: skip
    return (
        Section(id="building", title="建筑物情况", title_en="The building", blocks=(table,)),
        Section(id="basis", title="检测依据", title_en="Basis", blocks=(Text(lines=BASIS, style="bullets"),)),
    )
