"""A payload's fields, compiled: raw value (and the payload's own word for its unit) → value or refusal. Pure."""

import difflib
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import inf, nan
from typing import Any, Final

from gateway.decode.plausible import Judge, judge_of
from gateway.decode.said import Refused, Value, refuse, shown
from gateway.decode.select import MISSING, plain_path, select
from gateway.decode.units import BadUnit, converter, is_word
from gateway.site.profile import PayloadField

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_NO_NUMBERS: Final = {"nan": nan, "inf": inf, "+inf": inf, "-inf": -inf, "infinity": inf, "-infinity": -inf}
_MAX_UNITS: Final = 32
_NAMES, _NAME = 24, 32
"""Among so many names of at most so many letters the new one of a lost field is looked for."""


class Field:
    """One field of a family, everything looked up once."""

    __slots__ = (
        "_by_unit", "_is_named", "_is_text", "_measures", "_metric", "find", "judge", "name", "required", "status",
        "unit_of", "wanted",
    )  # fmt: skip

    def __init__(self, field: PayloadField, *, is_text: bool = False, is_named: bool = False) -> None:
        """`is_text`: the format knows only text, so text is parsed. `is_named`: its values have names, `select` is one.

        Raises BadSelector.
        """
        self._metric, self._is_named = field, is_named
        self.name = field.name
        self.status = field.status
        self.required = not field.optional
        self._is_text = is_text or field.text_number
        self.wanted = field.select
        """Where it stands, or its name in formats that name their values."""
        self.find = select(json.dumps(field.select) if is_named else field.select)
        self.unit_of = select(field.unit_select) if field.unit_select is not None else None
        self.judge: Judge = self._judge(field)
        """Raw value in the metric's own unit → value or refusal."""
        self._by_unit: dict[str, Judge] = {}
        self._measures: dict[str, bool] = {}

    def judge_in(self, raw: Any, word: Any) -> Value | Refused:
        """A raw value in the unit that the payload names; without a name in the metric's own."""
        if word is MISSING or word is None:
            return self.judge(raw)
        if not isinstance(word, str):
            return refuse(self.name, "bad_unit", f"The unit of {self.name} is {shown(word)}, not a word")
        judge = self._by_unit.get(word)
        if judge is None:
            if len(self._by_unit) >= _MAX_UNITS:
                self._by_unit.clear()
            judge = self._by_unit[word] = self._in_unit(word)
        return judge(raw)

    def measures(self, word: Any) -> bool:
        """Whether a value in the unit that the payload names can be this metric."""
        if not isinstance(word, str):
            return True
        known = self._measures.get(word)
        if known is None:
            if len(self._measures) >= _MAX_UNITS:
                self._measures.clear()
            known = self._measures[word] = self._converts(word)
        return known

    def missing(self, document: Any) -> Refused:
        """The refusal of a field that has to be there; looks for a name that it may have been given."""
        near = _near((self.wanted,) if self._is_named else plain_path(self.wanted), document)
        hint = f"Is it called {shown(near)} now?" if near else "Has the device's firmware or codec changed?"
        return refuse(self.name, "missing", f"{self.name} is missing: nothing stands at {self.wanted}", hint)

    def _converts(self, word: str) -> bool:
        try:
            self._converter(word)
        except BadUnit:
            return False
        return True

    def _converter(self, word: str) -> tuple[float, float]:
        unit = self._metric.units.get(word)
        if unit is None and not is_word(word):
            raise BadUnit(f"{word[:40]!r} is no unit that is known", hint="Say in `units` of the profile what it means")
        return converter(unit or word, self._metric.unit)

    def _judge(self, metric: PayloadField) -> Judge:
        if metric.status == "firmware":
            return _text_judge(metric.name)
        judge = judge_of(metric)
        if not self._is_text or metric.values:
            return judge
        return lambda raw: judge(number_in(raw) if isinstance(raw, str) else raw)

    def _in_unit(self, word: str) -> Judge:
        metric = self._metric
        try:
            scale, offset = self._converter(word)
        except BadUnit as error:
            refused = refuse(
                metric.name, "bad_unit", f"The unit of {metric.name} is {shown(word)}: {error.message}", error.hint
            )
            return lambda _: refused
        return self._judge(
            metric.model_copy(update={"scale": scale * metric.scale, "offset": offset * metric.scale + metric.offset})
        )


def compiled(fields: Iterable[PayloadField], *, is_text: bool = False, is_named: bool = False) -> tuple[Field, ...]:
    """Fields in their order; raises BadSelector."""
    return tuple(Field(one, is_text=is_text, is_named=is_named) for one in fields)


def read_fields(
    fields: tuple[Field, ...], document: Any, refused: list[Refused], status: dict[str, Any], *, is_partial: bool
) -> tuple[list[Value], tuple[str, ...]]:
    """The values in a document, and the metrics that could be there and are not; adds to `refused` and `status`."""
    values: list[Value] = []
    absent: list[str] = []
    for field in fields:
        raw = field.find(document)
        if raw is MISSING:
            if field.required:
                refused.append(field.missing(document))
            elif not (is_partial or field.status):
                absent.append(field.name)
            continue
        judged = field.judge(raw) if field.unit_of is None else field.judge_in(raw, field.unit_of(document))
        if isinstance(judged, Refused):
            refused.append(judged)
        elif field.status:
            status[field.status] = raw[:64] if field.status == "firmware" else judged.value
        else:
            values.append(judged)
    return values, tuple(absent)


def number_in(text: str) -> float | str:
    """The number that a text writes, NaN and infinities included; the text itself when it is none."""
    bare = text.strip()
    if _NUMBER.fullmatch(bare):
        return float(bare)
    return _NO_NUMBERS.get(bare.casefold(), text)


def _text_judge(name: str) -> Callable[[Any], Value | Refused]:
    # A version is no number: the reader keeps the text, this only says whether it is one.
    def judged(raw: Any) -> Value | Refused:
        if isinstance(raw, str) and raw.isprintable():
            return Value(name, 0.0)
        return refuse(name, "wrong_type", f"{name} is {shown(raw)}, not a text")

    return judged


def _near(path: tuple[str | int, ...] | None, document: Any) -> str | None:
    """A name beside the missing one that looks like it."""
    if path is None:
        return None
    for step in path[:-1]:
        document = document.get(step) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(path[-1], str):
        return None
    names = tuple(name for name in list(document)[:_NAMES] if len(name) <= _NAME)
    return _closest(path[-1], names)


@lru_cache(maxsize=64)
def _closest(name: str, names: tuple[str, ...]) -> str | None:
    # Half a millisecond: a device that lost a field says so with every message.
    return next(iter(difflib.get_close_matches(name[:_NAME], names, n=1, cutoff=0.5)), None)
