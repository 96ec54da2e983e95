"""What an outlet does with events that the outbox takes, does not take now, and never takes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.contract.errors import BadPayload
from gateway.contract.topics import Kind
from gateway.outbox import Outbox as RealOutbox
from gateway.outbox import OutboxError, OutboxFull
from gateway.outlet import Event, Outlet


class Outbox:
    """Takes events, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[object] = []
        self.is_broken = False
        self.is_full = False

    def put_many(self, events: Sequence[tuple[str, Kind, Mapping[str, Any]]]) -> list[str]:
        if self.is_broken:
            raise OutboxError("broken")
        if any("bad" in body for _, _, body in events):
            raise BadPayload("bad")
        ids = [None if self.is_full and kind == "status" else f"b-{body['n']}" for _, kind, body in events]
        self.taken += [body["n"] for (_, _, body), event_id in zip(events, ids, strict=True) if event_id]
        if None in ids:
            raise OutboxFull("full", hint="", ids=ids)
        return [one for one in ids if one]


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def fire(number: int, kind: Kind = "fire") -> tuple[str, Kind, Mapping[str, Any]]:
    return "d", kind, {"n": number}


def test_what_is_put_waits_in_memory_while_nothing_is_taken(outbox: Outbox) -> None:
    outlet = Outlet(outbox)
    outbox.is_broken = True
    assert not outlet.put([fire(1)])
    assert not outlet.put([fire(2)])
    outbox.is_broken = False
    assert outlet.put([])
    assert outbox.taken == [1, 2]


def test_what_a_full_outbox_took_is_not_put_again(outbox: Outbox) -> None:
    outlet = Outlet(outbox)
    outbox.is_full = True
    assert not outlet.put([fire(1), fire(2, "status"), fire(3)])
    outbox.is_full = False
    assert outlet.put([fire(4)])
    assert outbox.taken == [1, 3, 2, 4]


def test_a_status_that_does_not_fit_holds_back_no_fire(outbox: Outbox) -> None:
    outlet = Outlet(outbox)
    outbox.is_full = True
    outlet.put([fire(1, "status")])
    assert not outlet.put([fire(2)])
    assert outbox.taken == [2]


def test_a_fire_that_cannot_be_an_event_is_told_all_the_same(tmp_path: Path) -> None:
    outbox = RealOutbox(tmp_path / "outbox.db", "gw")

    class Site:
        def put_many(self, events: Sequence[Event]) -> list[str]:
            return outbox.put_many("jingan", events)

    good = {"at": "2026-11-21T10:00:00.000Z", "address": "8-1", "state": ["fire"]}
    bad = {**good, "address": "9" * 81, "values": [{"quantity": object()}]}
    hopeless = {"at": "never", "state": "fire"}
    for keep in (Outlet(Site()).put, Outlet(Site()).keep):
        keep([("d", "fire", good), ("d", "fire", bad), ("d", "fire", hopeless), ("d", "fire", good)])
        heard = [json.loads(row.payload) for row in outbox.pending()]
        assert [one["state"] for one in heard[-3:]] == [["fire"]] * 3
        assert (heard[-2]["scope"], heard[-2]["marks"]) == ("unparsed", ["unparsed", "bad_event"])
        assert "9" * 81 in heard[-2]["text"]
    outbox.close()


def test_what_is_to_be_kept_is_on_disk_or_an_error(outbox: Outbox) -> None:
    outlet = Outlet(outbox)
    outlet.keep([fire(1), ("d", "tap", {"bad": 1}), fire(2)])
    assert outbox.taken == [1, 2]
    outbox.is_full = True
    outlet.keep([fire(3, "status"), fire(4)])
    assert outbox.taken == [1, 2, 4], "a status that does not fit is no reason not to confirm a fire"
    outbox.is_broken = True
    with pytest.raises(OutboxError):
        outlet.keep([fire(5)])
    outbox.is_broken = False
    assert outlet.put([])
    assert 5 not in outbox.taken, "its sender will say it again"
