"""MQTT payloads of tag readers with other firmware (Tasmota, ESPHome, Home Assistant) → reads. Pure."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any, Final

from gateway.contract.errors import GengfuError
from gateway.contract.times import to_ms
from gateway.drivers.read import Read
from gateway.drivers.uid_line import uid_in
from gateway.site.patrol import ReaderProtocol

MQTT_PROTOCOLS: Final[tuple[ReaderProtocol, ...]] = ("tasmota", "esphome", "esphome_json", "home_assistant")
MAX_BYTES: Final = 64 << 10
_TASMOTA: Final = ("pn532", "rc522", "rdm6300")
_UID_KEYS: Final = ("uid", "tag_id", "tagid", "tag", "x")
_MAX_DEPTH: Final = 6
_DECIMAL: Final = re.compile(r"[0-9]{1,10}")


class BadTagPayload(GengfuError):
    """A reader's message holds no tag."""


def decode(protocol: ReaderProtocol, payload: bytes, now_ms: int, zone: tzinfo) -> list[Read]:
    """The reads in one message, dated by its arrival; a `Time` of the reader's own becomes `claimed_ms`.

    Raises BadTagPayload. A message that plainly is about something else (Tasmota telemetry) has no reads.
    """
    text = _text(payload)
    if not text:
        return []
    if protocol == "tasmota":
        return _tasmota(_json(text), now_ms, zone)
    if protocol == "esphome":
        return [Read(_uid(text, decimal=True), now_ms)]
    is_json = protocol == "esphome_json" or text[0] in '{["'
    document = _json(text) if is_json else text
    values = _values(document) if isinstance(document, dict | list) else [document]
    uids = [_uid(value, decimal=protocol == "esphome_json") for value in values]
    if not uids:
        raise BadTagPayload("The message names no tag", hint=f"One of the keys {', '.join(_UID_KEYS)} is needed")
    return [Read(uid, now_ms, claimed_ms=_claimed(document, zone)) for uid in dict.fromkeys(uids)]


def _tasmota(document: Any, now_ms: int, zone: tzinfo) -> list[Read]:
    if not isinstance(document, dict):
        raise BadTagPayload("Tasmota sends a JSON object", hint="Subscribe to tele/<topic>/SENSOR")
    said = [(sensor.lower(), body) for sensor, body in document.items() if sensor.lower() in _TASMOTA]
    reads = []
    for sensor, body in said:
        uid = next((value for key, value in _items(body) if key == "uid"), None)
        if uid is None:
            raise BadTagPayload(f"{sensor} without UID")
        text = _uid(uid)
        if text.strip("0"):
            reads.append(Read(text, now_ms, claimed_ms=_claimed(document, zone)))
    return reads


def _items(body: Any) -> Iterator[tuple[str, Any]]:
    return ((key.lower(), value) for key, value in body.items()) if isinstance(body, dict) else iter(())


def _values(document: Any, depth: int = 0) -> Iterator[Any]:
    """What stands under the keys that name a tag, however deep."""
    if isinstance(document, list) and depth < _MAX_DEPTH:
        for one in document:
            yield from _values(one, depth + 1)
    for key, value in _items(document):
        if isinstance(value, dict | list):
            if depth < _MAX_DEPTH:
                yield from _values(value, depth + 1)
        elif key in _UID_KEYS:
            yield value


def _uid(value: Any, *, decimal: bool = False) -> str:
    """The UID as printed. A number (with `decimal` also bare digits) is ESPHome's EM4100 form: ten digits show that."""
    if isinstance(value, int) and not isinstance(value, bool):
        value, decimal = str(value), True
    if decimal and isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return value.strip().zfill(10)
    uid = uid_in(value) if isinstance(value, str) else None
    if uid is None:
        raise BadTagPayload(f"{str(value)[:80]!r} is no UID", hint="Hex with or without separators, or decimal digits")
    return uid


def _claimed(document: Any, zone: tzinfo) -> int | None:
    text = next((value for key, value in _items(document) if key == "time"), None)
    try:
        moment = datetime.fromisoformat(str(text))
        return to_ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def _text(payload: bytes) -> str:
    if len(payload) > MAX_BYTES:
        raise BadTagPayload(f"{len(payload)} bytes are no tag")
    try:
        return payload.decode("utf-8").strip("\ufeff\0 \r\n\t")
    except UnicodeDecodeError as error:
        raise BadTagPayload("The message is not UTF-8") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadTagPayload("The message is no JSON", hint="Is it another protocol of `readers:`?") from error
