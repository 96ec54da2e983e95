"""Settings from the environment (`GENGFU_…`), an env file or files of secrets; defaults run everything here."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.kernel.errors import SettingsError

SECRETS_DIR_ENV = "GENGFU_SECRETS_DIR"
"""Directory with a file per secret, e.g. `gengfu_database_password`, as container engines mount them."""


class Settings(BaseSettings):
    """Everything a process needs to know that is not site data."""

    model_config = SettingsConfigDict(env_prefix="GENGFU_", env_file=".env", extra="ignore", frozen=True)

    configs: Path = Field(default=Path("device_configs"), description="Directory with limits, policies and sites")
    data_dir: Path = Field(default=Path("var"), description="Where SQLite files, outboxes and logs live")
    database_url: SecretStr = Field(
        default=SecretStr(""), description="State database; empty: SQLite in the data directory"
    )
    database_password: SecretStr = Field(
        default=SecretStr(""), description="Its password, when the address above names a user without one"
    )
    broker_host: str = Field(default="127.0.0.1", description="MQTT broker")
    broker_port: int = Field(default=1883, ge=1, le=65535, description="MQTT port")
    broker_username: str = Field(default="", description="MQTT user of this process")
    broker_password: SecretStr = Field(default=SecretStr(""), description="MQTT password of this process")
    broker_ca: Path | None = Field(default=None, description="CA certificate; set: the connection uses TLS")
    embedded_broker: bool = Field(default=True, description="Start the broker inside `gengfu up`")
    web_host: str = Field(default="127.0.0.1", description="Address the console listens on")
    web_port: int = Field(default=8600, ge=1, le=65535, description="Port the console listens on")
    web_secure_cookies: bool = Field(default=False, description="Mark cookies Secure; set it behind HTTPS")
    fire_host: str = Field(
        default="127.0.0.1", description="Address the gateway listens on for fire transmission devices"
    )
    fire_port: int = Field(default=26875, ge=1, le=65535, description="Port it listens on for them")
    fire_per_address: int = Field(default=64, ge=1, description="Connections it takes from one address")
    bus_addresses: Annotated[dict[str, str], NoDecode] = Field(
        default={},
        description='Addresses in place of those in sensors.yaml, e.g. {"yunhe/pump-bus": "127.0.0.1:5020"}',
    )
    ingest_group: str = Field(default="main", description="Names the pair of persistent MQTT sessions")
    ingest_sites: str = Field(default="", description="Comma-separated sites this ingest hears; empty: all")
    ingest_groups: int = Field(
        default=0, ge=0, le=1024, description="Groups the sites are spread over, each held by a lease; 0: one, unleased"
    )
    influx_url: str = Field(default="", description="InfluxDB, e.g. http://127.0.0.1:8086; empty: the SQLite file")
    influx_org: str = Field(default="gengfu", description="Organisation in InfluxDB 2.x; other versions ignore it")
    influx_bucket: str = Field(default="gengfu", description="First part of the names of its buckets or databases")
    influx_username: str = Field(default="", description="User of InfluxDB 1.x; empty: the token alone")
    influx_token: SecretStr = Field(default=SecretStr(""), description="Token of InfluxDB 2.x and 3, password of 1.x")
    influx_ca: Path | None = Field(default=None, description="CA certificate InfluxDB is verified with")
    spool_mib: int = Field(default=20_480, ge=16, description="Disk the spool in front of InfluxDB may take")
    grafana_url: str = Field(default="", description="Grafana as people reach it; empty: no links, no annotations")
    grafana_api_url: str = Field(default="", description="Grafana as this process reaches it; empty: the one above")
    grafana_token: SecretStr = Field(default=SecretStr(""), description="Service account token for boards")
    public_url: str = Field(default="", description="The console as people reach it; boards link to it")
    late_after: timedelta = Field(
        default=timedelta(minutes=5), description="A breach older than this when it arrives pages nobody by itself"
    )
    loss_settle: timedelta = Field(
        default=timedelta(seconds=10), description="How long a sequence gap may fill before it counts as loss"
    )
    secret_key_file: Path | None = Field(
        default=None,
        description="Secret that encrypts the keys of signed tags; none: secret.key in the data directory",
    )
    first_admin_password: SecretStr = Field(
        default=SecretStr(""), description="First password of `admin`, used while nobody can sign in"
    )
    report_template: Path | None = Field(
        default=None, description="Word template of the monthly report; none: the shipped one"
    )
    raw_days: int = Field(default=90, ge=1, description="How long raw readings are kept")
    demo: bool = Field(default=False, description="Set by `gengfu demo`: taps may be simulated on the phone page")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    def __init__(self, **values: Any) -> None:
        """Read them; values given here win."""
        directory = os.environ.get(SECRETS_DIR_ENV)
        if directory and not Path(directory).is_dir():
            raise SettingsError(
                f"{SECRETS_DIR_ENV} is {directory}, which is no directory", hint="Mount the secrets there"
            )
        super().__init__(**({"_secrets_dir": directory} if directory else {}) | values)

    @field_validator("bus_addresses", mode="before")
    @classmethod
    def _read_addresses(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")  # docker compose gives what nobody has set as empty
        except json.JSONDecodeError as error:
            raise ValueError('this is no JSON such as {"site/bus": "192.168.1.20:502"}') from error

    @model_validator(mode="after")
    def _broker_secret_needs_user(self) -> "Settings":
        if self.broker_password.get_secret_value() and not self.broker_username:
            raise ValueError("GENGFU_BROKER_PASSWORD is set but GENGFU_BROKER_USERNAME is empty")
        return self

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state database."""
        url = self.database_url.get_secret_value()
        password = self.database_password.get_secret_value()
        if url and password:
            scheme, _, rest = url.partition("://")
            user, at, host = rest.rpartition("@")
            url = f"{scheme}://{user}:{quote(password, safe='')}@{host}" if at and ":" not in user else url
        return url or f"sqlite:///{self.data_dir / 'gengfu.db'}"

    @property
    def secret_key_path(self) -> Path:
        """The file with this installation's secret."""
        return self.secret_key_file or self.data_dir / "secret.key"

    @property
    def timeseries_path(self) -> Path:
        """The embedded time-series file."""
        return self.data_dir / "timeseries.db"

    def spool_path(self, group: str) -> Path:
        """What a group has heard and InfluxDB has not stored yet."""
        return self.data_dir / f"spool-{group}.db"

    @property
    def outbox_path(self) -> Path:
        """The gateway publisher's outbox."""
        return self.data_dir / "outbox.db"

    def web_outbox_path(self, site: str) -> Path:
        """The outbox of the taps that phones of a site deliver over HTTP."""
        return self.data_dir / f"web-outbox-{site}.db"
