import re
from datetime import timedelta

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.people.roles import PERMISSIONS
from services.web import i18n, labels
from services.web.templating import HERE, countdown, hexdump, number

METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def message_ids() -> set[str]:
    found = extract_from_dir(str(HERE), method_map=METHODS, keywords=KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def chinese() -> dict[str, str]:
    path = i18n.LOCALE / "zh" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as source:
        catalog = read_po(source, locale="zh_Hans_CN")
    return {
        one.id if isinstance(one.id, str) else one.id[0]: one.string if isinstance(one.string, str) else one.string[0]
        for one in catalog
        if one.id
    }


def test_every_text_has_a_chinese_translation() -> None:
    missing = sorted(message_ids() - {msgid for msgid, text in chinese().items() if text})
    assert not missing, "add them to services/web/locale/zh/LC_MESSAGES/messages.po"


def test_the_catalogue_has_no_leftovers() -> None:
    assert not sorted(chinese().keys() - message_ids())


def test_translations_keep_their_placeholders() -> None:
    pattern = re.compile(r"%\(\w+\)[sd]")
    wrong = [msgid for msgid, text in chinese().items() if set(pattern.findall(msgid)) != set(pattern.findall(text))]
    assert not wrong


def test_translations_use_full_width_punctuation() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,.:;!?](?:\s|$)")
    assert not [text for text in chinese().values() if half.search(text)]


def test_every_command_has_words() -> None:
    assert labels.COMMANDS.keys() == PERMISSIONS.keys()


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert labels.word("severity", "catastrophic", str) == "catastrophic"


@pytest.mark.parametrize(
    ("delta", "zh", "en"),
    [
        (timedelta(0), "刚刚", "just now"),
        (timedelta(minutes=3), "3分钟前", "3 minutes ago"),
        (-timedelta(hours=2), "2小时后", "in 2 hours"),
    ],
)
def test_relative_times(delta: timedelta, zh: str, en: str) -> None:
    assert (i18n.ago(delta, "zh"), i18n.ago(delta, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (59, "00:59"), (3599, "59:59"), (3600, "1:00:00"), (90_061, "1d 01:01"), (-65, "01:05")],
)
def test_countdowns(seconds: int, text: str) -> None:
    assert countdown(timedelta(seconds=seconds)) == text


def test_numbers_have_a_real_minus_and_a_dash_for_none() -> None:
    assert number(-0.45, 3) == "−0.450"
    assert number(None, 3) == "–"


def test_bytes_show_as_text_when_they_are_text() -> None:
    assert hexdump('{"值": 1}'.encode()) == '{"值": 1}'
    assert hexdump(b"ab\x00").startswith("0000  61 62 00")
