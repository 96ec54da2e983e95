"""The broker is down for an hour, processes are restarted, messages are lost: what is told, and what is only noted."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from scenario.site import Night

from gateway.timeseries.sqlite import open_sqlite_store
from gateway.timeseries.store import TimeSeriesStore
from services.kernel.db import Database
from services.kernel.errors import RoleTaken
from services.kernel.roles import RoleLock

HIGH_ZONE = "high-zone-pressure"
Nights = Callable[..., Night]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TimeSeriesStore]:
    opened = open_sqlite_store(tmp_path / "timeseries.db")
    yield opened
    opened.close()


def outage(night: Night) -> None:
    """An hour without the broker, with a leak in it that begins after ten minutes and is repaired after twenty."""
    night.shows(HIGH_ZONE, 0.80)
    night.wait("1min")
    night.broker_down()
    night.wait("10min", step="10s")
    night.shows(HIGH_ZONE, 0.65)
    night.wait("20min", step="10s")
    night.shows(HIGH_ZONE, 0.80)
    night.wait("30min", step="10s")


def test_nobody_is_paged_about_the_past(nights: Nights, store: TimeSeriesStore) -> None:
    night = nights(HIGH_ZONE, store=store)
    began = night.now
    outage(night)
    night.broker_back()
    night.wait("5min", step="10s")
    assert night.heard() == []
    alert = night.alert()
    assert alert.late
    assert not alert.active
    assert alert.opened_at - began == timedelta(minutes=11, seconds=40), "event time, not arrival"
    assert night.history()[:2] == ["opened", "cleared"]
    assert [(one.alerted, one.ended_at - one.started_at) for one in night.excursions()] == [
        (True, timedelta(minutes=20))
    ]
    assert night.orders() == []
    assert "alert.opened: skipped, late_history" in night.told("engineer-water")
    assert store.count("yunhe/high-zone-pressure") == night.sent("domestic-plc")


def test_what_still_goes_on_is_announced_once_fresh_data_shows_it(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    outage(night)
    night.shows(HIGH_ZONE, 0.62)
    night.wait("10min", step="10s")
    night.broker_back()
    night.wait("2s")
    assert night.heard() == []
    night.wait("1min")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    night.wait("5min", step="10s")
    assert night.heard() == ["alert.escalated: supervisor"]
    assert night.alert().occurrence == 2


def test_backlog_behind_live_data_is_counted_and_pages_nobody(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    outage(night)
    backlog, night.held = night.held, []
    night.broker_back()
    night.wait("6s")
    night.resend(backlog)
    night.wait("1min")
    assert night.heard() == []
    assert night.alerts("NUM-01") == []
    assert [one.ended_at - one.started_at for one in night.excursions()] == [timedelta(minutes=19, seconds=50)]


def test_repeated_backlog_changes_nothing(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    outage(night)
    again = list(night.held)
    night.broker_back()
    night.wait("2min")
    before = night.outcome()
    night.resend(again)
    night.resend(again[:100])
    night.hear()
    assert night.outcome() == before


STORY = ((0.65, 30, "2s"), (0.80, 20, "2s"), (0.65, 7, "2s"), (0.80, 2, "2s"), (0.65, 96, "10s"), (0.80, 50, "2s"))
"""What the gauge shows, for how many steps of how long: a breach, a short return, another that escalates, the end."""
STEPS = sum(count for _, count, _ in STORY)


def tell(night: Night, restarts: set[int]) -> None:
    """Play the story, with restarts after the given steps."""
    step = 0
    for value, count, length in STORY:
        night.shows(HIGH_ZONE, value)
        for _ in range(count):
            night.wait(length, step=length)
            step += 1
            if step in restarts:
                night.restart()


@pytest.mark.parametrize(
    "restarts",
    [{3}, {30, 45}, {55, 58}, {75}, {100, 130}, set(range(STEPS))],
    ids=["on-delay", "off-delay", "relapse", "before escalation", "between two levels", "at every step"],
)
def test_restarts_change_nothing(own_nights: Nights, restarts: set[int]) -> None:
    undisturbed, disturbed = own_nights(HIGH_ZONE), own_nights(HIGH_ZONE)
    tell(undisturbed, set())
    tell(disturbed, restarts)
    assert disturbed.outcome() == undisturbed.outcome()
    alert = undisturbed.alert("NUM-01")
    assert (alert.occurrence, alert.active) == (1, False), "the short return was none"
    assert disturbed.heard() == undisturbed.heard() != []


def test_a_restart_after_a_nonsense_value_changes_nothing(own_nights: Nights) -> None:
    """What a sensor cannot read must not slip into the median by way of the database."""
    nights = [own_nights(HIGH_ZONE), own_nights(HIGH_ZONE)]
    for night in nights:
        night.shows(HIGH_ZONE, 0.80)
        night.wait("20s")
        night.shows(HIGH_ZONE, 9.9)
        night.wait("2s")
        if night is nights[1]:
            night.restart()
        night.shows(HIGH_ZONE, 0.95)
        night.wait("20s")
    assert nights[0].outcome() == nights[1].outcome()
    assert nights[0].heard() == nights[1].heard() != []


def test_lost_numbers_raise_one_alert_that_names_them(nights: Nights) -> None:
    night = nights(HIGH_ZONE, "hydrant-main-pressure")
    night.shows(HIGH_ZONE, 0.80)
    night.shows("hydrant-main-pressure", 0.70)
    night.wait("20s")
    seen = {device: night.sent(device) for device in ("domestic-plc", "fire-plc")}
    domestic, fire = night.lose("domestic-plc", 3), night.lose("fire-plc", 2)
    night.wait("30s")
    night.restart()
    night.wait("30s")
    assert night.heard() == ["alert.opened: duty, engineer-fire, engineer-power, engineer-water"]
    alert = night.alert()
    assert (alert.rule, alert.target, alert.value) == ("SYS-LOSS", "yunhe/events", 5)
    first, second = seen["domestic-plc"] + 1, seen["fire-plc"] + 1
    assert alert.detail["missing"] == {
        "domestic-plc": {"b1": [[first, first + 2]]},
        "fire-plc": {"b1": [[second, second + 1]]},
    }
    night.resend([domestic[1], *fire])
    night.wait("10s")
    assert night.alert().detail["missing"] == {"domestic-plc": {"b1": [[first, first], [first + 2, first + 2]]}}
    assert night.alert().value == 2
    assert "2 条" in night.alert().title
    night.restart()
    night.resend([domestic[0], domestic[2]])
    night.wait("10s")
    assert not night.alert().active
    assert night.heard() == ["alert.cleared: duty, engineer-fire, engineer-power, engineer-water"]


def test_a_gap_that_fills_in_time_is_no_loss(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("20s")
    late = night.lose("domestic-plc", 5)
    night.wait("8s")
    night.resend(late)
    night.wait("1min")
    assert night.alerts() == []


def test_a_second_loss_pages_again_once_the_first_was_seen(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("20s")
    night.lose("domestic-plc", 3)
    night.wait("30s")
    assert len(night.heard()) == 1
    night.lose("domestic-plc", 2)
    night.wait("30s")
    assert night.heard() == []
    assert night.alert().value == 5
    night.acknowledge("duty")
    night.wait("30s")
    assert night.state() == "closed", "it happened, and it was seen"
    night.wait("30min", step="10s")
    night.lose("domestic-plc", 1)
    night.wait("30s")
    assert len(night.heard()) == 1
    assert [alert.closed_at is None for alert in night.alerts()] == [False, True]


def test_the_broker_forgot_our_session(nights: Nights) -> None:
    night = nights(HIGH_ZONE)
    at = int(night.now.timestamp() * 1000)
    night.judge.lost_session("gengfu-ingest-main-bulk", "127.0.0.1:1883", at)
    assert night.alerts() == []
    night.judge.lost_session("gengfu-ingest-main-bulk", "127.0.0.1:1883", at)
    night.worker.turn()
    assert night.alert().rule == "SYS-SESSION"
    assert len(night.heard()) == 1


def test_the_broker_says_that_it_dropped(nights: Nights) -> None:
    night = nights(HIGH_ZONE)
    at = int(night.now.timestamp() * 1000)
    for total in (7, 7, 12):
        night.judge.broker_dropped("127.0.0.1:1883", total, at)
    night.worker.turn()
    assert (night.alert().rule, night.alert().value) == ("SYS-DROP", 5)
    assert len(night.heard()) == 1


def test_a_dead_channel_raises_a_system_alert(nights: Nights) -> None:
    night = nights(HIGH_ZONE)
    night.phone.refuse("93000", "robot removed")
    night.shows(HIGH_ZONE, 0.65)
    night.wait("30s")
    night.phone.accept()
    night.wait("10s")
    dead = night.alert("SYS-NOTIFY")
    assert dead.target == "yunhe/console"
    assert "robot removed" in dead.title
    assert night.told("engineer-water", night.alert("NUM-01")) == ["alert.opened: dead, on_duty"]
    night.phone.unheard.clear()


def test_silent_ingest_is_noticed_by_the_worker(own_nights: Nights) -> None:
    night = own_nights("box-1-insulation")
    night.wait("10s")
    night.ingest_alive = False
    night.wait("2min")
    assert night.heard() == ["alert.opened: duty, engineer-fire, engineer-power, engineer-water"]
    assert night.alert().rule == "SYS-SILENT"
    night.ingest_alive = True
    night.wait("10s")
    assert not night.alert().active


@pytest.mark.parametrize("role", ["ingest", "worker"])
def test_a_second_one_on_the_same_sqlite_file_is_refused(sqlite_db: Database, role: str) -> None:
    path = sqlite_db.sqlite_path
    assert path is not None
    first, second = RoleLock(path, role), RoleLock(path, role)
    first.take()
    with pytest.raises(RoleTaken, match=f"Another {role}"):
        second.take()
    first.release()
    second.take()
    second.release()
