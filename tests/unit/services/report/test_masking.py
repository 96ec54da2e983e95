"""Personal data is masked once and for good; roles are not personal data."""

import pytest
from report_snapshots import NAME, PHONE, ROLE, snapshot

from services.report.masking import is_role, masked, numbers, person


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张三", "张**"),
        ("欧阳喆堃", "欧**"),
        ("𠮷田", "𠮷**"),
        ("John Smith", "J**"),
        ("张三、李四", "张**、李**"),
        ("张三, guard 2", "张**, guard 2"),
        ("张三 13812345678", "张**"),
        ("给排水责任人", "给排水责任人"),
        ("安管员2", "安管员2"),
        ("中班巡逻岗", "中班巡逻岗"),
        ("监控中心值班", "监控中心值班"),
        ("系统管理员", "系统管理员"),
        ("王科", "王**"),
        ("张建岗", "张**"),
        ("未指派", "未指派"),
        ("—", "—"),
        ("", ""),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert person(name) == shown
    assert person(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13812345678。", "电话138****5678。"),
        ("138-1234-5678", "138****5678"),
        ("021-55551234", "021-****1234"),
        ("身份证 310101199003071234", "身份证 310**************4"),
        ("工单 WO-20261012001", "工单 WO-20261012001"),
        ("毫秒 1761926400000", "毫秒 1761926400000"),
        ("压力 0.385", "压力 0.385"),
    ],
)
def test_numbers_of_people(text: str, shown: str) -> None:
    assert numbers(text) == shown
    assert numbers(shown) == shown


def test_nothing_of_a_person_is_left_in_a_report() -> None:
    whole = snapshot(30, changes=True)
    assert NAME in whole.model_dump_json()
    assert PHONE in whole.model_dump_json()
    safe = masked(whole)
    text = safe.model_dump_json()
    assert NAME not in text
    assert PHONE not in text
    assert ROLE in text
    assert masked(safe) == safe


def test_figures_and_signers_stay() -> None:
    whole = snapshot(3)
    assert masked(whole).figures == whole.figures
    assert masked(whole).signers == whole.signers


def test_usernames_of_roles_are_roles() -> None:
    assert is_role("supervisor")
    assert not is_role("zhangsan")
