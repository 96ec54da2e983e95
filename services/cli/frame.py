"""What every command has in common: options, exit codes, and errors as sentences instead of tracebacks."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from gateway.broker import PortTaken
from gateway.contract.errors import GengfuError
from gateway.site.problems import Language, SiteInvalid, format_problems
from services.kernel.errors import RoleTaken

EXIT_WRONG = 1
"""The user's input or the site files are wrong."""
EXIT_TAKEN = 3
"""Another process holds the role, the port or the database."""


def new_app(commands: type[TyperGroup]) -> typer.Typer:
    """`gengfu` with these commands."""
    app = typer.Typer(
        name="gengfu",
        cls=commands,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        help="Gengfu 更夫: patrol rounds, pump rooms and fire panels, from the wire to the right person.",
        epilog="Settings come from GENGFU_… variables or an .env file: docs/settings.md.",
    )
    app.callback()(common)
    return app


def common(
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Where databases and outboxes live.", show_default="var")
    ] = None,
    log_level: Annotated[str | None, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")] = None,
) -> None:
    """Options of every command; they win over the environment."""
    if data_dir is not None:
        os.environ["GENGFU_DATA_DIR"] = str(data_dir)
    if log_level is not None:
        os.environ["GENGFU_LOG_LEVEL"] = log_level
    level = os.environ.get("GENGFU_LOG_LEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        raise typer.BadParameter(f"{level!r} is no log level: use DEBUG, INFO, WARNING or ERROR")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("alembic", "httpx"):  # the latter writes addresses, and some of those are secrets
        logging.getLogger(chatty).setLevel(logging.WARNING)


def run(app: Callable[[], object]) -> None:
    """Run a command; a user's mistake ends with a sentence and a code, never with a traceback."""
    try:
        app()
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            place = "GENGFU_" + "_".join(str(part) for part in problem["loc"]).upper()
            _say(f"{place}: {problem['msg']}")
        sys.exit(EXIT_WRONG)
    except SiteInvalid as error:
        language: Language = "en" if os.environ.get("GENGFU_LANG") == "en" else "zh"
        _say("Site files" if language == "en" else "站点文件有错", format_problems(error.problems, language))
        sys.exit(EXIT_WRONG)
    except (RoleTaken, PortTaken) as error:
        _say(error.message, error.hint)
        sys.exit(EXIT_TAKEN)
    except GengfuError as error:
        _say(error.message, error.hint)
        sys.exit(EXIT_WRONG)
    except (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        if error.filename is None:
            raise
        _say(f"{error.filename}: {error.strerror}", "Check GENGFU_DATA_DIR (--data-dir) and its permissions")
        sys.exit(EXIT_WRONG)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(message: str, hint: str = "") -> None:
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]✗[/] {escape(message)}", soft_wrap=True)
    for line in hint.splitlines():
        console.print(f"  {escape(line)}", soft_wrap=True)
