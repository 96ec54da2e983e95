"""Charts of reports as SVG text: numbers in, markup out. Pure; the same chart gives the same bytes."""

from services.report.charts.draw import svg
from services.report.charts.theme import PRINT, SCREEN, Theme

__all__ = ["PRINT", "SCREEN", "Theme", "svg"]
