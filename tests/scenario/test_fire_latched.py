"""What panels say again: after a closing, word for word, naming no place, by a slow clock, many things at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from scenario.blaze import FLAT, HALL, LOBBY, PANEL, Blaze, blaze_site
from scenario.conftest import quicken
from scenario.site import with_changes

from gateway.decoder import Decoder
from gateway.registry import Registry
from gateway.site.model import Configs, SiteConfig
from services.fire import incidents
from services.flows.fire import care as fire_care
from services.flows.fire import test_mode as fire_test_mode
from services.flows.fire import trouble as fire_trouble
from services.flows.fire.trouble import settle
from services.kernel.db import Database

Blazes = Callable[..., Blaze]
LINE = {"scope": "system", "complete": False, "marks": ["unparsed", "keyword"]}


@pytest.fixture
def blazes(one_db: Database) -> Blazes:
    """Opens a blaze at the small site, or at the one given."""
    quicken(one_db)
    return lambda config=None, **site: Blaze(one_db, config or blaze_site(**site), "2026-11-21 02:00")


def declare(blaze: Blaze, config: SiteConfig) -> None:
    """The site files change, and every process starts anew."""
    blaze.config, blaze.configs = config, Configs(sites={config.site.id: config})
    blaze._decoder = Decoder(Registry.of([config]), lambda claims: [one.used_ms for one in claims])
    blaze.restart()


def test_what_is_latched_since_an_earlier_incident_is_a_second_signal_of_the_next(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.do("close", by="duty", verdict="false", cause="水汽")
    blaze.wait("2h")
    blaze.burns(FLAT)
    blaze.burns(HALL, marks=["reply"])
    blaze.burns(HALL, at=blaze.now - timedelta(hours=1))
    assert blaze.stage() == "unconfirmed", "what we asked for, and what was said before, says nothing new"
    blaze.burns(HALL, deliver=False)
    blaze.burns(HALL)
    assert (blaze.stage(), blaze.incident().signals) == ("large second_signal", 2)
    blaze.do("grade", grade="small", note="已扑灭")
    blaze.burns(HALL)
    assert (blaze.stage(), blaze.incident().signals) == ("small", 2), "it is part of the incident already"


def test_what_is_latched_and_reports_in_one_batch_with_the_fire_that_opens_is_counted_once(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.do("close", by="duty", verdict="false", cause="水汽")
    blaze.wait("2h")
    for address in (FLAT, HALL, HALL, FLAT):
        blaze.burns(address, deliver=False)
    blaze.hear()
    assert (blaze.stage(), blaze.incident().signals) == ("large second_signal", 2)


def test_a_panel_that_is_declared_while_something_burns_opens_an_incident_of_its_building(blazes: Blazes) -> None:
    config = blaze_site()
    unknown = {
        "panels": tuple(one for one in config.fire.panels if one.id != PANEL),
        "points": tuple(one for one in config.fire.points if one.panel != PANEL),
    }
    blaze = blazes(with_changes(config, fire=config.fire.model_copy(update=unknown)))
    blaze.burns(HALL)
    declare(blaze, config)
    blaze.burns(HALL)
    assert [one.building for one in blaze.incidents()] == [""], "the incident of it is open"
    blaze.do("close", by="duty", verdict="false", cause="测试")
    blaze.wait("10min")
    blaze.burns(HALL)
    blaze.burns(HALL)
    assert [(one.building, one.signals) for one in blaze.incidents()] == [("", 1), ("block-3", 1)]


def test_a_fire_and_what_spreads_from_it_into_a_tested_zone_in_one_batch(blazes: Blazes) -> None:
    blaze = blazes()
    with blaze.db.begin() as session:
        fire_test_mode.begin(
            session, blaze.config, panel=PANEL, zone="floor-12", until=blaze.now + timedelta(hours=1),
            reason="季度联动测试", actor="engineer", second="duty", now=blaze.now,
        )  # fmt: skip
    blaze.burns(FLAT, deliver=False)
    blaze.burns(LOBBY, deliver=False)
    blaze.burns(HALL, deliver=False)
    blaze.hear()
    assert [one.test for one in blaze.signals()] == [True, False, False]
    assert blaze.incident().zones == {"lobby": [blaze.component(LOBBY)], "floor-12": [blaze.component(HALL)]}


def test_every_further_line_of_fire_that_names_no_place_is_told_and_spreads(blazes: Blazes) -> None:
    blaze = blazes()
    for number in (1, 2):
        blaze.says(None, "fire", text=f"FIRE ALM {number}F", key=f"k{number}", **LINE)
    blaze.says(None, "fire", scope="system")
    assert (blaze.stage(), blaze.incident().signals) == ("unconfirmed", 2), "words of no place are no second component"
    blaze.wait("61s")
    assert len(blaze.pages("fire.digest")) == 1
    blaze.do("grade", grade="small")
    blaze.says(None, "fire", scope="system")
    assert blaze.stage() == "small", "a state that is only repeated says nothing new"
    blaze.says(None, "fire", text="FIRE ALM 3F", key="k3", **LINE)
    assert (blaze.stage(), blaze.incident().signals) == ("large spread", 3)


def test_a_slow_clock_of_the_gateway_hides_no_fire_said_after_the_closing(blazes: Blazes) -> None:
    blaze = blazes()
    for behind in (timedelta(minutes=4), timedelta(minutes=20)):
        blaze.burns(HALL, at=blaze.now - behind)
        blaze.do("close", by="duty", verdict="false", cause="水汽")
        blaze.wait("1min")
        blaze.burns(HALL, at=blaze.now - behind)
        assert blaze.stage() == "unconfirmed"
        blaze.do("close", by="duty", verdict="false", cause="水汽")
        blaze.resets()
        blaze.wait("1h")


def test_a_slow_clock_of_the_gateway_makes_no_fire_a_past_one(blazes: Blazes) -> None:
    blaze = blazes()
    behind = timedelta(minutes=6)
    blaze.burns(HALL, at=blaze.now - behind, deliver=False)
    blaze.says(HALL, at=blaze.now - behind + timedelta(seconds=1))
    blaze.wait("1s")
    assert (blaze.stage(), len(blaze.pages())) == ("unconfirmed", 1)


def test_a_backlog_of_before_the_closing_opens_nothing(blazes: Blazes) -> None:
    blaze = blazes()
    blaze.burns(HALL)
    blaze.wait("20min")
    blaze.do("close", by="duty", verdict="false", cause="水汽")
    blaze.wait("1min")
    blaze.burns(HALL, at=blaze.now - timedelta(minutes=10))
    assert [one.verdict for one in blaze.incidents()] == ["false"]


def test_the_same_words_within_ten_minutes_are_news_where_the_component_says_something_else(blazes: Blazes) -> None:
    blaze = blazes()
    broken, well = blaze.says(FLAT, "fault", key="a"), blaze.says(FLAT, key="b")
    for event, holds in ((broken, ["fault"]), (broken, ["fault"]), (well, []), (broken, ["fault"])):
        blaze.wait("30s")
        blaze.said_anew(event)
        assert blaze.holds(FLAT) == holds
    assert len(blaze.signals()) == 5
    assert blaze.replayed(FLAT).states.keys() == {"fault"}


def test_the_same_words_within_ten_minutes_are_news_after_the_closing(blazes: Blazes) -> None:
    blaze = blazes()
    event = blaze.burns(HALL, key="k1")
    blaze.wait("2min")
    blaze.do("close", by="duty", verdict="false", cause="水汽")
    blaze.wait("3min")
    blaze.said_anew(event)
    blaze.said_anew(event)
    assert (blaze.stage(), blaze.incident().signals, len(blaze.signals())) == ("unconfirmed", 1, 2)


def test_what_fails_beside_a_fire_takes_neither_it_nor_the_rest_with_it(
    blazes: Blazes, monkeypatch: pytest.MonkeyPatch
) -> None:
    blaze = blazes()

    def fails(session: Any, config: Any, changes: Any, now: Any) -> None:
        settle(session, config, changes, now)
        if any(one.component.address == LOBBY for one in changes):
            raise KeyError("no such area")

    monkeypatch.setattr(fire_trouble, "settle", fails)
    monkeypatch.setattr(fire_care, "take", fails)
    for address in ("12-5", LOBBY, "12-6"):
        blaze.says(address, "fault", deliver=False)
    blaze.burns(HALL)
    assert (blaze.stage(), len(blaze.signals())) == ("unconfirmed", 4)
    assert {one.target.rpartition("/")[2] for one in blaze.alerts("FIRE-FAULT")} == {"12-5", "12-6"}
    assert [one.detail["kind"] for one in blaze.alerts("SYS-TIMER")] == ["fire.trouble", "fire.care"]
    assert blaze.holds(LOBBY) == ["fault"]


def test_an_incident_that_another_process_has_just_opened_is_joined(
    blazes: Blazes, monkeypatch: pytest.MonkeyPatch
) -> None:
    blaze = blazes()
    blaze.burns(LOBBY)
    monkeypatch.setattr(incidents, "find_open", _unseen_once(incidents.find_open))
    blaze.burns(HALL)
    blaze.wait("1s")
    assert (blaze.incident().signals, len(blaze.pages()), len(blaze.alerts("FIRE-ALARM"))) == (2, 1, 1)


def _unseen_once(find: Callable[..., Any]) -> Callable[..., Any]:
    unseen = iter([True])
    return lambda *given: {} if next(unseen, False) else find(*given)
