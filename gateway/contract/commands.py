"""What the gateway is asked to do with a source of fire signals: `gengfu/v1/{site}/{source}/command`."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.contract.errors import BadPayload
from gateway.contract.events import At
from gateway.contract.times import parse_at

CommandKind = Literal[
    "read_system_state", "read_component_state", "read_analog", "read_operations", "read_version", "read_config",
    "read_component_config", "read_time", "utd_state", "utd_operations", "utd_version", "utd_config", "utd_time",
    "utd_init", "sync_clock", "duty_check",
]  # fmt: skip
"""GB/T 26875.3 types 61–68, 81–88 and 89–91. Nothing here switches anything in the building."""

Outcome = Literal["confirmed", "answered", "denied", "timeout", "unreachable", "expired"]
"""What a fire event of scope `command` says became of it."""

LONGEST_MS: Final = 600_000
"""No command may wait longer than this to be carried out: what was meant then is not meant now."""


class CommandBody(BaseModel):
    """One thing to ask or to tell a source, once, before it expires."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    kind: CommandKind
    params: Annotated[dict[str, Any], Field(default_factory=dict, max_length=16)]
    """system_type, system_address, component, count, since, minutes: as the kind needs them."""
    expires_at: At

    @property
    def expires_ms(self) -> int:
        """Epoch milliseconds after which it must not be carried out; raises BadTime."""
        return parse_at(self.expires_at)


def parse_command(payload: bytes) -> CommandBody:
    """Read a command; raises BadPayload or BadTime."""
    try:
        body = CommandBody.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadPayload(f"This is no command: {where}: {first['msg']}", hint="See docs/contract/README.md") from error
    parse_at(body.expires_at)
    return body
