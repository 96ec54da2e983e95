"""What is on a line: who answers, what stands in its registers, and which family that looks like. Reads only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, NamedTuple, Protocol

from gateway.drivers.modbus.plan import Request
from gateway.drivers.modbus.registers import Answers, raw_of
from gateway.drivers.modbus.wire import ILLEGAL_FUNCTION, Garbage, NoAnswer, Refusal
from gateway.site.profile import Function, ModbusProfile, Register

FUNCTIONS: Final[tuple[Function, ...]] = ("input", "holding", "discrete", "coil")
_MOST_REQUESTS: Final = 64
"""For one function of one slave: a device that refuses every other register must not hold up the scan."""
_MOST_SILENT: Final = 8
_SMALLEST_FLOAT: Final = 1e-20
"""Whole numbers read as float32 are next to nothing."""
_NOTHING_MEASURES: Final = 1e9
_ZERO_WEIGHS: Final = 0.25
"""Zero fits everywhere and says little."""


class Reads(Protocol):
    """A line that can be read."""

    def read(self, slave: int, request: Request) -> list[int]:
        """The registers of one request; raises WireFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A slave that answers."""

    slave: int
    answers: dict[Function, dict[int, int]] = field(default_factory=dict)
    """Empty: it answers, but has none of the registers asked for."""
    garbage: bytes = b""
    """Something answers, but not as Modbus says: two slaves with one number, or another speed."""


class Match(NamedTuple):
    """How well a profile fits what a slave answered: `score` from 0 to 1."""

    profile: str
    score: float
    readable: int
    plausible: int


def scan(
    wire: Reads, slaves: Iterable[int], functions: Sequence[Function] = FUNCTIONS, start: int = 0, count: int = 80
) -> Iterator[Found]:
    """The slaves that answer, one after the other; raises LineLost. A silent slave costs two timeouts."""
    for slave in slaves:
        found = Found(slave)
        is_there = False
        for position, function in enumerate(functions):
            try:
                words = _read_all(wire, slave, Request(function, start, count))
            except NoAnswer:
                if not is_there and position:
                    break
                continue
            except Garbage as garbage:
                yield Found(slave, garbage=garbage.raw)
                is_there = False
                break
            is_there = True
            if words:
                found.answers[function] = words
        if is_there:
            yield found


def match(profiles: Mapping[str, ModbusProfile], answers: Answers) -> list[Match]:
    """The profiles that fit, the best first; those of which nothing fits are left out."""
    matches = []
    for name, profile in profiles.items():
        raws = [(one, raw_of(one, answers)) for one in profile.registers]
        readable = [(one, raw) for one, raw in raws if raw is not None]
        fitting = [raw for one, raw in readable if _fits(one, raw)]
        weight = sum(1.0 if raw else _ZERO_WEIGHS for raw in fitting)
        if fitting:
            matches.append(Match(name, weight / len(raws), len(readable), len(fitting)))
    return sorted(matches, key=lambda one: (-one.score, -one.plausible, one.profile))


def _read_all(wire: Reads, slave: int, whole: Request) -> dict[int, int]:
    """What can be read of a range: where the slave refuses it, in halves down to single registers.

    First one register, as cheap devices do not answer at all to what they have not; raises NoAnswer if that is silent.
    """
    words: dict[int, int] = {}
    waiting = [Request(whole.function, whole.start, 1), whole]
    silent = 0
    for number in range(_MOST_REQUESTS):
        if not waiting or silent > _MOST_SILENT:
            break
        request = waiting.pop(0)
        try:
            words.update(enumerate(wire.read(slave, request), request.start))
        except NoAnswer:
            if not number:
                raise
            silent += 1
        except Refusal as refusal:
            if refusal.code == ILLEGAL_FUNCTION:
                break
        else:
            continue
        half = request.count // 2
        if half:
            waiting.append(Request(request.function, request.start, half))
            waiting.append(Request(request.function, request.start + half, request.count - half))
    return words


def _fits(register: Register, raw: float) -> bool:
    value = raw * register.scale + register.offset
    if not isfinite(value) or raw in register.invalid or (isinstance(raw, float) and 0 < abs(raw) < _SMALLEST_FLOAT):
        return False
    low, high = register.minimum, register.maximum
    return (low is None or value >= low) and (high is None or value <= high) and abs(value) < _NOTHING_MEASURES
