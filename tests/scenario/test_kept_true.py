"""A miss stays true to what is known: never confirmed too early nor too late, smaller with evidence, made up for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from scenario.beat import APP, Beat, uid_of
from scenario.test_rounds import beats, walk
from sqlalchemy import event

from gateway.decoder import Decoder
from gateway.registry import Registry
from gateway.site.model import Configs
from gateway.site.patrol import PatrolRule, Span
from services.alert.tables import Alert
from services.flows.patrol import rounds as patrol_rounds
from services.kernel.timers import Timer
from services.patrol.tables import TapRow
from services.work_order.service import history

__all__ = ["beats"]

Beats = Callable[..., Beat]
START = "2026-11-21 23:00"


def missed_at_eleven(beat: Beat) -> Alert:
    (alert,) = [one for one in beat.alerts("PATROL-MISSED") if "T1500Z" in one.target]
    return alert


def told_all(beat: Beat) -> None:
    with beat.db.begin() as session:
        patrol_rounds.told_all(session, "beat", beat.now)


def looks(beat: Beat) -> list[Timer]:
    """The open timers of the round at eleven that look at its misses again."""
    open_now = (Timer.kind == patrol_rounds.CONFIRM_TIMER, Timer.done_at.is_(None), Timer.ref.contains("T1500Z"))
    return beat.rows(Timer, *open_now)


def test_deliveries_that_never_end_do_not_put_the_confirmation_off(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    phone.sync()
    phone.offline()
    beat.until("2026-11-22 03:39")
    while beat.now < beat.at("2026-11-22 03:40") + timedelta(seconds=25):
        told_all(beat)
        assert len(looks(beat)) <= 1
        beat.wait("20s")
    assert set(beat.verdicts(START)) == {"missed confirmed"}
    beat.texts()


def test_what_is_unconfirmed_again_after_it_was_confirmed_is_looked_at_again(beats: Beats) -> None:
    beat = beats()
    first, second = beat.handset(), beat.handset("guard-2")
    for phone in (first, second):
        phone.sync()
    beat.until("2026-11-21 23:01")
    for phone, point in ((first, "p1"), (second, "p2")):
        phone.offline()
        phone.tap(point)
        beat.wait("1min")
    beat.until("2026-11-21 23:50")
    first.back()
    told_all(beat)
    beat.wait("31s")
    assert beat.verdicts(START) == ["on_time", *["missed confirmed"] * 3]
    heard, beat.phone_heard = beat.phone_heard, lambda phone, sent, _queued: heard(phone, sent, 3)  # type: ignore[method-assign]
    second.back()
    assert beat.verdicts(START)[2:] == ["missed unconfirmed"] * 2
    assert len(looks(beat)) == 1
    beat.until("2026-11-22 03:41")
    assert beat.verdicts(START)[2:] == ["missed confirmed"] * 2
    assert looks(beat) == []
    beat.texts()


def test_nobody_is_accused_while_ingest_is_down(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    beat.until("2026-11-21 23:03")
    beat.ingest_dies()
    walk(beat, "p1", "p2", "p3", "p4")
    while beat.now < beat.at("2026-11-21 23:50"):
        phone.sync()
        beat.wait("1min")
    assert set(beat.verdicts(START)) == {"missed unconfirmed"}
    assert not any("漏检" in text for text in beat.texts())
    beat.ingest_returns()
    assert beat.verdicts(START) == ["on_time"] * 4
    assert not missed_at_eleven(beat).active
    beat.wait("1min")
    assert not any("漏检" in text for text in beat.texts())


def test_what_waited_for_ingest_is_heard_before_anybody_is_accused(beats: Beats) -> None:
    beat = beats()
    phone = beat.handset()
    beat.until("2026-11-21 23:03")
    beat.ingest_dies()
    for point in ("p1", "p2", "p4"):
        phone.tap(point)
        beat.clock.advance(timedelta(minutes=2))
    beat.clock.set(beat.at("2026-11-21 23:41"))  # the worker was gone as well
    phone.sync()
    beat.ingest_returns()
    beat.worker.turn()
    assert beat.verdicts(START) == ["on_time", "on_time", "missed unconfirmed", "on_time"]
    assert beat.texts() == []
    beat.wait("30s")
    phone.sync()
    beat.wait("90s")
    assert beat.verdicts(START)[2] == "missed confirmed"
    assert any("漏检 1 处：3号点" in text for text in beat.texts())


def test_without_ingest_nothing_is_confirmed_however_late(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:03")
    beat.ingest_dies()
    beat.until("2026-11-22 03:45")
    assert set(beat.verdicts(START)) == {"missed unconfirmed"}
    beat.ingest_returns()
    beat.wait("3min")
    assert set(beat.verdicts(START)) == {"missed confirmed"}
    beat.texts()


def test_a_miss_that_was_partly_wrong_accuses_of_the_rest_only(beats: Beats) -> None:
    beat = beats()
    lost, phone = beat.handset(name="lost"), beat.handset()
    beat.until("2026-11-21 23:01")
    lost.offline()
    walk(beat, "p1", "p2")
    lost.tap("p3")
    beat.until("2026-11-21 23:38")
    phone.sync()
    beat.until("2026-11-21 23:45")
    assert missed_at_eleven(beat).title == "院子 23:00 漏检 2 处：3号点、4号点"
    beat.texts()
    lost.back()
    beat.wait("1min")
    alert = missed_at_eleven(beat)
    assert (alert.title, alert.detail["stops"], alert.active) == ("院子 23:00 漏检 1 处：4号点", ["p4"], True)
    with beat.db.read() as session:
        assert [one.kind for one in history(session, beat.order().id)][-1] == "commented"
    phone.tap("p4")
    beat.wait("1min")
    assert not missed_at_eleven(beat).active
    assert [text for text in beat.texts() if "漏检" in text and "恢复" not in text] == []


def test_who_was_made_up_for_is_not_paged_again_when_less_was_missed(beats: Beats) -> None:
    beat = beats()
    lost, phone = beat.handset(name="lost"), beat.handset()
    beat.until("2026-11-21 23:01")
    lost.offline()
    walk(beat, "p1", "p2")
    lost.tap("p3")
    beat.until("2026-11-21 23:38")
    phone.sync()
    beat.until("2026-11-21 23:42")
    walk(beat, "p3", "p4")
    assert not missed_at_eleven(beat).active
    beat.texts()
    lost.back()
    beat.wait("1min")
    assert missed_at_eleven(beat).detail["stops"] == ["p4"]
    assert not missed_at_eleven(beat).active
    assert beat.texts() == []


def test_who_comes_in_the_grace_is_late_and_pages_nobody(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:02")
    walk(beat, "p1", "p2", "p3")
    beat.until("2026-11-21 23:37")
    beat.handset().tap("p4")
    beat.until("2026-11-21 23:45")
    assert beat.verdicts(START)[3] == "missed confirmed"
    assert beat.anomalies() == ["missed p4"]
    assert beat.alerts("PATROL-MISSED") == []
    assert beat.texts() == []


def test_a_checkpoint_taken_out_of_the_site_is_not_missed(beats: Beats) -> None:
    beat = beats()
    beat.until("2026-11-21 23:01")
    walk(beat, "p1", "p2")
    patrol = beat.config.patrol
    left = tuple(one for one in patrol.checkpoints if one.id not in ("p1", "p3"))
    routes = tuple(
        route.model_copy(update={"stops": tuple(one for one in route.stops if one.checkpoint in ("p2", "p4"))})
        for route in patrol.routes
    )
    change = {"patrol": patrol.model_copy(update={"checkpoints": left, "routes": routes})}
    beat.config = beat.config.model_copy(update=change)
    beat.configs = Configs(sites={"beat": beat.config})
    beat._decoder = Decoder(Registry.of([beat.config]), lambda claims: [one.used_ms for one in claims])
    beat.restart()
    walk(beat, "p4")
    beat.until("2026-11-21 23:45")
    assert beat.verdicts(START) == ["on_time", "on_time", "suspended", "on_time"]
    assert beat.round(START).state == "complete"
    assert beat.alerts("PATROL-MISSED") == []


@pytest.mark.parametrize(("guard", "role", "asked"), [("guard", "guard", 0), ("supervisor", "supervisor", 1)])
def test_a_spot_check_is_judged_only_when_somebody_came_whom_it_is_about(
    beats: Beats, guard: str, role: str, asked: int
) -> None:
    rule = PatrolRule(
        id="spot", name="查岗", kind="spot_check", roles=("supervisor",), source="x", requirement="PER-17",
        within=Span(start="23:00", end="06:00"),
    )  # fmt: skip
    beat = beats(rules=(rule,))
    with beat.db.begin() as session:
        for number in range(8):
            at = beat.now - timedelta(hours=number)
            session.add(
                TapRow(
                    id=f"beat/{APP}/{number}", site="beat", device=APP, checkpoint="p1", tag=uid_of(1), at=at,
                    guard="guard", role="guard", received_at=at, evidence="uid",
                )
            )  # fmt: skip
    said: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "patrol_tap.role IN" in statement:
            said.append(parameters)

    event.listen(beat.db.engine, "before_cursor_execute", note)
    beat.handset(guard).tap("p2")
    event.remove(beat.db.engine, "before_cursor_execute", note)
    assert [tap.role for tap in beat.taps()][-1] == role
    assert len(said) == asked
