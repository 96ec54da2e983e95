"""Watches the broker's own count of dropped messages, on a connection of its own.

Not every broker has one, and some (rumqttd) close a connection that asks: then there is nothing to watch, and sequence
gaps remain the way to find losses.
"""

import logging
from typing import Any

import paho.mqtt.client as paho

from gateway.mqtt import KEEPALIVE_S, BrokerAddress, client_options, prepare

log = logging.getLogger(__name__)

DROP_COUNTER = "$SYS/broker/publish/messages/dropped"
_REFUSALS = 2


class DropWatch:
    """The newest value of the broker's drop counter, if it has one."""

    def __init__(self, broker: BrokerAddress, client_id: str) -> None:
        self.broker = broker
        self.total: int | None = None
        self._refused = 0
        self._client = paho.Client(**client_options(client_id, clean_session=True))
        self._client.on_connect = self._connected
        self._client.on_message = self._received
        self._client.on_disconnect = self._disconnected
        self._client.reconnect_delay_set(min_delay=1, max_delay=60)
        prepare(self._client, broker)

    def start(self) -> None:
        """Connect in the background; a broker that is not there is waited for."""
        self._client.connect_async(self.broker.host, self.broker.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not reason.is_failure:
            client.subscribe(DROP_COUNTER, qos=0)

    def _received(self, client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:
        self._refused = 0
        if message.payload.isdigit():
            self.total = int(message.payload)

    def _disconnected(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self.total is None and reason.is_failure:
            self._refused += 1
            if self._refused >= _REFUSALS:
                log.debug("the broker at %s offers no drop counter", self.broker)
                client.disconnect()
