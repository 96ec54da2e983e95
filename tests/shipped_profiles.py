"""The profiles we ship, as their files state them."""

from functools import cache
from pathlib import Path

import yaml

from gateway.site.profile import Profile

DIRECTORY = Path(__file__).parents[1] / "device_configs" / "profiles"


@cache
def shipped() -> dict[str, Profile]:
    """All of them by id."""
    found = [
        Profile.model_validate(body)
        for file in sorted(DIRECTORY.glob("*.yaml"))
        for body in yaml.safe_load(file.read_text("utf-8"))["profiles"]
    ]
    return {one.id: one for one in found}


def shipped_mqtt() -> list[Profile]:
    """Those whose payloads are read one by one."""
    return [one for one in shipped().values() if one.mqtt is not None and one.mqtt.format != "sparkplug"]
