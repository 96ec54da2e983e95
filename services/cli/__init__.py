"""The `gengfu` command."""

import sys


def main() -> None:
    """Run a command. Health checks start often, and wait only for what they need."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    if asked == "health":
        from services.cli.health import main as check

        check(sys.argv[2:])
        return
    from services.cli.main import main as run

    run()


__all__ = ["main"]
