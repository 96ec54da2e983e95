"""Making InfluxDB ready: on Debian's 1.6.7 with passwords, and on 2.x (its stub where there is no influxd 2.x)."""

import os
import secrets
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import influx
import pytest
from brokers import free_port
from influx2_stub import Influx2Stub
from processes import until
from typer.testing import CliRunner

from gateway.timeseries.influx_admin import Credential, Finding, check, plans, set_up
from gateway.timeseries.influx_dialects import InfluxAway, InfluxRefused, go_duration, literal, quoted
from gateway.timeseries.influxdb import InfluxServer
from services.cli.influx import app, setup
from services.kernel.errors import SettingsError

DAY = timedelta(days=1)
ADMIN = "grüße 'und' \"zeichen\" \\"
"""A password that quoting must survive."""


def now() -> datetime:
    return datetime.now(UTC)


class Installed:
    """A server with its administrator, and the store's and the boards' credentials on it."""

    def __init__(self, admin: InfluxServer) -> None:
        self.admin = admin
        self.is_1 = bool(admin.username)
        self.plans = plans(admin.bucket, 90 * DAY, 400 * DAY, 3650 * DAY)
        self.tokens = {"writer": "", "reader": ""}

    def set_up(self, *, rotate: bool = False, revoke: bool = False) -> set[tuple[str, str]]:
        """What was changed."""
        wanted = [Credential(one, one == "writer", held, secrets.token_hex()) for one, held in self.tokens.items()]
        steps, issued = set_up(self.admin, self.plans, wanted, rotate=rotate, revoke=revoke)
        self.tokens |= issued
        return {(step.what, step.name) for step in steps if step.changed}

    def as_(self, label: str) -> InfluxServer:
        return replace(self.admin, username=label if self.is_1 else "", token=self.tokens[label])

    def check(self) -> list[str]:
        return [finding.kind for finding in self.findings()]

    def findings(self, at: datetime | None = None) -> list[Finding]:
        reader = self.as_("reader") if self.tokens["reader"] else None
        return check(self.as_("writer"), self.plans, reader, at or now())


@pytest.fixture(scope="module")
def influxd_1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's InfluxDB, asking for passwords; nobody is in it yet."""
    binary = Path("/usr/bin/influxd")
    influx.require(binary.exists(), "influxd is not installed (Debian: apt-get install influxdb)")
    folder, port = tmp_path_factory.mktemp("influx1"), free_port()
    config = influx._CONFIG.format(folder=folder, port=port, rpc=free_port())
    (folder / "influxdb.conf").write_text(config.replace("[http]\n", "[http]\n  auth-enabled = true\n"))
    env = {"PATH": os.defpath, "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "-config", folder / "influxdb.conf"], stdout=log, stderr=log, env=env, cwd=folder
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/ping", trust_env=False).status_code == 204
        return False

    until(answers, "influxd 1.x does not start")
    yield url
    process.kill()
    process.wait(10)


@pytest.fixture(scope="module")
def influxd_2(influx_session: influx.InfluxTestServer) -> Iterator[tuple[str, str]]:
    """An InfluxDB 2.x and its administrator's token."""
    if not influx_session.is_v1 and not influx_session.given_url:
        yield influx_session.proxy.upstream, influx_session.token
        return
    stub = Influx2Stub(token := secrets.token_hex())
    yield stub.url, token
    stub.close()


@pytest.fixture(scope="module")
def influxd_29() -> Iterator[tuple[str, str]]:
    """One that does not show tokens again, and its administrator's."""
    stub = Influx2Stub(token := secrets.token_hex(), hides_tokens=True)
    yield stub.url, token
    stub.close()


@pytest.fixture(params=["1.x", "2.x", "2.9"])
def server(request: pytest.FixtureRequest) -> Installed:
    """One of them, with a bucket prefix of its own."""
    prefix = f"t{secrets.token_hex(4)}"
    if request.param == "1.x":
        return Installed(InfluxServer(request.getfixturevalue("influxd_1"), prefix, username="admin", token=ADMIN))
    url, token = request.getfixturevalue("influxd_2" if request.param == "2.x" else "influxd_29")
    return Installed(InfluxServer(url, prefix, "gengfu", token=token))


def test_a_set_up_makes_everything_and_doing_it_again_changes_nothing(server: Installed) -> None:
    raw, minutes, hours = (plan.name for plan in server.plans)
    made = server.set_up()
    assert {("bucket", raw), ("bucket", minutes), ("bucket", hours)} <= made
    assert {("token", "writer"), ("token", "reader")} <= made
    assert server.check() == []
    assert server.set_up() == set()
    assert len(set(server.tokens.values())) == 2


def test_the_store_may_write_and_the_boards_only_read(server: Installed) -> None:
    server.set_up()
    both_writers = check(server.as_("writer"), server.plans, server.as_("writer"), now())
    assert [(one.kind, one.name) for one in both_writers] == [("reader_writes", plan.name) for plan in server.plans]
    reader_as_store = check(server.as_("reader"), server.plans, None, now())
    assert {one.kind for one in reader_as_store} == {"not_writable"}


def test_a_longer_retention_is_made_and_a_shorter_one_is_not(server: Installed) -> None:
    server.set_up()
    server.plans = plans(server.admin.bucket, 365 * DAY, 400 * DAY, 3650 * DAY)
    assert [(one.kind, one.detail) for one in server.findings()] == [("short_retention", "92 d < 365 d")]
    assert server.set_up() == {("retention", server.plans[0].name)}
    assert server.check() == []
    server.plans = plans(server.admin.bucket, 30 * DAY, 400 * DAY, 3650 * DAY)
    assert server.set_up() == set(), "data that is there is never cut off"


def test_rotated_tokens_work_and_the_old_ones_end(server: Installed) -> None:
    server.set_up()
    old = dict(server.tokens)
    assert server.set_up(rotate=True) == {("token", "writer"), ("token", "reader")}
    assert all(server.tokens[label] != old[label] for label in old)
    assert server.check() == []
    if not server.is_1:
        still = check(replace(server.as_("writer"), token=old["writer"]), server.plans, None, now())
        assert still == [], "in 2.x the old token works until everybody has the new one"
        server.set_up(revoke=True)
        assert server.check() == []
    gone = check(replace(server.as_("writer"), token=old["writer"]), server.plans, None, now())
    assert [one.kind for one in gone] == ["refused"]


def test_a_token_that_got_lost_does_not_cost_the_one_in_use(server: Installed) -> None:
    server.set_up()
    in_use = dict(server.tokens)
    server.set_up(rotate=True)  # as when it ends before the files are written
    server.tokens = in_use
    server.set_up(revoke=True)
    assert server.check() == []
    assert server.set_up(revoke=True) == set()


def test_a_missing_bucket_is_named(server: Installed) -> None:
    server.set_up()
    server.plans = plans(f"{server.admin.bucket}x", 90 * DAY, 400 * DAY, 3650 * DAY)
    missing = [one.name for one in server.findings() if one.kind == "bucket_missing"]
    assert missing == [plan.name for plan in server.plans]


def test_clocks_that_differ_are_told(server: Installed) -> None:
    server.set_up()
    assert [one.kind for one in server.findings(now() + timedelta(minutes=3))] == ["clock_skew"]


def test_what_does_not_answer_or_is_something_else_is_told(server: Installed) -> None:
    server.set_up()
    nowhere = replace(server.as_("writer"), url=f"http://127.0.0.1:{free_port()}")
    assert [one.kind for one in check(nowhere, server.plans, None, now())] == ["unreachable"]
    with pytest.raises(InfluxAway, match="does not answer"):
        set_up(nowhere, server.plans, [], rotate=False, revoke=False)


@pytest.mark.parametrize("path", ["/ping", "/api/v2/buckets", "/api/v2/write", "/api/v2/dbrps"])
def test_a_server_that_is_busy_has_neither_lost_a_right_nor_needs_a_token(path: str) -> None:
    with closing(Influx2Stub(token := secrets.token_hex())) as stub:
        server = Installed(InfluxServer(stub.url, "store", "gengfu", token=token))
        server.set_up()
        stub.busy = path
        assert server.check() == ["unreachable"]
        before = len(stub.authorizations)
        with suppress(InfluxAway):
            server.set_up()
        assert len(stub.authorizations) == before


def test_a_wrong_administrator_is_refused(server: Installed) -> None:
    server.set_up()
    with pytest.raises(InfluxRefused) as refusal:
        set_up(replace(server.admin, token="wrong"), server.plans, [], rotate=False, revoke=False)
    assert "wrong" not in str(refusal.value)


def test_another_organisation_is_made(influxd_2: tuple[str, str]) -> None:
    url, token = influxd_2
    server = Installed(InfluxServer(url, "other", f"org{secrets.token_hex(4)}", token=token))
    assert ("organisation", server.admin.org) in server.set_up()
    assert server.check() == []
    elsewhere = replace(server.as_("writer"), org="nobody")
    assert [one.kind for one in check(elsewhere, server.plans, None, now())] == ["org_missing"]


@contextmanager
def another_organisation(influxd_2: tuple[str, str]) -> Iterator[tuple[Installed, Callable[..., dict[str, Any]]]]:
    """One of its own, and how its administrator asks InfluxDB for things."""
    url, token = influxd_2
    server = Installed(InfluxServer(url, "store", f"org{secrets.token_hex(4)}", token=token))
    headers = {"Authorization": f"Token {token}"}
    with httpx.Client(base_url=f"{url}/api/v2", headers=headers, trust_env=False) as client:
        org = client.post("/orgs", json={"name": server.admin.org}).raise_for_status().json()["id"]

        def ask(method: str, path: str, **body: object) -> dict[str, Any]:
            answer = client.request(method, path, json={"orgID": org, **body}).raise_for_status()
            return dict(answer.json()) if answer.content else {}

        yield server, ask


def test_buckets_are_found_among_many(influxd_2: tuple[str, str]) -> None:
    with another_organisation(influxd_2) as (server, ask):
        for number in range(101):
            ask("POST", "/buckets", name=f"other{number:03}", retentionRules=[])
        server.set_up()
        assert server.check() == []
        assert server.set_up() == set()
        server.plans = plans(server.admin.bucket, 365 * DAY, 400 * DAY, 3650 * DAY)
        assert server.set_up() == {("retention", server.plans[0].name)}


def test_a_name_that_reads_another_bucket_is_told(influxd_2: tuple[str, str]) -> None:
    with another_organisation(influxd_2) as (server, ask):
        server.set_up()
        raw = server.plans[0].name
        other = ask("POST", "/buckets", name=f"{raw}/autogen", retentionRules=[])["id"]
        mapping = ask("POST", "/dbrps", bucketID=other, database=raw, retention_policy="autogen", default=True)["id"]
        assert server.findings() == [Finding("not_mapped", raw)]
        ask("DELETE", f"/dbrps/{mapping}?org={server.admin.org}")
        assert server.check() == []


def test_a_bucket_of_an_upgraded_server_is_not_hidden_behind_a_new_one(influxd_2: tuple[str, str]) -> None:
    with another_organisation(influxd_2) as (server, ask):
        raw = server.plans[0].name
        upgraded = ask("POST", "/buckets", name=f"{raw}/autogen", retentionRules=[])["id"]
        ask("POST", "/dbrps", bucketID=upgraded, database=raw, retention_policy="autogen", default=True)
        with pytest.raises(InfluxRefused, match=f"reads {raw} from another bucket, id {upgraded}"):
            server.set_up()
        ask("PATCH", f"/buckets/{upgraded}", name=raw)
        assert ("bucket", raw) not in server.set_up()
        assert server.check() == []


def test_a_server_that_asks_nobody_for_a_password_is_told(influx_server: influx.InfluxTestServer) -> None:
    if not influx_server.is_v1:
        return  # 2.x always asks
    server = Installed(InfluxServer(influx_server.proxy.upstream, "open", username="admin", token="x"))
    server.set_up()
    assert "open_to_all" in server.check()


def test_the_command_writes_the_tokens_for_their_readers(
    influxd_2: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, token = influxd_2
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "influx_admin_token").write_text(f"{token}\n")
    for name in ("influx_token", "influx_grafana_token"):
        (folder / name).touch(0o640)
    prefix = f"t{secrets.token_hex(4)}"
    monkeypatch.setenv("GENGFU_INFLUX_URL", url)
    monkeypatch.setenv("GENGFU_INFLUX_BUCKET", prefix)

    def run(command: str, where: Path = folder) -> tuple[int, str]:
        done = CliRunner().invoke(app, [command, "--secrets", str(where), "--lang", "en"])
        return done.exit_code, done.output if done.exception is None or done.exit_code == 1 else str(done.exception)

    code, said = run("check")
    assert (code, "unauthorized access" in said) == (1, True)
    code, said = run("setup")
    assert (code, f"New token of {prefix}-grafana written" in said) == (0, True)
    files = [folder / "influx_token", folder / "influx_grafana_token"]
    tokens = [file.read_text() for file in files]
    assert all(tokens)
    assert not [one for one in tokens if one in said], "a secret is never shown"
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o640}
    assert run("check") == (0, "✓ InfluxDB is as it should be\n")
    assert run("setup")[0] == 0
    assert [file.read_text() for file in files] == tokens
    assert sorted(file.name for file in folder.iterdir()) == [
        "influx_admin_token",
        "influx_grafana_token",
        "influx_token",
    ]
    with pytest.raises(SettingsError, match="gengfu init"):
        setup(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "days"), [("2208h0m0s", 92.0), ("0s", 0.0), ("9600h", 400.0), ("1w2d", 9.0), ("36h30m", 36.5 / 24)]
)
def test_durations_of_1x_are_read(text: str, days: float) -> None:
    assert go_duration(text) == timedelta(days=days)


def test_names_and_passwords_are_quoted() -> None:
    assert quoted('a"b\\') == '"a\\"b\\\\"'
    assert literal("it's \\") == "'it\\'s \\\\'"


def test_the_administrator_is_not_made_the_stores_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGFU_INFLUX_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("GENGFU_INFLUX_USERNAME", "admin")
    (tmp_path / "influx_admin_password").write_text("word")
    with pytest.raises(SettingsError, match="would end its rights"):
        setup(tmp_path)
