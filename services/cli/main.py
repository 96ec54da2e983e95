"""Every command of `gengfu`, each loaded when it is asked for: none pays for what the others need."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from services.cli.frame import new_app, run

COMMANDS = {
    "demo": ("demo:demo", "Run everything on this machine with a simulated site; Ctrl-C ends it."),
    "up": ("demo:up", "Run everything on this machine with your own site files (GENGFU_CONFIGS); Ctrl-C ends it."),
    "init": (
        "init:init",
        "Write what docker compose needs: secrets, certificates, the broker's users and rules, Grafana's data sources.",
    ),
    "check": (
        "site:check",
        "Validate the site files: each problem with file, place and what to write instead. "
        "Exit code 1 if there is any.",
    ),
    "limits": (
        "limits:show",
        "List every limit by requirement: source document and section, then each point with value, hold and return.",
    ),
    "health": (
        "health:health",
        "Say how the process of a role on this machine is; exit code 1 when it is not well.",
    ),
    "influx": ("influx:app", "InfluxDB: buckets, retention and tokens. See docs/operations/README.md."),
    "account": ("accounts:app", "Accounts: passwords from the server's own terminal."),
    "tag": ("tags:app", "Signed tags (NTAG 424 DNA): keys and addresses. See docs/patrol/sun.md."),
    "reader": ("readers:app", "Readers of tags and badges."),
    "probe": ("probe:app", "What devices say, live, and the lines for the site files. See docs/sensors/README.md."),
    "fire": ("fire:app", "Fire panels on lines of their own."),
    "ledger": ("ledger:app", "The equipment ledger. See docs/equipment.md."),
    "report": ("report:app", "Monthly reports: make, list, explain, verify."),
    "grafana": ("grafana:app", "Boards and data sources of an existing Grafana: docs/operations/grafana.md."),
    "migrate": (
        "migrate:app",
        "Move what is stored from the embedded files to PostgreSQL and InfluxDB. See docs/operations/migrate.md.",
    ),
    "sessions": ("sessions:app", "Sessions of ingest, when GENGFU_INGEST_GROUPS changes."),
    "simulate": ("simulate:app", "Simulated devices: for the demo, for tests, for other people's centres."),
    "broker": (
        "processes.broker:broker",
        "Run the embedded MQTT broker (loopback only, no passwords, nothing on disk).",
    ),
    "gateway": (
        "processes.gateway:gateway",
        "Run the site's gateway: the durable outbox, its publisher, and the drivers' own health as readings.",
    ),
    "ingest": ("processes.ingest:ingest", "Hear the broker: store, judge, commit, acknowledge."),
    "worker": ("processes.worker:worker", "Fire due timers, deliver messages, watch the other processes."),
    "web": ("processes.web:web", "Serve the duty console and its API."),
}
"""Where each one is, and its line in the list: what its own help begins with."""


class Commands(TyperGroup):
    """Knows names and lines of all commands, and loads the one that is asked for."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._listing = False
        for name, (where, line) in COMMANDS.items():
            panel = "Single processes" if where.startswith("processes.") else None
            self.add_command(TyperCommand(name, help=line, rich_help_panel=panel))
        self._promised = set(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command itself; while all are listed, its line."""
        if cmd_name in self._promised and not self._listing:
            self.add_command(_load(cmd_name))
            self._promised.discard(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list, without loading what it lists."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


def _load(name: str) -> Any:
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(f"services.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
        command.name = name
        return command
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name)(found)
    return typer.main.get_command(alone)


app = new_app(Commands)


def main() -> None:
    """Run one of them."""
    run(app)
