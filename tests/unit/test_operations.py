"""The operations guide keeps up with the programs: alerts of the system, commands and variables it speaks of."""

import re
from typing import Any

import typer
import yaml
from compose import FILE, ROOT, variables

from services.cli.main import app

GUIDE = {file.name: file.read_text("utf-8") for file in sorted((ROOT / "docs/operations").glob("*.md"))}
MADE_BY_INIT = {
    "DEPLOY_DIR",
    "DEPLOY_UID",
    "DEPLOY_GID",
    "DEPLOY_HOST",
    "DEPLOY_SITE",
    "DEPLOY_GATEWAY",
    "DEPLOY_CONFIGS",
}


def test_every_alert_of_the_system_says_what_to_do() -> None:
    places = ("services/flows/system.py", "services/report/telling.py")
    code = "".join((ROOT / one).read_text("utf-8") for one in places)
    raised = set(re.findall(r'(?:rule=|RULE = )"(SYS-[A-Z]+)"', code))
    documented = re.findall(r"^\| `(SYS-[A-Z]+)` \|", GUIDE["README.md"], re.MULTILINE)
    assert sorted(raised) == sorted(documented)


def test_commands_that_are_named_exist() -> None:
    missing = []
    for name, text in GUIDE.items():
        for line in re.findall(r"(?:`|^ {4,}|run --rm setup |exec \w+ )gengfu ([a-z][a-z ]*)", text, re.MULTILINE):
            command: Any = typer.main.get_command(app)
            for word in line.split():
                if not hasattr(command, "commands"):
                    break
                command = command.get_command(None, word)
                if command is None:
                    missing.append(f"{name}: gengfu {line}")
                    break
    assert not missing


def test_variables_of_the_deployment_that_are_named_exist() -> None:
    known = set(variables(yaml.safe_load(FILE.read_text("utf-8")))) | MADE_BY_INIT
    named = {(name, one) for name, text in GUIDE.items() for one in re.findall(r"\bDEPLOY_[A-Z_]+\b", text)}
    assert not sorted((name, one) for name, one in named if one not in known)
