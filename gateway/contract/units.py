"""Units an event may carry, as they are written in `unit` fields and in device_configs."""

from typing import NamedTuple


class Unit(NamedTuple):
    """One unit: what it measures and how many decimals a person wants to read."""

    symbol: str
    quantity: str
    decimals: int


_TABLE = (
    ("MPa", "pressure", 3),
    ("kPa", "pressure", 0),
    ("bar", "pressure", 2),
    ("MΩ", "resistance", 2),
    ("Ω", "resistance", 1),
    ("°C", "temperature", 1),
    ("%", "ratio", 1),
    ("L/s", "flow", 1),
    ("m³/h", "flow", 1),
    ("m", "length", 2),
    ("mm", "length", 0),
    ("V", "voltage", 1),
    ("A", "current", 1),
    ("mA", "current", 2),
    ("kW", "power", 1),
    ("kWh", "energy", 1),
    ("Hz", "frequency", 1),
    ("s", "time", 0),
    ("min", "time", 0),
    ("h", "time", 1),
    ("1/h", "rate", 0),
    ("MPa/h", "pressure_rate", 3),
    ("1", "number", 2),
)

UNITS: dict[str, Unit] = {symbol: Unit(symbol, quantity, decimals) for symbol, quantity, decimals in _TABLE}
"""Every unit of the contract by its symbol; `1` is a number without a unit (a state, a coefficient)."""
