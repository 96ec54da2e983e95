import json
from datetime import timedelta
from typing import Any

import pytest
from console import PASSWORD, SITE, Browser, Console
from phone import FakeDoor, plan_round, tags, with_door
from sqlalchemy import select

from gateway.contract.times import parse_at, to_ms
from services.flows.patrol import emergency
from services.kernel import timers
from services.patrol.phone.photos import MAX_BYTES
from services.patrol.tables import DutyTime, Incident, Phone, Photo

BOOT, PHONE = "B0000001", "PH000001"
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 64 + b"\xff\xd9"


@pytest.fixture
def door(console: Console) -> FakeDoor:
    return with_door(console)


def item(kind: str, number: int, ago_s: int = 0, **more: Any) -> dict[str, Any]:
    """An item as the app keeps it, `ago_s` before the delivery of `sync`."""
    clocks = {"boot": BOOT, "wall_ms": WALL - ago_s * 1000, "mono_ms": 900_000 - ago_s * 1000}
    return {"client_id": f"item-{number:04d}", "kind": kind, "by": "guard", "seq": number, **clocks, **more}


WALL = 1_763_690_400_000


def sync(browser: Browser, *items: dict[str, Any], wall_ms: int = WALL, **more: Any) -> Any:
    body = {"phone": PHONE, "boot": BOOT, "wall_ms": wall_ms, "mono_ms": 900_000, "queued": 0, "items": list(items)}
    return browser.api("/patrol/phone/sync", body | more)


def test_a_tap_goes_through_the_door_with_its_true_time(console: Console, door: FakeDoor) -> None:
    tag = tags(console)[0][1]
    with console.browser("guard") as browser:
        answer = sync(browser, item("tap", 1, ago_s=600, tag=tag, round="yunhe/r1", retries=2, answers={"ok": True}))
    assert answer.json()["accepted"] == ["item-0001"]
    (tap,) = door.taps
    # The phone's wall clock is a year off: ten minutes of its monotonic clock before now it was.
    assert parse_at(tap["at"]) == to_ms(console.now) - 600_000
    assert parse_at(tap["claimed_at"]) == WALL - 600_000
    assert (tap["clock"], tap["guard"], tap["phone"], tap["round"]) == ("monotonic", "guard", PHONE, "yunhe/r1")
    assert (tap["tag"], tap["evidence"], tap["retries"], tap["answers"]) == (tag, "uid", 2, {"ok": True})


def test_a_delivery_keeps_the_order_and_one_bad_item_does_not_hold_up_the_others(
    console: Console, door: FakeDoor
) -> None:
    good = [item("tap", number, tag=f"04aabbccddee{number:02d}") for number in range(1, 4)]
    bad = [item("tap", 4), item("nonsense", 5), item("tap", 6, code="X-123456", by="a-stranger"), {"client_id": 7}]
    with console.browser("guard") as browser:
        answer = sync(browser, good[0], bad[0], bad[1], good[1], bad[2], bad[3], good[2]).json()
    assert answer["accepted"] == ["item-0001", "item-0002", "item-0003"]
    assert {one["client_id"] for one in answer["refused"]} == {"item-0004", "item-0005", "item-0006", "7"}
    assert [tap["client_id"] for tap in door.taps] == answer["accepted"]


def test_what_another_guard_left_on_the_phone_is_his(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser:
        sync(browser)
    with console.browser("guard-2") as browser:
        sync(browser, item("tap", 1, tag="04aabbccddee80"), item("incident", 2, note="leak"), item("sign_on", 3))
    (tap,) = door.taps
    assert (tap["guard"], tap["delivered_by"], "doubts" in tap) == ("guard", "guard-2", False)
    with console.db.read() as s:
        assert [(one.by, one.note) for one in s.scalars(select(Incident))] == [("guard", "leak")]
        assert [one.username for one in s.scalars(select(DutyTime))] == ["guard"]


def test_nobody_acts_as_somebody_who_never_had_the_phone(console: Console, door: FakeDoor) -> None:
    other: dict[str, Any] = {"by": "supervisor"}
    with console.browser("guard") as browser:
        answer = sync(
            browser,
            item("tap", 1, tag="04aabbccddee80", **other),
            item("incident", 2, note="leak", **other),
            item("sign_on", 3, **other),
            item("incident", 4, note="smoke", by="has-left"),
        ).json()
    assert answer["accepted"] == [f"item-000{number}" for number in range(1, 5)]
    (tap,) = door.taps
    assert (tap["guard"], tap["delivered_by"], tap["doubts"]) == ("supervisor", "guard", ["delivered_by_other"])
    with console.db.read() as s:
        reports = s.scalars(select(Incident).order_by(Incident.id))
        assert [(one.by, one.note) for one in reports] == [
            ("guard", "[supervisor] leak"),
            ("guard", "[has-left] smoke"),
        ]
        assert [one.username for one in s.scalars(select(DutyTime))] == ["guard"]


def test_a_night_invented_afterwards_is_marked(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser:
        sync(browser, item("tap", 1, ago_s=900, tag="04aabbccddee80"))
        console.clock.set(console.now + timedelta(minutes=15))
        later = {"wall_ms": WALL + 900_000, "mono_ms": 1_800_000}
        sync(browser, item("tap", 2, ago_s=600, tag="04aabbccddee80"), item("tap", 3, tag="04aabbccddee80"), **later)
    assert [tap.get("doubts") for tap in door.taps] == [["unheard_phone"], ["unheard_phone"], None]
    with console.browser("guard") as browser:
        console.clock.set(console.now + timedelta(minutes=15))
        last = {"wall_ms": WALL + 1_800_000, "mono_ms": 2_700_000}
        sync(browser, item("tap", 4, ago_s=-300, tag="04aabbccddee80"), **last)
    assert door.taps[-1]["doubts"] == ["kept_back"]


def test_only_he_himself_says_that_he_is_well_and_only_when_asked(console: Console, door: FakeDoor) -> None:
    asked = {"since": (console.now - timedelta(minutes=1)).isoformat()}
    with console.db.begin() as s:
        timers.schedule(
            s, emergency.MAN_DOWN_TIMER, f"{SITE}/guard", console.now + timedelta(minutes=4), data=asked
        )  # fmt: skip
    with console.browser("guard") as browser, console.browser("guard-2") as other:
        sync(browser)
        assert [one["client_id"] for one in sync(other, item("check_in", 1)).json()["refused"]] == ["item-0001"]
        assert sync(browser, item("check_in", 2, ago_s=800)).json()["prompts"]
        assert not sync(browser, item("check_in", 3)).json()["prompts"]


def test_text_that_no_database_takes_is_no_error_of_ours(console: Console, door: FakeDoor) -> None:
    strange = "a\0b\ud800"
    with console.browser("guard") as browser:
        items = [item("sos", 1, note=strange), {"client_id": strange}]
        body = {"phone": PHONE, "boot": BOOT, "wall_ms": WALL, "mono_ms": 900_000, "queued": 0, "items": items}
        headers = {"X-CSRF-Token": browser.csrf, "Content-Type": "application/json"}
        # As escapes, which every parser of JSON lets through.
        answer = browser.client.post("/api/v1/patrol/phone/sync", content=json.dumps(body), headers=headers)
    assert (answer.json()["accepted"], [one["client_id"] for one in answer.json()["refused"]]) == (
        ["item-0001"],
        ["a\0b?"],
    )


def test_a_closed_door_leaves_the_taps_on_the_phone_but_hears_the_cry_for_help(
    console: Console, door: FakeDoor
) -> None:
    door.closed = True
    with console.browser("guard") as browser:
        refused = sync(browser, item("tap", 1, code="YH-P01-K7"))
        assert refused.status_code == 503
        assert refused.json()["type"].endswith(":door_closed")
        answer = sync(browser, item("tap", 1, code="YH-P01-K7"), item("sos", 2), queued=3).json()
    assert (answer["accepted"], answer["refused"]) == (["item-0002"], [])
    with console.db.read() as s:
        phone = s.get(Phone, f"{SITE}/{PHONE}")
        assert phone is not None
        assert phone.queued == 4


def test_without_a_door_the_phone_keeps_its_taps(console: Console) -> None:
    with console.browser("guard") as browser:
        assert sync(browser, item("tap", 1, code="YH-P01-K7")).status_code == 503
        assert sync(browser).status_code == 200


def test_a_sign_of_life_is_noted_with_its_clocks(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser:
        sync(browser)
    with console.db.read() as s:
        phone = s.get(Phone, f"{SITE}/{PHONE}")
        assert phone is not None
        assert (phone.username, phone.boot, phone.wall_ms, phone.mono_ms) == ("guard", BOOT, WALL, 900_000)
        assert (phone.heard_at, phone.received_ms) == (console.now, to_ms(console.now))


def test_an_sos_that_comes_twice_is_one(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser:
        for _ in range(2):
            assert sync(browser, item("sos", 1, ago_s=5, checkpoint="gate-east")).json()["accepted"] == ["item-0001"]
    with console.db.read() as s:
        (incident,) = s.scalars(select(Incident))
        assert (incident.kind, incident.by, incident.checkpoint) == ("sos", "guard", "gate-east")
        assert incident.at == console.now - timedelta(seconds=5)
        assert incident.alert_id is not None


def test_the_question_whether_he_is_well_reaches_his_phone_until_he_answers(console: Console, door: FakeDoor) -> None:
    due_at = console.now + timedelta(minutes=4)
    with console.db.begin() as s:
        timers.schedule(s, emergency.MAN_DOWN_TIMER, f"{SITE}/guard", due_at)
    with console.browser("guard") as browser, console.browser("guard-2") as other:
        assert [one["due_ms"] for one in sync(browser).json()["prompts"]] == [to_ms(due_at)]
        assert not sync(other).json()["prompts"]
        assert not sync(browser, item("check_in", 1)).json()["prompts"]


def test_only_a_signature_makes_an_address_worth_sending(console: Console, door: FakeDoor) -> None:
    signed = "https://t.example/s?picc_data=EF963FF7828658A599F3041510671E88&cmac=94EED9EE65337086"
    with console.browser("guard") as browser:
        sync(
            browser,
            item("tap", 1, tag="04aabbccddee80", url=signed),
            item("tap", 2, tag="04aabbccddee80", url="https://shop.example/9"),
        )
    assert [(tap["evidence"], tap.get("url")) for tap in door.taps] == [("sun", signed), ("uid", None)]


def test_codes_are_marked_by_how_they_came(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser:
        sync(
            browser,
            item("tap", 1, code="yh-p01-k7", entered="scanned"),
            item("tap", 2, code="YH-P01-K7", entered="typed"),
        )
    assert [(tap["evidence"], tap["code"]) for tap in door.taps] == [("qr", "YH-P01-K7"), ("manual", "YH-P01-K7")]


@pytest.mark.parametrize("demo", [True, False])
def test_taps_are_played_only_in_a_demonstration(console: Console, demo: bool) -> None:
    door = with_door(console, demo=demo)
    place, _ = tags(console)[0]
    with console.browser("guard") as browser:
        answer = sync(browser, item("tap", 1, checkpoint=place, entered="simulated")).json()
    assert bool(answer["accepted"]) is bool(door.taps) is demo


def test_the_briefing_has_what_is_needed_without_network_and_no_secret(console: Console) -> None:
    row = plan_round(console, ["gate-east", "gate-west"])
    with console.browser("guard") as browser:
        answer = browser.get("/api/v1/patrol/phone/rounds", Accept="application/json")
    found = answer.json()
    assert [(one["id"], one["mine"], len(one["stops"])) for one in found["rounds"]] == [(row.id, True, 2)]
    assert (found["username"], found["has_pin"], found["demo"]) == ("guard", False, False)
    for place in console.configs.site(SITE).patrol.checkpoints:
        assert not place.code or place.code not in answer.text
        assert not any(tag.uid in answer.text for tag in place.tags)


def test_rounds_of_another_shift_are_not_mine(console: Console) -> None:
    plan_round(console, ["gate-east"], shift="evening@2026-11-21")
    with console.browser("guard") as browser:
        found = browser.get("/api/v1/patrol/phone/rounds", Accept="application/json").json()
    assert [one["mine"] for one in found["rounds"]] == [False]


def test_photos_are_kept_once_and_checked(console: Console) -> None:
    with console.browser("guard") as browser:
        headers = {"X-CSRF-Token": browser.csrf, "Content-Type": "image/jpeg", "Accept": "application/json"}

        def send(content: bytes) -> int:
            path = "/api/v1/patrol/phone/photos/photo-0001"
            return int(browser.client.post(path, content=content, headers=headers).status_code)

        assert [send(JPEG), send(JPEG), send(JPEG[:-2] + b"x\xff\xd9")] == [201, 201, 409]
        assert [send(b"GIF89a" + JPEG), send(JPEG[:-2]), send(JPEG + b"\x00" * MAX_BYTES)] == [422, 422, 422]
        shown = browser.get(f"/patrol/photos/{SITE}/photo-0001")
        assert (shown.content, shown.headers["content-type"]) == (JPEG, "image/jpeg")
    with console.db.read() as s:
        assert len(list(s.scalars(select(Photo)))) == 1
    with console.browser() as stranger:
        assert stranger.get(f"/patrol/photos/{SITE}/photo-0001").status_code == 303


def set_pin(browser: Browser, pin: str, password: str = PASSWORD) -> int:
    return int(browser.api("/patrol/phone/pin", {"pin": pin, "password": password}).status_code)


def sign_off(browser: Browser, pin: str, number: int = 1) -> Any:
    return browser.api("/patrol/phone/sign-off", {"client_id": f"off-{number:05d}", "pin": pin})


def test_the_duress_code_looks_like_the_other_and_calls(console: Console, door: FakeDoor) -> None:
    with console.browser("guard") as browser, console.browser("guard-2") as other:
        for one, pin in ((browser, "1239"), (other, "1239")):
            assert set_pin(one, "1239", "not the password") == 422
            assert set_pin(one, pin) == 200
        sync(browser, item("sign_on", 1, ago_s=60))
        plain, forced = sign_off(other, "1239", 1), sign_off(browser, "1230", 2)
    assert plain.status_code == forced.status_code == 200, forced.json()
    assert plain.json() == forced.json()
    with console.db.read() as s:
        assert [one.by for one in s.scalars(select(Incident).where(Incident.kind == "duress"))] == ["guard"]
        duty = s.get(DutyTime, f"{SITE}/item-0001")
        assert duty is not None
        assert (duty.on_at, duty.off_at) == (console.now - timedelta(seconds=60), console.now)


def test_guessing_the_code_is_locked_without_locking_the_sign_in(console: Console) -> None:
    with console.browser("guard") as browser:
        set_pin(browser, "1234")
        assert [sign_off(browser, "9999", number).status_code for number in range(6)] == [422] * 5 + [429]
        assert sign_off(browser, "1234", 9).status_code == 429
    with console.browser("guard"):
        pass


def test_who_may_not_patrol_may_not_deliver(console: Console, door: FakeDoor) -> None:
    with console.browser() as stranger:
        assert sync(stranger, item("sos", 1)).status_code == 401
