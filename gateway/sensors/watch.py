"""Whether one ready-made device is there, and what it last said of itself. Pure: told the time, decides, returns."""

from collections import deque
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from gateway.contract.times import format_at
from gateway.site.model import SiteConfig
from gateway.site.profile import Profile
from gateway.site.sensors import Sensor

REPEAT_MS: Final = 600_000
"""How often a device without heartbeat and interval is said to be there, while it is."""
_OFFSETS: Final = 8
_NUMBERS: Final = {"battery": (0.0, 100.0), "rssi_dbm": (-1e3, 1e3), "snr_db": (-1e3, 1e3)}
_FIRMWARE: Final = 64


def offline_after_ms(config: SiteConfig, sensor: Sensor, profile: Profile) -> int | None:
    """The silence that means offline: what the sensor says, its device's heartbeat, or three intervals; None: never."""
    if sensor.offline_after is not None:
        return round(sensor.offline_after.total_seconds() * 1000)
    heartbeat = config.device(sensor.device).heartbeat
    if heartbeat is not None:
        return round(heartbeat.total_seconds() * 1000)
    interval = sensor.interval or (profile.modbus.interval if profile.modbus is not None else None)
    if interval is None:
        known = [one for one in (config.point_by_id[point].interval for point in sensor.points.values()) if one]
        interval = min(known, default=None)
    return None if interval is None else round(3 * interval.total_seconds() * 1000)


class Watch:
    """One device. Silence is counted in `mono_ms`, a clock that never goes back; `now_ms` only dates what is said."""

    def __init__(self, config: SiteConfig, sensor: Sensor, profile: Profile) -> None:
        self._offline_after_ms = offline_after_ms(config, sensor, profile)
        heartbeat = config.device(sensor.device).heartbeat
        patience = [] if self._offline_after_ms is None else [self._offline_after_ms]
        patience += [] if heartbeat is None else [round(heartbeat.total_seconds() * 1000)]
        self._repeat_ms = min(patience, default=2 * REPEAT_MS) / 2
        self._online: bool | None = None
        self._heard_ms: int | None = None
        self._said_ms = 0
        self._facts: dict[str, Any] = {}
        self._offsets: deque[float] = deque(maxlen=_OFFSETS)

    @property
    def clock_offset_s(self) -> float:
        """How far its clock is ahead of ours; 0 when it shows none."""
        return max(self._offsets, default=0.0)

    def heard(self, said: Mapping[str, Any], now_ms: int, mono_ms: int) -> dict[str, Any] | None:
        """It spoke, and perhaps of itself; the body of the status event that this is, if it is one."""
        self._heard_ms = mono_ms
        is_news = self.learn(said)
        if self._online and not is_news and mono_ms - self._said_ms < self._repeat_ms:
            return None
        return self._say(now_ms, mono_ms, online=True)

    def learn(self, said: Mapping[str, Any]) -> bool:
        """Keep what it says of itself; whether something was not known at all before. What cannot be is left out."""
        before = set(self._facts)
        changed = False
        for name, (low, high) in _NUMBERS.items():
            value = said.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
                self._facts[name] = float(value)
        firmware = said.get("firmware")
        if isinstance(firmware, str) and firmware:
            changed = self._facts.get("firmware", firmware[:_FIRMWARE]) != firmware[:_FIRMWARE]
            self._facts["firmware"] = firmware[:_FIRMWARE]
        offset = said.get("clock_offset_s")
        if isinstance(offset, int | float) and isfinite(offset):
            # A message is never early: its time on the way only makes the clock look slow.
            self._offsets.append(float(offset))
            self._facts["clock_offset_s"] = max(self._offsets)
        return changed or set(self._facts) != before

    def gone(self, now_ms: int, mono_ms: int) -> dict[str, Any] | None:
        """It, or who speaks for it, said that it is not there."""
        return None if self._online is False else self._say(now_ms, mono_ms, online=False)

    def tick(self, now_ms: int, mono_ms: int, hearing_since_ms: int) -> dict[str, Any] | None:
        """Silent for too long? Silence counts from `hearing_since_ms` at the earliest: before, we could not hear."""
        if self._offline_after_ms is None or self._online is False:
            return None
        since = hearing_since_ms if self._heard_ms is None else max(self._heard_ms, hearing_since_ms)
        return self._say(now_ms, mono_ms, online=False) if mono_ms - since > self._offline_after_ms else None

    def _say(self, now_ms: int, mono_ms: int, *, online: bool) -> dict[str, Any]:
        self._online, self._said_ms = online, mono_ms
        return {"at": format_at(now_ms), "online": online, **self._facts}
