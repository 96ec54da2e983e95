"""Who may make which signature, as a rule without a database."""

import pytest

from services.kernel.errors import Conflict, Forbidden
from services.people.roles import Actor, Role
from services.report.model import Slot
from services.report.signing import Hands, can, check, next_slot

FULL = Hands({Role.ENGINEER: ("e1", "e2"), Role.SUPERVISOR: ("s",), Role.MANAGER: ("m",)})
ALONE = Hands({Role.ENGINEER: (), Role.SUPERVISOR: (), Role.MANAGER: ("m",)})
NO_SUPERVISOR = Hands({Role.ENGINEER: ("e1",), Role.SUPERVISOR: (), Role.MANAGER: ("m",)})


def actor(name: str, role: Role) -> Actor:
    return Actor(name, name, role)


E1, E2, S, M = (
    actor("e1", Role.ENGINEER),
    actor("e2", Role.ENGINEER),
    actor("s", Role.SUPERVISOR),
    actor("m", Role.MANAGER),
)
ROOT = actor("root", Role.ADMIN)


@pytest.mark.parametrize(
    ("slot", "who", "signed", "known", "allowed"),
    [
        ("prepared", E1, {}, FULL, True),
        ("prepared", E2, {}, FULL, True),  # another one of the role stands in
        ("prepared", S, {}, FULL, False),
        ("reviewed", S, {}, FULL, False),  # out of order
        ("reviewed", S, {"prepared": "e1"}, FULL, True),
        ("reviewed", E1, {"prepared": "e1"}, FULL, False),
        ("approved", M, {"prepared": "e1", "reviewed": "s"}, FULL, True),
        ("approved", M, {"prepared": "e1"}, FULL, False),
        ("approved", ROOT, {"prepared": "e1", "reviewed": "s"}, FULL, False),  # there is a manager
        ("reviewed", ROOT, {"prepared": "e1"}, NO_SUPERVISOR, True),
        ("reviewed", ROOT, {"prepared": "root"}, NO_SUPERVISOR, False),  # the same person twice
        ("prepared", M, {}, ALONE, True),  # the only account of the site signs for all
        ("reviewed", M, {"prepared": "m"}, ALONE, True),
        ("client", M, {"prepared": "e1", "reviewed": "s"}, FULL, False),
        ("client", M, {"prepared": "e1", "reviewed": "s", "approved": "m"}, FULL, True),
        ("client", S, {"prepared": "e1", "reviewed": "s", "approved": "m"}, FULL, False),
        ("prepared", E1, {"prepared": "e2"}, FULL, False),
    ],
)
def test_who_may_sign(slot: Slot, who: Actor, signed: dict[Slot, str], known: Hands, allowed: bool) -> None:
    assert can(slot, who, signed, known, local=True) is allowed


def test_nobody_signs_for_another_site() -> None:
    with pytest.raises(Forbidden):
        check("prepared", E1, {}, FULL, local=False)


def test_the_order_is_named() -> None:
    with pytest.raises(Conflict) as refused:
        check("approved", M, {"prepared": "e1"}, FULL, local=True)
    assert refused.value.detail["due"] == "reviewed"


def test_what_is_next() -> None:
    assert next_slot([]) == "prepared"
    assert next_slot(["reviewed", "prepared"]) == "approved"
    assert next_slot(["prepared", "reviewed", "approved"]) is None
