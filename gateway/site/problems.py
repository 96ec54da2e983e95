"""What is wrong in site files: where it is, what it is, and what to write instead; in Chinese or English."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gateway.contract.errors import GengfuError
from gateway.site.messages import CHANGE_TO, MESSAGES

Language = Literal["zh", "en"]
Path = tuple[str | int, ...]


class Spot(NamedTuple):
    """A place in a file: relative file name, path within the document, 1-based line."""

    file: str
    path: Path = ()
    line: int | None = None

    @property
    def place(self) -> str:
        """E.g. `points[3].unit`; empty for the whole file."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. `code` is stable; the texts follow from it and `values`."""

    spot: Spot
    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Path relative to the directory that was loaded."""
        return self.spot.file

    @property
    def place(self) -> str:
        """E.g. `points[3].unit`; empty for the whole file."""
        return self.spot.place

    @property
    def line(self) -> int | None:
        """1-based; None when the file itself is the problem."""
        return self.spot.line

    @property
    def message(self) -> str:
        """What is wrong, in Chinese."""
        return self.message_in("zh")

    @property
    def suggestion(self) -> str:
        """What to write instead, in Chinese."""
        return self.suggestion_in("zh")

    def message_in(self, language: Language) -> str:
        """What is wrong."""
        text = MESSAGES[self.code]
        return (text.zh if language == "zh" else text.en).format_map(self.values)

    def suggestion_in(self, language: Language) -> str:
        """What to write instead; a near miss is named."""
        text = CHANGE_TO if self.values.get("near") else MESSAGES[self.code]
        return (text.fix_zh if language == "zh" else text.fix_en).format_map(self.values)


class Problems:
    """Collects problems while everything is read."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, spot: Spot, code: str, **values: object) -> None:
        """Note a problem; values fill the texts of its code."""
        self._found.append(Problem(spot, code, values))

    def add_unknown(
        self, spot: Spot, code: str, word: str, known: Iterable[str], *, cutoff: float = 0.6, **values: object
    ) -> str:
        """Note a word that is none of `known`; returns the nearest one, or "" and lists them when none is near."""
        words = sorted(set(known))
        close = difflib.get_close_matches(word, words, n=1, cutoff=cutoff)
        if not close:
            close = [one for one in words if one.lower() == word.lower()]
        listed = ", ".join(words[:20]) + (", …" if len(words) > 20 else "")
        near = close[0] if close else ""
        self.add(spot, code, word=word, near=near, known=listed or "-", **values)
        return near

    def __len__(self) -> int:
        return len(self._found)

    def sorted(self) -> list[Problem]:
        """By file and line, each once."""
        unique = {(one.spot, one.message): one for one in self._found}
        return sorted(unique.values(), key=lambda one: (one.file, one.line or 0, one.place))


class SiteInvalid(GengfuError):
    """Site files that cannot be used; carries every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        where = f"{first.file}:{first.line}" if first.line else first.file
        super().__init__(
            f"{len(problems)} problem(s) in the site files; the first: {where} {first.message_in('en')}",
            hint="Run `gengfu check` to see them all",
        )
        self.problems = list(problems)


def format_problems(problems: Sequence[Problem], language: Language = "zh") -> str:
    """A text for the terminal: grouped by file, one line for what is wrong and one for what to write."""
    zh = language == "zh"
    lines: list[str] = []
    file = None
    for problem in problems:
        if problem.file != file:
            file = problem.file
            lines.append(file)
        line = ""
        if problem.line is not None:
            line = f"第 {problem.line} 行 " if zh else f"line {problem.line} "
        where = f"{line}{problem.place}".strip()
        colon = ("：" if zh else ": ") if where else ""
        lines.append(f"  {where}{colon}{problem.message_in(language)}")
        suggestion = problem.suggestion_in(language)
        if suggestion:
            lines.append(f"    → {suggestion}")
    lines.append(f"共 {len(problems)} 处问题" if zh else f"{len(problems)} problem(s)")
    return "\n".join(lines)
