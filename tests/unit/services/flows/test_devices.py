"""One alert for a device that is gone or comes and goes, and none for what its points would say."""

from collections.abc import Callable
from typing import Any

import pytest
from builders import make_limit
from scenario.conftest import quicken
from scenario.site import Night, with_changes, yunhe
from sqlalchemy import select

from gateway.contract.times import format_at, to_ms
from gateway.site.model import Point, SiteConfig
from services.device.presence import BEHIND
from services.device.tables import DeviceSilence
from services.kernel.db import Database

DEVICE = "domestic-plc"


def points(count: int, device: str = DEVICE, interval_s: int = 10) -> tuple[Point, ...]:
    return tuple(
        Point.model_validate(
            {"id": f"{device}-p{n}", "device": device, "name": f"测点{n}", "unit": "MPa", "quantity": "pressure"}
            | {"interval": f"{interval_s}s", "valid_min": 0.0, "valid_max": 1.6}
        )
        for n in range(count)
    )


def site(*made: Point) -> SiteConfig:
    """The shipped site with these points and nothing but limits on their silence."""
    config = yunhe()
    limits = tuple(
        make_limit(
            id="DATA-STALE", kind="stale", point=config.key(one.id), threshold=None, title="数据中断",
            policy="data", valid_min=0.0, valid_max=1.6, stale_after_ms=3_000 * int(one.interval.total_seconds()),
        )
        for one in made
    )  # fmt: skip
    return with_changes(config, points=made, limits=limits)


@pytest.fixture
def night_of(new_db: Callable[[], Database]) -> Callable[..., Night]:
    def start(*made: Point, **options: Any) -> Night:
        db = new_db()
        quicken(db)
        return Night(db, site(*made), **options)

    return start


def speak(night: Night, *names: str) -> None:
    for one in night.config.points:
        if not names or one.id in names:
            night.shows(one.id, 0.5)


def stretches(night: Night) -> list[tuple[str, bool]]:
    with night.db.read() as session:
        rows = session.scalars(select(DeviceSilence).order_by(DeviceSilence.id))
        return [(row.kind, row.ended_at is not None) for row in rows]


def open_rules(night: Night) -> list[str]:
    return sorted(f"{one.rule} {one.target}" for one in night.alerts() if one.active and not one.suppressed)


def test_fifty_silent_points_are_one_alert_one_message_and_one_all_clear(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(50))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent()
    night.wait("3min", step="10s")
    assert open_rules(night) == [f"DEV-SILENT yunhe/{DEVICE}"]
    alert = night.alert("DEV-SILENT")
    assert len(alert.detail["points"]) == 50
    assert "50 个测点" in alert.title
    (said,) = night.heard()
    assert said.startswith("alert.opened: duty, engineer-water")
    assert night.told("engineer-water", alert) == ["alert.opened: sent, on_duty"]
    speak(night)
    night.wait("1min", step="10s")
    assert [line.partition(":")[0] for line in night.heard()] == ["alert.cleared"]
    assert [one.active for one in night.alerts()] == [False]
    assert stretches(night) == [("silent", True)]


def test_one_point_of_many_that_falls_silent_speaks_for_itself(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(5))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent(f"{DEVICE}-p3")
    night.wait("2min", step="10s")
    assert open_rules(night) == [f"DATA-STALE yunhe/{DEVICE}-p3"]
    assert len(night.heard()) == 1
    assert stretches(night) == []


def test_a_point_that_does_not_come_back_with_its_device_is_told_then(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(6))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent()
    night.wait("2min", step="10s")
    night.heard()
    speak(night, *(f"{DEVICE}-p{n}" for n in range(5)))
    night.wait("2min", step="10s")
    assert open_rules(night) == [f"DATA-STALE yunhe/{DEVICE}-p5"]
    assert [line.partition(":")[0] for line in night.heard()] == ["alert.cleared", "alert.opened"]


def test_what_was_told_before_the_device_fell_silent_goes_behind_it(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(4))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent(f"{DEVICE}-p0")
    night.wait("1min", step="10s")
    assert len(night.heard()) == 1
    night.falls_silent()
    night.wait("2min", step="10s")
    assert open_rules(night) == [f"DEV-SILENT yunhe/{DEVICE}"]
    assert night.alert("DATA-STALE").suppressed == BEHIND
    night.heard()
    speak(night, *(f"{DEVICE}-p{n}" for n in range(1, 4)))
    night.wait("2min", step="10s")
    assert open_rules(night) == [f"DATA-STALE yunhe/{DEVICE}-p0"]
    assert [line.partition(":")[0] for line in night.heard()] == ["alert.cleared"], "that one was told before"


def test_a_device_with_one_point_needs_no_alert_beside_it(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(1))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent()
    night.wait("2min", step="10s")
    assert open_rules(night) == [f"DATA-STALE yunhe/{DEVICE}-p0"]
    assert stretches(night) == [("silent", False)]
    night.heard()


def test_off_line_is_told_after_a_moment_and_a_short_one_not_at_all(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(2, interval_s=300))
    night.status(DEVICE, online=True)
    night.wait("10s", step="10s")
    night.status(DEVICE, online=False)
    night.wait("20s", step="10s")
    night.status(DEVICE, online=True)
    night.wait("1min", step="10s")
    assert night.heard() == []
    night.status(DEVICE, online=False)
    night.wait("1min", step="10s")
    assert open_rules(night) == [f"DEV-SILENT yunhe/{DEVICE}"]
    assert len(night.heard()) == 1
    night.status(DEVICE, online=True)
    night.wait("1min", step="10s")
    assert not night.alert("DEV-SILENT").active
    assert stretches(night) == [("offline", True), ("offline", True)]
    night.heard()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_flapping_device_is_one_alert_until_it_is_calm(night_of: Callable[..., Night], restarts: bool) -> None:
    night = night_of(*points(2, interval_s=300))
    night.status(DEVICE, online=True)
    for _ in range(8):
        for online in (False, True):
            night.status(DEVICE, online=online)
            night.wait("20s", step="10s")
            if restarts:
                night.restart()
    assert open_rules(night) == [f"DEV-FLAP yunhe/{DEVICE}"]
    assert [line.partition(":")[0] for line in night.heard()] == ["alert.opened"]
    speak(night)
    night.wait("17min", step="30s")
    if restarts:
        night.restart()
    assert open_rules(night) == []
    assert [line.partition(":")[0] for line in night.heard()] == ["alert.cleared"]
    kinds = [kind for kind, _ in stretches(night)]
    assert kinds.count("offline") == 8
    assert kinds.count("flapping") == 1
    assert all(ended for _, ended in stretches(night))


def test_restarts_at_every_step_change_nothing(night_of: Callable[..., Night]) -> None:
    outcomes = []
    for restarts in (False, True):
        night = night_of(*points(6))
        for spoken, steps in ((True, 6), (False, 12), (True, 8), (False, 5), (True, 10)):
            if spoken:
                speak(night)
            else:
                night.falls_silent()
            for _ in range(steps):
                night.wait("10s", step="10s")
                if restarts:
                    night.restart()
        outcomes.append((night.outcome(), stretches(night), night.heard()))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] == [("silent", True), ("silent", True)]


def test_work_on_the_device_is_listed_and_pages_nobody(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(3))
    speak(night)
    night.wait("1min", step="10s")
    night.maintain("yunhe", "1h")
    night.falls_silent()
    night.wait("3min", step="10s")
    assert night.heard() == []
    assert open_rules(night) == []
    with night.db.read() as session:
        (row,) = session.scalars(select(DeviceSilence))
        assert row.excused
    night.wait("1h", step="1min")
    assert open_rules(night) == [f"DEV-SILENT yunhe/{DEVICE}"], "the work is over and it is still gone"
    night.heard()


def test_a_low_battery_is_told_once_and_has_hysteresis(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(1, interval_s=3600))

    def says(battery: float) -> None:
        event = {"id": night._next_id(DEVICE), "at": format_at(to_ms(night.now)), "online": True, "battery": battery}
        night.publish(DEVICE, "status", event)
        night.wait("10s", step="10s")

    for battery in (80, 21, 20, 19, 22, 18):
        says(battery)
    assert open_rules(night) == [f"DEV-BATTERY yunhe/{DEVICE}"]
    assert night.alert().severity == "low"
    assert night.alert().occurrence == 1
    says(90)
    assert open_rules(night) == []
    night.heard()
    assert night.device(DEVICE).battery == 90


def test_a_device_that_left_the_files_leaves_no_alert(one_db: Database) -> None:
    night = Night(one_db, site(*points(3)))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent()
    night.wait("2min", step="10s")
    assert open_rules(night) == [f"DEV-SILENT yunhe/{DEVICE}"]
    config = site(*points(1, device="fire-plc"))
    config = with_changes(config, devices=tuple(one for one in config.devices if one.id != DEVICE))
    other = Night(one_db, config)
    other.wait("10s", step="10s")
    assert night.alert("DEV-SILENT").closed_at is not None
    assert stretches(night) == [("silent", True)]


def test_work_that_begins_while_it_is_gone_hides_its_alert_and_what_was_behind_it_is_not_told(
    night_of: Callable[..., Night],
) -> None:
    night = night_of(*points(3))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent(f"{DEVICE}-p0")
    night.wait("1min", step="10s")
    night.falls_silent()
    night.wait("2min", step="10s")
    night.heard()
    night.maintain("yunhe", "1h")
    assert open_rules(night) == []
    speak(night, f"{DEVICE}-p1", f"{DEVICE}-p2")
    night.wait("10min", step="10s")
    assert open_rules(night) == [], "its own point still gives no data, and is worked on"
    assert not [line for line in night.heard() if "opened" in line]
    night.wait("1h", step="1min")
    assert open_rules(night) == [f"DATA-STALE yunhe/{DEVICE}-p0"]


def test_work_that_ends_does_not_show_what_a_silent_device_stands_for(night_of: Callable[..., Night]) -> None:
    night = night_of(*points(3))
    speak(night)
    night.wait("1min", step="10s")
    night.falls_silent(f"{DEVICE}-p0")
    night.wait("1min", step="10s")
    night.falls_silent()
    night.wait("2min", step="10s")
    night.maintain(f"yunhe/{DEVICE}-p0", "10min")
    night.wait("15min", step="1min")
    assert open_rules(night) == [f"DEV-SILENT yunhe/{DEVICE}"]


def test_nobody_seeing_the_fire_pumps_is_grave(one_db: Database) -> None:
    night = Night(one_db, yunhe("hydrant-main-pressure", "hydrant-jockey-run"))
    night.shows("hydrant-main-pressure", 0.7)
    night.shows("hydrant-jockey-run", 0)
    night.wait("1min", step="10s")
    night.falls_silent()
    night.wait("3min", step="10s")
    alert = night.alert("DEV-SILENT")
    assert (alert.target, alert.severity, alert.detail["why"]) == ("yunhe/fire-plc", "high", "silent")
