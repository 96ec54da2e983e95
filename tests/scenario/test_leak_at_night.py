"""A leak at night: who is called, when, and what makes it stop."""

from collections.abc import Callable

from scenario.site import Night

HIGH_ZONE = "high-zone-pressure"


def leak(nights: Callable[..., Night]) -> Night:
    """A minute of calm, then the pressure falls by 0.15 MPa and stays there; the desk and the engineer are told."""
    night = nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.80)
    night.wait("1min")
    night.shows(HIGH_ZONE, 0.65)
    night.wait("20s")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    return night


def test_nobody_answers_and_the_manager_is_called(nights: Callable[..., Night]) -> None:
    night = leak(nights)
    assert night.state() == "active_unack"
    assert [(one.state, one.assignee, one.priority) for one in night.orders()] == [
        ("dispatched", "engineer-water", "P2")
    ]
    night.wait("5min")
    assert night.heard() == ["alert.escalated: supervisor"]
    night.wait("10min")
    assert night.heard() == ["alert.escalated: manager"]
    night.wait("20min")
    assert [one.outcome for one in night.timers("alert.escalate")] == ["told supervisor", "told manager"]
    assert [row for row in night.order_history() if row == "escalated"] == ["escalated", "escalated"]


def test_an_acknowledgement_ends_the_calling(own_nights: Callable[..., Night]) -> None:
    night = leak(own_nights)
    night.wait("6min")
    assert night.heard() == ["alert.escalated: supervisor"]
    night.acknowledge()
    night.wait("20min")
    assert night.state() == "active_ack"
    assert [one.outcome for one in night.timers("alert.escalate")] == ["told supervisor", "acknowledged"]


def test_all_who_heard_hear_that_it_is_over(own_nights: Callable[..., Night]) -> None:
    night = leak(own_nights)
    night.wait("6min")
    night.shows(HIGH_ZONE, 0.80)
    night.wait("2min")
    assert night.heard() == ["alert.escalated: supervisor", "alert.cleared: duty, engineer-water, supervisor"]
    assert night.state() == "rtn_unack"
    night.wait("20min")
    assert night.timers("alert.escalate")[-1].outcome == "the condition is over"
    night.acknowledge()
    assert night.state() == "closed"
    assert night.history() == ["opened", "announced", "cleared", "acknowledged", "closed"]


def test_the_message_says_where_what_and_how_bad(own_nights: Callable[..., Night]) -> None:
    night = own_nights(HIGH_ZONE)
    night.shows(HIGH_ZONE, 0.65)
    night.wait("30s")
    (text,) = night.texts()
    for words in ("云和苑 生活水泵房", "高区出口压力", "0.650 MPa", "0.800 ± 0.100 MPa", "给排水责任人", "02:00"):
        assert words in text


def test_why_each_person_was_or_was_not_told(nights: Callable[..., Night]) -> None:
    night = leak(nights)
    night.wait("6min")
    night.heard()
    night.acknowledge()
    assert night.told("engineer-water") == ["alert.opened: sent, on_duty", "alert.escalated: skipped, not_in_role"]
    assert night.told("engineer-power") == [
        "alert.opened: skipped, not_in_area",
        "alert.escalated: skipped, not_in_role",
    ]
    assert night.told("duty") == ["alert.opened: sent, on_duty", "alert.escalated: skipped, not_in_role"]
    assert night.told("supervisor") == ["alert.opened: skipped, not_in_role", "alert.escalated: sent, on_duty"]
    assert night.told("manager") == ["alert.opened: skipped, not_in_role", "alert.escalated: skipped, not_in_role"]
    assert night.told("guard") == ["alert.opened: skipped, not_in_role", "alert.escalated: skipped, not_in_role"]
    assert night.told("nobody") == []


def test_worker_away_for_half_an_hour_tells_only_the_highest_level(nights: Callable[..., Night]) -> None:
    night = leak(nights)
    night.worker_alive = False
    night.wait("30min", step="10s")
    night.worker_alive = True
    night.wait("10s")
    assert night.heard() == ["alert.escalated: manager"]
    assert [one.outcome for one in night.timers("alert.escalate")] == ["collapsed into step 2", "told manager"]


def test_a_rise_of_severity_alarms_again_and_puts_nobody_off(own_nights: Callable[..., Night]) -> None:
    night = leak(own_nights)
    night.acknowledge()
    night.wait("1min")
    night.shows(HIGH_ZONE, 0.55)
    night.wait("20s")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    alert = night.alert()
    assert (alert.severity, alert.occurrence, alert.acked_occurrence) == ("critical", 2, 1)
    assert night.state() == "active_unack"
    assert len(night.orders()) == 1
    night.wait("5min")
    assert night.heard() == ["alert.escalated: supervisor"]
    night.wait("10min")
    assert night.heard() == ["alert.escalated: manager"]


def test_getting_worse_unseen_does_not_delay_the_next_level(own_nights: Callable[..., Night]) -> None:
    night = leak(own_nights)
    night.wait("4min")
    night.shows(HIGH_ZONE, 0.55)
    night.wait("20s")
    assert night.heard() == ["alert.opened: duty, engineer-water"]
    night.wait("1min")
    assert night.heard() == ["alert.escalated: supervisor"]


def test_flapping_gauge_is_one_alert_with_few_messages(nights: Callable[..., Night]) -> None:
    night = nights(HIGH_ZONE)
    for _ in range(8):
        night.shows(HIGH_ZONE, 0.65)
        night.wait("30s")
        night.shows(HIGH_ZONE, 0.80)
        night.wait("90s")
    alert = night.alert()
    assert alert.occurrence == 8
    assert len(night.orders()) == 1
    assert len(night.excursions()) == 8
    assert all(one.alerted for one in night.excursions())
    kinds = [line.partition(":")[0] for line in night.heard()]
    assert kinds.count("alert.opened") <= 6
    assert kinds.count("alert.cleared") <= 6
    assert "skipped, flapping" in " ".join(night.told("console", alert))


def test_flapping_all_night_is_not_a_way_to_stay_unnoticed(own_nights: Callable[..., Night]) -> None:
    night = own_nights(HIGH_ZONE)
    for _ in range(10):
        night.shows(HIGH_ZONE, 0.65)
        night.wait("70s")
        night.shows(HIGH_ZONE, 0.80)
        night.wait("80s")
    escalated = [line for line in night.heard() if line.startswith("alert.escalated")]
    assert "alert.escalated: supervisor" in escalated
    assert "alert.escalated: manager" in escalated
