"""The keeper of an ingest process's leases: what runs, and what ends when."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from processes import until
from sqlalchemy import text

from gateway.contract.errors import NotOurs
from services.cli import ingest_groups
from services.cli.ingest_groups import RENEW_S, SHUN_S, Keeper, Tenure, hear_groups
from services.kernel import leases
from services.kernel.db import Database
from services.kernel.errors import SettingsError
from services.kernel.leases import Held
from services.kernel.settings import Settings

GROUPS = ("g01of02", "g02of02")


class Hand:
    """A clock that only the test moves, and groups that run until told to stop."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.running: dict[str, Held] = {}
        self.fails: dict[str, Exception] = {}

    def serve(self, group: str, held: Held, tenure: Tenure) -> None:
        self.running[group] = held
        try:
            while not tenure.wait(0.005):
                if group in self.fails:
                    raise self.fails.pop(group)
        finally:
            del self.running[group]

    def runs(self, *groups: str) -> None:
        until(lambda: sorted(self.running) == sorted(groups), f"{sorted(self.running)} run", seconds=5)


@pytest.fixture
def hand() -> Hand:
    return Hand()


Make = Callable[[str], Keeper]


@pytest.fixture
def make(postgres_db: Database, hand: Hand) -> Iterator[Make]:
    made: list[Keeper] = []

    def keeper(holder: str) -> Keeper:
        made.append(Keeper(postgres_db, GROUPS, hand.serve, holder=holder, now_s=lambda: hand.now_s))
        return made[-1]

    yield keeper
    for one in made:
        one.close()


def test_it_takes_its_share_renews_it_and_gives_it_back(postgres_db: Database, hand: Hand, make: Make) -> None:
    first, second = make("first"), make("second")
    first.turn()
    hand.runs(*GROUPS)
    second.turn()
    first.turn()
    hand.runs("g01of02")
    second.turn()
    until(lambda: second.turn() or len(hand.running) == 2, seconds=5)
    assert {held.holder for held in hand.running.values()} == {"first", "second"}
    first.close()
    hand.runs("g02of02")
    second.turn()
    hand.runs(*GROUPS)
    assert hand.running["g01of02"].epoch == 2
    second.close()
    hand.runs()
    with postgres_db.read() as session:
        assert leases.look(session, "ingest:") == leases.View({}, frozenset())


def test_without_the_database_every_group_ends_before_its_lease_does(
    postgres_db: Database, hand: Hand, make: Make
) -> None:
    keeper = make("first")
    keeper.turn()
    hand.runs(*GROUPS)
    hand.now_s += RENEW_S
    keeper.turn()
    with postgres_db.begin() as session:
        session.execute(text("ALTER TABLE lease RENAME TO lease_away"))
    hand.now_s += leases.TTL_S - 2
    keeper.turn()
    hand.runs(*GROUPS)
    hand.now_s += 1.1
    hand.runs()
    keeper.turn()
    with postgres_db.begin() as session:
        session.execute(text("ALTER TABLE lease_away RENAME TO lease"))
        session.execute(text("UPDATE lease SET until = clock_timestamp() WHERE name LIKE 'ingest:%'"))
    until(lambda: keeper.turn() or len(hand.running) == 2, seconds=5)
    assert {held.epoch for held in hand.running.values()} == {2}


def test_a_lease_that_somebody_else_took_ends_that_group_alone(postgres_db: Database, hand: Hand, make: Make) -> None:
    keeper = make("first")
    keeper.turn()
    hand.runs(*GROUPS)
    with postgres_db.begin() as session:
        session.execute(text("UPDATE lease SET holder = 'other', epoch = epoch + 1 WHERE name = 'ingest:g01of02'"))
    hand.now_s += RENEW_S
    keeper.turn()
    hand.runs("g02of02")


def test_a_group_that_fails_is_left_to_others_for_a_while(hand: Hand, make: Make) -> None:
    keeper = make("first")
    keeper.turn()
    hand.runs(*GROUPS)
    hand.fails["g01of02"] = ValueError("a fault")
    hand.runs("g02of02")
    until(lambda: len(threading.enumerate()) and not keeper.turn(), seconds=5)
    hand.runs("g02of02")
    hand.fails["g02of02"] = NotOurs("fenced")  # no fault: taken again as soon as it is free
    until(lambda: not hand.fails, seconds=5)
    until(lambda: keeper.turn() or sorted(hand.running) == ["g02of02"], seconds=5)
    hand.now_s += SHUN_S / 10
    keeper.turn()
    for _ in range(11):
        hand.now_s += SHUN_S / 10
        keeper.turn()
    until(lambda: keeper.turn() or len(hand.running) == 2, seconds=5)


def test_a_tenure_ends_by_the_clock_also_while_waited_for() -> None:
    now_s = [0.0]
    tenure = Tenure(10.0, lambda: now_s[0])
    assert not tenure.is_set()
    assert not tenure.wait(0.001)
    tenure.prolong(12.0)
    now_s[0] = 11.9
    assert not tenure.is_set()
    now_s[0] = 12.0
    assert tenure.is_set()
    assert tenure.wait(0.001)


def test_groups_need_postgresql_and_share_out_all_sites(tmp_path: Path, sqlite_db: Database) -> None:
    settings = Settings(data_dir=tmp_path, ingest_groups=4, _env_file=None)
    with pytest.raises(SettingsError, match="GENGFU_INGEST_GROUPS=4 needs PostgreSQL"):
        hear_groups(settings, None, sqlite_db, ["yunhe"], threading.Event())  # type: ignore[arg-type]


def test_what_cannot_work_together_is_said(tmp_path: Path, postgres_db: Database) -> None:
    settings = Settings(data_dir=tmp_path, ingest_groups=4, ingest_sites="yunhe", _env_file=None)
    with pytest.raises(SettingsError, match="exclude each other"):
        hear_groups(settings, None, postgres_db, ["yunhe"], threading.Event())  # type: ignore[arg-type]
    with postgres_db.begin() as session:
        leases.live(session, "another-machine:17:abc")
    files = settings.model_copy(update={"ingest_sites": ""})
    with pytest.raises(SettingsError, match="another-machine"):
        ingest_groups._refuse_files_apart(files, postgres_db, "here:1:abc")
    ingest_groups._refuse_files_apart(files, postgres_db, "another-machine:18:abd")
    served = files.model_copy(update={"influx_url": "http://127.0.0.1:8086"})
    ingest_groups._refuse_files_apart(served, postgres_db, "here:1:abc")


def test_a_disk_in_trouble_does_not_end_the_sending_of_what_was_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    asked: list[str] = []

    def drain(folder: Path, *_: object, names: str, **__: object) -> list[Path]:
        asked.append(names)
        if len(asked) == 1:
            raise PermissionError(13, "not ours", str(folder))
        stop.set()
        return []

    monkeypatch.setattr(ingest_groups, "LEFTOVERS_S", 0.0)
    monkeypatch.setattr(ingest_groups, "drain_leftovers", drain)
    ingest_groups.send_leftovers(Settings(data_dir=tmp_path), stop)
    assert not asked, "there is no InfluxDB"
    ingest_groups.send_leftovers(Settings(data_dir=tmp_path, influx_url="http://127.0.0.1:9"), stop)
    assert stop.wait(10)
    assert asked == ["spool-g*of*.db"] * 2, "what groups with leases left, when there are none any more"
