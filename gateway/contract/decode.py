"""Topic and payload bytes → a Heard event and the entries that had to be refused. Pure: no clock, no I/O."""

import base64
import json
import re
from math import isfinite
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.contract.errors import BadEventId, BadPayload, BadTime, ContractError
from gateway.contract.events import (
    SEQUENCE_ID,
    ULID_ID,
    FireEvent,
    ReadingBatch,
    ReadingEvent,
    RefusedReadings,
    StatusEvent,
    TapEvent,
)
from gateway.contract.times import parse_at
from gateway.contract.topics import Kind

MAX_PAYLOAD_BYTES = 1 << 20
"""A larger message is refused unread: ten thousand readings fit in well under half of this."""

_ID = re.compile(rf"(?:{SEQUENCE_ID}|{ULID_ID})")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_QUALITY = {"good": 0, "uncertain": 1, "bad": 2}
_reading = ReadingEvent.__pydantic_validator__.validate_json
_batch = ReadingBatch.__pydantic_validator__.validate_json
_refused = RefusedReadings.__pydantic_validator__.validate_json
_tap = TapEvent.__pydantic_validator__.validate_json
_fire = FireEvent.__pydantic_validator__.validate_json
_status = StatusEvent.__pydantic_validator__.validate_json


class Decoded(NamedTuple):
    """An event of the contract with its times as epoch milliseconds."""

    event_id: str
    boot: str
    seq: int
    via: str | None
    readings: list[tuple[int, int, str, float, int]]
    """(index in the batch, at_ms, point, value, quality) of a reading or a batch."""
    unit: str | None
    """The unit a single reading claims."""
    at_ms: int
    body: dict[str, Any] | None
    refused: list[tuple[str, ContractError]]
    """Entries of a batch that are no readings: (place, why)."""
    fault: str = ""
    """What is wrong with the sensor behind a single reading."""
    told: tuple[str, bytes] | None = None
    """RefusedReadings: (where it was said, the whole foreign message)."""


def decode(kind: Kind, payload: bytes) -> Decoded:
    """Decode one message; raises a ContractError that names what is wrong."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadPayload(
            f"The message has {len(payload)} bytes, more than {MAX_PAYLOAD_BYTES}", hint="Send smaller batches"
        )
    try:
        if kind == "reading":
            return _decode_reading(payload)
        event = {"tap": _tap, "fire": _fire, "status": _status}[kind](payload)
    except ValidationError as error:
        raise explain(error, payload) from error
    boot, seq = split_id(event.id)
    body: dict[str, Any] = storable(event.model_dump(exclude_unset=True))
    return Decoded(event.id, boot, seq, event.via, [], None, parse_at(event.at), body, [])


def split_id(event_id: str) -> tuple[str, int]:
    """(boot, seq) of a counting device's id, ("", 0) of a ULID."""
    boot, dash, seq = event_id.partition("-")
    return (boot, int(seq)) if dash else ("", 0)


def identity(payload: bytes) -> tuple[str, str, int, str | None]:
    """(id, boot, seq, via) of an event that is refused for another reason; raises BadEventId when it has none."""
    try:
        document: Any = json.loads(payload) if len(payload) <= MAX_PAYLOAD_BYTES else None
    except (ValueError, RecursionError):
        document = None
    event_id = document.get("id") if isinstance(document, dict) else None
    if not isinstance(event_id, str) or _ID.fullmatch(event_id) is None:
        raise BadEventId("The event's id cannot be read", hint=_FORMS["id"][2])
    via = document.get("via")
    return event_id, *split_id(event_id), via if isinstance(via, str) and _NAME.fullmatch(via) else None


def storable(value: Any) -> Any:
    """JSON as databases take it: what is not finite becomes null, a NUL character U+FFFD.

    Unknown fields may hold either, and PostgreSQL refuses both; a fire must not wait in quarantine for that.
    """
    if isinstance(value, dict):
        return {storable(key): storable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [storable(one) for one in value]
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    return None if isinstance(value, float) and not isfinite(value) else value


def _decode_reading(payload: bytes) -> Decoded:
    # One look at the text tells the two forms apart; the models then check everything.
    if b'"batch"' in payload:
        try:
            return _decode_batch(payload)
        except ValidationError as error:
            if not any(problem["loc"] == ("batch",) and problem["type"] == "missing" for problem in error.errors()):
                raise
            # The word was a value, or deeper down: a single reading after all.
    if b'"refused"' in payload and not _has_point(payload):
        return _decode_refused(payload)
    event: ReadingEvent = _reading(payload)
    event_id = event.id
    boot, dash, seq = event_id.partition("-")
    at_ms = parse_at(event.at)
    readings = [(0, at_ms, event.point, event.value, _QUALITY[event.quality])]
    if not dash:
        boot, seq = "", "0"
    body = None if event.typed is None else storable(event.model_dump(exclude_unset=True))
    return Decoded(event_id, boot, int(seq), event.via, readings, event.unit, at_ms, body, [], event.fault or "")


def _has_point(payload: bytes) -> bool:
    """Whether it is a single reading after all; inside a refusal the word may be a metric's name or a topic."""
    if b'"point"' not in payload:
        return False
    try:
        document: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "point" in document


def _decode_refused(payload: bytes) -> Decoded:
    event: RefusedReadings = _refused(payload)
    try:
        raw = base64.b64decode(event.raw, validate=True)
    except ValueError as error:
        raise BadPayload("raw is not base64", hint="Encode the whole foreign message") from error
    boot, seq = split_id(event.id)
    refused: list[tuple[str, ContractError]] = []
    for one in event.refused:
        why = BadPayload(one.reason, hint=one.hint)
        why.code = one.code
        refused.append((one.place, why))
    return Decoded(event.id, boot, seq, event.via, [], None, parse_at(event.at), None, refused, told=(event.topic, raw))


def _decode_batch(payload: bytes) -> Decoded:
    refused: list[tuple[str, ContractError]] = []
    try:
        event: ReadingBatch = _batch(payload)
        entries = event.batch
        event_id, via = event.id, event.via
    except ValidationError as error:
        event_id, via, entries, refused = _salvage(payload, error)
    readings: list[tuple[int, int, str, float, int]] = []
    newest = at_ms = 0
    known = ""
    for index, entry in enumerate(entries):
        if entry is _PLACEHOLDER:
            continue
        at, point, value = entry
        if at != known:  # the points of a batch mostly share their time
            try:
                at_ms = parse_at(at)
            except ContractError as error:
                refused.append((f"batch[{index}]", error))
                continue
            known = at
            if at_ms > newest:
                newest = at_ms
        readings.append((index, at_ms, point, value, 0))
    boot, seq = split_id(event_id)
    return Decoded(event_id, boot, seq, via, readings, None, newest, None, refused)


def _salvage(
    payload: bytes, error: ValidationError
) -> tuple[str, str | None, list[tuple[str, str, float]], list[tuple[str, ContractError]]]:
    """Keep the good entries of a batch in which some are bad (those become placeholders); a bad envelope is refused."""
    if any(problem["loc"][:1] != ("batch",) or len(problem["loc"]) < 2 for problem in error.errors()):
        raise error
    document = json.loads(payload)
    bad: dict[int, ContractError] = {}
    for problem in error.errors(include_url=False):
        index = problem["loc"][1]
        if isinstance(index, int) and index not in bad:
            bad[index] = _refusal([problem])
    entries: list[tuple[str, str, float]] = [
        _PLACEHOLDER if index in bad else (entry[0], entry[1], float(entry[2]))
        for index, entry in enumerate(document["batch"])
    ]
    return document["id"], document.get("via"), entries, [(f"batch[{index}]", why) for index, why in bad.items()]


_PLACEHOLDER: tuple[str, str, float] = ("", "", 0.0)

_HINTS = {
    "json_invalid": "Send one JSON object in UTF-8",
    "missing": "Add the field",
    "finite_number": "Leave a reading out instead of sending NaN or Infinity",
    "float_type": "Send the value as a JSON number",
    "model_type": "Send one JSON object",
}
_FORMS: dict[str, tuple[type[ContractError], str, str]] = {
    "id": (BadEventId, "is neither {boot}-{seq} nor a ULID", "Count from 1 under a name of this boot, like a7-1"),
    "at": (BadTime, "is not RFC 3339 with a zone", "Write it like 2026-11-21T08:30:00.000Z"),
    "point": (BadPayload, "is no point id", "Lower-case letters, digits and inner hyphens, as in device_configs"),
    "via": (BadPayload, "is no publisher's name", "Use letters, digits, hyphens and underscores, at most 64"),
}
"""What a text must look like, by field: the kind of error, what to say of it, and what to write instead."""
_ENTRY_FIELDS = ("at", "point", "value")


def _field(problem: ErrorDetails) -> str:
    """The field a problem is about; of an entry of a batch, the one its position stands for."""
    loc = problem["loc"]
    if len(loc) == 3 and isinstance(loc[2], int) and loc[2] < len(_ENTRY_FIELDS):
        return _ENTRY_FIELDS[loc[2]]
    return str(loc[0]) if len(loc) == 1 else ""


def _sentence(problem: ErrorDetails) -> str:
    loc = problem["loc"]
    place = str(loc[0]) + "".join(f"[{part}]" for part in loc[1:]) if loc else "payload"
    if problem["type"] == "string_pattern_mismatch" and _field(problem) in _FORMS:
        return f"{place}: {str(problem['input'])[:64]!r} {_FORMS[_field(problem)][1]}"
    return f"{place}: {problem['msg']}"


def _refusal(problems: list[ErrorDetails]) -> ContractError:
    """One sentence per problem, up to five; the first names the hint, and the code if all are of one kind."""
    text = "; ".join(_sentence(problem) for problem in problems[:5])
    if len(problems) > 5:
        text += f"; and {len(problems) - 5} more"
    kinds = set()
    hint = _HINTS.get(problems[0]["type"], "See docs/contract for the form of this event")
    for problem in reversed(problems):
        kind: type[ContractError] = BadPayload
        if problem["type"] == "string_pattern_mismatch" and _field(problem) in _FORMS:
            kind, _, hint = _FORMS[_field(problem)]
        kinds.add(kind)
    return (kinds.pop() if len(kinds) == 1 else BadPayload)(text, hint=hint)


def explain(error: ValidationError, payload: bytes) -> ContractError:
    """What is wrong with a payload, in words for the person who sent it."""
    if not payload:
        return BadPayload(
            "The message is empty", hint="Send one JSON object; an empty one only clears a retained topic"
        )
    if payload.startswith(b"\xef\xbb\xbf"):
        return BadPayload("The payload starts with a byte-order mark", hint="Send UTF-8 without one")
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as broken:
        return BadPayload(f"The payload is not UTF-8 (byte {broken.start})", hint="Send JSON in UTF-8")
    return _refusal(error.errors(include_url=False, include_context=False))
