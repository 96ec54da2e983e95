from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from services.people import service as people
from services.people.passwords import Argon2Hasher
from services.people.roles import Actor, Role, Scope
from services.people.tables import ApiToken, LoginSession, User

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CHEAP = Argon2Hasher(time_cost=1, memory_kib=8)
ADMIN = Actor("root", "root", Role.ADMIN)
PASSWORD = "lantern-night-walk"


@dataclass(frozen=True)
class Person:
    username: str
    name: str
    role: str
    areas: Sequence[str] = ()


@pytest.fixture
def staffed(db: Database) -> Database:
    with db.begin() as s:
        people.seed_people(
            s, [Person("duty", "监控中心值班", "duty"), Person("engineer", "给排水责任人", "engineer")], NOW
        )
        people.set_password(s, ADMIN, "duty", PASSWORD, NOW, must_change=False, hasher=CHEAP)
    return db


def sign_in(
    db: Database, password: str = PASSWORD, *, at: datetime = NOW, name: str = "duty", ip: str = "10.0.0.1"
) -> str:
    return people.sign_in(db, name, password, ip, at, CHEAP).token


def resolve(db: Database, token: str, at: datetime) -> people.OpenSession | None:
    with db.read() as s:
        return people.resolve_session(s, token, at)


def test_signing_in_opens_a_session_whose_cookie_is_stored_only_as_a_hash(staffed: Database) -> None:
    token = sign_in(staffed)
    found = resolve(staffed, token, NOW)
    assert found is not None
    assert found.actor.username == "duty"
    assert found.actor.role is Role.DUTY
    with staffed.read() as s:
        stored = s.scalars(select(LoginSession)).one()
    assert token not in (stored.token_hash, stored.csrf_token)
    assert found.csrf_token == stored.csrf_token


def test_a_wrong_password_and_an_unknown_name_are_refused_alike(staffed: Database) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        sign_in(staffed, "wrong password")
    with pytest.raises(Unauthenticated) as unknown:
        sign_in(staffed, name="nobody")
    assert str(wrong.value) == str(unknown.value)


def test_an_account_without_password_cannot_be_signed_in_to(staffed: Database) -> None:
    with pytest.raises(Unauthenticated):
        sign_in(staffed, "", name="engineer")


def guess(db: Database, times: int, *, at: datetime = NOW, ip: str = "10.0.0.1", name: str = "duty") -> None:
    """So many wrong passwords."""
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            sign_in(db, "wrong password", at=at, ip=ip, name=name)


def test_five_wrong_passwords_lock_the_name_at_this_address_for_fifteen_minutes(staffed: Database) -> None:
    for second in range(5):
        with pytest.raises(Unauthenticated):
            sign_in(staffed, "wrong password", at=NOW + timedelta(seconds=second))
    with pytest.raises(TooMany) as locked:
        sign_in(staffed, at=NOW + timedelta(seconds=10))
    assert 890 <= locked.value.detail["retry_after_s"] <= 900
    with pytest.raises(TooMany):
        sign_in(staffed, at=NOW + timedelta(minutes=14))
    assert sign_in(staffed, at=NOW + timedelta(minutes=15, seconds=5))


def test_nobody_locks_the_desk_out_from_elsewhere(staffed: Database) -> None:
    guess(staffed, 5, ip="10.6.6.6")
    assert sign_in(staffed, ip="10.0.0.1")
    assert sign_in(staffed, ip="10.0.0.9")
    with pytest.raises(TooMany):
        sign_in(staffed, ip="10.6.6.6")


def test_fifty_guesses_from_everywhere_refuse_the_name_only_at_strange_addresses(staffed: Database) -> None:
    days_ago = NOW - timedelta(days=29)
    sign_in(staffed, at=days_ago, ip="10.0.0.1")
    sign_in(staffed, at=NOW - timedelta(days=31), ip="10.0.0.3")
    for number in range(10):
        guess(staffed, 5, ip=f"10.6.6.{number}")
    for strange in ("10.0.0.2", "10.0.0.3"):
        with pytest.raises(TooMany):
            sign_in(staffed, ip=strange)
    assert sign_in(staffed, ip="10.0.0.1")
    with pytest.raises(TooMany):  # the owner's success does not help the guessers
        sign_in(staffed, ip="10.0.0.2")
    assert sign_in(staffed, at=NOW + timedelta(minutes=15), ip="10.0.0.2")


def test_a_known_address_is_locked_by_its_own_guesses(staffed: Database) -> None:
    sign_in(staffed)
    guess(staffed, 5)
    with pytest.raises(TooMany):
        sign_in(staffed)


def test_a_right_password_wipes_the_slate(staffed: Database) -> None:
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            sign_in(staffed, "wrong password")
    sign_in(staffed)
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            sign_in(staffed, "wrong password")
    assert sign_in(staffed)


def test_twenty_wrong_sign_ins_lock_the_address_for_every_name(staffed: Database) -> None:
    for number in range(20):
        with pytest.raises(Unauthenticated):
            sign_in(staffed, name=f"guess-{number}")
    with pytest.raises(TooMany):
        sign_in(staffed)
    assert sign_in(staffed, ip="10.0.0.2")


def test_a_session_ends_after_its_life_even_when_used(staffed: Database) -> None:
    token = sign_in(staffed)
    at = NOW
    while at < NOW + people.SESSION_LIFE - timedelta(hours=1):
        at += timedelta(hours=1)
        found = resolve(staffed, token, at)
        assert found is not None
        with staffed.begin() as s:
            people.touch(s, found.token_hash, at)
    assert resolve(staffed, token, NOW + people.SESSION_LIFE) is None


def test_an_idle_session_ends(staffed: Database) -> None:
    token = sign_in(staffed)
    assert resolve(staffed, token, NOW + people.SESSION_IDLE) is not None
    assert resolve(staffed, token, NOW + people.SESSION_IDLE + timedelta(seconds=1)) is None


def test_signing_out_ends_the_session(staffed: Database) -> None:
    token = sign_in(staffed)
    with staffed.begin() as s:
        people.sign_out(s, token, NOW)
        people.sign_out(s, token, NOW)
    assert resolve(staffed, token, NOW) is None


def test_switching_an_account_off_ends_its_sessions_and_tokens(staffed: Database) -> None:
    token = sign_in(staffed)
    with staffed.begin() as s:
        bearer = people.issue_token(s, ADMIN, "backup", "duty", ["read"], NOW)
        people.set_active(s, ADMIN, "duty", False, NOW)
    assert resolve(staffed, token, NOW) is None
    with staffed.read() as s:
        assert people.resolve_token(s, bearer, NOW) is None
    with pytest.raises(Unauthenticated):
        sign_in(staffed)


def test_an_administrator_cannot_switch_himself_off(staffed: Database) -> None:
    with staffed.begin() as s, pytest.raises(Invalid):
        people.set_active(s, ADMIN, "root", False, NOW)


def test_a_token_is_stored_as_a_hash_and_expires(staffed: Database) -> None:
    with staffed.begin() as s:
        token = people.issue_token(s, ADMIN, "grafana", "duty", ["read"], NOW, NOW + timedelta(days=1))
    with staffed.read() as s:
        assert token not in s.scalars(select(ApiToken)).one().token_hash
        actor = people.resolve_token(s, token, NOW)
        assert actor is not None
        assert actor.scopes == frozenset({Scope.READ})
        assert people.resolve_token(s, token, NOW + timedelta(days=1)) is None
        assert people.resolve_token(s, "gf_wrong", NOW) is None


def test_only_an_administrator_issues_tokens(staffed: Database) -> None:
    with staffed.begin() as s, pytest.raises(Forbidden):
        people.issue_token(s, Actor("duty", "duty", Role.DUTY), "mine", "duty", ["read"], NOW)


def test_an_unknown_scope_is_refused(staffed: Database) -> None:
    with staffed.begin() as s, pytest.raises(Invalid, match="everything"):
        people.issue_token(s, ADMIN, "mine", "duty", ["everything"], NOW)


def test_a_revoked_token_is_useless(staffed: Database) -> None:
    with staffed.begin() as s:
        token = people.issue_token(s, ADMIN, "old", "duty", ["read"], NOW)
        people.revoke_token(s, ADMIN, people.token_hash(token), NOW)
        assert people.resolve_token(s, token, NOW) is None
    with staffed.begin() as s, pytest.raises(NotFound):
        people.revoke_token(s, ADMIN, people.token_hash(token), NOW)


def test_changing_the_password_ends_every_other_session(staffed: Database) -> None:
    here, there = sign_in(staffed), sign_in(staffed)
    found = resolve(staffed, here, NOW)
    assert found is not None
    people.change_password(staffed, found.actor, PASSWORD, "another-good-one", NOW, keep=found.token_hash, hasher=CHEAP)
    assert resolve(staffed, here, NOW) is not None
    assert resolve(staffed, there, NOW) is None
    assert sign_in(staffed, "another-good-one")


@pytest.mark.parametrize(
    ("current", "new"), [("wrong", "another-good-one"), (PASSWORD, "short"), (PASSWORD, "duty-duty-1")]
)
def test_a_password_change_needs_the_old_one_and_a_good_new_one(staffed: Database, current: str, new: str) -> None:
    actor = Actor("duty", "duty", Role.DUTY)
    with pytest.raises(Invalid):
        people.change_password(staffed, actor, current, new, NOW, hasher=CHEAP)
    assert sign_in(staffed)


def test_the_new_password_must_be_another_one(staffed: Database) -> None:
    with pytest.raises(Invalid) as refused:
        people.change_password(staffed, Actor("duty", "duty", Role.DUTY), PASSWORD, PASSWORD, NOW, hasher=CHEAP)
    assert refused.value.detail["weakness"] == "same"


def test_guessing_the_current_password_is_locked_with_the_sign_in_and_audited(staffed: Database) -> None:
    duty, ip = Actor("duty", "duty", Role.DUTY), "10.0.0.1"
    guess(staffed, 2)
    for _ in range(3):
        with pytest.raises(Invalid):
            people.change_password(staffed, duty, "wrong", "another-good-one", NOW, hasher=CHEAP, ip=ip)
    with pytest.raises(TooMany):
        people.change_password(staffed, duty, PASSWORD, "another-good-one", NOW, hasher=CHEAP, ip=ip)
    with pytest.raises(TooMany):
        sign_in(staffed)
    later = NOW + timedelta(minutes=16)
    with pytest.raises(Invalid):
        people.change_password(staffed, duty, PASSWORD, "short", later, hasher=CHEAP, ip=ip)
    with staffed.read() as s:
        refused = s.scalars(select(Audit).where(Audit.action == "people.change_password_refused").order_by(Audit.id))
        assert [one.detail["reason"] for one in refused] == ["wrong_password"] * 3 + ["too_short"]
    assert sign_in(staffed, at=later)


def test_seeding_again_updates_the_role_and_keeps_the_password(staffed: Database) -> None:
    with staffed.begin() as s:
        assert people.seed_people(s, [Person("duty", "监控中心", "supervisor", ("garage",))], NOW) == []
        user = s.get(User, "duty")
        assert user is not None
        assert (user.display_name, user.role, user.areas) == ("监控中心", "supervisor", ["garage"])
    assert sign_in(staffed)


def test_the_first_run_password_is_given_once(db: Database) -> None:
    with db.begin() as s:
        password = people.first_run_admin(s, NOW, hasher=CHEAP)
    assert password is not None
    with db.begin() as s:
        assert people.first_run_admin(s, NOW, hasher=CHEAP) is None
    actor = people.sign_in(db, "admin", password, "10.0.0.1", NOW, CHEAP).actor
    assert actor.role is Role.ADMIN
    assert actor.must_change_password


def test_sign_ins_and_refusals_are_audited(staffed: Database) -> None:
    sign_in(staffed)
    with pytest.raises(Unauthenticated):
        sign_in(staffed, "wrong password")
    with staffed.read() as s:
        counted = dict(s.execute(select(Audit.action, func.count()).group_by(Audit.action)).all())
    assert counted["people.sign_in"] == 1
    assert counted["people.sign_in_refused"] == 1
