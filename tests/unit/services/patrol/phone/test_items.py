import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.clocks import Sent
from gateway.contract.decode import decode
from services.kernel.errors import Invalid
from services.patrol.phone.items import ReportItem, TapItem, parse_item, tap_body, true_times

NOW_MS = 1_795_226_400_000
TAP: dict[str, Any] = {
    "client_id": "item-0001", "kind": "tap", "by": "guard", "seq": 1, "boot": "b1", "wall_ms": NOW_MS, "mono_ms": 5,
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "short"},
        {"client_id": "x" * 33},
        {"client_id": "item 0001"},
        {"kind": "dance"},
        {"by": ""},
        {"seq": 0},
        {"wall_ms": -1},
        {"wall_ms": 10**15},
        {"mono_ms": None},
        {"photos": ["../../etc"]},
        {"note": "x" * 2001},
        {"answers": {"ok": {"deep": 1}}},
    ],
)
def test_what_no_app_of_ours_sends_is_refused_by_itself(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parse_item(TAP | wrong)


def test_a_newer_app_may_say_more() -> None:
    assert parse_item(TAP | {"battery": 71}).client_id == "item-0001"


def test_half_a_character_and_nul_do_not_lose_a_cry_for_help() -> None:
    item = parse_item(TAP | {"kind": "sos", "note": "a\0b \ud800 c"})
    assert isinstance(item, ReportItem)
    assert item.note == "a\ufffdb ? c"


def test_a_bottomless_item_is_refused_by_itself() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(Invalid):
        parse_item(TAP | {"answers": {"ok": deep}})


def test_answers_keep_their_kind() -> None:
    item = parse_item(TAP | {"answers": {"closed": True, "bar": 0.45, "count": 3, "light": "完好"}})
    assert isinstance(item, TapItem)
    assert [type(one) for one in item.answers.values()] == [bool, float, int, str]


def test_a_tap_that_names_nothing_proves_nothing() -> None:
    item = parse_item(TAP)
    assert isinstance(item, TapItem)
    solved = true_times([item], Sent(NOW_MS, 5, "b1", NOW_MS), None)["item-0001"]
    with pytest.raises(Invalid):
        tap_body(item, "yunhe", "phone-0001", solved, NOW_MS, {})


@given(
    more=st.fixed_dictionaries(
        {},
        optional={
            "tag": st.text(max_size=80),
            "url": st.text(max_size=1024),
            "code": st.text(max_size=64),
            "round": st.text(max_size=160),
            "note": st.text(max_size=2000),
            "retries": st.integers(0, 1000),
            "answers": st.dictionaries(
                st.text(max_size=20), st.booleans() | st.floats(allow_nan=True) | st.text(max_size=200), max_size=5
            ),
            "photos": st.lists(st.from_regex(r"[A-Za-z0-9_-]{8,32}", fullmatch=True), max_size=10),
            "wall_ms": st.integers(0, 4_102_444_800_000),
            "mono_ms": st.integers(0, 10**10),
        },
    )
)
def test_what_is_accepted_is_an_event_that_ingest_takes(more: dict[str, Any]) -> None:
    try:
        item = parse_item(TAP | more)
        assert isinstance(item, TapItem)
        solved = true_times([item], Sent(NOW_MS, 5, "b1", NOW_MS), None)["item-0001"]
        body = tap_body(item, "yunhe", "phone-0001", solved, NOW_MS, {})
    except Invalid:
        return
    assert not decode("tap", json.dumps({"id": "check-1", **body}, allow_nan=False).encode()).refused
