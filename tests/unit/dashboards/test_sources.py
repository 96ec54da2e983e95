"""Data sources per version of InfluxDB."""

import pytest

from dashboards.queries import SOURCES
from dashboards.sources import Influx, InfluxVersion, State, influx, state


@pytest.mark.parametrize(("version", "header"), [("2", "Token secret"), ("3", "Bearer secret")])
def test_a_token_goes_into_a_header(version: InfluxVersion, header: str) -> None:
    found = influx(Influx("http://influx:8086", "gengfu", version, "secret"))
    assert [one["jsonData"]["dbName"] for one in found] == ["gengfu_raw", "gengfu_1m", "gengfu_1h"]
    for one in found:
        assert one["jsonData"]["version"] == "InfluxQL"
        assert one["jsonData"]["httpHeaderName1"] == "Authorization"
        assert one["secureJsonData"] == {"httpHeaderValue1": header}
        assert "secret" not in str(one | {"secureJsonData": {}})


def test_one_x_has_a_user_and_a_password() -> None:
    one = influx(Influx("http://influx:8086", "gengfu", "1", "secret", "grafana"))[0]
    assert one["user"] == "grafana"
    assert one["secureJsonData"] == {"password": "secret"}
    assert "httpHeaderName1" not in one["jsonData"]


def test_every_source_of_the_boards_can_be_made() -> None:
    made = [*influx(Influx("u", "p", "2", "t")), state(State("postgres:5432", "gengfu", "secret"))]
    assert {(one["type"], one["uid"]) for one in made} == set(SOURCES)
    assert made[-1]["user"] == "gengfu_grafana"
    assert made[-1]["secureJsonData"] == {"password": "secret"}
