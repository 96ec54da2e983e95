"""The pdf says what the snapshot says, in one embedded font; the same snapshot gives the same bytes."""

import re
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from report_snapshots import INJECTION, RARE, SINCE, UNBROKEN, empty, small, snapshot, table_of
from report_words import figures, rows, squeezed, tables

from services.report.masking import masked
from services.report.model import Signer, Snapshot
from services.report.render import fonts, pdf, typesetting
from services.report.render.edition import Edition, Signature
from services.report.render.errors import FontMissing, RenderError

MANY = 120


@cache
def made(devices: int = MANY) -> bytes:
    return pdf.render(snapshot(devices, changes=True), Edition(sha256="0123456789abcdef" * 4))


@cache
def pages(data: bytes) -> tuple[str, ...]:
    return tuple(page.extract_text() for page in PdfReader(BytesIO(data)).pages)


def whole(data: bytes) -> str:
    return squeezed("".join(re.sub(r"云河物业服务有限公司\s*第 \d+ 页 / 共 \d+ 页", "", one) for one in pages(data)))


def test_every_row_reads_as_in_the_snapshot() -> None:
    text = whole(made())
    for table in tables(snapshot(MANY, changes=True)):
        for row in table:
            short = [squeezed(one) for one in row if len(one) < 40 and not set(one) & set("#=")]
            assert all(one in text for one in short), row
    for row in figures(snapshot(MANY), snapshot(MANY).key_figures):
        assert squeezed("".join(row)) in text


def test_a_table_over_many_pages_has_its_heading_on_each() -> None:
    one = snapshot(MANY, changes=True)
    data = made()
    text = whole(data)
    missing = [row for row in rows(table_of(masked(one), "devices"), one) if squeezed("".join(row)) not in text]
    assert not missing
    with_devices = [page for page in pages(data) if re.search(r"EQ-\d{5}", page)]
    assert len(with_devices) >= 3
    assert all(squeezed("编号名称位置投用末次检查") in squeezed(page) for page in with_devices)


def test_header_and_page_numbers() -> None:
    said = pages(made())
    assert "第 1 页" not in said[0]
    for index, page in enumerate(said[1:], start=2):
        assert squeezed(f"第{index}页/共{len(said)}页") in squeezed(page)
        assert "XJ-202610-yunhe-2" in page


def test_a_form_has_its_own_page() -> None:
    first = [page for page in pages(made()) if "表号" in page]
    assert len(first) == 2
    assert "C.1" in first[0]
    assert "A.1" in first[1]
    assert all(page.strip() for page in pages(made()))


def test_markup_stays_words() -> None:
    assert squeezed(INJECTION) in whole(made())
    assert squeezed(UNBROKEN) in whole(made())


def test_rare_characters_and_what_no_font_has() -> None:
    odd = small().model_copy(update={"conclusions": (f"{RARE} \U0001f600 \ue000 √×—□ \u2611 a\u0007b",)})
    assert squeezed(f"{RARE} [U+1F600] [U+E000] √×—□ [U+2611] ab") in whole(pdf.render(odd))


def test_the_font_is_embedded_and_the_only_one() -> None:
    reader = PdfReader(BytesIO(made()))
    seen = set()
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()
            seen.add(str(inner["/BaseFont"]).partition("+")[2])
            assert "/FontFile3" in inner["/FontDescriptor"].get_object()
    assert len(seen) == 1
    assert "NotoSansCJKsc" in seen.pop()


def test_same_snapshot_same_bytes() -> None:
    assert pdf.render(snapshot(MANY, changes=True), Edition(sha256="0123456789abcdef" * 4)) == made()


def test_a_month_without_records_is_readable() -> None:
    text = whole(pdf.render(empty()))
    assert "本月无记录" in text
    assert "本月无数据" in text
    assert "无数据" in text
    assert "0.0%" not in text
    assert "100.0%" not in text


def test_signatures() -> None:
    assert "自动生成·待签" in whole(pdf.render(small()))
    asked = [signer.slot for signer in small().signers if signer.username]
    given = tuple(Signature(slot, "物业经理", SINCE, "同意") for slot in asked)
    text = whole(pdf.render(small(), Edition(signatures=given)))
    assert "已签·锁定" in text
    assert "待签" not in text
    assert text.count("已在系统中签署") == len(asked)
    assert "2026-10-0100:00" in text


def test_one_signature_of_three_is_not_signed() -> None:
    one = small()
    given = (Signature("prepared", "设备责任人", SINCE),)
    assert not Edition(signatures=given).signed(one)
    assert not Edition().signed(one.model_copy(update={"signers": ()}))


def test_a_running_month_in_english() -> None:
    running = small().model_copy(update={"meta": snapshot(0, running=True).meta})
    text = " ".join(pages(pdf.render(running, Edition(language="en"))))
    assert "Month not over" in text
    assert "October 2026" in text
    assert "Page 2 of" in text


def test_names_are_masked_by_default() -> None:
    assert "欧阳" not in whole(made())


def test_progress_goes_up_to_one() -> None:
    seen: list[float] = []
    pdf.render(small(), progress=lambda share, words: seen.append(share))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_missing_font_is_an_error_never_boxes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "folder", lambda: tmp_path)
    with pytest.raises(FontMissing):
        pdf.render(small())


def test_a_template_that_cannot_be_set_is_an_error() -> None:
    with pytest.raises(RenderError, match="refused"):
        typesetting.pdf("#nonsense(", {}, {}, SINCE)


def test_long_and_many_signers_stay_on_paper() -> None:
    one = empty()
    lines = tuple(Signer(slot="client", title="业主委员会及委托单位代表签收" * 6) for _ in range(12))
    assert whole(pdf.render(Snapshot(meta=one.meta, signers=lines))).count("业主委员会及委托单位代表签收") == 72
