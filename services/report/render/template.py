"""The Word template of reports, from code; `python -m services.report.render.template FILE` writes it for restyling.

What a site changes in Word stays: the styles named here, the cover, header and footer. `{{ body }}` must stay.
"""

import sys
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

SONG, HEI, LATIN = "宋体", "黑体", "Arial"
ACCENT, QUIET = RGBColor(0x1F, 0x4E, 0x62), RGBColor(0x5B, 0x67, 0x70)
CELL, NOTE, TABLE = "Gengfu Cell", "Gengfu Note", "Gengfu Table"
BODY = "{{ body }}"

_TABLE_STYLE = f"""
<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="GengfuTable">
  <w:name w:val="{TABLE}"/><w:uiPriority w:val="59"/><w:qFormat/>
  <w:tblPr>
    <w:tblBorders>
      <w:top w:val="single" w:sz="8" w:color="1F4E62"/><w:bottom w:val="single" w:sz="8" w:color="1F4E62"/>
      <w:insideH w:val="single" w:sz="4" w:color="C5CDD2"/><w:insideV w:val="single" w:sz="4" w:color="E4E9EC"/>
    </w:tblBorders>
    <w:tblCellMar><w:left w:w="70" w:type="dxa"/><w:right w:w="70" w:type="dxa"/></w:tblCellMar>
  </w:tblPr>
  <w:tblStylePr w:type="firstRow">
    <w:rPr><w:b/><w:color w:val="1F4E62"/></w:rPr>
    <w:tcPr><w:shd w:val="clear" w:color="auto" w:fill="E8EFF2"/></w:tcPr>
  </w:tblStylePr>
</w:style>"""


@cache
def shipped() -> bytes:
    """The template as it comes."""
    document: Any = Document()
    _page(document.sections[0])
    _styles(document)
    _frame(document.sections[0])
    _cover(document)
    document.add_paragraph(BODY)
    target = BytesIO()
    document.save(target)
    return target.getvalue()


def field(paragraph: Any, instruction: str, shown: str = "1") -> None:
    """A field that Word fills, e.g. PAGE."""
    for kind, text in (("begin", ""), ("instrText", instruction), ("separate", ""), ("t", shown), ("end", "")):
        run = paragraph.add_run()
        if kind in ("instrText", "t"):
            part: Any = OxmlElement(f"w:{kind}")
            part.set(qn("xml:space"), "preserve")
            part.text = text
        else:
            part = OxmlElement("w:fldChar")
            part.set(qn("w:fldCharType"), kind)
        run._r.append(part)  # noqa: SLF001 - python-docx has fields nowhere


def _page(section: Any) -> None:
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin, section.right_margin = Mm(20), Mm(18)
    section.top_margin, section.bottom_margin = Mm(25), Mm(21)
    section.header_distance = section.footer_distance = Mm(12)
    section.different_first_page_header_footer = True


def _styles(document: Any) -> None:
    styles = document.styles
    styles.element.append(parse_xml(_TABLE_STYLE))
    _font(styles["Normal"], SONG, 10.5)
    styles["Normal"].paragraph_format.space_after = Pt(5)
    styles["Normal"].paragraph_format.line_spacing = 1.25
    for name, points, before, after in (("Heading 1", 15, 20, 8), ("Heading 2", 12, 12, 6)):
        _font(styles[name], HEI, points, ACCENT)
        styles[name].paragraph_format.space_before, styles[name].paragraph_format.space_after = Pt(before), Pt(after)
    _font(styles["Title"], HEI, 32)
    _font(styles["Subtitle"], HEI, 18, ACCENT)
    _font(styles["Caption"], HEI, 9.5, ACCENT)
    styles["Caption"].paragraph_format.keep_with_next = True
    styles["Caption"].paragraph_format.space_before = Pt(8)
    _font(styles["List Bullet"], SONG, 10.5)
    for name in ("Header", "Footer"):
        _font(styles[name], SONG, 8.5, QUIET)
    for name, size, colour in ((CELL, 9.0, None), (NOTE, 8.5, QUIET)):
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = styles["Normal"]
        _font(style, SONG, size, colour)
        style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(1.5)
        style.paragraph_format.line_spacing = 1.0
    for border in styles["Title"].element.iter(qn("w:pBdr")):
        border.getparent().remove(border)
        break


def _font(style: Any, east_asian: str, size: float, colour: RGBColor | None = None) -> None:
    style.font.name, style.font.size, style.font.italic = LATIN, Pt(size), False
    style.font.bold = False if east_asian == SONG else None
    if colour is not None:
        style.font.color.rgb = colour
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for script, name in (("ascii", LATIN), ("hAnsi", LATIN), ("cs", LATIN), ("eastAsia", east_asian)):
        fonts.set(qn(f"w:{script}"), name)


def _frame(section: Any) -> None:
    top = section.header.paragraphs[0]
    top.text = "{{ site }}　{{ title }}　{{ month }}\t{{ words.number }} {{ number }}"
    bottom = section.footer.paragraphs[0]
    bottom.add_run("{{ company }}\t{{ words.page_before }}")
    field(bottom, "PAGE")
    bottom.add_run("{{ words.page_between }}")
    field(bottom, "NUMPAGES")
    bottom.add_run("{{ words.page_after }}")
    for paragraph in (top, bottom):
        stops = paragraph.paragraph_format.tab_stops
        paragraph.style.paragraph_format.tab_stops.clear_all()
        stops.add_tab_stop(Mm(172), WD_TAB_ALIGNMENT.RIGHT)


def _cover(document: Any) -> None:
    document.add_paragraph("{{ company }}", style=NOTE)
    for _ in range(7):
        document.add_paragraph()
    document.add_paragraph("{{ site }}").runs[0].font.size = Pt(17)
    document.add_paragraph("{{ title }}", style="Title")
    document.add_paragraph("{{ month }}", style="Subtitle")
    document.add_paragraph("【{{ state }}】")
    for _ in range(7):
        document.add_paragraph()
    table = document.add_table(rows=3, cols=2)
    table.style = document.styles[TABLE]
    table.rows[0].cells[0].text = "{%tr for name, value in facts %}"
    for cell, text, width in zip(table.rows[1].cells, ("{{ name }}", "{{ value }}"), (Mm(40), Mm(132)), strict=True):
        cell.text, cell.width = text, width
        cell.paragraphs[0].style = document.styles[CELL]
    table.rows[2].cells[0].text = "{%tr endfor %}"
    look = table._tbl.tblPr.find(qn("w:tblLook"))  # noqa: SLF001 - nor this: the first row is no heading here
    look.set(qn("w:firstRow"), "0")
    look.set(qn("w:val"), "0400")
    document.add_paragraph("{{ words.hash }}", style=NOTE)


def main(arguments: list[str]) -> int:
    """Write the template to the file named; 2 when none is."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m services.report.render.template FILE.docx\n")
        return 2
    Path(arguments[0]).write_bytes(shipped())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
