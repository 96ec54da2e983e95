"""What the nodes of Sparkplug B have announced, and whether it still holds. Pure: told each message and the time.

A node is born (NBIRTH, with its devices' DBIRTHs), says what changed, counting from 0 to 255 and over again, and dies
(NDEATH, its will). A number that stays away longer than the time for reordering means that something was not heard:
everything of the node is then unknown, and its aliases with it, until it is born again. A message out of order is
taken at once: its values carry their own times.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.decode.sparkplug import BD_SEQ, Payload, Told

REORDER_MS: Final = 2_000
ASK_AGAIN_MS: Final = 60_000
"""A node that does not answer a request for rebirth is asked again after this time."""
_RECENT: Final = 8
MAX_NODES: Final = 1000
"""Names on a broker cost nothing to invent: the node not heard for longest is forgotten first."""
MAX_DEVICES: Final = 1000
"""Of one node so many are remembered without a birth."""


class Address(NamedTuple):
    """Who speaks, and what for."""

    kind: str
    """NBIRTH, NDEATH, DBIRTH, DDEATH, NDATA, DDATA."""
    node: str
    """`group/node`."""
    device: str = ""
    """Empty: the node itself."""

    @property
    def name(self) -> str:
        """`group/node` or `group/node/device`."""
        return f"{self.node}/{self.device}" if self.device else self.node


_DEATHS: Final = ("NDEATH", "DDEATH")
KINDS: Final = {"NBIRTH": 4, "NDEATH": 4, "NDATA": 4, "DBIRTH": 5, "DDEATH": 5, "DDATA": 5}
"""What concerns us, and how many levels its topic has."""


def address_of(topic: str) -> Address | None:
    """Who a topic `spBv1.0/group/kind/node[/device]` is from; None: a command, a STATE, or not Sparkplug B."""
    parts = topic.split("/")
    if len(parts) not in (4, 5) or parts[0] != "spBv1.0" or KINDS.get(parts[2]) != len(parts):
        return None
    return Address(parts[2], f"{parts[1]}/{parts[3]}", parts[4] if len(parts) == 5 else "")


class Known(NamedTuple):
    """A metric with the name and type that it, or its birth, says."""

    name: str
    datatype: int
    told: Told


@dataclass(slots=True)
class Outcome:
    """What a message means."""

    metrics: list[Known] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    """Names of which nothing is known any longer."""
    unknown: int = 0
    """Metrics of which only an alias was said, and no birth explained it."""
    is_stale: bool = False
    """A death of an earlier life, or a message heard before: it changes nothing."""


@dataclass(slots=True)
class _Node:
    born: bool = False
    bd_seq: int | None = None
    last: int | None = None
    last_at_ms: int = 0
    missing: dict[int, int] = field(default_factory=dict)
    """Sequence numbers not heard yet, and until when they may still come."""
    aliases: dict[str, dict[int, tuple[str, int]]] = field(default_factory=dict)
    types: dict[str, dict[str, int]] = field(default_factory=dict)
    asked_ms: int | None = None

    def forget(self) -> None:
        self.born, self.last = False, None
        self.missing.clear()
        self.aliases.clear()


class Nodes:
    """The nodes that `names` (`group/node[/device]`) are about; without names all that are heard.

    The death of a node is told of its names although they were never heard; of strangers nothing is remembered.
    """

    def __init__(self, names: Iterable[str] = (), reorder_ms: int = REORDER_MS) -> None:
        self._names = tuple(names)
        self._ours = {"/".join(name.split("/")[:2]) for name in self._names}
        self._reorder_ms = reorder_ms
        self._nodes: dict[str, _Node] = {}
        self._wanted: list[str] = []

    def hear(self, address: Address, payload: Payload, mono_ms: int) -> Outcome:
        """Take one message; call `expire` before."""
        if self._ours and address.node not in self._ours:
            return Outcome(is_stale=True) if address.kind in _DEATHS else _named(_Node(), address, payload)
        is_ours = not self._names or address.name in self._names
        node = self._nodes.pop(address.node, None) or _Node()
        self._nodes[address.node] = node
        if len(self._nodes) > MAX_NODES:
            del self._nodes[next(iter(self._nodes))]
        if address.kind == "NDEATH":
            said = _bd_seq(payload)
            if node.bd_seq is not None and said is not None and said != node.bd_seq:
                return Outcome(is_stale=True)
            node.forget()
            return Outcome(dead=self._all_of(address.node, node))
        if address.kind == "NBIRTH":
            node.forget()
            node.born, node.bd_seq, node.asked_ms = True, _bd_seq(payload), None
            node.last, node.last_at_ms = payload.seq, payload.at_ms
        elif not self._counts(node, payload, mono_ms):
            return Outcome(is_stale=True)
        if address.kind == "DDEATH":
            node.aliases.pop(address.device, None)
            return Outcome(dead=[address.name])
        if not is_ours:
            pass  # its numbers count, its names do not concern us
        elif address.kind in ("NBIRTH", "DBIRTH"):
            named = [one for one in payload.metrics if one.name]
            node.aliases[address.device] = {
                one.alias: (one.name, one.datatype) for one in named if one.alias is not None
            }
            node.types[address.device] = {one.name: one.datatype for one in named}
        elif len(node.types) < MAX_DEVICES:
            node.types.setdefault(address.device, {})
        outcome = _named(node, address, payload)
        if not is_ours:
            outcome.unknown = 0
        if not node.born or outcome.unknown:
            self._want(address.node, node, mono_ms)
        return outcome

    def expire(self, mono_ms: int) -> list[str]:
        """Names of which nothing is known any longer, because a message of their node stayed away."""
        dead: list[str] = []
        for name, node in self._nodes.items():
            if node.missing and min(node.missing.values()) <= mono_ms:
                dead += self._all_of(name, node)
                node.forget()
                self._want(name, node, mono_ms)
        return dead

    def rebirths(self) -> list[str]:
        """The nodes that should be asked to be born again; each is told once a minute until it is."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def _want(self, name: str, node: _Node, mono_ms: int) -> None:
        if node.asked_ms is None or mono_ms - node.asked_ms >= ASK_AGAIN_MS:
            node.asked_ms = mono_ms
            self._wanted.append(name)

    def _counts(self, node: _Node, payload: Payload, mono_ms: int) -> bool:
        """Note the sequence number; False: this message was heard before."""
        seq, last = payload.seq, node.last
        if seq is None or not 0 <= seq <= 255:
            return True
        if last is None:
            node.last, node.last_at_ms = seq, payload.at_ms
            return True
        if seq in node.missing:
            del node.missing[seq]
            return True
        if (last - seq) % 256 < _RECENT and payload.at_ms <= node.last_at_ms:
            return False
        expected = (last + 1) % 256
        for distance in range((seq - expected) % 256):
            node.missing[(expected + distance) % 256] = mono_ms + self._reorder_ms
        node.last, node.last_at_ms = seq, payload.at_ms
        return True

    def _all_of(self, name: str, node: _Node) -> list[str]:
        devices = [name, *(f"{name}/{device}" for device in node.types if device)]
        configured = [one for one in self._names if one == name or one.startswith(f"{name}/")]
        return list(dict.fromkeys([*devices, *configured]))


def _bd_seq(payload: Payload) -> int | None:
    found = next((one.raw for one in payload.metrics if one.name == BD_SEQ), None)
    return found if isinstance(found, int) else None


def _named(node: _Node, address: Address, payload: Payload) -> Outcome:
    """The metrics with their names. By name they are understood in any case, by alias only after a birth."""
    outcome = Outcome()
    aliases: Mapping[int, tuple[str, int]] = node.aliases.get(address.device, {})
    types: Mapping[str, int] = node.types.get(address.device, {})
    for told in payload.metrics:
        if told.name:
            outcome.metrics.append(Known(told.name, told.datatype or types.get(told.name, 0), told))
        elif told.alias is not None and told.alias in aliases:
            name, datatype = aliases[told.alias]
            outcome.metrics.append(Known(name, told.datatype or datatype, told))
        else:
            outcome.unknown += 1
    return outcome
