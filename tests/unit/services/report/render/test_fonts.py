"""Which characters the report's font can draw is read from the font itself."""

from pathlib import Path

import pytest

from services.report.render import fonts
from services.report.render.errors import FontMissing


def test_common_and_rare_characters_are_there() -> None:
    assert {ord(one) for one in "中喆堃㛃𠮷√×—□≥≤Ω°MPa＿·"} <= fonts.drawn()
    assert not {0x1F600, 0xE000, 0x2611} & fonts.drawn()


def test_what_cannot_be_drawn_is_named() -> None:
    assert fonts.printable("泵房\U0001f600") == "泵房[U+1F600]"
    assert fonts.printable("a\tb\u200b\u00adc\n") == "a bc\n"
    assert fonts.printable("中文 abc") == "中文 abc"


@pytest.mark.parametrize("content", [b"", b"ttcf", b"OTTO\x00\x01" + b"\x00" * 40])
def test_a_broken_font_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "x.ttc"
    broken.write_bytes(content)
    monkeypatch.setattr(fonts, "_file", lambda: broken)
    with pytest.raises(FontMissing):
        fonts.drawn.__wrapped__()
