"""A filled checklist judged without clock or database: each answer is good, a finding, or cannot be meant."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.site.upkeep import Checklist, ChecklistItem

Verdict = Literal["good", "finding", "invalid", "open"]
"""invalid: no answer to this item; open: not answered."""
LONGEST_TEXT = 2000
MOST_PHOTOS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """What the answers of one inspection come to. Every answered item is in exactly one of the first five."""

    good: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    """Answers that no such item can have."""
    unknown: tuple[str, ...] = ()
    """Answers to items the checklist does not have."""
    missing: tuple[str, ...] = ()
    """Required items without an answer."""
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """Item of the checklist → what its answer is."""


def judge(item: ChecklistItem, answer: Any) -> Verdict:
    """What one answer is. Numbers: both bounds belong to the good side, and nothing is rounded in anybody's favour."""
    if answer is None or answer == "" or answer == []:
        return "open"
    match item.kind:
        case "pass_fail":
            return "invalid" if not isinstance(answer, bool) else "good" if answer else "finding"
        case "number":
            return _number(item, answer)
        case "choice":
            if not isinstance(answer, str) or answer not in item.choices:
                return "invalid"
            return "good" if not item.good or answer in item.good else "finding"
        case "text":
            return "good" if _is_text(answer) else "invalid"
        case "signature":  # drawn on a phone, or a name typed at the desk
            return "good" if _is_text(answer) or _are_photos(answer) else "invalid"
        case "photo":
            return "good" if _are_photos(answer) else "invalid"


def _number(item: ChecklistItem, answer: Any) -> Verdict:
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return "invalid"
    try:
        if not math.isfinite(answer):
            return "invalid"
    except OverflowError:
        return "invalid"
    below = item.minimum is not None and answer < item.minimum
    above = item.maximum is not None and answer > item.maximum
    return "finding" if below or above else "good"


def _is_text(answer: Any) -> bool:
    return isinstance(answer, str) and len(answer) <= LONGEST_TEXT


def _are_photos(answer: Any) -> bool:
    return (
        isinstance(answer, list | tuple)
        and len(answer) <= MOST_PHOTOS
        and all(isinstance(one, str) and one for one in answer)
    )


def judge_all(checklist: Checklist, answers: Mapping[str, Any]) -> Judged:
    """Judge a whole checklist, in its own order."""
    verdicts = {item.id: judge(item, answers.get(item.id)) for item in checklist.items}

    def those(verdict: Verdict) -> tuple[str, ...]:
        return tuple(id for id, one in verdicts.items() if one == verdict)

    return Judged(
        good=those("good"),
        findings=those("finding"),
        invalid=those("invalid"),
        unknown=tuple(id for id in answers if id not in verdicts),
        missing=tuple(item.id for item in checklist.items if item.required and verdicts[item.id] == "open"),
        verdicts=verdicts,
    )


def version_of(checklist: Checklist) -> str:
    """Changes with everything that decides how an answer is read; names and texts do not."""
    parts = [
        [one.id, one.kind, one.minimum, one.maximum, list(one.choices), list(one.good), one.required]
        + (["photo"] if one.photo_if_failed else [])
        for one in checklist.items
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:12]


def needs_instrument(checklist: Checklist, answers: Mapping[str, Any]) -> bool:
    """Whether something was measured that asks for the instrument's number (NUM-02)."""
    return any(one.needs_instrument and answers.get(one.id) not in (None, "") for one in checklist.items)


def without_photo(checklist: Checklist, judged: Judged, photos: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Findings that a photo has to show, and none does; `photos`: item → its photos."""
    shown = {item.id for item in checklist.items if item.photo_if_failed}
    return tuple(id for id in judged.findings if id in shown and not photos.get(id))


def limit_words(item: Mapping[str, Any]) -> str:
    """The limits of a number as people read them, from a frozen item: `≥ 0.50 MΩ`, `0.4 … 0.5`; empty: none."""
    low, high = item.get("minimum"), item.get("maximum")
    unit = str(item.get("unit") or "")
    tail = f" {unit}" if unit and unit != "1" else ""
    if low is not None and high is not None:
        return f"{low:g} … {high:g}{tail}"
    if low is not None:
        return f"≥ {low:g}{tail}"
    return f"≤ {high:g}{tail}" if high is not None else ""


def answer_words(item: Mapping[str, Any], answer: Any, *, english: bool = False) -> str:
    """An answer as people read it, with its unit."""
    if isinstance(answer, bool):
        words = ("pass", "fail") if english else ("合格", "不合格")
        return words[0] if answer else words[1]
    if isinstance(answer, int | float):
        unit = str(item.get("unit") or "")
        return f"{answer:.10g}" + (f" {unit}" if unit and unit != "1" else "")
    if isinstance(answer, list | tuple):
        if item.get("kind") == "signature":
            return "signed" if english else "已签名"
        return f"{len(answer)} photos" if english else f"照片 {len(answer)} 张"
    return "" if answer is None else str(answer)
