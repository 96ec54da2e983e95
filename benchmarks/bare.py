"""The baseline: a paho subscriber with an empty callback that only counts."""

import sys
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


def main(port: int, messages: int) -> None:
    """Print `READY`, then the seconds from the first to the last message."""
    seen = 0
    first = last = 0.0

    def on_message(client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        nonlocal seen, first, last
        if seen == 0:
            first = time.monotonic()
        seen += 1
        if seen >= messages:
            last = time.monotonic()
            client.disconnect()

    def on_connect(client: paho.Client, *_: object) -> None:
        client.subscribe("bare/v1/+/+/reading", qos=1)

    def on_subscribe(*_: object) -> None:
        print("READY", flush=True)

    client = paho.Client(CallbackAPIVersion.VERSION2, "bench-bare", clean_session=True)
    client.on_message = on_message
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.connect("127.0.0.1", port)
    client.loop_forever()
    print(f"{last - first:.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
