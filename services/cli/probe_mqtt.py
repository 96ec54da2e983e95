"""What devices say over MQTT and which family they are of: the core of `gengfu probe mqtt`, and its ear."""

import queue
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho

from gateway.contract.errors import GengfuError
from gateway.decode.payload import PayloadReader
from gateway.decode.propose import NothingToPropose, propose
from gateway.decode.said import Said
from gateway.decode.sparkplug_reader import SparkplugReader
from gateway.mqtt import BrokerAddress, client_options, failure, prepare
from gateway.site.profile import Profile
from services.cli.sensor_check import said_rows

OURS: Final = "gengfu/"
MOST_TOPICS: Final = 500
"""Topics kept; what comes under others is only counted."""
KEPT: Final = 5
"""Messages kept of a topic, as samples of a proposed profile."""
_LONGEST: Final = 64 << 10
_CONNECT_S: Final = 5.0
_SHOWN: Final = 60
_STATUS_WEIGHS, _REFUSED_WEIGHS = 0.25, 0.5


class BrokerSilent(GengfuError):
    """The broker cannot be reached, or refuses."""


@dataclass(slots=True)
class Heard:
    """What came under one topic."""

    topic: str
    count: int = 0
    payloads: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT))
    profile: Profile | None = None
    """The family that understands it best."""
    said: list[Said] = field(default_factory=list)
    """What that family reads in the latest message it reads anything in."""
    others: tuple[str, ...] = ()
    """Families that understand it too."""

    @property
    def device(self) -> str:
        """What the family calls the device."""
        return next((one.name for one in self.said if one.name), "")


class _Reader(Protocol):
    def __call__(self, topic: str, payload: bytes, now_ms: int) -> list[Said]: ...


class Recogniser:
    """Shows every message to every family. Pure; the caller brings messages and the time."""

    def __init__(self, profiles: Mapping[str, Profile], zone: ZoneInfo) -> None:
        self._readers = [(one, _reader(one, zone)) for one in profiles.values() if one.mqtt is not None]
        self.heard: dict[str, Heard] = {}
        self.missed = 0
        """Messages under more topics than are kept."""

    def hear(self, topic: str, payload: bytes, now_ms: int) -> None:
        """Take a message."""
        heard = self.heard.get(topic)
        if heard is None:
            if len(self.heard) >= MOST_TOPICS:
                self.missed += 1
                return
            heard = self.heard[topic] = Heard(topic)
        heard.count += 1
        heard.payloads.append(payload[:_LONGEST])
        if topic.startswith(OURS) or len(payload) > _LONGEST:
            return
        found = [(profile, read(topic, payload, now_ms)) for profile, read in self._readers]
        ranked = sorted(((weight(said), profile, said) for profile, said in found), key=lambda one: -one[0])
        ranked = [one for one in ranked if one[0] > 0]
        if ranked:
            _, heard.profile, heard.said = ranked[0]
            heard.others = tuple(profile.id for _, profile, _ in ranked[1:])

    def ours(self) -> tuple[int, int]:
        """Topics of our own contract, and messages under them."""
        ours = [one.count for one in self.heard.values() if one.topic.startswith(OURS)]
        return len(ours), sum(ours)

    def foreign(self) -> list[Heard]:
        """Everything else."""
        return [one for one in self.heard.values() if not one.topic.startswith(OURS)]

    def strangers(self) -> list[Heard]:
        """Of those the topics that no family reads."""
        return [one for one in self.foreign() if one.profile is None]

    def sensors_yaml(self) -> Iterator[str]:
        """The lines for sensors.yaml of the devices that a family recognised; point ids are the installer's."""
        seen: dict[tuple[str, str], dict[str, None]] = {}
        for heard in self.heard.values():
            if heard.profile is not None:
                for said in heard.said:
                    metrics = seen.setdefault((heard.profile.id, said.name), {})
                    metrics.update(dict.fromkeys(value.metric for value in said.values))
        for (profile, name), metrics in seen.items():
            if not metrics:  # it has only said that it is there
                continue
            points = ", ".join(f"{metric}: …" for metric in metrics)
            named = f', name: "{name}"' if name else ""
            yield f"- {{device: …, profile: {profile}{named}, points: {{{points}}}}}"


def weight(said: Sequence[Said]) -> float:
    """How well a family understands a message: what it reads, less what it has to refuse."""
    return sum(
        len(one.values) + _STATUS_WEIGHS * len(one.status) - _REFUSED_WEIGHS * len(one.refused)
        for one in said
        if one.values or one.status
    )


def proposals(strangers: Sequence[Heard]) -> Iterator[tuple[str, str]]:
    """(topic, YAML of a profile) for each topic whose messages hold something that measures."""
    for heard in strangers:
        try:
            yield heard.topic, propose(heard.topic, list(heard.payloads))
        except (NothingToPropose, ValueError):
            continue


def summary(heard: Heard, *, zh: bool) -> tuple[str, str, str]:
    """(topic, family, what it reads) as a line of the table."""
    if heard.profile is None:
        return heard.topic, "—", _short(heard.payloads[-1])
    also = f"（{', '.join(heard.others)}）" if heard.others and zh else f" ({', '.join(heard.others)})"
    family = heard.profile.id + (also if heard.others else "")
    return heard.topic, family, "; ".join(said_rows(heard.profile, heard.said, zh=zh))


def listen(
    broker: BrokerAddress,
    topic: str,
    seconds: float,
    hear: Callable[[str, bytes], None],
    show: Callable[[], None],
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Hear a broker for so long: a client of its own, QoS 0, clean session, not a word said. Raises BrokerSilent."""
    arrived: queue.Queue[tuple[str, bytes]] = queue.Queue(maxsize=10_000)
    refusal: list[str] = []
    ready: queue.Queue[None] = queue.Queue()

    def connected(client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            refusal.append(str(reason))
        else:
            client.subscribe(topic, qos=0)

    def subscribed(client: paho.Client, userdata: Any, mid: int, reasons: Any, properties: Any) -> None:
        refusal.extend(f"{topic}: {reason}" for reason in reasons if reason.is_failure)
        ready.put(None)

    def received(client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        if message.payload and not arrived.full():
            arrived.put((message.topic, bytes(message.payload)))

    client = paho.Client(**client_options(f"gengfu-probe-{secrets.token_hex(4)}", clean_session=True))
    client.connect_timeout = _CONNECT_S
    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, received
    prepare(client, broker)
    try:
        client.connect(broker.host, broker.port)
    except (OSError, socket.gaierror) as error:
        raise BrokerSilent(
            f"The broker at {broker} cannot be reached: {failure(error, broker)}",
            hint="Check --host and GENGFU_BROKER_… (user, password, CA)",
        ) from error
    client.loop_start()
    try:
        deadline = time.monotonic() + _CONNECT_S
        while ready.empty() and not refusal and time.monotonic() < deadline and not stop():
            _drain(arrived, hear, 0.05)
        if refusal or ready.empty():
            why = refusal[0] if refusal else "no answer"
            raise BrokerSilent(
                f"The broker at {broker} does not let us hear {topic!r}: {why}",
                hint="Use an account that may read these topics: GENGFU_BROKER_USERNAME, GENGFU_BROKER_PASSWORD",
            )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop():
            if _drain(arrived, hear, min(0.25, max(deadline - time.monotonic(), 0.01))):
                show()
    finally:
        client.disconnect()
        client.loop_stop()


def _drain(arrived: "queue.Queue[tuple[str, bytes]]", hear: Callable[[str, bytes], None], wait_s: float) -> bool:
    try:
        hear(*arrived.get(timeout=wait_s))
    except queue.Empty:
        return False
    while not arrived.empty():
        hear(*arrived.get_nowait())
    return True


def _reader(profile: Profile, zone: ZoneInfo) -> _Reader:
    if profile.mqtt is not None and profile.mqtt.format == "sparkplug":
        nodes = SparkplugReader(profile)

        def sparkplug(topic: str, payload: bytes, now_ms: int) -> list[Said]:
            return nodes.read(topic, payload, now_ms, now_ms)

        return sparkplug
    payloads = PayloadReader(profile)

    def read(topic: str, payload: bytes, now_ms: int) -> list[Said]:
        return payloads.read(topic, payload, now_ms, zone)

    return read


def _short(payload: bytes) -> str:
    text = payload.decode("utf-8", "replace")
    if not text.isprintable():
        text = f"hex:{payload[: _SHOWN // 2].hex()}"
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")
