"""Texts as panels write them: cut, padded, with rubbish behind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drivers.gb26875.texts import name_field, read_text, write_text


@pytest.mark.parametrize(
    ("raw", "text", "marks"),
    [
        ("1号接口板".encode("gb18030").ljust(31, b"\0"), "1号接口板", ()),
        ("1号接口板".encode("gb18030").ljust(31), "1号接口板", ()),
        ("烟感".encode("gb18030") + b"\0" + b"\xff\x81\x30 left over", "烟感", ()),
        (b"\0" + b"left over", "", ()),
        (b" " * 31, "", ()),
        (bytes(31), "", ()),
        (b"", "", ()),
        ("消防泵房".encode("gb18030")[:-1], "消防泵", ("cut_text",)),
        ("消防㐂".encode("gb18030")[:-1], "消防", ("cut_text",)),
        ("消防".encode("gb18030")[:-1] + b"\0\0", "消", ("cut_text",)),
        (b"\xff\xff 2F", "\ufffd\ufffd 2F", ("bad_text",)),
        (b"A\x1b[31m\tB\r\n", "A [31m B", ()),
        ("Ａ区　１层".encode("gb18030"), "Ａ区 １层", ()),
        ("㐂𠀀".encode("gb18030"), "㐂𠀀", ()),
    ],
)
def test_a_text_is_read_as_far_as_it_is_one(raw: bytes, text: str, marks: tuple[str, ...]) -> None:
    assert read_text(raw) == (text, marks)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_some_text(raw: bytes) -> None:
    text, marks = read_text(raw)
    assert "\0" not in text
    assert set(marks) <= {"cut_text", "bad_text"}
    text.encode()


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40))
def test_no_character_is_cut_when_it_is_written(text: str) -> None:
    field = name_field(text)
    read, marks = read_text(field)
    assert len(field) == 31
    assert text.startswith(read)
    assert marks == ()
    assert write_text(read, 31) == field.rstrip(b"\0")
