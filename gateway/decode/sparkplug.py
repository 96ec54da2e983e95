"""Sparkplug B on the wire: protobuf messages described here by field number, and their values as Python has them.

Described in code and not generated: of the specification's messages only what a reading needs; all other fields
(metadata, data sets, templates, extensions) are skipped as unknown.
"""

from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from gateway.contract.errors import GengfuError
from gateway.drivers.modbus.registers import shortest

REBIRTH: Final = "Node Control/Rebirth"
BD_SEQ: Final = "bdSeq"
_BOOLEAN: Final = 11
_SIGNED_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64}
"""Int8 to Int64 travel as unsigned two's complement."""
MAX_METRICS: Final = 5000
MAX_BYTES: Final = 512 << 10
_PACKAGE: Final = "gengfu.sparkplug"
_Field = descriptor_pb2.FieldDescriptorProto
_METRIC_FIELDS: Final = (
    ("name", 1, _Field.TYPE_STRING),
    ("alias", 2, _Field.TYPE_UINT64),
    ("timestamp", 3, _Field.TYPE_UINT64),
    ("datatype", 4, _Field.TYPE_UINT32),
    ("is_historical", 5, _Field.TYPE_BOOL),
    ("is_null", 7, _Field.TYPE_BOOL),
)
_VALUE_FIELDS: Final = (
    ("int_value", 10, _Field.TYPE_UINT32),
    ("long_value", 11, _Field.TYPE_UINT64),
    ("float_value", 12, _Field.TYPE_FLOAT),
    ("double_value", 13, _Field.TYPE_DOUBLE),
    ("boolean_value", 14, _Field.TYPE_BOOL),
    ("string_value", 15, _Field.TYPE_STRING),
    ("bytes_value", 16, _Field.TYPE_BYTES),
)


class BadSparkplug(GengfuError):
    """The bytes are no Sparkplug B payload."""


class Told(NamedTuple):
    """One metric of a payload."""

    name: str
    """Empty: only its alias says what it is."""
    alias: int | None
    at_ms: int
    """0: it does not say."""
    datatype: int
    """0: it does not say; its birth did."""
    raw: Any
    """The value as it was sent; None: null, or of a kind that is no number, word or truth."""
    is_historical: bool = False


class Payload(NamedTuple):
    """One message."""

    at_ms: int
    seq: int | None
    metrics: list[Told]


def decode(payload: bytes) -> Payload:
    """Read a message; raises BadSparkplug."""
    if len(payload) > MAX_BYTES:
        raise BadSparkplug(f"{len(payload)} bytes are more than {MAX_BYTES}", hint="Announce fewer metrics at a time")
    message = _payload_class()
    try:
        message.ParseFromString(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSparkplug("The message is no Sparkplug B payload", hint="Is it JSON, or a STATE message?") from error
    if len(message.metrics) > MAX_METRICS:
        raise BadSparkplug(f"The message has {len(message.metrics)} metrics", hint=f"At most {MAX_METRICS} are read")
    seq = int(message.seq) if message.HasField("seq") else None
    return Payload(int(message.timestamp), seq, [_told(metric) for metric in message.metrics])


def value_of(told: Told, datatype: int) -> Any:
    """The value as its datatype means it: signed, a truth, a number, a word; None: null."""
    raw = told.raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        if datatype == _BOOLEAN:
            return raw != 0
        bits = _SIGNED_BITS.get(datatype)
        if bits is not None:
            raw &= (1 << bits) - 1
            return raw - (1 << bits) if raw >> (bits - 1) else raw
    return raw


def encode_rebirth(now_ms: int) -> bytes:
    """The command (NCMD) that asks a node to announce itself and its devices again."""
    message = _payload_class(timestamp=now_ms)
    message.metrics.add(name=REBIRTH, datatype=_BOOLEAN, boolean_value=True)
    encoded: bytes = message.SerializeToString()
    return encoded


def _told(metric: Any) -> Told:
    kind = metric.WhichOneof("value")
    raw: Any = None
    if kind is not None and kind != "bytes_value" and not metric.is_null:
        raw = getattr(metric, kind)
        if kind == "float_value":
            raw = shortest(raw)
    alias = int(metric.alias) if metric.HasField("alias") else None
    return Told(str(metric.name), alias, int(metric.timestamp), int(metric.datatype), raw, metric.is_historical)


def _described() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="gengfu/sparkplug.proto", package=_PACKAGE, syntax="proto2")
    payload = file.message_type.add(name="Payload")
    metric = payload.nested_type.add(name="Metric")
    metric.oneof_decl.add(name="value")
    for name, number, kind in _METRIC_FIELDS:
        metric.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
    for name, number, kind in _VALUE_FIELDS:
        metric.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL, oneof_index=0)
    payload.field.add(name="timestamp", number=1, type=_Field.TYPE_UINT64, label=_Field.LABEL_OPTIONAL)
    payload.field.add(
        name="metrics",
        number=2,
        type=_Field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Payload.Metric",
        label=_Field.LABEL_REPEATED,
    )
    payload.field.add(name="seq", number=3, type=_Field.TYPE_UINT64, label=_Field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


_payload_class: Final = _described()
