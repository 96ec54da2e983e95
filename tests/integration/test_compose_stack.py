"""docker-compose.yml without Docker: its Gengfu services with the environment, secrets and mounts that it gives them.

Real servers: Mosquitto with the generated configuration and TLS, PostgreSQL with the generated roles, InfluxDB.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import compose
import httpx
import psycopg
import pytest
from brokers import MOSQUITTO, free_port
from database import PostgresServer
from influx import InfluxTestServer
from processes import Process, until
from require import require

from services.install.environment import values_in

pytestmark = pytest.mark.timeout(240)
START_SECONDS = 120.0
SCALED = {"web": 2}
"""As `docker compose up --scale web=2` would."""


class Stack:
    """What `docker compose --profile demo up` starts, on loopback and free ports."""

    def __init__(self, folder: Path, postgres: PostgresServer, influx: InfluxTestServer) -> None:
        self.folder = folder
        self.processes: dict[str, list[Process]] = {}
        self.web_ports: dict[int, int] = {}
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("GENGFU_")}
        self._run("init", "--demo", "--host", "localhost", "--configs", str(compose.ROOT / "device_configs"))
        self.variables = values_in((folder / ".env").read_text())
        self.services: dict[str, Any] = compose.load(compose.FILE.read_text("utf-8"), self.variables)["services"]
        self.secrets: dict[str, Any] = compose.load(compose.FILE.read_text("utf-8"), self.variables)["secrets"]
        (folder / "deploy/secrets/influx/influx_admin_token").write_text(influx.token)
        self.broker_port, self.fire_port = free_port(), free_port()
        self._broker = self._start_mosquitto()
        self.database = self._make_database(postgres)
        # The names of the containers' network, and where they are here.
        self._places = {
            "//gengfu@postgres/gengfu": f"//gengfu@127.0.0.1:{postgres.port}/{self.database}",
            "simulator:5020": f"127.0.0.1:{free_port()}",
        }
        self.postgres, self.influx = postgres, influx

    def _run(self, *arguments: str, **more: str) -> str:
        process = Process(arguments, self._environment | more, self.folder, 900 + len(list(self.folder.glob("*.out"))))
        assert process.wait(60) == 0, process.errors + process.output
        return process.output

    def _start_mosquitto(self) -> "subprocess.Popen[bytes]":
        require(MOSQUITTO, "mosquitto is not installed (Debian: apt-get install mosquitto)")
        data, made = self.folder / "mosquitto", self.folder / "deploy/mosquitto"
        data.mkdir()
        text = (made / "mosquitto.conf").read_text().replace("/mosquitto/data/", f"{data}/")
        text = text.replace("/mosquitto/config/", f"{made}/")
        text, listeners = re.subn(r"(?m)^listener 8883$", f"listener {self.broker_port} 127.0.0.1", text)
        assert listeners == 1
        (data / "conf").write_text(text + ("\nuser root\n" if os.geteuid() == 0 else ""))
        with (data / "log").open("wb") as log:
            return subprocess.Popen([str(MOSQUITTO), "-c", data / "conf"], stdout=log, stderr=log)

    def _make_database(self, postgres: PostgresServer) -> str:
        """As the image does: the user, the database, then the scripts of the mounted directory."""
        name = f"compose{os.getpid()}"
        postgres.execute("DO $$ BEGIN CREATE ROLE gengfu LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN END $$")
        postgres.execute(f"CREATE DATABASE {name} OWNER gengfu")
        env = {"POSTGRES_USER": "gengfu", "POSTGRES_DB": name, "PGHOST": "127.0.0.1", "PGPORT": str(postgres.port)}
        env |= {"PATH": os.environ["PATH"], "GENGFU_SECRETS_DIR": str(self.mounted_secrets("postgres"))}
        for script in sorted((self.folder / "deploy/postgres/init").glob("*.sh")):
            subprocess.run(["sh", script], env=env, check=True, capture_output=True)
        return name

    def mounted_secrets(self, service: str) -> Path:
        """A directory with the files that this service finds in /run/secrets, and no others."""
        target = self.folder / "run" / service
        target.mkdir(parents=True, exist_ok=True)
        for one in self.services[service].get("secrets", []):
            source, name = (one, one) if isinstance(one, str) else (one["source"], one["target"])
            shutil.copy(self.folder / self.secrets[source]["file"], target / name)
        return target

    def here(self, service: str, text: str) -> str:
        """What a path or an address inside the container is on this machine."""
        # The tests' stand-in for 2.x adds what the store needs; its own administration is that of the server behind it.
        influx = self.influx.proxy.upstream if service == "setup" else self.influx.url
        for name, place in {**self._places, "http://influxdb:8086": influx}.items():
            text = text.replace(name, place)
        for mount in self.services[service].get("volumes", []):
            source = self.folder / mount["source"]
            if mount["type"] == "volume":
                source.mkdir(exist_ok=True)
            text = text.replace(mount["target"], str(source))
        return text.replace("/run/secrets", str(self.folder / "run" / service))

    def environment(self, service: str, number: int = 0) -> dict[str, str]:
        """Its variables."""
        self.mounted_secrets(service)
        said = {key: self.here(service, str(value)) for key, value in self.services[service]["environment"].items()}
        if "/" not in said.get("GENGFU_DATA_DIR", "/").removeprefix("/var/lib/gengfu"):  # a tmpfs
            said["GENGFU_DATA_DIR"] = str(self.folder / "tmp" / service)
            Path(said["GENGFU_DATA_DIR"]).mkdir(parents=True, exist_ok=True)
        loopback = {"GENGFU_BROKER_HOST", "GENGFU_WEB_HOST", "GENGFU_FIRE_HOST"} & said.keys()
        said |= dict.fromkeys(loopback, "127.0.0.1")
        ports = {"GENGFU_BROKER_PORT": self.broker_port, "GENGFU_FIRE_PORT": self.fire_port}
        said |= {key: str(port) for key, port in ports.items() if key in said}
        if "GENGFU_WEB_PORT" in said:
            self.web_ports.setdefault(number, free_port())
            said["GENGFU_WEB_PORT"] = str(self.web_ports[number])
        return self._environment | said | {"GENGFU_PARENT_PID": str(os.getpid())}

    def start(self, service: str) -> None:
        """Start its replicas."""
        command = [self.here(service, word) for word in self.services[service]["command"]]
        for number in range(SCALED.get(service, 1)):
            made = self.processes.setdefault(service, [])
            made.append(
                Process(command, self.environment(service, number), self.folder, 100 * len(self.processes) + number)
            )

    def health(self, service: str, number: int = 0) -> tuple[int, str]:
        """What its health check says."""
        test = self.services[service]["healthcheck"]["test"]
        assert test[:2] == ["CMD", "gengfu"]
        done = subprocess.run(
            [sys.executable, "-c", "from services.cli import main; main()", *test[2:], "--lang", "en"],
            env=self.environment(service, number), cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.strip() + done.stderr.strip()

    def wait_until_well(self, service: str) -> None:
        """As `depends_on: service_healthy` does."""
        replicas = range(SCALED.get(service, 1))
        said = [(1, "")]
        deadline = time.monotonic() + START_SECONDS
        while any(code for code, _ in said):
            assert time.monotonic() < deadline, f"{service} is not well: {said}\n{self.processes[service][0].errors}"
            assert all(one.code is None for one in self.processes[service]), self.processes[service][0].errors
            time.sleep(0.5)  # each look costs as much, and the others are starting
            said = [self.health(service, number) for number in replicas]

    def close(self) -> None:
        """End all of it."""
        for one in (process for replicas in self.processes.values() for process in replicas):
            if one.code is None:
                one.kill()
        self._broker.kill()
        self._broker.wait(10)
        self.postgres.execute(f"DROP DATABASE {self.database} WITH (FORCE)")


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer, influx_session: InfluxTestServer
) -> Iterator[Stack]:
    """Started in the order of `depends_on`."""
    folder = tmp_path_factory.mktemp("compose")
    shutil.copytree(compose.ROOT / "device_configs", folder / "device_configs")
    made = Stack(folder, postgres_server, influx_session)
    try:
        made.start("setup")
        assert made.processes["setup"][0].wait() == 0, made.processes["setup"][0].errors
        for service in ("ingest", "worker", "web", "gateway"):
            made.start(service)
        for service in ("ingest", "worker", "web", "gateway"):
            made.wait_until_well(service)
        made.start("simulator")
        yield made
    finally:
        made.close()


def test_every_gengfu_service_of_the_file_was_started(stack: Stack) -> None:
    assert set(stack.processes) == {name for name, one in stack.services.items() if compose.is_gengfu(one)}


def test_each_process_has_its_own_secrets_and_no_others(stack: Stack) -> None:
    held = {name: {file.name for file in (stack.folder / "run" / name).iterdir()} for name in stack.processes}
    assert held["gateway"] == {"gengfu_broker_password"}
    assert "gengfu_influx_token" not in held["worker"]
    broker = {name: (stack.folder / "run" / name / "gengfu_broker_password").read_text() for name in held if held[name]}
    assert len(set(broker.values())) == len(broker)


def test_readings_of_the_simulated_site_arrive_in_influxdb(stack: Stack) -> None:
    def stored() -> bool:
        return bool(stack.influx.query("gengfu_raw", 'SELECT count("value") FROM "reading" GROUP BY "point"'))

    until(stored, "no reading arrived: " + stack.processes["ingest"][0].errors)


def test_the_console_lets_the_first_administrator_in_by_https_only(stack: Stack) -> None:
    password = (stack.folder / "deploy/secrets/admin_password").read_text().strip()
    for port in stack.web_ports.values():
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
            answer = client.post("/sign-in", data={"username": "admin", "password": password, "next": "/"})
        assert answer.status_code == 303, answer.text
        assert "secure" in answer.headers["set-cookie"].lower()


def test_grafanas_role_reads_the_views_and_nothing_else(stack: Stack) -> None:
    address = f"host=127.0.0.1 port={stack.postgres.port} user=gengfu_grafana dbname={stack.database}"
    with psycopg.connect(address, autocommit=True) as connection:
        (site,) = connection.execute("SELECT site FROM grafana.site").fetchone() or ("",)
        assert site == "yunhe"
        assert connection.execute("SELECT count(*) FROM grafana.process").fetchone() != (0,)
        for forbidden in (
            "SELECT * FROM public.user_account",
            "CREATE TABLE grafana.x ()",
            "SELECT * FROM public.lease",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(forbidden)


def test_nobody_connects_without_a_name_which_is_what_mosquittos_health_check_asks(stack: Stack) -> None:
    (kind, line) = stack.services["mosquitto"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    line = line.replace("-h mosquitto -p 8883", f"-h localhost -p {stack.broker_port}")
    line = line.replace("/mosquitto/config/", f"{shlex.quote(str(stack.folder / 'deploy/mosquitto'))}/")
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 0
    silent = line.replace(str(stack.broker_port), str(free_port()))
    assert subprocess.run(["sh", "-c", silent], check=False).returncode != 0


def test_a_health_check_notices_a_dead_process(stack: Stack) -> None:
    stack.processes["web"][1].kill()
    code, said = stack.health("web", 1)
    assert (code, "does not answer" in said) == (1, True)
    assert stack.health("web", 0)[0] == 0
