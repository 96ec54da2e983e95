"""Round plans and taps in minutes from the round's start, for tests."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.patrol.model import LegLimit, RoundPlan, RoundVerdict, StopPlan, Tap

MINUTE = 60_000


def ms(minutes: float) -> int:
    """Minutes as the engine counts time."""
    return round(minutes * MINUTE)


def make_stop(
    index: int,
    checkpoint: str,
    due: float | None = None,
    *,
    not_before: float | None = None,
    suspended: str = "",
    length: float = 60,
    start: float = 0,
) -> StopPlan:
    """On time 5 before to 10 after it is due, or all the round; early or late 15 before to 30 after."""
    first, last = (start, start + length) if due is None else (start + due, start + due)
    return StopPlan(
        index,
        checkpoint,
        ms(first - 15),
        ms(first - 5),
        ms(last + 10),
        ms(last + 30),
        None if not_before is None else ms(start + not_before),
        suspended,
    )


def make_plan(
    stops: str | Iterable[StopPlan],
    *,
    order: str = "ordered",
    start: float = 0,
    length: float = 60,
    legs: Mapping[tuple[str, str], LegLimit] | None = None,
    **more: Any,
) -> RoundPlan:
    """A round of an hour; `stops` as `gate lobby garage` (any time of the round) or `gate@0 lobby@10` (due then)."""
    if isinstance(stops, str):
        named = [name.partition("@") for name in stops.split()]
        stops = [
            make_stop(index, name, float(due) if due else None, start=start, length=length)
            for index, (name, _, due) in enumerate(named)
        ]
    plan: dict[str, Any] = {
        "id": f"night.{start:g}",
        "site": "yunhe",
        "route": "inner",
        "schedule": "night",
        "shift": "",
        "order": order,
        "starts_ms": ms(start),
        "ends_ms": ms(start + length),
        "final_ms": ms(start + length + 35),
        "confirm_ms": ms(start + length + 35 + 360),
        "stops": tuple(stops),
        "legs": legs or {},
    }
    return RoundPlan(**(plan | more))


def make_tap(checkpoint: str, minute: float, guard: str = "li", *, name: str = "", **more: Any) -> Tap:
    """A tap; its id says where, when and who."""
    return Tap(name or f"{checkpoint}/{minute:g}/{guard}", checkpoint, ms(minute), guard, **more)


def walked(text: str, guard: str = "li") -> list[Tap]:
    """Taps as `gate@0 lobby@10.5`."""
    return [make_tap(name, float(minute), guard) for name, _, minute in (one.partition("@") for one in text.split())]


def said(verdict: RoundVerdict) -> str:
    """The stops' verdicts as `gate:on_time lobby:late`."""
    return " ".join(f"{stop.checkpoint}:{stop.verdict}" for stop in verdict.stops)
