"""Application data units (§7): a type flag, a count, and so many information objects; and those a centre sends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.contract.errors import BadTime
from gateway.contract.times import from_ms, parse_at
from gateway.drivers.gb26875 import objects as o
from gateway.drivers.gb26875.frame import Command
from gateway.drivers.gb26875.labels import BadLabel
from gateway.drivers.gb26875.layouts import LAYOUTS, BadUnit
from gateway.drivers.gb26875.objects import InformationObject
from gateway.drivers.gb26875.profile import STANDARD, Profile

MOST_RECORDS: Final = 102
"""Of operations, in one reply (§8.3.4)."""
_Build = Callable[[Mapping[str, Any], bytes, Profile], o.DownObject]


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit says, as far as it can be understood; `problems`: bad_count, size_mismatch, unknown_type."""

    type_flag: int
    count: int
    objects: tuple[InformationObject, ...]
    problems: tuple[str, ...] = ()


def decode_unit(app: bytes) -> Unit:
    """What `app` says. Never raises: objects that can be read are there whatever else is wrong."""
    if len(app) < 2:
        return Unit(app[0] if app else 0, 0, (), ("size_mismatch",))
    flag, count, body = app[0], app[1], app[2:]
    layout = LAYOUTS.get(flag)
    if layout is None:
        return Unit(flag, count, (), ("unknown_type",))
    taken, used = layout.take_all(body, count)
    problems = ["bad_count"] if not 1 <= count <= layout.most else []
    if len(taken) != count or used != len(body):
        problems.append("size_mismatch")
    return Unit(flag, count, tuple(taken), tuple(problems))


def encode_unit(type_flag: int, objects: Sequence[InformationObject]) -> bytes:
    """The unit of these objects; raises BadUnit for a wrong type, number or length."""
    layout = LAYOUTS.get(type_flag)
    if layout is None:
        raise BadUnit(f"Type flag {type_flag} is not in the standard's table 3")
    if not 1 <= len(objects) <= layout.most:
        raise BadUnit(f"{len(objects)} objects in a unit of type {type_flag}", hint=f"1 to {layout.most} are allowed")
    return bytes([type_flag, len(objects)]) + b"".join(map(layout.pack, objects))


def request_unit(
    kind: str, params: Mapping[str, Any], label: bytes, profile: Profile = STANDARD
) -> tuple[Command, bytes]:
    """(command, unit) of a command kind. `label`: our time, for sync_clock; `profile`: for the label of `since`.

    Parameters: system_type and system_address (0), component (eight hex digits), count (1), since (RFC 3339;
    absent: from 2000 on), minutes (10). Raises BadUnit.
    """
    if kind not in _KINDS:
        raise BadUnit(f"No command {kind!r}", hint="One of " + ", ".join(sorted(_KINDS)))
    flag, build = _KINDS[kind]
    command = Command.CONTROL if flag in (89, 90, 91) else Command.REQUEST
    return command, encode_unit(flag, [build(params, label, profile)])


def _system(params: Mapping[str, Any], _label: bytes, _profile: Profile) -> o.DownObject:
    return o.ReadSystem(_number(params, "system_type", 0), _number(params, "system_address", 0))


def _component(params: Mapping[str, Any], _label: bytes, _profile: Profile) -> o.DownObject:
    text = params.get("component")
    try:
        component = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        component = b""
    if len(component) != 4:
        raise BadUnit(f"Component {text!r} is not eight hex digits", hint="Write it as on the wire, e.g. 0a000200")
    return o.ReadComponent(_number(params, "system_type", 0), _number(params, "system_address", 0), component)


def _operations(params: Mapping[str, Any], _label: bytes, profile: Profile) -> o.DownObject:
    system_type, system_address = _number(params, "system_type", 0), _number(params, "system_address", 0)
    return o.ReadOperations(system_type, system_address, _count(params), _since(params, profile))


def _utd_operations(params: Mapping[str, Any], _label: bytes, profile: Profile) -> o.DownObject:
    return o.ReadUtdOperations(_count(params), _since(params, profile))


def _plain(_params: Mapping[str, Any], _label: bytes, _profile: Profile) -> o.DownObject:
    return o.Plain()


def _clock(_params: Mapping[str, Any], label: bytes, _profile: Profile) -> o.DownObject:
    return o.SetClock(label)


def _duty(params: Mapping[str, Any], _label: bytes, _profile: Profile) -> o.DownObject:
    return o.DutyCheck(_number(params, "minutes", 10))


def _number(params: Mapping[str, Any], name: str, default: int, most: int = 255) -> int:
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadUnit(f"{name} {value!r} is not a number from 0 to {most}")
    return value


def _count(params: Mapping[str, Any]) -> int:
    return max(_number(params, "count", 1, MOST_RECORDS), 1)


def _since(params: Mapping[str, Any], profile: Profile) -> bytes:
    since = params.get("since")
    if since is None:
        return profile.label(datetime(2000, 1, 1, tzinfo=profile.zone))
    try:
        return profile.label(from_ms(parse_at(str(since))))
    except (BadTime, BadLabel) as error:
        raise BadUnit(f"since {since!r} is no time", hint=error.hint) from error


_KINDS: Final[Mapping[str, tuple[int, _Build]]] = {
    "read_system_state": (61, _system),
    "read_component_state": (62, _component),
    "read_analog": (63, _component),
    "read_operations": (64, _operations),
    "read_version": (65, _system),
    "read_config": (66, _system),
    "read_component_config": (67, _component),
    "read_time": (68, _system),
    "utd_state": (81, _plain),
    "utd_operations": (84, _utd_operations),
    "utd_version": (85, _plain),
    "utd_config": (86, _plain),
    "utd_time": (88, _plain),
    "utd_init": (89, _plain),
    "sync_clock": (90, _clock),
    "duty_check": (91, _duty),
}
KINDS: Final = frozenset(_KINDS)
"""Every kind of command."""
