"""A transmission device on a serial line, or behind a serial server: the same conversation, driven by the line."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from gateway.contract.commands import CommandBody
from gateway.drivers.fire_signal import Signal
from gateway.drivers.gb26875.repeats import Repeats
from gateway.fire.book import Book
from gateway.fire.conversation import Conversation, Heard, Item, outcome_event
from gateway.outbox import OutboxError
from gateway.outlet import Outlet
from gateway.site.fire import Source

_CONNECTION: Final = 0


class LineCentre:
    """A driver for a line that keeps what it hears itself: it may confirm only what is on disk.

    `carry_out` may be called from any thread, the rest belongs to the line's.
    """

    def __init__(
        self,
        source: Source,
        book: Book,
        outlet: Outlet,
        repeats: Repeats,
        *,
        clock_ms: Callable[[], int],
    ) -> None:
        self._source = source
        self._outlet = outlet
        self._clock_ms = clock_ms
        self._conversation = Conversation(book, clock_ms, repeats=repeats, connection=_CONNECTION, line=source)
        self._commands: SimpleQueue[CommandBody] = SimpleQueue()
        self._offline_after_ms = int(source.offline_after.total_seconds() * 1000)
        self._heard_ms: int | None = None
        self._is_closed = False

    def carry_out(self, command: CommandBody) -> None:
        """Put a command to the source with the next turn of the line."""
        if self._is_closed:
            self._refuse(command)
        else:
            self._commands.put(command)

    def feed(self, data: bytes, now_ms: int) -> list[Signal]:
        """Take bytes and keep what they say; gives no signals, they are events already."""
        self._keep(self._conversation.feed(data, now_ms), now_ms)
        return []

    def poll(self, now_ms: int) -> bytes:
        """What to send now: confirmations of what is on disk, commands, and commands again."""
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                break
            self._ask(command, now_ms)
        due_ms = self._conversation.due_ms
        if due_ms is not None and now_ms >= due_ms:
            self._keep(self._conversation.tick(now_ms), now_ms)
        return self._conversation.take()

    def close(self, now_ms: int) -> list[Signal]:
        """The line ends here."""
        self._is_closed = True
        self._outlet.put(self._conversation.end())
        while not self._commands.empty():
            self._refuse(self._commands.get())
        return []

    def is_well(self, now_ms: int) -> bool:
        """Whether a sound frame was heard of late."""
        return self._heard_ms is not None and now_ms - self._heard_ms <= self._offline_after_ms

    def _ask(self, command: CommandBody, now_ms: int) -> None:
        if not self._conversation.knows(self._source.id):
            self._refuse(command)
            return
        refused = self._conversation.ask(self._source.id, command, now_ms)
        if refused is not None:
            self._outlet.put([refused])

    def _refuse(self, command: CommandBody) -> None:
        self._outlet.put([outcome_event(self._source.id, command.id, "unreachable", self._clock_ms(), {})])

    def _keep(self, heard: Heard, now_ms: int) -> None:
        if self._source.id in heard.devices:
            self._heard_ms = now_ms
        wanted = [one for one in heard.items if one.events or one.frame is not None]
        if not wanted:
            return
        try:
            self._outlet.keep([event for item in wanted for event in item.events])
        except OutboxError:
            for item in wanted:
                self._lost(item)
        else:
            for item in wanted:
                self._conversation.kept(item)

    def _lost(self, item: Item) -> None:
        self._conversation.lost(item)
        if item.frame is None:
            self._outlet.put(item.events)
