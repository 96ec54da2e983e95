"""A QoS 1 load generator: packets are encoded beforehand, so it costs the machine little while it runs."""

import argparse
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

CONNECT = b"\x10\x17\x00\x04MQTT\x04\x02\x00\x3c\x00\x0bgengfu-load"
WINDOW = 20_000
MS = timedelta(milliseconds=1)


def _length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(out)


def packet(topic: str, payload: bytes, mid: int) -> bytes:
    """One PUBLISH with QoS 1."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + struct.pack("!H", mid) + payload
    return b"\x32" + _length(len(body)) + body


def payloads(
    root: str, boot: str, devices: int, points: int, batch: int, messages: int, site: str = "bench"
) -> Iterator[tuple[str, bytes]]:
    """(topic, payload) of calm readings, in order per device."""
    rounds = -(-batch // points)  # a batch holds so many samples of each point, one per millisecond
    start = datetime.now(UTC) - (messages // devices + 1) * rounds * MS  # the last ones carry the time of now
    for number in range(messages):
        device = number % devices
        seq = number // devices + 1
        times = [_text(start + (seq * rounds + index) * MS) for index in range(rounds)]
        if batch == 1:
            value = f"0.45{seq % 10}"
            body = f'{{"id":"{boot}-{seq}","at":"{times[0]}","point":"d{device}-p{seq % points}","value":{value}}}'
        else:
            entries = ",".join(
                f'["{times[index // points]}","d{device}-p{index % points}",0.45{index % 10}]' for index in range(batch)
            )
            body = f'{{"id":"{boot}-{seq}","batch":[{entries}]}}'
        yield f"{root}/{site}/d{device}/reading", body.encode()


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def send(port: int, packets: list[bytes], rate: float) -> float:
    """Publish all, at most WINDOW unacknowledged and `rate` per second (0: no bound); seconds it took."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(CONNECT)
    if sock.recv(4)[3] != 0:
        raise SystemExit("the broker refused the connection")
    sock.setblocking(False)
    chunk = 200
    sent = acked = answered = 0
    waiting = b""
    started = time.monotonic()
    while acked < len(packets):
        allowed = sent - acked < WINDOW and (not rate or sent < (time.monotonic() - started) * rate)
        if not waiting and sent < len(packets) and allowed:
            waiting = b"".join(packets[sent : sent + chunk])
            sent = min(sent + chunk, len(packets))
        readable, writable, _ = select.select([sock], [sock] if waiting else [], [], 0.001)
        if writable:
            waiting = waiting[sock.send(waiting) :]
        if readable:
            data = sock.recv(1 << 16)
            if not data:
                raise SystemExit("the broker closed the connection")
            answered += len(data)
            acked = answered // 4  # every answer is a PUBACK of four bytes
    return time.monotonic() - started


def main() -> None:
    """Command line: prints `READY`, waits for a line on standard input, publishes, prints the seconds it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--points", type=int, default=50)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--boot", default="load")
    parser.add_argument("--root", default="gengfu/v1", help="another root is heard by the baseline only")
    options = parser.parse_args()
    packets = [
        packet(topic, payload, index % 65_535 + 1)
        for index, (topic, payload) in enumerate(
            payloads(options.root, options.boot, options.devices, options.points, options.batch, options.messages)
        )
    ]
    print("READY", flush=True)
    sys.stdin.readline()
    print(f"{send(options.port, packets, options.rate):.3f}", flush=True)


if __name__ == "__main__":
    main()
