"""Units: one table, keyed by the symbol that goes over the wire."""

from gateway.contract.units import UNITS


def test_each_unit_is_found_by_its_own_symbol() -> None:
    assert all(symbol == unit.symbol and unit.decimals >= 0 for symbol, unit in UNITS.items())


def test_symbols_are_the_composed_characters_people_type() -> None:
    # U+03A9 and U+00B0, not the look-alikes U+2126 (OHM SIGN) and U+00BA.
    assert "M\u03a9" in UNITS
    assert "\u00b0C" in UNITS
    assert not any("\u2126" in symbol or "\u00ba" in symbol for symbol in UNITS)
