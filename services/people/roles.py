"""Roles and what each may do. Pure: no database, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.kernel.errors import Forbidden, Unauthenticated


class Role(StrEnum):
    """The trade's roles; the Chinese names are in the glossary."""

    GUARD = "guard"
    ENGINEER = "engineer"
    DUTY = "duty"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"
    PROGRAM = "program"


class Scope(StrEnum):
    """What a bearer token may be used for, within its account's role."""

    READ = "read"
    PUBLISH = "publish"
    COMMAND = "command"


_DESK = frozenset({Role.DUTY, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN})
_TECHNICAL = _DESK | {Role.ENGINEER}
_HANDS = frozenset({Role.GUARD, Role.ENGINEER, Role.SUPERVISOR, Role.ADMIN})
_HEADS = frozenset({Role.SUPERVISOR, Role.MANAGER, Role.ADMIN})
_ENGINEERING = _HEADS | {Role.ENGINEER}
_PEOPLE = _TECHNICAL | {Role.GUARD}

PERMISSIONS: dict[str, frozenset[Role]] = {
    "read": _PEOPLE | {Role.PROGRAM},
    "publish": frozenset({Role.PROGRAM, Role.ADMIN}),
    "alert.acknowledge": _TECHNICAL,
    "alert.shelve": _TECHNICAL,
    "alert.unshelve": _TECHNICAL,
    "alert.reset": _TECHNICAL,
    "alert.comment": _PEOPLE,
    "work_order.accept": _DESK,
    "work_order.dispatch": _DESK,
    "work_order.reassign": _DESK,
    "work_order.start": _HANDS,
    "work_order.hold": _HANDS,
    "work_order.resume": _HANDS,
    "work_order.submit": _HANDS,
    "work_order.verify": _DESK,
    "work_order.rework": _DESK,
    "work_order.rate": frozenset({Role.DUTY, Role.MANAGER, Role.ADMIN}),
    "work_order.cancel": _DESK,
    "work_order.comment": _PEOPLE,
    "work_order.report": _PEOPLE,
    "work_order.contact": _TECHNICAL,
    "work_order.cost": _PEOPLE,
    "work_order.ask_approval": _PEOPLE,
    "work_order.approve": _PEOPLE,
    "work_order.picture": _PEOPLE,
    "work_order.review": _TECHNICAL,
    "call_back.service": _DESK,
    "call_back.quality": frozenset({Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "call_back.director": frozenset({Role.MANAGER, Role.ADMIN}),
    "patrol.tap": _PEOPLE,
    "patrol.handover": _DESK | {Role.GUARD},
    "fire.respond": _PEOPLE,
    "fire.grade": _PEOPLE,
    "fire.close": _DESK,
    "fire.command": _TECHNICAL,
    "fire.test_mode": _TECHNICAL,
    "fire.ledger": _TECHNICAL,
    "inspection.record": _PEOPLE,
    "reading.enter": _TECHNICAL | {Role.PROGRAM},
    "equipment.edit": _ENGINEERING,
    "equipment.scrap": _HEADS,
    "equipment.import": _HEADS,
    "maintenance.set": frozenset({Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "maintenance.cancel": _HEADS,
    "maintenance.begin": _HEADS,
    "patrol.close_anomaly": frozenset({Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "quarantine.dismiss": _TECHNICAL,
    "report.read": _TECHNICAL,
    "report.make": frozenset({Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "report.sign": frozenset({Role.ENGINEER, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN}),
    "report.unmasked": frozenset({Role.MANAGER, Role.ADMIN}),
    "report.weigh": frozenset({Role.MANAGER, Role.ADMIN}),
    "people.manage": frozenset({Role.ADMIN}),
    "token.issue": frozenset({Role.ADMIN}),
}
"""Command → the roles that may give it. The administrator stands in for every role; the audit shows that he did."""

OWN_ORDER_ONLY: dict[str, frozenset[Role]] = {
    f"work_order.{step}": frozenset({Role.GUARD, Role.ENGINEER})
    for step in ("start", "hold", "resume", "submit", "contact", "cost", "ask_approval", "picture")
}
"""Commands that these roles may give only on an order assigned to themselves."""

_SCOPES: dict[str, Scope] = {
    "read": Scope.READ,
    "report.read": Scope.READ,
    "publish": Scope.PUBLISH,
    "reading.enter": Scope.PUBLISH,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, or a program with a token (`scopes` is then what the token allows)."""

    username: str
    display_name: str
    role: Role
    areas: tuple[str, ...] = ()
    language: str = "zh"
    scopes: frozenset[Scope] | None = None
    must_change_password: bool = False


def may(actor: Actor, command: str, *, assignee: str | None = None) -> bool:
    """Whether the actor's role and token allow a command; `assignee` is who holds the work order it is about."""
    if actor.role not in PERMISSIONS[command]:
        return False
    if actor.scopes is not None and _SCOPES.get(command, Scope.COMMAND) not in actor.scopes:
        return False
    return actor.role not in OWN_ORDER_ONLY.get(command, ()) or assignee == actor.username


def require(actor: Actor | None, command: str, *, assignee: str | None = None) -> Actor:
    """The actor, when allowed; raises Unauthenticated without one and Forbidden otherwise."""
    if actor is None:
        raise Unauthenticated("Nobody is signed in", hint="Sign in, or send a bearer token", command=command)
    if may(actor, command, assignee=assignee):
        return actor
    hint = f"Ask one of: {', '.join(allowed_roles(command))}"
    if actor.role in PERMISSIONS[command] and actor.role in OWN_ORDER_ONLY.get(command, ()):
        hint = f"This work order is assigned to {assignee or 'nobody yet'}; only its assignee or a supervisor may"
    elif actor.scopes is not None and actor.role in PERMISSIONS[command]:
        hint = f"The token needs the scope {_SCOPES.get(command, Scope.COMMAND)!s}"
    raise Forbidden(
        f"The role {actor.role!s} of {actor.username} may not {command}",
        hint=hint,
        command=command,
        role=str(actor.role),
    )


def allowed_roles(command: str) -> list[str]:
    """Roles that may give a command, in the order of the trade."""
    return [str(role) for role in Role if role in PERMISSIONS[command]]


def allowed_commands(actor: Actor) -> list[str]:
    """Every command the actor may give, on an order of his own where that matters."""
    return [command for command in PERMISSIONS if may(actor, command, assignee=actor.username)]


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Scopes by name; raises ValueError for an unknown one."""
    return frozenset(Scope(name) for name in names)
