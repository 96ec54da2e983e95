"""The Word file says what the snapshot says, and a site's own template is respected."""

from functools import cache
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from docx import Document
from report_snapshots import FORMULA, INJECTION, RARE, SINCE, empty, small, snapshot, table_of
from report_words import figures, rows, tables

from services.report.masking import masked
from services.report.render import docx, template
from services.report.render.edition import Edition, Signature
from services.report.render.errors import BadTemplate

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@cache
def made() -> bytes:
    return docx.render(snapshot(120, changes=True), Edition(sha256="0123456789abcdef" * 4))


@cache
def opened() -> Any:
    return Document(BytesIO(made()))


def text_of(element: Any) -> str:
    return "".join(one.text or "" for one in element.iter(f"{W}t"))


def words(table: Any) -> list[tuple[str, ...]]:
    """Rows of a table; a cell over several columns once."""
    return [tuple(text_of(cell) for cell in row.iter(f"{W}tc")) for row in table._tbl.tr_lst]


def test_every_table_reads_as_in_the_snapshot() -> None:
    one = snapshot(120, changes=True)
    inside = [words(table)[1:] for table in opened().tables]
    for table in tables(one):
        expected = table or [("本月无记录",)]
        assert expected in inside
    assert figures(one, one.key_figures) in inside
    assert rows(table_of(masked(one), "devices"), masked(one)) in inside


def test_headings_are_repeated() -> None:
    heads = [table._tbl.tr_lst[0] for table in opened().tables]
    plain = [text_of(row) for row in heads if row.find(f".//{W}tblHeader") is None]
    assert plain == ["报告编号XJ-202610-yunhe-2", "单位名称云河花园巡查月份2026年10月", "单位名称云河花园"]
    assert len(heads) == 15


def test_pages_are_numbered_by_fields() -> None:
    section = opened().sections[0]
    instructions = [one.text for one in section.footer._element.iter(f"{W}instrText")]
    assert instructions == ["PAGE", "NUMPAGES"]
    assert "XJ-202610-yunhe-2" in section.header.paragraphs[0].text


def test_markup_and_rare_characters_stay_words() -> None:
    text = "\n".join(one.text for one in opened().paragraphs)
    assert INJECTION in text
    assert RARE in text
    everything = [cell for table in opened().tables for row in words(table) for cell in row]
    assert INJECTION in everything
    assert FORMULA in everything


def test_markup_in_what_the_template_shows_stays_words() -> None:
    meta = small().meta.model_copy(update={"site_name": INJECTION, "company": "A&B <泵> {{ 1/0 }}"})
    text = [one.text for one in Document(BytesIO(docx.render(small().model_copy(update={"meta": meta})))).paragraphs]
    assert INJECTION in text
    assert "A&B <泵> {{ 1/0 }}" in text


def test_chinese_fonts_are_named() -> None:
    for name, font in (("Normal", "宋体"), ("Heading 1", "黑体"), ("Title", "黑体"), (template.CELL, "宋体")):
        fonts = opened().styles[name].element.rPr.rFonts
        assert fonts.get(f"{W}eastAsia") == font
        assert not [key for key in fonts.attrib if key.endswith("Theme")]


def test_every_chart_is_a_picture() -> None:
    with ZipFile(BytesIO(made())) as archive:
        images = [name for name in archive.namelist() if name.startswith("word/media/")]
        assert len(images) == 6
        assert all(archive.read(name).startswith(b"\x89PNG") for name in images)
    assert len(opened().inline_shapes) == 6


def test_same_snapshot_same_bytes() -> None:
    assert docx.render(snapshot(120, changes=True), Edition(sha256="0123456789abcdef" * 4)) == made()
    assert opened().core_properties.created == opened().core_properties.modified
    assert len(made()) < 500_000


def test_a_month_without_records() -> None:
    text = [cell for table in Document(BytesIO(docx.render(empty()))).tables for row in words(table) for cell in row]
    assert "本月无记录" in text
    assert "无数据" in text


def test_signatures() -> None:
    signed = docx.render(small(), Edition(signatures=(Signature("approved", "物业经理", SINCE, "同意"),)))
    cells = [cell for table in Document(BytesIO(signed)).tables for row in words(table) for cell in row]
    assert "物业经理√ 已在系统中签署（盖章）" in cells
    assert "2026-10-01 00:00" in cells
    assert "同意" in cells


def test_a_template_of_the_site_keeps_its_looks() -> None:
    own: Any = Document(BytesIO(template.shipped()))
    own.styles["Heading 1"].font.name = "Own Font"
    own.paragraphs[0].insert_paragraph_before("自有封面 {{ site }}")
    target = BytesIO()
    own.save(target)
    result: Any = Document(BytesIO(docx.render(small(), template=target.getvalue())))
    assert result.styles["Heading 1"].font.name == "Own Font"
    assert result.paragraphs[0].text == "自有封面 云河花园"


def saved(*paragraphs: str) -> bytes:
    document: Any = Document()
    for one in paragraphs:
        document.add_paragraph(one)
    target = BytesIO()
    document.save(target)
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"no zip", saved("no place for the body"), saved("{{ body }}", "{% if %}"), saved("{{ ''.__class__.__mro__ }}")],
)
def test_a_template_that_cannot_be_filled_is_an_error(content: bytes) -> None:
    with pytest.raises(BadTemplate):
        docx.render(small(), template=content)


def test_a_bare_template_is_enough() -> None:
    text = [one.text for one in Document(BytesIO(docx.render(small(), template=saved("{{ body }}")))).paragraphs]
    assert "一、本月结论" in text


def test_the_template_is_written_for_restyling(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "own.docx"
    assert template.main([str(target)]) == 0
    assert any(one.text == template.BODY for one in Document(str(target)).paragraphs)
    assert template.main([]) == 2
    assert "usage" in capsys.readouterr().err
