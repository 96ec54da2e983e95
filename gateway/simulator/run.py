"""A virtual site: on a real broker in real time (`Simulator`), or as messages for tests and benchmarks (`stream`).

Its fire transmission devices speak GB/T 26875.3 to the gateway's port, where one is given.
"""

import heapq
import select
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from gateway.contract.times import from_ms, to_ms
from gateway.mqtt import BrokerAddress
from gateway.simulator.device import BACKLOG, DeviceScript
from gateway.simulator.field_bus import FieldBuses
from gateway.simulator.link import Link
from gateway.simulator.messages import Message
from gateway.simulator.payloads import PayloadScript, payload_scripts
from gateway.simulator.plan import Narration, Plan, virtual_devices
from gateway.simulator.rota import Drawn
from gateway.simulator.scenario import Scenario, load_scenario
from gateway.simulator.taps import TapScript, narration, tap_scripts
from gateway.simulator.utd_link import UtdLink, site_links
from gateway.site.model import SiteConfig
from gateway.site.profile import Profile

_LONGEST_WAIT_S = 0.2
_GOODBYE_S = 2.0

OnEvent = Callable[[str, str], None]
"""Told in plain words what happens: Chinese, English."""


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """This moment."""


class _MachineClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Counts(NamedTuple):
    """What became of the messages so far."""

    sent: int
    acknowledged: int
    waiting: int
    dropped: int


def scripts(
    plan: Plan, *, backlog: int = BACKLOG, batches: bool = True, without: Collection[str] = ()
) -> list[DeviceScript]:
    """The virtual devices of a plan, in the words of the contract."""
    devices = [one for one in virtual_devices(plan.config) if one not in without]
    return [DeviceScript(plan, one, backlog=backlog, batches=batches) for one in devices]


def stream(
    config: SiteConfig,
    scenario: Scenario | str | Path,
    seed: int,
    start: datetime,
    end: datetime,
    *,
    began: datetime | None = None,
    batches: bool = True,
) -> Iterator[Message]:
    """Every message of a site sent in [start, end), in order, without MQTT; `began`: when the scenario began.

    Ready-made devices speak the contract here: it is what the gateway makes of what they say.
    """
    plan = Plan(config, _scenario(scenario), seed, began or start)
    start_ms, end_ms = to_ms(start), to_ms(end)
    speakers: list[DeviceScript | TapScript] = [*scripts(plan, batches=batches), *tap_scripts(plan)]
    merged = heapq.merge(*(one.messages() for one in speakers), key=lambda message: message.send_at_ms)
    for message in merged:
        if message.send_at_ms >= end_ms:
            return
        if message.send_at_ms >= start_ms:
            yield message


class Timeline:
    """The simulated time: from `start_at` on, `speed` times as fast; a start in the past catches up and stays there."""

    def __init__(self, clock: Clock, start_at: datetime | None = None, speed: float = 1.0) -> None:
        self._clock = clock
        self._began_ms = to_ms(clock.now())
        self.start_ms = to_ms(start_at) if start_at is not None else self._began_ms
        self._speed = speed
        self._from_past = self.start_ms < self._began_ms

    def now_ms(self) -> int:
        """The simulated moment."""
        wall_ms = to_ms(self._clock.now())
        moment = self.start_ms + int((wall_ms - self._began_ms) * self._speed)
        return min(moment, wall_ms) if self._from_past else moment

    def seconds_until(self, at_ms: int) -> float:
        """How long to wait for a simulated moment; at most a fifth of a second."""
        return min(max((at_ms - self.now_ms()) / 1_000.0 / self._speed, 0.0), _LONGEST_WAIT_S)


class Simulator:
    """Plays a scenario on a site over MQTT: one connection per virtual device, each with its own last will.

    The phones of its guards share one more, without a last will. Fire transmission devices connect to the gateway.
    """

    def __init__(
        self,
        config: SiteConfig,
        broker: BrokerAddress,
        scenario: Scenario | str | Path = "demo",
        *,
        seed: int = 1,
        clock: Clock | None = None,
        speed: float = 1.0,
        start_at: datetime | None = None,
        wait_ready: bool = True,
        on_event: OnEvent = lambda text, text_en: None,
        drawn: Drawn | None = None,
        centre: tuple[str, int] | None = None,
        profiles: Mapping[str, Profile] | None = None,
        buses: Mapping[str, str] | None = None,
    ) -> None:
        """`speed` above 1 is for a `start_at` in the past: otherwise events carry times that are still to come.

        `wait_ready`: readings wait until ingest has announced itself for the site; without an ingest, turn it off.
        `drawn` knows the random starts of rounds; without it no guard comes to those. `centre`: host and port of the
        gateway for fire transmission devices; without it there are none. `profiles`: families by id, by which
        ready-made devices speak their own formats; without them they speak the contract. `buses`: addresses of Modbus
        lines (`site/bus` → `host:port`) in place of those of the site files.
        """
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self.config = config
        self.scenario = _scenario(scenario)
        self._broker = broker
        self._seed = seed
        self._clock = clock or _MachineClock()
        self._speed = speed
        self._start_at = start_at
        self._wait_ready = wait_ready
        self._on_event = on_event
        self._drawn = drawn
        self._centre = centre
        self._profiles = profiles
        self._buses = buses or {}
        self._links: list[Link] = []
        self._utds: list[UtdLink] = []
        self._lost = False

    def counts(self) -> Counts:
        """Sent, acknowledged by the broker, kept in memory, dropped."""
        links = self._links
        return Counts(
            sum(link.sent for link in links),
            sum(link.acknowledged for link in links),
            sum(link.waiting for link in links),
            sum(link.dropped for link in links),
        )

    def run(self, stop: threading.Event) -> None:
        """Play until `stop` is set, then say goodbye for every device. A broker that is not there is waited for."""
        timeline = Timeline(self._clock, self._start_at, self._speed)
        plan = Plan(self.config, self.scenario, self._seed, from_ms(timeline.start_ms), self._drawn)
        ready_made = self.config.sensors.sensor_by_device if self._profiles is not None else {}
        speakers: list[DeviceScript | TapScript | PayloadScript] = [
            *scripts(plan, without=ready_made), *tap_scripts(plan), *payload_scripts(plan, self._profiles or {}),
        ]  # fmt: skip
        self._links = [
            Link(script, self._broker, self.config.site.id, wait_ready=self._wait_ready, on_lost=self._tell_lost)
            for script in speakers
        ]
        buses = FieldBuses(plan, self._profiles or {}, self._buses).start(timeline.now_ms, self._on_event)
        self._utds = site_links(plan, self._centre, self._on_event) if self._centre is not None else []
        story = heapq.merge(plan.narration(), narration(plan))
        chapter = next(story, None)
        try:
            while not stop.is_set():
                now_ms = timeline.now_ms()
                chapter = self._narrate(story, chapter, now_ms)
                buses.step(now_ms)
                for link in self._speakers():
                    link.step(now_ms)
                self._tell_found()
                due = [link.due_ms for link in self._speakers()]
                self._wait(min((timeline.seconds_until(at) for at in due if at is not None), default=_LONGEST_WAIT_S))
        finally:
            buses.close()
            self._leave(timeline.now_ms())

    def _speakers(self) -> list[Link | UtdLink]:
        return [*self._links, *self._utds]

    def _narrate(self, story: Iterator[Narration], chapter: Narration | None, now_ms: int) -> Narration | None:
        while chapter is not None and chapter.at_ms <= now_ms:
            self._on_event(chapter.text, chapter.text_en)
            chapter = next(story, None)
        return chapter

    def _wait(self, seconds: float) -> None:
        """Until the broker says something or time is up."""
        poll = select.poll()
        by_fd: dict[int, Link | UtdLink] = {}
        for link in self._speakers():
            fd = link.fileno()
            if fd is not None:
                by_fd[fd] = link
                poll.register(fd, select.POLLIN | (select.POLLOUT if link.wants_write else 0))
        for fd, what in poll.poll(int(seconds * 1_000) + 1):
            if what & ~select.POLLOUT:
                by_fd[fd].read()

    def _leave(self, now_ms: int) -> None:
        for utd in self._utds:
            utd.close()
        for link in self._links:
            link.close(now_ms)
        deadline = time.monotonic() + _GOODBYE_S
        leaving = self._links
        while leaving:
            self._wait(0.05)
            leaving = [link for link in leaving if not link.step_out(force=time.monotonic() > deadline)]

    def _tell_lost(self) -> None:
        if not self._lost:
            self._lost = True
            self._on_event(
                f"连不上消息代理 {self._broker}，设备把读数暂存在内存中",
                f"The broker at {self._broker} cannot be reached; the devices keep their readings in memory",
            )

    def _tell_found(self) -> None:
        if self._lost and all(link.connected or link.away for link in self._links):
            self._lost = False
            self._on_event(
                "设备已重新连上消息代理，按顺序补传", "The devices are connected again and catch up in order"
            )


def _scenario(scenario: Scenario | str | Path) -> Scenario:
    return scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
