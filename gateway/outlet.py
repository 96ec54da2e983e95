"""Where drivers put their events: on disk before they go on, or in memory while the disk is full."""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from gateway.contract.errors import ContractError
from gateway.contract.topics import Kind
from gateway.outbox import OutboxError, OutboxFull

log = logging.getLogger(__name__)

_BATCH: Final = 256
BARE: Final = "bad_event"
"""Mark of a fire event that stands for one which did not follow the contract."""

Event = tuple[str, Kind, Mapping[str, Any]]
"""(device, kind, body)."""


class Keeper(Protocol):
    """What keeps events durably: a publisher."""

    def put_many(self, events: Sequence[Event]) -> list[str]:
        """Keep events with one commit; raises ContractError or OutboxError."""
        ...


class Outlet:
    """Keeps events; any thread may put.

    Two ways, for two kinds of senders: what cannot say a thing twice (readers, printers) is held in memory while the
    disk is full; whoever sends again until it is confirmed is better told that nothing was kept.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._lock = threading.Lock()
        self._held: list[Event] = []

    def put(self, events: Sequence[Event]) -> bool:
        """Keep events durably, with those held before first; False: some are held in memory, call again."""
        with self._lock:
            waiting = [*self._held, *events]
            refused: list[Event] = []
            size = _BATCH
            while waiting:
                some = waiting[:size]
                try:
                    self._keeper.put_many(some)
                except OutboxFull as full:
                    refused += _refused(some, full)
                except OutboxError as error:
                    log.warning("What was read waits in memory, the outbox does not take it: %s", error)
                    break
                except ContractError:
                    if size > 1:
                        size = 1  # find the one
                        continue
                    waiting[:1] = _without_its_content(some[0])
                    continue
                del waiting[: len(some)]
            self._held = [*refused, *waiting]
            return not self._held

    def keep(self, events: Sequence[Event]) -> None:
        """Keep all events durably or raise OutboxError.

        A status or reading that a full outbox refuses is left out; fire events and taps it never refuses.
        """
        try:
            self._keeper.put_many(events)
        except OutboxFull as full:
            log.warning("Left out: %s", full)
        except ContractError:
            apart = [[one] for one in events] if len(events) > 1 else [_without_its_content(events[0])]
            for some in apart:
                self.keep(some)


def _refused(events: Sequence[Event], full: OutboxFull) -> list[Event]:
    """The events that did not fit; the others are kept."""
    return [event for event, event_id in zip(events, full.ids, strict=True) if event_id is None]


def _without_its_content(event: Event) -> list[Event]:
    """What is kept of one that cannot be an event: of a fire signal that it came, what it said, and its states."""
    log.error("This cannot be an event: %s", event)
    device, kind, body = event
    if kind != "fire" or BARE in body.get("marks", ()):
        return []
    states = body.get("state")
    bare: dict[str, Any] = {"at": body.get("at"), "scope": "unparsed", "marks": ["unparsed", BARE]}
    bare["state"] = [one for one in states if isinstance(one, str)] if isinstance(states, list) else []
    bare["text"] = str(body)[:1000]
    return [(device, kind, bare)]
