"""How many components and senders can be invented, and that no fire is lost among them."""

from gateway.drivers.fire_signal import Signal
from gateway.fire.strangers import ADDRESSES, AGAIN_MS, OTHERS, SENDERS, Strangers


def said(address: str, *state: str) -> Signal:
    return Signal("component", address, state or ("fault",), key=address)


def full(sender: str = "a") -> Strangers:
    strangers = Strangers()
    strangers.thin(sender, [said(str(number)) for number in range(ADDRESSES)], 0)
    return strangers


def scopes(signals: list[Signal]) -> list[str]:
    return [one.scope for one in signals]


def test_its_first_components_are_always_told() -> None:
    strangers = full()
    known, new = said("7", "fire"), said("new")
    _, passed, told = strangers.thin("a", [known, new], 1)
    assert (passed[0], scopes(passed[1:])) == (known, ["unparsed"])
    assert told is not None
    strangers.said(told)
    assert strangers.thin("a", [known, new], 2) == ("a", [known], None)


def test_a_fire_among_the_rest_is_told_at_once_and_again_after_a_minute() -> None:
    strangers = full()
    _, _, told = strangers.thin("a", [said("x")], 0)
    assert told is not None
    strangers.said(told)
    for at_ms in (1, AGAIN_MS + 1):
        _, passed, told = strangers.thin("a", [said("y"), said("z", "fire")], at_ms)
        (fire,) = [one for one in passed if one.scope == "transmitter"]
        assert (fire.address, fire.state) == ("self", ("fire",))
        assert told is not None
        strangers.said(told)
        assert strangers.thin("a", [said("z", "fire")], at_ms + 1)[1] == []


def test_what_is_not_on_disk_yet_has_not_been_told() -> None:
    strangers = full()
    for at_ms in range(3):
        assert scopes(strangers.thin("a", [said("z", "fire")], at_ms)[1]) == ["unparsed", "transmitter"]


def test_senders_beyond_the_cap_are_one() -> None:
    strangers = Strangers()
    for number in range(SENDERS):
        assert strangers.thin(str(number), [said("x")], 0)[0] == str(number)
    for sender in ("more", "most"):
        name, passed, _ = strangers.thin(sender, [said("x", "fire")], 0)
        assert (name, scopes(passed)) == (OTHERS, ["unparsed", "transmitter"])
    assert strangers.thin("0", [said("x")], 0)[0] == "0"
    assert len(strangers._senders) == SENDERS
