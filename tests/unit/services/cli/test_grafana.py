"""`gengfu grafana` against a stub that answers as Grafana's API is documented (no Grafana: see tests/grafana.py)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana import TOKEN, StubGrafana, stub_grafana
from typer.testing import CliRunner, Result

from dashboards import files, sources
from dashboards.sources import Influx, State
from services.annotation.grafana import Grafana, GrafanaAway
from services.cli.main import app
from services.kernel.errors import SettingsError

CONSOLE = "https://gengfu.example.com"
UIDS = sorted(files.models())


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StubGrafana]:
    with stub_grafana() as stub:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GENGFU_GRAFANA_URL", stub.url)
        monkeypatch.setenv("GENGFU_GRAFANA_TOKEN", TOKEN)
        monkeypatch.setenv("GENGFU_PUBLIC_URL", CONSOLE + "/")
        yield stub


@pytest.fixture
def ready(stub: StubGrafana) -> StubGrafana:
    """With data sources."""
    made = [*sources.influx(Influx("http://i", "gengfu", "2", "t")), sources.state(State("p:5432", "gengfu", "x"))]
    stub.sources = {one["uid"]: one for one in made}
    return stub


def grafana(*arguments: str, lang: str = "en") -> Result:
    return CliRunner().invoke(app, ["grafana", *arguments, "--lang", lang])


def test_push_makes_the_folder_and_the_boards_once(ready: StubGrafana) -> None:
    first = grafana("push")
    assert first.exit_code == 0, first.output
    assert list(ready.folders) == ["gengfu"]
    assert sorted(ready.boards) == UIDS
    for board in ready.boards.values():
        constants = {one["name"]: one["query"] for one in board["templating"]["list"] if one["type"] == "constant"}
        assert (constants["console"], constants["marks"]) == (CONSOLE, "pushed")
    ready.asked.clear()
    again = grafana("push", lang="zh")
    assert again.exit_code == 0
    assert again.output.count("一致") == len(UIDS)
    assert not ready.said("POST")


def test_what_was_changed_by_hand_stays(ready: StubGrafana) -> None:
    grafana("push")
    edited = ready.boards["gengfu-site"]
    edited["panels"][0]["title"] = "我的面板"
    edited["version"] += 1
    assert grafana("diff").exit_code == 1
    kept = grafana("push")
    assert kept.exit_code == 1
    assert "gengfu-site: changed by hand in Grafana (--force)" in kept.output
    assert ready.boards["gengfu-site"]["panels"][0]["title"] == "我的面板"
    assert grafana("push", "--force").exit_code == 0
    assert ready.boards["gengfu-site"]["panels"][0]["title"] != "我的面板"


def test_an_older_version_of_ours_is_brought_up_to_date(ready: StubGrafana, monkeypatch: pytest.MonkeyPatch) -> None:
    grafana("push")
    monkeypatch.setenv("GENGFU_PUBLIC_URL", "https://moved.example.com")
    differs = grafana("diff")
    assert "gengfu-site: an older version of ours" in differs.output
    assert f'templating.list[console].query: "{CONSOLE}" → "https://moved.example.com"' in differs.output
    assert grafana("push").exit_code == 0
    assert grafana("diff").exit_code == 0


def test_a_change_made_in_the_meantime_is_refused_by_grafana(ready: StubGrafana) -> None:
    grafana("push")
    ready.boards["gengfu-site"]["title"] = "older"  # with its old stamp: taken for changed by hand
    other = Grafana(ready.url, TOKEN)
    answer = other.board("gengfu-site")
    assert answer is not None
    ready.boards["gengfu-site"]["version"] += 1
    with pytest.raises(Exception, match=r"412.*changed by someone else"):
        other.put_board(answer["dashboard"] | {"version": 1}, "gengfu", "m", overwrite=False)
    other.close()


def test_boards_from_files_are_left_to_the_files(ready: StubGrafana) -> None:
    model = files.models()["gengfu-site"]
    ready.boards["gengfu-site"] = {**files.with_constants(model, {"console": CONSOLE}), "version": 1}
    ready.provisioned = {"gengfu-site"}
    assert grafana("push").exit_code == 0
    ready.boards["gengfu-site"]["title"] = "other"
    refused = grafana("push")
    assert refused.exit_code == 1
    assert "provided by files" in refused.output


def test_check_looks_at_everything(ready: StubGrafana) -> None:
    grafana("push")
    well = grafana("check", lang="zh")
    assert well.exit_code == 0, well.output
    assert "Grafana 12.4.0" in well.output
    assert "数据源 gengfu-state：datasource is working" in well.output
    assert well.output.count("个查询都有应答") == len(UIDS)
    asked = [query for one in ready.said("POST", "/ds/query") for query in one.body["queries"]]
    texts = [query.get("rawSql") or query["query"] for query in asked]
    assert not [text for text in texts if "$site" in text or "${" in text], "variables are the browser's part"
    assert [text for text in texts if "$__timeFilter" in text], "macros are the server's part"


@pytest.mark.parametrize(
    ("break_it", "wanted"),
    [
        (lambda s: setattr(s, "version", "10.4.1"), "Grafana 10.4.1, known are 11 to 13"),
        (lambda s: s.sources.pop("gengfu-hours"), "No data source gengfu-hours: run gengfu grafana sources"),
        (lambda s: s.sources["gengfu-state"].update(type="mysql"), "Data source gengfu-state is of type mysql"),
        (lambda s: s.sick.add("gengfu-readings"), "Data source gengfu-readings does not work"),
        (lambda s: s.boards.pop("gengfu-fire"), "Board gengfu-fire: not there yet"),
        (lambda s: s.folders["gengfu"].update(canSave=False), "it needs Editor"),
        (lambda s: setattr(s, "broken", "FROM grafana.work_order"), "Board gengfu-site, «工单»: "),
        (lambda s: setattr(s, "broken", "FROM grafana.site WHERE gone"), "variables: "),
    ],
)
def test_check_names_what_is_wrong(ready: StubGrafana, break_it: object, wanted: str) -> None:
    grafana("push")
    assert callable(break_it)
    break_it(ready)
    found = grafana("check")
    assert found.exit_code == 1
    assert wanted in found.output


def test_missing_data_sources_are_made_and_others_left_alone(stub: StubGrafana, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("influx-secret\n")
    (tmp_path / "password").write_text("state-secret\n")
    lacking = grafana("sources")
    assert lacking.exit_code == 1
    assert "gengfu-readings: give --influx-url and --influx-token-file" in lacking.output
    made = grafana(
        "sources", "--influx-url", "http://influx:8086", "--influx-token-file", str(tmp_path / "token"),
        "--state-host", "db:5432", "--state-password-file", str(tmp_path / "password"),
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "secret" not in made.output
    assert stub.sources["gengfu-minutes"]["secureJsonData"] == {"httpHeaderValue1": "Token influx-secret"}
    before = len(stub.said("POST"))
    assert grafana("sources").exit_code == 0
    assert len(stub.said("POST")) == before


def test_a_file_that_is_not_there_is_named(stub: StubGrafana) -> None:
    found = grafana("sources", "--influx-url", "http://influx:8086", "--influx-token-file", "tokne").exception
    assert isinstance(found, SettingsError)
    assert "tokne cannot be read: No such file" in str(found)
    assert not stub.asked


def test_push_says_when_data_sources_are_missing(stub: StubGrafana) -> None:
    assert "No data source gengfu-readings" in grafana("push").output


def test_without_an_address_or_an_answer_there_is_a_sentence(
    stub: StubGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.fail = lambda _asked: 502
    assert isinstance(grafana("check").exception, GrafanaAway)
    monkeypatch.delenv("GENGFU_GRAFANA_TOKEN")
    missing = grafana("push").exception
    assert isinstance(missing, SettingsError)
    assert "GENGFU_GRAFANA_TOKEN" in str(missing)
