"""All fire sources of a site at work: the TCP server, the lines, the commands, and who is there."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.contract.commands import CommandBody
from gateway.drivers.fire_signal import PanelDriver, Signal, signal_body
from gateway.drivers.gb26875.repeats import Repeats
from gateway.fire.book import Book
from gateway.fire.commands import CommandDesk, CommandReceiver
from gateway.fire.conversation import outcome_event, status_event
from gateway.fire.drivers import driver_for_source
from gateway.fire.line_centre import LineCentre
from gateway.fire.lines import PanelLine
from gateway.fire.peer import Limits
from gateway.fire.presence import Patience, Presence, Said
from gateway.fire.tcp import FireServer
from gateway.mqtt import BrokerAddress
from gateway.outlet import Event, Keeper, Outlet
from gateway.site.fire import Source
from gateway.site.fire_formats import TextFormat
from gateway.site.model import SiteConfig

log = logging.getLogger(__name__)

_WATCH_S: Final = 1.0
_IDLE_TIMES: Final = 4
_IDLE_S: Final = 1800.0
"""A connection may be silent for so long at least, and for several times any source's `offline_after`."""


class FireSources:
    """Everything of one site that speaks of fire. Raises what a wrong format raises."""

    def __init__(
        self,
        config: SiteConfig,
        publisher: Keeper,
        broker: BrokerAddress,
        *,
        gateway: str,
        name: str,
        clock_ms: Callable[[], int],
        host: str,
        port: int,
        formats: Mapping[str, TextFormat],
        per_address: int = 64,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`gateway`: the device that speaks for unknown senders; `name`: the client id of the command session."""
        self._config = config
        self._outlet = Outlet(publisher)
        self._clock_ms = clock_ms
        self._monotonic = monotonic
        self._book = Book(config, gateway)
        self._presence = Presence({one.id: self._patience(one) for one in config.fire.sources}, self._now_ms())
        self._centres: dict[str, LineCentre] = {}
        self._repeats = {one.id: Repeats() for one in self._book.on_line()}
        self._lines = [self._line(one, formats) for one in config.fire.sources if _has_line(one)]
        self.server = self._server(host, port, per_address) if self._book.over_tcp() else None
        """Where transmission devices connect; None: the site has none that do."""
        sources = frozenset(one.id for one in config.fire.sources)
        desk = CommandDesk(self._carry_out, self._outlet.put, sources, clock_ms)
        self._receiver = CommandReceiver(broker, name, config.site.id, desk)
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="fire-watch", daemon=True)

    def start(self) -> "FireSources":
        """Open port and lines, and hear commands."""
        self._listen()
        for line in self._lines:
            line.start()
        self._receiver.start()
        self._watcher.start()
        return self

    def retry(self) -> None:
        """Try again what has failed: to listen, and to keep what the outbox did not take. Call it now and then."""
        self._outlet.put([])
        self._listen()

    def close(self) -> None:
        """Leave port, lines and session."""
        self._closing.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self._receiver.close()
        for line in self._lines:
            line.close()
        if self.server is not None:
            self.server.close()

    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)

    def _patience(self, source: Source) -> Patience:
        heartbeat = self._config.device(source.id).heartbeat or source.offline_after
        repeat_ms = int(min(heartbeat, source.offline_after).total_seconds() * 500)
        # A line says itself whether its panel is there: a printer may be silent for days.
        offline_after_ms = None if _has_line(source) else int(source.offline_after.total_seconds() * 1000)
        return Patience(offline_after_ms, repeat_ms)

    def _server(self, host: str, port: int, per_address: int) -> FireServer:
        longest_s = max(one.offline_after.total_seconds() for one in self._book.over_tcp())
        limits = Limits(per_address=per_address, idle_s=max(_IDLE_S, _IDLE_TIMES * longest_s))
        return FireServer(
            self._book,
            self._outlet,
            self._presence,
            host,
            port,
            clock_ms=self._clock_ms,
            limits=limits,
            monotonic=self._monotonic,
        )

    def _listen(self) -> None:
        if self.server is None or self.server.is_running:
            return
        try:
            self.server.start()
        except OSError as error:
            log.warning(
                "Fire transmission devices cannot connect, %s:%d cannot be had: %s. Trying again; "
                "see GENGFU_FIRE_HOST and GENGFU_FIRE_PORT",
                self.server.host,
                self.server.port,
                error,
            )

    def _line(self, source: Source, formats: Mapping[str, TextFormat]) -> PanelLine:
        def on_state(online: bool) -> None:
            now_ms = self._now_ms()
            said = self._presence.heard([source.id], now_ms) if online else self._presence.gone([source.id], now_ms)
            self._say(said)

        def on_signals(signals: Sequence[Signal]) -> None:
            self._hear(source, signals)

        build = self._builder(source, formats)
        return PanelLine(source, build, on_signals, on_state, clock_ms=self._clock_ms)

    def _builder(self, source: Source, formats: Mapping[str, TextFormat]) -> Callable[[], PanelDriver]:
        if source.protocol != "gb26875":
            return driver_for_source(source, formats, source.zone or self._config.site.timezone)

        def build() -> LineCentre:
            centre = LineCentre(source, self._book, self._outlet, self._repeats[source.id], clock_ms=self._clock_ms)
            self._centres[source.id] = centre
            return centre

        return build

    def _hear(self, source: Source, signals: Sequence[Signal]) -> None:
        """A panel cannot say it again: what a full disk does not take waits in memory."""
        at_ms = self._clock_ms()
        events: list[Event] = []
        for signal in signals:
            panel = self._config.fire.panel_of(source.id, signal.system_address)
            name = panel.id if panel is not None else None
            events.append((source.id, "fire", signal_body(signal, name, at_ms)))
        self._outlet.put(events)

    def _statuses(self, said: Sequence[Said]) -> list[Event]:
        return [status_event(one.device, self._clock_ms(), online=one.online) for one in said]

    def _say(self, said: Sequence[Said]) -> None:
        if said:
            self._outlet.put(self._statuses(said))

    def _watch(self) -> None:
        while not self._closing.wait(_WATCH_S):
            self._say(self._presence.tick(self._now_ms()))

    def _carry_out(self, device: str, command: CommandBody) -> None:
        source = self._config.fire.source_by_id[device]
        if source.protocol != "gb26875":
            reason = {"reason": f"{source.protocol} only listens"}
            self._outlet.put([outcome_event(device, command.id, "denied", self._clock_ms(), reason)])
        elif not _has_line(source) and self.server is not None:
            self.server.carry_out(device, command)
        elif device in self._centres:
            self._centres[device].carry_out(command)
        else:
            self._outlet.put([outcome_event(device, command.id, "unreachable", self._clock_ms(), {})])


def _has_line(source: Source) -> bool:
    return source.port is not None or source.host is not None
