"""MQTT payloads of a device family → what they say, by its profile. Compiled once, pure; bad content raises nothing.

Rules: an empty payload is a retained message being deleted and says nothing. A field that is there and cannot be is
refused by name and the rest is kept. A time that is none is refused (place `time`) and the time of arrival taken.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
from typing import Any, Final, NamedTuple

from gateway.contract.errors import GengfuError
from gateway.decode.fields import Field, compiled, read_fields
from gateway.decode.said import PAYLOAD, Refused, Said, refuse, shown
from gateway.decode.select import MISSING, Select, is_true, select
from gateway.decode.senml import SenmlReader
from gateway.decode.thingsboard import ThingsboardReader
from gateway.decode.times import claim_of
from gateway.decode.tlv import TlvReader
from gateway.decode.topic import TopicPattern
from gateway.site.profile import MqttProfile, Presence, Profile

MAX_BYTES: Final = 64 << 10
MAX_DEVICES: Final = 1000
"""So many devices, or earlier measurements, may stand in one message."""
_MAX_TOPICS: Final = 4096
_BLANK: Final = "\ufeff\0 \r\n\t"


class BadProfile(GengfuError):
    """A profile holds nothing that reads MQTT payloads."""


class _Route(NamedTuple):
    pattern: TopicPattern
    fields: tuple[Field, ...]
    is_presence: bool = False


class PayloadReader:
    """Reads the messages of one family; holds nothing between messages but what it compiled."""

    def __init__(self, profile: Profile, topic: str | None = None) -> None:
        """`topic` stands in for the family's own; without `{device}` in it the device's name is "".

        Raises BadProfile for Modbus and Sparkplug families, BadSelector for expressions that are none.
        """
        mqtt = profile.mqtt
        if mqtt is None or mqtt.format == "sparkplug":
            raise BadProfile(f"Profile {profile.id} has no MQTT payloads that are read one by one")
        self._mqtt, self._is_partial = mqtt, mqtt.partial
        self._routes = tuple(_routes(mqtt, topic or mqtt.topic))
        self._claim = claim_of(mqtt.time.format) if mqtt.time is not None else None
        self._time = _optional(mqtt.time.select if mqtt.time is not None else None)
        self._identity, self._when = _optional(mqtt.identity), _optional(mqtt.when)
        self._each, self._dedupe = _optional(mqtt.each), _optional(mqtt.dedupe)
        self._firmware = _optional(mqtt.firmware)
        self._bytes = (select(mqtt.tlv.select), TlvReader(mqtt.tlv)) if mqtt.tlv is not None else None
        history = mqtt.history
        self._history = _optional(history.select if history is not None else None)
        self._past = (select(history.time.select), claim_of(history.time.format)) if history is not None else None
        presence = mqtt.presence
        self._presence = _optional(presence.select if presence is not None else None)
        self._known: dict[str, tuple[_Route, str] | None] = {}
        """Routes and device names of topics met lately."""
        self._named: SenmlReader | ThingsboardReader | None = None
        if mqtt.format in ("senml", "thingsboard"):
            kind = SenmlReader if mqtt.format == "senml" else ThingsboardReader
            self._named = kind(compiled(mqtt.fields, is_named=True), is_partial=mqtt.partial)

    def filters(self, name: str = "") -> tuple[str, ...]:
        """MQTT filters for the device of this name; for all where the payload names the device, or without a name."""
        by_topic = self._identity is None and self._each is None
        found = [one.pattern.filter(name if by_topic or one.is_presence else "") for one in self._routes]
        return tuple(dict.fromkeys(found))

    def read(self, topic: str, payload: bytes, now_ms: int, zone: tzinfo) -> list[Said]:
        """What a message says, by device and time; empty when it says nothing that concerns the family.

        `zone`: of the site, for local times. A message that cannot be read at all is one refusal with place `payload`.
        """
        known = self._known.get(topic, MISSING)
        if known is MISSING:
            known = self._find(topic)
        if known is None:
            return []
        route, name = known
        if len(payload) > MAX_BYTES:
            return [_spoilt(name, now_ms, "too_long", f"{len(payload)} bytes are more than {MAX_BYTES}")]
        try:
            text = payload.decode("utf-8").strip(_BLANK)
        except UnicodeDecodeError:
            return [_spoilt(name, now_ms, "no_text", "The message is not UTF-8", "Binary needs a codec at its gateway")]
        if not text:
            return []
        if route.is_presence and self._mqtt.presence is not None:
            return [self._present(self._mqtt.presence, name, text, now_ms)]
        if self._mqtt.format == "text":
            return [_said_text(route.fields, name, text, now_ms)]
        document = _json(text)
        if isinstance(document, Refused):
            return [Said(name, now_ms, False, refused=[document])]
        if self._named is not None:
            return self._named.read(topic, name, document, now_ms)
        return self._document(route, name, document, now_ms, zone)

    def _find(self, topic: str) -> tuple[_Route, str] | None:
        found = None
        for route in self._routes:
            name = route.pattern.device(topic)
            if name is not None:
                found = route, name
                break
        if len(self._known) >= _MAX_TOPICS:
            self._known.clear()
        self._known[topic] = found
        return found

    def _document(self, route: _Route, name: str, document: Any, now_ms: int, zone: tzinfo) -> list[Said]:
        if self._when is not None and not is_true(self._when(document)):
            return []
        if not isinstance(document, dict | list):
            return [_spoilt(name, now_ms, "wrong_type", f"The message is {shown(document)}, not an object")]
        refused: list[Refused] = []
        if self._bytes is not None and isinstance(document, dict):
            document = self._unpacked(document, refused)
        at_ms, claimed = now_ms, False
        if self._claim is not None and self._time is not None:
            raw = self._time(document)
            if raw is not MISSING and raw is not None:
                at = self._claim(raw, zone)
                if isinstance(at, int):
                    at_ms, claimed = at, True
                elif at is not None:
                    refused.append(at)
        key = ""
        if self._dedupe is not None:
            key = _text(self._dedupe(document))
        if self._identity is not None:
            name = _text(self._identity(document))
            if not name:
                reason = f"Nothing stands at {self._mqtt.identity}, which names the device"
                return [_spoilt("", now_ms, "no_device", reason)]
        if self._each is not None:
            return self._of_each(route, document, at_ms, claimed, refused, key)
        said = self._said(route, name, document, at_ms, claimed, refused, key)
        earlier = self._earlier(route, name, document, now_ms, zone, key)
        if earlier:
            said.refused[:] = [one for one in said.refused if one.code != "missing"]
            said = replace(said, absent=())
        return [*earlier, said]

    def _unpacked(self, document: dict[str, Any], refused: list[Refused]) -> dict[str, Any]:
        """The document with what its bytes say, unless a codec has said it."""
        tlv = self._mqtt.tlv
        if tlv is None or self._bytes is None or document.get(tlv.into) is not None:
            return document
        raw = self._bytes[0](document)
        if raw is MISSING or raw is None:
            return document
        found, why = self._bytes[1].read(raw)
        if why is not None:
            refused.append(why)
        return {**document, tlv.into: found}

    def _earlier(self, route: _Route, name: str, document: Any, now_ms: int, zone: tzinfo, key: str) -> list[Said]:
        history = self._mqtt.history
        if history is None or self._history is None or self._past is None:
            return []
        entries = self._history(document)
        if not isinstance(entries, list):
            return []
        when, claim = self._past
        found = []
        for entry in entries[:MAX_DEVICES]:
            wrapped = {history.into: entry}
            at = claim(when(wrapped), zone)
            if isinstance(at, int):
                found.append(self._said(route, name, wrapped, at, True, [], key))
            else:
                # Without its time it is nobody knows what: the time of arrival would make it news.
                reason = f"An entry of {history.select} has no time"
                found.append(Said(name, now_ms, False, refused=[refuse("history", "bad_time", reason)]))
        return found

    def _of_each(
        self, route: _Route, document: Any, at_ms: int, claimed: bool, refused: list[Refused], key: str
    ) -> list[Said]:
        each = self._each(document) if self._each is not None else MISSING
        if not isinstance(each, dict):
            reason = f"{self._mqtt.each} is {'missing' if each is MISSING else shown(each)}, not an object of devices"
            return [_spoilt("", at_ms, "no_device", reason)]
        said = []
        for name, inner in list(each.items())[:MAX_DEVICES]:
            if isinstance(inner, dict):
                said.append(self._said(route, _text(name), inner, at_ms, claimed, list(refused), key))
            else:
                said.append(_spoilt(_text(name), at_ms, "wrong_type", f"It says {shown(inner)}, not an object"))
        return said

    def _said(
        self, route: _Route, name: str, document: Any, at_ms: int, claimed: bool, refused: list[Refused], key: str
    ) -> Said:
        status: dict[str, Any] = {}
        if self._firmware is not None and (version := _text(self._firmware(document))):
            status["firmware"] = version[:64]
        values, absent = read_fields(route.fields, document, refused, status, is_partial=self._is_partial)
        return Said(name, at_ms, claimed, values, refused, status, absent, key)

    def _present(self, presence: Presence, name: str, text: str, now_ms: int) -> Said:
        word: Any = text
        if self._presence is not None and text[0] == "{":
            word = self._presence(_json(text))
        if word in (presence.online, presence.offline):
            return Said(name, now_ms, False, status={"online": word == presence.online})
        known = f"{presence.online} nor {presence.offline}"
        return Said(
            name, now_ms, False, refused=[refuse("presence", "unknown_word", f"{shown(word)} is neither {known}")]
        )


def _routes(mqtt: MqttProfile, topic: str) -> Iterable[_Route]:
    is_text, is_named = mqtt.format == "text", mqtt.format in ("senml", "thingsboard")
    if mqtt.presence is not None:
        yield _Route(TopicPattern(mqtt.presence.topic), (), is_presence=True)
    for own in dict.fromkeys(one.topic for one in mqtt.fields if one.topic is not None):
        yield _Route(TopicPattern(own), compiled((one for one in mqtt.fields if one.topic == own), is_text=is_text))
    rest = [one for one in mqtt.fields if one.topic is None]
    if rest:
        yield _Route(TopicPattern(topic), () if is_named else compiled(rest, is_text=is_text))


def _optional(expression: str | None) -> Select | None:
    return select(expression) if expression is not None else None


def _said_text(fields: tuple[Field, ...], name: str, text: str, now_ms: int) -> Said:
    values, refused = [], []
    status: dict[str, Any] = {}
    for field in fields:
        judged = field.judge(text)
        if isinstance(judged, Refused):
            refused.append(judged)
        elif field.status:
            status[field.status] = text[:64] if field.status == "firmware" else judged.value
        else:
            values.append(judged)
    return Said(name, now_ms, False, values, refused, status)


def _json(text: str) -> Any:
    """The document, or a Refused of the whole message."""
    try:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            place = f"at character {error.pos}" if error.pos < len(text) else "it ends too early"
            return refuse(PAYLOAD, "bad_json", f"The message {shown(text)} is no JSON: {error.msg}, {place}")
        except ValueError:  # a number of thousands of digits: the rest is as good as ever
            return json.loads(text, parse_int=float)
    except (ValueError, RecursionError):
        return refuse(PAYLOAD, "bad_json", "The message is JSON nested too deeply")


def _text(raw: Any) -> str:
    """A name or key as text, "" when it is none that can be kept."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw.bit_length() <= 64:
        return str(raw)
    return raw[:128] if isinstance(raw, str) and raw.isprintable() else ""


def _spoilt(name: str, now_ms: int, code: str, reason: str, hint: str = "") -> Said:
    return Said(name, now_ms, False, refused=[refuse(PAYLOAD, code, reason, hint)])
