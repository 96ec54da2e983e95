"""Where numbers of a report become words: one place, so that every file says the same. Pure."""

import math
import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from services.report.model import Cell, Column, Figure, Meta, ReportKind, Snapshot, Table, Target, Unit, Verdict

NO_DATA = "—"
MARKS = {True: "√", False: "×"}
_MOST_DECIMALS = 4

_VERDICTS: dict[Verdict, tuple[str, str]] = {
    "met": ("达标", "met"),
    "missed": ("不达标", "missed"),
    "no_target": ("无目标", "no target"),
    "no_data": ("无数据", "no data"),
}
_UNITS: dict[Unit, tuple[str, str]] = {
    "percent": ("%", "%"),
    "count": ("", ""),
    "minutes": (" 分钟", " min"),
    "hours": (" 小时", " h"),
    "seconds": (" 秒", " s"),
    "days": (" 天", " d"),
    "yuan": (" 元", " CNY"),
    "MPa": (" MPa", " MPa"),
    "MΩ": (" MΩ", " MΩ"),
    "ratio": ("", ""),
    "score": (" 分", ""),
    "L": (" L", " L"),
}
_OPS = {"ge": "≥", "le": "≤", "eq": "="}
_COLUMN_UNITS: dict[str, tuple[Unit, re.Pattern[str]]] = {
    "minutes": ("minutes", re.compile(r"分钟|[（(]分[）)]|min", re.IGNORECASE)),
    "hours": ("hours", re.compile(r"小时|[（(][时h][）)]|hour|, h\b", re.IGNORECASE)),
    "yuan": ("yuan", re.compile(r"元|¥|CNY", re.IGNORECASE)),
}
"""Kinds of columns with a unit, and how a title says it already."""
_TITLES: dict[ReportKind, tuple[str, str]] = {
    "facilities": ("设备设施巡检月报", "Monthly report on equipment and facilities"),
    "fire": ("消防设施月检报告", "Monthly inspection report on fire protection"),
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_NUMERALS = "零一二三四五六七八九"


def pick(zh: str, en: str, language: str) -> str:
    """The words in the reader's language; Chinese where there are none in English."""
    return en if language == "en" and en else zh


def number(value: float, decimals: int) -> str:
    """With thousands; half is rounded up, as spreadsheets show it; never `-0`."""
    text = f"{Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def plain(value: float, most: int = 2) -> str:
    """A number with as many decimals as it needs, at most `most`."""
    text = number(value, most)
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent_decimals(value: float, decimals: int = 1) -> int:
    """Decimals that keep 99.96 from reading 100 and 0.04 from reading 0."""
    return next(
        (one for one in range(decimals, _MOST_DECIMALS) if value in (0, 100) or _rounded(value, one) not in (0, 100)),
        _MOST_DECIMALS,
    )


def column_decimals(value: float, column: Column) -> int:
    """Decimals a cell of this column is written with."""
    match column.kind:
        case "percent":
            return percent_decimals(value, column.decimals)
        case "int":
            return 0
        case "yuan":
            return 2
    return column.decimals


def column_unit(column: Column, language: str) -> str:
    """The unit to write behind each number; empty where the column's title says it."""
    if column.kind == "percent":
        return "%"
    if column.kind not in _COLUMN_UNITS:
        return ""
    unit, said = _COLUMN_UNITS[column.kind]
    return "" if said.search(column_title(column, language)) else _unit(unit, language)


def cell(value: Cell, column: Column, zone: str, language: str = "zh") -> str:
    """A raw value of a table as a person reads it."""
    if value is None or value == "":
        return NO_DATA
    if column.kind == "mark":
        return MARKS.get(bool(value), NO_DATA) if isinstance(value, bool | int) else str(value)
    if column.kind == "verdict" and isinstance(value, str):
        return verdict_text(value, language) if value in _VERDICTS else value
    if column.kind == "datetime" and isinstance(value, str):
        return _local(value, zone)
    if isinstance(value, bool):
        return MARKS[value]
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return NO_DATA
    if column.kind in ("text", "person", "date", "datetime", "verdict"):
        return plain(value)
    return f"{number(value, column_decimals(value, column))}{column_unit(column, language)}"


def figure_decimals(figure: Figure, value: float) -> int:
    """Decimals of a figure: as many more as it takes not to round a missed target into a met one."""
    first = percent_decimals(value, figure.decimals) if figure.unit == "percent" else figure.decimals
    if figure.target is None or _meets(value, figure.target):
        return first
    unlike = (one for one in range(first, _MOST_DECIMALS) if not _meets(_rounded(value, one), figure.target))
    return next(unlike, _MOST_DECIMALS)


def figure_unit(figure: Figure, language: str = "zh") -> str:
    """The unit to write behind the figure, e.g. `%` or ` 分钟`."""
    return _unit(figure.unit, language)


def figure_value(figure: Figure, language: str = "zh") -> str:
    """The figure with its unit, or a dash."""
    return _with_unit(figure, figure.value, language)


def previous_text(figure: Figure, language: str = "zh") -> str:
    """The month before, with its unit, or a dash."""
    return _with_unit(figure, figure.previous, language)


def figure_parts(figure: Figure) -> str:
    """Numerator and denominator, e.g. `118 / 120`; a dash for a figure that is no share."""
    if figure.numerator is None or figure.denominator is None:
        return NO_DATA
    return f"{plain(figure.numerator)} / {plain(figure.denominator)}"


def target_text(figure: Figure, language: str = "zh") -> str:
    """The target, e.g. `≥ 95%`, or a dash."""
    if figure.target is None:
        return NO_DATA
    return f"{_OPS[figure.target.op]} {plain(figure.target.value, _MOST_DECIMALS)}{_unit(figure.unit, language)}"


def verdict_text(verdict: str, language: str = "zh") -> str:
    """达标, 不达标, 无目标, 无数据."""
    zh, en = _VERDICTS[verdict]  # type: ignore[index]
    return pick(zh, en, language)


def column_title(column: Column, language: str = "zh") -> str:
    """The heading of a column."""
    return pick(column.title, column.title_en, language)


def report_title(kind: ReportKind, language: str = "zh") -> str:
    """设备设施巡检月报, 消防设施月检报告."""
    return pick(*_TITLES[kind], language)


def month_text(month: str, language: str = "zh") -> str:
    """`2026-10` as 2026年10月 or October 2026."""
    year, number_of = int(month[:4]), int(month[5:])
    return f"{_MONTHS[number_of - 1]} {year}" if language == "en" else f"{year}年{number_of}月"


def moment(at: datetime, zone: str) -> str:
    """A moment in the site's zone, to the minute."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def period_text(meta: Meta, language: str = "zh") -> str:
    """First and last day counted, both included."""
    zone = ZoneInfo(meta.timezone)
    first, last = meta.since_at.astimezone(zone), (meta.until_at - timedelta(microseconds=1)).astimezone(zone)
    return f"{first:%Y-%m-%d} {pick('至', 'to', language)} {last:%Y-%m-%d}"


def numeral(count: int) -> str:
    """1 to 99 as 一 to 九十九."""
    tens, ones = divmod(count, 10)
    head = ("" if tens == 1 else _NUMERALS[tens]) + "十" if tens else ""
    return head + (_NUMERALS[ones] if ones or not tens else "")


def section_title(snapshot: Snapshot, index: int, language: str = "zh") -> str:
    """Title of a section with its numeral; the conclusions are the first, the sections follow from the second on."""
    section = snapshot.sections[index]
    title = pick(section.title, section.title_en, language)
    if any(title.startswith(f"{numeral(count)}、") for count in range(1, 31)):
        return title
    return f"{index + 2}. {title}" if language == "en" else f"{numeral(index + 2)}、{title}"


def not_printed(table: Table, language: str = "zh") -> str:
    """Says where the rows are that paper has no room for; empty when all are printed."""
    if table.most_printed is None or len(table.rows) <= table.most_printed:
        return ""
    shown, total = number(table.most_printed, 0), number(len(table.rows), 0)
    return pick(
        f"共 {total} 行，此处列出前 {shown} 行；全部见同编号 xlsx 文件。",
        f"The first {shown} of {total} rows; all are in the xlsx file of the same number.",
        language,
    )


def _with_unit(figure: Figure, value: float | None, language: str) -> str:
    if value is None or not math.isfinite(value):
        return NO_DATA
    return f"{number(value, figure_decimals(figure, value))}{_unit(figure.unit, language)}"


def _unit(unit: Unit, language: str) -> str:
    zh, en = _UNITS[unit]
    return en if language == "en" else zh


def _meets(value: float, target: Target) -> bool:
    return {"ge": value >= target.value, "le": value <= target.value, "eq": value == target.value}[target.op]


def _rounded(value: float, decimals: int) -> float:
    return float(number(value, decimals).replace(",", ""))


def _local(text: str, zone: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment(at, zone) if at.tzinfo else text
