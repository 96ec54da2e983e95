"""No data is not good data: sensors that fall silent, and those that say nonsense."""

from collections.abc import Callable
from datetime import timedelta

from scenario.site import Night

HIGH_ZONE = "high-zone-pressure"
TANK = "domestic-tank-level"


def test_sensor_falls_silent_during_an_excursion(nights: Callable[..., Night]) -> None:
    night = nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("30s")
    night.shows(HIGH_ZONE, 0.65)
    night.wait("30s")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    night.acknowledge()
    night.falls_silent(HIGH_ZONE)
    night.wait("1min")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    assert night.state("NUM-01") == "active_ack"
    assert night.state("DATA-STALE") == "active_unack"
    night.wait("20min")
    assert night.alert("NUM-01").active
    night.shows(HIGH_ZONE, 0.80)
    night.wait("10s")
    assert night.heard() == ["alert.cleared: duty, engineer-water"]
    assert night.state("DATA-STALE") == "rtn_unack"
    assert night.alert("NUM-01").active, "one good value does not end a breach: the off-delay has only begun"
    night.wait("1min")
    assert night.heard() == ["alert.cleared: duty, engineer-water"]
    assert night.state("NUM-01") == "closed"
    assert [(one.alerted, one.worst) for one in night.excursions()] == [(True, 0.65)]


def test_silence_inside_the_return_begins_it_anew(own_nights: Callable[..., Night]) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.65)
    night.wait("30s")
    night.shows(HIGH_ZONE, 0.80)
    night.wait("50s")
    night.falls_silent(HIGH_ZONE)
    night.wait("20s")
    night.shows(HIGH_ZONE, 0.80)
    night.wait("50s")
    assert night.alert("NUM-01").active
    night.wait("20s")
    assert not night.alert("NUM-01").active
    kinds = [line.partition(":")[0] for line in night.heard()]
    assert kinds == ["alert.opened", "alert.opened", "alert.cleared", "alert.cleared"]


def test_silence_in_the_on_delay_proves_nothing(own_nights: Callable[..., Night]) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("30s")
    night.shows(HIGH_ZONE, 0.60)
    night.wait("8s")
    night.falls_silent(HIGH_ZONE)
    night.wait("1min")
    night.heard()
    night.shows(HIGH_ZONE, 0.60)
    night.wait("4s")
    assert night.alerts("NUM-01") == []
    night.wait("12s")
    assert night.alert("NUM-01").active
    night.heard()


def test_what_we_could_not_hear_is_not_the_devices_silence(own_nights: Callable[..., Night]) -> None:
    night = own_nights(TANK)
    night.shows(TANK, 2.0)
    night.wait("1min")
    night.broker_down()
    night.wait("10min", step="10s")
    night.broker_back()
    night.wait("1min")
    assert night.alerts() == []


def test_a_device_that_calls_its_own_values_bad_is_no_data(own_nights: Callable[..., Night]) -> None:
    night = own_nights("gateway-backlog")
    night.shows("gateway-backlog", 0)
    night.wait("1min")
    night.shows("gateway-backlog", 0, quality="bad")
    night.wait("2min")
    assert night.alert().rule == "DATA-STALE"
    assert night.heard() == ["alert.opened: duty, engineer-fire"]
    night.shows("gateway-backlog", 0)
    night.wait("20s")
    assert not night.alert().active
    night.heard()


def test_bad_values_clear_nothing(own_nights: Callable[..., Night]) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.65)
    night.wait("30s")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    night.shows(HIGH_ZONE, 0.80, quality="bad")
    night.wait("3min")
    assert night.alert("NUM-01").active
    night.shows(HIGH_ZONE, 9.9)
    night.wait("3min")
    assert night.alert("NUM-01").active
    assert night.alert("DATA-RANGE").active
    night.heard()


def test_a_device_whose_clock_runs_ahead_is_judged_at_receive_time(nights: Callable[..., Night]) -> None:
    night = nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80, ahead="10min")
    night.wait("30s")
    night.shows(HIGH_ZONE, 0.65, ahead="10min")
    night.wait("30s")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    alert = night.alert()
    assert timedelta(0) <= night.now - alert.opened_at < timedelta(seconds=30)
    assert abs(night.device("domestic-plc").ahead_ms - 600_000) < 1000
    night.shows(HIGH_ZONE, 0.80)
    night.wait("2min")
    assert night.heard() == ["alert.cleared: duty, engineer-water"]
    assert night.device("domestic-plc").ahead_ms == 0


def test_a_clock_that_was_ahead_and_is_set_back_does_not_deafen_us(own_nights: Callable[..., Night]) -> None:
    night = own_nights(HIGH_ZONE)
    night.clock.advance(timedelta(hours=8))
    night.every("2s", HIGH_ZONE, 0.80, for_="30s")
    night.clock.advance(-timedelta(hours=8))
    night.every("2s", HIGH_ZONE, 0.65, for_="1min")
    assert night.alert("NUM-01").active
    night.wait("1min")
    assert night.alert("SYS-CLOCK").active
    assert night.alert("DATA-STALE").active
    night.heard()
