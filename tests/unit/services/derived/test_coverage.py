"""What the cameras see (NUM-05, AMB-08, AMB-26)."""

import pytest

from gateway.site.cctv import ViewPoint
from services.derived.coverage import Camera, Coverage, camera_state, coverage

MINUTE = 60_000
NOW = 1_000 * MINUTE


def view(name: str, *cameras: str, size: float | None = None) -> ViewPoint:
    return ViewPoint(id=name, name=name, area="garage", cameras=cameras, size=size)


def seen(views: list[ViewPoint], **cameras: Camera) -> Coverage:
    found = coverage(views, cameras)
    assert found is not None
    return found


def test_one_healthy_camera_is_enough_for_a_view_point() -> None:
    views = [view("gate", "a", "b"), view("stairs", "b"), view("lane", "c")]
    assert seen(views, a="up", b="up", c="up").percent == 100
    found = seen(views, a="up", b="down", c="up")
    assert found.percent == pytest.approx(200 / 3)
    assert found.blind == ("stairs",)


def test_19_of_20_view_points_are_just_enough_and_18_are_not() -> None:
    views = [view(f"v{number}", f"c{number}") for number in range(20)]
    states: dict[str, Camera] = dict.fromkeys((f"c{number}" for number in range(20)), "up")
    found = coverage(views, states | {"c3": "down"})
    assert found is not None
    assert found.percent == 95
    found = coverage(views, states | {"c3": "down", "c4": "down"})
    assert found is not None
    assert found.percent == 90


def test_sizes_count_only_when_every_view_point_has_one() -> None:
    views = [view("big", "a", size=300), view("small", "b", size=100)]
    assert seen(views, a="down", b="up").percent == 25
    assert seen([*views, view("bare", "c")], a="down", b="up", c="up").percent == pytest.approx(200 / 3)


def test_a_view_point_without_camera_is_blind_and_one_whose_camera_nobody_knows() -> None:
    found = seen([view("gate", "a"), view("dark"), view("lost", "gone")], a="up")
    assert found.percent == pytest.approx(100 / 3)
    assert found.blind == ("dark", "lost")


def test_what_is_dark_because_its_camera_is_maintained_is_left_out_and_listed() -> None:
    views = [view("gate", "a"), view("stairs", "b"), view("lane", "b", "c")]
    found = seen(views, a="up", b="maintained", c="up")
    assert (found.percent, found.excused) == (100, ("stairs",))
    found = seen(views, a="down", b="maintained", c="down")
    assert (found.percent, found.blind, found.excused) == (0, ("gate",), ("stairs", "lane"))
    assert seen([view("gate", "a")], a="maintained").percent is None


def test_as_long_as_a_camera_may_still_speak_nothing_is_said() -> None:
    assert coverage([view("gate", "a"), view("lane", "b")], {"a": "unknown", "b": "up"}) is None
    assert coverage([view("gate", "a", "b")], {"a": "unknown", "b": "up"}) is not None
    assert coverage([], {}) == Coverage(None, (), ())


def state(
    value: float = 1.0,
    *,
    ago: int | None = MINUTE,
    bad: bool = False,
    maintained: bool = False,
    hearing_for: int = 60 * MINUTE,
) -> Camera:
    return camera_state(
        value=value,
        bad=bad,
        last_ms=0 if ago is None else NOW - ago,
        silent_after_ms=5 * MINUTE,
        maintained=maintained,
        now_ms=NOW,
        hearing_since_ms=NOW - hearing_for,
    )


def test_a_camera_is_up_when_it_said_so_lately() -> None:
    assert state() == "up"
    assert state(ago=5 * MINUTE) == "up"
    assert state(ago=5 * MINUTE + 1) == "down"
    assert state(0.0) == "down"
    assert state(bad=True) == "down"


def test_what_we_could_not_hear_is_not_the_cameras_silence() -> None:
    assert state(ago=60 * MINUTE, hearing_for=2 * MINUTE) == "up"
    assert state(0.0, ago=60 * MINUTE, hearing_for=2 * MINUTE) == "down"
    assert state(ago=None, hearing_for=2 * MINUTE) == "unknown"
    assert state(ago=None) == "down"


def test_a_camera_that_works_while_it_is_maintained_is_up() -> None:
    assert state(maintained=True) == "up"
    assert state(0.0, maintained=True) == "maintained"
    assert state(ago=None, maintained=True) == "maintained"
