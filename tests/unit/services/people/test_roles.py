import pytest

from services.kernel.errors import Forbidden, Unauthenticated
from services.people.roles import PERMISSIONS, Actor, Role, Scope, allowed_commands, may, require


def actor(role: Role, scopes: frozenset[Scope] | None = None) -> Actor:
    return Actor("somebody", "Somebody", role, scopes=scopes)


def who_may(command: str) -> set[str]:
    return {role.value for role in Role if may(actor(role), command, assignee="somebody")}


@pytest.mark.parametrize(
    ("command", "roles"),
    [
        ("alert.acknowledge", {"engineer", "duty", "supervisor", "manager", "admin"}),
        ("alert.shelve", {"engineer", "duty", "supervisor", "manager", "admin"}),
        ("alert.reset", {"engineer", "duty", "supervisor", "manager", "admin"}),
        ("alert.comment", {"guard", "engineer", "duty", "supervisor", "manager", "admin"}),
        ("work_order.accept", {"duty", "supervisor", "manager", "admin"}),
        ("work_order.dispatch", {"duty", "supervisor", "manager", "admin"}),
        ("work_order.start", {"guard", "engineer", "supervisor", "admin"}),
        ("work_order.submit", {"guard", "engineer", "supervisor", "admin"}),
        ("work_order.verify", {"duty", "supervisor", "manager", "admin"}),
        ("work_order.rate", {"duty", "manager", "admin"}),
        ("maintenance.set", {"supervisor", "manager", "admin"}),
        ("fire.respond", {"guard", "engineer", "duty", "supervisor", "manager", "admin"}),
        ("fire.grade", {"guard", "engineer", "duty", "supervisor", "manager", "admin"}),
        ("fire.close", {"duty", "supervisor", "manager", "admin"}),
        ("fire.test_mode", {"engineer", "duty", "supervisor", "manager", "admin"}),
        ("token.issue", {"admin"}),
        ("people.manage", {"admin"}),
        ("publish", {"program", "admin"}),
    ],
)
def test_who_may_do_what(command: str, roles: set[str]) -> None:
    assert who_may(command) == roles


def test_a_guard_may_not_acknowledge_and_is_told_whom_to_ask() -> None:
    with pytest.raises(Forbidden, match="may not alert") as refused:
        require(actor(Role.GUARD), "alert.acknowledge")
    assert "duty" in refused.value.hint


@pytest.mark.parametrize("step", ["start", "hold", "resume", "submit"])
def test_an_engineer_works_only_on_his_own_orders(step: str) -> None:
    engineer = actor(Role.ENGINEER)
    assert may(engineer, f"work_order.{step}", assignee="somebody")
    assert not may(engineer, f"work_order.{step}", assignee="somebody-else")
    with pytest.raises(Forbidden) as refused:
        require(engineer, f"work_order.{step}", assignee="somebody-else")
    assert "somebody-else" in refused.value.hint


def test_a_supervisor_works_on_anybodys_order() -> None:
    assert may(actor(Role.SUPERVISOR), "work_order.start", assignee="somebody-else")


def test_nobody_signed_in_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        require(None, "read")


def test_a_reading_token_gives_no_commands_whatever_its_account_may() -> None:
    reader = actor(Role.ADMIN, frozenset({Scope.READ}))
    assert may(reader, "read")
    assert allowed_commands(reader) == ["read", "report.read"]
    with pytest.raises(Forbidden) as refused:
        require(reader, "alert.acknowledge")
    assert "scope command" in refused.value.hint


def test_a_token_never_allows_more_than_its_accounts_role() -> None:
    program = actor(Role.PROGRAM, frozenset(Scope))
    assert set(allowed_commands(program)) == {"read", "publish", "reading.enter"}


def test_every_command_has_somebody_who_may() -> None:
    assert all(PERMISSIONS.values())
