from datetime import timedelta

from console import PASSWORD, SITE, START, Console
from sqlalchemy import select

from services.alert import service as alerts
from services.flows.patrol.emergency import DURESS_RULE
from services.flows.patrol.handover import HANDOVER_RULE
from services.kernel.audit import Audit
from services.patrol.tables import DutyTime, Handover, Phone

SHIFT = "day@2026-11-21"
"""Began three hours before START; the night shift of guard-3 ended then."""
ITEMS = ["巡逻袖章", "对讲机", "警棍", "手电"]
FORM: dict[str, object] = {
    "site": SITE,
    "shift": SHIFT,
    "side": "taken",
    "other": "guard-3",
    "second_password": PASSWORD,
    "hazards": " 3号楼消防门闭门器损坏 ",
    "keys": "配电间钥匙 2 把",
    **{f"kit:{item}": "no" if item == "警棍" else "yes" for item in ITEMS},
}
BODY: dict[str, object] = {
    "shift": SHIFT,
    "given_by": "guard-3",
    "taken_by": "guard",
    "second_password": PASSWORD,
    "kit": dict.fromkeys(ITEMS, True),
}


def stored(console: Console) -> list[Handover]:
    with console.db.read() as s:
        return list(s.scalars(select(Handover)))


def raise_alert(console: Console, rule: str, title: str) -> str:
    activation = alerts.Activation(
        site=SITE,
        rule=rule,
        target=f"{SITE}/x",
        title=title,
        title_en=title,
        severity="high",
        event_at=START,
        policy={},
    )
    with console.db.begin() as s:
        return alerts.raise_alert(s, activation, START).alert.id


def test_the_form_proposes_the_other_person_and_asks_for_every_item(console: Console) -> None:
    with console.browser("guard") as browser:
        taking = browser.get("/patrol/handover").text
    assert "早班 11-21 接班" in taking
    assert '<option value="guard-3" selected>' in taking
    assert '<option value="guard">' not in taking, "nobody signs twice"
    assert '<option value="engineer-water">' not in taking
    assert [item for item in ITEMS if f'name="kit:{item}" value="yes" required' in taking] == ITEMS
    assert '<input type="radio" name="side" value="taken" required checked>' in taking
    with console.browser("guard-3") as browser:
        giving = browser.get("/patrol/handover").text
    assert '<option value="guard" selected>' in giving
    assert '<input type="radio" name="side" value="given" checked>' in giving
    with console.browser("engineer-fire") as browser:
        assert 'name="second_password"' not in browser.get("/patrol/handover").text


def test_each_guard_is_shown_the_shift_that_concerns_him(console: Console) -> None:
    console.clock.advance(timedelta(hours=4, minutes=35))
    for username, shift in (("guard-2", "evening"), ("guard-3", "day"), ("guard-4", "day")):
        with console.browser(username) as browser:
            assert f'name="shift" value="{shift}@2026-11-21"' in browser.get("/patrol/handover").text
            asked = browser.get("/patrol/handover?shift=evening@2026-11-21").text
            assert 'name="shift" value="evening@2026-11-21"' in asked


def test_two_people_sign_and_everything_is_on_record(console: Console) -> None:
    known = raise_alert(console, "NUM-01", "水泵房压力低")
    raise_alert(console, HANDOVER_RULE, "早班未按时交接班")
    with console.browser("guard") as browser:
        answer = browser.post("/patrol/handover", FORM)
        assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")
        again = browser.post("/patrol/handover", FORM)
        page = browser.get("/patrol/handover").text
    assert again.status_code == 409
    (row,) = stored(console)
    assert (row.given_by, row.taken_by, row.open_alerts) == ("guard-3", "guard", [known])
    assert (row.hazards, row.kit) == ("3号楼消防门闭门器损坏", {item: item != "警棍" for item in ITEMS})
    record = page[page.index("交接班记录") :]
    assert "接班后 3小时" in record
    assert "水泵房压力低" in record
    assert "警棍 缺损" in record
    assert "配电间钥匙 2 把" in record
    assert "目前没有待办的交接班" in page
    with console.db.read() as s:
        entry = s.scalars(select(Audit).where(Audit.action == "patrol.handover")).one()
    assert (entry.actor, entry.detail["given_by"]) == ("guard", "guard-3")


REFUSED: dict[str, tuple[dict[str, object], int, str | None]] = {
    "a wrong password": ({"second_password": "guess"}, 422, "second_password"),
    "oneself as the other": ({"other": "guard"}, 422, "second_username"),
    "somebody whose role may not": ({"other": "engineer-fire"}, 403, None),
    "an item left out": ({"kit:手电": None}, 422, "kit"),
    "an item nobody carries": ({"kit:雨衣": "yes"}, 422, "kit"),
    "a shift long over": ({"shift": "day@2026-11-20"}, 422, "shift"),
}


def test_what_is_not_signed_by_two_or_not_complete_is_refused(console: Console) -> None:
    with console.browser("guard") as browser:
        for case, (change, status, field) in REFUSED.items():
            data = {key: value for key, value in {**FORM, **change}.items() if value is not None}
            answer = browser.post("/patrol/handover", data)
            assert (answer.status_code, answer.json().get("field")) == (status, field), case
            assert all(ord(letter) > 127 for letter in answer.json()["sentence"]), "a sentence in Chinese"
    assert stored(console) == []


def test_an_engineer_signs_none_and_another_page_cannot_make_one(console: Console) -> None:
    with console.browser("engineer-fire") as browser:
        assert browser.post("/patrol/handover", FORM).status_code == 403
    with console.browser("guard") as browser:
        assert browser.client.post("/patrol/handover", data=FORM).status_code == 403, "no CSRF token"
        plain = browser.client.post("/patrol/handover", data={**FORM, "csrf_token": browser.csrf})
        assert (plain.status_code, plain.headers["Location"]) == (303, "/patrol/handover?site=yunhe")
    assert len(stored(console)) == 1


def test_guards_do_not_see_that_one_of_them_is_under_duress(console: Console) -> None:
    covert = raise_alert(console, DURESS_RULE, "被胁迫签退")
    with console.browser("guard") as browser:
        before = browser.get("/patrol/handover").text
        done = browser.api("/patrol/handovers", BODY).json()
        after = browser.get("/patrol/handover").text
    assert "被胁迫签退" not in before + after
    assert done["open_alerts"] == []
    with console.browser("duty") as browser:
        assert "被胁迫签退" in browser.get("/patrol/handover").text
        (listed,) = browser.get("/api/v1/patrol/handovers").json()["handovers"]
    assert listed["open_alerts"] == [covert]


def test_over_http_one_of_the_two_is_signed_in(console: Console) -> None:
    with console.browser("duty") as browser:
        assert browser.api("/patrol/handovers", BODY).status_code == 422
    with console.browser("guard-3") as browser:
        waiting = browser.get("/api/v1/patrol/handovers").json()
        assert browser.api("/patrol/handovers", {**BODY, "second_password": "guess"}).status_code == 422
        answer = browser.api("/patrol/handovers", BODY)
        after = browser.get("/api/v1/patrol/handovers?limit=1").json()
    assert waiting["waiting"] == [
        {"shift": SHIFT, "people": ["guard"], "starts_at": "2026-11-20T23:00:00Z", "due_at": "2026-11-20T23:15:00Z"}
    ]
    assert waiting["kit"] == ITEMS
    assert (answer.status_code, answer.json()["id"]) == (201, f"{SITE}/{SHIFT}")
    assert (after["waiting"], after["handovers"]) == ([], [answer.json()])
    assert answer.json()["late_s"] == 3 * 3600


def test_who_is_on_duty_and_who_only_should_be(console: Console) -> None:
    with console.db.begin() as s:
        at = START - timedelta(minutes=20)
        s.add(DutyTime(id="d1", site=SITE, username="guard-4", shift=SHIFT, on_at=at, off_at=None))
        s.add(Phone(id=f"{SITE}/p1", username="guard-4", heard_at=START - timedelta(hours=1), queued=3))
    with console.browser("duty") as browser:
        page = browser.get("/patrol/handover", **{"HX-Request": "true"}).text
    rostered, relief = page.split("</li>")[:2]
    assert "安管员" in rostered
    assert "已排班，未签到" in rostered
    assert "从未联系" in rostered
    assert "监控中心机动岗" in relief
    assert "09:40:00" in relief
    assert "is-silent" in relief
