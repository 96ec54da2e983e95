"""A phone that has delivered everything leaves nothing unconfirmed."""

from collections.abc import Callable

from scenario.beat import Beat
from scenario.test_rounds import beats

from services.flows.patrol import rounds as patrol_rounds

__all__ = ["beats"]

Beats = Callable[..., Beat]


def test_what_a_phone_did_not_bring_is_confirmed_as_soon_as_it_has_told_all(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    phone.sync()
    beat.until("2026-11-21 23:01")
    phone.offline()
    for point in ("p1", "p2", "p4"):
        phone.tap(point)
        beat.wait("2min")
    beat.until("2026-11-21 23:45")
    assert beat.verdicts("2026-11-21 23:00") == ["missed unconfirmed"] * 4
    phone.back()
    with beat.db.begin() as session:
        patrol_rounds.told_all(session, "beat", beat.now)
    beat.wait("31s")
    assert beat.verdicts("2026-11-21 23:00") == ["on_time", "on_time", "missed confirmed", "on_time"]
    (alert,) = [one for one in beat.alerts("PATROL-MISSED") if "T1500Z" in one.target]
    assert (alert.title, alert.severity) == ("院子 23:00 漏检 1 处：3号点", "medium")
    assert beat.texts() == [], "it is listed, and pages nobody: it was over when it was heard"


def test_another_silent_phone_keeps_it_open_until_the_second_grace(beats: Beats) -> None:
    beat = beats()
    first, second = beat.handset(), beat.handset(name="second")
    first.sync()
    second.sync()
    second.offline()
    beat.until("2026-11-21 23:45")
    first.sync()
    with beat.db.begin() as session:
        patrol_rounds.told_all(session, "beat", beat.now)
    beat.wait("31s")
    assert set(beat.verdicts("2026-11-21 23:00")) == {"missed unconfirmed"}
    beat.until("2026-11-22 03:45")
    assert set(beat.verdicts("2026-11-21 23:00")) == {"missed confirmed"}
    beat.texts()
