"""The words site files use: roles, kinds, quantities; and the base of every model read from YAML."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.contract.topics import ID_PATTERN

Id = Annotated[str, StringConstraints(pattern=rf"^{ID_PATTERN}$")]
DeviceKind = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$")]
PolicyId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

Role = Literal["guard", "engineer", "supervisor", "manager", "duty", "admin", "program"]
"""安管员, 设备责任人, 设备主管, 经理, 监控中心值班, 管理员, and programs that sign in with a token."""
EscalationRole = Literal["engineer", "supervisor", "manager"]
LEVELS: tuple[EscalationRole, ...] = ("engineer", "supervisor", "manager")
"""The three levels of equipment responsibility, upward."""
ROLE_NAMES: Mapping[Role, str] = {
    "guard": "安管员",
    "engineer": "设备责任人",
    "supervisor": "设备主管",
    "manager": "经理",
    "duty": "监控中心值班",
    "admin": "管理员",
    "program": "程序",
}
Priority = Literal["P1", "P2", "P3", "P4"]
Origin = Literal["seed", "default"]
"""Where a number comes from: the documents (种子) or our own proposal (默认)."""
AreaKind = Literal["building", "corridor", "garage", "pump_room", "perimeter", "other"]
ChannelKind = Literal["console", "webhook", "wecom"]

QUANTITIES: Mapping[str, str] = {
    "pressure": "pressure",
    "level": "length",
    "flow": "flow",
    "temperature": "temperature",
    "humidity": "ratio",
    "insulation": "resistance",
    "friction": "number",
    "coverage": "ratio",
    "blind_area": "ratio",
    "online": "number",
    "run_state": "number",
    "voltage": "voltage",
    "current": "current",
    "power": "power",
    "energy": "energy",
    "frequency": "frequency",
    "starts_per_hour": "rate",
    "pressure_decay": "pressure_rate",
    "pump_fault": "number",
    "contact": "number",
    "leak": "number",
    "leak_suspicion": "number",
    "power_factor": "number",
    "other": "",
}
"""What a point measures, and what kind of unit that needs (gateway.contract.units; empty: any)."""
Quantity = Literal[
    "pressure", "level", "flow", "temperature", "humidity", "insulation", "friction", "coverage", "blind_area",
    "online", "run_state", "voltage", "current", "power", "energy", "frequency", "starts_per_hour", "pressure_decay",
    "pump_fault", "contact", "leak", "leak_suspicion", "power_factor", "other",
]  # fmt: skip


class Frozen(BaseModel):
    """Base of everything read from YAML: immutable, nothing unknown, nothing converted by guessing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


AsTuple = Field(strict=False)
"""YAML lists become tuples; their elements stay strict."""
