"""A document's sections → validated entries. Each entry is checked alone, so one bad entry hides no other."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.site.files import Section
from gateway.site.problems import Path, Problems, Spot
from gateway.site.terms import Frozen
from gateway.site.yaml_source import Document

M = TypeVar("M", bound=Frozen)

_WANTED = {
    "string_type": "want_text",
    "float_type": "want_number",
    "float_parsing": "want_number",
    "int_type": "want_integer",
    "int_from_float": "want_integer",
    "bool_type": "want_boolean",
    "tuple_type": "want_list",
    "list_type": "want_list",
    "model_type": "want_mapping",
    "model_attributes_type": "want_mapping",
    "dict_type": "want_mapping",
    "finite_number": "not_finite",
    "too_short": "list_empty",
}
_BOUNDS = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_SIGNS = {"gt": "> {}", "ge": "≥ {}", "lt": "< {}", "le": "≤ {}"}
_SECRET_KEYS = frozenset({"url", "key", "secret", "token", "password", "webhook", "webhook_url", "access_token"})
_SECRET_TEXT = re.compile(
    r"[?&](?:key|token|access_token|secret)=|^https?://[^/\s]*:[^/\s]*@|^https?://.*webhook", re.I
)
_ENV_EXAMPLE = "GENGFU_WECOM_KEY"


@dataclass(slots=True)
class Item(Generic[M]):
    """A valid entry and where it stands."""

    value: M
    document: Document
    path: Path

    def at(self, *path: str | int) -> Spot:
        """The spot of a key of this entry."""
        return self.document.at(*self.path, *path)


@dataclass(slots=True)
class Entries(Generic[M]):
    """The entries of a section. `ids` has the broken ones too: referring to them is not a second mistake."""

    items: list[Item[M]] = field(default_factory=list)
    ids: dict[str, Spot] = field(default_factory=dict)
    complete: bool = True
    """False when the file was unreadable: then nobody can say what is unknown."""
    broken: int = 0
    """Entries that are not among the items."""

    @property
    def miswritten(self) -> set[str]:
        """What ids with capital letters should have been: noted as such, hence not unknown."""
        return {one.lower() for one in self.ids} - set(self.ids)

    def values(self) -> tuple[M, ...]:
        """The valid entries."""
        return tuple(item.value for item in self.items)


def read_sections(
    document: Document | None, sections: Iterable[Section], into: Mapping[str, Entries[Any]], problems: Problems
) -> None:
    """Read the sections of a document into the entries of the same names."""
    sections = tuple(sections)
    if document is None:
        for section in sections:
            into[section.key].complete = False
        return
    if not _is_mapping(document, problems):
        for section in sections:
            into[section.key].complete = False
        return
    find_secrets(document, problems)
    known = [section.name for section in sections]
    meant = {
        problems.add_unknown(document.at(key), "unknown_key", key, known) for key in document.data if key not in known
    }
    for section in sections:
        if section.name in document.data:
            _read_section(document, section, into[section.key], problems)
        elif section.name in meant:
            into[section.key].complete = False
        elif section.required:
            problems.add(document.at(), "missing_key", word=section.name)
            into[section.key].complete = False


def read_whole(document: Document, model: type[M], problems: Problems) -> Item[M] | None:
    """Read a document that is one entry."""
    if not _is_mapping(document, problems):
        return None
    find_secrets(document, problems)
    return _validate(document, (), model, problems)


def _is_mapping(document: Document, problems: Problems) -> bool:
    if isinstance(document.data, dict):
        return True
    problems.add(document.at(), "want_mapping", value=_shown(document.data))
    return False


def _read_section(document: Document, section: Section, into: Entries[Any], problems: Problems) -> None:
    data = document.data[section.name]
    if not section.many:
        item = _validate(document, (section.name,), section.model, problems)
        if item is not None:
            into.items.append(item)
        return
    if not isinstance(data, list):
        if data is not None:
            problems.add(document.at(section.name), "want_list", value=_shown(data))
            into.complete = False
        return
    for index, raw in enumerate(data):
        path = (section.name, index)
        _note_id(document, path, section, raw, into, problems)
        item = _validate(document, path, section.model, problems)
        if item is None:
            into.broken += 1
        else:
            into.items.append(item)


def _note_id(
    document: Document, path: Path, section: Section, raw: Any, into: Entries[Any], problems: Problems
) -> None:
    if not section.identity or not isinstance(raw, dict) or not isinstance(raw.get(section.identity[0]), str):
        return
    identity = "/".join(str(raw[key]) for key in section.identity if raw.get(key))
    spot = document.at(*path, section.identity[0])
    first = into.ids.setdefault(identity, spot)
    if first is not spot:
        problems.add(spot, "duplicate_id", word=identity, first=f"{first.file}:{first.line}")


def _validate(document: Document, path: Path, model: type[M], problems: Problems) -> Item[M] | None:
    raw: Any = document.data
    for part in path:
        raw = raw[part]
    if not isinstance(raw, dict):
        problems.add(document.at(*path), "want_mapping", value=_shown(raw))
        return None
    try:
        return Item(model.model_validate(raw), document, path)
    except ValidationError as error:
        details = error.errors(include_url=False)
    # A list of which every entry is wrong is also too short: one mistake, said once.
    wrong = {detail["loc"][:-1] for detail in details}
    details = [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in wrong]
    noted = _Noted()
    for detail in sorted(details, key=lambda one: one["type"] != "extra_forbidden"):
        _explain(document, path, model, detail, problems, noted)
    # Without its unknown keys the entry may still be good: then its references are checked in the same run.
    if noted.other or not noted.unknown:
        return None
    return Item(model.model_validate(_without(raw, noted.unknown, ())), document, path)


@dataclass(slots=True)
class _Noted:
    """What has been noted about one entry."""

    unknown: set[Path] = field(default_factory=set)
    meant: set[Path] = field(default_factory=set)
    """Keys that an unknown key is a misspelling of: that they are missing is the same mistake."""
    other: bool = False


def _without(data: Any, unwanted: set[Path], path: Path) -> Any:
    if isinstance(data, dict):
        return {
            key: _without(value, unwanted, (*path, key)) for key, value in data.items() if (*path, key) not in unwanted
        }
    if isinstance(data, list):
        return [_without(value, unwanted, (*path, index)) for index, value in enumerate(data)]
    return data


def _explain(
    document: Document, path: Path, model: type[Frozen], detail: ErrorDetails, problems: Problems, noted: _Noted
) -> None:
    kind, context = detail["type"], detail.get("ctx", {})
    location = tuple(detail["loc"])
    if kind == "default_factory_not_called":
        return  # it follows from another mistake of the same entry
    if kind == "extra_forbidden":
        _explain_unknown_key(document, path, model, location, problems, noted)
        return
    noted.other = True
    spot, value = document.at(*path, *location), detail["input"]
    word = str(location[-1]) if location else ""
    if kind == "missing":
        if location not in noted.meant:
            problems.add(document.at(*path, *location), "missing_key", word=word)
    elif kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        problems.add_unknown(spot, "not_one_of", _shown(value), choices)
    elif kind == "string_pattern_mismatch":
        fix_zh, fix_en = _form(str(context.get("pattern", "")))
        problems.add(spot, "bad_form", value=_shown(value), fix_zh=fix_zh, fix_en=fix_en)
    elif kind in ("bad_duration", "bad_date"):
        problems.add(spot, kind, value=context.get("value", _shown(value)))
    elif kind in _BOUNDS:
        short = _BOUNDS[kind]
        problems.add(spot, "out_of_bounds", value=_shown(value), bound=_SIGNS[short].format(context.get(short)))
    elif kind in ("string_too_short", "string_too_long"):
        limit = context.get("max_length", 300)
        problems.add(spot, "text_length", limit=limit)
    elif kind in _WANTED:
        problems.add(spot, _WANTED[kind], value=_shown(value))
    else:
        problems.add(spot, "invalid", why=detail["msg"])


def _explain_unknown_key(
    document: Document, path: Path, model: type[Frozen], location: Path, problems: Problems, noted: _Noted
) -> None:
    spot, word = document.at(*path, *location), str(location[-1])
    noted.unknown.add(location)
    if path[:1] == ("channels",) and word.lower() in _SECRET_KEYS:
        example = "url_env: GENGFU_WEBHOOK_URL" if "url" in word.lower() else f"key_env: {_ENV_EXAMPLE}"
        problems.add(spot, "secret_in_file", example=example)
        return
    written = document_keys(document, (*path, *location[:-1]))
    fields = _model_at(model, location[:-1]).model_fields
    near = problems.add_unknown(spot, "unknown_key", word, [name for name in fields if name not in written] or fields)
    noted.meant.add((*location[:-1], near))


def document_keys(document: Document, path: Path) -> set[str]:
    """The keys written at a path: a misspelt one is none of them."""
    data = document.data
    for part in path:
        data = data[part]
    return set(data) if isinstance(data, dict) else set()


def _model_at(model: type[BaseModel], location: Path) -> type[BaseModel]:
    """The model a location leads to, through lists."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _inner_model(model.model_fields[part].annotation) or model
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        inner = _inner_model(argument)
        if inner is not None:
            return inner
    return None


def _form(pattern: str) -> tuple[str, str]:
    if "[0-5][0-9]" in pattern:
        return "写成 24 小时制的时刻，如 07:30", "Write a time of day from 00:00 to 23:59, such as 07:30"
    if "A-Z0-9-]" in pattern:
        return "用 4 到 32 个大写字母、数字和连字符", "Use 4 to 32 capital letters, digits and hyphens"
    if "_-]" in pattern:
        return "只用小写字母、数字和中间的 - 或 _", "Use lower-case letters, digits and inner - or _"
    if "[0-9a-f]{12}" in pattern:
        return (
            '写 6 个字节的小写十六进制，加引号，如 "790300000000"',
            'Write its six bytes in lower-case hex, in quotes, such as "790300000000"',
        )
    if "{1,5}" in pattern:
        return "写成 主机:端口，如 192.168.1.20:4001", "Write host:port, such as 192.168.1.20:4001"
    if "A-Z]{2" in pattern:
        return "写成 NUM-01 这样的编号", "Write an id such as NUM-01"
    if "_" in pattern:
        return (
            "用小写字母开头，只含小写字母、数字和下划线",
            "Start with a lower-case letter; lower-case letters, digits and _ only",
        )
    return (
        "只用小写字母、数字和中间的连字符，最多 64 个字符",
        "Use lower-case letters, digits and inner hyphens, at most 64 characters",
    )


def find_secrets(document: Document, problems: Problems) -> None:
    """Note every text of the document that carries a secret; its value is never repeated."""
    for path, text in _texts(document.data, ()):
        if _SECRET_TEXT.search(text):
            problems.add(document.at(*path), "secret_in_file", example=_ENV_EXAMPLE)


def _texts(data: Any, path: Path) -> Iterable[tuple[Path, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))


def _shown(value: Any) -> str:
    """A value as the person wrote it, short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
