"""A virtual device without a network: which messages it sends, and when. Pure; the MQTT edge is link.py."""

import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from datetime import datetime

from gateway.contract.times import to_ms
from gateway.contract.topics import topic
from gateway.simulator.messages import Message, batch, boot_id, malformed, reading, status, ulid
from gateway.simulator.noise import key_of, uniform
from gateway.simulator.plan import Plan, simulated
from gateway.simulator.signals import Signal, Window
from gateway.site.duration import to_milliseconds
from gateway.site.model import Point

BACKLOG = 10_000
"""Messages a device keeps in memory while it has no broker; then it drops the oldest."""
_DRAIN_STEP_MS = 2
"""After a reconnection the backlog leaves at up to 500 messages a second."""
_LATENCY_MS = 60
_EARLY_MS = 10_000


class DeviceScript:
    """Everything one device sends from the start of the plan on, in the order in which it sends it."""

    def __init__(self, plan: Plan, device: str, *, backlog: int = BACKLOG, batches: bool = True) -> None:
        """`batches` False: every value is a message of its own."""
        site = plan.config.site.id
        self.device = device
        self._plan = plan
        self._backlog = backlog
        self._batches = batches
        self._reading_topic = topic(site, device, "reading")
        self.status_topic = topic(site, device, "status")
        self._key = key_of(plan.seed, site, device)
        self._start_ms = plan.start_ms
        self._signals: dict[str, Signal] = {}
        groups: dict[int, list[Point]] = {}
        for point in simulated(plan.config):
            if point.device == device and point.interval:
                groups.setdefault(to_milliseconds(point.interval), []).append(point)
                self._signals[point.id] = plan.signal(point.id)
        self._groups = groups
        # Devices do not all speak in the same millisecond; ready-made ones that speak seldom say early what they read.
        first = min(groups, default=1)
        self._phase_ms = self._key % (
            min(first, _EARLY_MS) if device in plan.config.sensors.sensor_by_device else first
        )
        self._offline = [window for window, _ in plan.windows(device, "offline")]
        self._restarts = [window for window, _ in plan.windows(device, "restart")]
        self._bursts = plan.windows(device, "burst")
        self._skews = plan.windows(device, "clock_skew")
        self._malformed = [window for window, _ in plan.windows(device, "malformed")]
        self._stream: Iterator[Message] = iter(())
        self._ahead: deque[Message] = deque()
        self._reached_ms: int | None = None

    def messages_between(self, begin: datetime, end: datetime) -> list[Message]:
        """The messages sent in [begin, end); asking in order is cheap, going back starts over."""
        begin_ms, end_ms = to_ms(begin), to_ms(end)
        if self._reached_ms is None or begin_ms < self._reached_ms:
            self._stream, self._ahead = self.messages(), deque()
        self._reached_ms = max(begin_ms, end_ms)
        found: list[Message] = []
        while True:
            if not self._ahead:
                following = next(self._stream, None)
                if following is None:
                    return found
                self._ahead.append(following)
            if self._ahead[0].send_at_ms >= end_ms:
                return found
            message = self._ahead.popleft()
            if message.send_at_ms >= begin_ms:
                found.append(message)

    def messages(self) -> Iterator[Message]:
        """Every message in order of sending, without end."""
        yield from heapq.merge(
            self._statuses(), self._readings(), self._broken(), key=lambda message: message.send_at_ms
        )

    def birth(self, at_ms: int) -> Message:
        """What the device says when it has connected."""
        return self._status(at_ms, "birth")

    def will(self, connected_ms: int) -> Message:
        """The last will of a connection made at that moment."""
        return self._status(connected_ms, "will")

    def farewell(self, at_ms: int) -> Message:
        """What the device says before it leaves on purpose."""
        event_id = ulid(key_of(self._key, "farewell"), at_ms)
        return Message(
            at_ms, self.status_topic, status(event_id, self._clock(at_ms), online=False), 1, True, "heartbeat"
        )

    def _status(self, at_ms: int, role: str) -> Message:
        event_id = ulid(key_of(self._key, role), at_ms)
        if role == "will":
            payload = status(event_id, self._clock(at_ms), online=False, will=True)
            return Message(at_ms, self.status_topic, payload, 1, True, "will")
        payload = status(event_id, self._clock(at_ms), online=True)
        return Message(at_ms, self.status_topic, payload, 1, True, "birth" if role == "birth" else "heartbeat")

    def _clock(self, at_ms: int) -> int:
        """What the device's own clock shows."""
        return at_ms + sum(int(size * 1_000) for window, size in self._skews if window.elapsed(at_ms) is not None)

    # --- status ---

    def _statuses(self) -> Iterator[Message]:
        connected_ms = self._start_ms
        yield self.birth(connected_ms)
        away = heapq.merge(*(_occurrences(window) for window in (*self._offline, *self._restarts)))
        begin, end = next(away, (None, 0))
        beat_ms = self._heartbeat_ms()
        beat = connected_ms + beat_ms if beat_ms else None
        while begin is not None or beat is not None:
            if begin is None or (beat is not None and beat < begin):
                yield self._status(beat or 0, "heartbeat")
                beat = (beat or 0) + beat_ms
                continue
            yield self.will(connected_ms)._replace(send_at_ms=begin)
            following = next(away, (None, 0))
            while following[0] is not None and following[0] <= end:  # away for a second reason meanwhile
                end = max(end, following[1])
                following = next(away, (None, 0))
            connected_ms = end
            yield self.birth(connected_ms)
            begin, end = following
            if beat is not None:
                beat = connected_ms + beat_ms

    def _heartbeat_ms(self) -> int:
        """Half of the promised heartbeat; 0 where readings come more often than that anyway."""
        heartbeat = self._plan.config.device(self.device).heartbeat
        if not heartbeat:
            return 0
        half = to_milliseconds(heartbeat) // 2
        return half if min(self._groups, default=half + 1) > half else 0

    # --- readings ---

    def _readings(self) -> Iterator[Message]:
        seq, boots, boot = 0, -1, ""
        last_ms = 0
        waiting: _Outage | None = None
        for at_ms, points in self._ticks():
            if self._off(at_ms):
                continue
            booted = sum(window.begun(at_ms) for window in self._restarts)
            if booted != boots:
                seq, boots = 0, booted
                boot = boot_id(self._plan.seed, self._plan.config.site.id, self.device, self._booted_ms(at_ms))
            payloads = self._payloads(at_ms, points, boot, seq)
            if not payloads:
                continue
            late_ms = 1 + int(uniform(self._key, at_ms) * _LATENCY_MS)
            end_ms = self._offline_until(at_ms)
            if end_ms is not None and any(one.begun(end_ms) > one.begun(at_ms) for one in self._restarts):
                seq += len(payloads)  # kept in memory, and the power goes before there is a connection: lost
                continue
            if end_ms is not None and (waiting is None or waiting.end_ms != end_ms):
                waiting = _Outage(end_ms, self._messages_until(at_ms, end_ms), self._backlog)
            for payload in payloads:
                seq += 1
                if end_ms is not None and waiting is not None:
                    if waiting.drops_next():
                        continue
                    last_ms = max(end_ms + 1, last_ms + _DRAIN_STEP_MS)
                else:
                    # What was measured before a connection broke also left before it broke.
                    away = self._offline_until(at_ms + late_ms) is not None or self._off(at_ms + late_ms)
                    last_ms = max(at_ms if away else at_ms + late_ms, last_ms)
                yield Message(last_ms, self._reading_topic, payload, 1, False)

    def _payloads(self, at_ms: int, points: list[Point], boot: str, seq: int) -> list[bytes]:
        values = [(point, value) for point in points if (value := self._signals[point.id](at_ms)) is not None]
        at = self._clock(at_ms)
        if len(values) > 1 and self._batches:
            return [batch(f"{boot}-{seq + 1}", at, [(point.id, value) for point, value in values])]
        return [
            reading(f"{boot}-{seq + index}", at, point.id, value, point.unit)
            for index, (point, value) in enumerate(values, 1)
        ]

    def _ticks(self, since_ms: int = 0) -> Iterator[tuple[int, list[Point]]]:
        """(moment, points due), in order; points due in the same millisecond go together."""
        grids = [self._grid(interval_ms, points, since_ms) for interval_ms, points in sorted(self._groups.items())]
        if len(grids) == 1:
            yield from grids[0]
            return
        for at_ms, due in itertools.groupby(heapq.merge(*grids, key=lambda tick: tick[0]), key=lambda tick: tick[0]):
            yield at_ms, [point for _, points in due for point in points]

    def _grid(self, interval_ms: int, points: list[Point], since_ms: int) -> Iterator[tuple[int, list[Point]]]:
        """Multiples of the interval, from the last one not after `since_ms` on, and what a burst puts between them."""
        first_ms = self._start_ms + self._phase_ms
        skipped = max(0, (since_ms - first_ms) // interval_ms)
        for at_ms in itertools.count(first_ms + skipped * interval_ms, interval_ms):
            yield at_ms, points
            for window, factor in self._bursts:
                if window.elapsed(at_ms) is not None:
                    parts = min(int(factor), interval_ms)
                    yield from ((at_ms + interval_ms * part // parts, points) for part in range(1, parts))
                    break

    def _booted_ms(self, at_ms: int) -> int:
        ends = [
            window.start_of(window.begun(at_ms) - 1) + window.duration_ms
            for window in self._restarts
            if window.begun(at_ms)
        ]
        return max(ends, default=self._start_ms)

    def _off(self, at_ms: int) -> bool:
        return any(window.elapsed(at_ms) is not None for window in self._restarts)

    def _offline_until(self, at_ms: int) -> int | None:
        """When the device is connected again; None: it is connected."""
        end_ms = at_ms
        for _ in self._offline:  # one outage may run into the next
            for window in self._offline:
                since = window.elapsed(end_ms)
                if since is not None:
                    end_ms += window.duration_ms - since
        return end_ms if end_ms > at_ms else None

    def _messages_until(self, at_ms: int, end_ms: int) -> int:
        """How many messages arise from this tick until the device is connected again."""
        count = 0
        for tick_ms, points in self._ticks(at_ms):
            if tick_ms >= end_ms:
                return count
            if tick_ms < at_ms or self._off(tick_ms):
                continue
            speaking = sum(self._signals[point.id](tick_ms) is not None for point in points)
            count += min(speaking, 1) if self._batches else speaking
        return count

    # --- broken messages ---

    def _broken(self) -> Iterator[Message]:
        first = next(iter(self._signals), None)
        if first is None:
            return
        key = key_of(self._key, "malformed")
        for number, (at_ms, _) in enumerate(heapq.merge(*(_occurrences(window) for window in self._malformed))):
            if self._offline_until(at_ms) is not None or self._off(at_ms):
                continue
            value = self._signals[first](at_ms) or 0.0
            # It takes no sequence number: nothing is missing when it is refused.
            payload = malformed(number, ulid(key, at_ms), self._clock(at_ms), first, value)
            yield Message(at_ms, self._reading_topic, payload, 1, False, "malformed")


class _Outage:
    """What a bounded memory keeps of one outage: the newest."""

    def __init__(self, end_ms: int, expected: int, room: int) -> None:
        self.end_ms = end_ms
        self._too_many = max(0, expected - room)

    def drops_next(self) -> bool:
        if self._too_many:
            self._too_many -= 1
            return True
        return False


def _occurrences(window: Window) -> Iterator[tuple[int, int]]:
    for occurrence in itertools.count():
        begin = window.start_of(occurrence)
        yield begin, begin + window.duration_ms
        if window.every_ms is None:
            return
