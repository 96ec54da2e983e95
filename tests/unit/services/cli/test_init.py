"""`gengfu init` as a person uses it: written once, said plainly, the same again."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from processes import copy_configs
from typer.testing import CliRunner

from services.cli.main import app
from services.install.certificates import hosts_of, make_authority, make_server
from services.install.environment import values_in
from services.kernel.clock import SystemClock
from services.kernel.errors import SettingsError

HOST = ("--host", "gengfu.example", "--host", "10.0.8.5")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project directory."""
    for name in ("GENGFU_CONFIGS", "GENGFU_LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, ["init", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def env(root: Path) -> dict[str, str]:
    return values_in((root / ".env").read_text())


def test_the_first_run_says_how_to_go_on_and_where_the_password_is(root: Path) -> None:
    result = run(*HOST)
    assert result.exit_code == 0
    for said in (
        "docker compose up",
        "https://gengfu.example:8443",
        "deploy/secrets/admin_password",
        "deploy/devices",
        "gengfu.example:8883",
    ):
        assert said in result.output
    assert "首次密码" in result.output
    password = (root / "deploy/secrets/admin_password").read_text()
    assert password not in result.output
    assert "first password in deploy/secrets/admin_password" not in run("--lang", "en").output


def test_the_environment_is_what_compose_needs(root: Path) -> None:
    run(*HOST, "--demo")
    values = env(root)
    assert {name: values[name] for name in ("DEPLOY_DIR", "DEPLOY_HOST", "DEPLOY_SITE", "DEPLOY_GATEWAY")} == {
        "DEPLOY_DIR": "./deploy",
        "DEPLOY_HOST": "gengfu.example",
        "DEPLOY_SITE": "yunhe",
        "DEPLOY_GATEWAY": "gateway-1",
    }
    assert (values["DEPLOY_BROKER_NAME"], values["DEPLOY_DEMO"]) == ("mosquitto", "true")
    assert (root / ".env").stat().st_mode & 0o777 == 0o644
    owner = (root / "deploy/secrets/mqtt_web").stat()
    assert (values["DEPLOY_UID"], values["DEPLOY_GID"]) == (str(owner.st_uid), str(owner.st_gid))
    assert root.stat().st_mode & 0o777 == 0o700, "the project's own directory is not ours"


def test_run_again_it_keeps_hosts_demo_and_everything_else(root: Path) -> None:
    run(*HOST, "--demo")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    result = run("--lang", "en")
    assert "Nothing has changed" in result.output
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert run("--check").exit_code == 0


def test_the_demo_s_simulator_answers_for_the_modbus_lines_and_only_the_demo_s(root: Path) -> None:
    run(*HOST, "--demo")
    assert json.loads(env(root)["DEPLOY_BUS_ADDRESSES"]) == {"yunhe/pump-bus": "simulator:5020"}
    before = (root / ".env").read_text()
    run()
    assert (root / ".env").read_text() == before
    run("--no-demo")
    assert env(root)["DEPLOY_BUS_ADDRESSES"] == ""
    (root / ".env").write_text(before.replace("simulator:5020", "10.0.8.20:502"))
    run("--no-demo")
    assert json.loads(env(root)["DEPLOY_BUS_ADDRESSES"]) == {"yunhe/pump-bus": "10.0.8.20:502"}


def test_check_shows_what_would_change_and_writes_nothing(root: Path) -> None:
    result = run("--check", "--lang", "en")
    assert result.exit_code == 1
    assert "deploy/secrets" in result.output
    assert not list(root.iterdir())
    run(*HOST)
    assert run("--check", "--rotate", "mqtt_web").exit_code == 1


def test_a_new_device_is_announced_and_the_broker_is_to_read_again(root: Path) -> None:
    configs = copy_configs(root)
    run(*HOST, "--configs", str(configs))
    devices = configs / "sites/yunhe/devices.yaml"
    line = "devices:\n  - {id: lift-plc, name: 电梯, area: control-room, kind: plc}\n"
    devices.write_text(devices.read_text().replace("devices:\n", line, 1))
    result = run("--configs", str(configs), "--lang", "en")
    assert "changed  deploy/devices/yunhe.csv" in result.output
    assert "kill -s HUP mosquitto" in result.output
    assert "user yunhe-lift-plc" in (root / "deploy/mosquitto/acl").read_text()


def test_later_runs_read_the_site_files_of_the_first_until_others_are_named(root: Path) -> None:
    run(*HOST)
    sites = copy_configs(root / "mine")
    devices = next(sites.glob("sites/*/devices.yaml"))
    devices.write_text(devices.read_text("utf-8").replace("domestic-plc", "other-plc"), "utf-8")
    run("--configs", str(sites))
    assert env(root)["DEPLOY_CONFIGS"] == f"./{sites.relative_to(root)}"
    run()
    assert "yunhe-other-plc:" in (root / "deploy/mosquitto/passwd").read_text()


def test_a_new_certificate_or_authority_says_who_has_to_take_it_up(root: Path) -> None:
    assert "restart" not in run(*HOST).output
    assert "docker compose restart mosquitto proxy" in run("--host", "other.example").output
    assert "docker compose up -d --force-recreate" in run("--rotate", "ca").output


def test_the_companys_certificate_is_used_by_its_own_name(root: Path) -> None:
    now = SystemClock().now()
    authority = make_authority(now, 1)
    pair = make_server(authority, ["gengfu.company.example", "10.0.8.5"], now)
    for name, content in (("cert", pair.certificate), ("key", pair.key), ("ca", authority.certificate)):
        (root / name).write_bytes(content)
    own = ("--cert", "cert", "--key", "key", "--ca", "ca")
    assert run("--cert", "cert").exit_code == 2
    result = run(*own)
    assert "gengfu.company.example:8883" in result.output
    assert env(root)["DEPLOY_BROKER_NAME"] == env(root)["DEPLOY_HOST"] == "gengfu.company.example"
    assert (root / "deploy/mosquitto/certs/server.crt").read_bytes() == pair.certificate
    assert not (root / "deploy/secrets/ca.key").exists()
    run(*own, "--host", "10.0.8.5")
    assert (env(root)["DEPLOY_HOST"], env(root)["DEPLOY_BROKER_NAME"]) == ("10.0.8.5", "gengfu.company.example")
    with pytest.raises(SettingsError, match="missing cannot be read"):
        run("--cert", "missing", "--key", "key", "--ca", "ca")


def test_a_certificate_for_addresses_only_is_refused(root: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority(now, 1)
    pair = make_server(authority, ["10.0.8.5"], now)
    for name, content in (("cert", pair.certificate), ("key", pair.key), ("ca", authority.certificate)):
        (root / name).write_bytes(content)
    with pytest.raises(SettingsError, match="for addresses only"):
        run("--cert", "cert", "--key", "key", "--ca", "ca")
    assert not (root / "deploy").exists()


def test_boards_lead_to_the_console(root: Path) -> None:
    run(*HOST)
    board = (root / "deploy/grafana/boards/gengfu-site.json").read_text()
    assert "https://gengfu.example:8443" in board
    assert "http://127.0.0.1:8600" not in board
    run("--public-url", "https://duty.company.example")
    assert "https://duty.company.example" in (root / "deploy/grafana/boards/gengfu-site.json").read_text()
    assert env(root)["DEPLOY_PUBLIC_URL"] == "https://duty.company.example"


def test_without_a_host_the_machines_own_name_is_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "duty-server")
    run()
    assert env(root)["DEPLOY_HOST"] == "duty-server"
    assert "duty-server" in hosts_of((root / "deploy/mosquitto/certs/server.crt").read_bytes())
