"""What fire panels print, as data: how bytes are records, what their words mean (`device_configs/fire/`)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.contract.events import FireScope, FireState
from gateway.site.duration import Duration
from gateway.site.safe_pattern import SafePattern
from gateway.site.terms import AsTuple, Frozen, Id, Text

Encoding = Literal["ascii", "gb18030", "utf-8", "utf-16-be", "low-byte-utf16"]
"""`low-byte-utf16`: of each UTF-16 unit only the low byte is sent; known words are found by their low bytes."""
GROUPS: frozenset[str] = frozenset(
    {"event", "address", "panel", "loop", "point", "zone", "label", "device", "date", "time", "operator"}
)
"""The named groups a pattern may have."""


def _hex(text: str) -> str:
    return bytes.fromhex(text).hex()


Hex = Annotated[str, StringConstraints(pattern=r"^(?:[0-9A-Fa-f]{2} ?)+$", max_length=64), AfterValidator(_hex)]
"""Bytes as hex, e.g. `1B 36`."""
HexTuple = Annotated[tuple[Hex, ...], AsTuple]
Words = Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=60)], ...], AsTuple]
States = Annotated[tuple[FireState, ...], AsTuple]
Names = Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")], ...], AsTuple]


class TextEvent(Frozen):
    """What words of a record mean. Where words of several events stand in one record, all of them hold."""

    words: Annotated[Words, Field(min_length=1)]
    """Any of these in the group `event`; longer words win over shorter ones inside them."""
    state: States = ()
    ended: States = ()
    operations: Names = ()
    scope: FireScope | None = None
    """Default: the component where the record has an address, else the panel as a system."""
    everything: bool = False
    """Nothing holds any more on this panel, e.g. SYSTEM NORMAL."""
    marks: Names = ()


class Turn(Frozen):
    """Words that turn an event round: it is over, or somebody acknowledged it (then it still holds)."""

    words: Annotated[Words, Field(min_length=1)]
    into: Literal["ended", "confirm"]


class Expected(Frozen):
    """What a sample must give; what is not written here is not compared."""

    scope: FireScope | None = None
    address: str | None = None
    panel: int | None = None
    """The number of the controller in a network."""
    state: States | None = None
    ended: States | None = None
    operations: Names | None = None
    panel_at: str | None = None
    """By the panel's clock, without zone, e.g. `2008-12-02T17:24:00`."""
    label: str | None = None
    marks: Names | None = None


class Sample(Frozen):
    """Bytes of a real or documented record and what they must give: proof that the format is right."""

    text: str | None = None
    """As printed; encoded by the format's encoding."""
    hex: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f\s]+$")] | None = None
    source: str = ""
    """Where it is from; empty: made by us from the description."""
    gives: Annotated[tuple[Expected, ...], AsTuple]

    @model_validator(mode="after")
    def _is_one(self) -> "Sample":
        if (self.text is None) == (self.hex is None):
            raise ValueError("a sample has either text or hex")
        if self.hex is not None:
            bytes.fromhex(self.hex)
        return self


class TextFormat(Frozen):
    """One kind of printer or CRT output."""

    id: Id
    name: Text
    name_en: Text
    source: Text
    """Where the facts are from."""
    note: str = ""
    encoding: Encoding = "gb18030"
    baud: Annotated[int, Field(ge=300, le=921_600)] = 9600
    """The panel's usual speed; a source's own `baud` wins."""
    begins: HexTuple = ()
    """A record begins here, whatever came before."""
    ends: HexTuple = ("0d", "0a")
    """A record ends here. Empty: when the next begins, or the line is quiet."""
    min_bytes: Annotated[int, Field(ge=0, le=1024)] = 0
    """An end before so many bytes is none: for encodings in which the end is also part of a character."""
    quiet: Duration = timedelta(seconds=1)
    """A record that nobody ended is taken for whole after so long."""
    strip: HexTuple = ()
    """Printer commands, taken out."""
    heartbeats: HexTuple = ()
    """The panel's signs of life, taken out before anything else."""
    first_line: SafePattern | None = None
    """Records of several lines: a line in which this is found begins one."""
    lines: Annotated[int, Field(ge=1, le=8)] = 1
    """Records of several lines: so many at most."""
    patterns: Annotated[tuple[SafePattern, ...], Field(min_length=1, strict=False)]
    """Searched in the record, lines joined by \\n, capital or not; the first that is found counts."""
    events: Annotated[tuple[TextEvent, ...], Field(min_length=1, strict=False)]
    turns: Annotated[tuple[Turn, ...], AsTuple] = ()
    times: Words = ()
    """strptime formats of `date time`; a final A or P is read as AM or PM."""
    ignore: Annotated[tuple[SafePattern, ...], AsTuple] = ()
    """Records that say nothing: headings, PLEASE WAIT. One with fire wording is not ignored."""
    fire_words: Words = ()
    """Words that mean fire wherever they stand, besides those every format knows."""
    calm_words: Words = ()
    """Phrases that hold a fire word and do not mean fire."""
    samples: Annotated[tuple[Sample, ...], AsTuple] = ()

    @model_validator(mode="after")
    def _has_known_groups(self) -> "TextFormat":
        for pattern in self.patterns:
            unknown = set(re.compile(pattern).groupindex) - GROUPS
            if unknown:
                raise ValueError(
                    f"unknown groups {sorted(unknown)} in {pattern!r}: a pattern may have {sorted(GROUPS)}"
                )
        if (self.lines > 1) != (self.first_line is not None):
            raise ValueError("`lines` and `first_line` go together")
        return self


Formats = Mapping[str, TextFormat]
"""Formats by id."""
