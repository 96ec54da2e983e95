"""The columns of the spreadsheet, and how what has a name is written and read: kinds, areas, statuses, people."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from gateway.site.equipment_kinds import KINDS
from gateway.site.model import SiteConfig
from services.equipment.model import STATUS_NAMES
from services.equipment.values import PEOPLE

Sort = Literal["text", "date", "kind", "area", "status", "person", "bindings", "shown"]
"""shown: written, never read."""
SHEET = "台账"
SHEET_EN = "Ledger"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `key` is that of the entry."""

    key: str
    name: str
    name_en: str
    sort: Sort
    width: int
    help: str
    help_en: str

    def heading(self, language: str) -> str:
        """What stands on top of it."""
        return self.name_en if language == "en" else self.name

    def advice(self, language: str) -> str:
        """What to write into it."""
        return self.help_en if language == "en" else self.help


_DAY = ("日期，例如 2026-03-01", "A day, e.g. 2026-03-01")
_WORDS = ("文字，最多 200 字", "Text, at most 200 characters")
_PERSON = ("从列表里选，或写用户名；留空表示按岗位和区域", "Choose from the list; empty: by role and area")
COLUMNS: tuple[Column, ...] = (
    Column("eid", "编号", "ID", "text", 20,
           "本系统的编号；新设备可留空，导入后不能改", "Our id; leave it empty for something new"),
    Column("code", "台账编号", "Code", "text", 14, "公司台账编号，不能重复", "The company's own number, unique"),
    Column("name", "名称", "Name", "text", 26, "必填，最多 300 字", "Required, at most 300 characters"),
    Column("name_en", "英文名", "English name", "text", 26, "可留空", "May be empty"),
    Column("kind", "设备类型", "Kind", "kind", 16, "必填，从列表里选", "Required, choose from the list"),
    Column("area", "区域", "Area", "area", 18, "从列表里选", "Choose from the list"),
    Column("place", "具体位置", "Place", "text", 26, "文字，最多 300 字", "Text, at most 300 characters"),
    Column("status", "状态", "Status", "status", 8,
           "新设备可选；已有设备的状态在设备页面改", "For something new; otherwise change it on its page"),
    Column("responsible", "设备责任人", "Responsible", "person", 26, *_PERSON),
    Column("supervisor", "设备主管", "Supervisor", "person", 22, *_PERSON),
    Column("manager", "经理", "Manager", "person", 22, *_PERSON),
    Column("maker", "生产厂家", "Maker", "text", 18, *_WORDS),
    Column("model", "型号", "Model", "text", 18, *_WORDS),
    Column("serial", "出厂编号", "Serial number", "text", 18, *_WORDS),
    Column("rating", "铭牌参数", "Rating", "text", 26, *_WORDS),
    Column("made_on", "出厂日期", "Made on", "date", 12, *_DAY),
    Column("installed_on", "安装日期", "Installed on", "date", 12, *_DAY),
    Column("in_use_on", "启用日期", "In use since", "date", 12, *_DAY),
    Column("warranty_until_on", "质保到期", "Warranty until", "date", 12, *_DAY),
    Column("scrap_due_on", "报废期限", "Permitted until", "date", 12, *_DAY),
    Column("bindings", "绑定", "Bindings", "bindings", 26,
           "类型:编号，用空格分开，例如 point:low-pressure", "kind:id with blanks between, e.g. point:low-pressure"),
    Column("note", "备注", "Note", "text", 30, "文字，最多 2000 字", "Text, at most 2000 characters"),
    Column("tag", "标签码", "Label", "shown", 16, "只读，导入时不看", "Read only, not imported"),
)  # fmt: skip
BY_KEY: Mapping[str, Column] = {one.key: one for one in COLUMNS}
BY_HEADING: Mapping[str, Column] = {text: one for one in COLUMNS for text in (one.name, one.name_en, one.key)}
REQUIRED = ("name", "kind")
_IN_BRACKETS = re.compile(r"[（(]([a-z0-9-]+)[)）]\s*$")


class Names:
    """What is written for the ids of one site, and which id is meant by what is written."""

    def __init__(self, config: SiteConfig, language: str) -> None:
        self._config = config
        self._english = language == "en"

    def kind(self, kind: str) -> str:
        """A kind's name."""
        known = next((name for one, name in KINDS.items() if one == kind), None)
        return kind if known is None else known.name_en if self._english else known.name

    def status(self, status: str) -> str:
        """A status's name."""
        return STATUS_NAMES[status][self._english]

    def area(self, area: str) -> str:
        """An area's name; with its id where two have the same name."""
        found = self._config.area_by_id.get(area)
        if found is None:
            return area
        name = found.name_en if self._english and found.name_en else found.name
        return name if self._areas[name] == {area} else f"{name}（{area}）"

    def person(self, username: str) -> str:
        """A person's role label with the username; that alone for one who left the files."""
        found = self._config.person_by_username.get(username)
        if found is None:
            return username
        return f"{found.name_en if self._english and found.name_en else found.name}（{username}）"

    def kind_of(self, text: str) -> str | None:
        """The kind that a name or id means."""
        return self._kinds.get(text)

    def status_of(self, text: str) -> str | None:
        """The status that a name or id means."""
        return next((one for one, names in STATUS_NAMES.items() if text in (one, *names)), None)

    def area_of(self, text: str) -> str | None:
        """The area that a name, an id, or a name with its id means; None: none, or several."""
        if text in self._config.area_by_id:
            return text
        found = self._areas.get(text, set())
        return next(iter(found)) if len(found) == 1 else _bracketed(text, self._config.area_by_id)

    def person_of(self, text: str, column: str) -> str | None:
        """The person that a username or role label means in a column; None: nobody, or several."""
        if text in self._config.person_by_username:
            return text
        found = [one.username for one in self._config.people if text in (one.name, one.name_en)]
        near = [one for one in found if self._config.person_by_username[one].role == PEOPLE[column]] or found
        return near[0] if len(near) == 1 else _bracketed(text, self._config.person_by_username)

    @cached_property
    def _areas(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in self._config.areas:
            for name in {one.name, one.name_en} - {""}:
                found.setdefault(name, set()).add(one.id)
        return found

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        spoken = [(text, kind) for kind, name in KINDS.items() for text in {kind, name.name, name.name_en}]
        count = Counter(text for text, _ in spoken)
        return {text: kind for text, kind in spoken if count[text] == 1 or text == kind}


def _bracketed(text: str, known: Mapping[str, object]) -> str | None:
    found = _IN_BRACKETS.search(text)
    return found[1] if found and found[1] in known else None
