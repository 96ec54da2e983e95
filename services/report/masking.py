"""Personal data in reports: names become 张**, phone numbers 138****1234. Pure; doing it twice changes nothing."""

import re

from services.report.model import Block, Cell, Change, Form, Section, Snapshot, Table, Text

_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3})-(\d{3,4})(\d{4})(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)(\d{3})\d{3}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}([\dXx])(?!\d)")
_BETWEEN = re.compile(r"([、，,;；/]\s*)")
_ROLE = re.compile(
    r"(?:[管安作班查修程防控护理检测保务]员|[动逻班门亭台防]岗|班长|组长|队长|主管|主任|经理|总监|责任人|负责人|管理人|"
    r"工程师|技师|技工|电工|水工|[修保]工|司机|保洁|保安|值班|[早中晚夜一二三四甲乙丙丁]班|业主|住户|租户|系统|自动|公司|单位|中心|"
    r"[程质服安业]部|[修护保务]组|[逻防保]队|[控制公]室)"
    r"[\s\dA-Za-z一二三四五六七八九十#号-]*$"
)
_ROLE_EN = re.compile(
    r"\b(?:guard|engineer|manager|supervisor|operator|system|contractor|clerk|technician|director|duty|admin|team|crew|"
    r"resident|owner|tenant|staff|company|lead|leader|electrician|plumber|cleaner|inspector|officer)s?\b",
    re.IGNORECASE,
)
_NOBODY = {"无", "未知", "未指派", "未登记", "none", "unknown", "unassigned", "n", "a"}
_SAID_OF = re.compile(r"(?:人|姓名|员|业主|住户|name)\s*[:：]?$", re.IGNORECASE)
"""Labels of forms whose value is a person."""


def masked(snapshot: Snapshot) -> Snapshot:
    """The snapshot without personal data; who signs keeps the name."""
    return snapshot.model_copy(
        update={
            "conclusions": tuple(map(numbers, snapshot.conclusions)),
            "decisions": tuple(map(numbers, snapshot.decisions)),
            "sections": tuple(_section(one) for one in snapshot.sections),
            "annex": tuple(_form(one) for one in snapshot.annex),
            "changes": tuple(_change(one) for one in snapshot.changes),
            "reason": numbers(snapshot.reason),
        }
    )


def is_role(name: str) -> bool:
    """A role label such as 给排水责任人 or `guard 2`, no person."""
    return bool(_ROLE.search(name.strip()) or _ROLE_EN.search(name))


def person(name: str) -> str:
    """Each of the names in it masked unless it is a role label."""
    return "".join(part if _BETWEEN.fullmatch(part) else _one(part) for part in _BETWEEN.split(numbers(name)))


def numbers(text: str) -> str:
    """The text with the middles of phone and identity numbers starred."""
    if not any(one.isdigit() for one in text):
        return text
    text = _IDENTITY.sub(r"\1**************\2", text)
    text = _MOBILE.sub(r"\1****\2", text)
    return _LANDLINE.sub(lambda found: f"{found[1]}-{'*' * len(found[2])}{found[3]}", text)


def _one(name: str) -> str:
    bare = name.strip()
    if not bare or bare.lower() in _NOBODY or is_role(bare) or not any(one.isalpha() for one in bare):
        return name
    return f"{bare[0]}**"


def _section(section: Section) -> Section:
    return section.model_copy(update={"blocks": tuple(_block(one) for one in section.blocks)})


def _block(block: Block) -> Block:
    match block:
        case Table():
            return _table(block)
        case Form():
            return _form(block)
        case Text():
            return block.model_copy(update={"lines": tuple(map(numbers, block.lines))})
        case _:
            return block


def _form(form: Form) -> Form:
    head = tuple((label, person(value) if _SAID_OF.search(label) else numbers(value)) for label, value in form.head)
    return form.model_copy(update={"head": head, "table": _table(form.table), "foot": tuple(map(numbers, form.foot))})


def _table(table: Table) -> Table:
    people = tuple(column.kind == "person" for column in table.columns)

    def row(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
        return tuple(
            (person(value) if is_person else numbers(value)) if isinstance(value, str) else value
            for value, is_person in zip(cells, people, strict=True)
        )

    return table.model_copy(
        update={
            "rows": tuple(map(row, table.rows)),
            "total": None if table.total is None else row(table.total),
            "note": numbers(table.note),
        }
    )


def _change(change: Change) -> Change:
    return change.model_copy(update={"was": numbers(change.was), "now": numbers(change.now)})
