"""The TCP server for transmission devices: many connections on one thread, and nothing confirmed before it is on disk.

What all connections have brought is committed together, each speaker in turn and declared sources first, off the event
loop, and then confirmed. Whoever sends too much or does not take its answers is read more slowly: TCP holds it back,
nothing is thrown away.
"""

import asyncio
import logging
import resource
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, NamedTuple

from gateway.contract.commands import CommandBody
from gateway.drivers.gb26875.repeats import Repeats
from gateway.fire.book import Book
from gateway.fire.conversation import Conversation, Heard, Item, item_of, outcome_event, status_event
from gateway.fire.crowd import Crowd
from gateway.fire.peer import Allowance, Limits, Peer
from gateway.fire.presence import Presence, Said
from gateway.fire.turns import Turns
from gateway.outbox import OutboxError
from gateway.outlet import Event, Outlet

log = logging.getLogger(__name__)

_PORTION: Final = 8192
_SWEEP_S: Final = 0.5
_TOGETHER: Final = 200
"""Events of one commit, and a little more: the first of a storm does not wait for the last."""
_START_S: Final = 10.0
_OTHER_FILES: Final = 1024


class _Waiting(NamedTuple):
    peer: Peer
    item: Item


class FireServer:
    """Hears transmission devices; `start`, `close` and `carry_out` are for other threads."""

    def __init__(
        self,
        book: Book,
        outlet: Outlet,
        presence: Presence,
        host: str,
        port: int,
        *,
        clock_ms: Callable[[], int],
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`port` 0: any free one, which `port` then names."""
        self.host, self.port = host, port
        self.limits = limits or Limits()
        self.buffer = memoryview(bytearray(_PORTION))
        self._book = book
        self._outlet = outlet
        self._presence = presence
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._repeats = Repeats()
        self._peers = Crowd(self.limits, monotonic)
        self._speaking: dict[str, Peer] = {}
        """The connection over which a source was heard last."""
        self._made = 0
        self._waiting: Turns[_Waiting] = Turns()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="fire-disk")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._ending: asyncio.Event | None = None
        self._started = threading.Event()
        self._failures: list[BaseException] = []
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """It listens."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def connections(self) -> int:
        """How many stand."""
        return len(self._peers)

    def start(self) -> None:
        """Listen; raises OSError when the address or port cannot be had."""
        _allow_files(self.limits.connections + _OTHER_FILES)
        self._failures.clear()
        self._started.clear()
        self._repeats = Repeats()  # what a server before this one left undecided must be heard again
        self._peers.clear()
        self._speaking.clear()
        self._waiting.clear()
        self._thread = threading.Thread(target=self._run, name="fire-tcp", daemon=True)
        self._thread.start()
        self._started.wait(_START_S)
        if self._failures:
            self._thread = None
            raise self._failures[0]

    def close(self) -> None:
        """Close all connections; what is not confirmed will be sent again."""
        if self._thread is not None and self._loop is not None and self._ending is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()
        self._disk.shutdown()

    def carry_out(self, device: str, command: CommandBody) -> None:
        """Put a command to a source; what becomes of it is said in an event."""
        try:
            if self._loop is None or self._thread is None:
                raise RuntimeError("the server does not run")  # noqa: TRY301 -- the same as a loop that has ended
            self._loop.call_soon_threadsafe(self._ask, device, command)
        except RuntimeError:
            self._outlet.put([outcome_event(device, command.id, "unreachable", self._clock_ms(), {})])

    # --- for connections, on the event loop -----------------------------------------------------------------------

    def is_full(self, peer: Peer) -> bool:
        """The disk does not keep up."""
        return len(self._waiting) >= self.limits.waiting or (not peer.standing.is_known and self._is_full_of_strangers)

    def strangers_allowance(self, peer: Peer) -> Allowance:
        """How much undeclared senders may say from where it is."""
        return self._peers.allowance(peer.address)

    def now_s(self) -> float:
        """The steady clock."""
        return self._monotonic()

    def welcome(self, peer: Peer) -> Conversation | None:
        """A connection was made; None: its address is not allowed, or there are too many."""
        if not self._book.admits(peer.address):
            self._peers.turn_away(peer, "no source names its network")
            return None
        if not self._peers.enter(peer):
            return None
        self._made += 1
        return Conversation(self._book, self._clock_ms, repeats=self._repeats, connection=self._made, peer=peer.address)

    def hear(self, peer: Peer, data: bytes) -> Heard:
        """Bytes have come; what they brought."""
        conversation = peer.conversation
        assert conversation is not None
        heard = conversation.feed(data, self._now_ms())
        self._take(peer, heard)
        if conversation.is_hopeless:
            peer.leave("only bad frames come")
        return heard

    def part(self, peer: Peer) -> None:
        """A connection has ended."""
        self._peers.leave(peer)
        gone = [device for device in peer.standing.devices if self._speaking.get(device) is peer]
        for device in gone:
            del self._speaking[device]
        if peer.conversation is not None:
            events = [*peer.conversation.end(), *self._statuses(self._presence.gone(gone, self._now_ms()))]
            self._queue(peer, map(item_of, events))

    # --- inside ---------------------------------------------------------------------------------------------------

    @property
    def _is_full_of_strangers(self) -> bool:
        return self._waiting.strange >= self.limits.strange_waiting

    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failures.append(error)
            if self._started.is_set():
                log.exception("The server for fire transmission devices has ended")
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._wake, self._ending = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await self._loop.create_server(lambda: Peer(self), self.host, self.port, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        log.info("Fire transmission devices may connect to %s:%d", self.host, self.port)
        self._started.set()
        work = [asyncio.create_task(self._commit_on(self._wake)), asyncio.create_task(self._sweep_on())]
        ending = asyncio.create_task(self._ending.wait())
        both: list[asyncio.Task[Any]] = [*work, ending]
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        server.close()
        for peer in self._peers:
            peer.leave()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for task in done:
            task.result()

    def _take(self, peer: Peer, heard: Heard) -> None:
        now_ms = self._now_ms()
        if heard.frames:
            peer.standing.heard_s = self._monotonic()
            peer.standing.is_known |= bool(heard.devices)
            if not peer.standing.has_spoken and not peer.standing.is_known:
                self._peers.spoke_as_stranger(peer)
            peer.standing.has_spoken = True
        for device in heard.devices:
            before = self._speaking.get(device)
            if before is not None and before is not peer:
                before.standing.devices.discard(device)
                before.standing.is_superseded = not before.standing.devices
            self._speaking[device] = peer
            peer.standing.devices.add(device)
            peer.standing.is_superseded = False
        self._queue(peer, heard.items)
        self._queue(peer, map(item_of, self._statuses(self._presence.heard(heard.devices, now_ms))))
        peer.send()

    def _queue(self, peer: Peer, items: Iterable[Item]) -> None:
        for item in items:
            if item.events or item.frame is not None:
                peer.standing.waiting += 1
                speaker = item.device or peer.address
                self._waiting.put(speaker, _Waiting(peer, item), is_declared=bool(item.device))
        if len(self._waiting) and self._wake is not None:
            self._wake.set()

    def _statuses(self, said: Iterable[Said]) -> list[Event]:
        return [status_event(one.device, self._clock_ms(), online=one.online) for one in said]

    def _ask(self, device: str, command: CommandBody) -> None:
        peer = self._speaking.get(device)
        if peer is None or peer.conversation is None:
            event = outcome_event(device, command.id, "unreachable", self._clock_ms(), {})
            asyncio.get_running_loop().run_in_executor(self._disk, self._outlet.put, [event])
            return
        refused = peer.conversation.ask(device, command, self._now_ms())
        self._queue(peer, [item_of(refused)] if refused is not None else [])
        peer.send()

    async def _commit_on(self, wake: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await wake.wait()
            wake.clear()
            while len(self._waiting):
                was_full = len(self._waiting) >= self.limits.waiting or self._is_full_of_strangers
                together, events = self._next_commit()
                is_kept = await loop.run_in_executor(self._disk, self._keep, together, events)
                self._answer(together, is_kept=is_kept)
                for peer in self._peers if was_full else {one.peer for one in together}:
                    peer.pace()

    def _next_commit(self) -> tuple[list[_Waiting], list[Event]]:
        together = self._waiting.gather(_TOGETHER, lambda one: len(one.item.events))
        return together, [event for one in together for event in one.item.events]

    def _keep(self, together: list[_Waiting], events: list[Event]) -> bool:
        """On the disk's thread."""
        try:
            self._outlet.keep(events)
        except OutboxError as error:
            log.warning("Fire signals cannot be kept, so they are not confirmed and will come again: %s", error)
            self._outlet.put([event for _, item in together if item.frame is None for event in item.events])
            return False
        return True

    def _answer(self, together: list[_Waiting], *, is_kept: bool) -> None:
        for peer, item in together:
            peer.standing.waiting -= 1
            if peer.conversation is None:
                continue
            if is_kept:
                peer.conversation.kept(item)
            else:
                peer.conversation.lost(item)
        for peer in {one.peer for one in together}:
            peer.send()

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            now_s, now_ms = self._monotonic(), self._now_ms()
            for peer in self._peers:
                conversation = peer.conversation
                if conversation is not None and conversation.due_ms is not None and now_ms >= conversation.due_ms:
                    self._take(peer, conversation.tick(now_ms))
                self._look_at(peer, now_s)

    def _look_at(self, peer: Peer, now_s: float) -> None:
        standing = peer.standing
        if standing.stalled_s is not None and now_s - standing.stalled_s > self.limits.stalled_s:
            peer.leave("it does not take its answers")
        elif now_s - standing.heard_s > self.limits.idle_s:
            peer.leave("it says nothing any more")
        elif standing.is_superseded and now_s - standing.heard_s > self.limits.stalled_s:
            peer.leave("its source speaks over another connection")
        else:
            peer.pace()


def _allow_files(wanted: int) -> None:
    """A connection is an open file, and systems allow few by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
