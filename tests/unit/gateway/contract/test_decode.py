"""Decoding hostile and unlucky payloads: one clear error each, and the good entries of a batch stand."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.decode import MAX_PAYLOAD_BYTES, Decoded, decode, split_id, storable
from gateway.contract.errors import BadEventId, BadPayload, BadTime, ContractError
from gateway.contract.times import format_at
from gateway.contract.topics import KINDS, Kind

AT = "2026-11-21T10:00:00.000Z"
AT_MS = 1_795_255_200_000


def decoded_or_refused(kind: Kind, payload: bytes) -> Decoded | ContractError:
    try:
        return decode(kind, payload)
    except ContractError as error:
        return error


def reading_with(value: bytes) -> bytes:
    return b'{"id":"a7-1","at":"2026-11-21T10:00:00.000Z","point":"p","value":' + value + b"}"


def batch_of(*entries: Any) -> bytes:
    return json.dumps({"id": "a7-1", "batch": entries}).encode()


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"-1e999",
        b"1" + b"0" * 400,
        b"1" + b"0" * 100_000,
        b'"5"',
        b'""',
        b"true",
        b"null",
        b"[5]",
        b'{"v":5}',
        b"05",
        b"+5",
        b".5",
        b"5.",
        b"0x5",
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_finite_number_is_no_value(value: bytes) -> None:
    with pytest.raises(BadPayload) as caught:
        decode("reading", reading_with(value))
    assert caught.value.hint
    assert len(str(caught.value)) < 500


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_arrives_as_it_was(value: float) -> None:
    assert decode("reading", reading_with(repr(value).encode())).readings == [(0, AT_MS, "p", value, 0)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"\0",
        b"5",
        b"[]",
        b"null",
        b"{}",
        b"{",
        b"{}{}",
        b"{'id':'a7-1'}",
        b"\xff\xfe{\x00}\x00",
        b"{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"id":"\xc3"}',
        b'{"id":"\\ud800"}',
        b"[" * 200_000,
        b" " * (MAX_PAYLOAD_BYTES + 1),
    ],
)
def test_what_is_no_event_of_any_kind_is_refused_in_words(kind: Kind, payload: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        decode(kind, payload)
    assert caught.value.hint
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf{}", "byte-order mark"),
        (b"\xff\xfe{\x00", "UTF-8"),
        (b" " * (MAX_PAYLOAD_BYTES + 1), "smaller batches"),
        (b'{"id":"a7-1","at":"yesterday","online":true}', "'yesterday' is not RFC 3339"),
        (b'{"id":"7","at":"2026-11-21T10:00:00Z","online":true}', "'7' is neither {boot}-{seq} nor a ULID"),
    ],
)
def test_the_error_says_what_is_wrong(payload: bytes, word: str) -> None:
    with pytest.raises(ContractError) as caught:
        decode("status", payload)
    assert word in str(caught.value)


def test_the_largest_message_is_read() -> None:
    payload = reading_with(b"5")
    assert decode("reading", payload + b" " * (MAX_PAYLOAD_BYTES - len(payload))).readings[0][3] == 5.0


def test_the_code_names_the_one_thing_that_is_wrong_and_payload_when_there_are_several() -> None:
    def code(**fields: Any) -> type[ContractError]:
        event = {"id": "a7-1", "at": AT, "point": "p", "value": 1, **fields}
        with pytest.raises(ContractError) as caught:
            decode("reading", json.dumps(event).encode())
        return type(caught.value)

    assert code(id="7") is BadEventId
    assert code(at="7") is BadTime
    assert code(point="P") is BadPayload
    assert code(id="7", at="7") is BadPayload


def test_many_problems_are_told_briefly() -> None:
    with pytest.raises(BadPayload, match="and 4 more"):
        decode("tap", json.dumps({"id": 1, "at": 2, "via": 3, **dict.fromkeys(TAP_TEXTS, 5), "evidence": "?"}).encode())


TAP_TEXTS = ("checkpoint", "tag", "guard", "badge", "reader")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id":"a7-1","at":"2026-11-21T10:00:00.000Z","point":"p","value":1,"value":2}',
        b'{"value":"x","id":"a7-1","at":"2026-11-21T10:00:00.000Z","point":"p","value":2}',
    ],
)
def test_of_two_equal_keys_the_last_counts(payload: bytes) -> None:
    assert decode("reading", payload).readings == [(0, AT_MS, "p", 2.0, 0)]


def test_of_two_batches_the_last_counts_also_when_it_is_salvaged() -> None:
    first = '[["2026-11-21T10:00:00.000Z","p",1],["no","p",1]]'
    last = '[["no","q",7],["2026-11-21T10:00:00.000Z","q",7]]'
    decoded = decode("reading", f'{{"id":"x-9","id":"a7-1","batch":{first},"batch":{last}}}'.encode())
    assert (decoded.event_id, decoded.readings) == ("a7-1", [(1, AT_MS, "q", 7.0, 0)])
    assert [place for place, _ in decoded.refused] == ["batch[0]"]


entries = st.one_of(
    st.tuples(st.integers(0, 10**13).map(format_at), st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.floats(-9, 9)),
    st.tuples(st.sampled_from(["", "no", "2026-02-30T00:00:00Z"]), st.just("p"), st.just(1)),
    st.tuples(st.just(AT), st.sampled_from(["", "P", "p q"]), st.just(1)),
    st.tuples(st.just(AT), st.just("p"), st.sampled_from(["1", None, True, [], {}])),
    st.sampled_from([None, 5, "x", [], [AT], [AT, "p"], [AT, "p", 1, 2], {"at": AT}]),
)


def stands(entry: Any) -> bool:
    outcome = decoded_or_refused("reading", batch_of(entry))
    return not isinstance(outcome, ContractError) and bool(outcome.readings)


@given(st.lists(entries, min_size=1, max_size=12))
def test_each_entry_of_a_batch_is_judged_for_itself(batch: list[Any]) -> None:
    decoded = decode("reading", batch_of(*batch))
    good = [index for index, entry in enumerate(batch) if stands(entry)]
    bad = [f"batch[{index}]" for index in range(len(batch)) if index not in good]
    assert sorted(place for place, _ in decoded.refused) == sorted(bad)
    assert [(index, point, value) for index, _, point, value, _ in decoded.readings] == [
        (index, batch[index][1], batch[index][2]) for index in good
    ]
    for place, error in decoded.refused:
        assert "batch[" not in error.message or error.message.startswith(place)


@pytest.mark.parametrize("entry", [[AT, "p", "x"], "x"])
@pytest.mark.parametrize(
    "envelope", [{}, {"id": "7"}, {"id": "a7-1", "via": "no/no"}, {"id": "a7-1", "via": 5}, {"id": None}]
)
def test_nothing_is_salvaged_from_a_bad_envelope(envelope: dict[str, Any], entry: Any) -> None:
    with pytest.raises(ContractError):
        decode("reading", json.dumps({**envelope, "batch": [[AT, "p", 1], entry]}).encode())


def test_a_number_too_large_for_a_float_does_not_break_the_salvage() -> None:
    payload = b'{"id":"a7-1","batch":[["%b","p",1%b],["%b","p",2],["no","p",3]]}' % (
        AT.encode(),
        b"0" * 400,
        AT.encode(),
    )
    decoded = decode("reading", payload)
    assert decoded.readings == [(1, AT_MS, "p", 2.0, 0)]
    assert [place for place, _ in decoded.refused] == ["batch[0]", "batch[2]"]


def test_a_batch_longer_than_allowed_is_refused_whole() -> None:
    with pytest.raises(BadPayload):
        decode("reading", batch_of(*[["", "p", 1]] * 10_001))


def test_the_time_of_a_batch_is_its_newest_reading() -> None:
    decoded = decode("reading", batch_of([format_at(5000), "p", 1], [format_at(9000), "p", 1], [format_at(1), "p", 1]))
    assert decoded.at_ms == 9000


@pytest.mark.parametrize("extra", ["batch", '"batch"', {"batch": [1]}, ["batch"]])
def test_the_word_batch_elsewhere_leaves_a_reading_a_reading(extra: Any) -> None:
    event = {"id": "a7-1", "at": AT, "point": "p", "value": 1, "note": extra}
    assert decode("reading", json.dumps(event).encode()).readings == [(0, AT_MS, "p", 1.0, 0)]


def test_a_bad_reading_that_says_batch_is_explained_as_a_reading() -> None:
    with pytest.raises(BadPayload, match="point: Field required"):
        decode("reading", json.dumps({"id": "a7-1", "at": AT, "value": 1, "note": "batch"}).encode())


def test_ids_are_split_into_boot_and_seq() -> None:
    assert split_id("a7-12") == ("a7", 12)
    assert split_id("01JD6W4M5N8QZ3X7V2C9B0KHTE") == ("", 0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_what_is_kept_of_an_event_fits_any_database(value: Any) -> None:
    text = json.dumps(storable(value), allow_nan=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    assert storable(storable(value)) == storable(value)


def test_a_fire_with_a_broken_extra_is_still_a_fire() -> None:
    payload = b'{"id":"f-1","at":"2026-11-21T10:00:00Z","state":["fire"],"text":"a\\u0000","x":[NaN,{"y":1e999}]}'
    decoded: Decoded = decode("fire", payload)
    assert decoded.body is not None
    assert (decoded.body["text"], decoded.body["x"]) == ("a\ufffd", [None, {"y": None}])


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_no_bytes_raise_anything_but_a_contract_error(payload: bytes, kind: Kind) -> None:
    outcome = decoded_or_refused(kind, payload)
    assert not isinstance(outcome, ContractError) or outcome.hint


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.sampled_from(["a7-1", "7", 7, None]),
            "at": st.sampled_from([AT, "no", 7, None]),
            "point": st.sampled_from(["p", "P", 7]),
            "value": json_values,
            "batch": json_values | st.lists(entries, max_size=3),
            "online": json_values,
            "state": json_values,
            "via": st.sampled_from(["gateway-1", "/", 7, None]),
            "unit": json_values,
            "extra": json_values,
        },
    ),
    st.sampled_from(KINDS),
)
def test_no_document_raises_anything_but_a_contract_error(document: dict[str, Any], kind: Kind) -> None:
    outcome = decoded_or_refused(kind, json.dumps(document).encode())
    if isinstance(outcome, ContractError):
        assert outcome.hint
    else:
        assert all(math.isfinite(value) for *_, value, _ in outcome.readings)
        assert outcome.event_id == document["id"]


@pytest.mark.parametrize("word", ["point", "batch", "refused"])
def test_words_of_the_contract_may_be_names_in_a_refusal(word: str) -> None:
    told = {
        "id": "a7-1", "at": "2026-11-21T08:30:00Z", "topic": word, "raw": "e30=",
        "refused": [{"place": word, "code": "null", "reason": f"{word} is null"}],
    }  # fmt: skip
    decoded = decode("reading", json.dumps(told).encode())
    assert decoded.told == (word, b"{}")
    assert [place for place, _ in decoded.refused] == [word]
    assert not decoded.readings


def test_a_reading_with_a_field_of_that_name_is_a_reading() -> None:
    body = {"id": "a7-1", "at": "2026-11-21T08:30:00Z", "point": "p", "value": 1.0, "refused": []}
    assert decode("reading", json.dumps(body).encode()).readings


@pytest.mark.parametrize("code", ["", "\0", "x" * 33, "Ä", "two words"])
def test_a_code_that_no_table_takes_is_refused(code: str) -> None:
    told = {"id": "a7-1", "at": AT, "topic": "t", "raw": "", "refused": [{"place": "p", "code": code, "reason": "r"}]}
    with pytest.raises(BadPayload):
        decode("reading", json.dumps(told).encode())
