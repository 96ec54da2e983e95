"""The ledger as a spreadsheet: there and back, and everything that people send instead."""

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from gateway.site.equipment_kinds import ALL_KINDS
from gateway.site.model import SiteConfig
from services.equipment import service, store
from services.equipment.commands import blank
from services.equipment.sheet import importing, reading, writing
from services.equipment.sheet.columns import COLUMNS, Names
from services.equipment.sheet.importing import ImportPlan
from services.equipment.sheet.words import _SENTENCES, sentence
from services.equipment.tables import Equipment
from services.equipment.values import STATUSES, clean
from services.kernel.db import Database
from services.kernel.errors import Invalid

NOW = datetime.fromisoformat("2026-11-22T10:00:00+08:00")
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=30).map(
    clean
)
FORMULAS = st.sampled_from(["=1+1", "+86 21", "-3", "@cmd", '=HYPERLINK("http://x")', "'=1", "{=A1}", "_x0041_"])
TEXT_COLUMNS = ("name_en", "place", "maker", "model", "serial", "rating", "note")
DAYS = st.none() | st.dates(date(1900, 3, 1), date(2200, 1, 1))


def entry(eid: str, **values: Any) -> Equipment:
    """An entry of the ledger."""
    known = {**blank(), "id": f"id-{eid}", "site": "hill", "eid": eid, "tag": f"T-{eid}", "origin": "entered"}
    known |= {"name": "泵", "kind": "pump_set", "declared": True, "status": "in_use", "status_at": NOW, "version": 0}
    return Equipment(**{**known, **values})


def table(
    rows: list[Equipment], config: SiteConfig, edit: Callable[[Worksheet], object] = lambda _: None
) -> reading.Table:
    """The exported ledger after somebody edited it."""
    book = openpyxl.load_workbook(BytesIO(writing.workbook(config, rows)))
    edit(book["台账"])
    target = BytesIO()
    book.save(target)
    return reading.read(target.getvalue())


def planned(config: SiteConfig, rows: list[Equipment], edit: Callable[[Worksheet], object]) -> ImportPlan:
    """What importing the edited ledger would do."""
    return importing.plan(config, rows, table(rows, config, edit))


def cell(page: Worksheet, column: str, row: int, value: object) -> None:
    """Type something into a column."""
    number = next(index for index, one in enumerate(COLUMNS, start=1) if one.key == column)
    page.cell(row, number).value = value  # type: ignore[assignment]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), language=st.sampled_from(["zh", "en"]))
def test_what_was_exported_comes_back_unchanged(config: SiteConfig, data: st.DataObject, language: str) -> None:
    rows = [
        entry(
            f"e{number}",
            **{key: data.draw(WORDS | FORMULAS) for key in TEXT_COLUMNS},
            **{key: data.draw(DAYS) for key in ("made_on", "warranty_until_on", "scrap_due_on")},
            name=data.draw(WORDS | FORMULAS) or "泵",
            code=f"C{number}",
            kind=data.draw(st.sampled_from(ALL_KINDS)),
            status=data.draw(st.sampled_from(STATUSES)),
            area=data.draw(st.sampled_from(["", "b1", "pump", "gone"])),
            responsible=data.draw(st.sampled_from(["", "eng", "left"])),
            bindings=data.draw(st.sampled_from([[], [["point", "p1"], ["device", "plc"]]])),
        )
        for number in range(3)
    ]  # fmt: skip
    known = [row for row in rows if row.area != "gone" and row.responsible != "left"]
    plan = importing.plan(config, known, reading.read(writing.workbook(config, known, language)))
    assert plan.problems == () if known else plan.blocked
    assert [one.changes for one in plan.rows] == [{}] * len(known)
    assert {one.action for one in plan.rows} <= {"unchanged"}


def test_nothing_that_was_exported_calculates(config: SiteConfig) -> None:
    book = openpyxl.load_workbook(
        BytesIO(writing.workbook(config, [entry("a", name="=1+1", serial="@x", rating="+1")]))
    )
    values = [one for row in book["台账"].iter_rows(min_row=2) for one in row if one.value is not None]
    assert "=1+1" in [one.value for one in values]
    assert {one.data_type for one in values} == {"s"}
    assert all(one.number_format == "@" for one in values)


def test_every_problem_of_every_row_is_named_at_once(config: SiteConfig) -> None:
    def spoil(page: Worksheet) -> None:
        cell(page, "kind", 2, "火箭")
        cell(page, "area", 2, "月球")
        cell(page, "responsible", 2, "张三")
        cell(page, "supervisor", 2, "eng")
        cell(page, "made_on", 3, "去年")
        cell(page, "installed_on", 3, datetime.fromisoformat("2020-01-01T08:30:00"))
        cell(page, "in_use_on", 3, 43831)
        cell(page, "maker", 3, "=A1")
        cell(page, "model", 3, True)
        cell(page, "serial", 3, 12345678901234567890)
        cell(page, "status", 3, "停用")
        cell(page, "bindings", 3, "p1")
        cell(page, "code", 4, "C-a")
        cell(page, "eid", 5, "A B")
        cell(page, "name", 5, "新")
        cell(page, "eid", 6, "a")

    rows = [entry(eid, code=f"C-{eid}") for eid in "abc"]
    plan = planned(config, rows, spoil)
    assert {(one.row, one.column, one.fault) for one in plan.problems} == {
        (2, "kind", "unknown_kind"), (2, "area", "unknown_area"), (2, "responsible", "unknown_person"),
        (2, "supervisor", "wrong_role"), (3, "made_on", "not_date"), (3, "installed_on", "has_time"),
        (3, "in_use_on", "not_date"), (3, "maker", "formula"), (3, "model", "not_text"), (3, "serial", "long_number"),
        (3, "status", "status_change"), (3, "bindings", "bad_binding"), (4, "code", "doubled_code"),
        (5, "eid", "bad_eid"), (5, "kind", "required"), (6, "eid", "doubled_eid"), (6, "name", "required"),
        (6, "kind", "required"),
    }  # fmt: skip


def test_dates_written_as_text_are_understood_when_they_cannot_be_misread(config: SiteConfig) -> None:
    texts = ["2020-01-02", "2020/1/2", "2020.1.2", "2020年1月2日", " 2020-01-02 "]

    def write(page: Worksheet) -> None:
        for row, text in enumerate(texts, start=2):
            cell(page, "made_on", row, text)
        cell(page, "made_on", 7, "02/01/2020")
        cell(page, "made_on", 8, "2020-02-30")

    plan = planned(config, [entry(eid) for eid in "abcdefg"], write)
    assert [one.changes["made_on"] for one in plan.of("changed")] == [[None, "2020-01-02"]] * len(texts)
    assert [(one.row, one.fault) for one in plan.problems] == [(7, "not_date"), (8, "not_date")]


def test_new_rows_changed_rows_and_what_the_site_files_say(config: SiteConfig, db: Database, now: datetime) -> None:
    with db.begin() as s:
        service.sync(s, config, now)
        rows = service.of_site(s, "hill")

        def write(page: Worksheet) -> None:
            line = {row.eid: number for number, row in enumerate(rows, start=2)}
            cell(page, "model", line["pump-1"], 4711)
            cell(page, "name", line["lift-1"], "别名")
            for column, value in {
                "name": "摇表",
                "kind": "检测仪表",
                "area": "泵房",
                "responsible": "设备责任人",
            }.items():
                cell(page, column, len(rows) + 2, value)

        sent = table(rows, config, write)
        plan = importing.plan(config, rows, sent)
        assert [(one.column, one.fault, one.about["value"]) for one in plan.problems] == [("name", "declared", "1号梯")]
        assert sentence(plan.problems[0], "zh") == "由站点文件规定为“1号梯”，请在 equipment.yaml 里改"
        with pytest.raises(Invalid, match="nothing was imported"):
            importing.carry_out(s, config, sent, now, actor="man")
    with db.begin() as s:
        assert service.by_eid(s, "hill", "instrument-1") is None
        done = importing.carry_out(s, config, sent, now, actor="man", partial=True)
        assert [(one.eid, one.action) for one in done.rows if one.action != "unchanged"] == [
            ("pump-1", "changed"), ("instrument-1", "new"),
        ]  # fmt: skip
    with db.begin() as s:
        new, pump = service.by_eid(s, "hill", "instrument-1"), service.by_eid(s, "hill", "pump-1")
        assert new is not None
        assert (new.area, new.responsible, new.origin) == ("pump", "eng", "entered")
        assert pump is not None
        assert (pump.model, pump.version) == ("4711", 1)
        assert store.history(s, pump.id)[0].data == {"fields": {"model": ["", "4711"]}, "import": True}
        assert store.history(s, new.id)[0].kind == "registered"


def test_a_code_finds_its_entry_and_an_empty_cell_empties(config: SiteConfig) -> None:
    def write(page: Worksheet) -> None:
        cell(page, "eid", 2, None)
        cell(page, "maker", 2, None)

    plan = planned(config, [entry("a", code="P-9", maker="沪东")], write)
    assert [(one.eid, one.changes) for one in plan.rows] == [("a", {"maker": ["沪东", ""]})]


def test_columns_that_were_removed_change_nothing_and_headings_may_stand_lower(config: SiteConfig) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for line in [["设备台账 2026"], [], ["名称*", "设备类型", "台账编号"], ["水泵", "pump_set", "P-9"]]:
        page.append(line)
    page.merge_cells("A1:C1")
    target = BytesIO()
    book.save(target)
    plan = importing.plan(config, [entry("a", code="P-9", maker="沪东")], reading.read(target.getvalue()))
    assert [(one.eid, one.changes) for one in plan.rows] == [("a", {"name": ["泵", "水泵"]})]


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda page: page.delete_cols(3), "missing_column"),
        (lambda page: setattr(page["Z1"], "value", "颜色"), "unknown_column"),
        (lambda page: setattr(page["Z1"], "value", "名称"), "doubled_column"),
        (lambda page: page.merge_cells("F2:F3"), "merged"),
        (lambda page: page.delete_rows(2, 9), "empty"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(config: SiteConfig, spoil: Callable[[Worksheet], object], fault: str) -> None:
    plan = planned(config, [entry("a"), entry("b")], spoil)
    assert fault in {one.fault for one in plan.problems}
    assert plan.blocked
    assert not plan.rows


def with_sheet(content: bytes, book: bytes = b"") -> bytes:
    """A small file whose sheet is this; the other parts are those of `book`."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        if book:
            with zipfile.ZipFile(BytesIO(book)) as parts:
                for name in set(parts.namelist()) - {"xl/worksheets/sheet1.xml"}:
                    archive.writestr(name, parts.read(name))
        archive.writestr("xl/worksheets/sheet1.xml", content)
    return target.getvalue()


@pytest.mark.timeout(20)
def test_ranges_of_merged_cells_are_found_in_one_pass(config: SiteConfig) -> None:
    """A comment full of unfinished tags took a minute for every 20,000 of them."""
    book = writing.workbook(config, [])
    with zipfile.ZipFile(BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    spoilt = sheet.replace(b"</worksheet>", b"<!--" + b"<mergeCell " * 200_000 + b"--></worksheet>")
    assert reading.read(with_sheet(spoilt, book)).merged == ()


def bomb() -> bytes:
    """A few bytes that unpack to many."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (reading.MAX_UNPACKED + 1))
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lambda: b"not a workbook", "not an .xlsx"),
        (lambda: b"PK\x03\x04broken", "not an .xlsx"),
        (lambda: b"x" * (reading.MAX_BYTES + 1), "bytes"),
        (bomb, "too large once unpacked"),
        (lambda: with_sheet(b"<c/>" * (reading.MAX_PIECES + 1)), "too large once unpacked"),
    ],
)
def test_what_is_no_workbook_is_refused(content: Callable[[], bytes], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        reading.read(content())


def test_no_more_rows_than_the_limit_are_read(config: SiteConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", 3)
    found = table([entry(f"e{number}") for number in range(5)], config)
    assert found.too_long
    assert len(found.lines) == 3
    assert importing.plan(config, [], found).blocked


def test_places_with_the_same_name_are_told_apart(config: SiteConfig) -> None:
    twin = config.areas[2].model_copy(update={"name": "1号楼"})
    names = Names(SiteConfig(site=config.site, areas=(config.areas[0], twin)), "zh")
    assert names.area("b1") == "1号楼（b1）"
    assert (names.area_of("1号楼"), names.area_of("1号楼（b2）"), names.area_of("b1")) == (None, "b2", "b1")


def test_every_fault_has_words_in_both_languages() -> None:
    for fault in _SENTENCES:
        problem = importing.RowProblem(
            1, "name", fault, {"value": "in_use", "most": 3, "role": "eng", "wanted": "x", "before": "b"}
        )  # type: ignore[arg-type]
        assert sentence(problem, "zh")
        assert sentence(problem, "en")
        assert "{" not in sentence(problem, "zh") + sentence(problem, "en")
