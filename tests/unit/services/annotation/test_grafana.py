"""The thin client: only calls that 11 to 13 serve, and errors that say what to do."""

from collections.abc import Iterator

import pytest
from grafana import StubGrafana, stub_grafana

from services.annotation.grafana import Grafana, GrafanaAway, GrafanaRefused
from services.annotation.model import Mark
from services.kernel.errors import SettingsError

MARK = Mark("alert:01", "3", 1_000, 1_000, ("gengfu", "pushed", "alert:01"), "text")


@pytest.fixture
def stub() -> Iterator[StubGrafana]:
    with stub_grafana() as stub:
        yield stub


@pytest.fixture
def grafana(stub: StubGrafana) -> Iterator[Grafana]:
    client = Grafana(stub.url, stub.token, timeout_s=1.0)
    yield client
    client.close()


def test_a_mark_is_made_found_changed_and_removed(grafana: Grafana, stub: StubGrafana) -> None:
    number = grafana.create_mark(MARK)
    assert grafana.find_mark("alert:01") == number
    assert grafana.change_mark(number, MARK._replace(end_ms=9_000, text="over"))
    assert stub.marks[number]["timeEnd"] == 9_000
    assert stub.marks[number]["text"] == "over"
    grafana.remove_mark(number)
    assert not grafana.change_mark(number, MARK)
    assert grafana.find_mark("alert:01") is None
    grafana.remove_mark(number)  # gone is gone


def test_nothing_is_asked_by_a_legacy_number(grafana: Grafana, stub: StubGrafana) -> None:
    grafana.create_folder("gengfu", "Gengfu")
    grafana.put_board({"uid": "gengfu-site", "title": "x"}, "gengfu", "m", overwrite=False)
    assert grafana.board("gengfu-site") is not None
    assert grafana.board("gengfu-none") is None
    assert grafana.source("gengfu-state") is None
    for asked in stub.asked:
        assert not asked.path.startswith(
            ("/datasources/id/", "/folders/id/", "/dashboards/id/", "/alert-notifications")
        )


def test_a_wrong_token_is_about_us(stub: StubGrafana) -> None:
    client = Grafana(stub.url, "wrong")
    with pytest.raises(GrafanaRefused, match=r"401.*Invalid API key") as error:
        client.find_mark("alert:01")
    assert error.value.is_about_us
    assert "GENGFU_GRAFANA_TOKEN" in error.value.hint
    client.close()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_trouble_of_its_own_passes(grafana: Grafana, stub: StubGrafana, status: int) -> None:
    stub.fail = lambda _asked: status
    with pytest.raises(GrafanaAway, match=str(status)):
        grafana.create_mark(MARK)


def test_refusals_keep_their_reason(grafana: Grafana, stub: StubGrafana) -> None:
    stub.fail = lambda _asked: 422
    with pytest.raises(GrafanaRefused, match="told to fail") as error:
        grafana.create_mark(MARK)
    assert error.value.status == 422
    assert not error.value.is_about_us


def test_nobody_there_is_away() -> None:
    client = Grafana("http://127.0.0.1:9", "t", timeout_s=0.5)
    with pytest.raises(GrafanaAway, match="does not answer"):
        client.version()
    client.close()


def test_addresses_may_have_a_path() -> None:
    with pytest.raises(SettingsError, match="no address"):
        Grafana("grafana:3000", "t")
    client = Grafana("https://host/monitor/grafana/", "t")
    assert client._face.api.url == "https://host/monitor/grafana/api"
    client.close()
