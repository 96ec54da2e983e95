"""A fire on the guard's phone: whom it reaches, and what he says to it, with and without network."""

from datetime import timedelta
from typing import Any

import pytest
from console import SITE, Browser, Console
from phone import FakeDoor, burns, with_door
from sqlalchemy import select

from gateway.contract.times import to_ms
from services.fire import incidents
from services.fire.incident import NotConfirmed, Reported
from services.fire.incidents import Dossier
from services.fire.tables import FireTestMode
from services.flows.fire import response as fire_response
from services.patrol.tables import Incident
from services.web import phone_fire

SMOKE_6, SMOKE_7, CALL_3 = "01000600", "01000700", "01000d00"
BOOT, PHONE, WALL = "B0000001", "PH000001", 1_763_690_400_000


@pytest.fixture
def door(console: Console) -> FakeDoor:
    return with_door(console)


def word(kind: str, number: int, incident: str, ago_s: int = 0, **more: Any) -> dict[str, Any]:
    clocks = {"boot": BOOT, "wall_ms": WALL - ago_s * 1000, "mono_ms": 900_000 - ago_s * 1000}
    named = {"client_id": f"item-{number:04d}", "kind": kind, "by": "guard", "seq": number, "incident": incident}
    return named | clocks | more


def sync(browser: Browser, *items: dict[str, Any]) -> Any:
    body = {"phone": PHONE, "boot": BOOT, "wall_ms": WALL, "mono_ms": 900_000, "queued": 0, "items": list(items)}
    return browser.api("/patrol/phone/sync", body).json()


def told(browser: Browser) -> Any:
    return browser.get("/api/v1/patrol/phone/fire", Accept="application/json").json()


def record(console: Console, incident: str) -> Dossier:
    with console.db.read() as s:
        return incidents.dossier(s, incident)


def test_a_fire_reaches_the_guard_on_duty_with_place_and_clock(console: Console, door: FakeDoor) -> None:
    began = console.now
    incident = burns(console, SMOKE_6)
    with console.browser("guard") as browser:
        (fire,) = sync(browser)["fire"]["open"]
        assert told(browser)["open"] == [fire]
    assert (fire["id"], fire["stage"], fire["building"]) == (incident, "unconfirmed", "1号楼")
    assert fire["spots"] == [
        {
            "name": "1号楼6层走廊烟感", "name_en": "Building 1, floor 6, smoke detector",
            "zone": "1号楼1至6层", "zone_en": "Building 1, floors 1 to 6",
        }
    ]  # fmt: skip
    assert fire["checkpoints"] == ["lobby-1", "stairs-1"]
    assert fire["confirm_by_ms"] == to_ms(began + timedelta(seconds=1, minutes=3))
    assert fire["steps"] == []
    assert "guard" in {one["username"] for one in fire["helpers"]}


def test_somebody_off_duty_is_told_of_a_large_one_only(console: Console, door: FakeDoor) -> None:
    burns(console, SMOKE_6)
    with console.browser("guard-3") as off, console.browser("duty") as desk:
        assert told(off)["open"] == []
        assert len(told(desk)["open"]) == 1
        burns(console, CALL_3)
        (fire,) = told(off)["open"]
    assert (fire["stage"], fire["reason"], len(fire["spots"])) == ("large", "second_signal", 2)
    assert [step["id"] for step in fire["steps"]][:2] == ["call-119", "evacuate"]
    assert fire["broadcast"].startswith("各位业主请注意：1号楼1至6层发生火情")


def test_going_arriving_grading_and_ticking_off(console: Console, door: FakeDoor) -> None:
    incident = burns(console, SMOKE_6)
    console.clock.advance(timedelta(seconds=90))
    with console.browser("guard") as browser:
        answer = sync(
            browser,
            word("fire_accept", 1, incident, ago_s=40),
            word("fire_arrive", 2, incident, ago_s=10),
            word("fire_grade", 3, incident, grade="small", note="垃圾桶"),
            word("fire_step", 4, incident, plan="small", step="extinguish"),
            word("fire_note", 5, incident, note="已扑灭", photos=["picture1"]),
            word("fire_step", 6, incident, plan="large", step="lifts"),
        )
        (fire,) = answer["fire"]["open"]
    assert answer["accepted"] == [f"item-000{number}" for number in range(1, 6)]
    assert [one["client_id"] for one in answer["refused"]] == ["item-0006"]
    assert (fire["stage"], fire["graded_by"]) == ("small", "安管员")
    (own,) = [one for one in fire["helpers"] if one["username"] == "guard"]
    now_ms = to_ms(console.now)
    assert (own["accepted_ms"], own["arrived_ms"]) == (now_ms - 40_000, now_ms - 10_000)
    assert [(one["id"], bool(one["done_ms"])) for one in fire["steps"]] == [
        ("extinguish", True), ("watch", False), ("report", False),
    ]  # fmt: skip
    last = record(console, incident).events[-1]
    assert (last.kind, last.actor) == ("comment", "guard")
    assert last.data == {"text": "已扑灭", "photos": [f"{SITE}/picture1"]}
    with console.db.read() as s:
        assert not list(s.scalars(select(Incident)))


def test_what_comes_twice_is_said_once_and_undoes_nothing(console: Console, door: FakeDoor) -> None:
    incident = burns(console, SMOKE_6)
    with console.browser("guard") as browser:
        small = word("fire_grade", 1, incident, grade="small")
        note = word("fire_note", 2, incident, note="没有明火")
        sync(browser, small, note)
        with console.db.begin() as s:
            site, now = console.configs.site(SITE), console.now + timedelta(seconds=1)
            fire_response.grade(s, site, incident, actor="duty", now=now, grade="large")
        before = record(console, incident)
        assert sync(browser, small, note)["accepted"] == ["item-0001", "item-0002"]
    after = record(console, incident)
    assert (after.incident.stage, after.incident.graded_by) == ("large", "duty")
    assert len(after.events) == len(before.events)


def test_a_grade_from_before_a_newer_one_is_a_remark_with_both_times(console: Console, door: FakeDoor) -> None:
    incident = burns(console, SMOKE_6)
    console.clock.advance(timedelta(minutes=2))
    with console.db.begin() as s:
        fire_response.grade(s, console.configs.site(SITE), incident, actor="duty", now=console.now, grade="large")
    console.clock.advance(timedelta(minutes=3))
    with console.browser("guard") as browser:
        assert sync(browser, word("fire_grade", 1, incident, ago_s=240, grade="small"))["accepted"]
    found = record(console, incident)
    assert found.incident.stage == "large"
    assert found.events[-1].kind == "comment"
    assert "小火情" in found.events[-1].data["text"]
    assert "10:01:01，10:05:01 送达" in found.events[-1].data["text"]


@pytest.mark.parametrize("grade", ["small", "none"])
@pytest.mark.parametrize("grown", ["second_signal", "unconfirmed_in_time", ""])
def test_small_from_before_it_grew_does_not_make_it_small(
    console: Console, door: FakeDoor, grown: str, grade: str
) -> None:
    incident = burns(console, SMOKE_6)
    console.clock.advance(timedelta(seconds=30))
    with console.db.begin() as s:
        row = incidents.get(s, incident)
        zone, other = (next(iter(row.zones)), SMOKE_7) if grown else ("garage-north", CALL_3)
        fires = Reported(((zone, f"{SITE}/fire-panel-1/{other}"),))
        incidents.change(s, row, NotConfirmed() if grown == "unconfirmed_in_time" else fires, console.now)
    console.clock.advance(timedelta(minutes=10))
    with console.browser("guard") as browser:
        said = word("fire_grade", 1, incident, ago_s=610, grade=grade, note="垃圾桶")
        (fire,) = sync(browser, said)["fire"]["open"]
        assert (fire["stage"], fire["reason"]) == (("large", grown) if grown else ("unconfirmed", ""))
        text = record(console, incident).events[-1].data["text"]
        assert "垃圾桶" in text
        assert "10:00:21，10:10:31 送达" in text
        (fire,) = sync(browser, word("fire_grade", 2, incident, grade=grade, note="看过了"))["fire"]["open"]
    assert fire["stage"] == "small", "what he says now, of what there is now, counts"


def test_the_same_component_again_does_not_overtake_a_grade(console: Console, door: FakeDoor) -> None:
    incident = burns(console, SMOKE_6)
    console.clock.advance(timedelta(seconds=30))
    with console.db.begin() as s:
        row = incidents.get(s, incident)
        ((zone, (first,)),) = row.zones.items()
        incidents.change(s, row, Reported(((zone, first),)), console.now)
    with console.browser("guard") as browser:
        (fire,) = sync(browser, word("fire_grade", 1, incident, ago_s=10, grade="small"))["fire"]["open"]
    assert fire["stage"] == "small"


def test_from_large_to_small_needs_his_own_words(console: Console, door: FakeDoor) -> None:
    incident = burns(console, SMOKE_6, CALL_3)
    console.clock.advance(timedelta(minutes=10))
    with console.browser("guard") as browser:
        answer = sync(browser, word("fire_grade", 1, incident, grade="small", note=" "))
        assert [one["client_id"] for one in answer["refused"]] == ["item-0001"]
        assert "写明原因" in answer["refused"][0]["reason"]
        assert answer["fire"]["open"][0]["stage"] == "large"
        # Said without network he cannot be asked any more: it is read in the record.
        answer = sync(browser, word("fire_grade", 2, incident, ago_s=300, grade="small"))
        assert (answer["refused"], answer["fire"]["open"][0]["stage"]) == ([], "large")
        assert "小火情" in record(console, incident).events[-1].data["text"]
        answer = sync(browser, word("fire_grade", 3, incident, ago_s=300, grade="small", note="垃圾桶，已扑灭"))
    assert answer["fire"]["open"][0]["stage"] == "small"


def test_of_a_storm_only_some_places_are_named_and_all_are_counted(
    console: Console, door: FakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = burns(console, SMOKE_6)
    with console.db.begin() as s:
        fires = Reported(tuple(("", f"{SITE}/fire-panel-1/{number:08x}") for number in range(2000)))
        incidents.change(s, incidents.get(s, incident), fires, console.now)
    named: list[str] = []
    name = phone_fire.component_name
    monkeypatch.setattr(
        phone_fire, "component_name", lambda config, one, *more: (named.append(one), name(config, one, *more))[1]
    )
    with console.browser("guard") as browser:
        (fire,) = told(browser)["open"]
    assert (len(fire["spots"]), fire["more"]) == (6, 1995)
    assert len(named) == 6


def test_no_fire_seen_is_small_until_the_desk_says_what_it_was(console: Console, door: FakeDoor) -> None:
    incident = burns(console, SMOKE_6, SMOKE_7)
    with console.browser("guard") as browser:
        (fire,) = sync(browser, word("fire_grade", 1, incident, grade="none", note="烟" * 2000))["fire"]["open"]
    assert fire["stage"] == "small"
    assert "未见火情" in record(console, incident).events[-1].data["note"]


def test_after_it_is_closed_nothing_said_is_lost(console: Console, door: FakeDoor) -> None:
    incident = burns(console, SMOKE_6)
    with console.db.begin() as s:
        site = console.configs.site(SITE)
        fire_response.close(s, site, incident, actor="duty", now=console.now, verdict="false", cause="水汽")
    with console.browser("guard") as browser:
        answer = sync(
            browser,
            word("fire_arrive", 1, incident),
            word("fire_arrive", 2, "no-such-incident"),
            word("fire_step", 3, incident, plan="elsewhere"),
        )
        assert answer["fire"]["open"] == []
    assert answer["accepted"] == ["item-0001"]
    assert {one["client_id"] for one in answer["refused"]} == {"item-0002", "item-0003"}
    assert "已到场" in record(console, incident).events[-1].data["text"]


def test_test_mode_shows_on_the_phone(console: Console, door: FakeDoor) -> None:
    until = console.now + timedelta(hours=1)
    with console.db.begin() as s:
        s.add(
            FireTestMode(
                id="01TESTMODE", site=SITE, panel="fire-panel-1", zone="pump-rooms", reason="保养",
                begun_at=console.now, begun_by="duty", second="supervisor", until=until,
            )
        )  # fmt: skip
    with console.browser("guard") as browser:
        assert told(browser)["tests"] == [{"place": "水泵房", "place_en": "Pump rooms", "until_ms": to_ms(until)}]
        console.clock.set(until)
        assert told(browser)["tests"] == []
