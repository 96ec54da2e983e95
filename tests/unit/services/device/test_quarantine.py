"""What could not be an event is kept, whatever it is made of."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.contract.decode import decode
from gateway.contract.errors import ContractError
from gateway.contract.heard import Rejected
from services.device import quarantine
from services.device.quarantine import KEPT_BYTES, KEPT_BYTES_LATER, dismiss, keep
from services.device.tables import Quarantine
from services.kernel.audit import Audit
from services.kernel.db import Database
from services.kernel.errors import NotFound

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
RECEIVED_MS = 1_795_200_000_000


def rejected(payload: bytes, topic: str = "gengfu/v1/yunhe/plc/reading", **parts: str) -> Rejected:
    words = {"code": "bad_value", "reason": "no number", "hint": "send one", "site": "yunhe", "device": "plc"} | parts
    return Rejected(topic, payload, received_ms=RECEIVED_MS, **words)


def kept(db: Database, *entries: Rejected) -> list[Quarantine]:
    with db.begin() as session:
        keep(session, entries)
    with db.read() as session:
        return list(session.scalars(select(Quarantine).order_by(Quarantine.id)))


def test_bytes_are_kept_as_they_came(db: Database) -> None:
    payloads = [b"\x00\x01\xff", b"", "湿".encode("gbk"), b'{"id": "\\u0000"}']
    assert [row.payload for row in kept(db, *(rejected(payload) for payload in payloads))] == payloads


def test_words_that_a_database_refuses_are_written_so_that_it_takes_them(db: Database) -> None:
    (row,) = kept(
        db,
        rejected(
            b"x",
            "gengfu/v1/yun\x00he/p/reading",
            reason="point '\x00' unknown",
            hint="not \x00 \ud800",
            site="yun\x00he",
        ),
    )
    assert row.topic == "gengfu/v1/yun\\0he/p/reading"
    assert row.reason == "point '\\0' unknown"
    assert "\x00" not in row.hint + row.site


@pytest.mark.parametrize("text", ['{"id":"b1-1","at":"\\ud800","point":"p","value":1}', '{"id":"\\ud800\\u0000"}'])
def test_reasons_of_odd_texts_can_be_written(db: Database, text: str) -> None:
    with pytest.raises(ContractError) as refused:
        decode("reading", text.encode())
    error = refused.value
    (row,) = kept(db, rejected(text.encode(), code=error.code, reason=error.message, hint=error.hint))
    assert row.payload == text.encode()


def test_a_huge_payload_is_kept_up_to_a_bound(db: Database) -> None:
    (row,) = kept(db, rejected(b"x" * (KEPT_BYTES + 1)))
    assert len(row.payload) == KEPT_BYTES


def test_long_names_do_not_stop_the_stream(db: Database) -> None:
    (row,) = kept(db, rejected(b"x", site="s" * 300, device="d" * 300, place="p" * 300, reason="r" * 10_000))
    assert (len(row.site), len(row.device), len(row.place), len(row.reason)) == (64, 64, 64, 10_000)


def test_dismissed_once_by_somebody(db: Database) -> None:
    (row,) = kept(db, rejected(b"x"))
    with db.begin() as session:
        dismiss(session, row.id, "duty", NOW)
        dismiss(session, row.id, "manager", NOW)
    with db.read() as session:
        assert session.get_one(Quarantine, row.id).dismissed_by == "duty"
        assert [one.action for one in session.scalars(select(Audit))] == ["quarantine.dismiss"]


def test_an_unknown_entry_is_named(db: Database) -> None:
    with pytest.raises(NotFound, match="nothing-here"), db.begin() as session:
        dismiss(session, "nothing-here", "duty", NOW)


def test_a_flood_of_the_same_mistake_costs_a_bounded_number_of_rows(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "ROWS_PER_WINDOW", 5)
    monkeypatch.setattr(quarantine, "WHOLE_PER_WINDOW", 2)
    big = b"x" * (KEPT_BYTES_LATER + 1)
    rows = kept(db, *(rejected(big) for _ in range(12)), rejected(b"y", device="other"))
    assert [(row.device, len(row.payload), row.count) for row in rows] == [
        *[("plc", len(big), 1)] * 2,
        *[("plc", KEPT_BYTES_LATER, 1)] * 2,
        ("plc", KEPT_BYTES_LATER, 8),
        ("other", 1, 1),
    ]


def test_made_up_codes_share_the_budget_of_their_device(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "ROWS_PER_WINDOW", 5)
    monkeypatch.setattr(quarantine, "WHOLE_PER_WINDOW", 2)
    rows = kept(db, *(rejected(b"x" * 5000, code=f"code_{number}") for number in range(30)))
    assert [len(row.payload) for row in rows] == [5000] * 8 + [KEPT_BYTES_LATER] * 12
    assert sum(row.count for row in rows) == 30


def test_made_up_devices_share_one_budget(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "ROWS_PER_WINDOW", 3)
    rows = kept(db, *(rejected(b"x", code="unknown_device", device=f"d{n}") for n in range(10)))
    assert [row.count for row in rows] == [1, 1, 8]


def test_the_oldest_go_first(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "ROWS_KEPT", 2)
    kept(db, *(rejected(str(n).encode()) for n in range(5)))
    with db.begin() as session:
        quarantine.forget(session, NOW - timedelta(days=9999))
        assert list(session.scalars(select(Quarantine.payload).order_by(Quarantine.id))) == [b"3", b"4"]
        quarantine.forget(session, datetime(2100, 1, 1, tzinfo=UTC))
        assert session.scalars(select(Quarantine.id)).all() == []
