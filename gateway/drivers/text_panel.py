"""Panels that print text: one engine that only listens; the formats are data (gateway.site.fire_formats)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from gateway.drivers.fire_signal import Signal
from gateway.drivers.fire_words import FireWords, component_type
from gateway.drivers.text_records import MAX_RECORD, Records
from gateway.drivers.thinner import Thinner
from gateway.site.fire_formats import TextEvent, TextFormat
from gateway.site.safe_pattern import MAX_TEXT

SELF: Final = "self"
"""The address of what is said of the panel itself."""
_STRANGE_IN_ROW: Final = 20
"""So many records that nobody understands, one after the other, are a line at a wrong speed or of another panel."""
_AM_PM: Final = re.compile(r"(?<=\d)([AP])(?=\s|$)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_TOLD: Final = {"label": "label", "device": "device_type", "zone": "zone", "loop": "loop", "point": "point"}
"""Groups that are told with the signal, and as what."""
_MAX_LINE: Final = 1000
_MOST: Final = 50
"""So many records are looked for in what should be one."""
_TRIES: Final = 100
"""At so many places of it; what is left then still is a fire of the panel if it says so."""
_STARTS: Final = re.compile(r"(?<!\S)\S")
_YEARS: Final = range(1980, 2200)
_ZEROS: Final = re.compile(r"^0+(?=\d)")


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    event: TextEvent | None = None
    turn: str = ""


class TextReader:
    """What the records of a format mean; has no memory."""

    def __init__(self, layout: TextFormat, zone: tzinfo) -> None:
        self.layout = layout
        self._zone = zone
        self._patterns = [re.compile(one, re.IGNORECASE) for one in layout.patterns]
        self._ignore = [re.compile(one, re.IGNORECASE) for one in layout.ignore]
        own = [word for event in layout.events if "fire" in event.state for word in event.words]
        self._fire = FireWords([*layout.fire_words, *own], layout.calm_words)
        self._bare = [word for word in (*layout.fire_words, *own, "火警", "火灾") if not word.isascii()]
        events = [_Word(word.upper(), event) for event in layout.events for word in event.words]
        turns = [_Word(word.upper(), turn=turn.into) for turn in layout.turns for word in turn.words]
        self._words = sorted([*events, *turns], key=lambda word: len(word.text), reverse=True)
        self._any_word = _one_of(word.text for word in self._words)
        self._fire_word = _one_of(own)
        self._low = _low_bytes([*(word.text for word in self._words), *layout.fire_words])
        commands = [(bytes.fromhex(one), b"") for one in (*layout.begins, *layout.strip)]
        ends = [] if layout.encoding == "low-byte-utf16" else [(bytes.fromhex(one), b"\n") for one in layout.ends]
        self._strip = sorted([*commands, *ends], key=lambda one: len(one[0]), reverse=True)

    def text_of(self, raw: bytes) -> str:
        """A record as a person reads it: lines joined by a line feed, printer commands left out."""
        encoding = self.layout.encoding
        if encoding == "utf-16-be":
            text = _utf_16(raw)
        else:
            for mark, instead in self._strip:
                raw = raw.replace(mark, instead)
            if encoding == "low-byte-utf16":
                text = raw.decode("latin-1")
                for low, word in self._low:
                    text = text.replace(low, word)
            else:
                text = raw.decode(encoding, "replace")
        lines = (_CONTROL.sub(" ", line).strip() for line in text.replace("\r", "\n").split("\n"))
        return "\n".join(line for line in lines if line)

    def signals(self, raw: bytes, text: str) -> list[Signal]:
        """What a record says."""
        tail = text[-MAX_TEXT:]
        is_cut = len(raw) >= MAX_RECORD or (self.layout.encoding == "utf-16-be" and len(raw) % 2 == 1)
        marks = ("cut_text",) if is_cut else ()
        for pattern in self._patterns:
            found = pattern.search(tail)
            if found is not None:
                signals = [self._signal(found, raw, text, marks)]
                rest = [text[: len(text) - len(tail)], tail[: found.start()]]
                rest += self._glued(signals, found, tail, raw, marks)
                is_more = self._fire.found_in("\n".join(rest))
                return [*signals, _fire_of_panel(raw, text, marks)] if is_more else signals
        if self._says_fire(raw, text):
            return [_fire_of_panel(raw, text, marks)]
        if any(pattern.search(tail) for pattern in self._ignore):
            return []
        return [Signal("unparsed", text=text, raw=raw, marks=("unparsed", *marks))]

    def _glued(
        self, signals: list[Signal], first: re.Match[str], tail: str, raw: bytes, marks: tuple[str, ...]
    ) -> list[str]:
        """Records after the first one, whose end was lost, join `signals`; returns what belongs to none of them.

        Only what names a point is believed. Within what the first took for its label, it must be a fire of another one.
        """
        rest, end = [], first.end()
        for start in self._starts(tail, first.start() + 1)[:_TRIES]:
            found = self._at(tail[start:]) if len(signals) < _MOST else None
            if found is None:
                continue
            signal = self._signal(found, raw, tail[start:], marks)
            if signal.scope != "component" or "unparsed" in signal.marks:
                continue
            is_told = any(signal.address == one.address for one in signals)
            if start < end and ("fire" not in signal.state or is_told):
                continue
            signals.append(signal)
            rest.append(tail[end:start])
            end = max(end, start + found.end())
        return [*rest, tail[end:]]

    def _starts(self, tail: str, begin: int) -> list[int]:
        """Where another record may begin: at a word, or at one that means fire right after other letters."""
        last = max((found.start() for found in self._any_word.finditer(tail, begin)), default=-1)
        found = [*_STARTS.finditer(tail, begin), *self._fire_word.finditer(tail, begin)]
        return sorted({one.start() for one in found if one.start() <= last})

    def _at(self, text: str) -> re.Match[str] | None:
        """The record that begins right here."""
        return next((found for pattern in self._patterns if (found := pattern.match(text)) is not None), None)

    def _signal(self, found: re.Match[str], raw: bytes, text: str, marks: tuple[str, ...]) -> Signal:
        groups = {name: value.strip() for name, value in found.groupdict().items() if value and value.strip()}
        said = groups.get("event", text)
        events, turns = self._meaning(said)
        address = _address(groups)
        panel_at, unread = self._time(groups)
        extra: dict[str, Any] = {told: groups[name] for name, told in _TOLD.items() if name in groups}
        extra["line"] = text[:_MAX_LINE]
        if unread:
            extra["panel_time"] = unread
            marks = (*marks, *(("bad_time",) if self.layout.times else ()))
        number = int(groups["panel"]) if groups.get("panel", "").isdecimal() else None
        if number is not None:
            extra["controller"] = number
        common: dict[str, Any] = {
            "system_address": number if number is not None and number < 256 else None,
            "component_type": _component_type(found, groups, said),
            "operator": int(groups["operator"]) if groups.get("operator", "").isdecimal() else None,
            "panel_at": panel_at,
            "raw": raw,
            "extra": extra,
        }
        if not events:
            is_fire = self._says_fire(raw, text)
            return Signal(
                ("component" if address else "system") if is_fire else "unparsed",
                address or (SELF if is_fire else None),
                state=("fire",) if is_fire else (),
                text=text,
                marks=("unparsed", *(("keyword",) if is_fire else ()), *marks),
                **common,
            )
        where = " ".join(groups[name] for name in ("label", "device") if name in groups) if address else ""
        return _known(events, turns, address, marks, {**common, "text": where})

    def _says_fire(self, raw: bytes, text: str) -> bool:
        """Whether it holds fire wording, also where a stray byte has put all characters after it out of step."""
        if self._fire.found_in(text):
            return True
        if self.layout.encoding != "gb18030":
            return False
        return any(raw.count(word.encode("gb18030")) > text.count(word) for word in self._bare)

    def _meaning(self, said: str) -> tuple[list[TextEvent], set[str]]:
        """Events and turns whose words stand there; a word inside a longer one does not count."""
        rest = said.upper()
        events: list[TextEvent] = []
        turns: set[str] = set()
        for word in self._words:
            if word.text not in rest:
                continue
            rest = rest.replace(word.text, "\0")
            if word.event is not None and word.event not in events:
                events.append(word.event)
            if word.turn:
                turns.add(word.turn)
        return events, turns

    def _time(self, groups: dict[str, str]) -> tuple[datetime | None, str]:
        """(when by the panel's clock, what it printed if that cannot be known)."""
        written = " ".join(groups[name] for name in ("date", "time") if name in groups)
        written = " ".join(_AM_PM.sub(r"\1M", written).split())
        for form in self.layout.times:
            try:
                shown = datetime.strptime(written, form)  # noqa: DTZ007 -- the zone is the panel's
            except ValueError:
                continue
            if shown.year in _YEARS:
                return shown.replace(tzinfo=self._zone), ""
        return None, written


class TextPanel:
    """One panel on a line: a driver as in gateway.drivers.fire_signal."""

    def __init__(self, layout: TextFormat, zone: tzinfo) -> None:
        self.baud = layout.baud
        """The panel's usual speed."""
        self._layout = layout
        self._reader = TextReader(layout, zone)
        self._records = Records(layout)
        self._first = re.compile(layout.first_line, re.IGNORECASE) if layout.first_line is not None else None
        self._held: list[tuple[bytes, str]] = []
        self._thin = Thinner()
        self._strange_in_row = 0
        self.noise = 0
        """Records without a letter or digit: nothing that anybody could read."""

    def feed(self, data: bytes, now_ms: int) -> list[Signal]:
        """Take bytes as they come, in any portions; what is said by now."""
        signals = self.close(now_ms) if self._records.is_quiet(now_ms) else []
        for raw in self._records.feed(data, now_ms):
            signals += self._take(raw, now_ms)
        return signals

    def poll(self, now_ms: int) -> bytes:
        """A panel is never spoken to."""
        return b""

    def close(self, now_ms: int) -> list[Signal]:
        """The line ends here, or is quiet: what was still held back."""
        signals = [signal for raw in self._records.flush() for signal in self._take(raw, now_ms)]
        return [*signals, *self._give(now_ms)]

    def is_well(self, now_ms: int) -> bool:
        """Whether what comes can be read: at a wrong speed it cannot. The line watches for silence."""
        return self._strange_in_row < _STRANGE_IN_ROW

    def _take(self, raw: bytes, now_ms: int) -> list[Signal]:
        text = self._reader.text_of(raw)
        if not any(character.isalnum() for character in text):
            if raw.strip():
                self.noise += 1
                self._strange_in_row += 1
            return []
        if self._first is None:
            return self._read(raw, text, now_ms)
        signals: list[Signal] = []
        if self._first.search(text[-MAX_TEXT:]):
            signals = self._give(now_ms)
        elif not self._held:
            return self._read(raw, text, now_ms)
        self._held.append((raw, text))
        return [*signals, *(self._give(now_ms) if len(self._held) >= self._layout.lines else [])]

    def _give(self, now_ms: int) -> list[Signal]:
        """The record of several lines, as far as it has come."""
        held, self._held = self._held, []
        if not held:
            return []
        return self._read(b"".join(raw for raw, _ in held), "\n".join(text for _, text in held), now_ms)

    def _read(self, raw: bytes, text: str, now_ms: int) -> list[Signal]:
        signals = self._reader.signals(raw, text)
        is_strange = bool(signals) and all("unparsed" in signal.marks for signal in signals)
        self._strange_in_row = self._strange_in_row + 1 if is_strange else 0
        return self._thin.pass_on(signals, now_ms)


def _known(
    events: Sequence[TextEvent], turns: set[str], address: str | None, marks: tuple[str, ...], common: dict[str, Any]
) -> Signal:
    if any(event.everything for event in events):
        operations = _together(*(event.operations for event in events), ("normal",))
        return Signal("system", SELF, complete=True, operations=operations, marks=marks, **common)
    state = _together(*(event.state for event in events))
    ended = _together(*(event.ended for event in events))
    operations = _together(*(event.operations for event in events))
    if "ended" in turns:
        state, ended = (), _together(state, ended)
    elif "confirm" in turns:
        operations = _together(operations, ("confirm",))
    state = tuple(word for word in state if word not in ended)
    scope = next((event.scope for event in events if event.scope is not None), None)
    if scope is None:
        scope = "component" if address else ("system" if state or ended else "operation")
    marks = _together(*(event.marks for event in events), marks)
    return Signal(scope, address or SELF, state=state, ended=ended, operations=operations, marks=marks, **common)


def _fire_of_panel(raw: bytes, text: str, marks: tuple[str, ...]) -> Signal:
    return Signal("system", SELF, state=("fire",), text=text, raw=raw, marks=("unparsed", "keyword", *marks))


def _component_type(found: re.Match[str], groups: dict[str, str], said: str) -> int | None:
    """By the field for it. Without one labels begin with the type; further on they name rooms (FIRE CONTROL ROOM)."""
    if "device" in found.re.groupindex:
        return component_type(groups.get("device", ""), said)
    return component_type(said) or component_type(groups.get("label", ""), at_start=True)


def _together(*words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for some in words for word in some))


def _address(groups: dict[str, str]) -> str | None:
    """As the panel prints it, or `loop-point` without leading zeros."""
    if "address" in groups:
        return groups["address"][:80]
    if "point" not in groups:
        return None
    parts = (_ZEROS.sub("", groups[name]) for name in ("loop", "point") if name in groups)
    address = "-".join(parts)[:80]
    return address if address.strip("0-") else None


def _one_of(words: Iterable[str]) -> re.Pattern[str]:
    """Any of them; nothing where there are none."""
    return re.compile("|".join(map(re.escape, words)) or "(?!)", re.IGNORECASE)


def _low_bytes(words: Sequence[str]) -> list[tuple[str, str]]:
    """(what only the low bytes of a Chinese word look like as Latin-1, the word), longest first."""
    chinese = {word for word in words if not word.isascii()}
    pairs = [("".join(chr(ord(character) & 0xFF) for character in word), word) for word in chinese]
    return sorted(pairs, key=lambda pair: len(pair[0]), reverse=True)


def _utf_16(raw: bytes) -> str:
    """A line in UTF-16BE; when a byte of it was lost, both halves as far as they can be read."""
    if len(raw) % 2 == 0:
        return raw.decode("utf-16-be", "replace")
    return raw[:-1].decode("utf-16-be", "replace") + "\n" + raw[1:].decode("utf-16-be", "replace")
