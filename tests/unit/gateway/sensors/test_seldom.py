"""The same refusal once a minute, with the count of those between."""

from gateway.decode.said import Refused
from gateway.sensors.seldom import Seldom


def test_the_same_refusal_is_told_once_a_minute_with_its_count() -> None:
    seldom = Seldom()
    null, other = Refused("p", "null", "p is null"), Refused("p", "wrong_type", "p is a list")
    assert seldom.pass_on([null, other], 0) == [null, other]
    assert seldom.pass_on([null], 1) == seldom.pass_on([null], 59_999) == []
    (again,) = seldom.pass_on([null], 60_000)
    assert again.reason == "p is null (and 2 times since the last report)"
    assert seldom.pass_on([null], 60_001) == []


def test_places_without_end_do_not_fill_the_memory() -> None:
    seldom = Seldom()
    for number in range(3000):
        seldom.pass_on([Refused(f"m{number}", "null", "x")], number)
    assert len(seldom._told) == 1000
