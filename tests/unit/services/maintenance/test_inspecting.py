from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.upkeep import Checklist, ChecklistItem
from services.maintenance.inspecting import (
    answer_words,
    judge,
    judge_all,
    limit_words,
    needs_instrument,
    version_of,
)

LOOK = ChecklistItem(id="look", text="外观")
OHM = ChecklistItem(id="ohm", text="绝缘电阻", kind="number", unit="MΩ", minimum=0.5, needs_instrument=True)
BAND = ChecklistItem(id="band", text="压力", kind="number", unit="MPa", minimum=0.35, maximum=0.55)
LIGHT = ChecklistItem(id="light", text="指示灯", kind="choice", choices=("绿", "红", "不亮"), good=("绿",))
ANY = ChecklistItem(id="any", text="天气", kind="choice", choices=("晴", "雨"))
WORDS = ChecklistItem(id="words", text="备注", kind="text", required=False)
PHOTO = ChecklistItem(id="photo", text="照片", kind="photo")
SIGN = ChecklistItem(id="sign", text="签名", kind="signature")
ALL = Checklist(id="all", name="全部", items=(LOOK, OHM, BAND, LIGHT, ANY, WORDS, PHOTO, SIGN))


@pytest.mark.parametrize(
    ("item", "answer", "verdict"),
    [
        (LOOK, True, "good"),
        (LOOK, False, "finding"),
        (LOOK, "yes", "invalid"),
        (LOOK, 1, "invalid"),
        (OHM, 0.5, "good"),
        (OHM, 0.4999999, "finding"),
        (OHM, 10**30, "good"),
        (OHM, True, "invalid"),
        (OHM, "0.6", "invalid"),
        (OHM, float("nan"), "invalid"),
        (OHM, float("inf"), "invalid"),
        (OHM, 10**400, "invalid"),
        (BAND, 0.35, "good"),
        (BAND, 0.55, "good"),
        (BAND, 0.56, "finding"),
        (BAND, -1, "finding"),
        (LIGHT, "绿", "good"),
        (LIGHT, "红", "finding"),
        (LIGHT, "蓝", "invalid"),
        (ANY, "雨", "good"),
        (WORDS, "一切正常", "good"),
        (WORDS, "x" * 2001, "invalid"),
        (WORDS, "", "open"),
        (PHOTO, ["yunhe/a"], "good"),
        (PHOTO, [], "open"),
        (PHOTO, [3], "invalid"),
        (PHOTO, "yunhe/a", "invalid"),
        (SIGN, ["yunhe/a"], "good"),
        (SIGN, "工程主管", "good"),
        (SIGN, True, "invalid"),
        (LOOK, None, "open"),
    ],
)
def test_one_answer(item: ChecklistItem, answer: Any, verdict: str) -> None:
    assert judge(item, answer) == verdict


def test_a_whole_checklist_in_its_own_order() -> None:
    judged = judge_all(ALL, {"band": 0.7, "look": False, "gone": True, "light": 3, "photo": ["a"]})
    assert (judged.findings, judged.good) == (("look", "band"), ("photo",))
    assert (judged.invalid, judged.unknown) == (("light",), ("gone",))
    assert judged.missing == ("ohm", "any", "sign"), "what is optional is not missed"
    assert needs_instrument(ALL, {"ohm": 1.2})
    assert not needs_instrument(ALL, {"band": 0.4})


answers = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3))


@given(st.dictionaries(st.sampled_from([item.id for item in ALL.items] + ["x", "y"]), answers))
def test_every_answer_is_exactly_one_thing_and_nothing_is_lost(given_answers: dict[str, Any]) -> None:
    judged = judge_all(ALL, given_answers)
    told = [*judged.good, *judged.findings, *judged.invalid, *judged.unknown]
    assert len(told) == len(set(told))
    assert set(told) | {id for id, one in judged.verdicts.items() if one == "open"} >= set(given_answers)
    assert not set(judged.missing) & set(told)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_number_is_good_just_within_its_limits(value: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    item = ChecklistItem(id="n", text="n", kind="number", minimum=low, maximum=high)
    assert judge(item, value) == ("good" if low <= value <= high else "finding")


def test_a_checklist_has_another_version_when_answers_would_be_read_differently() -> None:
    renamed = ALL.model_copy(update={"name": "别的名字"})
    stricter = ALL.model_copy(update={"items": (OHM.model_copy(update={"minimum": 1.0}), *ALL.items[1:])})
    assert version_of(renamed) == version_of(ALL) != version_of(stricter)


@pytest.mark.parametrize(
    ("item", "answer", "words", "limits"),
    [
        (OHM, 0.32, "0.32 MΩ", "≥ 0.5 MΩ"),
        (BAND, 0.4, "0.4 MPa", "0.35 … 0.55 MPa"),
        (LOOK, False, "不合格", ""),
        (PHOTO, ["a", "b"], "照片 2 张", ""),
        (SIGN, ["a"], "已签名", ""),
        (WORDS, None, "", ""),
        (ChecklistItem(id="f", text="f", kind="number", unit="1", maximum=5), 3, "3", "≤ 5"),
    ],
)
def test_words(item: ChecklistItem, answer: Any, words: str, limits: str) -> None:
    frozen = item.model_dump(mode="json")
    assert (answer_words(frozen, answer), limit_words(frozen)) == (words, limits)
