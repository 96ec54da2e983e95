"""Limits as numbers to compare with."""

import pytest
from builders import make_limit

from services.rules.band import band_of


@pytest.mark.parametrize(
    ("changes", "inside", "outside"),
    [
        ({}, [0.35, 0.45, 0.55], [0.349, 0.551]),
        ({"kind": "high", "threshold": 5.0, "return_threshold": 4.5, "resolution": None}, [5.0, -9.0], [5.0001]),
        ({"kind": "low", "threshold": 0.5, "return_threshold": 0.5, "resolution": None}, [0.5, 900.0], [0.49999]),
        ({"kind": "range", "valid_min": 0.0, "valid_max": 1.6, "resolution": None}, [0.0, 1.6], [-0.001, 1.61]),
    ],
)
def test_inside_includes_the_threshold(changes: dict[str, object], inside: list[float], outside: list[float]) -> None:
    band = band_of(make_limit(**changes))
    assert band is not None
    assert not any(band.outside(band.compared(value)) for value in inside)
    assert all(band.outside(band.compared(value)) for value in outside)


def test_a_deviation_needs_a_centre() -> None:
    limit = make_limit(set_value=None)
    assert band_of(limit) is None
    provisional = band_of(limit, 0.5)
    assert provisional is not None
    assert (provisional.low, provisional.high) == (400, 600)


def test_binary_fractions_do_not_move_the_limit() -> None:
    band = band_of(make_limit(set_value=0.7, threshold=0.1))
    assert band is not None
    assert not band.outside(band.compared(0.1 + 0.7))
