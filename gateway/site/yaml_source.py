"""One YAML file → plain data and the line of everything in it. No tags, no aliases, no surprises of YAML 1.1."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from gateway.site.problems import Path, Problems, Spot

MAX_BYTES = 2 << 20
MAX_DEPTH = 32
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# The scalars of YAML 1.2: `no`, `on`, `1:30`, `010` and dates stay the text a person wrote.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True)
class Document:
    """A file's data, and the line on which each path begins."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def at(self, *path: str | int) -> Spot:
        """The spot of a path; a path that is not there has the line of what should hold it."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return Spot(self.file, path, self.lines.get(known, 1))


def read_document(path: FilePath, file: str, problems: Problems) -> Document | None:
    """Read a file of at most 2 MiB; None when it could not be understood (problems say why)."""
    text = _read_text(path, file, problems)
    if text is None:
        return None
    reader = _Reader(Document(file), problems)
    before = len(problems)
    try:
        reader.read(yaml.parse(text, Loader=_Loader))
    except _Unusable:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join(part for part in (error.context, error.problem) if part)
        problems.add(Spot(file, (), mark.line + 1 if mark else None), "yaml_syntax", why=why)
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(Spot(file, (), line), "yaml_syntax", why=str(error.reason))
        return None
    if reader.document.data is None and len(problems) == before:
        problems.add(Spot(file, (), 1), "yaml_empty", known="id" if path.name == "site.yaml" else path.stem)
    return reader.document if reader.document.data is not None else None


def _read_text(path: FilePath, file: str, problems: Problems) -> str | None:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            problems.add(Spot(file), "file_too_big", size=path.stat().st_size, limit=MAX_BYTES)
            return None
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(Spot(file), "not_utf8", byte=error.start)
    except OSError as error:
        problems.add(Spot(file), "file_unreadable", why=error.strerror or str(error))
    return None


class _Unusable(Exception):
    """The rest of the file cannot be read in a meaningful way; the problem is noted."""


class _Reader:
    """Builds a document from parser events."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self.document = document
        self._problems = problems

    def read(self, events: Iterator[yaml.Event]) -> None:
        """Consume all events."""
        seen = False
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    self._problems.add(self._spot((), event), "yaml_documents")
                    raise _Unusable
                seen = True
                self.document.data = self._value(next(events), events, ())

    def _spot(self, path: Path, event: yaml.Event) -> Spot:
        return Spot(self.document.file, path, _line(event))

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Any:
        self.document.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._problems.add(self._spot(path, event), "yaml_alias")
            raise _Unusable
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problems.add(self._spot(path, event), "yaml_tag", tag=str(tag)[:80])
            raise _Unusable
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style else _scalar(event.value)
        if len(path) >= MAX_DEPTH:
            self._problems.add(self._spot(path[:4], event), "yaml_depth", limit=MAX_DEPTH)
            raise _Unusable
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        return self._mapping(events, path)

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> list[Any]:
        values: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, events, (*path, len(values))))
        return values

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent) or event.anchor:
                self._problems.add(self._spot(path, event), "yaml_key")
                raise _Unusable
            key, line = event.value, _line(event)
            if key in values:
                first = self.document.lines[(*path, key)]
                self._problems.add(self._spot((*path, key), event), "duplicate_key", word=key, first=first)
                self._value(next(events), events, (*path, key))
                continue
            self.document.lines[(*path, key)] = line
            values[key] = self._value(next(events), events, (*path, key))
        return values


def _line(event: yaml.Event) -> int:
    mark: Any = event.start_mark
    return int(mark.line) + 1


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
