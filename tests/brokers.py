"""Real brokers for tests, on 127.0.0.1 and a free port, and a stand-in for ingest that gives receipts."""

import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

import paho.mqtt.client as paho
from require import require

from gateway.broker import DEFAULT_QUEUE_BYTES, EmbeddedBroker
from gateway.contract.receipts import Receipt
from gateway.contract.topics import KINDS, ready_topic, receipt_topic, subscription
from gateway.mqtt import BrokerAddress, client_options, prepare

SHIPPED_CONFIG = Path(__file__).parents[1] / "device_configs" / "broker" / "mosquitto.conf"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
START_SECONDS = 10.0
SITE = "jingan"
PATIENT = 20.0
"""Seconds after which a test gives up; what it waits for takes far less."""


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 5
_PORTS = itertools.count(os.getpid() * 37)


def free_port() -> int:
    """A port on which nothing listens and nobody else will: below those of the kernel's choice, and never one twice.

    What the kernel chose it may choose again, for the tests on the other core, before the server here has bound it.
    """
    while True:
        port = 12_000 + 4_000 * _WORKER + next(_PORTS) % 4_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server(Protocol):
    """What the tests need from a broker."""

    port: int

    def start(self) -> Self: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...


class MosquittoServer:
    """Mosquitto with the configuration that Gengfu ships; `stock`: with its own defaults, as a stranger runs it."""

    def __init__(self, tmp_path: Path, config_extra: str = "", stock: bool = False) -> None:
        require(MOSQUITTO, "mosquitto is not installed (Debian: apt-get install mosquitto)")
        self.port = free_port()
        self.directory = tmp_path / f"mosquitto-{self.port}"
        self.directory.mkdir(parents=True)
        self.log_path = self.directory / "log"
        self._config = self.directory / "mosquitto.conf"
        self._config.write_text(self._stock() if stock else self._shipped())
        with self._config.open("a") as config:
            # Started by root it would become the user mosquitto, who may not write below a test's directory.
            config.write("\nuser root\n" if os.geteuid() == 0 else "\n")
            config.write(config_extra + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> BrokerAddress:
        """Where clients connect."""
        return BrokerAddress("127.0.0.1", self.port)

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start and wait until it listens."""
        assert self._process is None
        assert MOSQUITTO is not None
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.01)
        self.kill()
        raise AssertionError(f"mosquitto did not start:\n{self.log_path.read_text()}")

    def stop(self) -> None:
        """End it in order; it saves its sessions."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop in order and start again on the same port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(10)

    def _stock(self) -> str:
        return f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"

    def _shipped(self) -> str:
        text = SHIPPED_CONFIG.read_text(encoding="utf-8")
        text, listeners = re.subn(r"(?m)^listener 1883 ", f"listener {self.port} ", text)
        text, locations = re.subn(r"(?m)^persistence_location .*", f"persistence_location {self.directory}/", text)
        assert listeners == locations == 1, "the shipped mosquitto.conf has changed: adapt this helper"
        return text


class EmbeddedServer:
    """The embedded broker, with the same handles."""

    def __init__(self, tmp_path: Path, queue_bytes: int = DEFAULT_QUEUE_BYTES) -> None:
        self.port = free_port()
        self._broker = EmbeddedBroker(tmp_path / f"embedded-{self.port}", self.port, queue_bytes=queue_bytes)

    @property
    def address(self) -> BrokerAddress:
        """Where clients connect."""
        return BrokerAddress("127.0.0.1", self.port)

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        pid = self._broker.pid
        assert pid is not None
        return pid

    def start(self) -> Self:
        """Start and wait until it listens."""
        self._broker.start()
        return self

    def stop(self) -> None:
        """End it in order; it keeps nothing all the same."""
        self._broker.stop()

    def kill(self) -> None:
        """End it as a crash would."""
        if self._broker.pid is not None:
            os.kill(self._broker.pid, signal.SIGKILL)
        self._broker.stop()

    def restart(self) -> None:
        """Stop and start again on the same port."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class Consumer:
    """Stands in for ingest: a persistent session that receipts what it hears, duplicates too."""

    def __init__(self, broker: BrokerAddress, *, receipts: bool = True, client_id: str = "stand-in") -> None:
        self.receipts = receipts
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.changed = threading.Condition()
        self.before_ready = 0
        self._client = client = paho.Client(**client_options(client_id, clean_session=False), manual_ack=True)
        prepare(client, broker)
        client.reconnect_delay_set(1, 1)
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self.announce()
        client.on_message = self._on_message
        client.connect(broker.host, broker.port, 30)
        client.loop_start()

    def _on_connect(self, client: paho.Client, *_: object) -> None:
        client.subscribe([(subscription(SITE, kind), 1) for kind in KINDS])

    def announce(self) -> None:
        """Say that the session exists."""
        self._client.publish(ready_topic(SITE), b'{"since":"now"}', qos=1, retain=True)

    def _on_message(self, client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        event = json.loads(message.payload)
        with self.changed:
            self.heard.append((message.topic, event))
            self.changed.notify_all()
        client.ack(message.mid, message.qos)
        if self.receipts and "via" in event:
            self.receipt(message.topic, event)

    def receipt(self, topic: str, event: dict[str, Any]) -> None:
        boot, _, seq = event["id"].partition("-")
        receipt = Receipt()
        receipt.add(topic.split("/")[3], boot, int(seq), event["id"])
        self._client.publish(receipt_topic(event["via"]), receipt.to_json(), qos=1)

    def wait(self, condition: Callable[["Consumer"], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), PATIENT), f"heard {len(self.heard)} messages"

    def ids(self, device: str = "") -> list[str]:
        """Ids in order of first arrival, of one device or as device/id of all."""
        with self.changed:
            heard = [(topic.split("/")[3], event["id"]) for topic, event in self.heard if "via" in event]
        first = dict.fromkeys(heard)
        return [one for where, one in first if where == device] if device else [f"{a}/{b}" for a, b in first]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
