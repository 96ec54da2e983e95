"""Ingest groups on real Mosquitto and PostgreSQL: processes die, sleep, come and go under load, and nobody notices."""

import shutil
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from brokers import MosquittoServer
from database import PostgresServer
from processes import SHIPPED_CONFIGS, Process, RawSender, Stand, now_ms, reading, until
from sqlalchemy import text

from gateway.contract.times import from_ms
from gateway.timeseries.sqlite import open_sqlite_store
from services.cli import sessions
from services.kernel.db import Database
from services.kernel.errors import Conflict
from services.kernel.groups import group_of

GROUPS = 4
SITES = ("yunhe", "lanting", "meiyuan", "songyuan")
RATE = 320
BREACH_EVERY = 60
"""Every so many messages of a site the insulation falls, and after as many again it recovers."""
CONTINUES_WITHIN_S = 15.0


ROLES = ("engineer", "supervisor", "manager", "duty", "admin")
FILES = {
    "areas.yaml": "areas:\n  - {id: room, name: room, kind: pump_room}\n",
    "equipment.yaml": "equipment:\n  - {id: set, name: set, kind: pump_set, area: room}\n"
    "  - {id: box, name: box, kind: distribution_box, area: room}\n",
    "people.yaml": "people:\n" + "".join(f"  - {{username: {role}, name: {role}, role: {role}}}\n" for role in ROLES),
    "channels.yaml": "channels:\n  - {name: console, kind: console}\n",
    "devices.yaml": "devices:\n  - {id: domestic-plc, name: plc, area: room, kind: plc}\n"
    "  - {id: meter-electrical, name: meter, area: room, kind: plc}\npoints:\n"
    "  - {id: low-zone-pressure, device: domestic-plc, equipment: set, name: p, quantity: pressure, unit: MPa,\n"
    "     set_value: 0.45, interval: 2s, stale_after: 10min, valid_min: 0, valid_max: 1.6}\n"
    "  - {id: box-main-insulation, device: meter-electrical, equipment: box, name: i, quantity: insulation, unit: MΩ,\n"
    "     interval: none, valid_min: 0}\n",
}


def sites(directory: Path, names: Sequence[str] = SITES) -> Path:
    """Small sites, each in a group of its own."""
    assert len({group_of(site, GROUPS) for site in SITES}) == GROUPS
    configs = directory / "configs"
    for name in ("limits", "policies"):
        shutil.copytree(SHIPPED_CONFIGS / name, configs / name)
    for site in names:
        place = configs / "sites" / site
        place.mkdir(parents=True)
        for name, content in FILES.items():
            (place / name).write_text(content, "utf-8")
        (place / "site.yaml").write_text(f"id: {site}\nname: {site}\ntimezone: Asia/Shanghai\n", "utf-8")
    return configs


@dataclass
class Load:
    """Every site's readings, in order and with times of their own, until told to stop; remembers what was sent."""

    port: int
    stop: threading.Event = field(default_factory=threading.Event)
    sent: Counter[str] = field(default_factory=Counter)
    values: dict[str, set[tuple[datetime, float]]] = field(default_factory=lambda: defaultdict(set))
    breaches: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _messages(self) -> Iterator[tuple[str, bytes]]:
        start_ms, number = now_ms(), 0
        while not self.stop.is_set() or number // BREACH_EVERY % 2:  # ends with everything calm
            number += 1
            at_ms = start_ms + number * 1000 * len(SITES) // RATE
            for site in SITES:
                if number % BREACH_EVERY:
                    yield self._one(site, "domestic-plc", "low-zone-pressure", 0.45 + number % 7 / 1000, at_ms)
                else:
                    falls = number // BREACH_EVERY % 2 == 1
                    if falls:
                        self.breaches[site].append(from_ms(at_ms))
                    yield self._one(site, "meter-electrical", "box-main-insulation", 0.3 if falls else 0.9, at_ms)

    def _one(self, site: str, device: str, point: str, value: float, at_ms: int) -> tuple[str, bytes]:
        self.sent[f"{site}/{device}"] += 1
        self.values[f"{site}/{point}"].add((from_ms(at_ms), value))
        payload = reading("b", self.sent[f"{site}/{device}"], point, value, at_ms)
        return f"gengfu/v1/{site}/{device}/reading", payload

    def _run(self) -> None:
        with RawSender(self.port) as sender:
            sender.send(self._messages(), RATE)

    def end(self) -> None:
        self.stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()


@dataclass
class Members:
    """Ingest processes, each with files of its own, as on machines of their own."""

    stand: Stand
    places: list[Path] = field(default_factory=list)

    def start(self) -> Process:
        place = self.stand.directory / f"machine-{len(self.places)}"
        self.places.append(place)
        return self.stand.start("ingest", data_dir=str(place))

    def held(self) -> Counter[int]:
        """How many groups each process holds, by process id."""
        rows = self.stand.query(
            "SELECT holder FROM lease WHERE name LIKE 'ingest:%' AND holder <> '' AND until > clock_timestamp()"
        )
        return Counter(int(row["holder"].split(":")[1]) for row in rows)

    def share(self, *wanted: tuple[Process, int]) -> None:
        """Wait until each process holds so many groups and hears them."""
        expected = {process.pid: count for process, count in wanted if count}
        until(lambda: self.held() == expected, f"not {expected} but {self.held()}")
        self.moves_on()

    def moves_on(self) -> None:
        """Wait until every site's newest message is of now."""
        begun = now_ms()
        until(lambda: self._least() > begun, "a site is not heard")

    def _least(self) -> int:
        rows = self.stand.query("SELECT device, event_ms FROM device_state WHERE device LIKE '%/domestic-plc'")
        return min((int(row["event_ms"]) for row in rows), default=0) if len(rows) == len(SITES) else 0


@pytest.mark.timeout(120)
def test_groups_go_on_whatever_happens_to_their_holders(tmp_path: Path, postgres_server: PostgresServer) -> None:
    with (
        MosquittoServer(tmp_path) as server,
        Stand(
            tmp_path,
            server.port,
            configs=sites(tmp_path),
            database_url=postgres_server.url(postgres_server.fresh()),
            ingest_groups=str(GROUPS),
            secret_key_file=str(tmp_path / "secret.key"),
        ) as stand,
    ):
        members = Members(stand)
        first, second = members.start(), members.start()
        until(lambda: members.held() == {first.pid: 2, second.pid: 2}, f"not shared: {members.held()}")
        connected = "SELECT count(*) FROM heartbeat WHERE role = 'ingest' AND figures->>'connected' = '2'"
        until(lambda: stand.scalar(connected) == GROUPS, "not every group is heard")
        load = Load(server.port)

        first.kill()
        killed = time.monotonic()
        members.share((second, 4))
        assert time.monotonic() - killed < CONTINUES_WITHIN_S

        third = members.start()
        members.share((second, 2), (third, 2))

        second.signal(signal.SIGSTOP)
        paused = time.monotonic()
        members.share((third, 4))
        assert time.monotonic() - paused < CONTINUES_WITHIN_S
        second.signal(signal.SIGCONT)  # it still believes in its leases, and has messages in its hands
        members.share((second, 2), (third, 2))

        assert third.stop() == 0, third.errors
        stopped = time.monotonic()
        members.share((second, 4))
        assert time.monotonic() - stopped < 6.0, "leases given back are not taken at once"

        load.end()
        everything_is_there_once(stand, members, load)
        assert second.stop() == 0, second.errors
        for process in (second, third):
            assert "Traceback" not in process.errors, process.errors
        assert stand.query("SELECT name FROM lease WHERE holder <> '' AND until > clock_timestamp()") == []


def everything_is_there_once(stand: Stand, members: Members, load: Load) -> None:
    """The same state as if one process had heard it all."""

    def highs() -> dict[str, int]:
        rows = stand.query("SELECT device, high FROM device_sequence WHERE boot = 'b'")
        return {row["device"]: int(row["high"]) for row in rows}

    until(lambda: highs() == dict(load.sent), f"heard {highs()}, sent {load.sent}")
    assert [row for row in stand.query("SELECT device, gaps FROM device_sequence") if row["gaps"]] == []
    found = stand.query("SELECT point, started_at, alerted FROM excursion ORDER BY started_at")
    excursions = {site: [one["started_at"] for one in found if one["point"].startswith(f"{site}/")] for site in SITES}
    assert excursions == dict(load.breaches)
    occurrences = stand.query(
        "SELECT site, sum(occurrence) AS times FROM alert WHERE rule LIKE 'NUM-02%' GROUP BY site"
    )
    assert {row["site"]: int(row["times"]) for row in occurrences} == {
        site: len(times) for site, times in load.breaches.items()
    }
    assert stand.query("SELECT title FROM alert WHERE rule IN ('SYS-LOSS', 'SYS-SESSION', 'SYS-DROP')") == []
    stored: dict[str, set[tuple[datetime, float]]] = defaultdict(set)
    for place in members.places:
        store = open_sqlite_store(place / "timeseries.db", read_only=True)
        for series in load.values:
            rows = store.readings(
                series, datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1), 50_000
            )
            stored[series] |= {(row.at, row.value) for row in rows}
        store.close()
    assert stored == load.values


@pytest.mark.timeout(120)
def test_the_number_of_groups_changes_and_nothing_is_lost(
    tmp_path: Path,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        MosquittoServer(tmp_path) as server,
        Stand(
            tmp_path, server.port, configs=sites(tmp_path), database_url=postgres_server.url(postgres_server.fresh())
        ) as stand,
    ):
        numbers = iter(range(1, 1000))

        def send(count: int) -> None:
            topics = [f"gengfu/v1/{site}/domestic-plc/reading" for site in SITES]
            bodies = [reading("b", next(numbers), "low-zone-pressure", 0.45) for _ in range(count)]
            with RawSender(server.port) as sender:
                sender.send([(topic, body) for body in bodies for topic in topics], 1000)

        old = stand.start("ingest")
        until(stand.hears, "ingest does not hear the broker")
        send(20)
        for name, value in stand.env.items():
            monkeypatch.setenv(name, value)
        sessions.make(GROUPS)
        with pytest.raises(Conflict, match="Ingest still hears"):
            sessions.end(0)
        assert old.stop() == 0, old.errors
        send(20)  # heard by nobody now
        clock = Database(stand.database_url)
        with clock.begin() as session:  # as time would
            session.execute(text("UPDATE heartbeat SET at = at - interval '1 minute'"))
        clock.dispose()
        sessions.end(0)
        assert capsys.readouterr().out == "8 个会话已就绪，消息开始排队\n2 个会话已结束\n"
        send(20)
        new = stand.start("ingest", ingest_groups=str(GROUPS))
        highs = "SELECT count(*) FROM device_sequence WHERE high = 60 AND gaps::text = '[]'"
        until(lambda: stand.scalar(highs) == len(SITES), "something is missing")
        assert stand.stored() == 60 * len(SITES)
        assert stand.query("SELECT title FROM alert WHERE rule LIKE 'SYS-%'") == []
        groups = {group_of(site, GROUPS) for site in SITES}
        until(lambda: {row["holder"] for row in stand.query("SELECT holder FROM heartbeat")} == groups, "no heartbeats")
        assert new.stop() == 0, new.errors
