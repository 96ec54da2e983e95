"""Whether the sources of a site are there: silence is no connection, and no connection is not «all quiet»."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Patience(NamedTuple):
    """When a source is taken for gone, and how often it is said that it is there."""

    offline_after_ms: int | None
    """None: somebody else says when."""
    repeat_ms: int


class Said(NamedTuple):
    """A status to publish."""

    device: str
    online: bool


@dataclass(slots=True)
class _Source:
    patience: Patience
    heard_ms: int
    """When it was last heard; at first, when we began to listen."""
    online: bool | None = None
    said_ms: int = 0


class Presence:
    """Decides, told the time in milliseconds of a clock that never goes back; any thread may tell."""

    def __init__(self, patience: Mapping[str, Patience], now_ms: int) -> None:
        self._lock = threading.Lock()
        self._sources = {device: _Source(one, now_ms) for device, one in patience.items()}

    def heard(self, devices: Iterable[str], now_ms: int) -> list[Said]:
        """These sources have said something sound."""
        with self._lock:
            said = []
            for device in devices:
                source = self._sources.get(device)
                if source is not None:
                    source.heard_ms = now_ms
                    said += _say(device, source, now_ms, online=True)
            return said

    def gone(self, devices: Iterable[str], now_ms: int) -> list[Said]:
        """The connection of these sources has ended, and they have no other."""
        with self._lock:
            known = [(device, self._sources[device]) for device in devices if device in self._sources]
            return [one for device, source in known for one in _say(device, source, now_ms, online=False)]

    def tick(self, now_ms: int) -> list[Said]:
        """Who has been silent for too long, and who is said to be there again in time for its heartbeat."""
        with self._lock:
            said = []
            for device, source in self._sources.items():
                patience = source.patience
                if patience.offline_after_ms is not None and now_ms - source.heard_ms > patience.offline_after_ms:
                    said += _say(device, source, now_ms, online=False)
                elif source.online and now_ms - source.said_ms >= patience.repeat_ms:
                    source.said_ms = now_ms
                    said.append(Said(device, True))
            return said


def _say(device: str, source: _Source, now_ms: int, *, online: bool) -> list[Said]:
    if source.online is online:
        return []
    source.online, source.said_ms = online, now_ms
    return [Said(device, online)]
