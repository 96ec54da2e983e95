"""The outbox: durable, counted, bounded, and clear about a file that is none."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.decode import decode
from gateway.contract.errors import BadPayload, BadTime, BadTopic, ContractError
from gateway.contract.receipts import Receipt
from gateway.outbox import Cursor, Drop, Lane, Outbox, OutboxDamaged, OutboxError, OutboxFull

AT = "2026-11-21T10:00:00.000Z"
READING: dict[str, Any] = {"at": AT, "point": "p1", "value": 0.31}
TAP: dict[str, Any] = {"at": AT, "checkpoint": "c1"}
FIRE: dict[str, Any] = {"at": AT, "text": "1号楼"}
STATUS: dict[str, Any] = {"at": AT, "online": True}
SITE = "jingan"
COST = len(b'"at":"2026-11-21T10:00:00.000Z","point":"p1","value":0.31}') + 128
"""What the reading above takes of the bound."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    box = Outbox(path, "gw", clock_ms=lambda: 1000)
    yield box
    box.close()


def receipt(outbox: Outbox, lane: Lane, device: str, first: int, last: int) -> Receipt:
    return Receipt({device: {outbox.boot(lane): [[first, last]]}})


def ids(outbox: Outbox) -> list[str]:
    return [row.event_id for row in outbox.pending(limit=100_000)]


def test_an_event_gets_the_next_id_of_its_device_and_lane(outbox: Outbox) -> None:
    urgent, bulk = outbox.boot(Lane.URGENT), outbox.boot(Lane.BULK)
    assert urgent != bulk
    assert outbox.put(SITE, "d1", "tap", TAP) == f"{urgent}-1"
    assert outbox.put(SITE, "d1", "reading", READING) == f"{bulk}-1"
    assert outbox.put(SITE, "d1", "status", STATUS) == f"{urgent}-2"
    assert outbox.put(SITE, "d1", "fire", FIRE) == f"{outbox.boot(Lane.FIRE)}-1"
    assert outbox.put(SITE, "d2", "tap", TAP) == f"{urgent}-1"
    assert outbox.put(SITE, "d1", "reading", READING) == f"{bulk}-2"


def test_the_payload_is_the_event_with_id_and_via(outbox: Outbox) -> None:
    event_id = outbox.put(SITE, "d1", "fire", FIRE)
    (row,) = outbox.pending()
    assert row.topic == "gengfu/v1/jingan/d1/fire"
    decoded = decode("fire", row.payload)
    assert decoded.event_id == row.event_id == event_id
    assert decoded.via == "gw"
    assert decoded.body is not None
    assert decoded.body["text"] == "1号楼"


def test_fire_comes_first_then_urgent_rows_and_each_lane_in_the_order_it_was_put(outbox: Outbox) -> None:
    outbox.put_many(SITE, [("d1", "reading", READING), ("d2", "reading", READING), ("d1", "tap", TAP)])
    outbox.put(SITE, "d3", "fire", FIRE)
    assert [(row.device, row.kind) for row in outbox.pending()] == [
        ("d3", "fire"),
        ("d1", "tap"),
        ("d1", "reading"),
        ("d2", "reading"),
    ]
    first = outbox.pending(limit=3)
    after = Cursor(urgent=first[1].pos, bulk=first[2].pos, fire=first[0].pos)
    assert [row.device for row in outbox.pending(after)] == ["d2"]


def test_a_receipt_removes_what_it_covers_and_nothing_else(outbox: Outbox) -> None:
    outbox.put_many(SITE, [("d1", "reading", READING)] * 5 + [("d2", "reading", READING), ("d1", "tap", TAP)])
    assert outbox.settle([receipt(outbox, Lane.BULK, "d1", 2, 4), receipt(outbox, Lane.BULK, "d1", 3, 4)]) == 3
    bulk, urgent = outbox.boot(Lane.BULK), outbox.boot(Lane.URGENT)
    assert ids(outbox) == [f"{urgent}-1", f"{bulk}-1", f"{bulk}-5", f"{bulk}-1"]
    assert outbox.settle([Receipt({"d1": {"stranger": [[1, 99]]}}, {"d1": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"]})]) == 0
    assert outbox.settle([receipt(outbox, Lane.BULK, "d1", 1, 10**30), receipt(outbox, Lane.BULK, "d2", -5, 9)]) == 3
    assert outbox.stats().queued == {"tap": 1}


def test_counting_goes_on_after_a_restart_even_when_all_was_settled(path: Path) -> None:
    box = Outbox(path, "gw")
    box.put_many(SITE, [("d1", "tap", TAP), ("d1", "tap", TAP)])
    boots = box.boot(Lane.URGENT), box.boot(Lane.BULK)
    box.settle([receipt(box, Lane.URGENT, "d1", 1, 2)])
    box.close()
    again = Outbox(path, "gw")
    assert (again.boot(Lane.URGENT), again.boot(Lane.BULK)) == boots
    assert again.put(SITE, "d1", "tap", TAP) == f"{boots[0]}-3"
    again.close()


def as_before_the_fire_lane(path: Path) -> None:
    """What a version wrote that sent fire events with the taps."""
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM meta WHERE key = 'boot_fire'")
        db.execute("UPDATE events SET lane = 0, seq = 3 WHERE lane = 2")
        db.execute("DELETE FROM sequences WHERE lane = 2")
        db.execute("UPDATE sequences SET last = 3 WHERE lane = 0")
        db.execute("PRAGMA user_version = 1")
    db.close()


def test_a_file_from_before_the_fire_lane_keeps_its_ids_and_gets_one(path: Path) -> None:
    box = Outbox(path, "gw")
    box.put_many(SITE, [("d1", "tap", TAP), ("d1", "tap", TAP), ("d1", "fire", FIRE), ("d1", "reading", READING)])
    urgent, bulk = box.boot(Lane.URGENT), box.boot(Lane.BULK)
    box.close()
    as_before_the_fire_lane(path)
    for _ in range(2):
        box = Outbox(path, "gw")
        fire = box.boot(Lane.FIRE)
        assert fire not in (urgent, bulk)
        box.close()
    box = Outbox(path, "gw")
    assert box.boot(Lane.FIRE) == fire
    assert box.put(SITE, "d1", "fire", FIRE) == f"{fire}-1"
    assert box.put(SITE, "d1", "tap", TAP) == f"{urgent}-4"
    assert ids(box) == [f"{fire}-1", f"{urgent}-1", f"{urgent}-2", f"{urgent}-3", f"{urgent}-4", f"{bulk}-1"]
    assert box.settle([receipt(box, Lane.URGENT, "d1", 1, 4)]) == 4
    assert box.stats().queued == {"fire": 1, "reading": 1}
    box.close()


def test_a_renamed_publisher_gets_receipts_under_its_new_name(path: Path) -> None:
    box = Outbox(path, "old")
    box.put(SITE, "d1", "tap", TAP)
    box.close()
    box = Outbox(path, "new")
    assert decode("tap", box.pending()[0].payload).via == "new"
    box.close()


@pytest.mark.parametrize(
    ("device", "body", "error"),
    [
        ("d1", {"at": "yesterday", "point": "p1", "value": 1.0}, ContractError),
        ("d1", {"at": "2026-13-21T10:00:00Z", "point": "p1", "value": 1.0}, BadTime),
        ("d1", {"at": AT, "point": "p1", "value": float("nan")}, BadPayload),
        ("d1", {"at": AT, "point": "p1", "value": object()}, BadPayload),
        ("d1", {"at": AT, "point": "p1", "value": 1.0, "id": "x-1"}, BadPayload),
        ("d1", {"at": AT, "point": "p1", "value": 1.0, "via": "me"}, BadPayload),
        ("d1", {"batch": [[AT, "p1", 1.0], [AT, "p1", "high"]]}, ContractError),
        ("d1", {}, ContractError),
        ("Pump 1", READING, BadTopic),
    ],
)
def test_what_ingest_would_refuse_is_refused_here(
    outbox: Outbox, device: str, body: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        outbox.put_many(SITE, [("d1", "reading", READING), (device, "reading", body)])
    assert ids(outbox) == []
    assert outbox.put(SITE, "d1", "reading", READING).endswith("-1"), "a refused event must not leave a gap"


def test_a_second_site_is_refused_because_receipts_name_devices_only(outbox: Outbox) -> None:
    outbox.put(SITE, "d1", "tap", TAP)
    with pytest.raises(OutboxError, match="belongs to site jingan, not pudong"):
        outbox.put("pudong", "d1", "tap", TAP)


def test_a_publisher_name_that_no_receipt_could_carry_is_refused(path: Path) -> None:
    with pytest.raises(OutboxError, match="泵房"):
        Outbox(path, "泵房")


def test_the_oldest_readings_go_first_then_the_oldest_status(path: Path) -> None:
    outbox = Outbox(path, "gw", max_bytes=6 * COST, clock_ms=count(1).__next__)
    outbox.put_many(SITE, [("d1", "status", STATUS), ("d1", "tap", TAP)] + [("d1", "reading", READING)] * 3)
    outbox.put_many(SITE, [("d2", "reading", READING)] * 2)
    kept = [(row.device, row.kind, row.seq) for row in outbox.pending()]
    assert ("d1", "reading", 1) not in kept
    assert ("d1", "status", 1) in kept
    for _ in range(5):
        outbox.put(SITE, "d1", "tap", TAP)
    kinds = [row.kind for row in outbox.pending()]
    assert kinds.count("tap") == 6
    assert "reading" not in kinds
    assert "status" not in kinds
    dropped = {(drop.device, drop.kind): drop.events for drop in outbox.stats().dropped}
    assert dropped == {("d1", "reading"): 3, ("d2", "reading"): 2, ("d1", "status"): 1}
    outbox.close()
    again = Outbox(path, "gw")
    assert sum(drop.events for drop in again.stats().dropped) == 6, "drops are remembered"
    again.close()


def test_taps_and_fire_are_never_dropped_nor_refused(path: Path) -> None:
    outbox = Outbox(path, "gw", max_bytes=4 * COST)
    taps = [outbox.put(SITE, "d1", "tap", TAP) for _ in range(10)]
    with pytest.raises(OutboxFull, match="full of taps and fire events") as full:
        outbox.put_many(SITE, [("d1", "reading", READING), ("d1", "fire", FIRE), ("d1", "status", STATUS)])
    fire = f"{outbox.boot(Lane.FIRE)}-1"
    assert full.value.ids == (None, fire, None), "the fire event of that call is kept all the same"
    assert ids(outbox) == [fire, *taps]
    assert outbox.stats().dropped == []
    outbox.settle([receipt(outbox, Lane.URGENT, "d1", 1, 10), receipt(outbox, Lane.FIRE, "d1", 1, 1)])
    assert outbox.put(SITE, "d1", "reading", READING).endswith("-1"), "a refused reading leaves no gap"
    outbox.close()


def test_a_reading_larger_than_the_bound_costs_no_other_event(path: Path) -> None:
    outbox = Outbox(path, "gw", max_bytes=3 * COST)
    outbox.put_many(SITE, [("d1", "reading", READING)] * 2)
    with pytest.raises(OutboxFull):
        outbox.put(SITE, "d1", "reading", {"batch": [[AT, "p1", 1.0]] * 100})
    assert outbox.stats().queued == {"reading": 2}
    outbox.close()


def test_stats_say_what_waits_since_when_and_what_was_dropped(path: Path) -> None:
    outbox = Outbox(path, "gw", max_bytes=2 * COST, clock_ms=count(100).__next__)
    for _ in range(3):
        outbox.put(SITE, "d1", "reading", READING)
    stats = outbox.stats()
    assert (stats.events, stats.bytes, stats.max_bytes, stats.oldest_put_ms) == (2, 2 * COST, 2 * COST, 101)
    assert stats.dropped == [Drop("d1", "reading", 1, COST, 102)]
    outbox.close()


def test_a_failed_write_changes_nothing_and_says_what_to_do(outbox: Outbox) -> None:
    outbox.put(SITE, "d1", "tap", TAP)
    (pages,) = outbox._db.execute("PRAGMA page_count").fetchone()
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    big = {**TAP, "padding": "x" * 100_000}
    with pytest.raises(OutboxError, match="free space"):
        outbox.put_many(SITE, [("d1", "tap", TAP), ("d1", "tap", big)])
    outbox._db.execute("PRAGMA max_page_count = 100000")
    assert outbox.put(SITE, "d1", "tap", TAP).endswith("-2")
    assert outbox.stats().queued == {"tap": 2}


def test_a_second_process_is_refused(path: Path, outbox: Outbox) -> None:
    code = "import sys; from pathlib import Path; from gateway.outbox import Outbox; Outbox(Path(sys.argv[1]), 'gw')"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is in use by another process" in done.stderr
    assert outbox.put(SITE, "d1", "tap", TAP)


def damaged_copies(path: Path) -> Iterator[tuple[str, bytes]]:
    whole = path.read_bytes()
    yield "no database", b"this was never a database, only text that is long enough to look like one" * 20
    yield "torn in the middle", whole[: len(whole) // 2]
    yield "overwritten pages", whole[:4096] + random.Random(7).randbytes(len(whole) - 4096)
    yield "overwritten head", random.Random(7).randbytes(100) + whole[100:]


def test_a_damaged_file_is_refused_with_its_name_and_what_to_do(tmp_path: Path, path: Path) -> None:
    box = Outbox(path, "gw")
    box.put_many(SITE, [("d1", "reading", READING)] * 500)
    box.close()
    for name, content in damaged_copies(path):
        broken = tmp_path / "broken.db"
        broken.write_bytes(content)
        with pytest.raises(OutboxDamaged) as refused:
            Outbox(broken, "gw")
        assert "broken.db is damaged" in refused.value.message, name
        assert "Move broken.db and broken.db-wal aside" in refused.value.hint
        assert broken.read_bytes() == content, "evidence stays as it was"
        broken.unlink()


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE people (name TEXT)")
    other.close()
    with pytest.raises(OutboxError, match="not an outbox"):
        Outbox(path, "gw")


def test_a_torn_write_ahead_log_costs_only_what_was_never_confirmed(path: Path) -> None:
    box = Outbox(path, "gw")
    kept = [box.put(SITE, "d1", "tap", TAP) for _ in range(20)]
    wal = path.with_name(path.name + "-wal").read_bytes()
    main = path.read_bytes()
    box.close()
    path.write_bytes(main)
    path.with_name(path.name + "-wal").write_bytes(wal + wal[32:700])
    box = Outbox(path, "gw")
    assert ids(box) == kept
    box.close()


PUTTER = """
import sys
from pathlib import Path
from gateway.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]), "gw")
n = 0
while True:
    n += 1
    body = {"at": "2026-11-21T10:00:00.000Z", "checkpoint": "c1", "note": "x" * (n % 700)}
    if n % 3:
        ids = [outbox.put("jingan", f"d{n % 4}", "tap", body)]
    else:
        reading = {"at": "2026-11-21T10:00:00.000Z", "point": "p1", "value": 1.0}
        ids = outbox.put_many("jingan", [(f"d{n % 4}", "reading", reading)] * 20)
    print(*ids, sep="\\n", flush=True)
"""


def test_kill_9_loses_nothing_that_put_returned(path: Path) -> None:
    rng = random.Random(20261121)
    confirmed: list[str] = []
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", PUTTER, str(path)], stdout=subprocess.PIPE, text=True) as putter:
            assert putter.stdout is not None
            for line in range(rng.randint(1, 400)):
                confirmed.append(putter.stdout.readline().strip())
                assert confirmed[-1], f"died by itself at line {line}"
            putter.kill()
            confirmed += [line for line in putter.stdout.read().split("\n")[:-1] if line]
    outbox = Outbox(path, "gw")
    kept = {(row.device, row.event_id) for row in outbox.pending(limit=100_000)}
    assert {event_id for _, event_id in kept} >= set(confirmed)
    for lane in Lane:
        for device in ("d0", "d1", "d2", "d3"):
            seqs = [row.seq for row in outbox.pending_in(lane, 0, 100_000) if row.device == device]
            assert seqs == list(range(1, len(seqs) + 1)), "every sequence is whole and in order"
    outbox.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["reading", "tap", "fire", "status"]), st.sampled_from(["d1", "d2"])),
            st.tuples(st.just("settle"), st.integers(1, 12)),
            st.tuples(st.just("reopen"), st.just("")),
        ),
        max_size=40,
    )
)
def test_whatever_happens_the_books_balance(tmp_path: Path, steps: list[tuple[str, Any]]) -> None:
    path = tmp_path / "any.db"
    path.unlink(missing_ok=True)
    bodies = {"reading": READING, "tap": TAP, "fire": FIRE, "status": STATUS}
    outbox = Outbox(path, "gw", max_bytes=7 * COST)
    accepted: dict[str, int] = dict.fromkeys(bodies, 0)
    settled = 0
    for what, value in steps:
        if what == "reopen":
            outbox.close()
            outbox = Outbox(path, "gw", max_bytes=7 * COST)
        elif what == "settle":
            settled += outbox.settle([receipt(outbox, lane, "d1", 1, value) for lane in Lane])
        else:
            try:
                outbox.put(SITE, value, what, bodies[what])  # type: ignore[arg-type]
                accepted[what] += 1
            except OutboxFull:
                assert what in ("reading", "status")
    stats = outbox.stats()
    assert stats.events == len(outbox.pending(limit=1000))
    assert sum(accepted.values()) == stats.events + settled + sum(drop.events for drop in stats.dropped)
    assert not [drop for drop in stats.dropped if drop.kind in ("tap", "fire")]
    assert stats.bytes <= stats.max_bytes or set(stats.queued) <= {"tap", "fire"}
    outbox.close()
