"""Who is next when many have brought something."""

from gateway.fire.turns import Turns


def waiting(declared: dict[str, int], strange: dict[str, int]) -> Turns[tuple[str, int]]:
    turns: Turns[tuple[str, int]] = Turns()
    for is_declared, speakers in ((False, strange), (True, declared)):
        for name, count in speakers.items():
            for number in range(count):
                turns.put(name, (name, number), is_declared=is_declared)
    return turns


def test_each_has_its_turn_and_its_own_order() -> None:
    turns = waiting({"a": 3, "b": 1, "c": 2}, {})
    assert turns.gather(10, lambda _: 1) == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("c", 1), ("a", 2)]
    assert len(turns) == 0


def test_declared_ones_go_first_and_strangers_are_never_left_out() -> None:
    turns = waiting({"utd": 5}, {"x": 100, "y": 1})
    assert turns.gather(3, lambda _: 1) == [("utd", 0), ("utd", 1), ("utd", 2), ("x", 0)]
    assert turns.gather(4, lambda _: 1) == [("utd", 3), ("utd", 4), ("y", 0), ("x", 1)]
    assert (len(turns), turns.strange) == (98, 98)


def test_what_weighs_much_fills_it() -> None:
    turns = waiting({"a": 9}, {})
    assert turns.gather(10, lambda _: 6) == [("a", 0), ("a", 1)]
