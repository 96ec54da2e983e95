"""Information objects of GB/T 26875.3-2011 §8 as they are on the wire: texts and time labels stay bytes."""

from dataclasses import dataclass

NAME_BYTES = 31
"""Length of a component's description (§8.2.1.2)."""


@dataclass(frozen=True, slots=True)
class SystemState:
    """Type 1: state of a system; bits of tables.SYSTEM_STATES."""

    system_type: int
    system_address: int
    state: int
    label: bytes


@dataclass(frozen=True, slots=True)
class ComponentState:
    """Type 2: state of a component; bits of tables.COMPONENT_STATES. `text` is its name, in 31 bytes."""

    system_type: int
    system_address: int
    component_type: int
    component: bytes
    state: int
    text: bytes
    label: bytes


@dataclass(frozen=True, slots=True)
class AnalogValue:
    """Type 3: a value of a component, in the smallest units of tables.ANALOG_TYPES."""

    system_type: int
    system_address: int
    component_type: int
    component: bytes
    analog_type: int
    value: int
    label: bytes


@dataclass(frozen=True, slots=True)
class Operation:
    """Type 4: what was done at a system; bits of tables.OPERATIONS."""

    system_type: int
    system_address: int
    operations: int
    operator: int
    label: bytes


@dataclass(frozen=True, slots=True)
class SystemVersion:
    """Type 5: a system's software version."""

    system_type: int
    system_address: int
    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """Type 6: what a system consists of, in at most 255 bytes of text."""

    system_type: int
    system_address: int
    text: bytes


@dataclass(frozen=True, slots=True)
class ComponentConfig:
    """Type 7: what a component is; `text` is its name, in 31 bytes."""

    system_type: int
    system_address: int
    component_type: int
    component: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class SystemTime:
    """Type 8: a system's clock."""

    system_type: int
    system_address: int
    label: bytes


@dataclass(frozen=True, slots=True)
class UtdState:
    """Type 21: state of the transmission device; bits of tables.UTD_STATES."""

    state: int
    label: bytes


@dataclass(frozen=True, slots=True)
class UtdOperation:
    """Type 24: what was done at the transmission device; bits of tables.UTD_OPERATIONS."""

    operations: int
    operator: int
    label: bytes


@dataclass(frozen=True, slots=True)
class UtdVersion:
    """Type 25: the transmission device's software version."""

    major: int
    minor: int


@dataclass(frozen=True, slots=True)
class UtdConfig:
    """Type 26: what the transmission device is set to, in at most 255 bytes of text."""

    text: bytes


@dataclass(frozen=True, slots=True)
class UtdTime:
    """Type 28: the transmission device's clock."""

    label: bytes


@dataclass(frozen=True, slots=True)
class ReadSystem:
    """Types 61, 65, 66, 68: which system to read."""

    system_type: int
    system_address: int


@dataclass(frozen=True, slots=True)
class ReadComponent:
    """Types 62, 63, 67: which component to read."""

    system_type: int
    system_address: int
    component: bytes


@dataclass(frozen=True, slots=True)
class ReadOperations:
    """Type 64: how many records (at most 102) of a system to read, from a time on."""

    system_type: int
    system_address: int
    count: int
    label: bytes


@dataclass(frozen=True, slots=True)
class Plain:
    """Types 81, 85, 86, 88 and 89: nothing more to say; the byte is reserved."""

    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ReadUtdOperations:
    """Type 84: how many records (at most 102) of the transmission device to read, from a time on."""

    count: int
    label: bytes


@dataclass(frozen=True, slots=True)
class SetClock:
    """Type 90: the centre's time."""

    label: bytes


@dataclass(frozen=True, slots=True)
class DutyCheck:
    """Type 91, 查岗: within so many minutes the watchman has to press the key."""

    minutes: int


UpObject = (
    SystemState | ComponentState | AnalogValue | Operation | SystemVersion | SystemConfig | ComponentConfig
    | SystemTime | UtdState | UtdOperation | UtdVersion | UtdConfig | UtdTime
)  # fmt: skip
DownObject = ReadSystem | ReadComponent | ReadOperations | Plain | ReadUtdOperations | SetClock | DutyCheck
InformationObject = UpObject | DownObject
