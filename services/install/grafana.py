"""What Grafana reads at its start: the data sources, and where the boards are."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from dashboards.board import FOLDER
from dashboards.sources import Influx, State, influx, state

BOARDS_IN_CONTAINER: Final = "/var/lib/grafana/boards"
_HEAD: Final = "# Made by `gengfu init`.\n"
_TOKEN: Final = "$__file{/run/secrets/influx_grafana_token}"  # noqa: S105 - the place of one
_PASSWORD: Final = "$__file{/run/secrets/postgres_grafana_password}"  # noqa: S105 - likewise


def data_sources(prefix: str = "gengfu") -> str:
    """Three buckets by InfluxQL and the read-only views; the secrets stay in their files."""
    sources = [
        *influx(Influx("http://influxdb:8086", prefix, "2", _TOKEN)),
        state(State("postgres:5432", "gengfu", _PASSWORD, sslmode="disable")),
    ]
    shown = [source | {"editable": False, "isDefault": source is sources[0]} for source in sources]
    return _yaml({"apiVersion": 1, "datasources": shown})


def board_provider() -> str:
    """Boards come from files and are changed in the code: dashboards/."""
    provider = {
        "name": FOLDER,
        "orgId": 1,
        "folder": "更夫 Gengfu",
        "folderUid": FOLDER,
        "type": "file",
        "disableDeletion": True,
        "updateIntervalSeconds": 30,
        "allowUiUpdates": False,
        "options": {"path": BOARDS_IN_CONTAINER, "foldersFromFilesStructure": False},
    }
    return _yaml({"apiVersion": 1, "providers": [provider]})


def _yaml(document: Mapping[str, Any]) -> str:
    return _HEAD + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
