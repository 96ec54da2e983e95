"""How much of what has to be seen the cameras see (NUM-05), without clock or database.

AMB-08: required view points with a healthy picture ÷ all required ones, by equal weights unless every one has its size.
One healthy camera is enough for a view point; a silent one is not healthy. AMB-26: what is dark only because its camera
is being maintained is no blind area; it is left out, and listed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.site.cctv import ViewPoint

Camera = Literal["up", "down", "maintained", "unknown"]
"""up: a healthy picture; maintained: none, because it is worked on; unknown: not heard yet, and not long enough silent
to be down."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is seen at a moment; ids of view points in the order of the site files."""

    percent: float | None
    """None: nothing is required, or only what is being maintained."""
    blind: tuple[str, ...]
    excused: tuple[str, ...]
    """Not counted: maintained."""


def coverage(required: Iterable[ViewPoint], cameras: Mapping[str, Camera]) -> Coverage | None:
    """What these cameras (by their points of quantity online) see; None: it cannot be said yet."""
    points = tuple(required)
    weights = {one.id: one.size for one in points}
    by_size = all(one is not None for one in weights.values())
    seen = counted = 0.0
    blind: list[str] = []
    excused: list[str] = []
    for point in points:
        states = {cameras.get(camera, "down") for camera in point.cameras}
        weight = (weights[point.id] or 0.0) if by_size else 1.0
        if "up" not in states and "unknown" in states:
            return None
        if "up" not in states and "maintained" in states:
            excused.append(point.id)
            continue
        counted += weight
        if "up" in states:
            seen += weight
        else:
            blind.append(point.id)
    return Coverage(100.0 * seen / counted if counted else None, tuple(blind), tuple(excused))


def camera_state(
    *, value: float, bad: bool, last_ms: int, silent_after_ms: int, maintained: bool, now_ms: int, hearing_since_ms: int
) -> Camera:
    """How one camera stands: its newest value, when that was (0: never), and since when it could be heard at all."""
    silent = now_ms - max(last_ms, hearing_since_ms) > silent_after_ms
    if last_ms and not silent and not bad and value >= 1:
        return "up"
    if maintained:
        return "maintained"
    if not last_ms and not silent:
        return "unknown"
    return "down"
