"""The `gengfu` command."""

import sys


def main() -> None:
    """Run a command. A health check, asked every half minute for years, does not wait for what the others need."""
    if sys.argv[1:2] == ["health"]:
        from services.cli.health import main as check

        check(sys.argv[2:])
    else:
        from services.cli.main import main as run

        run()


__all__ = ["main"]
