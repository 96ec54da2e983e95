"""Whatever comes over MQTT: each bad thing lands in quarantine with its own reason, and the stream goes on."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from brokers import MosquittoServer
from processes import Client, now_ms, reading, until
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.contract.heard import Heard, Rejected
from gateway.contract.times import format_at
from gateway.ingest import Ingest
from gateway.registry import Registry
from gateway.site.load import load_configs
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import StoreBroken, StoreBusy, TimeSeriesStore
from services.device.tables import DeviceSequence, DeviceState, HeardEvent, Quarantine
from services.flows.judge import SiteJudge
from services.kernel.db import Database

CONFIGS = load_configs(Path(__file__).parents[2] / "device_configs")
SITE = "yunhe"
PLC = f"gengfu/v1/{SITE}/domestic-plc/reading"
PANEL = f"gengfu/v1/{SITE}/fire-panel-1"
AT = "2026-11-21T10:00:00.000Z"
LOW = "low-zone-pressure"
ULID = "01JD7ZV1N0XXXXXXXXXXXXXX0{}"


def event(**fields: Any) -> bytes:
    """A good reading, but for `fields`; None leaves one out."""
    whole = {"id": "bad-1", "at": AT, "point": LOW, "value": 0.45} | fields
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def batch(*entries: Any, **fields: Any) -> bytes:
    return json.dumps({"id": "bad-1", "batch": list(entries)} | fields).encode()


# (name, topic, payload, code, words of the reason)
BAD: list[tuple[str, str, bytes, str, str]] = [
    ("empty", PLC, b"", "bad_payload", "The message is empty"),
    ("not JSON", PLC, b"hello", "bad_payload", "Invalid JSON: expected value"),
    ("cut off", PLC, event()[:-10], "bad_payload", "EOF while parsing"),
    ("not UTF-8", PLC, event().replace(b"0.45", b"\xff\xfe"), "bad_payload", "not UTF-8"),
    ("byte-order mark", PLC, b"\xef\xbb\xbf" + event(), "bad_payload", "byte-order mark"),
    ("gzip", PLC, b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "bad_payload", "not UTF-8 (byte 1)"),
    ("an array", PLC, b"[1, 2]", "bad_payload", "object"),
    ("a number", PLC, b"17", "bad_payload", "object"),
    ("two objects", PLC, event() + event(), "bad_payload", "trailing characters"),
    ("Python's quotes", PLC, b"{'id': 'a-1'}", "bad_payload", "key must be a string"),
    ("nested too deep", PLC, b'{"x":' * 5000, "bad_payload", "recursion"),
    ("too large", PLC, event(note="x" * (1 << 20)), "bad_payload", "more than 1048576"),
    ("no id", PLC, event(id=None), "bad_payload", "id: Field required"),
    ("no time", PLC, event(at=None), "bad_payload", "at: Field required"),
    ("no point", PLC, event(point=None), "bad_payload", "point: Field required"),
    ("no value", PLC, event(value=None), "bad_payload", "value: Field required"),
    ("id counts from 0", PLC, event(id="boot-0"), "bad_id", "'boot-0' is neither"),
    ("id with leading zeros", PLC, event(id="boot-007"), "bad_id", "'boot-007' is neither"),
    ("id is a number", PLC, event(id=17), "bad_payload", "id: Input should be a valid string"),
    ("id beyond counting", PLC, event(id="boot-99999999999999999"), "bad_id", "'boot-99999999999999999' is neither"),
    ("time without zone", PLC, event(at="2026-11-21T10:00:00.000"), "bad_time", "'2026-11-21T10:00:00.000' is not"),
    ("time that does not exist", PLC, event(at="2026-02-30T10:00:00.000Z"), "bad_time", "does not exist"),
    ("time before 1970", PLC, event(at="1969-12-31T23:59:59.000Z"), "bad_time", "before 1970"),
    ("time as a number", PLC, event(at=1_795_000_000), "bad_payload", "at: Input should be a valid string"),
    ("leap second", PLC, event(at="2016-12-31T23:59:60.000Z"), "bad_time", "2016-12-31T23:59:60.000Z"),
    ("unknown point", PLC, event(point="low-zone-presure"), "unknown_point", "no point 'low-zone-presure'"),
    ("another device's point", PLC, event(point="hydrant-main-pressure"), "unknown_point", "'hydrant-main-pressure'"),
    ("point in capitals", PLC, event(point="Low Zone"), "bad_payload", "'Low Zone' is no point id"),
    ("wrong unit", PLC, event(unit="kPa"), "wrong_unit", "is in MPa, the event says 'kPa'"),
    ("value as text", PLC, event(value="0.45"), "bad_payload", "value: Input should be a valid number"),
    ("value null", PLC, b'{"id":"b-1","at":"%s","point":"%s","value":null}' % (AT.encode(), LOW.encode()),
     "bad_payload", "value: Input should be a valid number"),
    ("NaN", PLC, event(value=float("nan")), "bad_payload", "finite"),
    ("infinite by size", PLC, event().replace(b"0.45", b"1e999"), "bad_payload", "finite"),
    ("true", PLC, event(value=True), "bad_payload", "value: Input should be a valid number"),
    ("unknown quality", PLC, event(quality="splendid"), "bad_payload", "'good', 'uncertain' or 'bad'"),
    ("publisher's name", PLC, event(via="../x"), "bad_payload", "'../x' is no publisher's name"),
    ("empty batch", PLC, batch(), "bad_payload", "batch: List should have at least 1 item"),
    ("batch of objects", PLC, batch({"at": AT}), "bad_payload", "batch[0]"),
    ("batch with a short entry", PLC, batch([AT, LOW]), "bad_payload", "batch[0][2]: Field required"),
    ("unknown device", f"gengfu/v1/{SITE}/domestic-plk/reading", event(), "unknown_device", "no device 'domestic-plk'"),
    ("device in capitals", f"gengfu/v1/{SITE}/Domestic PLC/reading", event(), "bad_topic", "Domestic PLC"),
    ("tap without time", f"{PANEL}/tap", b'{"id":"b-1","checkpoint":"c1"}', "bad_payload", "at: Field required"),
    ("tap's evidence", f"{PANEL}/tap", b'{"id":"b-1","at":"%s","evidence":"oath"}' % AT.encode(),
     "bad_payload", "'sun', 'uid', 'qr' or 'manual'"),
    ("fire's states", f"{PANEL}/fire", b'{"id":"b-1","at":"%s","state":"fire"}' % AT.encode(),
     "bad_payload", "state: Input should be a valid array"),
    ("status without online", f"{PANEL}/status", b'{"id":"b-1","at":"%s"}' % AT.encode(),
     "bad_payload", "online: Field required"),
    ("status in words", f"{PANEL}/status", b'{"id":"b-1","at":"%s","online":"yes"}' % AT.encode(),
     "bad_payload", "online: Input should be a valid boolean"),
]  # fmt: skip


class Running:
    """Ingest on threads of this process, with its store and database."""

    def __init__(
        self, server: MosquittoServer, db: Database, store: TimeSeriesStore, judge: SiteJudge | None = None
    ) -> None:
        self.db, self.store = db, store
        self.judge = judge or SiteJudge(db, CONFIGS, [SITE])
        self._server = server
        self._stop = threading.Event()
        self.ingest = Ingest(
            server.address, Registry.of(CONFIGS.sites.values()), store, self.judge, group="test", now_ms=now_ms
        )
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        until(lambda: self.ingest.bulk.hearing_since_ms and self.ingest.urgent.hearing_since_ms, "ingest hears nothing")

    def _run(self) -> None:
        try:
            self.ingest.run(self._stop)
        except BaseException as error:  # noqa: BLE001 -- told to the test
            self.failure = error

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def rows(self, model: type[Any]) -> list[Any]:
        with self.db.read() as session:
            return list(session.scalars(select(model)))

    def quarantined(self) -> list[Quarantine]:
        return sorted(self.rows(Quarantine), key=lambda one: one.id)


Starter = Callable[..., Running]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MosquittoServer]:
    with MosquittoServer(tmp_path) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TimeSeriesStore]:
    opened = open_sqlite_store(tmp_path / "timeseries.db")
    yield opened
    opened.close()


@pytest.fixture
def start(server: MosquittoServer, one_db: Database, store: TimeSeriesStore) -> Iterator[Starter]:
    started: list[Running] = []

    def begin(judge: SiteJudge | None = None, over: TimeSeriesStore | None = None) -> Running:
        started.append(Running(server, one_db, over or store, judge))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def test_there_are_enough_kinds_of_bad_input() -> None:
    assert len({name for name, *_ in BAD}) == len(BAD) >= 30


def test_every_kind_of_bad_input_is_quarantined_with_its_reason(server: MosquittoServer, start: Starter) -> None:
    running = start()
    with Client(server.port) as client:
        for number, (_, topic, payload, _, _) in enumerate(BAD, 1):
            client.publish(topic, payload)
            client.publish(PLC, reading("good", number, LOW, 0.45))
    until(lambda: running.store.count() == len(BAD), "a bad message stopped the stream")
    until(lambda: len(running.quarantined()) == len(BAD), "not every bad message is in quarantine")
    found = {(one.topic, bytes(one.payload[:200])): one for one in running.quarantined()}
    wrong = []
    for name, topic, payload, code, words in BAD:
        entry = found[topic, payload[:200]]
        if entry.code != code or words not in entry.reason or not entry.hint:
            wrong.append(f"{name}: {entry.code} / {entry.reason} / {entry.hint}")
    assert not wrong, "\n".join(wrong)
    invented = ("bad_topic", "unknown_device")  # whoever sends these chooses the names
    assert all(one.site == ("" if one.code in invented else SITE) for one in running.quarantined())
    # Bad ones carry the id bad-1 or one that cannot be read: the good ones' count has no gap.
    assert [(row.boot, row.high, row.gaps) for row in running.rows(DeviceSequence) if row.boot == "good"] == [
        ("good", len(BAD), [])
    ]


def test_bad_entries_of_a_batch_cost_only_themselves(server: MosquittoServer, start: Starter) -> None:
    running = start()
    good = [AT, LOW, 0.45]
    entries = [good, [AT, "nothing", 1.0], [AT, LOW, "x"], ["yesterday", LOW, 1.0], [AT, "high-zone-pressure", 0.8]]
    with Client(server.port) as client:
        client.publish(PLC, batch(*entries, id="b-1"))
        client.publish(PLC, batch(good, id="b-2"))
    until(lambda: running.store.count() == 3 and bool(running.quarantined()))
    (entry,) = running.quarantined()
    assert entry.place.endswith("(+2)")
    assert all(place in entry.reason for place in ("batch[2]", "batch[3]", "point[1]"))
    assert [(row.boot, row.high, row.gaps) for row in running.rows(DeviceSequence)] == [("b", 2, [])]


class Allergic(SiteJudge):
    """A judge with a bug: one value makes it raise."""

    poison = 0.666

    def _judge(self, session: Session, sample: Any, **more: Any) -> None:
        if sample[3] == self.poison:
            raise ZeroDivisionError("a bug in a rule")
        super()._judge(session, sample, **more)


def test_a_message_that_breaks_the_judge_goes_to_quarantine_and_the_stream_goes_on(
    server: MosquittoServer, start: Starter, one_db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(Allergic(one_db, CONFIGS, [SITE]))
    with Client(server.port) as client:
        for seq in range(1, 41):
            client.publish(PLC, reading("p", seq, LOW, Allergic.poison if seq % 10 == 5 else 0.45))
    until(lambda: running.store.count() == 40, "a reading that cannot be judged is stored all the same")
    until(lambda: [row.high for row in running.rows(DeviceSequence)] == [40])
    assert [(one.code, json.loads(one.payload)["id"]) for one in running.quarantined()] == [
        ("judge_failed", f"p-{seq}") for seq in (5, 15, 25, 35)
    ]
    assert "ZeroDivisionError: a bug in a rule" in running.quarantined()[0].reason
    assert running.rows(DeviceSequence)[0].gaps == [], "it came: it is no lost event"
    assert "goes to quarantine" in caplog.text


class Flaky:
    """A store that fails as a full disk does, then works again."""

    def __init__(self, store: TimeSeriesStore, error: Exception, failures: int) -> None:
        self._store, self._error, self.left = store, error, failures

    def write(self, rows: Sequence[Any]) -> Any:
        if self.left:
            self.left -= 1
            raise self._error
        return self._store.write(rows)

    def settle_ahead(self, *claim: Any) -> int:
        if self.left:
            self.left -= 1
            raise self._error
        return self._store.settle_ahead(*claim)

    def settle_all_ahead(self, claims: Sequence[Any]) -> list[int]:
        if self.left:
            self.left -= 1
            raise self._error
        return self._store.settle_all_ahead(claims)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("error", [StoreBusy("locked"), StoreBroken("disk full")], ids=["busy", "full"])
@pytest.mark.parametrize("ahead_ms", [0, 3_600_000], ids=["right clock", "clock ahead"])
def test_a_store_that_fails_is_waited_for_and_blamed_on_no_message(
    server: MosquittoServer, start: Starter, store: TimeSeriesStore, error: Exception, ahead_ms: int
) -> None:
    flaky = Flaky(store, error, 3)
    running = start(over=flaky)  # type: ignore[arg-type]
    with Client(server.port) as client:
        for seq in range(1, 11):
            client.publish(PLC, reading("f", seq, LOW, 0.45, now_ms() + ahead_ms))
    until(lambda: store.count() == 10)
    until(lambda: [row.high for row in running.rows(DeviceSequence)] == [10])
    assert flaky.left == 0
    assert running.quarantined() == []


def test_duplicates_are_judged_once(server: MosquittoServer, start: Starter) -> None:
    running = start()
    at = format_at(now_ms())
    fire = f'{{"id":"f-1","at":"{at}","state":["fire"]}}'.encode()
    tap = f'{{"id":"{ULID.format(1)}","at":"{at}","checkpoint":"c1"}}'.encode()
    payloads = [reading("d", seq, LOW, 0.45) for seq in range(1, 6)]
    with Client(server.port) as client:
        for _ in range(3):
            for payload in payloads:
                client.publish(PLC, payload)
            client.publish(f"{PANEL}/fire", fire)
            client.publish(f"{PANEL}/tap", tap)
        client.publish(PLC, reading("d", 6, LOW, 0.45))
        client.publish(f"{PANEL}/fire", fire.replace(b"f-1", b"f-2"))
    until(lambda: running.store.count() == 6 and len(running.rows(HeardEvent)) == 3)
    assert sorted(row.event_id for row in running.rows(HeardEvent)) == [ULID.format(1), "f-1", "f-2"]
    assert running.quarantined() == []


def test_a_retained_status_heard_again_is_state_and_no_news(
    server: MosquittoServer, one_db: Database, store: TimeSeriesStore
) -> None:
    judged: list[str] = []

    class Listening(SiteJudge):
        def hear(self, heard: Sequence[Heard], rejected: Sequence[Rejected], now_ms: int) -> None:
            judged.extend(f"{one.event_id}{' again' if one.retained else ''}" for one in heard)
            super().hear(heard, rejected, now_ms)

    with Client(server.port) as client:
        first = Running(server, one_db, store, Listening(one_db, CONFIGS, [SITE]))
        client.publish(f"{PANEL}/status", b'{"id":"s-1","at":"%s","online":true}' % AT.encode(), retain=True)
        will = b'{"id":"%s","at":"%s","online":false,"will":true}' % (ULID.format(7).encode(), AT.encode())
        client.publish(f"gengfu/v1/{SITE}/nvr-1/status", will, retain=True)
        until(lambda: len(first.rows(HeardEvent)) == 2)
        heard_ms = {row.device: row.heard_ms for row in first.rows(DeviceState)}
        first.stop()
        again = Running(server, one_db, store, Listening(one_db, CONFIGS, [SITE]))
        until(lambda: len(judged) == 4, f"{judged}")
        client.publish(f"{PANEL}/status", b'{"id":"s-2","at":"%s","online":true}' % AT.encode(), retain=True)
        until(lambda: len(again.rows(HeardEvent)) == 3)
        states = {row.device: row for row in again.rows(DeviceState)}
        again.stop()
    assert sorted(judged[2:4]) == sorted([f"{ULID.format(7)} again", "s-1 again"])
    assert states[f"{SITE}/nvr-1"].heard_ms == heard_ms[f"{SITE}/nvr-1"], "the broker spoke, not the device"
    assert (states[f"{SITE}/nvr-1"].online, states[f"{SITE}/fire-panel-1"].online) == (False, True)
    assert all(row.gaps == [] for row in again.rows(DeviceSequence))


def test_good_messages_of_every_form_between_garbage_are_kept_whole(server: MosquittoServer, start: Starter) -> None:
    running = start()
    numbers = itertools.count(1)
    at = format_at(now_ms())
    odd = '{"id":"o-%d","at":"%s","checkpoint":"点","extra":{"nan":"\\u0000","deep":[1,[2]]}}'
    with Client(server.port) as client:
        client.publish(f"{PANEL}/tap", (odd % (next(numbers), at)).encode())
        client.publish(PLC, b"\x00")
        client.publish(f"{PANEL}/tap", (odd % (next(numbers), at)).encode(), qos=0)
        client.publish(PLC, reading("q", 1, LOW, 0.45, unit="MPa", note='has "batch" in it', quality="uncertain"))
        client.publish(PLC, batch([at, LOW, 0], [at, "high-zone-pressure", 1], id=ULID.format(2), extra="kept"))
    until(lambda: running.store.count() == 3 and len(running.rows(HeardEvent)) == 3)
    bodies = {row.event_id: row.body for row in running.rows(HeardEvent)}
    assert bodies["o-1"]["extra"] == {"nan": "\ufffd", "deep": [1, [2]]}
    assert len(running.quarantined()) == 1
