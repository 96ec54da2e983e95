"""Putting the parts together from the settings; the only place that knows all of them."""

import os
import signal
import socket
import ssl
import threading
from pathlib import Path

from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError

from gateway.mqtt import BrokerAddress
from gateway.site.load import load_configs
from gateway.site.model import Configs
from gateway.timeseries.influxdb import InfluxServer, open_influx_store
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import TimeSeriesStore
from services.kernel.clock import SystemClock
from services.kernel.collisions import once_more
from services.kernel.db import Database
from services.kernel.errors import SettingsError
from services.kernel.roles import RoleLock
from services.kernel.settings import Settings
from services.people import service as people

PARENT_ENV = "GENGFU_PARENT_PID"
"""Set by the supervisor: a part whose parent is gone ends itself."""


def open_database(settings: Settings) -> Database:
    """The state database with its schema up to date."""
    from services.migrations import upgrade  # brings Alembic, and not every process has a database

    try:
        db = Database(settings.state_url)
    except (ArgumentError, ImportError) as error:  # ImportError: a driver that is not installed
        raise SettingsError(
            "GENGFU_DATABASE_URL is no address of a database that Gengfu can use",
            hint="Write postgresql+psycopg://user:password@host/name, or leave it empty for SQLite",
        ) from error
    try:
        upgrade(db)
    except DatabaseError as error:
        where = db.url.render_as_string(hide_password=True)
        reason = str(error.orig).strip().partition("\n")[0]
        db.dispose()
        raise SettingsError(
            f"The state database {where} cannot be used: {reason}",
            hint="Check that it runs and that GENGFU_DATABASE_URL or GENGFU_DATA_DIR names the right one",
        ) from error
    return db


def take_role(db: Database, role: str) -> RoleLock | None:
    """On SQLite the one place of a role, held while the process lives; raises RoleTaken."""
    if db.sqlite_path is None:
        return None
    lock = RoleLock(db.sqlite_path, role)
    lock.take()
    return lock


def configs_of(settings: Settings) -> Configs:
    """The site files; raises SiteInvalid with every problem."""
    configs = load_configs(configs_path(settings))
    return configs if settings.demo else configs.without_demo()


def configs_path(settings: Settings) -> Path:
    """The directory of the settings, or the shipped demo site when that does not exist and was not asked for."""
    if settings.configs.is_dir() or "configs" in settings.model_fields_set:
        return settings.configs
    return shipped_configs()


def shipped_configs() -> Path:
    """The demo site that comes with the program."""
    return Path(__file__).resolve().parents[2] / "device_configs"


def influx_server(settings: Settings) -> InfluxServer:
    """InfluxDB of the settings."""
    return InfluxServer(
        settings.influx_url,
        settings.influx_bucket,
        settings.influx_org,
        settings.influx_username,
        settings.influx_token.get_secret_value(),
        settings.influx_ca,
    )


def open_store(settings: Settings, group: str = "", *, read_only: bool = False) -> TimeSeriesStore:
    """The time series of the settings: the SQLite file, or InfluxDB with a spool of this ingest group in front."""
    if not settings.influx_url:
        return open_sqlite_store(settings.timeseries_path, read_only)
    spool = None if read_only else settings.spool_path(group or settings.ingest_group)
    beside = settings.ingest_groups > 0
    return open_influx_store(influx_server(settings), spool, spool_bytes=settings.spool_mib << 20, beside=beside)


def sites_of(settings: Settings, configs: Configs) -> list[str]:
    """The sites this ingest hears; raises SettingsError for one that is not declared."""
    wanted = [site.strip() for site in settings.ingest_sites.split(",") if site.strip()] or sorted(configs.sites)
    unknown = [site for site in wanted if site not in configs.sites]
    if unknown:
        raise SettingsError(
            f"GENGFU_INGEST_SITES names {', '.join(unknown)}, which is not declared",
            hint=f"Declared: {', '.join(sorted(configs.sites))}",
        )
    return wanted


@once_more  # another replica may start at this moment
def seed_accounts(db: Database, configs: Configs) -> None:
    """Bring the accounts of the site files into the database."""
    now = SystemClock().now()
    with db.begin() as session:
        for config in configs.sites.values():
            people.seed_people(session, config.people, now)


def seed_first_admin(db: Database, settings: Settings) -> bool:
    """Give `admin` the first password of the settings; whether nobody could sign in before."""
    password = settings.first_admin_password.get_secret_value()
    if not password:
        return False
    try:
        with db.begin() as session:
            return people.first_run_admin(session, SystemClock().now(), password=password) is not None
    except IntegrityError:  # another replica was first
        return False


def broker_of(settings: Settings) -> BrokerAddress:
    """The broker's address from the settings; raises SettingsError for a CA certificate that is none."""
    if settings.broker_ca is not None:
        try:
            ssl.create_default_context(cafile=settings.broker_ca)
        except OSError as error:
            raise SettingsError(
                f"GENGFU_BROKER_CA={settings.broker_ca} cannot be used: {error}",
                hint="Give the file ca.crt that `gengfu init` has made, or your authority's certificate in PEM form",
            ) from error
    return BrokerAddress(
        settings.broker_host,
        settings.broker_port,
        settings.broker_username,
        settings.broker_password.get_secret_value(),
        settings.broker_ca,
    )


def stop_event() -> threading.Event:
    """Set by SIGTERM and SIGINT, and when the supervisor that started this process is gone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    parent = os.environ.get(PARENT_ENV)
    if parent is not None:
        threading.Thread(target=_watch_parent, args=(int(parent), stop), daemon=True, name="parent").start()
    return stop


def _watch_parent(parent: int, stop: threading.Event) -> None:
    while not stop.wait(1.0):
        if os.getppid() != parent:
            stop.set()


def port_is_free(host: str, port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, wanted: int) -> int:
    """The wanted port, or the next free one of the following hundred; raises SettingsError."""
    for port in range(wanted, min(wanted + 100, 65_536)):
        if port_is_free(host, port):
            return port
    raise SettingsError(f"No free port from {wanted} on", hint="Choose another one in the settings")
