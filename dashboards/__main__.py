"""`python -m dashboards`: write dashboards/json; with --check only say what is out of date."""

import sys

from dashboards import files
from dashboards.boards import all_boards
from dashboards.lint import lint_all


def main(arguments: list[str]) -> int:
    """0 when everything is well; problems go to standard error."""
    boards = all_boards()
    problems = lint_all([board.model() for board in boards])
    if arguments == ["--check"]:
        problems += [f"{name}: out of date, run python -m dashboards" for name in files.drift(boards)]
    elif arguments:
        problems = ["usage: python -m dashboards [--check]"]
    elif not problems:
        files.write(boards)
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
