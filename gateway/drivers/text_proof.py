"""Whether a format says of its own samples what it claims: what `gengfu check` and the tests ask."""

from collections.abc import Iterator
from datetime import UTC

from gateway.drivers.fire_signal import Signal
from gateway.drivers.text_panel import TextPanel
from gateway.site.fire_formats import Expected, Sample, TextFormat


def sample_bytes(layout: TextFormat, sample: Sample) -> bytes:
    """The bytes of a sample as they come over the line."""
    if sample.hex is not None:
        return bytes.fromhex(sample.hex)
    encoding = layout.encoding
    text = sample.text or ""
    if encoding == "low-byte-utf16":
        return bytes(ord(character) & 0xFF for character in text)
    return text.encode(encoding)


def heard(layout: TextFormat, data: bytes) -> list[Signal]:
    """What a panel of this format says with these bytes; times are read as UTC."""
    panel = TextPanel(layout, UTC)
    return [*panel.feed(data, 0), *panel.close(0)]


def disproofs(layout: TextFormat, *, zh: bool = False) -> list[str]:
    """What differs from what the samples promise, a line each, in Chinese or English; empty: the format is proven."""
    found = []
    for number, sample in enumerate(layout.samples, start=1):
        signals = heard(layout, sample_bytes(layout, sample))
        if len(signals) != len(sample.gives):
            words = "样例 {}：给出 {} 条信号，应为 {} 条" if zh else "sample {}: gives {} signals, should give {}"
            found.append(words.format(number, len(signals), len(sample.gives)))
        words = "样例 {} 第 {} 条信号：{} 给出 {}，应为 {}" if zh else "sample {}, signal {}: {} gives {}, should be {}"
        for place, (signal, expected) in enumerate(zip(signals, sample.gives, strict=False), start=1):
            for name, got, wanted in _differences(signal, expected):
                found.append(words.format(number, place, name, _written(got, zh=zh), _written(wanted, zh=zh)))
    return found


def _written(value: object, *, zh: bool) -> str:
    """As it stands in the site files."""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
    return text or ("空" if zh else "nothing")


def _differences(signal: Signal, expected: Expected) -> Iterator[tuple[str, object, object]]:
    """(key, what it gives, what was expected)."""
    panel_at = signal.panel_at
    got = {
        "scope": signal.scope,
        "address": signal.address,
        "panel": signal.extra.get("controller"),
        "state": signal.state,
        "ended": signal.ended,
        "operations": signal.operations,
        "panel_at": None if panel_at is None else panel_at.replace(tzinfo=None).isoformat(),
        "label": signal.extra.get("label"),
        "marks": signal.marks,
    }
    wanted = expected.model_dump(exclude_unset=True)
    return ((name, got[name], one) for name, one in wanted.items() if got[name] != one)
