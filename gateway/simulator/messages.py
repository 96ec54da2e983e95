"""Contract messages as a device writes them, and the ways in which a broken device gets them wrong."""

import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

from gateway.contract.times import format_at
from gateway.simulator.noise import bits, key_of

Role = Literal["reading", "birth", "heartbeat", "will", "malformed", "tap"]
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Message(NamedTuple):
    """One MQTT message and the moment its device hands it to the network."""

    send_at_ms: int
    topic: str
    payload: bytes
    qos: int
    retain: bool
    role: Role = "reading"
    """`birth`: the device has just connected; `will`: the broker says this for a device it lost."""


def ulid(key: int, at_ms: int) -> str:
    """A ULID of that moment, the same for the same key."""
    number = (at_ms << 80) | (bits(key, at_ms) << 16) | (bits(key, -at_ms - 1) & 0xFFFF)
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def boot_id(seed: int, site: str, device: str, booted_ms: int) -> str:
    """Names one boot of a device: a run started at another moment is another boot."""
    return f"B{key_of(seed, site, device, booted_ms):016x}"


def reading(event_id: str, at_ms: int, point: str, value: float, unit: str) -> bytes:
    """One value of one point."""
    return (
        f'{{"id":"{event_id}","at":"{format_at(at_ms)}","point":"{point}","value":{value!r},"unit":"{unit}"}}'
    ).encode()


def batch(event_id: str, at_ms: int, values: list[tuple[str, float]]) -> bytes:
    """Values of several points at one moment under one id."""
    at = format_at(at_ms)
    entries = ",".join(f'["{at}","{point}",{value!r}]' for point, value in values)
    return f'{{"id":"{event_id}","batch":[{entries}]}}'.encode()


def status(event_id: str, at_ms: int, *, online: bool, will: bool = False) -> bytes:
    """On or off. A will was written when the device connected: its `at` is that moment, which `will` tells."""
    document: dict[str, object] = {"id": event_id, "at": format_at(at_ms), "online": online}
    if will:
        document["will"] = True
    return json.dumps(document, separators=(",", ":")).encode()


def tap(event_id: str, body: Mapping[str, object]) -> bytes:
    """A tap, in the order of its fields."""
    return json.dumps({"id": event_id, **body}, ensure_ascii=False, separators=(",", ":")).encode()


def malformed(number: int, event_id: str, at_ms: int, point: str, value: float) -> bytes:
    """One of several messages that break the contract, by turns."""
    at = format_at(at_ms)
    forms = (
        f'{{"id":"{event_id}","at":"{at}","point":"{point}","value":{value!r}'.encode(),
        f'{{"id":"{event_id}","at":"{at}","point":"{point}","value":"{value!r} MPa"}}'.encode(),
        f'{{"id":"{event_id}","at":"{at[:19].replace("T", " ")}","point":"{point}","value":{value!r}}}'.encode(),
        f'{{"id":"{event_id}","at":"{at}","point":"{point}","value":NaN}}'.encode(),
        f'{{"id":"{event_id}","at":"{at}","value":{value!r}}}'.encode(),
        f'{{"at":"{at}","point":"{point}","value":{value!r}}}'.encode(),
        f'{{"id":"{event_id}","at":"{at}","point":"{point}","value":{value!r},"text":"低区"}}'.encode("gb18030"),
        f'{{"id":"{event_id}","at":"2026-02-30T00:00:00.000Z","point":"{point}","value":{value!r}}}'.encode(),
        f"{at};{point};{value!r}".encode(),
        f'{{"id":"{event_id}","at":"{at}","point":"{point}","value":{value!r},"quality":"excellent"}}'.encode(),
    )
    return forms[number % len(forms)]
