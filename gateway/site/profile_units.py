"""Units that metrics may have, by what they measure; gateway.decode converts within a group. Loads no library."""

from collections.abc import Mapping
from typing import Final

from gateway.contract.units import UNITS

_MORE: Final[Mapping[str, tuple[str, ...]]] = {
    "pressure": ("Pa", "hPa", "mbar", "psi", "mH2O", "mmH2O", "inH2O", "kgf/cm²", "atm"),
    "resistance": ("kΩ",),
    "temperature": ("℃", "°F", "℉", "K"),
    "number": ("%RH", "ppm", ""),
    "flow": ("m³/s", "L/min", "L/h"),
    "length": ("cm", "km", "inch", "ft"),
    "voltage": ("mV", "kV"),
    "current": ("µA",),
    "power": ("W", "MW"),
    "apparent power": ("VA", "kVA"),
    "reactive power": ("var", "kvar"),
    "energy": ("Wh", "MWh", "J", "kJ", "MJ"),
    "frequency": ("kHz",),
    "time": ("ms", "d"),
    "volume": ("m³", "L"),
    "speed": ("rpm",),
    "signal": ("dBm",),
    "ratio of signals": ("dB",),
    "light": ("lx",),
}
_SAME: Final[Mapping[str, str]] = {"ratio": "number"}
"""What converts although the contract tells it apart: 50 % is 0.5."""
DIMENSIONS: Final[Mapping[str, str]] = {
    **{symbol: _SAME.get(unit.quantity, unit.quantity) for symbol, unit in UNITS.items()},
    **{symbol: dimension for dimension, symbols in _MORE.items() for symbol in symbols},
}
"""What each unit measures."""


def converts(unit: str, wanted: str) -> bool:
    """Whether values in `unit` can become values in `wanted`."""
    return unit == wanted or (unit in DIMENSIONS and DIMENSIONS[unit] == DIMENSIONS.get(wanted))
