"""What is on a line, and what it looks like."""

from collections.abc import Mapping

from modbus_line import shipped

from gateway.drivers.modbus.plan import Request
from gateway.drivers.modbus.registers import encode
from gateway.drivers.modbus.scan import Found, match, scan
from gateway.drivers.modbus.wire import Garbage, NoAnswer, Refusal
from gateway.site.profile import Function


class Line:
    """Slaves by number: registers by function; a string is another temper."""

    def __init__(self, slaves: Mapping[int, Mapping[Function, Mapping[int, int]] | str]) -> None:
        self._slaves = slaves
        self.asked: list[tuple[int, Request]] = []

    def read(self, slave: int, request: Request) -> list[int]:
        self.asked.append((slave, request))
        its = self._slaves.get(slave)
        if its is None:
            raise NoAnswer("nobody")
        if isinstance(its, str):
            raise Garbage("noise", b"\xff\x00")
        words = its.get(request.function)
        if words is None:
            raise Refusal(1, request)
        wanted = range(request.start, request.end)
        if not words.keys() >= set(wanted):
            raise Refusal(2, request)
        return [words[address] for address in wanted]


def test_who_answers_is_found_and_silence_costs_two_requests() -> None:
    line = Line({2: {"holding": {0: 5, 1: 6}}, 3: "garbage"})
    assert list(scan(line, [1, 2, 3], count=2)) == [Found(2, {"holding": {0: 5, 1: 6}}), Found(3, garbage=b"\xff\x00")]
    assert [slave for slave, _ in line.asked].count(1) == 2


def test_a_slave_that_is_silent_about_what_it_has_not_is_found() -> None:
    class Shy(Line):
        def read(self, slave: int, request: Request) -> list[int]:
            try:
                return super().read(slave, request)
            except Refusal as refusal:
                raise NoAnswer("shy") from refusal

    line = Shy({1: {"holding": {0: 5, 1: 6, 2: 7, 3: 8}}})
    assert list(scan(line, [1], count=8)) == [Found(1, {"holding": {0: 5, 1: 6, 2: 7, 3: 8}})]
    assert len(line.asked) <= 14


def test_a_slave_without_the_registers_is_there() -> None:
    assert list(scan(Line({1: {}}), [1])) == [Found(1)]


def test_holes_are_found_within_bounds() -> None:
    words = dict.fromkeys(range(0, 80, 2), 1)
    line = Line({1: {"holding": words}})
    (found,) = scan(line, [1], ["holding"])
    assert found.answers["holding"].items() <= words.items()
    assert len(line.asked) <= 64
    (found,) = scan(Line({1: {"holding": {2: 7, 3: 8, 8: 9, 9: 10}}}), [1], ["holding"], count=12)
    assert found.answers["holding"] == {2: 7, 3: 8, 8: 9, 9: 10}


def test_each_family_is_recognised_by_what_it_says() -> None:
    profiles = {name: one.modbus for name, one in shipped().items() if one.modbus is not None}
    plausible = {
        "pressure": 7.2, "temperature": 19.0, "power": 7.9, "power_factor": 0.87, "frequency": 49.98,
        "level": 2.4, "unit_code": 17, "decimals": 1,
    }  # fmt: skip
    for name, profile in profiles.items():
        values = {one.name: plausible.get(one.name, 230.0 if one.unit == "V" else 12.0) for one in profile.registers}
        answers = {function: dict(words) for function, words in encode(profile.registers, values).items()}
        best = match(profiles, answers)[0]
        assert best.profile == name
        assert best.score == 1.0
        assert best.readable == best.plausible == len(profile.registers)


def test_nothing_fits_nothing() -> None:
    profiles = {name: one.modbus for name, one in shipped().items() if one.modbus is not None}
    assert match(profiles, {"coil": {0: 1}}) == []
    assert match(profiles, {"holding": {2: 0x7FC0, 3: 0}}) == []
