"""The single processes: what `gengfu up` starts, and what a large installation runs one by one.

A module each, imported alone: they start often, and none of them needs what the others do.
"""

from collections.abc import Iterable
from importlib import import_module

import typer

from services.cli.frame import new_app, run

PROCESSES = ("broker", "gateway", "ingest", "worker", "web")


def register(app: typer.Typer, names: Iterable[str] = PROCESSES) -> None:
    """Give processes their commands."""
    for name in names:
        module = import_module(f"{__name__}.{name}")
        app.command(name, rich_help_panel="Single processes")(getattr(module, name))


def main(name: str) -> None:
    """Run one of them."""
    app = new_app()
    register(app, [name])
    run(app)
