"""What a family of devices says, described once: `device_configs/profiles/`. Data only; gateway.decode reads by it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from gateway.site.duration import Duration
from gateway.site.terms import AsTuple, Finite, Frozen, Id, Text

_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,4}")
Function = Literal["holding", "input", "coil", "discrete"]
"""Modbus function 3, 4, 1, 2: read only, we never write."""
RegisterType = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bit"]
Address = Annotated[int, Field(ge=0, le=65_535, strict=False)]
"""As a key: YAML's keys are text."""


def _word(value: Any) -> Any:
    return int(value, 16) if isinstance(value, str) and _HEX.fullmatch(value) else value


Word = Annotated[int, BeforeValidator(_word), Field(ge=0, le=65_535)]
"""What stands in a register; also as the makers write it, e.g. 0x43c8."""
PayloadFormat = Literal["json", "text", "senml", "thingsboard", "sparkplug"]
TimeFormat = Literal["iso", "s", "ms", "ns", "auto"]
TlvType = Literal["int8", "uint8", "int16", "uint16", "int32", "uint32"]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Selector = Annotated[str, StringConstraints(min_length=1, max_length=300)]
TopicPattern = Annotated[str, StringConstraints(min_length=1, max_length=300)]
"""An MQTT filter in which `{device}` names the device, e.g. `tele/{device}/SENSOR`; names may contain `/`."""


class Loop(Frozen):
    """A current or voltage loop: what is outside [low, high] is a broken wire or sensor, not a value (NAMUR NE 43)."""

    low: Finite = 3.6
    high: Finite = 21.0
    zero: Finite = 4.0
    """The signal at the bottom of the range; at or above `low` but below `zero` reads as the bottom."""
    full: Finite = 20.0
    """The signal at the top of the range."""


class Metric(Frozen):
    """One value a device gives, and what makes it plausible."""

    name: MetricName
    title: str = ""
    title_en: str = ""
    unit: str = "1"
    """The unit after `scale` and `offset`: one of the contract, or one that converts (`psi`, `°F`). Loop: mA, V."""
    scale: Finite = 1.0
    offset: Finite = 0.0
    """value = raw * scale + offset."""
    minimum: Finite | None = None
    maximum: Finite | None = None
    """In `unit`: outside is refused with a reason, as no device of the family can measure it."""
    values: Mapping[str, Finite] = {}
    """Words (or `true`, `false`) and their numbers, e.g. {open: 1, closed: 0}; then nothing else is taken."""
    above: Finite | None = None
    """The value is 1 when the number is above this, else 0, e.g. frames per second → online."""
    loop: Loop | None = None
    """The raw value is a loop's signal: it becomes the point's value over the range that the site's sensor states."""
    status: Literal["", "battery", "rssi_dbm", "snr_db", "firmware", "clock_offset_s"] = ""
    """It is about the device itself: it goes into its status and needs no point."""


class PayloadField(Metric):
    """A metric of an MQTT payload."""

    select: Selector
    """A JMESPath expression; plain dotted names cost least. text: ignored. senml, thingsboard, sparkplug: the metric's
    name there; senml `@`: the record without a name of its own."""
    text_number: bool = False
    """The payload writes the number as text, e.g. `"20.6"`; otherwise that is refused."""
    unit_select: Selector | None = None
    """Where the payload itself says the unit; `unit` holds where it does not. senml: records say it anyway."""
    units: Mapping[str, str] = {}
    """The payload's words for units, e.g. {C: "°C"}."""
    optional: bool = True
    """False: a payload without it is refused, whether or not a point of the site needs it."""
    topic: TopicPattern | None = None
    """It comes under a topic of its own, e.g. ESPHome's one topic a sensor."""


class TimeRule(Frozen):
    """Where a payload says when it was measured; without a rule the time of arrival holds."""

    select: Selector
    format: TimeFormat = "iso"
    """iso without zone is the site's local time; auto: text is iso, a number milliseconds. A time before 2005 is a
    clock that nobody has set: then arrival holds."""


class TlvItem(Frozen):
    """What follows a channel and its type in the bytes."""

    parts: Mapping[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")], TlvType] = {}
    """Names and how their numbers are written, little-endian, in their order."""
    skip: Annotated[int, Field(ge=0, le=255)] = 0
    """So many bytes after them are of no interest."""
    each: Annotated[str, StringConstraints(max_length=64)] = ""
    """It may come several times: a list of this name."""


class Tlv(Frozen):
    """Raw bytes of a LoRaWAN sensor whose gateway has no codec: channel, type, value, again and again."""

    select: Selector
    """Where they stand, as base64."""
    into: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """Where a codec would put what it makes of them; when something stands there already, that holds."""
    items: Mapping[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4}$")], TlvItem]
    """By channel and type in hexadecimal."""


class History(Frozen):
    """Earlier measurements that a payload brings along, after an outage of the radio."""

    select: Selector
    """A list; each entry is read as a payload of its own …"""
    into: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """… in which it stands under this name: `object` where the fields select `object.pressure`."""
    time: TimeRule
    """Where such a payload says when; an entry without a time is refused."""


class Presence(Frozen):
    """How the family says that a device is there."""

    topic: TopicPattern
    online: Text
    offline: Text
    select: Selector | None = None
    """JSON: where the word stands."""


class MqttProfile(Frozen):
    """Payloads over MQTT."""

    topic: TopicPattern
    format: PayloadFormat = "json"
    fields: Annotated[tuple[PayloadField, ...], AsTuple] = ()
    time: TimeRule | None = None
    identity: Selector | None = None
    """Where the payload says which device it is; default the `{device}` of the topic."""
    each: Selector | None = None
    """An object in the payload whose keys name devices: each of its values is read as that device's payload."""
    partial: bool = False
    """A message may carry only what changed; otherwise a metric that a point needs and that is not there is refused."""
    tlv: Tlv | None = None
    history: History | None = None
    """With entries in it, the message itself need not carry what has to be there otherwise."""
    dedupe: Selector | None = None
    """Where the payload carries an id that is the same when it comes again."""
    firmware: Selector | None = None
    when: Selector | None = None
    """Only payloads for which this is true concern us, e.g. `method == 'NotifyStatus'`."""
    presence: Presence | None = None
    rebirth: bool = False
    """sparkplug: we may ask a node to announce itself again (NCMD Node Control/Rebirth)."""


class Register(Metric):
    """A metric of a Modbus device."""

    function: Function = "holding"
    address: Annotated[int, Field(ge=0, le=65_535)]
    """Zero-based, as on the wire: 40001 is holding 0."""
    type: RegisterType = "uint16"
    word_order: Literal["big", "little"] = "big"
    """32 and 64 bit: which register comes first."""
    byte_order: Literal["big", "little"] = "big"
    """Within a register."""
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    """type bit in a register: which one, 0 is the lowest."""
    invalid: Annotated[tuple[Finite, ...], AsTuple] = ()
    """Raw values that mean «no measurement», e.g. 32767."""


class ModbusProfile(Frozen):
    """Registers of a Modbus slave."""

    registers: Annotated[tuple[Register, ...], Field(min_length=1, strict=False)]
    max_gap: Annotated[int, Field(ge=0, le=64)] = 8
    """Registers nobody asked for that may be read along to save a request; 0: the device refuses gaps."""
    max_registers: Annotated[int, Field(ge=1, le=125)] = 100
    """The longest request this device answers."""
    interval: Duration | None = None
    baud: Annotated[int, Field(ge=300, le=921_600)] | None = None
    framing: Literal["8N1", "8E1", "8O1", "8N2", "7E1"] | None = None
    """Factory settings, for people and for `gengfu probe`."""


class Expected(Frozen):
    """What a sample has to become."""

    device: str = ""
    at: str = ""
    """RFC 3339; empty: the time of arrival, which is 2026-01-01T00:00:00Z in samples; their zone is Asia/Shanghai."""
    values: Mapping[str, Finite] = {}
    """By metric, in the metric's unit; of a loop its signal."""
    faults: Mapping[str, str] = {}
    """By metric: `electrical` and the like."""
    status: Mapping[str, Any] = {}
    refused: Annotated[tuple[str, ...], AsTuple] = ()
    """Metrics (or `payload`, `time`) that are refused."""
    key: str = ""
    """The id by which a repeated message is known."""


class Sample(Frozen):
    """A real message and the events it becomes; `gengfu check` replays it."""

    note: str = ""
    """Where it is documented, or what is special about it."""
    topic: str = ""
    payload: Any = None
    """Text; or JSON written as YAML; bytes as `hex:0175…`."""
    registers: Mapping[Function, Mapping[Address, Word]] = {}
    """Modbus: what stands in which register."""
    events: Annotated[tuple[Expected, ...], AsTuple] = ()
    """Empty: the message says nothing that concerns us."""


class Profile(Frozen):
    """A family of devices: exactly one of `mqtt` and `modbus`."""

    id: Id
    name: Text
    name_en: Text
    source: Text
    """Which documentation the registers or payloads are from."""
    note: str = ""
    mqtt: MqttProfile | None = None
    modbus: ModbusProfile | None = None
    samples: Annotated[tuple[Sample, ...], AsTuple] = ()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Everything the family measures."""
        if self.mqtt is not None:
            return self.mqtt.fields
        return self.modbus.registers if self.modbus is not None else ()
