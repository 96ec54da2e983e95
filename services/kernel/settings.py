"""Settings from the environment (`GENGFU_…`) or an env file; defaults run everything on this machine."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything a process needs to know that is not site data."""

    model_config = SettingsConfigDict(env_prefix="GENGFU_", env_file=".env", extra="ignore", frozen=True)

    configs: Path = Field(default=Path("device_configs"), description="Directory with limits, policies and sites")
    data_dir: Path = Field(default=Path("var"), description="Where SQLite files, outboxes and logs live")
    database_url: SecretStr = Field(
        default=SecretStr(""), description="State database; empty: SQLite in the data directory"
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
    ingest_group: str = Field(default="main", description="Names the pair of persistent MQTT sessions")
    ingest_sites: str = Field(default="", description="Comma-separated sites this ingest hears; empty: all")
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
    raw_days: int = Field(default=90, ge=1, description="How long raw readings are kept")
    demo: bool = Field(default=False, description="Set by `gengfu demo`: taps may be simulated on the phone page")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @model_validator(mode="after")
    def _broker_secret_needs_user(self) -> "Settings":
        if self.broker_password.get_secret_value() and not self.broker_username:
            raise ValueError("GENGFU_BROKER_PASSWORD is set but GENGFU_BROKER_USERNAME is empty")
        return self

    @property
    def state_url(self) -> str:
        """SQLAlchemy URL of the state database."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'gengfu.db'}"

    @property
    def secret_key_path(self) -> Path:
        """The file with this installation's secret."""
        return self.secret_key_file or self.data_dir / "secret.key"

    @property
    def timeseries_path(self) -> Path:
        """The embedded time-series file."""
        return self.data_dir / "timeseries.db"

    @property
    def outbox_path(self) -> Path:
        """The gateway publisher's outbox."""
        return self.data_dir / "outbox.db"

    def web_outbox_path(self, site: str) -> Path:
        """The outbox of the taps that phones of a site deliver over HTTP."""
        return self.data_dir / f"web-outbox-{site}.db"
