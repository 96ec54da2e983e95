import pytest

from services.people.passwords import Argon2Hasher, weakness

CHEAP = Argon2Hasher(time_cost=1, memory_kib=8)


def test_the_shipped_parameters_are_argon2id_with_19_mib() -> None:
    assert Argon2Hasher().hash("correct horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_hash_fits_its_password_and_no_other() -> None:
    stored = CHEAP.hash("correct horse")
    assert CHEAP.verify(stored, "correct horse")
    assert not CHEAP.verify(stored, "correct horsf")


def test_two_hashes_of_one_password_differ() -> None:
    assert CHEAP.hash("correct horse") != CHEAP.hash("correct horse")


def test_no_hash_fits_nothing_not_even_the_dummys_password() -> None:
    assert not CHEAP.verify(None, "nobody has this password")


def test_an_unknown_user_costs_a_whole_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Counting:
        def hash(self, password: str) -> str:
            return f"hash of {password}"

        def verify(self, stored: str, password: str) -> bool:
            asked.append(stored)
            return False

    hasher = Argon2Hasher(time_cost=1, memory_kib=8)
    monkeypatch.setattr(hasher, "_hasher", Counting())
    hasher.verify(None, "guess")
    hasher.verify("stored", "guess")
    assert len(asked) == 2
    assert asked[0].startswith("$argon2id$")


def test_a_damaged_hash_fits_nothing() -> None:
    assert not CHEAP.verify("not a hash", "correct horse")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "too_short"),
        ("x" * 300, "too_long"),
        ("my-duty-password", "contains_username"),
        ("aaaaaaaaaaaa", "too_simple"),
        ("lantern-night-walk", None),
    ],
)
def test_weak_passwords_are_named(password: str, code: str | None) -> None:
    assert weakness(password, "duty") == code
