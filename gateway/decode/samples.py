"""Samples of profiles, replayed: what a profile makes of them against what it says it makes of them. Pure."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.contract.times import format_at, to_ms
from gateway.decode.payload import PayloadReader
from gateway.decode.registers import read
from gateway.decode.said import Said
from gateway.decode.sparkplug_reader import SparkplugReader
from gateway.site.profile import Expected, Profile, Sample

SAMPLE_NOW_MS: Final = to_ms(datetime(2026, 1, 1, tzinfo=UTC))
"""When samples arrive."""
SAMPLE_ZONE: Final = ZoneInfo("Asia/Shanghai")
"""Where samples are from."""
_HEX: Final = "hex:"
_EXACT: Final = 1e-9
"""Relative."""


def payload_bytes(payload: Any) -> bytes:
    """The bytes of a sample's payload: `hex:…`, text as it is, everything else as JSON; raises ValueError."""
    if isinstance(payload, str):
        return bytes.fromhex(payload[len(_HEX) :]) if payload.startswith(_HEX) else payload.encode()
    return json.dumps(payload, ensure_ascii=False).encode()


def read_sample(reader: PayloadReader, sample: Sample) -> list[Said]:
    """What a sample says, without entries that hold nothing."""
    return _holding(reader.read(sample.topic, payload_bytes(sample.payload), SAMPLE_NOW_MS, SAMPLE_ZONE))


def replay(profile: Profile) -> list[list[Said]]:
    """What each sample says, in their order; raises BadProfile and BadSelector as PayloadReader does."""
    if profile.modbus is not None:
        registers = profile.modbus.registers
        return [_holding([read(registers, one.registers, SAMPLE_NOW_MS)]) for one in profile.samples]
    if profile.mqtt is not None and profile.mqtt.format == "sparkplug":
        nodes = SparkplugReader(profile)
        told = ((one.topic, payload_bytes(one.payload)) for one in profile.samples)
        return [_holding(nodes.read(topic, payload, SAMPLE_NOW_MS, 0)) for topic, payload in told]
    reader = PayloadReader(profile)
    return [read_sample(reader, sample) for sample in profile.samples]


def _holding(said: list[Said]) -> list[Said]:
    return [one for one in said if one.values or one.refused or one.status]


def expected_of(said: Said) -> Expected:
    """A Said in the form that samples state."""
    return Expected(
        device=said.name,
        at=format_at(said.at_ms) if said.claimed else "",
        values={one.metric: round(one.value, 9) for one in said.values},
        faults={one.metric: one.fault for one in said.values if one.fault},
        status=dict(said.status),
        refused=tuple(one.place for one in said.refused),
        key=said.key,
    )


def disproofs(profile: Profile, *, zh: bool = False) -> list[str]:
    """What differs from what the samples promise, a line each, in Chinese or English; empty: the profile is proven."""
    found: list[str] = []
    for number, (sample, said) in enumerate(zip(profile.samples, replay(profile), strict=True), start=1):
        got = [expected_of(one) for one in said]
        if len(got) != len(sample.events):
            words = "样例 {}：变成 {} 条，应为 {} 条" if zh else "sample {}: becomes {} events, should become {}"
            found.append(words.format(number, len(got), len(sample.events)))
        words = "样例 {} 第 {} 条：{} 是 {}，应为 {}" if zh else "sample {}, event {}: {} is {}, should be {}"
        for place, (one, wanted) in enumerate(zip(got, sample.events, strict=False), start=1):
            for name, is_, should in differences(one, wanted):
                found.append(words.format(number, place, name, _written(is_, zh=zh), _written(should, zh=zh)))
    return found


def differences(got: Expected, wanted: Expected) -> Iterator[tuple[str, object, object]]:
    """(where, what it is, what it should be)."""
    if got.device != wanted.device:
        yield "device", got.device, wanted.device
    if _moment(got.at) != _moment(wanted.at):
        yield "at", got.at, wanted.at
    for key in ("values", "faults", "status"):
        mine: Mapping[str, Any] = getattr(got, key)
        its: Mapping[str, Any] = getattr(wanted, key)
        for name in dict.fromkeys((*its, *mine)):
            if not _same(mine.get(name), its.get(name)):
                yield f"{key}.{name}", mine.get(name), its.get(name)
    if sorted(got.refused) != sorted(wanted.refused):
        yield "refused", ", ".join(got.refused), ", ".join(wanted.refused)
    if got.key != wanted.key:
        yield "key", got.key, wanted.key


def _moment(at: str) -> str:
    return format_at(to_ms(datetime.fromisoformat(at))) if at else ""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return math.isclose(one, other, rel_tol=_EXACT, abs_tol=1e-9)
    return bool(one == other)


def _written(value: object, *, zh: bool) -> str:
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return text or ("空" if zh else "nothing")
