"""What is sent next and when it is sent again, with a clock that only moves when told."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.receipts import Receipt
from gateway.outbox import Lane, Row
from gateway.pacing import Overdue, Pace, Pacing, Send, Stuck, Wait

BOOTS = {Lane.FIRE: "f1", Lane.URGENT: "u1", Lane.BULK: "r1"}


class Box:
    """An outbox in memory, and the pacing that empties it."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pacing = Pacing(BOOTS, pace)
        self.rows: list[Row] = []
        self.put_so_far = 0
        self.sequences: dict[tuple[Lane, str], int] = {}
        self.sent: list[Row] = []
        self.now = 0.0

    def put(self, lane: Lane = Lane.BULK, device: str = "d1", size: int = 100) -> Row:
        self.put_so_far += 1
        seq = self.sequences[lane, device] = self.sequences.get((lane, device), 0) + 1
        kind = {Lane.FIRE: "fire", Lane.URGENT: "tap", Lane.BULK: "reading"}[lane]
        row = Row(self.put_so_far, lane, device, kind, seq, f"{BOOTS[lane]}-{seq}", "", b"x" * size)  # type: ignore[arg-type]
        self.rows.append(row)
        self.pacing.put()
        return row

    def go(self) -> Overdue | Stuck | Wait:
        """Send all that may go now; returns what is to be done then."""
        while isinstance(decision := self.pacing.next(self.now), Send):
            rows = [row for row in self.rows if row.lane is decision.lane and row.pos > decision.after]
            rows = rows[: decision.limit]
            for row in rows:
                if not self.pacing.fits(decision.lane):
                    break
                self.pacing.sent(row, self.now)
                self.sent.append(row)
            else:
                if len(rows) < decision.limit:
                    self.pacing.drained(decision.lane)
        return decision

    def acknowledge(self) -> None:
        for row in self.sent:
            self.pacing.acknowledged(row.lane, row.device, row.seq, self.now)

    def receipt(self, *rows: Row) -> None:
        receipt = Receipt()
        for row in rows:
            receipt.add(row.device, BOOTS[row.lane], row.seq, row.event_id)
            self.rows.remove(row)
        self.pacing.receipted([receipt])

    def connect(self) -> None:
        self.pacing.connected()
        self.pacing.ready(True)


def test_nothing_goes_before_ingest_is_ready() -> None:
    box = Box()
    box.put()
    assert box.go() == Wait(None)
    box.pacing.connected()
    assert box.go() == Wait(None)
    box.pacing.ready(True)
    box.go()
    assert len(box.sent) == 1
    box.pacing.ready(False)
    box.put()
    assert box.go() == Wait(None)
    assert len(box.sent) == 1


def test_a_new_connection_waits_for_ready_again() -> None:
    box = Box()
    box.connect()
    row = box.put()
    box.go()
    box.pacing.disconnected()
    box.pacing.connected()
    assert box.go() == Wait(None)
    box.pacing.ready(True)
    box.go()
    assert box.sent == [row, row], "what had no receipt is sent again on the new connection"


def test_the_window_is_paced_by_receipts() -> None:
    box = Box(Pace(window=10))
    box.connect()
    rows = [box.put() for _ in range(25)]
    box.go()
    assert box.sent == rows[:10]
    box.receipt(*rows[2:5])
    box.go()
    assert box.sent == rows[:13]
    box.receipt(*rows[:2], *rows[5:13])
    box.go()
    assert box.sent == rows[:23]


def test_the_window_is_bounded_in_bytes_but_lets_a_large_event_pass() -> None:
    box = Box(Pace(window_bytes=1000))
    box.connect()
    large = box.put(size=5000)
    small = [box.put() for _ in range(20)]
    box.go()
    assert box.sent == [large]
    box.receipt(large)
    box.go()
    assert box.sent == [large, *small[:10]]


def test_a_tap_overtakes_queued_readings_even_when_their_window_is_full() -> None:
    box = Box(Pace(window=10))
    box.connect()
    for _ in range(1000):
        box.put()
    box.go()
    tap = box.put(Lane.URGENT)
    box.go()
    assert box.sent[-1] == tap
    assert len(box.sent) == 11


def test_after_an_outage_every_fire_leaves_before_any_tap_and_taps_before_readings() -> None:
    box = Box()
    readings = [box.put() for _ in range(300)]
    taps = [box.put(Lane.URGENT) for _ in range(350)]
    fires = [box.put(Lane.FIRE, device) for device in ("d1", "d2") for _ in range(200)]
    box.connect()
    while len(box.sent) < len(box.rows):
        box.go()
        box.acknowledge()
    assert box.sent == [*fires, *taps, *readings]


def test_fires_whose_receipts_are_missing_do_not_hold_back_taps_and_readings_for_ever() -> None:
    box = Box(Pace(window=10))
    box.connect()
    fires = [box.put(Lane.FIRE) for _ in range(20)]
    tap, reading = box.put(Lane.URGENT), box.put()
    box.go()
    assert box.sent == [*fires[:10], tap, reading]


def test_urgent_events_are_looked_for_again_after_every_chunk_of_readings() -> None:
    box = Box()
    box.connect()
    for _ in range(1000):
        box.put()
    for lane in (Lane.FIRE, Lane.URGENT):
        assert box.pacing.next(0.0) == Send(lane, 0, Pacing.CHUNK)
        box.pacing.drained(lane)
    assert box.pacing.next(0.0) == Send(Lane.BULK, 0, Pacing.CHUNK)


def test_only_a_little_is_queued_in_the_connection_ahead_of_a_tap() -> None:
    box = Box()
    box.connect()
    for _ in range(1000):
        box.put()
    box.go()
    assert len(box.sent) == 2 * Pacing.CHUNK
    box.acknowledge()
    box.go()
    assert len(box.sent) == 4 * Pacing.CHUNK


def test_an_overdue_receipt_sends_again_from_the_oldest_in_order() -> None:
    box = Box(Pace(window=5))
    box.connect()
    rows = [box.put() for _ in range(8)]
    tap = box.put(Lane.URGENT)
    box.go()
    box.acknowledge()
    box.receipt(rows[0])
    box.sent.clear()
    box.now = 29.9
    box.go()
    assert box.sent == [rows[5]]
    box.now = 30.0
    assert box.go() == Overdue(tap.pos)
    box.pacing.rewind_overdue()
    box.sent.clear()
    box.go()
    assert box.sent == [tap, *rows[1:6]]


def test_waits_longer_each_time_while_nothing_is_heard_and_not_after_a_receipt() -> None:
    box = Box()
    box.connect()
    row = box.put()
    waits = []
    for _ in range(7):
        box.go()
        box.acknowledge()
        decision = box.go()
        assert isinstance(decision, Wait)
        assert decision.until is not None
        waits.append(decision.until - box.now)
        box.now = decision.until
        assert box.go() == Overdue(row.pos)
        box.pacing.rewind_overdue()
    assert waits == [30, 30, 60, 120, 240, 300, 300]
    box.go()
    box.receipt(row)
    box.put()
    box.go()
    box.acknowledge()
    assert box.go() == Wait(box.now + 30)


def test_one_event_that_is_never_receipted_is_sent_again_ever_less_often() -> None:
    box = Box()
    box.connect()
    poison = box.put()
    times = []
    for _ in range(5):
        good = box.put()
        box.go()
        box.acknowledge()
        box.receipt(good)
        decision = box.go()
        assert isinstance(decision, Wait)
        assert decision.until is not None
        times.append(decision.until - box.now)
        box.now = decision.until
        assert box.go() == Overdue(poison.pos)
        box.pacing.rewind_overdue()
    assert times == [30, 30, 60, 120, 240]


def test_a_new_ready_sends_again_at_once_and_restores_patience() -> None:
    box = Box()
    box.connect()
    row = box.put()
    for _ in range(4):
        box.go()
        box.acknowledge()
        box.now += 300
        assert isinstance(box.go(), Overdue)
        box.pacing.rewind_overdue()
    box.sent.clear()
    box.pacing.ready(True)
    box.go()
    box.acknowledge()
    assert box.sent == [row]
    assert box.go() == Wait(box.now + 30)


def test_what_the_size_bound_dropped_is_not_waited_for() -> None:
    box = Box(Pace(window=3))
    box.connect()
    gone, *_ = [box.put() for _ in range(4)]
    box.go()
    box.acknowledge()
    box.rows.remove(gone)
    box.now = 30.0
    assert box.go() == Overdue(gone.pos)
    box.pacing.forget(gone.pos)
    assert box.pacing.in_flight == 2


def test_receipts_of_strangers_and_of_absurd_ranges_are_harmless() -> None:
    box = Box()
    box.connect()
    rows = [box.put() for _ in range(3)]
    box.go()
    box.pacing.receipted([Receipt({"d1": {"other": [[1, 3]]}, "d9": {"r1": [[1, 3]]}})])
    assert box.pacing.in_flight == 3
    box.pacing.receipted([Receipt({"d1": {"r1": [[3, 1], [-5, 2**60]]}})])
    assert box.pacing.in_flight == 0
    assert rows


def test_over_a_slow_line_nothing_is_overdue_before_the_broker_has_it() -> None:
    box = Box()
    box.connect()
    box.put()
    box.go()
    box.now = 200.0
    assert box.go() == Wait(300.0)
    box.acknowledge()
    assert box.go() == Wait(230.0)


def test_a_broker_that_acknowledges_nothing_for_minutes_is_left() -> None:
    box = Box()
    box.connect()
    box.put()
    box.go()
    box.now = 300.0
    assert box.go() == Stuck()


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), window=st.integers(1, 8))
def test_through_any_trouble_everything_arrives_in_order(seed: int, window: int) -> None:
    """Losses, reconnects, lost receipts and late readiness: first arrivals per device and lane are 1, 2, 3, …"""
    rng = random.Random(seed)
    box = Box(Pace(window=window))
    arrived: list[Row] = []
    total = rng.randint(1, 40)
    while len(arrived) < total or box.rows:
        calm = box.now > 20_000
        if box.put_so_far < total:
            box.put(rng.choice(list(Lane)), rng.choice(["d1", "d2"]))
        trouble = rng.random()
        if trouble < 0.1 and not calm:
            box.pacing.disconnected()
        elif not box.pacing.may_send:
            box.connect()
        box.sent.clear()
        decision = box.go()
        # A connection or broker that fails swallows a tail of what was sent, then says so with a new connection.
        heard = box.sent if calm or rng.random() < 0.7 else box.sent[: rng.randint(0, len(box.sent))]
        new = [row for row in heard if row not in arrived]
        arrived += new
        if len(heard) < len(box.sent):
            box.pacing.disconnected()
        box.acknowledge()
        if calm or rng.random() < 0.7:
            box.receipt(*[row for row in heard if row in box.rows])
        if isinstance(decision, Overdue):
            box.pacing.rewind_overdue()
        box.now += rng.choice([0.1, 10, 400])
        assert box.now < 200_000, "stalled"
    for lane in Lane:
        for device in ("d1", "d2"):
            seqs = [row.seq for row in arrived if row.lane is lane and row.device == device]
            assert seqs == list(range(1, len(seqs) + 1))


def test_every_lane_has_a_boot() -> None:
    with pytest.raises(KeyError):
        Pacing({Lane.URGENT: "u1"})
