"""The choices at the top of a board. Names are Chinese for people, values are ids."""

from dataclasses import dataclass
from textwrap import dedent

from dashboards.queries import STATE


@dataclass(frozen=True, slots=True)
class Choice:
    """A list from the views: columns `__text` and `__value`."""

    name: str
    label: str
    sql: str
    several: bool = False
    """Any number may be chosen, all of them at first."""

    def model(self) -> dict[str, object]:
        """As Grafana keeps it."""
        text = dedent(self.sql).strip()
        return {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "datasource": {"type": STATE.type, "uid": STATE.uid},
            "query": text,
            "definition": text,
            "refresh": 1,  # at the load of the board: site files change seldom
            "sort": 0,  # as the query orders them
            "multi": self.several,
            "includeAll": self.several,
            "current": {"text": ["All"], "value": ["$__all"]} if self.several else {},
            "hide": 0,
            "skipUrlSync": False,
            "options": [],
            "regex": "",
        }


@dataclass(frozen=True, slots=True)
class Constant:
    """A value the board is given when it is brought to a Grafana."""

    name: str
    value: str

    def model(self) -> dict[str, object]:
        """As Grafana keeps it."""
        one = {"text": self.value, "value": self.value, "selected": True}
        return {
            "type": "constant",
            "name": self.name,
            "query": self.value,
            "current": {"text": self.value, "value": self.value},
            "options": [one],
            "hide": 2,
            "skipUrlSync": True,
        }


Variable = Choice | Constant

CONSOLE = Constant("console", "http://127.0.0.1:8600")
"""The duty console as people reach it; provisioning and `gengfu grafana push` put the real address here."""
MARKS = Constant("marks", "database")
"""Where excursions and alerts on charts come from: `database`, or `pushed` by Gengfu."""
SITE = Choice(
    "site", "项目", "SELECT name AS __text, site AS __value FROM grafana.site WHERE gone_at IS NULL ORDER BY name"
)
AREA = Choice(
    "area",
    "区域",
    """
    SELECT __text, __value FROM (
      SELECT area_path AS __text, area AS __value, position FROM grafana.area WHERE site = '$site' AND gone_at IS NULL
      UNION ALL SELECT '（无区域）', '-', 1000000
    ) AS choice ORDER BY position
    """,
    several=True,
)
"""Filter with `coalesce(nullif(area, ''), '-') IN (${area:sqlstring})`, so that what has no area is seen too."""
