"""Work orders of the past: asked for, worked on in time or not, repeated, called back about."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from gateway.site.equipment import Equipment
from gateway.site.equipment_kinds import KINDS
from services.cli.history.past import Past, between

Fate = Literal["good", "slow_start", "slow", "rework", "stuck", "cancelled"]
FATES: tuple[tuple[Fate, int], ...] = (
    ("good", 78), ("slow_start", 7), ("slow", 6), ("rework", 4), ("stuck", 3), ("cancelled", 2),
)  # fmt: skip
LIMITS = {
    "P1": (timedelta(hours=1), timedelta(hours=4)),
    "P2": (timedelta(hours=1), timedelta(hours=4)),
    "P3": (timedelta(minutes=30), timedelta(hours=24)),
}
"""Priority → limits of response and finish, as the shipped policies have them."""
WANTS: tuple[tuple[str, str, str], ...] = (
    ("water_pressure", "水压不稳", "P2"), ("leak", "管道渗漏", "P3"), ("drainage", "下水堵塞", "P3"),
    ("electrical", "开关跳闸", "P3"), ("short_circuit", "线路短路", "P2"), ("lighting", "灯具不亮", "P3"),
    ("access", "门禁失灵", "P3"), ("cctv", "画面丢失", "P3"), ("fabric", "墙面破损", "P3"),
    ("hvac", "空调不制冷", "P3"),
)  # fmt: skip
OF_CLASS = {
    "power": "electrical", "water": "water_pressure", "sewage": "drainage", "fire_water": "fire_equipment",
    "fire_alarm": "fire_equipment", "fire_gear": "fire_equipment", "elevator": "elevator", "smart": "cctv",
    "recreation": "recreation", "facility": "lighting", "hvac": "hvac",
}  # fmt: skip
CALLED_BACK = {"service": 0.94, "quality": 0.93, "director": 0.9}
SAMPLES = {"quality": 0.5, "director": 0.4}


@dataclass(frozen=True, slots=True)
class OrderFact:
    """What truly became of one order; times that lie in the future have not come about."""

    key: str
    title: str
    category: str
    priority: str
    origin: str
    place: str
    equipment: str
    """Short id in the ledger; empty: none."""
    assignee: str
    created_at: datetime
    fate: Fate
    responded_at: datetime | None
    submitted_at: datetime | None
    """First time."""
    finished_at: datetime | None
    """For good."""
    closed_at: datetime | None
    repeats: str = ""
    """Key of the first order of the same fault."""
    cost_yuan: int = 0

    @property
    def respond_due_at(self) -> datetime:
        """Somebody must be on site by then."""
        return self.created_at + LIMITS[self.priority][0]

    @property
    def finish_due_at(self) -> datetime:
        """It must be finished by then."""
        return self.created_at + LIMITS[self.priority][1]


@dataclass(frozen=True, slots=True)
class CallFact:
    """One call-back."""

    order: str
    level: str
    at: datetime
    satisfied: bool


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """All of them."""

    orders: tuple[OrderFact, ...]
    calls: tuple[CallFact, ...]
    samples: tuple[tuple[str, str, date], ...]
    """(order, level, first day of the month)."""


def plan(past: Past, equipment: Sequence[Equipment], per_day: float = 3.0) -> OrderFacts:
    """Everything that was asked for."""
    found: list[OrderFact] = []
    for day in past.days():
        dice = past.dice("orders", day)
        for number in range(math.floor(per_day + dice.random())):
            order = _order(past, dice, day, number, equipment)
            if past.is_over(order.created_at):
                found.append(order)
                again = _again(past, dice, order)
                if again is not None and past.is_over(again.created_at):
                    found.append(again)
    found.sort(key=lambda one: (one.created_at, one.key))
    calls, samples = _calls(past, found)
    return OrderFacts(tuple(found), tuple(calls), tuple(samples))


def _order(past: Past, dice: Random, day: date, number: int, equipment: Sequence[Equipment]) -> OrderFact:
    created_at = past.midnight(day) + between(dice, timedelta(hours=6), timedelta(hours=23))
    asked = dice.random() < 0.7
    one = None if asked or not equipment else dice.choice(equipment)
    if one is None:
        category, words, priority = dice.choice(WANTS)
        building = dice.choice([area for area in past.config.areas if area.kind == "building"] or past.config.areas)
        place = f"{building.name}{dice.randint(1, 28)}层"
        title = f"{place}{words}"
    else:
        category, priority = OF_CLASS.get(KINDS[one.kind].of, "other"), dice.choice(("P2", "P3", "P3"))
        place = " / ".join(area.name for area in past.config.area_path(one.area))
        title = f"{one.name}巡检不合格"
    fates, weights = zip(*FATES, strict=True)
    fate: Fate = dice.choices(fates, weights)[0]
    cost = round(dice.choice((80, 260, 640, 1_500, 2_000, 3_200, 5_000, 7_800)) * 1.0) if dice.random() < 0.3 else 0
    fact = OrderFact(
        key=f"{day:%Y%m%d}-{number}", title=title, category=category, priority=priority,
        origin="request" if one is None else "inspection", place=place, equipment=one.id if one else "",
        assignee=dice.choice(past.people("engineer")), created_at=created_at, fate=fate,
        responded_at=None, submitted_at=None, finished_at=None, closed_at=None, cost_yuan=cost,
    )  # fmt: skip
    return _lived(dice, fact)


def _lived(dice: Random, fact: OrderFact) -> OrderFact:
    """When what happened, by its fate."""
    respond, finish = LIMITS[fact.priority]
    start, fate = fact.created_at, fact.fate
    if fate == "cancelled":
        return replace(fact, closed_at=start + between(dice, respond / 4, respond / 2))
    late = fate == "slow_start"
    responded = (
        start + between(dice, respond * 1.2, respond * 1.9) if late else start + respond * dice.uniform(0.2, 0.9)
    )
    if fate == "stuck":
        submitted = start + between(dice, timedelta(days=25), timedelta(days=50))
    elif fate == "slow":
        submitted = start + between(dice, finish * 1.1, finish * 3)
    else:
        submitted = start + between(dice, max(finish * 0.5, respond * 2), finish * 0.8)
    finished = submitted + between(dice, finish * 0.02, finish * 0.1) if fate == "rework" else submitted
    closed = finished + between(dice, timedelta(minutes=20), timedelta(hours=20))
    times = (responded, submitted, finished, closed)
    responded, submitted, finished, closed = (one.replace(microsecond=0) for one in times)
    return replace(fact, responded_at=responded, submitted_at=submitted, finished_at=finished, closed_at=closed)


def _again(past: Past, dice: Random, first: OrderFact) -> OrderFact | None:
    """The same fault at the same place once more, within 30 days."""
    if first.finished_at is None or first.fate not in ("good", "slow") or dice.random() > 0.06:
        return None
    created_at = first.finished_at + between(dice, timedelta(days=2), timedelta(days=28))
    again = replace(
        first, key=f"{first.key}r", created_at=created_at, fate="good", repeats=first.key, origin="rework",
        title=f"{first.title}（返修）", cost_yuan=0,
    )  # fmt: skip
    return _lived(dice, again)


def _calls(past: Past, orders: Iterable[OrderFact]) -> tuple[list[CallFact], list[tuple[str, str, date]]]:
    calls, samples = [], []
    months: dict[date, list[OrderFact]] = {}
    for order in orders:
        if (
            order.origin == "request"
            and order.fate != "cancelled"
            and order.closed_at
            and past.is_over(order.closed_at)
        ):
            months.setdefault(order.closed_at.astimezone(past.zone).date().replace(day=1), []).append(order)
    for month, closed in months.items():
        for level, share in CALLED_BACK.items():
            dice = past.dice("calls", month, level)
            drawn = closed
            if level in SAMPLES:
                drawn = dice.sample(closed, math.ceil(SAMPLES[level] * len(closed)))
                samples += [(one.key, level, month) for one in drawn]
            for one in drawn:
                at = (one.closed_at or one.created_at) + between(dice, timedelta(minutes=10), timedelta(hours=20))
                if dice.random() < share and past.is_over(at):
                    calls.append(CallFact(one.key, level, at, dice.random() < 0.95))
    return calls, samples
