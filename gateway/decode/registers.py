"""Answers of a Modbus slave → what it said: the same rule of plausibility as for payloads. Pure, raises nothing."""

from collections.abc import Iterable

from gateway.decode.plausible import plausible
from gateway.decode.said import Refused, Said, Value, refuse
from gateway.drivers.modbus.registers import Answers, raw_of
from gateway.site.profile import Register


def read(registers: Iterable[Register], answers: Answers, at_ms: int) -> Said:
    """What the answered registers say; metrics that were not answered in full are left out."""
    values: list[Value] = []
    refused: list[Refused] = []
    status: dict[str, float] = {}
    for register in registers:
        judged = _judged(register, answers)
        if isinstance(judged, Refused):
            refused.append(judged)
        elif judged is not None and register.status:
            status[register.status] = judged.value
        elif judged is not None:
            values.append(judged)
    return Said("", at_ms, claimed=False, values=values, refused=refused, status=status)


def _judged(register: Register, answers: Answers) -> Value | Refused | None:
    raw = raw_of(register, answers)
    if raw is None:
        return None
    if raw in register.invalid:
        return refuse(
            register.name,
            "no_measurement",
            f"{register.name} is {raw:g}, by which the device says that it has no measurement",
            "Look at its sensor",
        )
    return plausible(register, raw)
