"""Who is on a Modbus line and what they read: the core of `gengfu probe modbus`. Reads only."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.contract.errors import GengfuError
from gateway.decode.registers import read
from gateway.decode.said import Said
from gateway.drivers.modbus.plan import Reading, Request
from gateway.drivers.modbus.registers import Answers
from gateway.drivers.modbus.scan import FUNCTIONS, Found, Match, Reads, match, scan
from gateway.drivers.modbus.wire import LineLost, Refusal, WireFailed
from gateway.site.profile import Function, ModbusProfile, Profile

LAST_SLAVE: Final = 247
_LINES: Final = 4
"""Lines of raw registers shown of an unknown device."""
_A_LINE: Final = 8
_GOOD: Final = 0.5
"""A family that fits worse has to be there as a whole."""


class BadRange(GengfuError):
    """Slaves or registers are written in a way that is none."""


@dataclass(slots=True)
class Slave:
    """A slave that answers, the family it looks like, and what it reads."""

    number: int
    found: Found
    matches: list[Match] = field(default_factory=list)
    profile: Profile | None = None
    said: Said | None = None
    complaint: str = ""


def slaves_in(text: str) -> list[int]:
    """The numbers of `1-16` or `1,3,7-9`; raises BadRange."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise BadRange(f"--slaves {text!r} is no list of numbers", hint="Write e.g. 1-16 or 1,3,7")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= LAST_SLAVE:
            raise BadRange(f"--slaves {text!r}: slaves have the numbers 1 to {LAST_SLAVE}", hint="Write e.g. 1-16")
        found += range(low, high + 1)
    return list(dict.fromkeys(found))


def registers_in(text: str) -> tuple[tuple[Function, ...], int, int]:
    """(functions, first, count) of `0-79` or `holding:100-139`; raises BadRange."""
    name, colon, span = text.rpartition(":")
    functions: tuple[Function, ...] = tuple(one for one in FUNCTIONS if not colon or one == name)
    first, dash, last = span.partition("-")
    if not functions or not first.isdecimal() or (dash and not last.isdecimal()):
        raise BadRange(
            f"--registers {text!r} is no range of registers", hint=f"Write e.g. 0-79, or {FUNCTIONS[1]}:100-139"
        )
    low, high = int(first), int(last or first)
    if not low <= high <= 65_535 or high - low >= 125:
        raise BadRange(f"--registers {text!r}: at most 125 registers from 0 to 65535", hint="Write e.g. 0-79")
    return functions, low, high - low + 1


def look(
    wire: Reads,
    profiles: Mapping[str, Profile],
    slaves: Iterable[int],
    registers: tuple[tuple[Function, ...], int, int],
    now_ms: int,
) -> Iterator[Slave]:
    """Each slave that answers, with the family that fits best and its values; raises LineLost."""
    modbus = {one.id: one.modbus for one in profiles.values() if one.modbus is not None}
    functions, start, count = registers
    for found in scan(wire, slaves, functions, start, count):
        slave = Slave(found.slave, found, match(modbus, found.answers))
        for candidate in slave.matches:
            slave.profile = profiles[candidate.profile]
            refresh(wire, slave, now_ms)
            if slave.said is not None and _is_likely(slave.said, candidate, modbus[candidate.profile]):
                break
            slave.profile = slave.said = None
        yield slave


def refresh(wire: Reads, slave: Slave, now_ms: int) -> None:
    """Read again all that its family has; raises LineLost. Other failures become its complaint."""
    if slave.profile is None or slave.profile.modbus is None:
        return
    modbus = slave.profile.modbus
    reading = Reading(modbus, modbus.registers)
    answers: dict[Function, dict[int, int]] = {}
    slave.complaint = ""
    waiting = list(reading.requests)
    while waiting:
        request = waiting.pop(0)
        try:
            words = wire.read(slave.number, request)
        except LineLost:
            raise
        except Refusal:
            if not reading.refused(request):
                waiting = [one for one in reading.requests if not _is_read(one, answers)]
        except WireFailed as error:
            slave.complaint = error.message
        else:
            answers.setdefault(request.function, {}).update(enumerate(words, request.start))
    slave.said = read(modbus.registers, answers, now_ms)


def raw_lines(answers: Answers) -> Iterator[str]:
    """What stands in the registers of an unknown device, some lines of it."""
    for function, words in answers.items():
        addresses = [address for address in sorted(words) if words[address]]
        shown = 0
        while addresses and shown < _LINES:
            line = [one for one in addresses if one < addresses[0] + _A_LINE]
            addresses = addresses[len(line) :]
            shown += 1
            yield f"{function} " + "  ".join(f"{address}: {words[address]}" for address in line)
        if addresses:
            yield f"{function} …"


def sensors_yaml(slaves: Iterable[Slave], bus_line: str) -> Iterator[str]:
    """The lines for sensors.yaml; device and point ids are the installer's."""
    yield "buses:"
    yield f"  - {{id: bus-1, {bus_line}}}"
    yield "sensors:"
    for slave in slaves:
        if slave.profile is None or slave.profile.modbus is None or slave.said is None:
            continue
        metrics = [value.metric for value in slave.said.values]
        loops = [one.name for one in slave.profile.modbus.registers if one.loop is not None and one.name in metrics]
        points = ", ".join(f"{metric}: …" for metric in metrics)
        spans = ", ".join(f"{metric}: {{low: 0, high: …}}" for metric in loops)
        also = f", spans: {{{spans}}}" if loops else ""
        family = f"profile: {slave.profile.id}, bus: bus-1, slave: {slave.number}"
        yield f"  - {{device: …, {family}, points: {{{points}}}{also}}}"


def _is_likely(said: Said, candidate: Match, modbus: ModbusProfile) -> bool:
    """Every register of the family is there and holds what it can hold, and not only nothing."""
    if said.refused or not any(value.value for value in said.values):
        return False
    is_whole = len(said.values) + len(said.status) == len(modbus.registers)
    return candidate.score >= _GOOD or (is_whole and candidate.plausible == candidate.readable)


def _is_read(request: Request, answers: Answers) -> bool:
    return all(address in answers.get(request.function, {}) for address in range(request.start, request.end))
