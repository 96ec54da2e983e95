"""docker-compose.yml is right without a Docker engine: its schema, and that it fits the settings, init and commands."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from compose import FILE, ROOT, VariableMissing, is_gengfu, is_once, load, variables
from compose_spec import PyCompose
from pydantic import SecretStr

from gateway.site.load import load_configs
from services.cli.main import app
from services.install import plan
from services.kernel.settings import SECRETS_DIR_ENV, Settings

TEXT = FILE.read_text("utf-8")
ENV = {"DEPLOY_DIR": "./deploy", "DEPLOY_UID": "1000", "DEPLOY_GID": "1000", "DEPLOY_HOST": "h", "DEPLOY_SITE": "yunhe"}
ALL_INTERFACES = "0.0.0.0"
PORTS = {"mosquitto": {8883}, "gateway": {26875}, "proxy": {8443, 3443}}
"""What the world outside may reach, and by which container port."""
EGRESS = {"mosquitto", "gateway", "proxy", "worker", "simulator"}
"""Who may be in a network that reaches further than the deployment."""
FOREIGN = {
    "postgres": {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_ARGS"},
    "influxdb": {
        *(f"DOCKER_INFLUXDB_INIT_{name}" for name in ("MODE", "USERNAME", "PASSWORD_FILE", "ADMIN_TOKEN_FILE")),
        *(f"DOCKER_INFLUXDB_INIT_{name}" for name in ("ORG", "BUCKET", "RETENTION")),
        "INFLUXD_REPORTING_DISABLED", "INFLUXD_LOG_LEVEL", "INFLUXD_STORAGE_CACHE_MAX_MEMORY_SIZE", "GOMEMLIMIT",
    },
    "grafana": {
        "GF_SECURITY_ADMIN_PASSWORD__FILE", "GF_SECURITY_SECRET_KEY__FILE", "GF_SECURITY_COOKIE_SECURE",
        "GF_SECURITY_DISABLE_GRAVATAR",
        "GF_SERVER_ROOT_URL", "GF_USERS_ALLOW_SIGN_UP", "GF_USERS_DEFAULT_LANGUAGE",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "GF_NEWS_NEWS_FEED_ENABLED",
        "GF_PLUGINS_PREINSTALL_DISABLED", "GOMEMLIMIT",
    },
    "proxy": {"CADDYFILE", "GOMEMLIMIT"},
    "web": {"FORWARDED_ALLOW_IPS"},
}  # fmt: skip
"""Variables of other people's images, as their documentation has them."""
SECRET_FIELDS = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}
ROOTLESS = {"grafana": "its image names user 472"}
FINDING = Iterator[str]
UsageError = typer.BadParameter.__mro__[1]
"""Of the click that typer brings."""


@cache
def generated() -> frozenset[str]:
    """The files that `gengfu init --demo` writes for the shipped site."""
    shipped = plan.Shipped((ROOT / "device_configs/broker/mosquitto.conf").read_text("utf-8"), {"x.json": "{}"})
    wish = plan.Wish("h:8883", ("h",), demo=True)
    configs = load_configs(ROOT / "device_configs")
    return frozenset(plan.wanted(configs, wish, shipped, {}, datetime(2026, 11, 22, tzinfo=UTC), lambda n: b"a" * n))


def bind_mounts(service: Mapping[str, Any]) -> list[str]:
    return [one["source"] for one in service.get("volumes", []) if one["type"] == "bind"]


def schema(document: Mapping[str, Any]) -> FINDING:
    try:
        PyCompose.from_yaml(yaml.safe_dump(dict(document), allow_unicode=True)).validate()
    except ValueError as error:
        yield str(error)


def references(document: Mapping[str, Any]) -> FINDING:
    """What a service names exists, and what exists is named."""
    services = document["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            target = services.get(other)
            if target is None:
                yield f"{name} depends on {other}, which there is not"
            elif how["condition"] == "service_healthy" and (is_once(target) or "test" not in target["healthcheck"]):
                yield f"{name} waits until {other} is healthy, which nobody checks"
            elif how["condition"] == "service_completed_successfully" and not is_once(target):
                yield f"{name} waits for the end of {other}, which goes on"
    for kind in ("volumes", "secrets", "networks"):
        used = {one for service in services.values() for one in named(service, kind)}
        for one in used ^ set(document.get(kind, {})):
            yield f"{kind}: {one} is declared or used, but not both"


def named(service: Mapping[str, Any], kind: str) -> Iterator[str]:
    for one in service.get(kind, []):
        if isinstance(one, str):
            yield one
        elif kind == "secrets" or one["type"] == "volume":
            yield one["source"]


def images(document: Mapping[str, Any]) -> FINDING:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    for name, service in document["services"].items():
        image = service.get("image", "")
        if not re.fullmatch(r"[a-z0-9/-]+:[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z0-9]+)*", image):
            yield f"{name}: image {image!r} is not pinned by an exact version"
        if is_gengfu(service) and image != f"gengfu:{version}":
            yield f"{name}: {image} is not this version, {version}"
        for base in re.findall(r"^FROM (\S+)", service.get("build", {}).get("dockerfile_inline", ""), re.MULTILINE):
            if not re.search(r":[0-9]+\.[0-9]+\.[0-9]+-", base):
                yield f"{name}: base image {base!r} is not pinned by an exact version"


def build(document: Mapping[str, Any]) -> FINDING:
    """The image gets what the wheel is made of and nothing else: no secrets, no site data of another company."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], str(Path(wheel["hooks"]["custom"]["path"]).parent)}
    needed |= {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    for name, service in document["services"].items():
        if not is_gengfu(service):
            continue
        text = service["build"]["dockerfile_inline"]
        copied = {one for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE) for one in line.split()}
        if copied != needed:
            yield f"{name}: the image copies {sorted(copied ^ needed)} too much or too little"
        if not re.search(r"^USER [1-9]", text, re.MULTILINE):
            yield f"{name}: the image runs as root"


def ports(document: Mapping[str, Any]) -> FINDING:
    for name, service in document["services"].items():
        published = [re.fullmatch(r"([\d.]+):(\d+):(\d+)", one) for one in service.get("ports", [])]
        if {int(one[3]) for one in published if one} != PORTS.get(name, set()) or None in published:
            yield f"{name}: publishes {service.get('ports')}"
        for one in published:
            if one and one[1] != "127.0.0.1":
                yield f"{name}: port {one[2]} is open to {one[1]} without anybody's wish"
        open_networks = [one for one in service.get("networks", []) if not document["networks"][one].get("internal")]
        if not service.get("networks"):
            yield f"{name}: is in the default network"
        if open_networks and name not in EGRESS:
            yield f"{name}: reaches beyond the deployment by {open_networks}"


def environment(document: Mapping[str, Any]) -> FINDING:
    known = {f"GENGFU_{name.upper()}": name for name in Settings.model_fields}
    for name, service in document["services"].items():
        values = {key: str(value) for key, value in service.get("environment", {}).items()}
        for key, value in values.items():
            field = known.get(key) if is_gengfu(service) else None
            if field is None and key != SECRETS_DIR_ENV and key not in FOREIGN.get(name, ()):
                yield f"{name}: nobody knows {key}"
            if field in SECRET_FIELDS and not (field == "database_url" and re.search(r"//\w+@", value)):
                yield f"{name}: {key} is a secret: hand it over as a file"
            if re.search(r"(PASSWORD|TOKEN|SECRET)$", key):
                yield f"{name}: {key} is a secret: hand it over as a file"
            if key.endswith("_FILE") and value.removeprefix("/run/secrets/") not in secret_files(service):
                yield f"{name}: {key} names {value}, which is not mounted"
        if is_gengfu(service):
            given = {known[key]: value for key, value in values.items() if key in known}
            try:
                Settings(_env_file=None, **given)
            except ValueError as error:
                yield f"{name}: {error}"


def secret_files(service: Mapping[str, Any]) -> set[str]:
    return {one if isinstance(one, str) else one["target"] for one in service.get("secrets", [])}


def files(document: Mapping[str, Any]) -> FINDING:
    """What is mounted is made by `gengfu init`, and what is read as a secret is one of the settings."""
    made = {f"./deploy/{file}" for file in generated()}
    folders = {str(parent) for file in generated() for parent in (Path("deploy") / file).parents}
    for name, one in document["secrets"].items():
        if one["file"] not in made:
            yield f"secret {name}: init does not write {one['file']}"
    for name, service in document["services"].items():
        for source in bind_mounts(service):
            if source not in made and source.removeprefix("./") not in folders | {"device_configs"}:
                yield f"{name}: init does not write {source}"
            if f"./deploy/{plan.CA_KEY}".startswith(f"{source}/"):
                yield f"{name}: sees every secret by {source}"
        for one in service.get("volumes", []):
            if one["type"] == "bind" and not one.get("read_only") and not is_once(service):
                yield f"{name}: may write into {one['source']}"
        if is_gengfu(service):
            for target in secret_files(service):
                if target not in {f"gengfu_{field}" for field in SECRET_FIELDS | {"secret_key"}}:
                    yield f"{name}: nobody reads the secret {target}"


def hardening(document: Mapping[str, Any]) -> FINDING:
    for name, service in document["services"].items():
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        for one in {"cpus", "memory", "pids"} - set(limits):
            yield f"{name}: no limit of {one}"
        if service.get("restart") != ("no" if name == "setup" else "unless-stopped"):
            yield f"{name}: restart {service.get('restart')!r}"
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"] or service.get("privileged"):
            yield f"{name}: more rights than it needs"
        if service.get("security_opt") != ["no-new-privileges:true"]:
            yield f"{name}: may gain rights"
        if service.get("user", "0").partition(":")[0] in ("0", "root") and name not in ROOTLESS:
            yield f"{name}: runs as root"
        if "max-size" not in service.get("logging", {}).get("options", {}):
            yield f"{name}: its log grows for ever"
        check = service.get("healthcheck", {})
        is_exempt = is_once(service) or service.get("profiles") == ["demo"]
        if not is_exempt and not {"test", "interval", "timeout", "retries"} <= set(check):
            yield f"{name}: nobody looks whether it is well"


def commands(document: Mapping[str, Any]) -> FINDING:
    for name, service in document["services"].items():
        if not is_gengfu(service):
            continue
        test = service.get("healthcheck", {}).get("test", [])
        lines = [service["command"], *([test[2:]] if test[:2] == ["CMD", "gengfu"] else [])]
        for line in lines:
            try:
                understand(line)
            except (LookupError, UsageError) as error:
                yield f"{name}: gengfu {' '.join(line)}: {error}"


@cache
def command_line() -> Any:
    return typer.main.get_command(app)


def understand(words: list[str]) -> None:
    """Parse the words as the command line would; raises LookupError, UsageError."""
    command = command_line()
    while hasattr(command, "get_command"):
        name, *words = words
        found = command.get_command(None, name)
        if found is None:
            raise LookupError(f"no command {name}")
        command = found
    command.make_context("gengfu", words)


RULES = (schema, references, images, build, ports, environment, files, hardening, commands)


@cache
def problems(text: str) -> list[tuple[str, str]]:
    """Everything wrong with the file, after the rule it breaks; a broken schema hides the rest."""
    document = load(text, ENV)
    broken = [("schema", one) for one in schema(document)]
    return broken or [(rule.__name__, one) for rule in RULES[1:] for one in rule(document)]


def test_the_file_is_right() -> None:
    assert problems(TEXT) == []


@pytest.mark.parametrize("name", sorted(ENV))
def test_without_gengfu_init_compose_stops_and_says_what_to_do(name: str) -> None:
    with pytest.raises(VariableMissing, match=f"{name}: run gengfu init first"):
        load(TEXT, {key: value for key, value in ENV.items() if key != name})


def test_every_other_variable_has_a_default() -> None:
    assert not [name for name, is_safe in variables(yaml.safe_load(TEXT)).items() if not is_safe]


def test_only_a_proxy_that_is_named_is_believed_who_asks() -> None:
    for given, trusted in (({}, "127.0.0.1/32"), ({"DEPLOY_TRUSTED_PROXIES": "10.0.0.9"}, "10.0.0.9")):
        proxy = load(TEXT, ENV | given)["services"]["proxy"]
        assert re.findall(r"trusted_proxies (.*)", proxy["environment"]["CADDYFILE"]) == [trusted]


PLANTED = [
    ("a misspelt key", "    healthcheck:\n      <<: *asked\n      test: [CMD, gengfu, health, web]",
     "    healthchek:\n      <<: *asked\n      test: [CMD, gengfu, health, web]", "healthchek"),
    ("a misspelt condition", "setup: {condition: service_completed_successfully}",
     "setup: {condition: service_completed}", "service_completed"),
    ("a duration without a unit", "start_period: 120s", "start_period: soon", "soon"),
    ("memory that is no size", "memory: 768M", "memory: much", "much"),
    ("a service that is not there", "web: {condition: service_healthy}", "wep: {condition: service_healthy}", "wep"),
    ("waiting for nobody's health", "setup: {condition: service_completed_successfully}",
     "setup: {condition: service_healthy}", "nobody checks"),
    ("a volume that is not declared", "source: gateway, target", "source: gatewai, target", "gatewai"),
    ("a network that is not declared", "networks: [back, front]", "networks: [back, outside]", "outside"),
    ("a secret that is not declared", "source: mqtt_worker, target", "source: mqtt_work, target", "mqtt_work"),
    ("a secret that init does not write", 'secrets/mqtt_worker"', 'secrets/mqtt_works"', "init does not write"),
    ("a secret that nobody reads", "target: gengfu_broker_password", "target: broker_password", "nobody reads"),
    ("a mount that init does not write", '"${DEPLOY_DIR}/postgres/init"', '"${DEPLOY_DIR}/postgres/start"',
     "init does not write"),
    ("a mount of every secret", '"${DEPLOY_DIR}/secrets/influx", target', '"${DEPLOY_DIR}/secrets", target',
     "sees every secret"),
    ("configuration that may be written", "target: /mosquitto/config, read_only: true}",
     "target: /mosquitto/config}", "may write"),
    ("an image without a version", "image: grafana/grafana:11.4.0", "image: grafana/grafana", "not pinned"),
    ("an image of the latest version", "image: influxdb:2.7.12", "image: influxdb:latest", "not pinned"),
    ("another version of ours", "image: gengfu:0.1.0", "image: gengfu:0.9.0", "not this version"),
    ("a base image that moves", "FROM python:3.11.11-slim-bookworm AS", "FROM python:3.11 AS", "base image"),
    ("an image of everything", "COPY gateway gateway", "COPY . .", "too much or too little"),
    ("an image that runs as root", "USER 10001:10001", "USER root", "runs as root"),
    ("a port nobody knows", "networks: [back]\n    volumes:\n      - {type: volume, source: influxdb",
     'ports: ["127.0.0.1:8086:8086"]\n    networks: [back]\n    volumes:\n      - {type: volume, source: influxdb',
     "publishes"),
    ("a port open to the world", "${DEPLOY_BIND:-127.0.0.1}:${DEPLOY_WEB_PORT",
     f"${{DEPLOY_BIND:-{ALL_INTERFACES}}}:${{DEPLOY_WEB_PORT", "without anybody's wish"),
    ("a port on every interface", '"${DEPLOY_FIRE_BIND:-127.0.0.1}:${DEPLOY', '"${DEPLOY', "publishes"),
    ("a way out for the database", "networks: [back]\n    volumes:\n      - {type: bind, source: "
     '"${DEPLOY_DIR}/postgres', "networks: [front]\n    volumes:\n      - {type: bind, source: "
     '"${DEPLOY_DIR}/postgres', "reaches beyond"),
    ("a setting nobody knows", "GENGFU_SPOOL_MIB", "GENGFU_SPOOL_MB", "nobody knows GENGFU_SPOOL_MB"),
    ("a setting out of bounds", "${DEPLOY_SPOOL_MIB:-20480}", "1", "greater than or equal to 16"),
    ("a variable of no image", "GF_USERS_ALLOW_SIGN_UP", "GF_USER_ALLOW_SIGN_UP", "nobody knows GF_USER"),
    ("a password in the environment", "GENGFU_INFLUX_ORG: gengfu\n  GENGFU",
     "GENGFU_INFLUX_TOKEN: abc\n  GENGFU", "is a secret"),
    ("a password in the address", "//gengfu@postgres", "//gengfu:abc@postgres", "is a secret"),
    ("a password for the database itself", "POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password",
     "POSTGRES_PASSWORD: abc", "is a secret"),
    ("a secret file that is not mounted", "PASSWORD__FILE: /run/secrets/grafana_admin_password",
     "PASSWORD__FILE: /run/secrets/admin_password", "not mounted"),
    ("no limit of memory", 'limits: {cpus: "1.0", memory: 512M, pids: 100}', 'limits: {cpus: "1.0", pids: 100}',
     "no limit of memory"),
    ("no restart", "restart: unless-stopped", "restart: on-failure", "restart 'on-failure'"),
    ("a writable root", "  read_only: true\n  cap_drop", "  cap_drop", "more rights"),
    ("every capability", "  cap_drop: [ALL]\n", "  cap_drop: [NET_RAW]\n", "more rights"),
    ("new privileges", "  security_opt: [no-new-privileges:true]\n", "", "gain rights"),
    ("root", '    user: "999:999"\n', "", "runs as root"),
    ("an endless log", "options: {max-size: 10m, max-file", "options: {max-file", "grows for ever"),
    ("nobody looks", "      test: [CMD, gengfu, health, worker]\n", "", "nobody looks"),
    ("a command that is not there", "command: [worker]", "command: [wroker]", "no command wroker"),
    ("an option that is not there", "influx, setup, --secrets", "influx, setup, --secret-dir", "No such option"),
    ("a health check of nobody", "gengfu, health, gateway]", "gengfu, health, gateways]", "is not one of"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "said"), [one[1:] for one in PLANTED], ids=[one[0] for one in PLANTED])
def test_what_is_wrong_is_found(right: str, wrong: str, said: str) -> None:
    assert TEXT.count(right), "the file has changed: adapt the planted error"
    assert [one for _, one in problems(TEXT.replace(right, wrong)) if said in one]


def test_every_rule_is_broken_by_some_planted_error() -> None:
    broken = {rule for _, right, wrong, _ in PLANTED for rule, _ in problems(TEXT.replace(right, wrong))}
    assert broken == {rule.__name__ for rule in RULES}


def test_replicas_share_nothing_that_is_one_ones_own() -> None:
    """`--scale ingest=2 --scale worker=2 --scale web=2`: no fixed name or port, and ingest has leases."""
    services = load(TEXT, ENV)["services"]
    for name in ("ingest", "worker", "web"):
        assert not {"ports", "container_name", "hostname"} & set(services[name])
    assert int(services["ingest"]["environment"]["GENGFU_INGEST_GROUPS"]) > 1
