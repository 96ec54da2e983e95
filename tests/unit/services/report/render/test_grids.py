"""Words are wrapped before letters get small, and numbers of orders are not broken."""

import pytest

from services.report.model import Column, Table
from services.report.render.grids import Grid, grid, units


def laid(*columns: Column, row: tuple[str | float | None, ...]) -> Grid:
    return grid(Table(id="t", caption="", columns=columns, rows=(row,)), "", "UTC", "zh", str)


def text(key: str, width: float = 1.0) -> Column:
    return Column(key=key, title=key, width=width)


def test_a_narrow_table_has_large_letters() -> None:
    assert laid(text("a"), text("b"), row=("泵房", "正常")).size == 9.0


def test_a_long_text_is_wrapped_not_shrunk() -> None:
    made = laid(text("a"), text("b"), row=("泵房" * 60, "WO-20261121-0001"))
    assert made.size >= 8.0
    assert made.weights[1] >= units("WO-20261121-0001")


def test_many_numbers_make_small_letters_but_not_tiny_ones() -> None:
    columns = tuple(Column(key=f"c{at}", title="值", kind="number") for at in range(18))
    assert 5.5 <= laid(*columns, row=(12345.6,) * 18).size < 8.0
    columns = tuple(Column(key=f"c{at}", title="值", kind="number") for at in range(60))
    assert laid(*columns, row=(12345.6,) * 60).size == 5.5


def test_wide_signs_count_as_wide() -> None:
    assert units("≥") == units("泵") == 2.0
    assert units("ab") == pytest.approx(2.2)


def test_the_author_can_ask_for_more_room() -> None:
    plain, wide = (
        laid(text("a"), text("b"), row=("字" * 10, "字" * 10)),
        laid(text("a", 1.6), text("b"), row=("字" * 10,) * 2),
    )
    assert wide.weights[0] > plain.weights[0]
    assert wide.weights[1] == plain.weights[1]
