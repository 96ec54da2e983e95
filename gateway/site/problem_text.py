"""What is said of one kind of problem."""

from typing import NamedTuple


class Text(NamedTuple):
    """Message and suggestion in both languages; `{names}` are filled by the problem."""

    zh: str
    fix_zh: str
    en: str
    fix_en: str
