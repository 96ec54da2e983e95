"""How charts look: on paper (readable in greyscale) and on the console's pages (its colours, light and dark)."""

from dataclasses import dataclass

FONT = "Noto Sans CJK SC"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as SVG paints; those of the console are its CSS variables, so one drawing serves both of its themes."""

    ink: str
    quiet: str
    grid: str
    paper: str
    series: tuple[str, ...]
    """From dark to light, so that neighbours differ in greyscale too."""
    bad: str
    good: str
    band: str
    """Inside the limits."""
    font: str
    meanings: dict[str, str]
    """Paints of what has one colour everywhere, by a word in its name."""
    text: float = 9.0
    """Size of letters, in the chart's own units."""

    def paints(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """A paint for each name: what it means, else the next of the series that is still free."""
        known = [next((paint for word, paint in self.meanings.items() if word in name), "") for name in names]
        free = [one for one in self.series if one not in known] or list(self.series)
        unknown = iter(range(len(names)))
        return tuple(paint or free[next(unknown) % len(free)] for paint in known)


PRINT = Theme(
    ink="#12181c",
    quiet="#5b6770",
    grid="#dfe4e7",
    paper="#ffffff",
    series=("#1f4e62", "#c98a1b", "#6d9fb5", "#7c5a8c", "#9fb8a5", "#b3261e", "#c5cdd2"),
    bad="#b3261e",
    good="#3c7d5b",
    band="#e4f0ea",
    font=FONT,
    meanings={
        "误报": "#9aa5ac",
        "漏检": "#b3261e",
        "火警": "#b3261e",
        "不达标": "#b3261e",
        "越限": "#b3261e",
        "超期": "#b3261e",
        "故障": "#c98a1b",
        "屏蔽": "#7c5a8c",
        "监管": "#4d93a8",
        "测试": "#8db3cc",
        "离线": "#3d464c",
        "完成": "#1f4e62",
    },
)
SCREEN = Theme(
    ink="var(--ink)",
    quiet="var(--ink-3)",
    grid="var(--line)",
    paper="var(--surface)",
    series=(
        "var(--accent)", "var(--medium-fill)", "var(--low)", "var(--chart-violet)",
        "var(--ok)", "var(--high)", "var(--line-strong)",
    ),
    bad="var(--critical)",
    good="var(--ok)",
    band="var(--chart-band)",
    font="inherit",
    meanings={
        "误报": "var(--ink-3)", "漏检": "var(--critical)", "火警": "var(--critical)", "不达标": "var(--critical)",
        "越限": "var(--critical)", "超期": "var(--critical)", "故障": "var(--medium-fill)",
        "屏蔽": "var(--chart-violet)",
        "监管": "var(--chart-cyan)", "测试": "var(--low)", "离线": "var(--ink-2)", "完成": "var(--accent)",
    },
    text=12.0,
)  # fmt: skip
DASHES = ("", "5 2.5", "1.5 2", "7 2 1.5 2", "3 2", "9 3", "1 3")
"""Strokes of lines after the first, for readers without colours."""
