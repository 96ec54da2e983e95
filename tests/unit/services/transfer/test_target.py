"""The address of the target, in which no password belongs."""

import pytest

from services.kernel.errors import SettingsError
from services.transfer.target import address


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_and_a_password_make_one(scheme: str) -> None:
    found = address(f"{scheme}://gengfu@db:5433/state", "p@ss/word")
    assert (found.drivername, found.username, found.password) == ("postgresql+psycopg", "gengfu", "p@ss/word")
    assert (found.host, found.port, found.database) == ("db", 5433, "state")


@pytest.mark.parametrize(
    "url", ["", "db", "sqlite:///x.db", "postgresql://gengfu@db", "mysql://gengfu@db/x", "postgresql://:::/x"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--to is no address"):
        address(url, "")


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="holds a password") as refused:
        address("postgresql://gengfu:hunter2@db/state", "")
    assert "hunter2" not in f"{refused.value.message}{refused.value.hint}"
