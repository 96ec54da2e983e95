"""Languages of the console: English message ids in code and templates, Chinese from the catalogue."""

import gettext
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.dates import format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = {"zh": "简体中文", "en": "English"}
DEFAULT = "zh"
BABEL_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}
HTML_LANGUAGES = {"zh": "zh-CN", "en": "en"}

Translate = Callable[[str], str]


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark a message id for extraction where it is declared; it is translated where it is shown."""
    return message


JUST_NOW = N_("just now")


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations of a language; compiled from the catalogue when the process starts."""
    path = LOCALE / language / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return gettext.NullTranslations()
    with path.open("rb") as source:
        catalog = read_po(source, locale=BABEL_LOCALES[language])
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def known(language: str | None) -> str:
    """The language itself when there is one of that name, else the default."""
    return language if language in LANGUAGES else DEFAULT


def ago(delta: timedelta, language: str) -> str:
    """`3 minutes ago`, or `in 3 minutes` for a negative delta; within a second it is now."""
    if abs(delta) < timedelta(seconds=1):
        return catalogue(language).gettext(JUST_NOW)
    return format_timedelta(-delta, add_direction=True, locale=BABEL_LOCALES[language], threshold=1.1)


def span(delta: timedelta, language: str) -> str:
    """A duration in its largest fitting unit: `4 hours`."""
    return format_timedelta(delta, locale=BABEL_LOCALES[language], threshold=1.1)
