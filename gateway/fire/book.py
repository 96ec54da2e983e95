"""Who speaks: from an address on the wire to the source that the site declares, and from its signals to events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.drivers.fire_signal import Signal, repeat_key, signal_body
from gateway.drivers.gb26875.profile import Profile
from gateway.fire.strangers import Strangers
from gateway.outlet import Event
from gateway.site.fire import Source
from gateway.site.model import SiteConfig

UNKNOWN: Final = "unknown_source"
_CONTENT: Final = frozenset({"unparsed", "unknown_type", "bad_count", "size_mismatch"})
"""Marks of what a strict source must send again."""

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who sent a frame."""

    device: str
    """The source, or the gateway for a sender nobody declares."""
    profile: Profile
    source: Source | None
    sender: str = ""
    """The address of an undeclared sender, as 12 hex digits."""
    voice: str = ""
    """What tells its retransmissions from equal frames of others: the source, or where a stranger connects from."""


def peer_address(text: str) -> Address | None:
    """The address of a connection's other end; None when it has none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def may_connect(peers: Iterable[str], peer: Address | None) -> bool:
    """Whether one of the networks holds the address."""
    return peer is not None and any(peer in _network(network) for network in peers)


@lru_cache(maxsize=1024)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text, strict=False)


class Book:
    """The GB/T 26875.3 sources of one site."""

    def __init__(self, config: SiteConfig, gateway: str) -> None:
        """`gateway`: the device that speaks for senders nobody declares."""
        self._config = config
        self._zone = ZoneInfo(config.site.timezone)
        self._sources = [one for one in config.fire.sources if one.protocol == "gb26875"]
        self._by_address = {one.address: one for one in self._sources if one.address is not None}
        self._profiles = {one.id: self._profile(one) for one in self._sources}
        self._nobody = Speaker(gateway, Profile(self._zone), None)
        self.strangers = Strangers()
        """How much of what undeclared senders say is told."""

    def on_line(self) -> list[Source]:
        """Sources with a serial line or serial server of their own."""
        return [one for one in self._sources if one.port is not None or one.host is not None]

    def over_tcp(self) -> list[Source]:
        """Sources that connect to us."""
        return [one for one in self._sources if one.port is None and one.host is None]

    def admits(self, peer: Address | None) -> bool:
        """Whether anybody at this address may connect: some source names its network, or none at all."""
        return any(not one.peers or may_connect(one.peers, peer) for one in self.over_tcp())

    def speaker(self, address: bytes, peer: Address | None = None, line: Source | None = None) -> Speaker:
        """Who sends with this address from this peer, or over this line."""
        named = self._by_address.get(address.hex())
        if named is not None:
            is_here = named == line if line is not None else not named.peers or may_connect(named.peers, peer)
            return self._known(named) if is_here else self._stranger(address, peer)
        if line is not None:
            return self._known(line) if line.address is None else self._stranger(address, peer)
        open_ones = [one for one in self.over_tcp() if one.address is None]
        fitting = [one for one in open_ones if one.peers and may_connect(one.peers, peer)]
        fitting += [one for one in open_ones if not one.peers]
        return self._known(fitting[0]) if fitting else self._stranger(address, peer)

    def label(self, moment: datetime) -> bytes:
        """The time label of an aware moment, by the site's clock."""
        return self._nobody.profile.label(moment)

    def events(
        self,
        speaker: Speaker,
        signals: Sequence[Signal],
        at_ms: int,
        *,
        is_reused: bool = False,
        is_reply: bool = False,
    ) -> list[Event]:
        """The fire events that signals are; `is_reused`: their keys were used before for something else."""
        return [
            (speaker.device, "fire", self._body(speaker, signal, at_ms, is_reused=is_reused, is_reply=is_reply))
            for signal in signals
        ]

    def is_faulty(self, speaker: Speaker, signals: Sequence[Signal]) -> bool:
        """Whether a strict source must send this again in a form that can be understood."""
        strict = speaker.source is not None and speaker.source.strict
        return strict and any(not _CONTENT.isdisjoint(signal.marks) for signal in signals)

    def _body(self, speaker: Speaker, signal: Signal, at_ms: int, *, is_reused: bool, is_reply: bool) -> dict[str, Any]:
        marks = signal.marks
        if is_reply:
            marks = (*marks, "reply")
        if is_reused and signal.key:
            signal = replace(signal, key=repeat_key(signal.key.encode(), at_ms.to_bytes(8, "big")))
        panel = None
        if speaker.source is None:
            marks = (*marks, UNKNOWN)
            address = f"{speaker.sender}:{signal.address}" if signal.address is not None else None
            signal = replace(signal, address=address, extra={**signal.extra, "sender": speaker.sender})
        else:
            found = self._config.fire.panel_of(speaker.device, signal.system_address)
            panel = found.id if found is not None and signal.scope != "transmitter" else None
        return signal_body(replace(signal, marks=marks), panel, at_ms)

    def _known(self, source: Source) -> Speaker:
        return Speaker(source.id, self._profiles[source.id], source, voice=source.id)

    def _stranger(self, address: bytes, peer: Address | None) -> Speaker:
        return replace(self._nobody, sender=address.hex(), voice=f"?{peer or ''}")

    def _profile(self, source: Source) -> Profile:
        return Profile(
            ZoneInfo(source.zone) if source.zone else self._zone,
            bcd_time=source.bcd_time,
            point_first=source.point_first,
            scales={one.type: one.scale for one in source.scales},
        )
