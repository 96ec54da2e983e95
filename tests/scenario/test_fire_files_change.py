"""The site files change while alarms, faults and outages stand; and what a panel says cannot be read."""

from typing import Any

import pytest
from scenario.blaze import (
    CALL,
    FLAT,
    GATEWAY,
    HALL,
    LOBBY,
    NEXT_DOOR,
    OTHER,
    PANEL,
    UTD,
    Blaze,
    blaze_site,
)
from scenario.control_room import ControlRoom, open_room
from scenario.site import span, with_changes

from gateway.contract.topics import topic
from gateway.decoder import Batch, Decoder
from gateway.registry import Registry
from gateway.site.fire import Fire
from gateway.site.model import Configs, SiteConfig
from gateway.subscribe import Message as Wire
from services.alert import service as alerts
from services.alert.tables import Alert
from services.device.tables import Quarantine
from services.fire.tables import FireComponent, FireOutage
from services.kernel.db import Database
from services.notify.tables import Message

START = "2026-11-21 09:00"


@pytest.fixture
def room(one_db: Database, monkeypatch: pytest.MonkeyPatch) -> ControlRoom:
    return open_room(one_db, monkeypatch)


def decoder(config: SiteConfig) -> Decoder:
    return Decoder(Registry.of([config]), lambda claims: [one.used_ms for one in claims])


def changed(story: Any, config: SiteConfig) -> None:
    """Every process starts anew with other site files."""
    story.config, story.configs, story._decoder = config, Configs(sites={config.site.id: config}), decoder(config)
    story.restart()


def fire_files(config: SiteConfig, **parts: Any) -> SiteConfig:
    return with_changes(config, fire=Fire(**{name: getattr(config.fire, name) for name in Fire.model_fields} | parts))


def test_an_area_that_got_another_name_stops_nobody(room: ControlRoom) -> None:
    room.silent.add("printer")
    room.wait("20min")
    assert (room.state("FIRE-LINK"), room.alert("FIRE-LINK").detail["area"]) == ("active", "yard")
    fire = room.config.fire
    court = fire_files(
        with_changes(
            room.config,
            areas=tuple(one.model_copy(update={"id": "court"}) for one in room.config.areas),
            devices=tuple(one.model_copy(update={"area": "court"}) for one in room.config.devices),
        ),
        panels=tuple(one.model_copy(update={"building": "court"}) for one in fire.panels),
        zones=tuple(one.model_copy(update={"area": "court"}) for one in fire.zones),
        appliances=(),
    )
    room.silent.clear()
    changed(room, court)
    room.wait("5min")
    assert room.state("FIRE-LINK") == "cleared"
    assert room.heard_by("alert.cleared") == ["duty", "engineer"]
    assert room.alerts("SYS-TIMER") == []


def open_alerts(story: Blaze) -> list[tuple[str, str]]:
    return [(one.rule, one.target.partition("/")[2]) for one in story.rows(Alert) if one.closed_at is None]


def test_what_the_files_have_no_longer_is_withdrawn_and_what_they_never_had_stays(db: Database) -> None:
    site = blaze_site()
    story = Blaze(db, site, START)
    story.says(NEXT_DOOR, "shield", panel=OTHER)
    story.says("4-9", "fault", panel=OTHER)
    story.says(LOBBY, "supervisory")
    story.says(HALL, "fault")
    story.says("9-99", "fault")
    story.says("aabb:1-1", "fault", panel=None, device=GATEWAY)
    story.wait("25h")
    kept = [("FIRE-FAULT", f"{PANEL}/{HALL}"), ("FIRE-FAULT", f"{PANEL}/9-99"), ("FIRE-FAULT", f"{GATEWAY}/aabb:1-1")]
    gone = [("FIRE-FAULT", f"{OTHER}/4-9"), ("FIRE-SUPERVISORY", f"{PANEL}/{LOBBY}")]
    outage = ("FIRE-OUTAGE", f"{OTHER}/{NEXT_DOOR}")
    assert sorted(open_alerts(story)) == sorted([*kept, *gone, outage])
    fire = site.fire
    points = tuple(one for one in fire.points if one.panel == PANEL and one.address != LOBBY)
    changed(story, fire_files(site, panels=fire.panels[:1], points=points))
    assert sorted(open_alerts(story)) == sorted(kept)
    assert [one.ended_at is None for one in story.rows(FireOutage)] == [False]
    held = {one.id.partition("/")[2] for one in story.rows(FireComponent, FireComponent.is_open)}
    assert held == {target for _, target in kept}
    story.says(LOBBY, "supervisory")
    assert ("FIRE-SUPERVISORY", f"{PANEL}/{LOBBY}") in open_alerts(story), "what speaks again begins anew"
    story.restart()
    assert ("FIRE-SUPERVISORY", f"{PANEL}/{LOBBY}") in open_alerts(story), "as one that nobody declared"


def test_one_alert_for_many_faults_goes_with_its_panel(one_db: Database) -> None:
    site = blaze_site(settings={"faults_together": 2})
    story = Blaze(one_db, site, START)
    for address in (HALL, FLAT, CALL):
        story.says(address, "fault", deliver=False)
    story.hear()
    assert open_alerts(story) == [("FIRE-FAULT", f"{PANEL}:faults")]
    gone = {HALL, FLAT}
    fewer = fire_files(site, points=tuple(one for one in site.fire.points if one.address not in gone))
    changed(story, fewer)
    assert open_alerts(story) == [("FIRE-FAULT", f"{PANEL}:faults")], "one is left"
    changed(story, fire_files(fewer, panels=site.fire.panels[1:], points=()))
    assert open_alerts(story) == []


def test_a_source_that_was_taken_away_is_not_silent_for_ever(room: ControlRoom) -> None:
    room.silent.add("printer")
    room.wait("20min")
    assert room.state("FIRE-LINK") == "active"
    changed(room, fire_files(room.config, sources=room.config.fire.sources[:1], panels=room.config.fire.panels[:1]))
    assert room.state("FIRE-LINK") == "closed"


def test_how_a_fire_goes_on_is_told_though_its_alert_was_put_aside(one_db: Database) -> None:
    story = Blaze(one_db, blaze_site(), START)
    story.burns(HALL)
    story.wait("10s")
    (alert,) = story.rows(Alert)
    with one_db.begin() as session:
        until = story.now + span("20min")
        who = {"actor": "duty", "second_actor": "supervisor"}
        alerts.shelve(session, alert.id, until=until, reason="known", now=story.now, **who)
    story.burns(FLAT)
    story.wait("2min")
    told = story.rows(Message, Message.kind.in_(["fire.graded", "fire.call", "fire.digest"]))
    assert {one.kind for one in told} == {"fire.graded", "fire.call", "fire.digest"}
    assert "muted" not in {one.reason for one in told}


# What cannot be read


def garbled(story: Blaze, device: str, kind: Any = "fire") -> Batch:
    return story._decoder.decode_all(
        [Wire(topic("blaze", device, kind), b"{", 0, 1, False)], int(story.now.timestamp() * 1000)
    )


def test_a_fire_message_that_cannot_be_read_calls_everybody_until_somebody_has_seen_it(db: Database) -> None:
    story = Blaze(db, blaze_site(), START)

    def hears(device: str, kind: Any = "fire") -> None:
        batch = garbled(story, device, kind)
        assert len(batch.rejected) == 1
        story.judge.hear(batch.heard, batch.rejected, int(story.now.timestamp() * 1000))
        story.worker.turn()

    hears(UTD, "status")
    assert story.rows(Alert) == []
    for _ in range(3):
        hears(UTD)
    (alert,) = story.rows(Alert)
    assert (alert.rule, alert.target, alert.severity, alert.policy["id"]) == (
        "SYS-FIRE", f"blaze/{UTD}", "critical", "fire",
    )  # fmt: skip
    told = {one.recipient for one in story.rows(Message) if one.decision != "skip"}
    assert told >= {"guard", "guard-2", "duty", "engineer", "supervisor", "manager"}
    assert len(story.rows(Quarantine)) == 4
    for device in ("nobody-1", "nobody-2"):
        hears(device)
    assert [one.target for one in story.rows(Alert)] == [f"blaze/{UTD}", "blaze/unknown-device"]
    with db.begin() as session:
        alerts.acknowledge(session, alert.id, occurrence=1, actor="duty", now=story.now)
    story.wait("1min")
    assert [one.closed_at is None for one in story.rows(Alert)] == [False, True]
    hears(UTD)
    first = next(one for one in story.rows(Alert) if one.id == alert.id)
    assert (first.occurrence, first.announced_occurrence, first.closed_at) == (2, 2, None), "and it calls anew"
