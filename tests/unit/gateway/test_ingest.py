"""Decoding with the site files applied, and a lane's way from messages to acknowledgement."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.errors import NotNow
from gateway.contract.heard import Heard, Rejected
from gateway.contract.receipts import Receipt, parse_receipt
from gateway.contract.times import format_at
from gateway.decoder import CLOCK_AHEAD_TOLERANCE_MS, Batch, Claim, Decoder
from gateway.ingest import Ingest
from gateway.lane import Lane, Receipts
from gateway.mqtt import BrokerAddress
from gateway.registry import Registry
from gateway.site.load import load_configs
from gateway.subscribe import Message
from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import AheadClaim, StoreBroken, StoreBusy, TimeSeriesStore, WriteResult

REGISTRY = Registry.of(load_configs(Path(__file__).parents[3] / "device_configs").sites.values())
PLC = "gengfu/v1/yunhe/domestic-plc/reading"
PANEL = "gengfu/v1/yunhe/fire-panel-1"
LOW, HIGH = "low-zone-pressure", "high-zone-pressure"
NOW_MS = 1_795_000_000_000
ULID = "01JD7ZV1N0XXXXXXXXXXXXXX00"


def refuse_to_settle(claims: Sequence[AheadClaim]) -> Sequence[int]:
    raise AssertionError(f"nothing is ahead, but: {claims}")


def message(topic: str, *, mid: int = 1, retain: bool = False, **body: Any) -> Message:
    return Message(topic, json.dumps(body).encode(), mid, 1, retain)


def reading(seq: int = 1, value: float = 0.45, at_ms: int = NOW_MS, **more: Any) -> Message:
    body = {"id": f"b-{seq}", "at": format_at(at_ms), "point": LOW, "value": value} | more
    return message(PLC, mid=seq, **body)


def decoded(*messages: Message, settle: Callable[..., Sequence[int]] = refuse_to_settle) -> Batch:
    return Decoder(REGISTRY, settle).decode_all(messages, NOW_MS)


def test_a_reading_becomes_a_row_and_the_same_sample() -> None:
    batch = decoded(reading(7, quality="uncertain", unit="MPa", via="gw"))
    (row,), (event,) = batch.rows, batch.heard
    assert (row[0], row[1], row[3], row[4], row[5]) == (f"yunhe/{LOW}", NOW_MS, 0.45, 1, NOW_MS)
    assert event.samples == [row]
    assert (event.boot, event.seq, event.at_ms, event.ahead_ms, event.retained) == ("b", 7, NOW_MS, 0, False)
    assert batch.claims == [Claim("gw", "domestic-plc", "b", 7, "b-7")]
    assert batch.rejected == []


@pytest.mark.parametrize(
    ("bad", "code", "place"),
    [
        ({"unit": "kPa"}, "wrong_unit", "unit"),
        ({"point": "nothing"}, "unknown_point", "point[0]"),
        ({"value": "x"}, "bad_payload", ""),
        ({"at": "now"}, "bad_time", ""),
    ],
)
def test_a_refused_reading_stores_nothing_but_counts_and_is_receipted(bad: Any, code: str, place: str) -> None:
    batch = decoded(reading(3, **bad, via="gw"))
    assert batch.rows == []
    assert [(one.code, one.place, one.site, one.device) for one in batch.rejected] == [
        (code, place, "yunhe", "domestic-plc")
    ]
    assert [(event.boot, event.seq, event.samples) for event in batch.heard] == [("b", 3, [])]
    assert batch.claims == [Claim("gw", "domestic-plc", "b", 3, "b-3")], "the publisher need not keep what is refused"


@pytest.mark.parametrize("topic", ["gengfu/v1/yunhe/nobody/reading", "gengfu/v1/nowhere/domestic-plc/reading"])
def test_an_unknown_device_is_refused_and_not_counted(topic: str) -> None:
    batch = decoded(reading(via="gw")._replace(topic=topic))
    assert [one.code for one in batch.rejected] == ["unknown_device"]
    assert (batch.rows, batch.heard) == ([], [])
    assert len(batch.claims) == 1


def test_a_batch_is_salvaged_around_its_bad_entries() -> None:
    at = format_at(NOW_MS)
    entries = [[at, LOW, 1], [at, "nothing", 2], ["never", LOW, 3], [at, HIGH, 4], [at, LOW, None]]
    batch = decoded(message(PLC, id="b-1", batch=entries, via="gw"))
    assert [(row[0], row[3]) for row in batch.rows] == [(f"yunhe/{LOW}", 1.0), (f"yunhe/{HIGH}", 4.0)]
    assert len({row[2] for row in batch.rows}) == 2, "each keeps the place it had"
    (rejected,) = batch.rejected
    assert rejected.place.endswith("(+2)")
    assert [(event.seq, len(event.samples)) for event in batch.heard] == [(1, 2)]
    assert len(batch.claims) == 1


def test_a_clock_within_the_tolerance_is_believed() -> None:
    (row,) = decoded(reading(at_ms=NOW_MS + CLOCK_AHEAD_TOLERANCE_MS)).rows
    assert row[1] == NOW_MS + CLOCK_AHEAD_TOLERANCE_MS


def test_readings_from_the_future_get_the_time_first_used_for_them_in_one_go() -> None:
    ahead_ms = NOW_MS + CLOCK_AHEAD_TOLERANCE_MS + 1
    asked: list[Sequence[AheadClaim]] = []

    def settle(claims: Sequence[AheadClaim]) -> Sequence[int]:
        asked.append(claims)
        return [NOW_MS - 5 for _ in claims]

    batch = decoded(reading(1), reading(2, at_ms=ahead_ms), reading(3), reading(4, at_ms=ahead_ms + 1), settle=settle)
    assert [row[1] for row in batch.rows] == [NOW_MS, NOW_MS - 5, NOW_MS, NOW_MS - 5]
    assert [event.samples for event in batch.heard] == [[row] for row in batch.rows]
    assert [event.ahead_ms for event in batch.heard] == [
        0,
        CLOCK_AHEAD_TOLERANCE_MS + 1,
        0,
        CLOCK_AHEAD_TOLERANCE_MS + 2,
    ]
    ((first, second),) = asked
    assert (first.claimed_ms, second.claimed_ms, first.used_ms) == (ahead_ms, ahead_ms + 1, NOW_MS)
    assert first.tie == batch.rows[1][2]


def test_a_tap_from_the_future_is_judged_now_and_flagged() -> None:
    (event,) = decoded(message(f"{PANEL}/tap", id="b-1", at=format_at(NOW_MS + 3_600_000), checkpoint="c1")).heard
    assert (event.at_ms, event.ahead_ms) == (NOW_MS, 3_600_000)
    assert event.body == {"id": "b-1", "at": format_at(NOW_MS + 3_600_000), "checkpoint": "c1"}


def test_what_counts_and_what_cannot_count() -> None:
    batch = decoded(
        message(f"{PANEL}/status", retain=True, id=ULID, at=format_at(NOW_MS), online=True, via="gw"),
        message(f"{PANEL}/fire", id="b-9", at=format_at(NOW_MS), state=["fire"]),
    )
    assert [(event.boot, event.seq, event.retained) for event in batch.heard] == [("", 0, True), ("b", 9, False)]
    assert batch.claims == [Claim("gw", "fire-panel-1", "", 0, ULID)]


@given(st.binary(max_size=60), st.text(max_size=40))
def test_no_bytes_make_decoding_raise(payload: bytes, words: str) -> None:
    topics = [PLC, f"{PANEL}/fire", f"gengfu/v1/yunhe/{words}/tap", words]
    batch = decoded(*[Message(topic, payload, 1, 1, False) for topic in topics])
    assert len(batch.rejected) + len(batch.heard) >= len(topics)


def test_receipts_collect_ranges_and_keep_their_pace() -> None:
    sent: list[tuple[str, Receipt]] = []
    receipts = Receipts(lambda topic, payload: sent.append((topic, parse_receipt(payload))), interval_s=1000.0)
    receipts.flush(force=True)
    assert sent == []
    receipts.add([Claim("gw", "d", "b", seq, f"b-{seq}") for seq in (1, 2, 3, 3, 7)])
    receipts.add([Claim("gw", "d", "", 0, ULID), Claim("other", "e", "c", 1, "c-1")])
    receipts.flush(force=True)
    assert sent == [
        ("gengfu/v1/receipt/gw", Receipt({"d": {"b": [[1, 3], [7, 7]]}}, {"d": [ULID]})),
        ("gengfu/v1/receipt/other", Receipt({"e": {"c": [[1, 1]]}}, {})),
    ]
    receipts.add([Claim("gw", "d", "b", 8, "b-8")])
    receipts.flush()
    assert len(sent) == 2, "not so soon after the last"
    receipts.flush(force=True)
    assert len(sent) == 3


class FakeSubscriber:
    """Hands out prepared batches and notes what is acknowledged."""

    broker = "test"
    client_id = "us"
    connected = True
    generation = 1

    def __init__(self, *batches: list[Message]) -> None:
        self.batches = list(batches)
        self.acknowledged: list[int] = []
        self.published: list[tuple[str, bytes]] = []
        self.kept_alive = 0
        self.on_session: Callable[[bool], None] = lambda present: None

    def gather(self, *_: float) -> list[Message]:
        return self.batches.pop(0) if self.batches else []

    def acknowledge(self, messages: Sequence[Message], generation: int) -> None:
        if generation == self.generation:
            self.acknowledged += [message.mid for message in messages]

    def publish(self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False) -> None:
        self.published.append((topic, payload))

    def keep_alive(self) -> None:
        self.kept_alive += 1

    def close(self) -> None:
        pass


class FakeJudge:
    """Notes what it hears; raises what it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.heard: list[int] = []
        self.rejected: list[Rejected] = []
        self.allergic_to: float | None = None

    def hear(self, heard: Sequence[Heard], rejected: Sequence[Rejected], now_ms: int) -> None:
        if self.errors:
            raise self.errors.pop(0)
        if any(sample[3] == self.allergic_to for event in heard for sample in event.samples):
            raise ZeroDivisionError("a bug")
        self.heard += [event.seq for event in heard]
        self.rejected += rejected

    def tick(self, now_ms: int, hearing_since_ms: int, figures: dict[str, float]) -> None: ...
    def lost_session(self, client_id: str, broker: str, now_ms: int) -> None: ...
    def broker_dropped(self, broker: str, total: int, now_ms: int) -> None: ...


class Impatient(threading.Event):
    """A stop event nobody waits for."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TimeSeriesStore]:
    opened = open_sqlite_store(tmp_path / "timeseries.db")
    yield opened
    opened.close()


def run(
    subscriber: FakeSubscriber,
    judge: FakeJudge,
    store: TimeSeriesStore,
    on_session: Callable[[Lane, bool], bool] = lambda lane, present: True,
    turns: int = 6,
) -> Lane:
    decoder = Decoder(REGISTRY, store.settle_all_ahead)
    lane = Lane("test", subscriber, decoder, judge, store, lambda: NOW_MS, on_session)  # type: ignore[arg-type]
    stop = Impatient()
    for _ in range(turns):
        lane.turn(stop)
    lane.close()
    return lane


def test_messages_are_stored_judged_and_acknowledged_in_order(store: TimeSeriesStore) -> None:
    subscriber, judge = FakeSubscriber([reading(1), reading(2)], [reading(3)], []), FakeJudge()
    lane = run(subscriber, judge, store)
    assert judge.heard == subscriber.acknowledged == [1, 2, 3]
    assert store.count() == 3
    assert (lane.figures.messages, lane.figures.readings, lane.figures.batches) == (3, 3, 2)


def test_urgent_messages_are_committed_a_few_at_a_time(store: TimeSeriesStore) -> None:
    nowhere = BrokerAddress("127.0.0.1", 1)
    ingest = Ingest(nowhere, REGISTRY, store, FakeJudge(), now_ms=lambda: NOW_MS)  # type: ignore[arg-type]
    asked: list[tuple[str, int]] = []
    for lane in (ingest.urgent, ingest.bulk):
        lane.subscriber.gather = lambda most, *_, name=lane.name: asked.append((name, most)) or []  # type: ignore
        lane.turn(Impatient())
        lane.close()
    assert asked == [("urgent", 100), ("bulk", 1000)]


@pytest.mark.parametrize("error", [NotNow("locked"), StoreBusy("locked"), StoreBroken("full")])
def test_what_passes_is_waited_for_and_nothing_is_acknowledged_before(store: TimeSeriesStore, error: Exception) -> None:
    subscriber, judge = FakeSubscriber([reading(1)], [reading(2)]), FakeJudge(error, error)
    lane = run(subscriber, judge, store)
    assert judge.heard == subscriber.acknowledged == [1, 2]
    assert judge.rejected == []
    assert subscriber.kept_alive == 2
    assert lane.figures.stalled_s == 0


def test_a_store_that_fails_late_is_written_again(store: TimeSeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write, errors = store.write, [StoreBusy("locked"), StoreBroken("full")]

    def failing(rows: Sequence[Any]) -> WriteResult:
        if errors:
            raise errors.pop()
        return write(rows)

    monkeypatch.setattr(store, "write", failing)
    subscriber, judge = FakeSubscriber([reading(1), reading(2)], [reading(3)]), FakeJudge()
    run(subscriber, judge, store)
    assert judge.heard == subscriber.acknowledged == [1, 2, 3]
    assert store.count() == 3


def test_a_poison_message_is_found_and_refused_alone(store: TimeSeriesStore) -> None:
    subscriber, judge = FakeSubscriber([reading(1), reading(2, 0.666, via="gw"), reading(3)]), FakeJudge()
    judge.allergic_to = 0.666
    run(subscriber, judge, store)
    assert judge.heard == [1, 2, 3], "the poisonous one's number counts, without its sample"
    assert [(one.code, one.place) for one in judge.rejected] == [("judge_failed", "")]
    assert subscriber.acknowledged == [1, 2, 3]
    assert len(subscriber.published) == 1, "its publisher need not keep it"


def test_a_judge_that_cannot_even_refuse_stops_the_lane(store: TimeSeriesStore) -> None:
    bug = ZeroDivisionError("a bug")
    subscriber, judge = FakeSubscriber([reading(1)]), FakeJudge(bug, bug)
    with pytest.raises(ZeroDivisionError):
        run(subscriber, judge, store)
    assert subscriber.acknowledged == []


def test_a_forgotten_session_is_told_before_anything_that_came_over_it(store: TimeSeriesStore) -> None:
    told: list[tuple[bool, list[int]]] = []
    errors = [NotNow("locked")]
    subscriber, judge = FakeSubscriber([reading(1)]), FakeJudge()

    def on_session(lane: Lane, present: bool) -> bool:
        if errors:
            raise errors.pop()
        told.append((present, list(judge.heard)))
        return True

    gather = subscriber.gather

    def first(*arguments: float) -> list[Message]:
        if subscriber.batches:
            subscriber.on_session(False)
            subscriber.on_session(True)  # a second connection before the first was told: it stays lost
        return gather(*arguments)

    subscriber.gather = first  # type: ignore[method-assign]
    run(subscriber, judge, store, on_session)
    assert told == [(False, [])]
    assert subscriber.acknowledged == [1]


def test_told_to_stop_a_lane_leaves_its_messages_to_the_broker(store: TimeSeriesStore) -> None:
    subscriber, judge = FakeSubscriber([reading(1)]), FakeJudge(*[NotNow("down")] * 10)
    decoder = Decoder(REGISTRY, store.settle_all_ahead)
    lane = Lane("test", subscriber, decoder, judge, store, lambda: NOW_MS, lambda *_: True)  # type: ignore[arg-type]
    stop = Impatient()
    lane.turn(stop)
    stop.set()
    lane.turn(stop)
    lane.close()
    assert subscriber.acknowledged == []


def test_a_backlog_is_no_hearing_until_news_or_quiet(store: TimeSeriesStore) -> None:
    decoder, subscriber = Decoder(REGISTRY, store.settle_all_ahead), FakeSubscriber()
    now = [NOW_MS]
    lane = Lane("test", subscriber, decoder, FakeJudge(), store, lambda: now[0], lambda *_: True)  # type: ignore[arg-type]
    seq = iter(range(1, 1000))

    def hear(*ages_ms: int, after_s: int) -> int:
        """Since when the lane hears, in seconds, once it heard events of these ages."""
        now[0] = NOW_MS + after_s * 1000
        if ages_ms:
            subscriber.batches = [[reading(next(seq), at_ms=now[0] - age_ms) for age_ms in ages_ms]]
            lane.turn(Impatient())
        lane.turn(Impatient())
        return (lane.hearing_since_ms - NOW_MS) // 1000 if lane.hearing_since_ms else 0

    assert hear(1_000, after_s=1) == 1
    assert hear(60_000, after_s=2) == 1, "one device sends its backlog"
    assert hear(60_000, 4_000, after_s=8) == 1, "others have news"
    assert hear(60_000, 5_000, after_s=9) == 1
    assert hear(60_000, after_s=14) == 0, "nothing but backlog for five seconds, although each batch is small"
    assert hear(6_000, after_s=20) == 0
    assert hear(-3_600_000, after_s=21) == 0, "a clock that runs ahead proves nothing"
    assert hear(2_000, after_s=22) == 22
    assert hear(60_000, after_s=30) == 22
    assert hear(60_000, after_s=40) == 0
    assert hear(after_s=41) == 41, "quiet: there is nothing left"
    now[0] = NOW_MS + 50_000
    subscriber.batches = [[reading(next(seq), at_ms=now[0])]]
    lane.turn(Impatient())
    now[0] += 60_000
    lane.turn(Impatient())
    assert hear(60_000, after_s=116) == 0, "what waited a minute for the store is no news any more"
    assert hear(after_s=117) == 117
    subscriber.connected = False
    assert hear(after_s=42) == 0
    lane.close()


def test_a_store_without_figures_holds_up_no_judging(store: TimeSeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> dict[str, float]:
        raise StoreBroken("the spool's disk")

    ticks: list[float] = []
    judge = FakeJudge()
    monkeypatch.setattr(store, "figures", broken)
    monkeypatch.setattr(judge, "tick", lambda _now, _since, figures: ticks.append(figures["messages"]))
    Ingest(BrokerAddress("127.0.0.1", 9), REGISTRY, store, judge, now_ms=lambda: NOW_MS)._tick()
    assert ticks == [0]
