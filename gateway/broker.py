"""The embedded MQTT broker: rumqttd 0.20 (in the wheel `iotcore` 0.4) in a child process on 127.0.0.1 only.

Measured with paho clients and the configuration below; tests/integration/test_broker.py pins what others rely on.

Good: persistent sessions with a truthful `session_present`; unacknowledged messages come again after a reconnect, a
takeover or a clean DISCONNECT, in order, none missing (never with the DUP flag); 20,000 messages queued offline came
in order; retained messages; last will on a lost connection and on takeover, not on DISCONNECT; a stalled subscriber
does not hold up others; publishing what nobody subscribes to is acknowledged. No CPU when idle, 37 µs of CPU per
message carried (Mosquitto: 14), publish to receive 0.5 ms.

To know:
- Nothing is on disk. A restart forgets sessions, queues and retained messages (`session_present` is then false).
- It keeps one log per topic filter for all subscribers, `queue_bytes` long, and never shortens it: a busy filter uses
  up that much memory in time. A session that falls further behind silently loses the oldest messages.
- At most 100 unacknowledged messages are on the way to a subscriber, whatever `max_inflight_count` says.
- Order holds per filter, not between two filters of one session.
- These end the connection, without a reason code: subscribing to anything under `$` (so `$SYS` too), an acknowledgement
  out of order, a keep-alive of 0, a client id with one of `/ + # $`, MQTT 5, a message over the size limit.
- Subscribing again to a filter that the session has already brings no retained message; a new session gets it.
- It leaves Nagle's algorithm on: of two small messages right after each other the second may wait 40 ms for the
  receiver's delayed acknowledgement (measured: tap put to receipt settled 45 ms here, 2 ms over Mosquitto).
- Overlapping filters of one session deliver a message once each.
- A message without payload clears a retained one even when it is not marked retained.
"""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from gateway.contract.decode import MAX_PAYLOAD_BYTES
from gateway.contract.errors import GengfuError
from gateway.contract.topics import receipt_topic

log = logging.getLogger(__name__)

_PACKAGE_ROOT = str(Path(__file__).resolve().parent.parent)
# -P keeps the working directory off the path, so that no folder named like a package of ours can shadow it.
_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from gateway.broker import serve; serve(sys.argv[2])"
_POLL_S = 0.02

DEFAULT_QUEUE_BYTES = 64 << 20
"""Per topic filter: about 200,000 single readings."""

_SEGMENTS = 16
_CONFIG = """\
# Written by Gengfu at every start; changes here are lost.
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = {segment_bytes}
max_segment_count = {segments}
[router.custom_segment.'{receipts}']
max_segment_size = 262144
max_segment_count = 4
[v4.1]
name = "embedded"
listen = "{listen}"
next_connection_delay_ms = 0
[v4.1.connections]
connection_timeout_ms = 10000
max_payload_size = {max_packet}
max_inflight_count = 100
dynamic_filters = false
"""


class BrokerError(GengfuError):
    """The embedded broker can not start or did not stay up."""


class PortTaken(BrokerError):
    """Another program listens where the embedded broker should."""


class EmbeddedBroker:
    """Start, watch and stop the embedded broker; it dies with this process, however that ends."""

    def __init__(
        self, data_dir: Path, port: int = 1883, host: str = "127.0.0.1", queue_bytes: int = DEFAULT_QUEUE_BYTES
    ) -> None:
        if host not in ("127.0.0.1", "localhost"):
            raise BrokerError(
                f"The embedded broker was asked to listen on {host}, but it knows no passwords",
                hint="Use 127.0.0.1, or Mosquitto with device_configs/broker/mosquitto.conf for devices on a network",
            )
        self.host = "127.0.0.1"
        self.port = port
        self._config_path = data_dir / "broker.toml"
        self._queue_bytes = queue_bytes
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """The child process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, timeout: float = 10.0) -> Self:
        """Start and return once connections are accepted; raises PortTaken or BrokerError. `timeout` in seconds."""
        if self.is_running:
            return self
        self.stop()
        self._refuse_taken_port()
        self._config_path.parent.mkdir(parents=True, exist_ok=True)
        self._config_path.write_text(
            _CONFIG.format(
                listen=f"{self.host}:{self.port}",
                receipts=receipt_topic("+"),
                segment_bytes=max(1024, self._queue_bytes // _SEGMENTS),
                segments=_SEGMENTS,
                # Twice: room for what ingest refuses with a reason. Beyond it the sender loses its connection.
                max_packet=2 * MAX_PAYLOAD_BYTES,
            ),
            encoding="utf-8",
        )
        self._process = subprocess.Popen(  # noqa: S603 -- our interpreter, our arguments
            [sys.executable, "-P", "-c", _BOOTSTRAP, _PACKAGE_ROOT, str(self._config_path)],
            stdin=subprocess.PIPE,  # the child ends when this pipe closes: also when we are killed
        )
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            code = self._process.poll()
            if code is not None:
                self.stop()
                raise BrokerError(
                    f"The embedded broker ended with code {code} while starting", hint="See its output above"
                )
            if self._accepts():
                return self
            time.sleep(_POLL_S)
        self.stop()
        raise BrokerError(f"The embedded broker did not listen on port {self.port} within {timeout:g} s")

    def stop(self, timeout: float = 5.0) -> None:
        """End the child and release the port; safe to call twice. `timeout` in seconds before it is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout)
        if process.stdin is not None:
            process.stdin.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise PortTaken(
                    f"The embedded broker can not listen on {self.host}:{self.port} ({error.strerror})",
                    hint="Another program uses this port: stop it, or choose another port for the broker",
                ) from error

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=0.2).close()
        except OSError:
            return False
        return True


def serve(config_path: str) -> None:
    """Run the broker in this process until the parent goes away (entry point of the child)."""
    from iotcore import IotCoreBroker

    # Ctrl-C reaches the whole terminal group; the parent decides when its broker may go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    IotCoreBroker(config_path=config_path).run_forever()


def _end_with_parent(parent: int) -> None:
    # The pipe may be open in a forked sibling as well: then only the parent's id tells that it is gone.
    while os.getppid() == parent:
        if select.select([sys.stdin], [], [], 1.0)[0] and not os.read(sys.stdin.fileno(), 1):
            break
    os._exit(0)
