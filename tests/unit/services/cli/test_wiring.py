"""Settings turned into parts."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from services.cli import wiring
from services.kernel.db import Database
from services.kernel.errors import RoleTaken, SettingsError
from services.kernel.settings import Settings
from services.people.tables import User

SHIPPED = Path(__file__).parents[4] / "device_configs"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    for name in list(os.environ):
        if name.startswith("GENGFU_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Settings(data_dir=tmp_path / "data", configs=SHIPPED)


def test_without_site_files_of_its_own_a_directory_gets_the_shipped_ones(settings: Settings) -> None:
    assert wiring.configs_path(Settings()) == SHIPPED
    assert wiring.configs_path(Settings(configs=Path("mine"))) == Path("mine")
    Path("device_configs").mkdir()
    assert wiring.configs_path(Settings()) == Path("device_configs")


@pytest.mark.parametrize(("wanted", "found"), [("", ["yunhe"]), (" yunhe ,", ["yunhe"])])
def test_ingest_hears_the_sites_it_is_given(settings: Settings, wanted: str, found: list[str]) -> None:
    chosen = settings.model_copy(update={"ingest_sites": wanted})
    assert wiring.sites_of(chosen, wiring.configs_of(settings)) == found


def test_an_undeclared_site_is_named(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="nowhere") as caught:
        wiring.sites_of(settings.model_copy(update={"ingest_sites": "nowhere"}), wiring.configs_of(settings))
    assert "yunhe" in caught.value.hint


@pytest.mark.parametrize("url", ["gengfu.db", "oracle://u:secret@h/x", "postgresql+nothing://u:secret@h/x"])
def test_an_address_that_is_none_is_refused_without_its_password(settings: Settings, url: str) -> None:
    wrong = Settings(data_dir=settings.data_dir, database_url=url)  # type: ignore[arg-type]
    with pytest.raises(SettingsError) as caught:
        wiring.open_database(wrong)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_named(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "gengfu.db").write_bytes(b"something else " * 1000)
    with pytest.raises(SettingsError, match=r"gengfu\.db cannot be used: file is not a database"):
        wiring.open_database(settings)


def test_a_database_is_made_with_its_tables_and_accounts(settings: Settings) -> None:
    db = wiring.open_database(settings)
    wiring.seed_accounts(db, wiring.configs_of(settings))
    wiring.seed_accounts(db, wiring.configs_of(settings))
    with db.read() as session:
        found = session.scalars(select(User.username).order_by(User.username)).all()
    assert found == sorted(person.username for person in wiring.configs_of(settings).site("yunhe").people)
    db.dispose()


def test_a_role_is_held_by_one(sqlite_db: Database) -> None:
    first = wiring.take_role(sqlite_db, "ingest")
    assert first is not None
    other = wiring.take_role(sqlite_db, "worker")
    assert other is not None
    other.release()
    with pytest.raises(RoleTaken, match=str(os.getpid())):
        wiring.take_role(sqlite_db, "ingest")
    first.release()
    again = wiring.take_role(sqlite_db, "ingest")
    assert again is not None
    again.release()


def test_on_postgresql_nobody_needs_a_role(postgres_db: Database) -> None:
    assert wiring.take_role(postgres_db, "ingest") is None
    assert wiring.take_role(postgres_db, "ingest") is None


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_found_next_to_a_taken_one(taken: int) -> None:
    assert not wiring.port_is_free("127.0.0.1", taken)
    found = wiring.free_port("127.0.0.1", taken)
    assert taken < found <= taken + 100


def test_without_a_free_port_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "port_is_free", lambda *_: False)
    with pytest.raises(SettingsError, match="No free port from 65500 on"):
        wiring.free_port("127.0.0.1", 65_500)


@pytest.fixture
def signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    monkeypatch.delenv(wiring.PARENT_ENV, raising=False)
    stop = wiring.stop_event()
    signal.raise_signal(number)
    assert stop.wait(5)


def test_a_part_whose_supervisor_is_gone_stops() -> None:
    stop = threading.Event()
    threading.Thread(target=wiring._watch_parent, args=(-1, stop), daemon=True).start()
    assert stop.wait(5)


def test_the_brokers_address_keeps_its_password_to_itself() -> None:
    settings = Settings(broker_host="mqtt.example", broker_username="gw", broker_password="hush")  # type: ignore[arg-type]
    address = wiring.broker_of(settings)
    assert (address.host, address.username, address.password) == ("mqtt.example", "gw", "hush")
    assert "hush" not in repr(address)
