"""Which requests read the registers of a device: as few as it allows, apart where it refused them together. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.drivers.modbus.registers import addresses
from gateway.site.profile import Function, ModbusProfile, Register


@dataclass(frozen=True, slots=True)
class Request:
    """Read `count` registers or bits from `start` on."""

    function: Function
    start: int
    count: int

    @property
    def end(self) -> int:
        """The address behind the last."""
        return self.start + self.count

    def covers(self, register: Register) -> bool:
        """Whether it reads all of a metric."""
        span = addresses(register)
        return register.function == self.function and self.start <= span.start and span.stop <= self.end


def plan(registers: Iterable[Register], max_gap: int, max_registers: int) -> tuple[Request, ...]:
    """The fewest requests, by function and address, that skip gaps over `max_gap` and stay within `max_registers`.

    A metric is never torn apart: half of a counter from before and half from after a carry is no value.
    """
    requests: list[Request] = []
    for register in sorted(registers, key=lambda one: (one.function, one.address, -len(addresses(one)))):
        span = addresses(register)
        last = requests[-1] if requests else None
        if (
            last is not None
            and last.function == register.function
            and span.start - last.end <= max_gap
            and max(span.stop, last.end) - last.start <= max_registers
        ):
            requests[-1] = Request(last.function, last.start, max(span.stop, last.end) - last.start)
        else:
            requests.append(Request(register.function, span.start, len(span)))
    return tuple(requests)


class Reading:
    """The requests of one device, and what it has taught us about them."""

    def __init__(self, profile: ModbusProfile, registers: Sequence[Register]) -> None:
        """`registers`: those of the profile that are wanted."""
        self._registers = tuple(registers)
        self.requests = plan(registers, profile.max_gap, profile.max_registers)

    def refused(self, request: Request) -> tuple[Register, ...]:
        """The device has no such address: from now on each metric of the request is read by itself.

        Returns the metrics that cannot be read at all, as the request was already for them alone.
        """
        within = [register for register in self._registers if request.covers(register)]
        alone = tuple(dict.fromkeys(part for register in within for part in plan([register], 0, 125)))
        if alone == (request,):
            return tuple(within)
        at = self.requests.index(request)
        self.requests = (*self.requests[:at], *alone, *self.requests[at + 1 :])
        return ()
