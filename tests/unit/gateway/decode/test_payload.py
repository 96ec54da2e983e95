"""The payload reader on what no shipped sample shows, and on arbitrary bytes and documents."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped_profiles import shipped, shipped_mqtt

from gateway.decode.fields import _closest
from gateway.decode.payload import MAX_BYTES, BadProfile, PayloadReader
from gateway.decode.said import PAYLOAD, Refused, Said
from gateway.decode.samples import payload_bytes
from gateway.decode.select import BadSelector
from gateway.site.profile import Profile

ZONE = ZoneInfo("Asia/Shanghai")
NOW_MS = 1_790_000_000_000
READERS = {one.id: PayloadReader(one) for one in shipped_mqtt()}
TOPICS = sorted({sample.topic for one in shipped_mqtt() for sample in one.samples})
DOCUMENTS = [
    json.loads(payload_bytes(sample.payload))
    for one in shipped_mqtt()
    if one.mqtt is not None and one.mqtt.format != "text"
    for sample in one.samples
    if str(sample.payload).startswith(("{", "["))
]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400) | st.just("20.6")
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
)


def profile(*fields: dict[str, Any], **mqtt: Any) -> Profile:
    body = {"topic": "t/{device}", **mqtt, "fields": list(fields)}
    return Profile.model_validate({"id": "x", "name": "x", "name_en": "x", "source": "here", "mqtt": body})


def read(profile: Profile, payload: str | bytes, topic: str = "t/dev") -> list[Said]:
    data = payload if isinstance(payload, bytes) else payload.encode()
    return PayloadReader(profile).read(topic, data, NOW_MS, ZONE)


def only(said: list[Said]) -> tuple[dict[str, float], dict[str, str]]:
    """Values and codes of refusals of the only Said."""
    (one,) = said
    return {value.metric: value.value for value in one.values}, {refused.place: refused.code for refused in one.refused}


P = {"name": "p", "select": "p", "unit": "MPa", "minimum": -0.1, "maximum": 10}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\xff\xfe", "no_text"),
        ("{", "bad_json"),
        ('{"p": 1}x', "bad_json"),
        ("[" * 100_000, "too_long"),
        ("[" * 50_000, "bad_json"),
        ("12", "wrong_type"),
        ("null", "wrong_type"),
        (" " * (MAX_BYTES + 1), "too_long"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_refusal(payload: str | bytes, code: str) -> None:
    assert only(read(profile(P), payload)) == ({}, {PAYLOAD: code})


@pytest.mark.parametrize("payload", ["", " \r\n", "\0"])
def test_an_empty_payload_deletes_a_retained_message_and_says_nothing(payload: str) -> None:
    assert read(profile(P), payload) == []


def test_another_topic_does_not_concern_us() -> None:
    assert read(profile(P), '{"p": 1}', "u/dev") == []


def test_numbers_as_text_only_where_the_profile_says_so() -> None:
    as_text = {**P, "name": "q", "select": "q", "text_number": True}
    values, codes = only(read(profile(P, as_text), '{"p": "0.8", "q": "0.8"}'))
    assert values == {"q": 0.8}
    assert codes == {"p": "text_number"}


@pytest.mark.parametrize("raw", ["1_000", "0x10", "１２", "", "--1", "1e5000", "9" * 60])
def test_what_a_text_number_is_not(raw: str) -> None:
    values, codes = only(read(profile({**P, "text_number": True}), json.dumps({"p": raw})))
    assert values == {}
    assert set(codes) == {"p"}


def test_a_number_of_thousands_of_digits_spoils_only_itself() -> None:
    values, codes = only(read(profile(P, {"name": "q", "select": "q"}), f'{{"q": {"9" * 5000}, "p": 0.8}}'))
    assert values == {"p": 0.8}
    assert codes == {"q": "not_finite"}


def test_the_unit_in_the_payload_is_converted_before_scale_and_offset() -> None:
    field = {**P, "unit_select": "u", "units": {"F": "psi"}, "offset": 1.0}
    assert only(read(profile(field), '{"p": 100, "u": "F"}'))[0]["p"] == pytest.approx(0.6894757 + 1)
    assert only(read(profile(field), '{"p": 100, "u": "kPa"}'))[0]["p"] == pytest.approx(0.1 + 1)
    assert only(read(profile(field), '{"p": 0.5}'))[0]["p"] == 1.5
    for unit in ('"°C"', '"nonsense"', "7", '"9**9**9"', '""'):
        values, codes = only(read(profile(field), f'{{"p": 1, "u": {unit}}}'))
        assert (values, codes) == ({}, {"p": "bad_unit"}), unit


def test_many_different_units_do_not_fill_memory() -> None:
    reader = PayloadReader(profile({**P, "unit_select": "u"}))
    for number in range(100):
        (said,) = reader.read("t/dev", json.dumps({"p": 1, "u": f"unit{number}"}).encode(), NOW_MS, ZONE)
        assert said.refused[0].code == "bad_unit"


def test_a_field_that_has_to_be_there_and_was_renamed_is_refused_with_the_new_name() -> None:
    (said,) = read(profile({**P, "select": "data.pressure", "optional": False}), '{"data": {"Pressure_1": 0.8}}')
    (refused,) = said.refused
    assert (refused.place, refused.code) == ("p", "missing")
    assert "Pressure_1" in refused.hint


def test_a_bad_time_is_refused_and_the_values_take_the_time_of_arrival() -> None:
    (said,) = read(profile(P, time={"select": "t"}), '{"p": 0.8, "t": "yesterday"}')
    assert (said.at_ms, said.claimed) == (NOW_MS, False)
    assert only([said]) == ({"p": 0.8}, {"time": "bad_time"})


def test_without_the_time_it_was_measured_on_arrival() -> None:
    (said,) = read(profile(P, time={"select": "t"}), '{"p": 0.8}')
    assert (said.at_ms, said.claimed, said.refused) == (NOW_MS, False, [])


def test_a_message_that_does_not_say_which_device_is_refused() -> None:
    assert only(read(profile(P, identity="id"), '{"p": 0.8}')) == ({}, {PAYLOAD: "no_device"})
    (said,) = read(profile(P, identity="id"), '{"p": 0.8, "id": 17}')
    assert said.name == "17"


def test_each_value_of_an_object_is_a_device() -> None:
    said = read(profile(P, each="all"), '{"all": {"a": {"p": 1}, "b": 7, "c": {"p": "x"}}}')
    assert [one.name for one in said] == ["a", "b", "c"]
    assert [len(one.values) for one in said] == [1, 0, 0]
    assert [one.refused[0].place for one in said[1:]] == [PAYLOAD, "p"]
    assert only(read(profile(P, each="all"), '{"all": [1]}')) == ({}, {PAYLOAD: "no_device"})


def test_a_topic_of_the_site_stands_in_for_the_family_s() -> None:
    reader = PayloadReader(profile(P), "pump/1/json")
    (said,) = reader.read("pump/1/json", b'{"p": 0.8}', NOW_MS, ZONE)
    assert (said.name, len(said.values)) == ("", 1)
    assert reader.filters("whatever") == ("pump/1/json",)


def test_filters() -> None:
    assert PayloadReader(profile(P)).filters("a/b") == ("t/a/b",)
    assert PayloadReader(profile(P)).filters() == ("t/#",)
    assert PayloadReader(profile(P, topic="x/{device}/up", identity="id")).filters("a") == ("x/+/up",)
    assert set(READERS["tasmota"].filters("pump")) == {
        "tele/pump/SENSOR", "tele/pump/STATE", "tele/pump/INFO1", "tele/pump/LWT",
    }  # fmt: skip


def test_firmware_is_kept_as_text() -> None:
    field = {"name": "fw", "select": "v", "status": "firmware"}
    assert read(profile(field), '{"v": "1.2.3"}')[0].status == {"firmware": "1.2.3"}
    assert only(read(profile(field), '{"v": 7}')) == ({}, {"fw": "wrong_type"})
    assert read(profile(P, firmware="sys.v"), '{"sys": {"v": "2.0"}}')[0].status == {"firmware": "2.0"}


def test_an_unknown_word_of_presence_is_refused() -> None:
    (said,) = READERS["tasmota"].read("tele/x/LWT", b"Sleeping", NOW_MS, ZONE)
    assert (said.status, said.refused[0].place) == ({}, "presence")
    (said,) = READERS["zigbee2mqtt"].read("zigbee2mqtt/x/availability", b'{"state": 7}', NOW_MS, ZONE)
    assert said.refused[0].place == "presence"


@pytest.mark.parametrize("selector", ["a..b", "[", "a b", "nonsense(a)", "`x"])
def test_a_selector_that_is_none_is_refused_when_the_profile_is_read(selector: str) -> None:
    with pytest.raises(BadSelector):
        PayloadReader(profile({**P, "select": selector}))


def test_modbus_and_sparkplug_families_are_read_elsewhere() -> None:
    with pytest.raises(BadProfile):
        PayloadReader(profile(P, format="sparkplug"))


def keeps_the_contract(said: list[Said]) -> None:
    for one in said:
        for refused in one.refused:
            assert isinstance(refused, Refused)
            assert 0 < len(refused.place) <= 64
            assert 0 < len(refused.reason) <= 500
            assert len(refused.code) <= 32
            assert len(refused.hint) <= 300
        assert 0 <= one.at_ms < 253_402_300_800_000
        assert len({name for name, _ in one.status.items()}) == len(one.status)
        json.dumps(
            [one.name, one.key, one.values, one.refused, dict(one.status)], allow_nan=False, ensure_ascii=False
        ).encode()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.sampled_from(TOPICS), st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(name: str, topic: str, payload: bytes) -> None:
    keeps_the_contract(READERS[name].read(topic, payload, NOW_MS, ZONE))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.sampled_from(TOPICS), JSON)
def test_arbitrary_documents_never_raise(name: str, topic: str, document: Any) -> None:
    keeps_the_contract(READERS[name].read(topic, json.dumps(document).encode(), NOW_MS, ZONE))


def spoilt(document: Any, draw: st.DrawFn) -> Any:
    """The document with one of its parts, at any depth, replaced."""
    if isinstance(document, dict | list) and document and draw(st.booleans() | st.just(True)):
        keys = sorted(document) if isinstance(document, dict) else list(range(len(document)))
        key = draw(st.sampled_from(keys))
        copied = document.copy()
        copied[key] = spoilt(document[key], draw)
        return copied
    return draw(JSON)


@st.composite
def spoilt_documents(draw: st.DrawFn) -> Any:
    return spoilt(draw(st.sampled_from(DOCUMENTS)), draw)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.sampled_from(TOPICS), spoilt_documents())
def test_samples_with_one_part_replaced_never_raise(name: str, topic: str, document: Any) -> None:
    keeps_the_contract(READERS[name].read(topic, json.dumps(document).encode(), NOW_MS, ZONE))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_arbitrary_topics_never_raise(topic: str) -> None:
    for reader in READERS.values():
        keeps_the_contract(reader.read(topic, b"{}", NOW_MS, ZONE))


def test_the_same_reader_gives_the_same_answer_twice() -> None:
    sample = shipped()["tasmota"].samples[0]
    payload = payload_bytes(sample.payload)
    first = READERS["tasmota"].read(sample.topic, payload, NOW_MS, ZONE)
    assert READERS["tasmota"].read(sample.topic, payload, NOW_MS, ZONE) == first


HISTORY = {"select": "data.log", "into": "data", "time": {"select": "data.t", "format": "s"}}


def test_earlier_measurements_have_their_own_time_and_free_the_message_from_its_duty() -> None:
    field = {**P, "select": "data.p", "optional": False}
    log = [{"t": 1_700_000_000, "p": 0.5}, {"t": "x", "p": 0.6}, {"p": 0.7}, 7, {"t": 1_700_000_600, "p": None}]
    said = read(profile(field, history=HISTORY), json.dumps({"data": {"log": log}}))
    assert [(one.at_ms, one.claimed, len(one.values)) for one in said] == [
        (1_700_000_000_000, True, 1),
        (NOW_MS, False, 0),
        (NOW_MS, False, 0),
        (NOW_MS, False, 0),
        (1_700_000_600_000, True, 0),
        (NOW_MS, False, 0),
    ]
    assert [[one.place for one in entry.refused] for entry in said] == [
        [],
        ["history"],
        ["history"],
        ["history"],
        ["p"],
        [],
    ]


@pytest.mark.parametrize("data", [{"p": 0.5}, {"p": 0.5, "log": []}, {"p": 0.5, "log": 7}])
def test_without_earlier_measurements_it_is_a_message_like_any(data: dict[str, Any]) -> None:
    values, codes = only(read(profile({**P, "select": "data.p"}, history=HISTORY), json.dumps({"data": data})))
    assert (values, codes) == ({"p": 0.5}, {})


def test_what_costs_a_search_is_searched_once_and_among_few() -> None:
    family = profile({"name": "p", "select": "pressure", "optional": False})
    lost = json.dumps({f"{'pressur' * 4}{number}": 1 for number in range(100)} | {"presure": 1})
    before = _closest.cache_info().misses
    for _ in range(3):
        assert read(family, lost)[0].refused[0].code == "missing"
    assert _closest.cache_info().misses <= before + 1


def test_words_for_units_are_looked_up_only_if_they_are_units() -> None:
    family = profile({"name": "p", "select": "p", "unit": "MPa", "unit_select": "u", "units": {"odd": "torr"}})

    def said(unit: str) -> Said:
        return read(family, json.dumps({"p": 1, "u": unit}))[0]

    assert said("kPa").values
    assert said("odd").values
    for word in ("torr", "megapascal", "Pa/s/s/s"):
        assert [one.code for one in said(word).refused] == ["bad_unit"]
