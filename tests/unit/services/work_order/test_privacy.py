"""Who asked, for those who need not know."""

import pytest

from services.work_order.privacy import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3号楼502室 王女士 13812345678", "3号楼502室 王** 138****78"),
        ("业主", "业*"),
        ("Flat 12 Smith", "F** 12 S**"),
        ("0871-65432100", "0871-654****00"),
        ("", ""),
    ],
)
def test_names_and_numbers_are_hidden_and_rooms_stay(text: str, shown: str) -> None:
    assert masked(text) == shown
