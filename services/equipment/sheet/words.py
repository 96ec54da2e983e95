"""Why a value is refused, in words that say what to write instead; for forms and imports alike."""

from collections.abc import Mapping

from gateway.site.terms import ROLE_NAMES
from services.equipment.model import STATUS_NAMES
from services.equipment.sheet.columns import BY_KEY
from services.equipment.sheet.importing import RowProblem

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "required": ("不能为空", "This must not be empty"),
    "too_long": ("太长，最多 {most} 字", "Too long: at most {most} characters"),
    "control": ("含有不可见的控制字符，请删除后重填", "It has control characters: type it again"),
    "unknown_kind": ("没有设备类型“{value}”，请从列表里选", "There is no kind {value!r}: choose from the list"),
    "unknown_area": ("没有区域“{value}”，请从列表里选", "There is no area {value!r}: choose from the list"),
    "unknown_person": ("没有人员“{value}”，请从列表里选或写用户名", "Nobody is called {value!r}: choose from the list"),
    "wrong_role": (
        "{value} 的岗位是{role}，这里要{wanted}",
        "{value} has the role {role_en}, here {wanted_en} is wanted",
    ),
    "unknown_status": ("没有状态“{value}”，请写在用、停用、维修、报废", "There is no status {value!r}: choose one"),
    "bad_date": ("日期不合理：{value}", "{value} cannot be meant"),
    "date_order": ("{value} 早于前一个日期 {before}", "{value} is before {before}"),
    "bad_eid": (
        "编号“{value}”不合规：用小写字母、数字和连字符，最多 64 个",
        "The id {value!r} is not possible: small letters, digits and hyphens, at most 64",
    ),
    "eid_taken": ("编号 {value} 已被使用", "The id {value} is taken"),
    "code_taken": ("台账编号 {value} 已属于另一台设备 {other}", "The code {value} belongs to {other}"),
    "declared": ("由站点文件规定为“{value}”，请在 equipment.yaml 里改", "The site files say {value!r}: change that"),
    "unknown_binding": ("站点文件里没有 {value}", "The site files have no {value}"),
    "bad_binding": (
        "“{value}”看不懂，写成 类型:编号，例如 point:low-pressure",
        "{value!r} is not understood: write kind:id, e.g. point:low-pressure",
    ),
    "formula": ("这是公式 {value}，请改成值（选择性粘贴—数值）", "This is the formula {value}: write its value"),
    "error_value": ("单元格显示错误 {value}，请填写值", "The cell shows the error {value}: write a value"),
    "not_text": ("“{value}”不是文字，请改成文字", "{value!r} is not text: write text"),
    "long_number": (
        "数字太长，末尾几位已丢失：把单元格设为文本格式后重填",
        "The number is too long and has lost its end: format the cell as text and type it again",
    ),
    "not_date": ("“{value}”不是日期，请写成 2026-03-01", "{value!r} is not a date: write 2026-03-01"),
    "has_time": ("“{value}”带有时间，只写日期", "{value!r} has a time of day: write the day alone"),
    "doubled_eid": ("与第 {other} 行是同一台设备（{value}）", "Row {other} is about the same entry ({value})"),
    "doubled_code": ("台账编号 {value} 与第 {other} 行重复", "Row {other} has the same code {value}"),
    "status_change": (
        "这台设备现在是“{status}”，状态请在设备页面改，这里保持原样或留空",
        "It is {status_en!r} now: change the status on its page, and leave it here as it is",
    ),
    "missing_column": ("缺少必填的列“{column}”，请用导出的表格", "The column {column!r} is missing: use the export"),
    "unknown_column": ("不认识列“{column}”，请删除或改名", "The column {column!r} is unknown: rename it"),
    "doubled_column": ("列“{column}”出现了两次", "The column {column!r} stands there twice"),
    "merged": ("单元格 {value} 是合并的，请取消合并后逐行填写", "The cells {value} are merged: split them"),
    "too_many_rows": ("超过 20,000 行，请分几个文件导入", "More than 20,000 rows: import several files"),
    "empty": ("表头下面没有内容", "There is nothing below the headings"),
}  # fmt: skip


def column_name(column: str, language: str) -> str:
    """The heading of a column; what is none of ours is shown as it stands."""
    known = BY_KEY.get(column)
    return known.heading(language) if known is not None else column


def sentence(problem: RowProblem, language: str) -> str:
    """What is wrong and what to write."""
    about = {"value": "", "other": "", **problem.about}
    status = STATUS_NAMES.get(str(about["value"]), ("", ""))
    text = _SENTENCES[problem.fault][language == "en"].format(
        **{key: str(value) for key, value in about.items()}
        | {
            "column": column_name(problem.column, language),
            "status": status[0],
            "status_en": status[1],
            "role": ROLE_NAMES.get(about.get("role", ""), ""),
            "wanted": ROLE_NAMES.get(about.get("wanted", ""), ""),
            "role_en": str(about.get("role", "")),
            "wanted_en": str(about.get("wanted", "")),
        }
    )
    return text.rstrip()
