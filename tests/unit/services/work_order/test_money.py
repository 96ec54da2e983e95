"""Money in cents: rounding half up, reading and writing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.work_order.money import line_cents, parse_yuan, yuan


@pytest.mark.parametrize(
    ("quantity", "price", "cents"),
    [(1, 100, 100), (0.1, 5, 1), (0.1, 4, 0), (2.5, 3, 8), (3, 0, 0), (1.005, 100, 101), (0.3, 1050, 315)],
)
def test_half_a_cent_is_rounded_up(quantity: float, price: int, cents: int) -> None:
    assert line_cents(quantity, price) == cents


@given(st.integers(1, 10**6), st.integers(0, 3), st.integers(0, 10**7))
def test_a_line_is_the_nearest_cent_of_the_exact_product(digits: int, places: int, price: int) -> None:
    quantity = float(f"{digits}e-{places}")
    exact = Fraction(digits, 10**places) * price
    assert line_cents(quantity, price) == (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


@pytest.mark.parametrize(("text", "cents"), [("12.5", 1250), ("¥1,200", 120_000), (" 0.05 元 ", 5), ("3", 300)])
def test_prices_as_people_write_them(text: str, cents: int) -> None:
    assert parse_yuan(text) == cents


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1e3", "abc", "12.3.4", "１２", "9999999999", "nan"])
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|digits"):
        parse_yuan(text)


def test_amounts_are_grouped() -> None:
    assert [yuan(0), yuan(5), yuan(123_456_789)] == ["0.00", "0.05", "1,234,567.89"]
