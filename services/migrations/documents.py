"""The document of the views, made from their comments: `python -m services.migrations.documents` writes it."""

from pathlib import Path

from services.migrations.views import ROLE, SCHEMA, VERSION, View, views

FILE = Path(__file__).parents[2] / "docs" / "operations" / "views.md"
_HEAD = f"""# Views for boards

PostgreSQL only. The schema `{SCHEMA}` holds what Grafana's boards, and your own reports, may read: {{count}} views,
version {VERSION}. The role `{ROLE}` reads these and nothing else; `gengfu init` makes it, and every start of Gengfu
lets it in where it exists. The tables behind them are no contract, these views are: a column is not renamed or dropped
without a new version and a line in the changelog.

- Every view names its site in `site` (except {{siteless}}), areas in `area` and `area_path`, and moments, with their
  zone, in columns that end in `at`.
- Filter by `site` and by a moment: those have indexes. `fire_state` replays the last 35 days whatever is asked of it,
  which is bounded however old the site is.
- People appear by the role labels of the site files. Phone numbers, passwords, photos and what was raised under duress
  are not here.
- Gengfu replaces all views of the schema when their version changes, and takes them away while tables change. Put views
  of your own into another schema; PostgreSQL refuses an upgrade of Gengfu while they build on these, so drop them first
  and make them again afterwards.
- A database user who may not make schemas is told at the start which statement its owner has to run once.

Written by `python -m services.migrations.documents` from the comments in `services/migrations/views/`, which are in the
database as well (`\\d+`).
"""


def document() -> str:
    """The whole document."""
    siteless = ", ".join(f"`{view.name}`" for view in views() if "site" not in view.columns)
    head = _HEAD.format(count=len(views()), siteless=siteless)
    return "\n".join([head, *map(_section, views())])


def _section(view: View) -> str:
    rows = "\n".join(f"| `{name}` | {about} |" for name, about in view.columns.items())
    return f"## {view.name}\n\n{view.about}\n\n| column | what it is |\n| --- | --- |\n{rows}\n"


if __name__ == "__main__":
    FILE.write_text(document(), "utf-8")
