"""Round plans as JSON and back: a round keeps the plan it was made under."""

from typing import Any

from services.patrol.model import LegLimit, RoundPlan, StopPlan

_PLAIN = (
    "id", "site", "route", "schedule", "shift", "order", "starts_ms", "ends_ms", "final_ms", "confirm_ms", "people",
    "together_ms", "duplicate_ms",
)  # fmt: skip


def encode(plan: RoundPlan) -> dict[str, Any]:
    """A plan as JSON."""
    return {name: getattr(plan, name) for name in _PLAIN} | {
        "roles": list(plan.roles),
        "stops": [
            [
                stop.checkpoint,
                stop.early_from_ms,
                stop.on_time_from_ms,
                stop.on_time_until_ms,
                stop.late_until_ms,
                stop.not_before_ms,
                stop.suspended,
            ]
            for stop in plan.stops
        ],
        "legs": [[start, end, *limit] for (start, end), limit in sorted(plan.legs.items())],
    }


def decode(document: dict[str, Any]) -> RoundPlan:
    """The plan of `encode`."""
    return RoundPlan(
        **{name: document[name] for name in _PLAIN},
        roles=tuple(document["roles"]),
        stops=tuple(StopPlan(index, *stop) for index, stop in enumerate(document["stops"])),
        legs={(start, end): LegLimit(*limit) for start, end, *limit in document["legs"]},
    )
