"""The `.env` beside docker-compose.yml: where the deployment is, and whom its files belong to. No secrets."""

from collections.abc import Mapping

_HEAD = """\
# For docker compose, made by `gengfu init`. No secrets: those are files under DEPLOY_DIR/secrets.
# Change what you like; init adds what is missing and changes only what an option of it says.
"""


def values_in(text: str) -> dict[str, str]:
    """Name and value of every line."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def merged(text: str, defaults: Mapping[str, str], decided: Mapping[str, str]) -> str:
    """The file with `decided` values set and missing `defaults` added; everything else as it is."""
    present = values_in(text)
    lines = []
    for line in (text or _HEAD).splitlines():
        name = line.partition("=")[0].strip()
        lines.append(f"{name}={decided[name]}" if name in decided and present.get(name) != decided[name] else line)
    added = {name: value for name, value in {**defaults, **decided}.items() if name not in present}
    return "".join(f"{line}\n" for line in [*lines, *(f"{name}={value}" for name, value in added.items())])
