"""Grafana's provisioning: the fixed data sources, without a secret in them."""

import re

import yaml

from services.install import grafana


def test_the_data_sources_are_the_four_that_boards_use_and_hold_no_secret() -> None:
    document = yaml.safe_load(grafana.data_sources())
    sources = {one["uid"]: one for one in document["datasources"]}
    assert set(sources) == {"gengfu-readings", "gengfu-minutes", "gengfu-hours", "gengfu-state"}
    assert [one["jsonData"].get("dbName") for one in sources.values()] == ["gengfu_raw", "gengfu_1m", "gengfu_1h", None]
    assert [one["uid"] for one in sources.values() if one.get("isDefault")] == ["gengfu-readings"]
    secrets = [value for one in sources.values() for value in one["secureJsonData"].values()]
    assert all(re.fullmatch(r"(Token )?\$__file\{/run/secrets/[a-z_]+\}", value) for value in secrets)
    assert not any(one["editable"] for one in sources.values())


def test_boards_come_from_the_mounted_directory_and_cannot_be_saved_over() -> None:
    (provider,) = yaml.safe_load(grafana.board_provider())["providers"]
    assert provider["options"]["path"] == grafana.BOARDS_IN_CONTAINER
    assert provider["folderUid"] == "gengfu"
    assert not provider["allowUiUpdates"]
    assert "${" not in grafana.board_provider()
