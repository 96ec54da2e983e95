"""One connection of a transmission device, and how fast it is read."""

import asyncio
import logging
import socket
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.fire.book import Address, peer_address
from gateway.fire.conversation import Conversation, Heard

log = logging.getLogger(__name__)

_ANSWERS_BYTES: Final = 16_384
"""So much that a device does not take is kept before it is read no more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server bears. Too much of anything is read later; only too many connections are refused."""

    connections: int = 2560
    per_address: int = 64
    frames_per_s: float = 200.0
    frames_burst: float = 2000.0
    bytes_per_s: float = 65_536.0
    bytes_burst: float = 524_288.0
    waiting: int = 5000
    """Frames of all connections that are not yet on disk; beyond it nobody is read."""
    waiting_each: int = 500
    idle_s: float = 1800.0
    """A connection that is silent for so long is closed; more than any source's `offline_after`."""
    stalled_s: float = 60.0
    """So long a device may leave its answers in our buffers, or an old connection open beside its new one."""
    objects_per_s: float = 200.0
    """Information objects of a connection over which a declared source speaks: a frame may bring a hundred."""
    objects_burst: float = 2000.0
    strange_objects_per_s: float = 20.0
    """Those of undeclared senders, from one address together."""
    strange_objects_burst: float = 100.0
    strangers_per_address: int = 8
    """Connections over which only undeclared senders have spoken."""

    @property
    def strangers(self) -> int:
        """Connections of undeclared senders, of all addresses."""
        return max(1, self.connections // 8)

    @property
    def strange_waiting(self) -> int:
        """Frames of undeclared senders that are not yet on disk; beyond it none of them is read."""
        return max(1, self.waiting // 8)


class Allowance:
    """A token bucket that may be overdrawn: the debt is the time to wait."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s = now_s

    def take(self, amount: float, now_s: float) -> float:
        """Seconds to wait before more may be taken; 0: none."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s) - amount
        self._at_s = now_s
        return 0.0 if self._left >= 0 else -self._left / self._per_s


class Host(Protocol):
    """What a connection needs from its server."""

    limits: Limits
    buffer: memoryview
    """Where what arrives is put first: one portion, for all connections."""

    def is_full(self, peer: "Peer") -> bool:
        """Whether it is not to be read for now, because too much waits."""
        ...

    def strangers_allowance(self, peer: "Peer") -> Allowance:
        """How much undeclared senders may say from where it is."""
        ...

    def now_s(self) -> float:
        """The steady clock."""
        ...

    def welcome(self, peer: "Peer") -> Conversation | None:
        """A connection was made; None: not with us."""
        ...

    def hear(self, peer: "Peer", data: bytes) -> Heard:
        """Bytes have come; what they brought."""
        ...

    def part(self, peer: "Peer") -> None:
        """The connection has ended."""
        ...


@dataclass(slots=True)
class Standing:
    """What a server knows of a connection."""

    since_s: float
    heard_s: float
    devices: set[str] = field(default_factory=set)
    """Sources that have spoken over it."""
    has_spoken: bool = False
    """At least one sound frame came."""
    is_known: bool = False
    """At least one of them from a declared source."""
    waiting: int = 0
    """Frames that are not yet on disk."""
    stalled_s: float | None = None
    """Since when it does not take what we send."""
    is_superseded: bool = False
    """Its sources speak over another connection now."""


class Peer(asyncio.BufferedProtocol):
    """One connection, on the server's event loop."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._transport: asyncio.Transport | None = None
        self._frames: Allowance | None = None
        self._objects: Allowance | None = None
        self._bytes: Allowance | None = None
        self._resume_s = 0.0
        self._is_paused = False
        self.address: Address | None = None
        self.conversation: Conversation | None = None
        self.standing = Standing(host.now_s(), host.now_s())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it stands."""
        assert isinstance(transport, asyncio.Transport)
        now_s, limits = self._host.now_s(), self._host.limits
        self._transport = transport
        transport.set_write_buffer_limits(high=_ANSWERS_BYTES)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ANSWERS_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        name = transport.get_extra_info("peername")
        self.address = peer_address(str(name[0])) if name else None
        self._frames = Allowance(limits.frames_per_s, limits.frames_burst, now_s)
        self._objects = Allowance(limits.objects_per_s, limits.objects_burst, now_s)
        self._bytes = Allowance(limits.bytes_per_s, limits.bytes_burst, now_s)
        self.conversation = self._host.welcome(self)
        if self.conversation is None:
            transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        """asyncio: where to put what has come."""
        return self._host.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: so much has come."""
        if self.conversation is None or self._frames is None or self._objects is None or self._bytes is None:
            return
        heard = self._host.hear(self, bytes(self._host.buffer[:nbytes]))
        now_s = self._host.now_s()
        objects = self._objects if self.standing.is_known else self._host.strangers_allowance(self)
        wait_s = max(
            self._frames.take(heard.frames, now_s),
            objects.take(heard.objects, now_s),
            self._bytes.take(nbytes, now_s),
        )
        if wait_s > 0:
            self._resume_s = now_s + wait_s
            asyncio.get_running_loop().call_later(wait_s, self.pace)
        self.pace()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it has ended."""
        if self.conversation is not None:
            self._host.part(self)

    def pause_writing(self) -> None:
        """asyncio: it does not take what we send."""
        self.standing.stalled_s = self._host.now_s()
        self.pace()

    def resume_writing(self) -> None:
        """asyncio: it does again."""
        self.standing.stalled_s = None
        self.pace()

    def pace(self) -> None:
        """Read on, or not, as the limits want it."""
        if self._transport is None or self._transport.is_closing():
            return
        wants_pause = (
            self._host.is_full(self)
            or self.standing.waiting >= self._host.limits.waiting_each
            or self.standing.stalled_s is not None
            or self._host.now_s() < self._resume_s
        )
        if wants_pause and not self._is_paused:
            self._transport.pause_reading()
        elif self._is_paused and not wants_pause:
            self._transport.resume_reading()
        self._is_paused = wants_pause

    def send(self) -> None:
        """Send what the conversation has to say."""
        if self.conversation is not None and self._transport is not None and not self._transport.is_closing():
            data = self.conversation.take()
            if data:
                self._transport.write(data)

    def leave(self, why: str = "") -> None:
        """Close the connection; what was to be sent still is, unless nobody takes it. `why`: for the log."""
        if self._transport is None or self._transport.is_closing():
            return
        if why:
            log.info("The connection from %s is closed: %s", self.address, why)
        if self.standing.stalled_s is None:
            self._transport.close()
        else:
            self._transport.abort()
