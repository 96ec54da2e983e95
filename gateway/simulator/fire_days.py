"""What happens at a building's fire alarm panel, moment by moment: the acts of a scenario, and whole days.

Pure and deterministic: the same components, seed and start give the same steps, whoever asks and in whatever order.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from gateway.contract.times import from_ms
from gateway.simulator.fire_points import Component, enough, pick
from gateway.simulator.noise import bits, key_of, uniform
from gateway.simulator.plan import begin_ms
from gateway.simulator.scenario import FIRE_STATES, FireAct
from gateway.simulator.signals import DAY_MS
from gateway.site.duration import to_milliseconds

Do = Literal["begin", "end", "system_begin", "system_end", "operate", "value", "state", "clock"]
S, MIN, H = 1_000, 60_000, 3_600_000
STORM_MS = 2_000
STATE_EVERY_MS = 5 * MIN
CLOCK_EVERY_MS = H
VALUE_EVERY_MS = 5 * MIN
FIRE_WITHIN_DAYS = 7
"""The one real fire of a `day` burns on one of the first seven days."""

_KPA, _CELSIUS = 5, 3
"""GB/T 26875.3 table 6: pressure in 0.1 kPa, temperature in 0.1 °C."""
_WORKS_EN = "Works in {name_en}: {count} detectors shielded (simulated)"


class Step(NamedTuple):
    """One thing that happens at the panel, or at its transmission device."""

    at_ms: int
    do: Do
    """begin, end: `word` of a component; system_begin, system_end: of the whole system; operate: somebody did `word`;
    value: an analog one; state, clock: the transmission device tells its own."""
    component: Component | None = None
    word: str = ""
    operator: int = 0
    value: tuple[int, int] = (0, 0)
    """GB/T 26875.3 table 6: type, and value in the type's smallest unit."""
    text: str = ""
    text_en: str = ""
    """Told to people; empty: part of what was told before."""


class Stage(NamedTuple):
    """What the steps of an act depend on."""

    components: tuple[Component, ...]
    seed: int
    zone: ZoneInfo


def steps(acts: Sequence[FireAct], stage: Stage, start_ms: int) -> Iterator[Step]:
    """Every step of a scenario that began at `start_ms`, in order; endless, for the device reports by itself."""
    streams = [_act_steps(act, stage, start_ms) for act in acts]
    return heapq.merge(routine(stage, start_ms), *streams, key=lambda step: step.at_ms)


def _act_steps(act: FireAct, stage: Stage, start_ms: int) -> Iterator[Step]:
    begin = begin_ms(act, start_ms, stage.zone)
    if act.kind == "day":
        return days(stage, begin)
    if act.every is None:
        return iter(_once(act, stage, begin))
    every_ms = to_milliseconds(act.every)
    return _in_order((begin + number * every_ms for number in itertools.count()), lambda at: _once(act, stage, at))


def _in_order(begins: Iterator[int], make: Callable[[int], list[Step]]) -> Iterator[Step]:
    """Steps that arise from moments, in order: none is before the moment it arises from."""
    waiting: list[tuple[int, int, Step]] = []
    count = itertools.count()
    for begin in begins:
        while waiting and waiting[0][0] < begin:
            yield heapq.heappop(waiting)[2]
        for step in make(begin):
            heapq.heappush(waiting, (step.at_ms, next(count), step))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _once(act: FireAct, stage: Stage, at_ms: int) -> list[Step]:
    """The steps of one occurrence of an act."""
    hit = pick(stage.components, act.target)
    lasts_ms = None if act.duration is None else to_milliseconds(act.duration)
    if act.kind in FIRE_STATES:
        found = _states(hit, "fire" if act.kind == "alarm" else act.kind, at_ms, lasts_ms)
    elif act.kind == "fire":
        found = fire(stage, at_ms, hit) if hit else []
    elif act.kind == "storm":
        found = storm(stage, at_ms, act.size, STORM_MS if lasts_ms is None else lasts_ms)
    else:
        found = [_operation(at_ms, act.kind, 1)]
    return _told(act, hit, found)


def _told(act: FireAct, hit: Sequence[Component], found: list[Step]) -> list[Step]:
    """Put an act's own words in place of the usual ones."""
    if act.quiet:
        return [step._replace(text="", text_en="") for step in found]
    if act.zh and found:
        names = {"name": hit[0].name if hit else "", "name_en": hit[0].name_en if hit else ""}
        en = (act.en or act.zh).replace("{name}", "{name_en}")
        found[0] = found[0]._replace(text=act.zh.format(**names), text_en=en.format(**names))
    return found


# --- single acts -------------------------------------------------------------------------------------------------


def _begin(at_ms: int, component: Component, word: str, *, told: bool = True) -> Step:
    zh, en = _BEGINS[word]
    text = (f"{component.name}：{zh}（模拟）", f"{component.name_en}: {en} (simulated)") if told else ("", "")
    return Step(at_ms, "begin", component, word, text=text[0], text_en=text[1])


def _end(at_ms: int, component: Component, word: str, *, told: bool = False) -> Step:
    zh, en = _ENDS.get(word, ("恢复", "over"))
    text = (f"{component.name}：{zh}", f"{component.name_en}: {en}") if told else ("", "")
    return Step(at_ms, "end", component, word, text=text[0], text_en=text[1])


def _operation(at_ms: int, word: str, operator: int, *, told: bool = True) -> Step:
    zh, en = _OPERATIONS[word]
    text = (f"消防控制室：{zh}", f"Control room: {en}") if told else ("", "")
    return Step(at_ms, "operate", word=word, operator=operator, text=text[0], text_en=text[1])


def _states(hit: Sequence[Component], word: str, at_ms: int, lasts_ms: int | None) -> list[Step]:
    found = [_begin(at_ms, one, word, told=number == 0) for number, one in enumerate(hit)]
    if lasts_ms is not None:
        found += [_end(at_ms + lasts_ms, one, word, told=number == 0) for number, one in enumerate(hit)]
    return found


def storm(stage: Stage, at_ms: int, count: int, within_ms: int) -> list[Step]:
    """So many different components in alarm, evenly spread; what the panel lacks is made up."""
    hit = enough(stage.components, count)[:count]
    found = [_begin(at_ms + number * within_ms // count, one, "fire", told=False) for number, one in enumerate(hit)]
    found[0] = found[0]._replace(
        text=f"{count} 个部件同时报火警（模拟报警风暴）",
        text_en=f"{count} components in alarm at once (simulated storm)",
    )
    return found


def fire(stage: Stage, at_ms: int, hit: Sequence[Component] = ()) -> list[Step]:
    """One real fire: detectors one after the other, a call point, water, the pump; put out; one detector stays latched.

    `hit`: where it begins; otherwise the seed says.
    """
    key = key_of(stage.seed, "fire", at_ms)
    first = _first(stage, key, hit)
    if first is None:
        return []
    near = _near(stage.components, first)
    found = [_begin(at_ms, first, "fire")]
    moment = at_ms
    detectors = [one for one in near if one.kind in ("smoke", "heat", "flame", "gas")][:6]
    for number, one in enumerate(detectors):
        moment += 12 * S + int(uniform(key, number) * 20 * S)
        found.append(_begin(moment, one, "fire", told=number == 0))
    latched = detectors[0] if detectors else first
    for number, (kind, word, after_s) in enumerate(_RESPONDING):
        there = [one for one in near if one.kind == kind and (one.zone == first.zone or kind in _FOR_ALL)]
        for one in there[: 3 if kind == "alarm_bell" else 1]:
            found.append(_begin(at_ms + after_s * S + number, one, word, told=kind != "alarm_bell"))
    silenced, reset = at_ms + 4 * MIN, at_ms + 25 * MIN
    found.append(_operation(at_ms + 70 * S, "confirm", 3, told=False))
    found += [_operation(silenced, "silence", 3), _operation(reset, "reset", 3)]
    # Smoke is still in its chamber: it reports again at once, and is quiet only after a second reset.
    found.append(
        _begin(reset + 20 * S, latched, "fire")._replace(
            text=f"{latched.name}：复位后再次报警（模拟）",
            text_en=f"{latched.name_en}: in alarm again after the reset (simulated)",
        )
    )
    found.append(_operation(reset + 10 * MIN, "reset", 3, told=False))
    found.append(_operation(reset + 10 * MIN + S, "cleared", 3))
    return sorted(found, key=lambda step: step.at_ms)


def _first(stage: Stage, key: int, hit: Sequence[Component]) -> Component | None:
    sprinkled = {one.zone for one in stage.components if one.kind == "water_flow"}
    wet = [one for one in stage.components if one.zone in sprinkled]
    return _one(pick(hit, "smoke | detector") or pick(wet or stage.components, "smoke | detector"), key, 1)


def _near(components: Sequence[Component], first: Component) -> list[Component]:
    """Those of its zone, then those of its building, then the rest; each in order, never the one itself."""
    return sorted(
        (one for one in components if one is not first),
        key=lambda one: (one.zone != first.zone, -len(one.places & first.places)),
    )


def _one(found: Sequence[Component], key: int, position: int) -> Component | None:
    return found[bits(key, position) % len(found)] if found else None


# --- days --------------------------------------------------------------------------------------------------------


def days(stage: Stage, start_ms: int) -> Iterator[Step]:
    """A building's days without end, with one real fire in the first week."""
    first = _midnight(start_ms, stage.zone)
    burns_on = bits(key_of(stage.seed, "burns"), 0) % FIRE_WITHIN_DAYS
    midnights = (first + number * DAY_MS for number in itertools.count())

    def day(at_ms: int) -> list[Step]:
        key = key_of(stage.seed, "day", at_ms)
        number = (at_ms - first) // DAY_MS
        found = [*_dirty(stage, key, at_ms), *_works(stage, key, at_ms), *_valve(stage, key, at_ms)]
        found += [*_weekly_test(stage, key, at_ms), *_power_cut(key, at_ms)]
        if number == burns_on:
            found += fire(stage, max(_clock(at_ms, 14.0 + 7.0 * uniform(key, 90)), start_ms + MIN))
        return found

    return (step for step in _in_order(midnights, day) if step.at_ms >= start_ms)


def _midnight(at_ms: int, zone: ZoneInfo) -> int:
    local = from_ms(at_ms).astimezone(zone)
    return (
        at_ms
        - to_milliseconds(timedelta(hours=local.hour, minutes=local.minute, seconds=local.second))
        - (local.microsecond // 1_000)
    )


def _clock(midnight_ms: int, hour: float) -> int:
    return midnight_ms + int(hour * H)


def _dirty(stage: Stage, key: int, day_ms: int) -> list[Step]:
    """Every third day a dirty detector is in fault, flickers, and is cleaned some hours later."""
    one = _one(pick(stage.components, "smoke"), key, 10)
    if one is None or uniform(key, 11) >= 0.35:
        return []
    begin = _clock(day_ms, 24.0 * uniform(key, 12))
    found = []
    for number in range(bits(key, 13) % 3):
        found += _states([one], "fault", begin + number * 7 * MIN, 40 * S + number * MIN)
    lasts_ms = int((1.0 + 5.0 * uniform(key, 14)) * H)
    return found + _states([one], "fault", begin + 25 * MIN, lasts_ms)


def _works(stage: Stage, key: int, day_ms: int) -> list[Step]:
    """On some working days the detectors of a place are shielded for works; now and then that is forgotten."""
    if _weekday(stage, day_ms) >= 5 or uniform(key, 20) >= 0.25:
        return []
    middle = _one(pick(stage.components, "detector"), key, 21)
    if middle is None:
        return []
    there = [middle, *(one for one in _near(stage.components, middle) if one.zone == middle.zone)]
    hit = [one for one in there if one.kind in ("smoke", "heat")][: 2 + bits(key, 22) % 3]
    begin = _clock(day_ms, 8.5 + 3.0 * uniform(key, 23))
    forgotten = uniform(key, 24) < 0.15
    end = _clock(day_ms, 16.0 + 2.5 * uniform(key, 25)) + (17 * H + DAY_MS // 2 if forgotten else 0)
    found = _states(hit, "shield", begin, end - begin)
    if found:
        words = {"name": hit[0].name, "name_en": hit[0].name_en, "count": len(hit)}
        found[0] = found[0]._replace(
            text="施工，屏蔽{name}等 {count} 个探测器（模拟）".format(**words), text_en=_WORKS_EN.format(**words)
        )
    return found


def _valve(stage: Stage, key: int, day_ms: int) -> list[Step]:
    """Once a week or so somebody closes a supervised valve for a while."""
    one = _one(pick(stage.components, "valve"), key, 30)
    if one is None or uniform(key, 31) >= 0.15:
        return []
    begin = _clock(day_ms, 9.0 + 7.0 * uniform(key, 32))
    return _states([one], "supervisory", begin, int((10.0 + 30.0 * uniform(key, 33)) * MIN))


def _weekly_test(stage: Stage, key: int, day_ms: int) -> list[Step]:
    """On Wednesdays at about ten the panel is in test and a few components are made to speak."""
    if _weekday(stage, day_ms) != 2 or not stage.components:
        return []
    begin = _clock(day_ms, 10.0 + 0.5 * uniform(key, 40))
    candidates = pick(stage.components, "detector") + pick(stage.components, "manual_call_point")
    first = bits(key, 41) % max(1, len(candidates))
    tried = list(dict.fromkeys((candidates + candidates)[first : first + 4]))
    found = [_operation(begin, "test", 2), Step(begin + S, "system_begin", word="test")]
    for number, one in enumerate(tried):
        found.append(_begin(begin + (2 + 3 * number) * MIN, one, "fire", told=False))
    end = begin + (3 + 3 * len(tried)) * MIN
    found += [_operation(end, "reset", 2, told=False), Step(end + S, "system_end", word="test")]
    return found


def _power_cut(key: int, day_ms: int) -> list[Step]:
    """Twice in a month the mains fail for some minutes."""
    if uniform(key, 50) >= 0.07:
        return []
    begin = _clock(day_ms, 24.0 * uniform(key, 51))
    end = begin + int((3.0 + 25.0 * uniform(key, 52)) * MIN)
    failed = ("火灾报警控制器主电故障（模拟停电）", "Fire panel: mains failure (simulated power cut)")
    back = ("火灾报警控制器主电恢复", "Fire panel: the mains are back")
    return [
        Step(begin, "system_begin", word="mains_fault", text=failed[0], text_en=failed[1]),
        Step(end, "system_end", word="mains_fault", text=back[0], text_en=back[1]),
    ]


def _weekday(stage: Stage, day_ms: int) -> int:
    return from_ms(day_ms).astimezone(stage.zone).weekday()


# --- what a device says by itself --------------------------------------------------------------------------------


def routine(stage: Stage, start_ms: int) -> Iterator[Step]:
    """The transmission device's own state and clock, and analog values of up to four components, again and again."""
    measured = (pick(stage.components, "pressure_switch") + pick(stage.components, "heat"))[:4]

    def due(at_ms: int) -> list[Step]:
        since = at_ms - start_ms
        found = [Step(at_ms, "state")]
        if since % CLOCK_EVERY_MS == 0:
            found.append(Step(at_ms, "clock"))
        found += [Step(at_ms + 1, "value", one, value=_measured(stage.seed, one, at_ms)) for one in measured]
        return found

    begins = (start_ms + number * STATE_EVERY_MS for number in itertools.count())
    return _in_order(begins, due)


def _measured(seed: int, one: Component, at_ms: int) -> tuple[int, int]:
    swing = uniform(key_of(seed, one.address), at_ms // VALUE_EVERY_MS) - 0.5
    return (_CELSIUS, int(220 + 60 * swing)) if one.kind == "heat" else (_KPA, int(4_500 + 200 * swing))


_RESPONDING: tuple[tuple[str, str, int], ...] = (
    ("manual_call_point", "fire", 62),
    ("alarm_bell", "start", 66),
    ("fan", "start", 80),
    ("fan", "feedback", 86),
    ("water_flow", "feedback", 118),
    ("pressure_switch", "feedback", 121),
    ("pump", "start", 123),
    ("pump", "feedback", 129),
)
"""Kind, state, seconds after the first detector."""
_FOR_ALL = frozenset({"manual_call_point", "alarm_bell", "pressure_switch", "pump"})
"""These respond wherever they are; others only in the zone that burns."""
_BEGINS: dict[str, tuple[str, str]] = {
    "fire": ("火警", "fire"),
    "fault": ("故障", "fault"),
    "shield": ("屏蔽", "shielded"),
    "supervisory": ("监管信号", "supervisory signal"),
    "start": ("启动", "started"),
    "feedback": ("反馈", "feedback"),
}
_ENDS: dict[str, tuple[str, str]] = {
    "fire": ("火警恢复", "no longer in alarm"),
    "fault": ("故障恢复", "fault over"),
    "shield": ("解除屏蔽", "no longer shielded"),
    "supervisory": ("监管恢复", "supervisory signal over"),
}
_OPERATIONS: dict[str, tuple[str, str]] = {
    "reset": ("复位", "reset"),
    "silence": ("消音", "silenced"),
    "confirm": ("确认", "confirmed"),
    "cleared": ("警情消除", "all clear"),
    "test": ("每周测试开始", "the weekly test begins"),
}
