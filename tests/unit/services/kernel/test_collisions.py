"""Transactions that were lost to another process."""

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from services.kernel.collisions import DEADLOCK, TAKEN, collided, once_more


class _Refusal(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def _fails(times: int, state: str) -> tuple[list[str], OperationalError]:
    return ["fails"] * times + ["works"], OperationalError("", {}, _Refusal(state))


@pytest.mark.parametrize("state", [DEADLOCK, TAKEN])
def test_the_loser_is_done_again_once_and_then_it_is_an_error(state: str) -> None:
    for times in (0, 1, 2):
        turns, error = _fails(times, state)

        @once_more
        def act(turns: list[str] = turns, error: OperationalError = error) -> str:
            if turns.pop(0) == "fails":
                raise error
            return "done"

        if times < 2:
            assert act() == "done"
        else:
            with pytest.raises(OperationalError):
                act()


def test_what_is_wrong_in_itself_is_not_done_again() -> None:
    turns: list[int] = []

    @once_more
    def act() -> None:
        turns.append(1)
        raise IntegrityError("", {}, _Refusal("23503"))

    with pytest.raises(IntegrityError):
        act()
    assert turns == [1]
    assert not collided(OperationalError("", {}, Exception("database is locked")))
