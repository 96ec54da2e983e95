from datetime import timedelta

import fire_rows
import pytest
from console import PASSWORD, SITE, START, Console

from services.fire import incidents
from services.fire.incident import Reported

MINUTE = timedelta(minutes=1)
SECOND = {"second_username": "supervisor", "second_password": PASSWORD}


@pytest.fixture
def incident(console: Console) -> str:
    with console.db.begin() as s:
        return fire_rows.seed(s, console.configs.site(SITE), START).id


def test_the_board_components_and_signals(console: Console, incident: str) -> None:
    with console.browser("duty") as browser:
        found = browser.get("/api/v1/fire").json()
        components = browser.get("/api/v1/fire/components").json()
        quiet = browser.get("/api/v1/fire/components?open=false&building=building-2").json()
        signals = browser.get("/api/v1/fire/signals?state=fire&test=false").json()
        rest = browser.get("/api/v1/fire/signals", Accept="application/json").json()
        paged = {"before": rest[1]["received_at"], "before_id": rest[1]["id"]}
        after = browser.client.get("/api/v1/fire/signals", params=paged).json()
    assert [(one["id"], one["stage"]) for one in found["incidents"]] == [(incident, "unconfirmed")]
    health = {one["id"]: one["health"] for one in found["buildings"]}
    assert (health["building-1"], health["building-2"]) == ("fire", "fault")
    assert [one["link"] for one in found["sources"]] == ["online"]
    assert {one["address"] for one in components} >= {fire_rows.SMOKE, fire_rows.SHIELDED, fire_rows.UNKNOWN}
    assert {one["building"] for one in quiet} == {"building-2"}
    assert [(one["raw"], one["states"]) for one in signals] == [(fire_rows.FRAME, ["fire"])]
    assert after == rest[2:]


AFAR = ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"]


@pytest.mark.parametrize("path", ["signals", "incidents", "commands", "outages", "tests", "../../../fire/log"])
def test_times_out_of_all_reach_are_refused(console: Console, incident: str, path: str) -> None:
    keys = {"signals": ("from", "to", "before"), "../../../fire/log": ("before",), "tests": ()}.get(path, ("before",))
    queries = [f"{key}={one}" for key in keys for one in AFAR]
    if path == "tests":
        queries = ["month=0001-01", "month=9999-12", "month=1999-12", "month=2100-01"]
    if path.endswith("log"):
        queries += [f"{key}={day}" for key in ("from", "to") for day in ("0001-01-01", "9999-12-31", "1999-12-31")]
    with console.browser("duty") as browser:
        paths = [f"/api/v1/fire/{path}"] if not path.startswith("..") else ["/fire/log", "/fire/log.csv"]
        paths += {"incidents": ["/fire/incidents"], "commands": ["/fire/commands"], "tests": ["/fire/tests"]}.get(
            path, []
        )
        answers = {f"{one}?{query}": browser.get(f"{one}?{query}").status_code for one in paths for query in queries}
        entry = {"site": SITE, "held_on": "0001-01-01", "owners": 3, "staff": 2, "items": ["evacuation"]}
        assert browser.api("/fire/drills", entry).status_code == 422
        fine = "month=2000-01" if path == "tests" else "before=2099-12-31T00:00:00Z"
        assert {browser.get(f"{one}?{fine}").status_code for one in paths} == {200}
    assert {path: status for path, status in answers.items() if status != 422} == {}


def test_an_incident_of_a_storm_is_a_small_answer(console: Console, incident: str) -> None:
    with console.db.begin() as s:
        row = incidents.get(s, incident)
        had = sum(map(len, row.zones.values()))
        for one in range(520):
            fires = tuple((f"z{one % 3}", f"{SITE}/p/{one}-{n}") for n in range(100 if one < 20 else 1))
            incidents.change(s, row, Reported(fires), START + MINUTE)
    with console.browser("duty") as browser:
        answer = browser.get(f"/api/v1/fire/incidents/{incident}")
        for path in ("/api/v1/fire", "/api/v1/fire/incidents"):
            assert len(browser.get(path).content) < 50_000
    found = answer.json()
    assert len(answer.content) < 200_000
    assert sum(map(len, found["zones"].values())) == 50
    assert found["components"] == had + 20 * 100 + 500
    assert (len(found["history"]), found["history"][-1]["seq"]) == (500, found["happenings"])


def test_an_incident_over_the_api(console: Console, incident: str) -> None:
    here = f"/fire/incidents/{incident}"
    with console.browser("duty") as browser:
        called = {one["username"]: one["accepted_at"] for one in browser.api(f"{here}/accept").json()["calls"]}
        assert [who for who, accepted in called.items() if accepted] == ["duty"]
        graded = browser.api(f"{here}/grade", {"grade": "small"}).json()
        assert (graded["stage"], [one["step"] for one in graded["steps"]]) == (
            "small",
            ["extinguish", "watch", "report"],
        )
        done = browser.api(f"{here}/steps/small/watch", {}).json()
        assert [one["done_by"] for one in done["steps"]] == [None, "duty", None]
        assert browser.api(f"{here}/steps/small/nothing", {}).status_code == 404
        assert browser.api(f"{here}/comments", {"text": "烟已散"}).status_code == 201
        closed = browser.api(f"{here}/close", {"verdict": "false", "cause": "蒸汽"}).json()
        assert (closed["stage"], closed["verdict"], closed["history"][-1]["kind"]) == ("closed", "false", "closed")
        assert browser.api(f"{here}/grade", {"grade": "large"}).status_code == 409
        assert [one["id"] for one in browser.get("/api/v1/fire/incidents").json()] == [incident]


def test_upkeep_over_the_api(console: Console, incident: str) -> None:
    mode = {"site": SITE, "panel": "fire-panel-1", "until": "2026-11-21T03:00:00Z", "reason": "检测", **SECOND}
    ask = {"site": SITE, "source": "fire-panel-1", "kind": "utd_state"}
    entry = {"site": SITE, "device": "ext-b1-f6", "kind": "visual", "passed": True, "tested_on": "2026-11-21"}
    drill = {"site": SITE, "held_on": "2026-11-21", "owners": 3, "staff": 2, "items": ["evacuation"]}
    with console.browser("duty") as browser:
        assert browser.api("/fire/test-modes", mode).json()["current"]["incident"] == incident
        assert browser.api(f"/fire/incidents/{incident}/close", {"verdict": "test", "cause": "检测"}).status_code == 200
    with console.browser("engineer-fire") as browser:
        made = browser.api("/fire/test-modes", mode)
        assert (made.status_code, made.json()["second"]) == (201, "supervisor")
        assert [one["id"] for one in browser.get("/api/v1/fire/test-modes").json()] == [made.json()["id"]]
        assert browser.api(f"/fire/test-modes/{made.json()['id']}/end").json()["ended_by"] == "engineer-fire"
        assert browser.api("/fire/commands", ask).status_code == 201
        assert len(browser.get("/api/v1/fire/commands").json()) == 4
        assert browser.api("/fire/tests", entry).status_code == 201
        states = {one["device"]: one["state"] for one in browser.get("/api/v1/fire/tests").json()}
        assert (states["ext-b1-f6"], states["ext-b1-f1"], states["b1-f1-smoke"]) == ("done", "failed", "due")
        assert browser.api("/fire/drills", drill).status_code == 201
        assert [one["staff"] for one in browser.get("/api/v1/fire/drills").json()] == [2, 5]
        noted = browser.api(f"/fire/outages/{SITE}/o1", {"filed": False, "measures": "巡查"}).json()
        assert (noted["filed"], noted["noted_by"]) == (False, "engineer-fire")
        assert [one["id"] for one in browser.get("/api/v1/fire/outages?ended=true").json()] == ["o2"]
    with console.browser("guard") as browser:
        assert browser.api("/fire/commands", ask).status_code == 403
        assert browser.api("/fire/tests", entry).status_code == 403
