"""The boards, a file each; every module here has `board()`."""

from importlib import import_module
from pkgutil import iter_modules

from dashboards.board import Board


def all_boards() -> list[Board]:
    """Every board, by uid."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return sorted((module.board() for module in modules), key=lambda board: board.uid)
