"""Whether a format says of its own samples what it claims: what `gengfu check` and the tests ask."""

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


def disproofs(layout: TextFormat) -> list[str]:
    """What differs from what the samples promise, a line each; empty: the format is proven."""
    found = []
    for number, sample in enumerate(layout.samples, start=1):
        signals = heard(layout, sample_bytes(layout, sample))
        if len(signals) != len(sample.gives):
            found.append(f"sample {number}: {len(signals)} signals instead of {len(sample.gives)}")
        for signal, expected in zip(signals, sample.gives, strict=False):
            found += [f"sample {number}: {one}" for one in _differences(signal, expected)]
    return found


def _differences(signal: Signal, expected: Expected) -> list[str]:
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
    return [f"{name} is {got[name]!r} instead of {one!r}" for name, one in wanted.items() if got[name] != one]
