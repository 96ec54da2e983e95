import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from console import ROOT, SITE, START, Browser, Console, shipped
from inspected import entry
from phone import FakeDoor, with_door
from sqlalchemy import select

from gateway.contract.heard import Heard
from gateway.contract.times import format_at, parse_at, to_ms
from gateway.decoder import Decoder
from gateway.registry import Registry
from gateway.subscribe import Message
from services.alert.tables import Alert
from services.equipment import certificates
from services.equipment.certificates import NewCertificate
from services.measurement.tables import TypedReading
from services.work_order.tables import WorkOrder

BOOT, PHONE = "B0000001", "PH000001"
WALL = 1_763_690_400_000
BOX = "box-1-insulation"
FLOOR = "lobby-1-friction"
MEASURED = {"instrument": "2500-3317", "circuit": "WL1"}


@pytest.fixture
def door(console: Console) -> FakeDoor:
    return with_door(console)


def reading(number: int, point: str, value: Any, ago_s: int = 0, **more: Any) -> dict[str, Any]:
    """An item as the app keeps it, `ago_s` before the delivery of `sync`."""
    clocks = {"boot": BOOT, "wall_ms": WALL - ago_s * 1000, "mono_ms": 9_000_000 - ago_s * 1000}
    known = {"client_id": f"read-{number:04d}", "kind": "reading", "by": "engineer-power", "seq": number}
    return {**known, **clocks, "point": point, "value": value, **more}


def delivery(*items: dict[str, Any]) -> dict[str, Any]:
    return {"phone": PHONE, "boot": BOOT, "wall_ms": WALL, "mono_ms": 9_000_000, "queued": 0, "items": list(items)}


def sync(browser: Browser, *items: dict[str, Any]) -> Any:
    return browser.api("/patrol/phone/sync", delivery(*items)).json()


def told_of(browser: Browser) -> Any:
    return browser.client.get("/api/v1/patrol/phone/readings", headers={"Accept": "application/json"}).json()


def carried(console: Console, door: FakeDoor, *, first: int = 1) -> None:
    """Everything the door took reaches ingest, as the outbox numbers it."""
    decoder = Decoder(Registry.of([console.configs.site(SITE)]), lambda claims: [one.at_ms for one in claims])
    heard: list[Heard] = []
    for number, (device, body) in enumerate(door.readings, first):
        payload = json.dumps({"id": f"b1-{number}", **body}).encode()
        message = Message(f"gengfu/v1/{SITE}/{device}/reading", payload, number, 1, False)
        batch = decoder.decode_all([message], to_ms(console.now))
        assert not batch.rejected
        console.store.write(batch.rows)
        heard += batch.heard
    console.judge.hear(heard, [], to_ms(console.now))


def rows(console: Console) -> list[TypedReading]:
    with console.db.read() as s:
        return list(s.scalars(select(TypedReading).order_by(TypedReading.at)))


def test_a_value_below_the_limit_brings_an_alert_and_an_order_that_say_how_it_was_measured(
    console: Console, door: FakeDoor
) -> None:
    item = reading(1, BOX, 0.32, ago_s=120, note="受潮", photos=["photo-0001"], **MEASURED)
    with console.browser("engineer-power") as browser:
        assert sync(browser, item)["accepted"] == ["read-0001"]
        ((device, body),) = door.readings
        assert (device, body["unit"], body["at"]) == ("meter-electrical", "MΩ", format_at(to_ms(console.now) - 120_000))
        carried(console, door)
        (row,) = rows(console)
        assert (row.by, row.value, row.instrument, row.circuit) == ("engineer-power", 0.32, "2500-3317", "WL1")
        assert (row.note, row.photos, row.at) == ("受潮", ["yunhe/photo-0001"], console.now - timedelta(minutes=2))
        alert = console.alert(BOX, "NUM-02")
        order = console.order(alert.id)
        assert (alert.value, alert.detail["typed"]["instrument"], alert.detail["typed"]["circuit"]) == (
            0.32, "2500-3317", "WL1",
        )  # fmt: skip
        page = browser.get(f"/work-orders/{order.id}").text
        assert "2500-3317" in page
        assert "WL1" in page
        assert "2500-3317" in browser.get(f"/alerts/{alert.id}").text
        point = browser.get(f"/points/{SITE}/{BOX}").text
        assert "受潮" in point
        assert "/patrol/photos/yunhe/photo-0001" in point


def test_delivered_again_it_is_one_reading_of_one_time(console: Console, door: FakeDoor) -> None:
    item = reading(1, BOX, 0.32, ago_s=60, **MEASURED)
    with console.browser("engineer-power") as browser:
        for _ in range(3):
            assert sync(browser, item)["accepted"] == ["read-0001"]
            console.clock.advance(timedelta(seconds=7))
        assert len(door.readings) == 1
        door.readings *= 2  # the door's process died between keeping it and noting that it had
        carried(console, door)
        sync(browser, item)
    assert len(door.readings) == 2
    assert len(rows(console)) == 1
    with console.db.read() as s:
        assert [one.occurrence for one in s.scalars(select(Alert))] == [1]
        assert len(s.scalars(select(WorkOrder)).all()) == 1


def test_a_door_that_was_shut_takes_it_later_with_the_time_that_was_worked_out_first(
    console: Console, door: FakeDoor
) -> None:
    item = reading(1, FLOOR, 0.62, ago_s=60, place="入口", condition="dry")
    first = console.now
    with console.browser("engineer-power") as browser:
        door.closed = True
        assert browser.api("/patrol/phone/sync", delivery(item)).status_code == 503
        door.closed = False
        console.clock.advance(timedelta(minutes=5))
        assert sync(browser, item)["accepted"] == ["read-0001"]
    assert [parse_at(body["at"]) for _, body in door.readings] == [to_ms(first) - 60_000]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (reading(1, BOX, -1.0, **MEASURED), "cannot be a reading"),
        (reading(1, FLOOR, 6.2, place="入口", condition="dry"), "cannot be a reading"),
        (reading(1, BOX, 0.9, circuit="WL1"), "instrument"),
        (reading(1, BOX, 0.9, instrument="2500-3317", circuit="  "), "circuit"),
        (reading(1, FLOOR, 0.62, condition="dry"), "place"),
        (reading(1, FLOOR, 0.62, place="入口"), "Dry or wet"),
        (reading(1, "low-zone-pressure", 0.45), "read by its device"),
        (reading(1, "no-such-point", 0.45), "no point"),
        (reading(1, BOX, "0.9", **MEASURED), "valid"),
        (reading(1, BOX, None, **MEASURED), "valid"),
        (reading(1, BOX, True, **MEASURED), "valid"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once_with_words(
    console: Console, door: FakeDoor, item: dict[str, Any], words: str
) -> None:
    with console.browser("engineer-power") as browser:
        answer = sync(browser, item)
    assert not answer["accepted"]
    (refused,) = answer["refused"]
    assert words in refused["reason"]
    assert refused["status"] == (404 if words == "no point" else 422), "the phone has words of its own for these"
    assert not door.readings


def test_a_guard_types_nothing_but_brings_what_an_engineer_left_on_the_phone(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser:
        assert told_of(browser) | {"version": ""} == {
            "on": False, "version": "", "points": [], "instruments": [],
        }  # fmt: skip
        refused = sync(browser, reading(1, BOX, 0.9, by="guard", **MEASURED))["refused"]
        assert "may not reading.enter" in refused[0]["reason"]
        # He never had this phone: it is the guard's own word, and that does not count.
        assert sync(browser, reading(2, BOX, 0.9, **MEASURED))["refused"]
    with console.browser("engineer-power") as browser:
        sync(browser)
    with console.browser("guard") as browser:
        assert sync(browser, reading(3, BOX, 0.9, ago_s=600, **MEASURED))["accepted"] == ["read-0003"]
    ((_, body),) = door.readings
    assert (body["typed"]["by"], body["typed"]["delivered_by"]) == ("engineer-power", "guard")


@pytest.mark.parametrize(
    ("instrument", "until_on", "calibration"),
    [
        ("2500-3317", "2026-11-21", "valid"),
        ("gj-01", "2026-11-20", "expired"),
        ("2500-3317", None, "none"),
        ("2500-3371", "2026-11-21", "unknown"),
    ],
)
def test_an_instrument_without_valid_calibration_is_marked(
    console: Console, door: FakeDoor, instrument: str, until_on: str | None, calibration: str
) -> None:
    with console.db.begin() as s:
        row = entry(s, console.configs.site(SITE), "insulation-tester", START)
        if until_on:
            paper = NewCertificate("calibration", date.fromisoformat(until_on))
            certificates.add(s, SITE, row, paper, START, actor=ROOT.username)
    with console.browser("engineer-power") as browser:
        sync(browser, reading(1, BOX, 1.2, instrument=instrument, circuit="WL1"))
        carried(console, door)
        page = browser.get("/readings").text
    (found,) = rows(console)
    assert found.calibration == calibration
    assert ("校准已过期" in page) == (calibration == "expired")


def test_the_phone_is_told_limits_last_values_and_instruments(console: Console, door: FakeDoor) -> None:
    with console.db.begin() as s:
        entry(s, console.configs.site(SITE), "insulation-tester", START)
    with console.browser("engineer-power") as browser:
        sync(browser, reading(1, FLOOR, 0.62, place="入口", condition="dry"))
        carried(console, door)
        told = told_of(browser)
        answer = browser.client.get("/api/v1/patrol/phone/readings", headers={"If-None-Match": f'"{told["version"]}"'})
    assert answer.status_code == 304
    floor = next(one for one in told["points"] if one["id"] == FLOOR)
    assert (floor["minimum"], floor["maximum"], floor["valid_max"], floor["step"]) == (0.5, None, 2, 0.01)
    assert (floor["requirement"], floor["again_days"]) == ("NUM-04", 180)
    assert floor["asks"] == {"instrument": False, "circuit": False, "place": True, "condition": True}
    assert [(one["value"], one["place"], one["condition"]) for one in floor["last"]] == [(0.62, "入口", "dry")]
    (tester,) = told["instruments"]
    assert (tester["number"], tester["also"], tester["until_on"]) == ("2500-3317", ["GJ-01", "insulation-tester"], None)
    assert "low-zone-pressure" not in {one["id"] for one in told["points"]}
    assert shipped().site(SITE).point(BOX).interval is None


NEW = {"client_id": "prog-0001", "site": SITE, "point": BOX, "value": 0.32, **MEASURED}


def test_a_program_brings_a_reading_once_and_is_told_its_time(console: Console, door: FakeDoor) -> None:
    at = console.now - timedelta(hours=2)
    with console.browser("engineer-power") as browser:
        first = browser.api("/readings", NEW | {"at": at.isoformat()})
        again = browser.api("/readings", NEW | {"at": (at + timedelta(minutes=1)).isoformat()})
        carried(console, door)
        listed = browser.client.get("/api/v1/readings", headers={"Accept": "application/json"}).json()
    assert (first.status_code, again.status_code) == (202, 202)
    assert datetime.fromisoformat(first.json()["at"]) == datetime.fromisoformat(again.json()["at"]) == at
    assert len(door.readings) == 1
    assert [(one["value"], one["circuit"], one["good"]) for one in listed] == [(0.32, "WL1", False)]


def test_what_is_years_old_is_kept_and_changes_nothing_today(console: Console, door: FakeDoor) -> None:
    old = NEW | {"client_id": "prog-0002", "circuit": "WL9", "value": 0.1, "at": "1970-01-02T00:00:00Z"}
    with console.browser("engineer-power") as browser:
        browser.api("/readings", NEW | {"value": 0.9})
        browser.api("/readings", old)
        carried(console, door)
    assert [one.value for one in rows(console)] == [0.1, 0.9]
    with console.db.read() as s:
        assert not s.scalars(select(Alert).where(Alert.rule == "NUM-02")).all()


def test_a_program_needs_the_permission_and_a_time_that_has_been(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser:
        assert browser.api("/readings", NEW).status_code == 403
        assert browser.get("/readings/new").status_code == 403
        assert browser.post("/readings", {"point": f"{SITE}/{BOX}", "value": "1"}).status_code == 403
    with console.browser("supervisor") as browser:
        future = browser.api("/readings", NEW | {"at": (console.now + timedelta(hours=1)).isoformat()})
        assert (future.status_code, future.json()["field"]) == (422, "at")
        assert browser.api("/readings", NEW | {"site": "elsewhere"}).status_code == 404
        assert browser.api("/readings", NEW | {"value": 1e300}).status_code == 422, "300 digits on every page"
    assert not door.readings


def test_the_desk_types_in_what_somebody_measured_without_a_phone(console: Console, door: FakeDoor) -> None:
    with console.browser("duty") as browser:
        assert "1号楼大堂地砖摩擦系数" in browser.get("/readings/new").text
        form = browser.get(f"/readings/new?point={SITE}/{FLOOR}").text
        assert "地面状态" in form
        assert "≥ 0.5" in form
        said: dict[str, object] = {
            "point": f"{SITE}/{FLOOR}", "client_id": "form000001", "value": "0,46", "condition": "wet",
            "place": "电梯口", "at": "2026-11-21T09:30",
        }  # fmt: skip
        assert browser.post("/readings", said | {"value": "4.6"}).status_code == 422
        assert browser.post("/readings", said | {"at": "2026-11-21T10:30"}).status_code == 422
        assert browser.post("/readings", said).headers["HX-Redirect"] == f"/readings?sent={SITE}/{FLOOR}"
        assert browser.post("/readings", said).status_code == 204
        carried(console, door)
        listed = browser.get("/readings?quantity=friction").text
        assert "电梯口" in listed
        assert "0.46" in listed
        assert "电梯口" not in browser.get("/readings?quantity=insulation").text
        assert "电梯口" in browser.get(f"/points/{SITE}/{FLOOR}").text
        console.clock.advance(timedelta(days=181))
        browser.sign_in("duty")
        assert "请复测" in browser.get(f"/points/{SITE}/{FLOOR}").text
    (row,) = rows(console)
    assert (row.by, row.value, row.condition, row.at) == ("duty", 0.46, "wet", START - timedelta(minutes=30))
