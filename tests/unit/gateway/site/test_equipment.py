"""Which entries of the ledger the site files declare, and whom they may name."""

from gateway.site.equipment import Equipment, ledger_entries
from gateway.site.fire import Appliance, Fire, FirePoint, Zone


def point(name: str) -> FirePoint:
    return FirePoint(id=name, panel="panel", address="1-1", name=name, kind="smoke", zone="z")


def test_an_id_that_is_taken_gets_a_prefix_and_keeps_where_it_came_from() -> None:
    equipment = [
        Equipment(id="a", name="泵", kind="pump_set", area="b1"),
        Equipment(id="fp-b", name="梯", kind="tool", area="b1"),
    ]
    fire = Fire(
        zones=(Zone(id="z", name="一区", area="b2"),),
        points=(point("a"), point("b"), point("c")),
        appliances=(Appliance(id="c", name="灭火器", kind="extinguisher", area="b1"),),
    )
    found = ledger_entries(equipment, fire)
    assert {eid: (one.origin, one.ref, one.area) for eid, one in found.items()} == {
        "a": ("file", "a", "b1"), "fp-b": ("file", "fp-b", "b1"), "fp-a": ("fire_point", "a", "b2"),
        "b": ("fire_point", "b", "b2"), "c": ("fire_point", "c", "b2"), "ap-c": ("appliance", "c", "b1"),
    }  # fmt: skip


def test_a_long_id_with_a_prefix_still_fits() -> None:
    long = "x" * 64
    found = ledger_entries([Equipment(id=long, name="泵", kind="tool", area="b1")], Fire(points=(point(long),)))
    assert [len(eid) for eid in found] == [64, 64]
