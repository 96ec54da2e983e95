"""Births, deaths, sequence numbers and aliases of Sparkplug B nodes."""

import pytest

from gateway.decode.sparkplug import Payload, Told
from gateway.decode.sparkplug_state import ASK_AGAIN_MS, MAX_NODES, Address, Nodes, Outcome, address_of

NODE, PUMP = "plant/edge", "plant/edge/pump"
REORDER_MS = 2000


def told(name: str = "", raw: object = None, alias: int | None = None, datatype: int = 0) -> Told:
    return Told(name, alias, 0, datatype, raw)


class Bench:
    """One node with one device, and the time."""

    def __init__(self, *names: str) -> None:
        self.nodes = Nodes(names, REORDER_MS)
        self.mono_ms = 0
        self.at_ms = 0

    def hear(self, kind: str, seq: int | None, *metrics: Told, device: str = "") -> Outcome:
        self.at_ms += 1
        where = device or ("pump" if kind.startswith("D") else "")
        return self.nodes.hear(Address(kind, NODE, where), Payload(self.at_ms, seq, list(metrics)), self.mono_ms)

    def birth(self, bd_seq: int = 0) -> None:
        self.hear("NBIRTH", 0, told("bdSeq", bd_seq))
        self.hear("DBIRTH", 1, told("Pressure", 0.4, 1, 9), told("Level", 3.0, 2, 9))


@pytest.fixture
def bench() -> Bench:
    born = Bench()
    born.birth()
    return born


def names(outcome: Outcome) -> list[str]:
    return [one.name for one in outcome.metrics]


@pytest.mark.parametrize(
    ("topic", "address"),
    [
        ("spBv1.0/plant/NBIRTH/edge", Address("NBIRTH", NODE)),
        ("spBv1.0/plant/DDATA/edge/pump", Address("DDATA", NODE, "pump")),
        ("spBv1.0/plant/DDATA/edge", None),
        ("spBv1.0/plant/NDATA/edge/pump", None),
        ("spBv1.0/plant/NCMD/edge", None),
        ("spBv1.0/STATE/host", None),
        ("spAv1.0/plant/NDATA/edge", None),
        ("spBv1.0", None),
    ],
)
def test_topics(topic: str, address: Address | None) -> None:
    assert address_of(topic) == address


def test_an_alias_means_what_the_birth_said(bench: Bench) -> None:
    (known,) = bench.hear("DDATA", 2, told(raw=0.38, alias=1)).metrics
    assert (known.name, known.datatype, known.told.raw) == ("Pressure", 9, 0.38)


def test_aliases_belong_to_their_device(bench: Bench) -> None:
    bench.hear("DBIRTH", 2, told("Power", 1.0, 1, 9), device="meter")
    assert names(bench.hear("DDATA", 3, told(raw=1.0, alias=1))) == ["Pressure"]
    assert names(bench.hear("DDATA", 4, told(raw=1.0, alias=1), device="meter")) == ["Power"]


def test_a_new_birth_replaces_the_aliases(bench: Bench) -> None:
    bench.hear("NBIRTH", 0, told("bdSeq", 0))
    assert bench.hear("DDATA", 1, told(raw=1.0, alias=1)).unknown == 1
    bench.hear("DBIRTH", 2, told("Level", 3.0, 1, 9))
    assert names(bench.hear("DDATA", 3, told(raw=1.0, alias=1))) == ["Level"]


def test_the_sequence_wraps_after_255(bench: Bench) -> None:
    for seq in [*range(2, 256), 0, 1, 2]:
        assert not bench.hear("DDATA", seq, told(raw=1.0, alias=1)).is_stale
    bench.mono_ms = 10 * REORDER_MS
    assert bench.nodes.expire(bench.mono_ms) == []


def test_a_gap_makes_all_of_the_node_unknown_after_the_time_for_reordering(bench: Bench) -> None:
    assert names(bench.hear("DDATA", 3, told(raw=0.38, alias=1))) == ["Pressure"]
    bench.mono_ms = REORDER_MS - 1
    assert bench.nodes.expire(bench.mono_ms) == []
    bench.mono_ms = REORDER_MS
    assert bench.nodes.expire(bench.mono_ms) == [NODE, PUMP]
    assert bench.nodes.rebirths() == [NODE]
    assert bench.nodes.expire(bench.mono_ms) == []
    assert bench.hear("DDATA", 4, told(raw=0.38, alias=1)).unknown == 1
    bench.birth()
    assert names(bench.hear("DDATA", 2, told(raw=0.38, alias=1))) == ["Pressure"]


def test_a_message_that_comes_out_of_order_in_time_is_no_gap(bench: Bench) -> None:
    bench.hear("DDATA", 4, told(raw=0.38, alias=1))
    bench.mono_ms = REORDER_MS - 1
    assert names(bench.hear("DDATA", 2, told(raw=0.37, alias=1))) == ["Pressure"]
    assert names(bench.hear("DDATA", 3, told(raw=0.37, alias=1))) == ["Pressure"]
    assert bench.nodes.expire(10 * REORDER_MS) == []


def test_a_gap_over_the_wrap(bench: Bench) -> None:
    for seq in range(2, 255):
        bench.hear("DDATA", seq)
    bench.hear("DDATA", 1)
    bench.hear("DDATA", 0)
    assert bench.nodes.expire(REORDER_MS) == [NODE, PUMP]  # 255 stayed away


def test_the_same_message_again_changes_nothing(bench: Bench) -> None:
    bench.hear("DDATA", 2, told(raw=0.38, alias=1))
    bench.at_ms -= 1
    again = bench.hear("DDATA", 2, told(raw=0.38, alias=1))
    assert again.is_stale
    assert again.metrics == []


def test_a_sequence_number_that_is_none_is_not_counted(bench: Bench) -> None:
    assert names(bench.hear("DDATA", 2**64 - 1, told("Level", 2.0))) == ["Level"]
    assert names(bench.hear("DDATA", None, told("Level", 2.0))) == ["Level"]
    bench.hear("DDATA", 2)
    assert bench.nodes.expire(10 * REORDER_MS) == []


def test_the_death_of_a_node_takes_its_devices_with_it(bench: Bench) -> None:
    assert bench.hear("NDEATH", None, told("bdSeq", 0)).dead == [NODE, PUMP]
    assert bench.hear("DDATA", 2, told(raw=1.0, alias=1)).unknown == 1


def test_the_death_of_an_earlier_life_is_stale(bench: Bench) -> None:
    bench.birth(bd_seq=1)
    outcome = bench.hear("NDEATH", None, told("bdSeq", 0))
    assert outcome.is_stale
    assert outcome.dead == []
    assert names(bench.hear("DDATA", 2, told(raw=1.0, alias=1))) == ["Pressure"]
    assert bench.hear("NDEATH", None, told("bdSeq", 1)).dead == [NODE, PUMP]


def test_the_death_of_a_device_is_its_own(bench: Bench) -> None:
    bench.hear("DBIRTH", 2, told("Power", 1.0, 1, 9), device="meter")
    assert bench.hear("DDEATH", 3).dead == [PUMP]
    assert names(bench.hear("DDATA", 4, told(raw=1.0, alias=1), device="meter")) == ["Power"]
    assert bench.hear("DDATA", 5, told(raw=1.0, alias=1)).unknown == 1


def test_a_death_that_is_all_we_heard_takes_the_devices_that_the_site_declares() -> None:
    bench = Bench(PUMP, "plant/edge2/pump")
    assert bench.hear("NDEATH", None, told("bdSeq", 9)).dead == [NODE, PUMP]


def test_before_a_birth_names_are_understood_and_aliases_are_not() -> None:
    bench = Bench()
    outcome = bench.hear("DDATA", 77, told("Level", 2.0), told(raw=0.4, alias=1))
    assert (names(outcome), outcome.unknown) == (["Level"], 1)
    assert bench.nodes.rebirths() == [NODE]


def test_a_node_that_does_not_answer_is_asked_again_after_a_minute() -> None:
    bench = Bench()
    asked = []
    for bench.mono_ms in (0, 1000, ASK_AGAIN_MS - 1, ASK_AGAIN_MS, ASK_AGAIN_MS + 1):
        bench.hear("DDATA", bench.mono_ms % 256, told(raw=0.4, alias=1))
        bench.nodes.expire(bench.mono_ms)
        asked.append(bench.nodes.rebirths())
    assert [bool(one) for one in asked] == [True, False, False, True, False]


def test_invented_nodes_do_not_fill_the_memory() -> None:
    nodes = Nodes()
    for number in range(MAX_NODES + 5):
        nodes.hear(Address("NDATA", f"g/{number}"), Payload(1, 0, []), 0)
    assert len(nodes._nodes) == MAX_NODES


def test_of_strangers_nothing_is_remembered() -> None:
    bench = Bench("elsewhere/node/pump")
    bench.birth()
    assert names(bench.hear("DDATA", 9, told("Level", 3.1))) == ["Level"]
    assert bench.hear("NDEATH", None).is_stale
    assert not bench.nodes._nodes
    assert not bench.nodes.rebirths()


def test_of_a_node_only_the_devices_of_the_site_are_remembered() -> None:
    bench = Bench(PUMP)
    bench.birth()
    bench.hear("DBIRTH", 2, told("Level", 3.0, 7, 9), device="attic")
    assert bench.hear("DDATA", 3, told(alias=7, raw=3.1), device="attic").unknown == 0
    assert names(bench.hear("DDATA", 4, told(alias=2, raw=3.1))) == ["Level"]
    assert bench.hear("NDEATH", None).dead == [NODE, PUMP]
