"""SVG text, element by element."""

from html import escape

from services.report.charts.scale import text_width
from services.report.charts.theme import Theme


def coordinate(value: float) -> str:
    """Two decimals are more than paper shows."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Canvas:
    """Collects elements; nothing here decides."""

    def __init__(self, width: float, height: float, theme: Theme, title: str) -> None:
        self.width, self.height, self.theme = width, height, theme
        self._title = title
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 0.6, dash: str = "") -> None:
        """A straight line."""
        self._put(
            f'<line x1="{coordinate(x1)}" y1="{coordinate(y1)}" x2="{coordinate(x2)}" y2="{coordinate(y2)}"'
            f' stroke="{stroke}" stroke-width="{width}"{_dashed(dash)}/>'
        )

    def box(self, x: float, y: float, width: float, height: float, fill: str, stroke: str = "none") -> None:
        """A filled rectangle."""
        self._put(
            f'<rect x="{coordinate(x)}" y="{coordinate(y)}" width="{coordinate(max(0.0, width))}"'
            f' height="{coordinate(max(0.0, height))}" fill="{fill}" stroke="{stroke}" stroke-width="0.5"/>'
        )

    def path(self, points: list[tuple[float, float]], stroke: str, width: float = 1.2, dash: str = "") -> None:
        """A line through points."""
        self._put(
            f'<path d="{_through(points)}" fill="none" stroke="{stroke}" stroke-width="{width}"'
            f' stroke-linejoin="round" stroke-linecap="round"{_dashed(dash)}/>'
        )

    def area(self, points: list[tuple[float, float]], fill: str, opacity: float = 1.0) -> None:
        """A filled shape."""
        self._put(f'<path d="{_through(points)}Z" fill="{fill}" fill-opacity="{opacity}"/>')

    def shape(self, data: str, fill: str, stroke: str = "none") -> None:
        """A filled path with arcs."""
        self._put(f'<path d="{data}" fill="{fill}" stroke="{stroke}" stroke-width="1"/>')

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        """A filled circle."""
        self._put(f'<circle cx="{coordinate(x)}" cy="{coordinate(y)}" r="{radius}" fill="{fill}"/>')

    def text(
        self, x: float, y: float, words: str, *, anchor: str = "start", fill: str = "", size: float = 0.0
    ) -> float:
        """Words with their base line at y; returns how wide they are."""
        size = size or self.theme.text
        self._put(
            f'<text x="{coordinate(x)}" y="{coordinate(y)}" font-size="{coordinate(size)}"'
            f' fill="{fill or self.theme.quiet}" text-anchor="{anchor}">{escape(words)}</text>'
        )
        return text_width(words, size)

    def done(self) -> str:
        """The drawing."""
        width, height = coordinate(self.width), coordinate(self.height)
        family = "" if self.theme.font == "inherit" else f' font-family="{self.theme.font}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' role="img" class="report-chart"{family}><title>{escape(self._title)}</title>'
            f"{''.join(self._parts)}</svg>"
        )

    def _put(self, element: str) -> None:
        self._parts.append(element)


def _through(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)


def _dashed(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""
