"""What counts as a breach in a pump room, and what people may do about one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from scenario.site import Night, with_changes, yunhe

from gateway.site.model import SiteConfig
from services.alert import service as alerts
from services.flows import maintenance
from services.kernel.errors import Conflict, Forbidden

HIGH_ZONE = "high-zone-pressure"
HYDRANT, PUMP = "hydrant-main-pressure", "hydrant-pump-1-run"
FIRE_ENGINEER = "alert.opened: duty, engineer-fire"
WATER_ENGINEER = "alert.opened: duty, engineer-water"
Nights = Callable[..., Night]


def latching(config: SiteConfig) -> SiteConfig:
    """The same site, where a pressure alert stays until somebody resets it."""
    limits = tuple(replace(limit, latching=limit.id == "NUM-01") for limit in config.limits)
    return with_changes(config, limits=limits)


def with_warning(config: SiteConfig) -> SiteConfig:
    """The same site, with an earlier and milder limit of its own."""
    mild = {"threshold": 0.05, "return_threshold": 0.045, "severe_threshold": None, "on_delay_ms": 60_000}
    warnings = [
        replace(limit, variant="warning", severity="low", policy="data", **mild)
        for limit in config.limits
        if limit.id == "NUM-01"
    ]
    return with_changes(config, limits=(*config.limits, *warnings))


def in_breach(night: Night, value: float = 0.65) -> Night:
    night.shows(HIGH_ZONE, 0.80)
    night.wait("20s")
    night.shows(HIGH_ZONE, value)
    night.wait("30s")
    assert night.heard() == [WATER_ENGINEER]
    return night


def test_short_excursions_are_counted_and_not_alerted(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    for _ in range(4):
        night.shows(HIGH_ZONE, 0.80)
        night.wait("30s")
        night.shows(HIGH_ZONE, 0.68)
        night.wait("8s")
    night.shows(HIGH_ZONE, 0.80)
    night.wait("30s")
    assert night.alerts() == []
    assert [(one.alerted, one.worst, one.ended_at - one.started_at) for one in night.excursions()] == [
        (False, 0.68, timedelta(seconds=8))
    ] * 4


@pytest.mark.parametrize(("value", "breached"), [(0.70, False), (0.699, True), (0.90, False), (0.901, True)])
def test_exactly_at_the_limit_is_inside(own_nights: Nights, value: float, breached: bool) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, value)
    night.wait("40s")
    assert [alert.active for alert in night.alerts()] == [True] * breached
    assert len(night.heard()) == breached


def test_the_way_back_ends_only_within_the_narrower_band(own_nights: Nights) -> None:
    night = in_breach(own_nights(HIGH_ZONE))
    night.shows(HIGH_ZONE, 0.705)
    night.wait("3min")
    assert night.alert().active
    night.shows(HIGH_ZONE, 0.71)
    night.wait("80s")
    assert not night.alert().active
    assert night.heard() == ["alert.cleared: duty, engineer-water"]


def test_a_warning_waits_for_the_digest_and_makes_no_order(own_nights: Nights) -> None:
    night = own_nights(config=with_warning(yunhe("low-zone-pressure")))
    night.shows("low-zone-pressure", 0.39)
    night.wait("90s")
    assert (night.alert().rule, night.alert().severity) == ("NUM-01/warning", "low")
    night.wait("10min")
    assert night.orders() == []
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    night.shows("low-zone-pressure", 0.30)
    night.wait("30s")
    assert [one.rule for one in night.alerts()] == ["NUM-01/warning", "NUM-01"]
    assert night.heard() == [WATER_ENGINEER]


def test_a_latched_alert_waits_for_a_reset_on_site(nights: Nights) -> None:
    night = in_breach(nights(config=latching(yunhe(HIGH_ZONE))))
    night.shows(HIGH_ZONE, 0.80)
    night.wait("2min")
    night.acknowledge()
    assert night.state() == "latched"
    assert night.heard() == ["alert.cleared: duty, engineer-water"]
    night.restart()
    night.wait("10min")
    assert night.state() == "latched"
    with night.db.begin() as session:
        alerts.reset(session, night.alert().id, actor="engineer-water", now=night.now)
    assert night.state() == "closed"


def test_a_latched_alert_cannot_be_reset_while_its_cause_is_there(own_nights: Nights) -> None:
    night = in_breach(own_nights(config=latching(yunhe(HIGH_ZONE))))
    with pytest.raises(Conflict), night.db.begin() as session:
        alerts.reset(session, night.alert().id, actor="engineer-water", now=night.now)
    with pytest.raises(Forbidden):
        night.shelve("1h")


def test_shelved_it_is_quiet_and_comes_back_by_itself(own_nights: Nights) -> None:
    night = in_breach(own_nights(HIGH_ZONE))
    night.shelve("30min")
    night.wait("15min")
    assert night.state() == "shelved"
    assert {one.outcome for one in night.timers("alert.escalate")} == {"hidden"}
    night.wait("14min")
    night.restart()
    night.wait("2min")
    assert night.state() == "active_unack"
    assert night.heard() == [WATER_ENGINEER]
    night.wait("5min")
    assert night.heard() == ["alert.escalated: supervisor"]
    night.wait("10min")
    assert night.heard() == ["alert.escalated: manager"]
    assert len(night.orders()) == 1


def test_shelved_and_over_meanwhile_nobody_is_called(own_nights: Nights) -> None:
    night = in_breach(own_nights(HIGH_ZONE))
    night.acknowledge()
    night.shelve("30min")
    night.shows(HIGH_ZONE, 0.80)
    night.wait("40min")
    assert night.state() == "closed"
    assert [line for line in night.heard() if "opened" in line] == []


def test_what_gets_worse_ends_its_shelving(own_nights: Nights) -> None:
    night = in_breach(own_nights(HIGH_ZONE))
    night.shelve("2h")
    night.wait("15min")
    night.shows(HIGH_ZONE, 0.55)
    night.wait("30s")
    assert night.state() == "active_unack"
    assert night.alert().severity == "critical"
    assert night.heard() == [WATER_ENGINEER]
    night.wait("10min")
    assert night.heard() == ["alert.escalated: supervisor"]


def test_maintenance_hides_and_then_says_what_is_still_wrong(nights: Nights) -> None:
    night = in_breach(nights(HIGH_ZONE))
    night.maintain("yunhe/domestic-high-set", "30min")
    assert night.state() == "suppressed"
    night.wait("20min")
    night.shows(HIGH_ZONE, 0.40)
    night.wait("5min")
    assert night.heard() == []
    night.restart()
    night.wait("6min")
    assert night.state() == "active_unack"
    assert night.heard() == [WATER_ENGINEER]
    night.wait("5min")
    assert night.heard() == ["alert.escalated: supervisor"]
    with night.db.read() as session:
        assert maintenance.open_modes(session) == []


def test_breaches_during_maintenance_are_only_counted(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("20s")
    night.maintain("yunhe/high-zone-pressure", "10min")
    night.wait("10s")
    night.shows(HIGH_ZONE, 0.20)
    night.wait("4min")
    night.shows(HIGH_ZONE, 0.80)
    night.wait("8min")
    assert night.alerts() == []
    assert [(one.alerted, one.suspended) for one in night.excursions()] == [(False, True)]
    night.shows(HIGH_ZONE, 0.20)
    night.wait("30s")
    assert night.heard() == [WATER_ENGINEER]


def test_still_broken_after_maintenance_is_a_breach_from_then_on(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("20s")
    night.maintain("yunhe", "10min")
    night.wait("10s")
    night.shows(HIGH_ZONE, 0.20)
    night.wait("9min")
    assert night.alerts() == []
    night.wait("2min")
    assert night.heard() == [WATER_ENGINEER]


def test_silence_during_maintenance_is_shown_as_hidden_and_told_after(own_nights: Nights) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("20s")
    night.maintain("yunhe/high-zone-pressure", "10min")
    night.falls_silent(HIGH_ZONE)
    night.wait("9min")
    assert (night.alert().rule, night.state()) == ("DATA-STALE", "suppressed")
    assert night.heard() == []
    night.wait("2min")
    assert night.state() == "active_unack"
    assert night.heard() == [WATER_ENGINEER]


def test_the_wider_of_two_maintenance_modes_goes_on_hiding(own_nights: Nights) -> None:
    night = in_breach(own_nights(HIGH_ZONE))
    night.maintain("yunhe", "1h")
    night.maintain("yunhe/high-zone-pressure", "10min")
    night.wait("20min")
    assert night.state() == "suppressed"
    assert night.heard() == []
    night.wait("45min")
    assert WATER_ENGINEER in night.heard()


def test_a_running_fire_pump_excuses_its_main(nights: Nights) -> None:
    night = nights(HYDRANT, PUMP)
    night.shows(HYDRANT, 0.70)
    night.shows(PUMP, 0)
    night.wait("20s")
    night.shows(PUMP, 1)
    night.wait("20s")
    night.shows(HYDRANT, 0.95)
    night.wait("10min")
    assert night.alerts() == []
    night.shows(HYDRANT, 0.70)
    night.wait("20s")
    assert [(one.alerted, one.suspended) for one in night.excursions()] == [(False, True)]
    night.shows(HYDRANT, 0.95)
    night.shows(PUMP, 0)
    night.wait("30s")
    assert night.heard() == [FIRE_ENGINEER]


def test_a_pump_contact_that_fell_silent_excuses_nothing(own_nights: Nights) -> None:
    night = own_nights(HYDRANT, PUMP)
    night.shows(HYDRANT, 0.70)
    night.shows(PUMP, 1)
    night.wait("20s")
    night.falls_silent(PUMP)
    night.shows(HYDRANT, 0.50)
    night.wait("20s")
    assert night.alerts() == []
    night.wait("40s")
    assert {one.rule for one in night.alerts()} == {"NUM-01", "DATA-STALE"}
    assert night.heard() == [FIRE_ENGINEER, FIRE_ENGINEER]
